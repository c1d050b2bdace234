"""What a unit's features say of its electrical energy: the last days, for heating, hot water and cooling.

Protects: a list of days is believed only when it can be dated. Real units go on showing lists that stood still for a
week under a fresh stamp, so the list must have been read today and its week must be the sum of its days.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.oem.energy import EnergyCircuit, EnergyKind, EnergyReading
from oem_adapters.viessmann.models import Feature, Features, number_of, stamp_of
from oem_adapters.viessmann.quirks import CLOCK_AHEAD

CONSUMED = {
    "heating.power.consumption.heating": EnergyCircuit.HEATING,
    "heating.power.consumption.dhw": EnergyCircuit.HOT_WATER,
    "heating.power.consumption.cooling": EnergyCircuit.COOLING,
}
STEP_KWH = 0.1
_UNIT = "kilowattHour"


def energy_of(features: Features, tz: ZoneInfo, now: datetime) -> list[EnergyReading]:
    """Totals of the days before today; none where the list of one circuit cannot be dated.

    Days begin at the home's midnight, and a list with today. Of a day that one circuit does not tell there is no total.
    """
    shown = {circuit: feature for name, circuit in CONSUMED.items() if (feature := features.get(name)) is not None}
    today = now.astimezone(tz).date()
    if not shown or not all(_is_of(today, feature, tz, now) for feature in shown.values()):
        return []
    lists = {circuit: _numbers(feature, "day") for circuit, feature in shown.items()}
    found = []
    for back in reversed(range(1, min(len(days) for days in lists.values()))):
        kwh = {circuit: used for circuit, days in lists.items() if (used := days[back]) is not None}
        if len(kwh) == len(lists):
            start, end = (datetime.combine(today - timedelta(days=n), time(), tz) for n in (back, back - 1))
            found.append(
                EnergyReading(kind=EnergyKind.TOTAL, start=start, end=end, kwh=kwh, step_kwh=STEP_KWH),
            )
    return found


def _is_of(today: date, feature: Feature, tz: ZoneInfo, now: datetime) -> bool:
    """Whether a list of days begins with today."""
    read_at = stamp_of(feature.value("dayValueReadAt"))
    if read_at is None or read_at > now + CLOCK_AHEAD or read_at.astimezone(tz).date() != today:
        return False
    days, weeks = _numbers(feature, "day"), _numbers(feature, "week")
    this_week = days[: today.weekday() + 1]
    if not weeks or weeks[0] is None or None in this_week or len(this_week) <= today.weekday():
        return False
    return abs(weeks[0] - sum(used for used in this_week if used is not None)) < STEP_KWH * len(this_week)


def _numbers(feature: Feature, name: str) -> Sequence[float | None]:
    """A list in kWh; empty where there is none in that unit."""
    told: Any = feature.value(name)
    if feature.properties.get(name, {}).get("unit") != _UNIT or not isinstance(told, list):
        return []
    return [number_of(used) for used in told]
