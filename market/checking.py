"""Judging one raw answer of any source without storing it: which source and area it is of, its slots, its verdicts.

Protects: a check uses the reading and the rules that steering uses, so both believe and refuse the same documents.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from domain.planning.series import WholesalePrices
from domain.ports import NotPublished
from market.areas import Area, area_of, known_area
from market.errors import BadDocument, refused
from market.fetching import DEFAULT_AREA
from market.files import read_file
from market.judging.prices import day_of, days_of, judge_day
from market.registry import price_format, price_formats
from market.rows import PriceDocument, PriceFormat, PriceRow

LONGEST_CHECK_DAYS = 2000


@dataclass(frozen=True)
class CheckedPrices:
    """A document's market days, judged; without days where it was refused."""

    source: str
    price_area: str
    currency: str
    days: tuple[WholesalePrices, ...]
    notes: tuple[str, ...]
    refusal: str | None
    """The one sentence a document was refused with; None where it was accepted."""


def check_price_file(
    path: Path, source: str | None = None, price_area: str | None = None, day: date | None = None
) -> CheckedPrices:
    """Judge a file; of all its market days, or of one. Raises `LookupError` for names that are not known.

    Never raises for what the file holds: that is a refusal.
    """
    area = None if price_area is None else area_of(price_area)
    checked = CheckedPrices(source or "", price_area or "", "", (), (), None)
    try:
        raw, origin = read_file(path), str(path)
        found = price_format(source) if source is not None else recognised(raw, origin)
        checked = replace(checked, source=found.name)
        document = found.read(raw, origin, area)
        area = area or _area_of(document)
        checked = replace(checked, price_area=area.price_area, currency=document.currency, notes=document.notes)
        return replace(checked, days=_judged(document, area, day))
    except (BadDocument, NotPublished) as error:
        return replace(checked, refusal=str(error))


def recognised(raw: bytes, origin: str) -> PriceFormat:
    """The format that a document looks like; raises `BadDocument`."""
    for found in price_formats().values():
        if found.recognises(raw):
            return found
    names = ", ".join(sorted(price_formats()))
    raise refused(origin, "looks like no format that is known", f"give a document of one of {names}")


def _area_of(document: PriceDocument) -> Area:
    if document.price_area is None:
        return area_of(DEFAULT_AREA)
    found = known_area(document.price_area)
    if found is None:
        what = f"is of price area {document.price_area}, which is not known"
        raise refused(document.origin, what, "name the price area that is needed")
    return found


def _judged(document: PriceDocument, area: Area, day: date | None) -> tuple[WholesalePrices, ...]:
    """The series of the market days; raises `BadDocument` or `NotYetPublished`, naming the first that is not whole."""
    if day is not None:
        return (judge_day(document, area.price_area, day, area.tz, over_range=True),)
    if not _spans_days(document, area):
        return (judge_day(document, area.price_area, day_of(document, area.tz), area.tz),)
    days = days_of(document, area.tz)
    if len(days) > LONGEST_CHECK_DAYS:
        raise refused(document.origin, f"spans {len(days)} days", f"give at most {LONGEST_CHECK_DAYS}")
    judged: list[WholesalePrices] = []
    by_day = _rows_by_day(document, area)
    for one in days:
        rows = by_day.get(one, ())
        if not rows:
            raise refused(document.origin, f"has no prices for {one}: the whole day is missing", "fetch that day again")
        yesterday = judged[-1] if judged else None
        part = replace(document, rows=tuple(rows))
        judged.append(judge_day(part, area.price_area, one, area.tz, yesterday=yesterday))
    return tuple(judged)


def _spans_days(document: PriceDocument, area: Area) -> bool:
    """Whether a document is of several market days.

    A day that begins at another time than local midnight touches two of them: it is judged as one, and told so.
    """
    if not document.rows:
        return False
    first = datetime.fromtimestamp(document.rows[0].start_s, tz=area.tz)
    last = datetime.fromtimestamp(max(row.start_s for row in document.rows), tz=area.tz)
    touched = (last.date() - first.date()).days + 1
    return touched > 2 or (touched == 2 and (first.hour, first.minute) == (0, 0))


def _rows_by_day(document: PriceDocument, area: Area) -> dict[date, list[PriceRow]]:
    by_day: dict[date, list[PriceRow]] = {}
    for row in document.rows:
        by_day.setdefault(datetime.fromtimestamp(row.start_s, tz=area.tz).date(), []).append(row)
    return by_day
