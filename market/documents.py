"""Reading JSON documents, and the words for what is wrong in them.

Protects: nothing too large or too deep is parsed, and no document can be read in two ways.
"""

import json
import math
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic_core import from_json

from market.errors import refused

MAX_DOCUMENT_BYTES = 4_000_000
"""Twenty times a year of hourly prices; what is larger is neither a market day nor a forecast."""

UTF8_BOM = b"\xef\xbb\xbf"

_DECIMAL = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?")

type Document = dict[str, object]


class _RepeatedKey(Exception):
    """A JSON object holds a key twice."""


def _without_repeats(pairs: list[tuple[str, object]]) -> Document:
    found: Document = {}
    for key, value in pairs:
        if key in found:
            raise _RepeatedKey(key)
        found[key] = value
    return found


def read_object(raw: bytes, origin: str) -> Document:
    """The JSON object in `raw`; raises `BadDocument` for anything else."""
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise too_large(origin)
    text = raw.removeprefix(UTF8_BOM)
    if not text.strip():
        raise refused(origin, "is empty", "fetch it again or give another file")
    try:
        # pydantic's parser refuses deep nesting instead of exhausting the stack, but silently keeps the last of two
        # equal keys; the standard one shows both keys, and is safe once the first has accepted the nesting.
        from_json(text)
        document = json.loads(text, object_pairs_hook=_without_repeats)
    except _RepeatedKey as error:
        raise refused(origin, f"has {clip(str(error))!r} twice in one object", "leave one of them") from None
    except ValueError as error:
        if "recursion" in str(error):
            raise refused(
                origin, "is nested too deeply to be a price or weather document", "give another one"
            ) from None
        shown = clip(text[:60].decode("utf-8", "replace"), 40)
        why = clip(str(error), 120)
        raise refused(origin, f"is not JSON ({why}; it starts with {shown!r})", "give a JSON document") from None
    if not isinstance(document, dict):
        raise refused(
            origin,
            f"holds {kind_of(document)} where a JSON object is needed",
            "give the source's answer for one day and one place as it was sent",
        )
    return document


def too_large(origin: str) -> Exception:
    """The error for a document that is too large to parse."""
    limit_mb = MAX_DOCUMENT_BYTES // 1_000_000
    return refused(origin, f"is larger than {limit_mb} MB", "give one market day or one forecast")


def column(block: Document, name: str, origin: str, within: str = "") -> list[object]:
    """A column by its name; raises `BadDocument` naming it where it is missing or no list."""
    place = f' in "{within}"' if within else ""
    if name not in block:
        raise refused(origin, f'has no column "{name}"{place}', "add it, or fetch the document again")
    values = block[name]
    if not isinstance(values, list):
        raise refused(
            origin, f'holds {kind_of(values)} as "{name}"{place} where a list is needed', "fetch the document again"
        )
    return values


def same_length(origin: str, times: str, count: int, name: str, values: list[object]) -> None:
    """Raises `BadDocument` where two columns differ in length."""
    if len(values) != count:
        raise refused(
            origin,
            f'has {count} rows of "{times}" and {len(values)} of "{name}"',
            "the columns must be equally long, so fetch the document again",
        )


def finite_number(value: object) -> float | None:
    """The value as a finite float; None for text, booleans, null, NaN and infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def decimal_of(text: str) -> float | None:
    """The number that a text is; None for everything else, also for what Python alone takes for one (1_000, nan)."""
    return finite_number(float(text)) if _DECIMAL.fullmatch(text) else None


def kind_of(value: object) -> str:
    """What a JSON value is, for an error message."""
    match value:
        case None:
            return "null"
        case bool():
            return f"the truth value {str(value).lower()}"
        case str():
            return f"the text {clip(value)!r}"
        case int() | float():
            return f"the number {clip(str(value) if isinstance(value, float) else _digits(value))}"
        case list():
            return "a list"
        case _:
            return "an object"


def _digits(number: int) -> str:
    # Turning an integer of thousands of digits into text raises ValueError.
    return str(number) if abs(number) < 10**40 else "of more than 40 digits"


def clip(text: str, limit: int = 60) -> str:
    """Text from outside on one line and at most `limit` long, for an error message."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def named(instant_s: int, tz: ZoneInfo) -> str:
    """An instant for people: local time, and UTC because one local hour occurs twice a year."""
    utc = datetime.fromtimestamp(instant_s, tz=UTC)
    return f"{utc.astimezone(tz):%Y-%m-%d %H:%M} ({utc:%Y-%m-%d %H:%M} UTC)"


def source_text(document: Document, source: str) -> str:
    """Where a series came from, and that it is synthetic where the document says so."""
    licence = document.get("license_info")
    if isinstance(licence, str) and licence.strip().lower().startswith("synthetic"):
        return f"{source} ({clip(licence, 120)})"
    return source


def moment_of(text: object) -> datetime | None:
    """An aware time that a document gives for people, in UTC; None for anything else, as nothing rests on it."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) and len(text) < 40 else None
        return None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
