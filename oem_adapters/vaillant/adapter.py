"""The Vaillant adapter: connections, capabilities, reading and writing of units through the app's API.

Protects: a veto is begun, changed or ended as the zone's state wants it; a document without a stamp is believed as long
as its values move or its system is connected; a write returns on acceptance only and claims nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx

from domain.oem.calls import CallListener
from domain.oem.energy import EnergyReading
from domain.oem.errors import NotExecutable, Offline, Rejected
from domain.oem.lever import Lever, LeverName
from domain.oem.readings import Reading
from domain.oem.spending import SharedAccounts
from domain.oem.timing import VendorTiming
from domain.oem.units import Capability, PumpAddress
from oem_adapters.http import CloudClient
from oem_adapters.timeouts import WallTimeouts
from oem_adapters.vaillant.client import AppRequests
from oem_adapters.vaillant.energy import ENERGY_DAYS, MOST_PARTS, energy_of, parts_of
from oem_adapters.vaillant.manifest import EMERGENCY, HOT_WATER_TARGET, MANIFEST, ROOM_SETPOINT, TIMING
from oem_adapters.vaillant.mapping import is_vetoed, levers_of, reading_of
from oem_adapters.vaillant.models import Document
from oem_adapters.vaillant.quirks import MEMORY_LIFE, refusal_of

_ONLINE = "online"
_VETO_H = (ROOM_SETPOINT.expires_after or timedelta()) / timedelta(hours=1)


@dataclass
class _Known:
    """What was last read of a system."""

    at: datetime
    document: Document
    levers: dict[LeverName, Lever] = field(default_factory=dict)
    is_vetoed: bool = False


class VaillantApp:
    """`domain.oem.ports.OemAdapter` for Vaillant, `LeverReverter` and `EnergyReader`; raises the closed set only."""

    oem = MANIFEST.oem
    energy_calls = 1 + MOST_PARTS

    def __init__(
        self,
        client: httpx.AsyncClient,
        vault: SharedAccounts,
        timeouts: WallTimeouts | None = None,
        on_call: CallListener | None = None,
    ) -> None:
        cloud = CloudClient(client, vault, MANIFEST, timeouts or WallTimeouts(), on_call=on_call, refusals=refusal_of)
        self._ask = AppRequests(cloud)
        self._known: dict[tuple[str, str], _Known] = {}

    @property
    def timing(self) -> VendorTiming:
        return TIMING

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        """Whether each system of an account is connected; one call."""
        homes = await self._ask.homes(account_id, now)
        return {home.system_id: home.online.casefold() == _ONLINE for home in homes if home.system_id}

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        """The room temperature of the first zone, and the tank's if it has one; one call."""
        document = await self._document(pump, now)
        levers = levers_of(document)
        if ROOM_SETPOINT.name not in levers:
            raise NotExecutable(
                f"Pump {pump.pump_id} has no zone that keeps one room temperature: its time program changes it, which "
                "could not be told from a person's change."
            )
        return Capability(
            model=MANIFEST.title,
            heating=levers[ROOM_SETPOINT.name],
            hot_water=levers.get(HOT_WATER_TARGET.name),
            has_room_sensor=reading_of(ROOM_SETPOINT.name, document, now).room_c is not None,
            emergency=EMERGENCY,
        )

    async def read(self, pump: PumpAddress, lever: LeverName, now: datetime, *, urgent: bool = False) -> Reading:
        """The system's document; where nothing in it moved since the last look, whether it is connected as well.

        `as_of` is now: the document carries no stamp, and a system that is connected tells what is.
        """
        known = self._known.get(_key(pump))
        before = known.document.state if known is not None else None
        document = await self._document(pump, now, urgent)
        is_still = before is None or document.state == before
        if is_still and not await self._ask.connected(pump, now, urgent):
            raise Offline(f"Pump {pump.pump_id} is not connected to its cloud.")
        return reading_of(lever, document, now)

    async def observe(self, pump: PumpAddress, lever: LeverName, now: datetime) -> Reading:
        """As `read`."""
        return await self.read(pump, lever, now)

    async def write(
        self, pump: PumpAddress, lever: LeverName, setting: float, now: datetime, *, urgent: bool = False
    ) -> None:
        """Set the lever; refuses itself, as Rejected, what the unit's range or step do not allow.

        A veto for the household's own temperature is the end of one.
        """
        known = await self._lately(pump, lever, now, urgent)
        on_wire = known.levers[lever]
        wrong = on_wire.why_not_allowed(setting)
        if wrong is not None:
            raise Rejected(f"A {on_wire.spec.title} of {setting:g} for pump {pump.pump_id} {wrong}; nothing was sent.")
        try:
            if lever == HOT_WATER_TARGET.name:
                await self._ask.set_tank(pump, on_wire.wire_id, setting, now, urgent)
            elif setting == on_wire.baseline:
                await self._ask.end_veto(pump, on_wire.wire_id, now, urgent)
            else:
                await self._veto(pump, known, setting, now, urgent)
        except (Rejected, NotExecutable):
            self._known.pop(_key(pump), None)  # what was remembered may be wrong by now
            raise

    async def revert(
        self, pump: PumpAddress, lever: LeverName, baseline: float, now: datetime, *, urgent: bool = False
    ) -> None:
        """End a veto, whatever the household's own temperature is by now; a tank is set back."""
        if lever == HOT_WATER_TARGET.name:
            await self.write(pump, lever, baseline, now, urgent=urgent)
            return
        known = await self._lately(pump, lever, now, urgent)
        await self._ask.end_veto(pump, known.levers[lever].wire_id, now, urgent)

    async def energy(self, pump: PumpAddress, tz: ZoneInfo, now: datetime) -> Sequence[EnergyReading]:
        """The hours of the two days before today; a call for what there is, and one for each part of it."""
        today = datetime.combine(now.astimezone(tz).date(), time(), tz)
        first = datetime.combine(today.date() - timedelta(days=ENERGY_DAYS), time(), tz)
        told = {}
        for part in parts_of(await self._ask.generators(pump, now)):
            told[part] = await self._ask.hours(pump, part, first, today, now)
        return [one for one in energy_of(told) if one.start is not None and first <= one.start < today]

    async def _veto(self, pump: PumpAddress, known: _Known, setting: float, now: datetime, urgent: bool) -> None:
        """Begin one or change the one in force; where the zone says that it is the other way round, the other."""
        zone = known.levers[ROOM_SETPOINT.name].wire_id
        first, second = self._ask.begin_veto, self._ask.change_veto
        if known.is_vetoed:
            first, second = second, first
        try:
            await first(pump, zone, setting, _VETO_H, now, urgent)
        except NotExecutable:
            await second(pump, zone, setting, _VETO_H, now, urgent)

    async def _lately(self, pump: PumpAddress, lever: LeverName, now: datetime, urgent: bool) -> _Known:
        known = self._known.get(_key(pump))
        if known is None or now - known.at > MEMORY_LIFE or lever not in known.levers:
            await self._document(pump, now, urgent)
            known = self._known[_key(pump)]
        if lever not in known.levers:
            raise Rejected(f"Pump {pump.pump_id} has no {MANIFEST.lever(lever).title} that can be set and read back.")
        return known

    async def _document(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Document:
        """The document, remembered as far as a write needs it."""
        document = await self._ask.document(pump, now, urgent)
        self._known[_key(pump)] = _Known(now, document, levers_of(document), is_vetoed(document))
        return document


def _key(pump: PumpAddress) -> tuple[str, str]:
    return pump.account_id, pump.vendor_ref
