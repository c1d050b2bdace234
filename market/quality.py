"""Judging a price document: whether it is this day of this price area, whole, in EUR per MWh and possible.

Protects: a plan is never made from another area's day, another unit, a guess or a hole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from domain.slots import market_day_bounds
from market.documents import Document, clip, column, finite_number, kind_of, named, same_length
from market.errors import BadDocument, NotYetPublished, refused
from market.time_axis import judge_order, step_of, unix_instants

NEEDED_UNIT = "EUR / MWh"
UNITS = frozenset({"eur/mwh", "€/mwh"})
ZONE_KEYS = ("zone", "bzn", "bidding_zone", "price_area")
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


@dataclass(frozen=True)
class JudgedDay:
    """A whole market day: rows of `step_s` seconds from `start_s` on."""

    start_s: int
    step_s: int
    prices: tuple[float, ...]


def judge_prices(
    document: Document,
    origin: str,
    zone: str,
    day: date,
    tz: ZoneInfo,
    *,
    over_range: bool = False,
    limits: MarketLimits = MARKET_LIMITS,
) -> JudgedDay:
    """The market day in a document; raises `BadDocument`.

    `over_range` is for answers of a source that was asked for more than the day: rows outside the day are dropped, and
    a day without its end raises `NotYetPublished`.
    """
    _judge_zone(document, origin, zone)
    _judge_unit(document, origin)
    times = column(document, "unix_seconds", origin)
    values = column(document, "price", origin)
    same_length(origin, "unix_seconds", len(times), "price", values)
    instants = unix_instants(times, "unix_seconds", origin)
    judge_order(instants, origin, tz)
    start_s, end_s = (int(bound.timestamp()) for bound in market_day_bounds(day, tz))
    rows = list(zip(instants, values, strict=True))
    if over_range:
        rows = [row for row in rows if start_s <= row[0] < end_s]
    if not rows:
        raise _nothing(origin, zone, day, over_range)
    instants = [instant for instant, _ in rows]
    step_s = step_of(instants, origin)
    _judge_day(instants, step_s, (start_s, end_s), origin, zone, day, tz)
    try:
        _judge_whole(rows, range(start_s, end_s, step_s), origin, tz)
    except _EndMissing as gap:
        if not over_range:
            raise refused(origin, gap.what, "the whole day is needed, so fetch it again") from None
        raise NotYetPublished(f"{origin} {gap.what}; ask again later.") from None
    return JudgedDay(start_s, step_s, _judge_values(rows, origin, tz, limits))


def first_instant(document: Document, origin: str) -> int:
    """UTC seconds of a document's first row; raises `BadDocument`."""
    times = column(document, "unix_seconds", origin)
    if not times:
        raise refused(origin, "has no rows", "give a file with a whole market day")
    return unix_instants(times[:1], "unix_seconds", origin)[0]


def _nothing(origin: str, zone: str, day: date, over_range: bool) -> Exception:
    if over_range:
        return NotYetPublished(f"{origin} has no prices of {zone} for {day} yet; ask again later.")
    return refused(origin, "has no rows", "give a file with a whole market day")


def _judge_zone(document: Document, origin: str, zone: str) -> None:
    for key in ZONE_KEYS:
        if key not in document:
            continue
        found = document[key]
        if not isinstance(found, str) or _plain_zone(found) != _plain_zone(zone):
            shown = clip(found) if isinstance(found, str) else kind_of(found)
            raise refused(origin, f'says it is of price area {shown} ("{key}")', f"prices of {zone} are needed")


def _plain_zone(zone: str) -> str:
    return zone.strip().upper().replace("_", "-").replace("/", "-")


def _judge_unit(document: Document, origin: str) -> None:
    if "unit" not in document:
        raise refused(origin, 'does not say its unit ("unit")', f"{NEEDED_UNIT} is needed")
    unit = document["unit"]
    if not isinstance(unit, str) or "".join(unit.split()).casefold() not in UNITS:
        shown = repr(clip(unit)) if isinstance(unit, str) else kind_of(unit)
        raise refused(
            origin, f"says its unit is {shown}", f"{NEEDED_UNIT} is needed, so convert the prices or fetch them so"
        )


def _judge_day(
    instants: Sequence[int],
    step_s: int,
    bounds: tuple[int, int],
    origin: str,
    zone: str,
    day: date,
    tz: ZoneInfo,
) -> None:
    """Raises `BadDocument` where rows lie outside the market day."""
    start_s, end_s = bounds
    first, last = instants[0], instants[-1]
    if start_s <= first and last < end_s:
        return
    if last < start_s or first >= end_s:
        found = datetime.fromtimestamp(first, tz=UTC).astimezone(tz).date()
        raise refused(origin, f"is of {found}", f"prices of {zone} for {day} are needed")
    if first == start_s:
        raise refused(
            origin,
            f"runs on to {named(last + step_s, tz)}, past the end of market day {day} of {zone}",
            "give one market day",
        )
    raise refused(
        origin,
        f"starts at {named(first, tz)}, while market day {day} of {zone} starts at local midnight, "
        f"{named(start_s, tz)}",
        "it looks like a day of another price area or of UTC, so fetch the right one",
    )


class _EndMissing(Exception):
    """Everything is there up to some slot, and nothing from it on."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def _judge_whole(rows: Sequence[tuple[int, object]], expected: range, origin: str, tz: ZoneInfo) -> None:
    """Raises `BadDocument` for a missing or null row, `_EndMissing` where only the day's end is missing or null."""
    published = {instant for instant, value in rows if value is not None}
    absent = [instant for instant in expected if instant not in published]
    if not absent:
        return
    first = absent[0]
    if first in {instant for instant, _ in rows}:
        what = f"has null as the price of slot {named(first, tz)}"
    else:
        what = f"has no row for slot {named(first, tz)}"
    what += f", and {len(expected) - len(absent)} of the day's {len(expected)} prices"
    if absent[-1] == expected[-1] and len(absent) == len(range(first, expected.stop, expected.step)):
        raise _EndMissing(what)
    raise refused(origin, what, "the whole day is needed, so fetch it again")


def _judge_values(
    rows: Sequence[tuple[int, object]], origin: str, tz: ZoneInfo, limits: MarketLimits
) -> tuple[float, ...]:
    prices: list[float] = []
    for instant, value in rows:
        price = finite_number(value)
        if price is None:
            raise refused(
                origin,
                f"holds {kind_of(value)} as the price of slot {named(instant, tz)}",
                f"a finite number of {NEEDED_UNIT} is needed",
            )
        prices.append(price)
    for (instant, _), price in zip(rows, prices, strict=True):
        if not limits.lowest <= price <= limits.highest:
            raise _beyond(origin, f"{price:.12g} {NEEDED_UNIT} in slot {named(instant, tz)}", prices, limits)
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
    rows: Sequence[tuple[int, object]], prices: Sequence[float], origin: str, tz: ZoneInfo, limits: MarketLimits
) -> None:
    """Raises `BadDocument` for days that are possible in value and betray a factor of 1000 by their digits or size.

    The market's prices are whole cents. EUR per kWh keeps the cents of EUR per MWh as a third to fifth decimal, and
    rounded to cents no price of a day reaches 1; a thousandfold day has only multiples of ten, nearly all of a
    thousand and more. The quietest real day (within 4 EUR per MWh on 2022-12-31) has neither.
    """
    most = max(map(abs, prices))
    at = f"{most:g} in slot {named(rows[[abs(price) for price in prices].index(most)][0], tz)}"
    if all(limits.lowest <= price * 1000 <= limits.highest for price in prices):
        finer_than_cents = sum(not _is_multiple(price, TICK_EUR_PER_MWH) for price in prices)
        is_too_quiet = most < QUIETEST_DAY_EUR_PER_MWH and max(prices) - min(prices) > 2 * TICK_EUR_PER_MWH
        if 2 * finer_than_cents > len(prices) or is_too_quiet:
            why = "most are finer than a cent" if 2 * finer_than_cents > len(prices) else "no day is so quiet"
            raise refused(
                origin,
                f"has no price beyond {at} and {why}, which looks like EUR per kWh although it says {NEEDED_UNIT}",
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
