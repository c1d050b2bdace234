"""What a plan is charged for a home's peak power: the price of exceeding the month's threshold so far.

Protects: the price of a day's peak is what it is expected to add to the month's bill, no more: a day that may still be
displaced by a higher one is priced by the chance that it stands.

Symbols: theta the N-th highest peak of the month's known days (0 while there are fewer); D the month's days that can
count; n those of them whose peaks are known, and today; c what a kilowatt of level costs; p today's peak, or each of
today's N highest where peaks need not lie on different days.

    charge = w (c / N) max(0, p - theta),      w = max(n, N) / D on different days, n / D else

Of D days that are alike, one is among the N highest with the chance N / D, and one that is among the N highest of n
stays there with the chance (N / D) / (N / n) = n / D; the same of hours, of which each day has as many.
"""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.base import Value
from domain.planning.power_charge import Peak, PowerCharge, counted
from domain.planning.tariff import Tariff
from domain.slots import slots_between


class PeakHours(Value):
    """The charged intervals of a plan's slots, the same for all pumps of a tariff."""

    interval: tuple[int, ...]
    """By slot, the place of its interval in `day`; -1 where nothing is charged."""
    day: tuple[int, ...]
    """By interval, the place of its local day among `days`."""
    days: tuple[date, ...]
    counted_a_day: int
    """How many intervals of a day can count."""


class HousePeaks(Value):
    """What a plan knows of a home's other load, and what exceeding its month's threshold costs."""

    base_kw: tuple[float, ...]
    """Expected power of the home without the pump's heating, by slot."""
    above_kw: tuple[float, ...]
    """theta, by day of `PeakHours`."""
    eur_per_kw: tuple[float, ...]
    """w c / N, by day."""
    is_metered: bool
    """Whether base and threshold rest on the home's meter; else they are estimated, and so is a saving."""


def peak_hours(tariff: Tariff, first_slot: datetime, end: datetime) -> PeakHours | None:
    """The charged intervals of a horizon; None where the tariff charges no power in it."""
    tz = ZoneInfo(tariff.tz)
    places: dict[datetime, int] = {}
    interval: list[int] = []
    day_of: list[date] = []
    most = 1
    for slot in slots_between(first_slot, end):
        charge = tariff.power_charge(slot.astimezone(tz).date())
        start = None if charge is None else charge.interval_of(slot, tz)
        if charge is None or start is None:
            interval.append(-1)
            continue
        if start not in places:
            places[start] = len(places)
            day_of.append(start.astimezone(tz).date())
        most = max(most, 1 if charge.different_days else charge.peaks)
        interval.append(places[start])
    if not places:
        return None
    days = tuple(sorted(set(day_of)))
    return PeakHours(
        interval=tuple(interval), day=tuple(days.index(day) for day in day_of), days=days, counted_a_day=most
    )


def house_peaks(
    tariff: Tariff, hours: PeakHours, base_kw: Sequence[float], so_far: Sequence[Peak], *, is_metered: bool
) -> HousePeaks:
    """A home's thresholds and prices on the days of a plan, from the peaks of earlier days."""
    tz = ZoneInfo(tariff.tz)
    above: list[float] = []
    price: list[float] = []
    for day in hours.days:
        charge = tariff.power_charge(day)
        assert charge is not None, "a charged interval lies on a charged day"
        before = [
            peak
            for peak in so_far
            if (at := peak.at.astimezone(tz).date()) < day and (at.year, at.month) == (day.year, day.month)
        ]
        found = counted(charge, before, tz)
        above.append(found[-1].kw if len(found) == charge.peaks else 0.0)
        known_days = len({peak.at.astimezone(tz).date() for peak in before})
        price.append(_eur_per_kw(tariff, charge, found, known_days, base_kw, day))
    return HousePeaks(base_kw=tuple(base_kw), above_kw=tuple(above), eur_per_kw=tuple(price), is_metered=is_metered)


def _eur_per_kw(
    tariff: Tariff, charge: PowerCharge, found: Sequence[Peak], known_days: int, base_kw: Sequence[float], day: date
) -> float:
    """w c / N; the level that a step's slope is taken at is the month's so far, or the home's base load at least."""
    level = max([sum(peak.kw for peak in found) / max(len(found), 1), max(base_kw, default=0.0), charge.least_kw])
    least = charge.peaks if charge.different_days else 1
    stands = min(1.0, max(known_days + 1, least) / charge.days_of(day))
    return stands * charge.per_kw(level) / charge.peaks / tariff.per_eur(day)
