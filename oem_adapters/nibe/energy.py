"""What a unit's points say of its electrical energy: one counter of everything it ever used, on the S-series.

Protects: a counter counts as of its own stamp, for a unit may report for days while one point of it stands still.
"""

from collections.abc import Sequence
from datetime import datetime

from domain.oem.energy import EnergyCircuit, EnergyKind, EnergyReading
from oem_adapters.nibe.models import Point
from oem_adapters.nibe.quirks import CLOCK_AHEAD, SIGNS, Quantity, find, is_plausible

_UNIT = "kwh"


def counter_of(points: Sequence[Point], now: datetime) -> EnergyReading | None:
    """How the counter stood; None where the unit has none, or none that can be dated."""
    point = find(points, Quantity.TOTAL_KWH)
    if point is None or point.value is None or not is_plausible(point, SIGNS[Quantity.TOTAL_KWH]):
        return None
    if point.unit.casefold() != _UNIT or point.stamp is None or point.stamp > now + CLOCK_AHEAD:
        return None
    return EnergyReading(
        kind=EnergyKind.COUNTER, end=point.stamp, kwh={EnergyCircuit.UNIT: point.value}, step_kwh=point.scale
    )
