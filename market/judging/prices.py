"""Judging the rows of a price document: whether they are this day of this price area, whole and possible.

Protects: a plan is never made from another area's day, another unit, a guess or a hole.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.planning.series import Provenance, WholesalePrices
from domain.slots import market_day_bounds
from market.areas import SLOT_S, known_area, normal_name
from market.documents import clip, finite_number, kind_of, named
from market.errors import BadDocument, NotYetPublished, refused
from market.judging.history import judge_against_yesterday
from market.judging.scale import MARKET_LIMITS, UNIT, MarketLimits, judge_limits, judge_scale
from market.judging.shape import judge_shape
from market.judging.time_axis import STEPS_S, judge_order, step_of
from market.rows import PriceDocument, PriceRow


@dataclass(frozen=True)
class _Day:
    """The market day that is asked for, and whose document is judged."""

    origin: str
    price_area: str
    day: date
    tz: ZoneInfo
    start_s: int
    end_s: int

    def at(self, instant_s: int) -> str:
        """An instant for people."""
        return named(instant_s, self.tz)


def judge_day(
    document: PriceDocument,
    price_area: str,
    day: date,
    tz: ZoneInfo,
    *,
    over_range: bool = False,
    limits: MarketLimits = MARKET_LIMITS,
    yesterday: WholesalePrices | None = None,
) -> WholesalePrices:
    """The series of a market day, 92, 96 or 100 slots in EUR per MWh; raises `BadDocument`.

    `over_range` is for answers of a source that was asked for more than the day: rows outside the day are dropped, and
    a day whose end is missing raises `NotYetPublished`. `yesterday` is the series of the day before, where there is
    one: what one document cannot show, the comparison may.
    """
    bounds = (int(bound.timestamp()) for bound in market_day_bounds(day, tz))
    asked = _Day(document.origin, price_area, day, tz, *bounds)
    _judge_area(document, price_area)
    judge_order([row.start_s for row in document.rows], asked.origin, tz)
    rows = list(document.rows)
    if over_range:
        rows = [row for row in rows if asked.start_s <= row.start_s < asked.end_s]
    if not rows:
        raise _no_rows(asked, over_range)
    steps_s = _steps_of(rows, asked)
    _judge_bounds(rows, steps_s[-1], asked)
    _judge_whole(rows, steps_s, asked, over_range)
    prices = _numbers(rows, asked)

    def at(number: int) -> str:
        return asked.at(rows[number].start_s)

    series = WholesalePrices(
        price_area=price_area,
        source=document.source,
        resolution_min=max(steps_s) // 60,
        start=datetime.fromtimestamp(asked.start_s, tz=UTC),
        price_eur_per_mwh=tuple(
            price for price, step_s in zip(prices, steps_s, strict=True) for _ in range(step_s // SLOT_S)
        ),
        provenance=Provenance(
            raw_sha256=document.raw_sha256,
            published_at=document.published_at,
            currency=document.currency,
            verdicts=document.notes,
        ),
    )
    # The day is whole: what follows is suspicion, which a person may know better.
    with _releasable(series):
        _judge_resolution(rows, steps_s, asked)
        judge_limits(prices, at, asked.origin, limits)
        judge_scale(prices, at, asked.origin, limits)
        judge_shape(prices, steps_s, at, asked.origin)
        if yesterday is not None:
            judge_against_yesterday(series, yesterday, asked.origin)
    return series


@contextmanager
def _releasable(series: WholesalePrices) -> Iterator[None]:
    """A refusal in here carries the series it refuses."""
    try:
        yield
    except BadDocument as error:
        error.series = series
        raise


def days_of(document: PriceDocument, tz: ZoneInfo) -> list[date]:
    """The market days from a document's first row to its last; raises `BadDocument` for a document without rows."""
    first = day_of(document, tz)
    last = max(row.start_s for row in document.rows)
    count = (datetime.fromtimestamp(last, tz=tz).date() - first).days + 1
    return [first + timedelta(days=n) for n in range(count)]


def day_of(document: PriceDocument, tz: ZoneInfo) -> date:
    """The market day of a document's first row; raises `BadDocument` for a document without rows."""
    if not document.rows:
        raise refused(document.origin, "has no rows", "give a file with a whole market day")
    return datetime.fromtimestamp(document.rows[0].start_s, tz=UTC).astimezone(tz).date()


def _no_rows(asked: _Day, over_range: bool) -> Exception:
    if over_range:
        return NotYetPublished(
            f"{asked.origin} has no prices of {asked.price_area} for {asked.day} yet; ask again later."
        )
    return refused(asked.origin, "has no rows", "give a file with a whole market day")


def _judge_area(document: PriceDocument, price_area: str) -> None:
    found = document.price_area
    if found is not None and normal_name(found) != normal_name(price_area):
        raise refused(document.origin, f"says it is of price area {clip(found)}", f"prices of {price_area} are needed")


def _steps_of(rows: Sequence[PriceRow], asked: _Day) -> list[int]:
    """Seconds that each row holds for; raises `BadDocument` for other steps than 15 and 60 minutes, and overlaps."""
    spacing_s = step_of([row.start_s for row in rows], asked.origin) if any(r.step_s is None for r in rows) else 0
    steps_s = [spacing_s if row.step_s is None else row.step_s for row in rows]
    for row, step_s, after in zip(rows, steps_s, [*rows[1:], None], strict=True):
        if step_s not in STEPS_S:
            raise refused(
                asked.origin,
                f"has a price for {step_s // 60} minutes at {asked.at(row.start_s)}, neither 15 nor 60",
                "fetch it in quarter-hours or hours",
            )
        if row.step_s is not None and after is not None and row.start_s + step_s > after.start_s:
            raise refused(
                asked.origin,
                f"has two prices for slot {asked.at(after.start_s)}: the one before holds for {step_s // 60} minutes",
                "keep the one that was published",
            )
    return steps_s


def _judge_resolution(rows: Sequence[PriceRow], steps_s: Sequence[int], asked: _Day) -> None:
    """Raises `BadDocument` for prices coarser than the auction publishes.

    An hour's price may be the hour's mean, or its first quarter with the other three lost: the rows do not tell.
    """
    area = known_area(asked.price_area)
    if area is None:
        return
    usual_s = area.usual_step_s(asked.day)
    coarse = [row for row, step_s in zip(rows, steps_s, strict=True) if step_s > usual_s]
    if coarse:
        raise refused(
            asked.origin,
            f"has prices for whole hours, {len(coarse)} of them from {asked.at(coarse[0].start_s)} on, while "
            f"{asked.price_area} is published in quarter-hours since {area.quarters_since}: quarters may be missing",
            "fetch the quarter-hours",
        )


def _judge_bounds(rows: Sequence[PriceRow], last_step_s: int, asked: _Day) -> None:
    """Raises `BadDocument` where rows lie outside the market day."""
    start_s, end_s = asked.start_s, asked.end_s
    first, last = rows[0].start_s, rows[-1].start_s
    if start_s <= first and last + last_step_s <= end_s:
        return
    if last < start_s or first >= end_s:
        found = datetime.fromtimestamp(first, tz=UTC).astimezone(asked.tz).date()
        raise refused(asked.origin, f"is of {found}", f"prices of {asked.price_area} for {asked.day} are needed")
    if first == start_s:
        raise refused(
            asked.origin,
            f"runs on to {asked.at(last + last_step_s)}, past the end of market day {asked.day} of {asked.price_area}",
            "give one market day",
        )
    raise refused(
        asked.origin,
        f"starts at {asked.at(first)}, while market day {asked.day} of {asked.price_area} starts at local midnight, "
        f"{asked.at(start_s)}",
        "it looks like a day of another price area or of UTC, so fetch the right one",
    )


def _judge_whole(rows: Sequence[PriceRow], steps_s: Sequence[int], asked: _Day, over_range: bool) -> None:
    """Raises `BadDocument` for a missing or null row, `NotYetPublished` where only the end of the answer is missing."""
    step_s = steps_s[0] if len(set(steps_s)) == 1 else SLOT_S
    expected = range(asked.start_s, asked.end_s, step_s)
    spans = [range(row.start_s, row.start_s + held_s, step_s) for row, held_s in zip(rows, steps_s, strict=True)]
    published = {slot_s for row, span in zip(rows, spans, strict=True) if row.price is not None for slot_s in span}
    absent = [slot_s for slot_s in expected if slot_s not in published]
    if not absent:
        return
    first = absent[0]
    is_null = any(first in span for span in spans)
    what = f"has {'null as the price of' if is_null else 'no row for'} slot {asked.at(first)}"
    what += f", and {len(expected) - len(absent)} of the day's {len(expected)} prices"
    only_the_end = absent[-1] == expected[-1] and len(absent) == len(range(first, expected.stop, expected.step))
    if over_range and only_the_end:
        raise NotYetPublished(f"{asked.origin} {what}; ask again later.")
    raise refused(asked.origin, what, "the whole day is needed, so fetch it again")


def _numbers(rows: Sequence[PriceRow], asked: _Day) -> list[float]:
    prices: list[float] = []
    for row in rows:
        price = finite_number(row.price)
        if price is None:
            raise refused(
                asked.origin,
                f"holds {kind_of(row.price)} as the price of slot {asked.at(row.start_s)}",
                f"a finite number of {UNIT} is needed",
            )
        prices.append(price)
    return prices
