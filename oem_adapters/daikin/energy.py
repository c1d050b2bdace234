"""What a device says of its electrical energy: whole kWh in two hours each, yesterday's and today's.

Protects: the lists have no date of their own, so they are believed only where the parts of them that are still empty,
and the week beside them, agree with the calendar; yesterday alone is taken, for it is over.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.oem.energy import EnergyCircuit, EnergyKind, EnergyReading
from oem_adapters.daikin.mapping import main_zone
from oem_adapters.daikin.models import Device, Point, number_of
from oem_adapters.daikin.quirks import TANKS

STEP_KWH = 1.0
_SLOT_H, _SLOTS = 2, 12
_DAYS = 7
_MODES = {"heating": EnergyCircuit.HEATING, "cooling": EnergyCircuit.COOLING}


def energy_of(device: Device, tz: ZoneInfo, now: datetime) -> list[EnergyReading]:
    """Yesterday in buckets of two hours of the home's clock; none where one circuit's lists cannot be dated."""
    told = _lists(device)
    local = now.astimezone(tz)
    if not told or not all(_is_now(lists, local) for lists in told.values()):
        return []
    yesterday = local.date() - timedelta(days=1)
    ends = [datetime.combine(yesterday, time(_SLOT_H * n), tz) for n in range(_SLOTS)]
    ends.append(datetime.combine(local.date(), time(), tz))
    return [
        EnergyReading(
            kind=EnergyKind.BUCKET,
            start=ends[n],
            end=ends[n + 1],
            kwh={circuit: lists["d"][n] or 0.0 for circuit, lists in told.items()},
            step_kwh=STEP_KWH,
        )
        for n in range(_SLOTS)
    ]


def _lists(device: Device) -> dict[EnergyCircuit, Mapping[str, Sequence[float | None]]]:
    """Lists by circuit; empty where a part of the unit that uses energy has none."""
    found = {_MODES[mode]: lists for mode, lists in _electrical(main_zone(device)).items() if mode in _MODES}
    if EnergyCircuit.HEATING not in found:
        return {}
    for tank in device.points(*TANKS):
        of_tank = _electrical(tank).get("heating")
        if of_tank is None:
            return {}
        found[EnergyCircuit.HOT_WATER] = of_tank
    return found


def _electrical(point: Point) -> dict[str, Mapping[str, Sequence[float | None]]]:
    value: Any = point.get("consumptionData").value
    modes = value.get("electrical") if isinstance(value, dict) else None
    if not isinstance(modes, dict):
        return {}
    return {
        str(mode): {name: [number_of(n) for n in told] for name, told in lists.items() if isinstance(told, list)}
        for mode, lists in modes.items()
        if isinstance(lists, dict)
    }


def _is_now(lists: Mapping[str, Sequence[float | None]], local: datetime) -> bool:
    """Whether lists are of this hour of this day: what lies ahead is empty, and the week sums up yesterday."""
    slots, days = lists.get("d", ()), lists.get("w", ())
    if len(slots) != 2 * _SLOTS or len(days) != 2 * _DAYS:
        return False
    today = _DAYS + local.weekday()
    # The slot that is under way was empty in one real answer, and begun in another.
    is_hour = _filled(slots) - _SLOTS in (local.hour // _SLOT_H, local.hour // _SLOT_H + 1)
    if not is_hour or _filled(days) != today + 1 or None in slots[:_SLOTS]:
        return False
    yesterday = sum(kwh for kwh in slots[:_SLOTS] if kwh is not None)
    return days[today - 1] == yesterday


def _filled(numbers: Sequence[float | None]) -> int:
    """How many there are up to the last that is not empty."""
    return max((n + 1 for n, number in enumerate(numbers) if number is not None), default=0)
