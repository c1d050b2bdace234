"""The NIBE adapter: discovery, capability, reading and writing of units in the myUplink cloud.

Protects: a setting out of range or off step is never sent; a reading carries the newest stamp the pump itself gave; a
write returns on acceptance only and claims nothing more.
"""

import math
from collections.abc import Sequence
from datetime import datetime

import httpx
import structlog

from domain.credentials import TokenVault
from domain.modes import Lever
from domain.oem import (
    Capability,
    DiscoveredPump,
    Malformed,
    NotExecutable,
    Offline,
    PumpAddress,
    Reading,
    Rejected,
    VendorTiming,
)
from oem_adapters.http import Call, CloudClient
from oem_adapters.nibe_myuplink.const import (
    CLOCK_AHEAD,
    HEADERS,
    ITEMS_PER_PAGE,
    MOST_PAGES,
    TIMING,
    TOKENS,
    WRITE_CONTENT_TYPE,
)
from oem_adapters.nibe_myuplink.levers import LeverOnWire, heat_zone, heating_offset, room_setpoint
from oem_adapters.nibe_myuplink.memory import Memory
from oem_adapters.nibe_myuplink.models import Family, Quantity, family_of, find, value_of
from oem_adapters.nibe_myuplink.wire import (
    ACCEPTED,
    DEVICE,
    POINTS,
    SYSTEMS_PAGE,
    ZONES,
    Device,
    Point,
    Zone,
    verdict_on,
)
from oem_adapters.settings import why_not_allowed
from oem_adapters.timeouts import WallTimeouts

log = structlog.get_logger(__name__)

_LEVER_WORDS = {Lever.HEATING_OFFSET: "heating offset", Lever.ROOM_SETPOINT: "room setpoint"}


SETPOINT_AGREES_K = 0.05
"""Half of the coarsest step in which the two pictures of a setpoint may be rounded apart."""


class NibeMyUplink:
    """`domain.ports.OemAdapter` for NIBE. All methods raise the closed set of `domain.oem`."""

    def __init__(self, client: httpx.AsyncClient, vault: TokenVault, timeouts: WallTimeouts | None = None) -> None:
        self._cloud = CloudClient(client, vault, self.oem, TOKENS, timeouts or WallTimeouts(), HEADERS)
        self._memory = Memory()

    @property
    def oem(self) -> str:
        return "nibe"

    @property
    def timing(self) -> VendorTiming:
        return TIMING

    async def discover(self, account_id: str, now: datetime) -> Sequence[DiscoveredPump]:
        """Every unit the account can reach, over all pages, each once."""
        found: dict[str, DiscoveredPump] = {}
        systems_seen = 0
        for page_no in range(1, MOST_PAGES + 1):
            query = {"page": str(page_no), "itemsPerPage": str(ITEMS_PER_PAGE)}
            page = await self._cloud.fetch(account_id, Call("GET", "/v2/systems/me", query=query), SYSTEMS_PAGE, now)
            known = len(found)
            for system in page.systems:
                for device in system.devices:
                    found.setdefault(device.device_id, _discovered(system.system_id, device))
            systems_seen += len(page.systems)
            # A cloud that ignores the page number would repeat itself for ever.
            if systems_seen >= page.total or not page.systems or (page_no > 1 and len(found) == known):
                break
        return list(found.values())

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        """A room setpoint where the unit has a heat zone, else the heating offset."""
        device = await self._device(pump, now)
        points = await self._all_points(pump, now)
        zones = [] if family_of(device.product.name) is Family.F else await self._zones_if_any(pump, now)
        levers = (room_setpoint(zones), heating_offset(points))
        usable = next((lever for lever in levers if lever is not None and lever.current is not None), None)
        if usable is None:
            raise NotExecutable(
                f"Pump {pump.pump_id} has neither a heat zone nor a heating offset that can be written and read back."
            )
        return usable.capability(device.product.name, _room_c(points, zones) is not None)

    async def read(self, pump: PumpAddress, lever: Lever, now: datetime) -> Reading:
        """The unit's points, and its zones where the lever is one.

        `as_of` is the newest stamp among the points. The setting's own stamp would mislead: a value that does not
        change keeps an old stamp for days while the pump reports every few minutes. Where even the newest stamp is old,
        the cloud is asked whether the pump is connected: Offline if it says no; else the reading is returned, stale.
        """
        points, everything = await self._points(pump, lever, now)
        as_of = _newest_stamp(points, now)
        if not everything and _is_old(as_of, now):
            points = await self._all_points(pump, now)
            as_of = _newest_stamp(points, now)
        if _is_old(as_of, now) and (await self._device(pump, now)).disconnected:
            raise Offline(f"Pump {pump.pump_id} is not connected to its cloud and has been silent for a while.")
        if as_of is None:
            raise Malformed(f"The cloud gave no usable stamp for any value of pump {pump.pump_id}.")
        zones = await self._zones(pump, now) if lever is Lever.ROOM_SETPOINT else []
        return Reading(
            as_of=as_of,
            lever=lever,
            setting=_setting(lever, points, zones),
            room_c=_room_c(points, zones),
            outdoor_c=value_of(points, Quantity.OUTDOOR_C),
            supply_c=value_of(points, Quantity.SUPPLY_C),
            power_w=value_of(points, Quantity.POWER_W),
            compressor_hz=value_of(points, Quantity.COMPRESSOR_HZ),
        )

    async def write(self, pump: PumpAddress, lever: Lever, setting: float, now: datetime) -> None:
        """Set the lever; refuses itself, as Rejected, what the unit's range or step do not allow."""
        on_wire = self._memory.lever(pump, lever, now) or await self._look_up(pump, lever, now)
        wrong = why_not_allowed(on_wire.minimum, on_wire.maximum, on_wire.step, setting)
        if wrong is not None:
            raise Rejected(f"A {_LEVER_WORDS[lever]} of {setting:g} for pump {pump.pump_id} {wrong}; nothing was sent.")
        try:
            await self._send(pump, on_wire, setting, now)
        except Rejected:
            self._memory.forget(pump)  # the id or the range may have changed since it was learnt
            raise

    async def _send(self, pump: PumpAddress, on_wire: LeverOnWire, setting: float, now: datetime) -> None:
        number = int(setting) if setting == math.floor(setting) else setting
        if on_wire.lever is Lever.ROOM_SETPOINT:
            ids = {"device": pump.vendor_device_id, "zone": on_wire.wire_id}
            call = Call(
                "PATCH",
                "/v2/devices/{device}/zones/{zone}",
                ids,
                body={"setpointHeat": number},
                content_type=WRITE_CONTENT_TYPE,
            )
            key = "setpointHeat"
        else:
            ids = {"device": pump.vendor_device_id}
            call = Call(
                "PATCH",
                "/v2/devices/{device}/points",
                ids,
                body={on_wire.wire_id: number},
                content_type=WRITE_CONTENT_TYPE,
            )
            key = on_wire.wire_id
        answer = await self._cloud.send(pump.account_id, call, now)
        verdict = verdict_on(answer.content, key)
        if verdict == ACCEPTED:
            return
        if verdict is not None:
            raise Rejected(
                f"The cloud answered a {_LEVER_WORDS[on_wire.lever]} for pump {pump.pump_id} without taking it."
            )
        if on_wire.lever is Lever.HEATING_OFFSET:
            raise Malformed(f"The cloud's answer to a write for pump {pump.pump_id} does not name what was written.")
        # What a zone answers is not known well enough to read more than its status out of it.

    async def _look_up(self, pump: PumpAddress, lever: Lever, now: datetime) -> LeverOnWire:
        if lever is Lever.ROOM_SETPOINT:
            found = room_setpoint(await self._zones_if_any(pump, now))
        else:
            found = heating_offset(await self._all_points(pump, now))
        if found is None:
            raise Rejected(f"Pump {pump.pump_id} has no {_LEVER_WORDS[lever]} that can be written and read back.")
        return found

    async def _points(self, pump: PumpAddress, lever: Lever, now: datetime) -> tuple[Sequence[Point], bool]:
        """The points a reading needs, and whether these are all points of the unit.

        The ids are known once all points were seen; an answer in which the lever is missing makes us look again.
        """
        known = self._memory.parameters(pump, now)
        if not known:
            return await self._all_points(pump, now), True
        query = {"parameters": ",".join(known)}
        call = Call("GET", "/v2/devices/{device}/points", {"device": pump.vendor_device_id}, query)
        points = await self._cloud.fetch(pump.account_id, call, POINTS, now)
        if lever is Lever.HEATING_OFFSET and find(points, Quantity.HEATING_OFFSET) is None:
            return await self._all_points(pump, now), True
        self._memory.learn_lever(pump, heating_offset(points), now)
        return points, False

    async def _all_points(self, pump: PumpAddress, now: datetime) -> Sequence[Point]:
        call = Call("GET", "/v2/devices/{device}/points", {"device": pump.vendor_device_id})
        points = await self._cloud.fetch(pump.account_id, call, POINTS, now)
        self._memory.learn_parameters(pump, points, now)
        self._memory.learn_lever(pump, heating_offset(points), now)
        return points

    async def _zones(self, pump: PumpAddress, now: datetime) -> Sequence[Zone]:
        call = Call("GET", "/v2/devices/{device}/smart-home-zones", {"device": pump.vendor_device_id})
        zones = await self._cloud.fetch(pump.account_id, call, ZONES, now)
        self._memory.learn_lever(pump, room_setpoint(zones), now)
        return zones

    async def _zones_if_any(self, pump: PumpAddress, now: datetime) -> Sequence[Zone]:
        """As `_zones`; a refusal means that this unit has none."""
        try:
            return await self._zones(pump, now)
        except Rejected as refusal:
            log.info("no zones", oem=self.oem, pump_id=pump.pump_id, reason=str(refusal))
            return []

    async def _device(self, pump: PumpAddress, now: datetime) -> Device:
        call = Call("GET", "/v2/devices/{device}", {"device": pump.vendor_device_id})
        return await self._cloud.fetch(pump.account_id, call, DEVICE, now)


def _discovered(system_id: str, device: Device) -> DiscoveredPump:
    return DiscoveredPump(
        vendor_system_id=system_id,
        vendor_device_id=device.device_id,
        model=device.product.name,
        connected=device.connected,
    )


def _newest_stamp(points: Sequence[Point], now: datetime) -> datetime | None:
    """The newest stamp that no wrong clock gave."""
    return max((p.stamp for p in points if p.stamp is not None and p.stamp <= now + CLOCK_AHEAD), default=None)


def _is_old(as_of: datetime | None, now: datetime) -> bool:
    return as_of is None or now - as_of > TIMING.reading_max_age


def _setting(lever: Lever, points: Sequence[Point], zones: Sequence[Zone]) -> float | None:
    if lever is Lever.ROOM_SETPOINT:
        return _zone_setpoint(points, zones)
    point = find(points, Quantity.HEATING_OFFSET)
    return point.value if point is not None else None


def _zone_setpoint(points: Sequence[Point], zones: Sequence[Zone]) -> float | None:
    """The heat zone's setpoint, where the stamped point beside it does not contradict.

    Zones carry no stamp, so an old picture of one looks like a fresh one; the two then disagree, and nothing is known.
    """
    zone = heat_zone(zones)
    if zone is None or zone.setpoint_heat is None:
        return None
    witness = value_of(points, Quantity.ROOM_SETPOINT_C)
    agreed = witness is None or abs(witness - zone.setpoint_heat) < SETPOINT_AGREES_K
    return zone.setpoint_heat if agreed else None


def _room_c(points: Sequence[Point], zones: Sequence[Zone]) -> float | None:
    """The heat zone's own temperature where it has one: that is what its setpoint is compared with."""
    zone = heat_zone(zones)
    if zone is not None and zone.temperature is not None:
        return zone.temperature
    return value_of(points, Quantity.ROOM_C)
