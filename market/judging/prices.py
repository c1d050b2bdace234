"""Judging the rows of a price document: whether they are this day of this price area, whole and possible.

Protects: a plan is never made from another area's day, another unit, a guess or a hole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from domain.planning.series import WholesalePrices
from domain.slots import market_day_bounds
from market.documents import clip, finite_number, kind_of, named
from market.errors import BadDocument, NotYetPublished, refused
from market.judging.time_axis import SLOT_S, judge_order, step_of
from market.rows import PriceDocument, PriceRow

UNIT = "EUR / MWh"
TICK_EUR_PER_MWH = 0.01
QUIETEST_DAY_EUR_PER_MWH = 1.0
"""A day of different prices that all stay below this was never published; one price for all slots was."""


@dataclass(frozen=True)
class MarketLimits:
    """What a day-ahead price can be, in EUR per MWh; outside it a document is refused, never clamped."""

    lowest: float = -600.0
    highest: float = 5000.0
    # The harmonised SDAC limits are -500 and +4000. They move by rule after extreme days, and the morning a limit moves
    # is the worst one to refuse prices: so one step of headroom on either side.


MARKET_LIMITS = MarketLimits()


def judge_day(
    document: PriceDocument,
    price_area: str,
    day: date,
    tz: ZoneInfo,
    *,
    over_range: bool = False,
    limits: MarketLimits = MARKET_LIMITS,
) -> WholesalePrices:
    """The series of a market day, 92, 96 or 100 slots in EUR per MWh; raises `BadDocument`.

    `over_range` is for answers of a source that was asked for more than the day: rows outside the day are dropped, and
    a day whose end is missing raises `NotYetPublished`.
    """
    origin = document.origin
    _judge_area(document, price_area)
    judge_order([row.start_s for row in document.rows], origin, tz)
    start_s, end_s = (int(bound.timestamp()) for bound in market_day_bounds(day, tz))
    rows = list(document.rows)
    if over_range:
        rows = [row for row in rows if start_s <= row.start_s < end_s]
    if not rows:
        raise _no_rows(origin, price_area, day, over_range)
    step_s = step_of([row.start_s for row in rows], origin)
    _judge_bounds(rows, step_s, (start_s, end_s), origin, price_area, day, tz)
    try:
        _judge_whole(rows, range(start_s, end_s, step_s), origin, tz)
    except _EndMissing as gap:
        if not over_range:
            raise refused(origin, gap.what, "the whole day is needed, so fetch it again") from None
        raise NotYetPublished(f"{origin} {gap.what}; ask again later.") from None
    prices = _judge_values(rows, origin, tz, limits)
    return WholesalePrices(
        price_area=price_area,
        source=document.source,
        resolution_min=step_s // 60,
        start=datetime.fromtimestamp(start_s, tz=UTC),
        price_eur_per_mwh=tuple(price for price in prices for _ in range(step_s // SLOT_S)),
    )


def day_of(document: PriceDocument, tz: ZoneInfo) -> date:
    """The market day of a document's first row; raises `BadDocument` for a document without rows."""
    if not document.rows:
        raise refused(document.origin, "has no rows", "give a file with a whole market day")
    return datetime.fromtimestamp(document.rows[0].start_s, tz=UTC).astimezone(tz).date()


def _no_rows(origin: str, price_area: str, day: date, over_range: bool) -> Exception:
    if over_range:
        return NotYetPublished(f"{origin} has no prices of {price_area} for {day} yet; ask again later.")
    return refused(origin, "has no rows", "give a file with a whole market day")


def _judge_area(document: PriceDocument, price_area: str) -> None:
    found = document.price_area
    if found is not None and _normal(found) != _normal(price_area):
        raise refused(document.origin, f"says it is of price area {clip(found)}", f"prices of {price_area} are needed")


def _normal(price_area: str) -> str:
    return price_area.strip().upper().replace("_", "-").replace("/", "-")


def _judge_bounds(
    rows: Sequence[PriceRow],
    step_s: int,
    bounds: tuple[int, int],
    origin: str,
    price_area: str,
    day: date,
    tz: ZoneInfo,
) -> None:
    """Raises `BadDocument` where rows lie outside the market day."""
    start_s, end_s = bounds
    first, last = rows[0].start_s, rows[-1].start_s
    if start_s <= first and last < end_s:
        return
    if last < start_s or first >= end_s:
        found = datetime.fromtimestamp(first, tz=UTC).astimezone(tz).date()
        raise refused(origin, f"is of {found}", f"prices of {price_area} for {day} are needed")
    if first == start_s:
        raise refused(
            origin,
            f"runs on to {named(last + step_s, tz)}, past the end of market day {day} of {price_area}",
            "give one market day",
        )
    raise refused(
        origin,
        f"starts at {named(first, tz)}, while market day {day} of {price_area} starts at local midnight, "
        f"{named(start_s, tz)}",
        "it looks like a day of another price area or of UTC, so fetch the right one",
    )


class _EndMissing(Exception):
    """Everything is there up to some slot, and nothing from it on."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def _judge_whole(rows: Sequence[PriceRow], expected: range, origin: str, tz: ZoneInfo) -> None:
    """Raises `BadDocument` for a missing or null row, `_EndMissing` where only the day's end is missing or null."""
    published = {row.start_s for row in rows if row.price is not None}
    absent = [instant for instant in expected if instant not in published]
    if not absent:
        return
    first = absent[0]
    if first in {row.start_s for row in rows}:
        what = f"has null as the price of slot {named(first, tz)}"
    else:
        what = f"has no row for slot {named(first, tz)}"
    what += f", and {len(expected) - len(absent)} of the day's {len(expected)} prices"
    if absent[-1] == expected[-1] and len(absent) == len(range(first, expected.stop, expected.step)):
        raise _EndMissing(what)
    raise refused(origin, what, "the whole day is needed, so fetch it again")


def _judge_values(rows: Sequence[PriceRow], origin: str, tz: ZoneInfo, limits: MarketLimits) -> tuple[float, ...]:
    prices: list[float] = []
    for row in rows:
        price = finite_number(row.price)
        if price is None:
            raise refused(
                origin,
                f"holds {kind_of(row.price)} as the price of slot {named(row.start_s, tz)}",
                f"a finite number of {UNIT} is needed",
            )
        prices.append(price)
    for row, price in zip(rows, prices, strict=True):
        if not limits.lowest <= price <= limits.highest:
            raise _beyond(origin, f"{price:.12g} {UNIT} in slot {named(row.start_s, tz)}", prices, limits)
    _judge_scale(rows, prices, origin, tz, limits)
    return tuple(prices)


def _beyond(origin: str, where: str, prices: Sequence[float], limits: MarketLimits) -> BadDocument:
    way_out = "correct the price, or widen the limits if the market did"
    beyond = sum(not limits.lowest <= price <= limits.highest for price in prices)
    # One absurd price among ordinary ones is a wrong price; a wrong unit shows in all of them.
    if 2 * beyond > len(prices) or all(_is_multiple(price, 10.0) for price in prices):
        way_out = "it looks like a unit mistake by 1000, so check the unit and divide"
    return refused(
        origin, f"has {where}, outside the market's limits of {limits.lowest:g} to {limits.highest:g}", way_out
    )


def _judge_scale(
    rows: Sequence[PriceRow], prices: Sequence[float], origin: str, tz: ZoneInfo, limits: MarketLimits
) -> None:
    """Raises `BadDocument` for days that are possible in value and betray a factor of 1000 by their digits or size.

    The market's prices are whole cents. EUR per kWh keeps the cents of EUR per MWh as a third to fifth decimal, and
    rounded to cents no price of a day reaches 1; a thousandfold day has only multiples of ten, nearly all of a
    thousand and more. The quietest real day (within 4 EUR per MWh on 2022-12-31) has neither.
    """
    most = max(map(abs, prices))
    at = f"{most:g} in slot {named(rows[[abs(price) for price in prices].index(most)].start_s, tz)}"
    if all(limits.lowest <= price * 1000 <= limits.highest for price in prices):
        finer_than_cents = sum(not _is_multiple(price, TICK_EUR_PER_MWH) for price in prices)
        is_too_quiet = most < QUIETEST_DAY_EUR_PER_MWH and max(prices) - min(prices) > 2 * TICK_EUR_PER_MWH
        if 2 * finer_than_cents > len(prices) or is_too_quiet:
            why = "most are finer than a cent" if 2 * finer_than_cents > len(prices) else "no day is so quiet"
            raise refused(
                origin,
                f"has no price beyond {at} and {why}, which looks like EUR per kWh although it says {UNIT}",
                "multiply the prices by 1000",
            )
    thousands = sum(abs(price) >= 1000 for price in prices)
    if 10 * thousands > 9 * sum(price != 0 for price in prices) and all(_is_multiple(p, 10.0) for p in prices):
        raise refused(
            origin,
            f"has prices up to {at} and all are multiples of ten, which looks like a unit mistake by 1000",
            "check the unit and divide the prices by 1000",
        )


def _is_multiple(price: float, step: float) -> bool:
    # Published cents carry float noise: 0.30000000000000004 stood in a real document.
    return abs(price / step - round(price / step)) < 1e-6
