"""What was learnt of each unit: ids and ranges, so that a reading asks for few points and a write asks for none, and
states that cost a call of their own.

Protects: nothing remembered is believed for longer than its kind deserves, and no id or range after the cloud refused a
write that relied on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.oem.energy import EnergyReading
from domain.oem.lever import Lever, LeverName
from domain.oem.units import PumpAddress
from oem_adapters.nibe.conditions import points_of_others
from oem_adapters.nibe.manifest import ROOM_SETPOINT
from oem_adapters.nibe.mapping import device_id_of, heating_offset, hot_water_comfort, newest_stamp, setpoint_points
from oem_adapters.nibe.models import Device, Point, System
from oem_adapters.nibe.quirks import AWAY_ASKED_EVERY, AWAY_BELIEVED, DEVICE_LIFE, MEMORY_LIFE, Quantity, find


@dataclass(frozen=True)
class _Seen[What]:
    """Something seen, and when."""

    what: What
    at: datetime

    def within(self, life: timedelta, now: datetime) -> bool:
        return now - self.at <= life


@dataclass
class _Unit:
    parameters: _Seen[tuple[str, ...]] | None = None
    levers: dict[LeverName, _Seen[Lever]] = field(default_factory=dict)
    counter: EnergyReading | None = None


@dataclass
class _State:
    disconnected: _Seen[bool] | None = None
    updating: _Seen[bool] | None = None
    away: _Seen[bool] | None = None
    ask_away_at: datetime | None = None
    document_at: datetime | None = None
    view_only: _Seen[bool] | None = None


class Memory:
    """Units by account and device. Ages are steered."""

    def __init__(self) -> None:
        self._units: dict[tuple[str, str], _Unit] = {}
        self._states: dict[tuple[str, str], _State] = {}

    def learn_parameters(self, pump: PumpAddress, all_points: Sequence[Point], now: datetime) -> None:
        """Remember the ids of useful points, from all points of a unit.

        The freshest point is useful whatever it means: in a house at rest it alone may show that the unit reports.
        """
        found = [point for quantity in Quantity if (point := find(all_points, quantity)) is not None]
        found += points_of_others(all_points) + setpoint_points(all_points)
        freshest = newest_stamp(all_points, now)
        if freshest is not None and freshest != newest_stamp(found, now):
            found.append(next(point for point in all_points if point.stamp == freshest))
        ids = tuple(dict.fromkeys(point.parameter_id for point in found))
        self._unit(pump).parameters = _Seen(ids, now)

    def learn_levers(self, pump: PumpAddress, points: Sequence[Point], now: datetime) -> None:
        """Remember where the levers among some points are and what they take."""
        for lever in (heating_offset(points), hot_water_comfort(points)):
            self.learn_lever(pump, lever, now)

    def learn_lever(self, pump: PumpAddress, lever: Lever | None, now: datetime) -> None:
        """Remember where a lever is and what it takes."""
        if lever is not None:
            self._unit(pump).levers[lever.name] = _Seen(lever, now)

    def learn_counter(self, pump: PumpAddress, counter: EnergyReading | None) -> None:
        """Remember how the unit's counter stood in the newest answer."""
        self._unit(pump).counter = counter

    def counter(self, pump: PumpAddress) -> EnergyReading | None:
        """How the unit's counter stood in the newest answer; None where it showed none."""
        return self._unit(pump).counter

    def parameters(self, pump: PumpAddress, now: datetime, life: timedelta = MEMORY_LIFE) -> tuple[str, ...]:
        """Ids of the useful points; empty where they are not known, or were learnt longer ago than `life`."""
        seen = self._unit(pump).parameters
        return seen.what if seen is not None and seen.within(life, now) else ()

    def lever(self, pump: PumpAddress, lever: LeverName, now: datetime) -> Lever | None:
        """Where a lever was last seen."""
        seen = self._unit(pump).levers.get(lever)
        return seen.what if seen is not None and seen.within(MEMORY_LIFE, now) else None

    def zone_id(self, pump: PumpAddress, now: datetime) -> str | None:
        """The zone whose setpoint is written, where it is known."""
        zone = self.lever(pump, ROOM_SETPOINT.name, now)
        return zone.wire_id if zone is not None else None

    def forget(self, pump: PumpAddress) -> None:
        """Believe no id and no range of a unit any more; its state is another matter."""
        self._units.pop((pump.account_id, device_id_of(pump)), None)

    def learn_device(self, account_id: str, device: Device, now: datetime, listed: bool = False) -> None:
        """Remember a unit's connection, and its firmware's state where its document or a list tells it."""
        state = self._states.setdefault((account_id, device.device_id), _State())
        state.disconnected = _Seen(device.disconnected, now)
        if not listed:
            state.document_at = now
        if device.updating is not None:
            state.updating = _Seen(device.updating, now)

    def learn_rights(self, account_id: str, system: System, now: datetime) -> None:
        """Remember whether the account may only look at a system."""
        for device in system.devices:
            state = self._states.setdefault((account_id, device.device_id), _State())
            state.view_only = _Seen(system.is_view_only, now)

    def view_only(self, pump: PumpAddress, now: datetime) -> bool | None:
        """Whether the account may only look at the unit; None where that is not known."""
        seen = self._state(pump).view_only
        return seen.what if seen is not None and seen.within(MEMORY_LIFE, now) else None

    def document_due(self, pump: PumpAddress, now: datetime) -> bool:
        """Whether the device's own document, which tells more than a list, was not seen for a while."""
        seen_at = self._state(pump).document_at
        return seen_at is None or now - seen_at > DEVICE_LIFE

    def disconnected(self, pump: PumpAddress, now: datetime) -> bool:
        """Whether the unit was said to be disconnected a short while ago."""
        return _holds(self._state(pump).disconnected, DEVICE_LIFE, now)

    def updating(self, pump: PumpAddress, now: datetime) -> bool:
        """Whether the unit's firmware was being changed a short while ago."""
        return _holds(self._state(pump).updating, DEVICE_LIFE, now)

    def claim_away(self, pump: PumpAddress, now: datetime) -> bool:
        """Whether the away switch is due to be asked; who is told so asks it, and nobody else does meanwhile."""
        state = self._state(pump)
        if state.ask_away_at is not None and now < state.ask_away_at:
            return False
        state.ask_away_at = now + AWAY_ASKED_EVERY
        return True

    def learn_away(self, pump: PumpAddress, away: bool, now: datetime) -> None:
        self._state(pump).away = _Seen(away, now)

    def away_not_told(self, pump: PumpAddress, now: datetime) -> None:
        """The switch could not be asked: try again before it is due, though not at every look."""
        self._state(pump).ask_away_at = now + DEVICE_LIFE

    def away(self, pump: PumpAddress, now: datetime) -> bool:
        return _holds(self._state(pump).away, AWAY_BELIEVED, now)

    def _unit(self, pump: PumpAddress) -> _Unit:
        return self._units.setdefault((pump.account_id, device_id_of(pump)), _Unit())

    def _state(self, pump: PumpAddress) -> _State:
        return self._states.setdefault((pump.account_id, device_id_of(pump)), _State())


def _holds(seen: _Seen[bool] | None, life: timedelta, now: datetime) -> bool:
    return seen is not None and seen.what and seen.within(life, now)
