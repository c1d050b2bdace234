"""What a home is charged for peak power in a month, as far as it is known.

Protects: what is shown of a threshold and of a plan's price is what planning uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from application.access import Access
from domain.homes.settlement import Benefit
from domain.planning.house_load import household_kw
from domain.planning.peaks import house_peaks, peak_hours
from domain.planning.power_charge import Peak, counted
from domain.planning.tariff import Tariff
from domain.slots import market_day_bounds, slot_start, slots_between


@dataclass(frozen=True)
class PowerTerms:
    """A pump's home and its charge for peak power on a day."""

    pump: str
    name: str
    source: str
    currency: str
    per_kw: float
    """What a kilowatt of the month's level costs near where it is, with VAT."""
    peaks: int
    different_days: bool
    minutes: int
    is_charged_slot: bool
    so_far: Sequence[Peak]
    """Peaks of the month's settled days that count, highest first."""
    is_metered: bool
    """Whether they and the household's other load are metered; else they are estimated, and so is what is saved."""
    above_kw: float
    """What the plan charges for: the power of the whole house beyond this."""
    plan_eur_per_kw: float
    """By how much a kilowatt beyond it is expected to raise the month's bill."""


async def power_terms(
    access: Access, pumps: Sequence[str], tariff: Tariff, benefit: Benefit, at: datetime
) -> list[PowerTerms]:
    """The terms of each pump's home; none where its tariff charges no power then, or its supplier is saved for."""
    tz = ZoneInfo(tariff.tz)
    day = at.astimezone(tz).date()
    charge, (start, end) = tariff.power_charge(day), market_day_bounds(day, tz)
    hours = peak_hours(tariff, start, end)
    if charge is None or hours is None or benefit is not Benefit.HOUSEHOLD:
        return []
    loads, slots = access.ledger.house_loads, slots_between(start, end)
    month = await loads.month_peaks(pumps, day.replace(day=1), day - timedelta(days=1))
    base = await loads.base_kw(pumps, at)
    found = []
    for pump in pumps:
        known = month.get(pump)
        peaks = () if known is None else known.peaks
        is_metered = pump in base and (known is None or known.is_metered)
        terms = house_peaks(tariff, hours, household_kw(slots, tz, base.get(pump)), peaks, is_metered=is_metered)
        so_far = counted(charge, peaks, tz)
        level = sum(peak.kw for peak in so_far) / max(1, len(so_far))
        found.append(
            PowerTerms(
                pump=pump,
                name=charge.name,
                source=charge.source,
                currency=tariff.currency,
                per_kw=charge.per_kw(max(level, *terms.base_kw)),
                peaks=charge.peaks,
                different_days=charge.different_days,
                minutes=charge.minutes,
                is_charged_slot=charge.interval_of(slot_start(at), tz) is not None,
                so_far=so_far,
                is_metered=is_metered,
                above_kw=terms.above_kw[0],
                plan_eur_per_kw=terms.eur_per_kw[0],
            )
        )
    return found
