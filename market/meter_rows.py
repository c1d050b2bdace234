"""Whole-house meter readings as their formats give them, and as stretches of slots.

Protects: only energy that can be true becomes a reading, each slot once; hours are spread over their quarters and
nothing is filled in where a meter is silent.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise

from domain.planning.house_load import MeterReadings
from domain.slots import SLOT
from market.errors import refused

MOST_KW = 100.0
"""A house behind a household's fuse draws less."""


@dataclass(frozen=True)
class Interval:
    """Energy from a start to the next interval's."""

    pump: str
    start: datetime
    kwh: float


@dataclass(frozen=True)
class MeterFormat:
    """A format by its name; `read` takes a document and its origin, and raises `BadDocument`."""

    name: str
    read: Callable[[bytes, str], list[Interval]]


def interval(place: str, pump: object, start: object, kwh: object) -> Interval:
    """One interval of a document; raises `BadDocument`, naming the place."""
    try:
        moment = datetime.fromisoformat(str(start))
        energy = float(str(kwh))
    except ValueError:
        raise refused(place, f"has no time and number in {start!r}, {kwh!r}", "mend it") from None
    if moment.tzinfo is None:
        raise refused(place, "has a time without an offset", "give it as in 2026-01-15T06:45:00+01:00")
    if not isinstance(pump, str) or not pump:
        raise refused(place, "names no pump", "say whose house it is")
    if not math.isfinite(energy) or energy < 0:
        raise refused(place, f"has {kwh!r} kWh", "a house's consumption is not below 0")
    return Interval(pump, moment.astimezone(UTC), energy)


def readings_of(raw: bytes, origin: str, meter_format: MeterFormat) -> list[MeterReadings]:
    """Every house's contiguous stretches in a document, by quarter; raises `BadDocument`."""
    digest = sha256(raw).hexdigest()
    by_pump: dict[str, list[Interval]] = {}
    for one in meter_format.read(raw, origin):
        by_pump.setdefault(one.pump, []).append(one)
    found = []
    for pump, intervals in by_pump.items():
        slots = _by_slot(origin, pump, sorted(intervals, key=lambda one: one.start))
        starts = sorted(slots)
        begins = [n for n, start in enumerate(starts) if n == 0 or start - starts[n - 1] != SLOT]
        for first, end in zip(begins, [*begins[1:], len(starts)], strict=True):
            kwh = tuple(slots[start] for start in starts[first:end])
            found.append(
                MeterReadings(
                    pump_id=pump,
                    source=f"{meter_format.name} {origin}",
                    start=starts[first],
                    kwh=kwh,
                    raw_sha256=digest,
                )
            )
    return found


def _by_slot(origin: str, pump: str, intervals: Sequence[Interval]) -> dict[datetime, float]:
    gaps = [b.start - a.start for a, b in pairwise(intervals)]
    length = min(gaps, default=SLOT)
    if length not in (SLOT, timedelta(hours=1)):
        raise refused(origin, f"has intervals of {length} for {pump}", "give quarters or hours, each once")
    slots: dict[datetime, float] = {}
    for one in intervals:
        if one.start.minute * 60 % length.seconds or one.start.second or one.start.microsecond:
            raise refused(origin, f"has an interval of {pump} that begins at {one.start:%H:%M:%S}", "begin on the slot")
        if one.kwh > MOST_KW * length.total_seconds() / 3600:
            what = f"has {one.kwh:g} kWh of {pump} at {one.start:%F %H:%M} UTC"
            raise refused(origin, what, "no house draws so much")
        for n in range(length // SLOT):
            slots[one.start + n * SLOT] = one.kwh / (length // SLOT)
    return slots
