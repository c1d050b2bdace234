"""The NIBE adapter: connections, capabilities, reading and writing of units in the myUplink cloud.

Protects: a setting out of range or off step is never sent; a reading carries the newest stamp the pump itself gave; a
write returns on acceptance only and claims nothing more.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import structlog

from domain.oem.calls import CallListener
from domain.oem.energy import EnergyReading
from domain.oem.errors import AuthExpired, Malformed, NotExecutable, OemError, Offline, Rejected
from domain.oem.lever import Lever, LeverName
from domain.oem.readings import Reading
from domain.oem.spending import SharedAccounts
from domain.oem.timing import VendorTiming
from domain.oem.units import Capability, PumpAddress
from oem_adapters.http import CloudClient
from oem_adapters.nibe.client import MyUplinkRequests
from oem_adapters.nibe.conditions import condition_of
from oem_adapters.nibe.energy import counter_of
from oem_adapters.nibe.manifest import EMERGENCY, HEATING_OFFSET, HOT_WATER_COMFORT, MANIFEST, ROOM_SETPOINT, TIMING
from oem_adapters.nibe.mapping import (
    heating_offset,
    hot_water_comfort,
    is_old,
    newest_stamp,
    reading_of,
    ref_of,
    room_c,
    room_setpoint,
    setpoint_point,
)
from oem_adapters.nibe.memory import Memory
from oem_adapters.nibe.models import ACCEPTED, Device, Point, System, Zone
from oem_adapters.nibe.quirks import HEADERS, ZONE_FINEST_C, Family, Quantity, family_of, family_seen, find
from oem_adapters.timeouts import WallTimeouts

log = structlog.get_logger(__name__)

_POINT_OF = {
    HEATING_OFFSET.name: Quantity.HEATING_OFFSET,
    HOT_WATER_COMFORT.name: Quantity.HOT_WATER_COMFORT,
}


class NibeMyUplink:
    """`domain.oem.ports.OemAdapter` and `EnergyReader` for NIBE. All methods raise the closed set of errors."""

    energy_calls = 0

    def __init__(
        self,
        client: httpx.AsyncClient,
        vault: SharedAccounts,
        timeouts: WallTimeouts | None = None,
        on_call: CallListener | None = None,
    ) -> None:
        cloud = CloudClient(client, vault, MANIFEST, timeouts or WallTimeouts(), HEADERS, on_call)
        self._ask = MyUplinkRequests(cloud)
        self._memory = Memory()

    @property
    def oem(self) -> str:
        return MANIFEST.oem

    @property
    def timing(self) -> VendorTiming:
        return TIMING

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        """Whether each unit is connected; one call per 99 systems."""
        systems = await self._systems(account_id, now)
        return {
            ref_of(system.system_id, device.device_id): device.connected
            for system in systems
            for device in system.devices
        }

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        """A room setpoint where the unit has a heat zone, else the heating offset; and its hot-water lever if any.

        Raises Rejected (`is_read_only`) where the account may only look at the unit's system.
        """
        await self._refuse_viewers(pump, now)
        device = await self._device(pump, now)
        points = await self._all_points(pump, now)
        zones = [] if family_of(device.product.name) is Family.F else await self._zones_if_any(pump, now)
        levers = (room_setpoint(zones), heating_offset(points))
        usable = next((lever for lever in levers if lever is not None), None)
        if usable is None:
            raise NotExecutable(
                f"Pump {pump.pump_id} has neither a heat zone nor a heating offset that can be written and read back."
            )
        has_room_sensor = room_c(points, zones) is not None
        return Capability(
            model=device.product.name,
            heating=usable,
            hot_water=hot_water_comfort(points),
            has_room_sensor=has_room_sensor,
            emergency=EMERGENCY,
        )

    async def read(self, pump: PumpAddress, lever: LeverName, now: datetime, *, urgent: bool = False) -> Reading:
        """The unit's points in one call; a room setpoint is taken from the stamped point beside its zone.

        `as_of` is the newest stamp among the points. The setting's own stamp would mislead: a value that does not
        change keeps an old stamp for days while the pump reports every few minutes. Where even the newest stamp is old,
        the cloud is asked whether the pump is connected: Offline if it says no; else the reading is returned, stale.
        """
        points, everything = await self._points(pump, lever, now, urgent)
        as_of = newest_stamp(points, now)
        if not everything and is_old(as_of, now):
            points = await self._all_points(pump, now, urgent)
            as_of = newest_stamp(points, now)
        if is_old(as_of, now) and (await self._device(pump, now, urgent)).disconnected:
            raise _offline(pump)
        if as_of is None:
            raise _unstamped(pump)
        zones = await self._zones_to_tell(pump, lever, points, now, urgent)
        if not urgent:
            await self._look_whether_away(pump, lever, points, now)
        return self._reading(pump, lever, points, zones, as_of, now)

    async def observe(self, pump: PumpAddress, lever: LeverName, now: datetime) -> Reading:
        """As `read`, for the fleet's rounds.

        A silent unit costs more, though not at every look: all its points, for the usual few may just not have changed,
        and its document. It is Offline where that or `connections` lately said so, and else told as it is, stale.
        """
        points, everything = await self._points(pump, lever, now)
        as_of = newest_stamp(points, now)
        if is_old(as_of, now) and self._memory.disconnected(pump, now):
            raise _offline(pump)
        if is_old(as_of, now) and not everything and not self._memory.parameters(pump, now, TIMING.reading_max_age):
            points = await self._all_points(pump, now)
            as_of = newest_stamp(points, now)
        if is_old(as_of, now) and self._memory.document_due(pump, now) and (await self._device(pump, now)).disconnected:
            raise _offline(pump)
        if as_of is None:
            raise _unstamped(pump)
        zones = await self._zones_to_tell(pump, lever, points, now)
        await self._look_whether_away(pump, lever, points, now)
        return self._reading(pump, lever, points, zones, as_of, now)

    async def energy(
        self,
        pump: PumpAddress,
        tz: ZoneInfo,  # noqa: ARG002 -- a counter has no days
        now: datetime,  # noqa: ARG002
    ) -> Sequence[EnergyReading]:
        """How the counter of an S-series stood in the newest answer; no call."""
        counter = self._memory.counter(pump)
        return [] if counter is None else [counter]

    async def write(
        self, pump: PumpAddress, lever: LeverName, setting: float, now: datetime, *, urgent: bool = False
    ) -> None:
        """Set the lever; refuses itself, as Rejected, what the unit's range or step do not allow."""
        on_wire = self._memory.lever(pump, lever, now) or await self._look_up(pump, lever, now, urgent)
        # Half a kelvin is assumed of zones, for our modes; what a household chose between must be given back.
        taken = on_wire.model_copy(update={"step": ZONE_FINEST_C}) if lever == ROOM_SETPOINT.name else on_wire
        wrong = taken.why_not_allowed(setting)
        if wrong is not None:
            raise Rejected(f"A {on_wire.spec.title} of {setting:g} for pump {pump.pump_id} {wrong}; nothing was sent.")
        try:
            await self._send(pump, on_wire, setting, now, urgent)
        except Rejected:
            self._memory.forget(pump)  # the id or the range may have changed since it was learnt
            raise

    async def _send(self, pump: PumpAddress, on_wire: Lever, setting: float, now: datetime, urgent: bool) -> None:
        is_zone = on_wire.name == ROOM_SETPOINT.name
        write = self._ask.set_zone if is_zone else self._ask.set_point
        verdict = await write(pump, on_wire.wire_id, setting, now, urgent)
        if verdict == ACCEPTED:
            return
        if verdict is not None:
            raise Rejected(f"The cloud answered a {on_wire.spec.title} for pump {pump.pump_id} without taking it.")
        if not is_zone:
            raise Malformed(f"The cloud's answer to a write for pump {pump.pump_id} does not name what was written.")
        # What a zone answers is not known well enough to read more than its status out of it.

    async def _look_up(self, pump: PumpAddress, lever: LeverName, now: datetime, urgent: bool) -> Lever:
        match lever:
            case ROOM_SETPOINT.name:
                found = room_setpoint(await self._zones_if_any(pump, now, urgent))
            case HEATING_OFFSET.name:
                found = heating_offset(await self._all_points(pump, now, urgent))
            case HOT_WATER_COMFORT.name:
                found = hot_water_comfort(await self._all_points(pump, now, urgent))
        if found is None:
            raise Rejected(
                f"Pump {pump.pump_id} has no {MANIFEST.lever(lever).title} that can be written and read back."
            )
        return found

    def _reading(
        self,
        pump: PumpAddress,
        lever: LeverName,
        points: Sequence[Point],
        zones: Sequence[Zone] | None,
        as_of: datetime,
        now: datetime,
    ) -> Reading:
        self._memory.learn_counter(pump, counter_of(points, now))
        condition = condition_of(points, self._memory.updating(pump, now), self._memory.away(pump, now))
        return reading_of(lever, points, zones, self._memory.zone_id(pump, now), as_of, condition)

    async def _points(
        self, pump: PumpAddress, lever: LeverName, now: datetime, urgent: bool = False
    ) -> tuple[Sequence[Point], bool]:
        """The points a reading needs, and whether these are all points of the unit.

        The ids are known once all points were seen; an answer in which the lever is missing makes us look again.
        """
        known = self._memory.parameters(pump, now)
        if not known:
            return await self._all_points(pump, now, urgent), True
        try:
            points = await self._ask.points(pump, now, urgent, known)
        except Rejected as refusal:
            # A unit may lose a parameter in an update, and the cloud then refuses to give the others.
            log.info("points not known any more", oem=self.oem, pump_id=pump.pump_id, reason=str(refusal))
            self._memory.forget(pump)
            return await self._all_points(pump, now, urgent), True
        if lever != ROOM_SETPOINT.name and find(points, _POINT_OF[lever]) is None:
            return await self._all_points(pump, now, urgent), True
        self._memory.learn_levers(pump, points, now)
        return points, False

    async def _all_points(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Sequence[Point]:
        points = await self._ask.points(pump, now, urgent)
        self._memory.learn_parameters(pump, points, now)
        self._memory.learn_levers(pump, points, now)
        return points

    async def _zones_to_tell(
        self, pump: PumpAddress, lever: LeverName, points: Sequence[Point], now: datetime, urgent: bool = False
    ) -> Sequence[Zone] | None:
        """The zones, where only they tell the setpoint.

        A zone carries no stamp, so that an old picture of it looks like a fresh one: the stamped point goes first.
        """
        if lever != ROOM_SETPOINT.name or setpoint_point(points, self._memory.zone_id(pump, now)) is not None:
            return None
        return await self._zones(pump, now, urgent)

    async def _zones(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Sequence[Zone]:
        zones = await self._ask.zones(pump, now, urgent)
        self._memory.learn_lever(pump, room_setpoint(zones), now)
        return zones

    async def _zones_if_any(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Sequence[Zone]:
        """As `_zones`; a refusal means that this unit has none."""
        try:
            return await self._zones(pump, now, urgent)
        except Rejected as refusal:
            log.info("no zones", oem=self.oem, pump_id=pump.pump_id, reason=str(refusal))
            return []

    async def _device(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Device:
        device = await self._ask.device(pump, now, urgent)
        self._memory.learn_device(pump.account_id, device, now)
        return device

    async def _systems(self, account_id: str, now: datetime) -> Sequence[System]:
        systems = await self._ask.systems(account_id, now)
        for system in systems:
            self._memory.learn_rights(account_id, system, now)
            for device in system.devices:
                self._memory.learn_device(account_id, device, now, listed=True)
        return systems

    async def _refuse_viewers(self, pump: PumpAddress, now: datetime) -> None:
        if self._memory.view_only(pump, now) is None:
            try:
                await self._systems(pump.account_id, now)
            except Rejected as refusal:
                log.info("rights not known", oem=self.oem, pump_id=pump.pump_id, reason=str(refusal))
        if self._memory.view_only(pump, now):
            raise Rejected(
                f"Account {pump.account_id} may only view the system of pump {pump.pump_id}: its owner has to make it "
                "a manager before the pump can be steered.",
                is_read_only=True,
            )

    async def _look_whether_away(
        self, pump: PumpAddress, lever: LeverName, points: Sequence[Point], now: datetime
    ) -> None:
        """Ask an S-series' home for its away switch, every other hour at most; F-series tell theirs among their points.

        A reading does not depend on it: a failure is logged, and what is remembered counts a while longer.
        """
        is_s_series = lever == ROOM_SETPOINT.name or family_seen(points) is Family.S
        if not is_s_series or not self._memory.claim_away(pump, now):
            return
        try:
            mode = await self._ask.home_mode(pump, now)
        except AuthExpired:
            raise
        except Rejected as refusal:
            log.info("no away switch", oem=self.oem, pump_id=pump.pump_id, reason=str(refusal))
        except OemError as failure:
            log.info("away switch not told", oem=self.oem, pump_id=pump.pump_id, reason=str(failure))
            self._memory.away_not_told(pump, now)
        else:
            self._memory.learn_away(pump, mode.away, now)


def _offline(pump: PumpAddress) -> Offline:
    return Offline(f"Pump {pump.pump_id} is not connected to its cloud and has been silent for a while.")


def _unstamped(pump: PumpAddress) -> Malformed:
    return Malformed(f"The cloud gave no usable stamp for any value of pump {pump.pump_id}.")
