"""A table in a file: CSV with a column of start times that name their offset, and one of prices in EUR per MWh.

Protects: a local time without an offset is refused, as it is said twice in an autumn night.
Wire format: "start_utc,price_eur_mwh" in the first line, "2026-03-02T23:00Z,80.17" in each further one.
"""

import csv
from datetime import UTC, date, datetime

from market.areas import Area
from market.documents import MAX_DOCUMENT_BYTES, UTF8_BOM, clip, decimal_of, too_large
from market.errors import BadDocument, refused
from market.judging.time_axis import EARLIEST_S, LATEST_S
from market.rows import PriceDocument, PriceRow, Question

TIMES = ("start_utc", "start", "time")
PRICES = ("price_eur_mwh", "price_eur_per_mwh", "eur_per_mwh")


class CsvTable:
    """Files only: there is no service that it is asked of. A `market.rows.PriceFormat`."""

    name = "csv-table"
    url = None

    def recognises(self, raw: bytes) -> bool:
        """Whether a document looks like this format."""
        first_line = raw.removeprefix(UTF8_BOM)[:200].split(b"\n", 1)[0]
        return b"," in first_line and any(name.encode() in first_line for name in PRICES)

    def question(self, area: Area, day: date, key: str | None) -> Question:  # noqa: ARG002 -- no service, no question
        """There is none: raises `LookupError`."""
        raise LookupError(f"price source {self.name} reads files only; configure another one for {area.price_area}.")

    def read(self, raw: bytes, origin: str, area: Area | None) -> PriceDocument:  # noqa: ARG002 -- it names no area
        """The rows of a table; raises `BadDocument`."""
        if len(raw) > MAX_DOCUMENT_BYTES:
            raise too_large(origin)
        try:
            lines = csv.reader(raw.removeprefix(UTF8_BOM).decode().splitlines())
            time_at, price_at = _columns(next(lines, []), origin)
            rows = tuple(_row(line, time_at, price_at, number, origin) for number, line in enumerate(lines, 2) if line)
        except UnicodeDecodeError:
            raise refused(origin, "is not text in UTF-8", "give a CSV file") from None
        except csv.Error as error:
            raise refused(origin, f"is not CSV ({clip(str(error))})", "give a CSV file") from None
        return PriceDocument(origin, self.name, rows)


FORMAT = CsvTable()


def _columns(header: list[str], origin: str) -> tuple[int, int]:
    names = [name.strip().casefold() for name in header]
    times = [names.index(name) for name in TIMES if name in names]
    prices = [names.index(name) for name in PRICES if name in names]
    if not times or not prices:
        raise refused(
            origin,
            f"has the columns {clip(', '.join(names)) or 'of no name'}",
            f"one of {', '.join(TIMES)} and one of {', '.join(PRICES)} are needed",
        )
    return times[0], prices[0]


def _row(line: list[str], time_at: int, price_at: int, number: int, origin: str) -> PriceRow:
    if len(line) <= max(time_at, price_at):
        raise refused(origin, f"has {len(line)} values in line {number}", "a time and a price are needed")
    try:
        moment = datetime.fromisoformat(line[time_at].strip())
        start_s = int(moment.timestamp()) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        raise _no_time(line[time_at], number, origin) from None
    if start_s is None or not EARLIEST_S <= start_s < LATEST_S or moment.astimezone(UTC).microsecond:
        raise _no_time(line[time_at], number, origin)
    text = line[price_at].strip()
    price = decimal_of(text)
    if text and price is None:
        raise refused(origin, f"holds {clip(text)!r} as the price in line {number}", "a number is needed")
    return PriceRow(start_s, price)


def _no_time(text: str, number: int, origin: str) -> BadDocument:
    what = f"holds {clip(text)!r} as the time in line {number}"
    return refused(origin, what, "times with their offset are needed, like 2026-03-02T23:00Z")
