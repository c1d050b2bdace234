"""Prices for a day on which the market is silent: the shape of days like it, at the level last known.

Protects: an estimate says that it is one, and is made of nothing but days that were published.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.planning.series import Basis, Provenance, WholesalePrices
from domain.slots import SLOT, bounds_of, slots_between

LOOK_BACK = timedelta(days=28)
"""Older days had another season's shape."""
LEAST_DAYS = 3
"""Of fewer days nobody can tell a shape from an accident: there is no estimate."""
USUAL_EUR_PER_MWH = 90.0
"""A level for an area of which not one day is known; only its being the same all day matters."""


def estimated_prices(known: Sequence[WholesalePrices], day: date, tz: str) -> WholesalePrices | None:
    """An estimate of a market day, 92, 96 or 100 slots, from published days of its price area; None from too few.

    The level is the mean of the newest day. The shape is the mean deviation from their own day's mean, by local time
    of day, of the known days of the same kind (working day, Saturday, Sunday), of all where those are too few.
    """
    start, end = bounds_of(day, tz)
    days = sorted((one for one in known if one.start < start), key=lambda one: one.start)
    if len(days) < LEAST_DAYS:
        return None
    zone = ZoneInfo(tz)
    like = [one for one in days if _kind(one.start.astimezone(zone).date()) == _kind(day)]
    chosen = like if len(like) >= LEAST_DAYS else days
    shapes = [_by_clock(one, zone) for one in chosen]
    level = _mean(days[-1].price_eur_per_mwh)
    prices = []
    for slot in slots_between(start, end):
        clock = _clock(slot, zone)
        # The hour that the clocks skip in spring is missing from a day of that kind only: the others have it.
        deviations = [shape[clock] for shape in shapes if clock in shape]
        prices.append(round(level + _mean(deviations), 2) if deviations else round(level, 2))
    of = "days of the same kind" if chosen is like else "days"
    verdict = f"Estimated from {len(chosen)} {of} up to {days[-1].start.astimezone(zone):%Y-%m-%d}."
    return WholesalePrices(
        price_area=days[-1].price_area,
        source=f"estimate from {days[-1].source}",
        resolution_min=SLOT // timedelta(minutes=1),
        basis=Basis.ESTIMATED,
        provenance=Provenance(verdicts=(verdict,)),
        start=start,
        price_eur_per_mwh=tuple(prices),
    )


def prices_as_on(like: WholesalePrices, day: date, tz: str) -> WholesalePrices:
    """The prices of a published day by local time of day, as a scenario for another market day.

    An hour that only one of the two days has, as clocks change, has the mean price.
    """
    start, end = bounds_of(day, tz)
    zone = ZoneInfo(tz)
    shape, level = _by_clock(like, zone), _mean(like.price_eur_per_mwh)
    prices = [round(level + shape.get(_clock(slot, zone), 0.0), 2) for slot in slots_between(start, end)]
    return _scenario(like, start, prices, f"The prices of {like.start.astimezone(zone):%Y-%m-%d}, as a scenario.")


def prices_at_level(prices: WholesalePrices, mean_eur_per_mwh: float) -> WholesalePrices:
    """The same course of prices with another mean, as a scenario."""
    up = mean_eur_per_mwh - _mean(prices.price_eur_per_mwh)
    moved = [round(price + up, 2) for price in prices.price_eur_per_mwh]
    return _scenario(prices, prices.start, moved, f"Moved to a mean of {mean_eur_per_mwh:g} EUR/MWh, as a scenario.")


def days_like(known: Sequence[WholesalePrices], day: date, tz: str, most: int) -> Sequence[WholesalePrices]:
    """The newest of the known days that are of this day's kind (working day, Saturday, Sunday), oldest first."""
    zone = ZoneInfo(tz)
    days = sorted(known, key=lambda one: one.start)
    like = [one for one in days if _kind(one.start.astimezone(zone).date()) == _kind(day)]
    return like[max(0, len(like) - most) :]


def _scenario(of: WholesalePrices, start: datetime, prices: Sequence[float], verdict: str) -> WholesalePrices:
    return WholesalePrices(
        price_area=of.price_area,
        source=f"scenario from {of.source}",
        resolution_min=SLOT // timedelta(minutes=1),
        basis=Basis.ESTIMATED,
        provenance=Provenance(verdicts=(verdict,)),
        start=start,
        price_eur_per_mwh=tuple(prices),
    )


def flat_prices(known: Sequence[WholesalePrices], price_area: str, day: date, tz: str) -> WholesalePrices:
    """One price for a market day of which nothing can be estimated, at the level of the newest known day.

    Nothing is to be gained by moving then but what a tariff itself makes dear by time of day, and floors and bands are
    planned for as ever.
    """
    start, end = bounds_of(day, tz)
    newest = max((one for one in known if one.start < start), key=lambda one: one.start, default=None)
    level = USUAL_EUR_PER_MWH if newest is None else round(_mean(newest.price_eur_per_mwh), 2)
    verdict = f"One price for all day: fewer than {LEAST_DAYS} days are known to estimate from."
    return WholesalePrices(
        price_area=price_area,
        source="flat price",
        resolution_min=SLOT // timedelta(minutes=1),
        basis=Basis.FLAT,
        provenance=Provenance(verdicts=(verdict,)),
        start=start,
        price_eur_per_mwh=(level,) * ((end - start) // SLOT),
    )


def _kind(day: date) -> int:
    """0 for a working day, 1 for Saturday, 2 for Sunday."""
    return max(0, day.isoweekday() - 5)


def _by_clock(series: WholesalePrices, zone: ZoneInfo) -> dict[time, float]:
    """Deviation from the day's mean by local time of day; of a repeated hour its second pass."""
    mean = _mean(series.price_eur_per_mwh)
    return {_clock(series.start + n * SLOT, zone): price - mean for n, price in enumerate(series.price_eur_per_mwh)}


def _clock(moment: datetime, zone: ZoneInfo) -> time:
    return moment.astimezone(zone).time()


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
