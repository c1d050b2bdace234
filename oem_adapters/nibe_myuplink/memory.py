"""What was learnt of each unit's ids and ranges, so that a reading asks for few points and a write asks for none.

Protects: nothing remembered is believed for longer than a day, nor after the cloud refused a write that relied on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.modes import Lever
from domain.oem import PumpAddress
from oem_adapters.nibe_myuplink.const import MEMORY_LIFE
from oem_adapters.nibe_myuplink.levers import LeverOnWire
from oem_adapters.nibe_myuplink.models import Quantity, find
from oem_adapters.nibe_myuplink.wire import Point


@dataclass
class _Unit:
    parameters: tuple[str, ...] = ()
    parameters_at: datetime | None = None
    levers: dict[Lever, tuple[LeverOnWire, datetime]] = field(default_factory=dict)


class Memory:
    """Units by account and device. Ages are steered."""

    def __init__(self) -> None:
        self._units: dict[tuple[str, str], _Unit] = {}

    def learn_parameters(self, pump: PumpAddress, all_points: Sequence[Point], now: datetime) -> None:
        """Remember the ids of useful points, from all points of a unit."""
        unit = self._units.setdefault(_key(pump), _Unit())
        found = [find(all_points, quantity) for quantity in Quantity]
        unit.parameters = tuple(dict.fromkeys(point.parameter_id for point in found if point is not None))
        unit.parameters_at = now

    def learn_lever(self, pump: PumpAddress, lever: LeverOnWire | None, now: datetime) -> None:
        """Remember where a lever is and what it takes."""
        if lever is not None:
            self._units.setdefault(_key(pump), _Unit()).levers[lever.lever] = (lever, now)

    def parameters(self, pump: PumpAddress, now: datetime) -> tuple[str, ...]:
        """Ids of the useful points; empty where they are not known, or not known any more."""
        unit = self._units.get(_key(pump))
        return () if unit is None or self._too_old(unit.parameters_at, now) else unit.parameters

    def lever(self, pump: PumpAddress, lever: Lever, now: datetime) -> LeverOnWire | None:
        """Where a lever was last seen."""
        unit = self._units.get(_key(pump))
        seen = unit.levers.get(lever) if unit is not None else None
        return None if seen is None or self._too_old(seen[1], now) else seen[0]

    def forget(self, pump: PumpAddress) -> None:
        self._units.pop(_key(pump), None)

    @staticmethod
    def _too_old(learnt_at: datetime | None, now: datetime) -> bool:
        return learnt_at is None or now - learnt_at > MEMORY_LIFE


def _key(pump: PumpAddress) -> tuple[str, str]:
    return pump.account_id, pump.vendor_device_id
