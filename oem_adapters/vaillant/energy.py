"""What a system's heat generators used, by the hour: the heat pump and its electric heater, each for each purpose.

Protects: an hour is given only where every part tells it and the cloud had heard of each part after its end, for it
shows 0 for hours of which it has heard nothing yet.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.oem.energy import EnergyCircuit, EnergyKind, EnergyReading
from oem_adapters.vaillant.models import Bucket, Generators

ELECTRICITY = "CONSUMED_ELECTRICAL_ENERGY"
CIRCUITS = {
    "HEATING": EnergyCircuit.HEATING,
    "DOMESTIC_HOT_WATER": EnergyCircuit.HOT_WATER,
    "COOLING": EnergyCircuit.COOLING,
}
STEP_KWH = 0.001
"""Watt-hours with decimals that the cloud interpolates."""
MOST_PARTS = 5
"""A heat pump heats, heats water and may cool; its heater does the first two."""
ENERGY_DAYS = 2
"""So many days back are asked for: a day on which nobody could ask is told by the next."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Part:
    """What one generator uses for one purpose."""

    device_id: str
    mode: str
    until: datetime
    """When the cloud last heard of it."""

    @property
    def circuit(self) -> EnergyCircuit:
        return CIRCUITS[self.mode]


def parts_of(generators: Generators) -> list[Part]:
    """Every part whose electricity counts for the pump; none where one of them is not known."""
    found: list[Part] = []
    for generator in (generators.heat_pump, generators.heater):
        if generator is None:
            continue
        parts = [
            Part(generator.device_id, usage.mode, usage.until)
            for usage in generator.usages
            if usage.kind == ELECTRICITY and usage.mode in CIRCUITS and usage.until is not None
        ]
        if not generator.is_valid or not parts:
            return []
        found += parts
    has_pump = generators.heat_pump is not None
    return found if has_pump and len(found) <= MOST_PARTS else []


def energy_of(told: Mapping[Part, Sequence[Bucket]]) -> list[EnergyReading]:
    """Hours that all parts tell, oldest first."""
    by_part = {part: dict(_whole_hours(part, buckets)) for part, buckets in told.items()}
    if not by_part:
        return []
    found = []
    for start in sorted(set.intersection(*(set(hours) for hours in by_part.values()))):
        kwh: dict[EnergyCircuit, float] = {}
        for part, hours in by_part.items():
            kwh[part.circuit] = round(kwh.get(part.circuit, 0.0) + hours[start], 3)
        found.append(EnergyReading(kind=EnergyKind.BUCKET, start=start, end=start + _HOUR, kwh=kwh, step_kwh=STEP_KWH))
    return found


def _whole_hours(part: Part, buckets: Sequence[Bucket]) -> Iterator[tuple[datetime, float]]:
    for bucket in buckets:
        if bucket.start is None or bucket.end is None or bucket.watt_hours is None:
            continue
        if bucket.end - bucket.start == _HOUR and bucket.end <= part.until:
            yield bucket.start, bucket.watt_hours / 1000
