"""What a vendor reports of a unit's energy, as settlement takes it.

Protects: a unit's energy is the sum of all its circuits, and what cannot be true in one of them is stored as it is, to
be flagged and counted like a meter's.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from domain.oem.energy import EnergyReading, joined
from domain.savings.energy import CounterReading, Reported, Total


class EnergyLog(Protocol):
    """Where reports of energy are kept."""

    async def store_reports(self, pump_id: str, reported: Reported, received_at: datetime) -> int:
        """Append what meters and vendors reported; the same report once. Returns how many were new."""
        ...

    async def vendor_reported_at(self, pump_ids: Sequence[str]) -> dict[str, datetime]:
        """When the newest report of each unit's vendor was received; a unit without any is missing."""
        ...


def reported_by_vendor(readings: Iterable[EnergyReading]) -> Reported:
    """Counters and totals; small buckets joined, so that their rounding does not outweigh what they say."""
    whole = joined(readings)
    return Reported(
        own_counters=tuple(CounterReading(at=one.end, kwh=one.unit_kwh) for one in whole if one.start is None),
        own_totals=tuple(
            Total(start=one.start, end=one.end, kwh=one.unit_kwh) for one in whole if one.start is not None
        ),
    )
