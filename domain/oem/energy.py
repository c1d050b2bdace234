"""What a vendor itself reports of a unit's electrical energy: counters, totals and buckets, by circuit.

Protects: a reading names its span, what it counts and how finely; what the vendor did not say is not in it, and a part
that cannot be true is never hidden in a sum.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import groupby

from pydantic import Field

from domain.base import Instant, Value

LEAST_STEPS = 4
"""Buckets are joined until they hold so many of the vendor's steps: below that they mostly tell its rounding."""


class EnergyKind(StrEnum):
    """How a vendor reports energy; what a vendor shows of the power at a moment is in its readings."""

    COUNTER = "counter"
    """What a counter stood at, which only rises but for a reset."""
    TOTAL = "total"
    """Of a whole local day."""
    BUCKET = "bucket"
    """Of a part of a day, one of several in a row."""


class EnergyCircuit(StrEnum):
    """What the energy was used for."""

    HEATING = "heating"
    HOT_WATER = "hot-water"
    COOLING = "cooling"
    UNIT = "unit"
    """All that the unit draws, where the vendor does not divide it."""


class EnergyReading(Value):
    """Electrical energy of one unit as its vendor reports it, whole: every circuit that the unit has is in it."""

    kind: EnergyKind
    start: Instant | None = None
    """None for a counter."""
    end: Instant
    """Of the span, or when the counter stood so."""
    kwh: dict[EnergyCircuit, float] = Field(min_length=1)
    step_kwh: float = Field(gt=0)
    """How finely the vendor counts."""

    @property
    def unit_kwh(self) -> float:
        """Of all circuits; a negative part is returned as it is, for a sum would hide it."""
        least = min(self.kwh.values())
        return least if least < 0 else sum(self.kwh.values())


FINE_KWH = 0.1
"""Of a counter that counts so finely every reading is worth having."""


def is_worth_keeping(counter: EnergyReading, kept: EnergyReading | None) -> bool:
    """Whether a counter moved far enough since the reading that was kept of it, for its step to matter little."""
    if kept is None or counter.step_kwh <= FINE_KWH:
        return True
    rise_kwh = counter.unit_kwh - kept.unit_kwh
    return rise_kwh < 0 or rise_kwh >= LEAST_STEPS * counter.step_kwh


def joined(readings: Iterable[EnergyReading]) -> list[EnergyReading]:
    """Buckets joined with those after them until each holds `LEAST_STEPS`; what is no bucket stays as it is.

    Of buckets without a gap between them nothing is lost; one that cannot be true stays alone.
    """
    found: list[EnergyReading] = []
    for kind, run in groupby(readings, lambda one: one.kind):
        alike = list(run)
        found += _in_groups(alike) if kind is EnergyKind.BUCKET else alike
    return found


def _in_groups(buckets: Sequence[EnergyReading]) -> list[EnergyReading]:
    groups: list[list[EnergyReading]] = []
    for bucket in buckets:
        last = groups[-1] if groups else []
        if last and _takes(last, bucket):
            last.append(bucket)
        else:
            groups.append([bucket])
    if len(groups) > 1 and not _is_full(groups[-1]) and _follows(groups[-2], groups[-1][0]):
        groups[-2:] = [groups[-2] + groups[-1]]
    return [group[0] if len(group) == 1 else _sum_of(group) for group in groups]


def _takes(group: Sequence[EnergyReading], bucket: EnergyReading) -> bool:
    return not _is_full(group) and _follows(group, bucket)


def _follows(group: Sequence[EnergyReading], bucket: EnergyReading) -> bool:
    return group[-1].end == bucket.start and min(group[-1].unit_kwh, bucket.unit_kwh) >= 0


def _is_full(group: Sequence[EnergyReading]) -> bool:
    return sum(bucket.unit_kwh for bucket in group) >= LEAST_STEPS * group[0].step_kwh


def _sum_of(group: Sequence[EnergyReading]) -> EnergyReading:
    circuits: Mapping[EnergyCircuit, None] = {circuit: None for bucket in group for circuit in bucket.kwh}
    return EnergyReading(
        kind=EnergyKind.BUCKET,
        start=group[0].start,
        end=group[-1].end,
        kwh={circuit: sum(bucket.kwh.get(circuit, 0.0) for bucket in group) for circuit in circuits},
        step_kwh=group[0].step_kwh,
    )
