"""The LG adapter: connections, capabilities, reading and writing of units in ThinQ Connect.

Protects: a setting out of range or off step is never sent; a write returns on acceptance only and claims nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx

from domain.oem.calls import CallListener
from domain.oem.energy import EnergyReading
from domain.oem.errors import Malformed, NotExecutable, Rejected
from domain.oem.lever import Lever, LeverName
from domain.oem.readings import Reading
from domain.oem.spending import SharedAccounts
from domain.oem.timing import VendorTiming
from domain.oem.units import Capability, PumpAddress
from oem_adapters.http import CloudClient
from oem_adapters.lg.client import ThinqRequests
from oem_adapters.lg.energy import counts, energy_of, span_of
from oem_adapters.lg.manifest import EMERGENCY, HOT_WATER_TARGET, MANIFEST, TIMING
from oem_adapters.lg.mapping import PLACES, heating_spec, levers_of, reading_of, room_c
from oem_adapters.lg.models import Document
from oem_adapters.lg.quirks import ENERGY_PROFILE_LIFE, PROFILE_LIFE, headers_of, refusal_of
from oem_adapters.timeouts import WallTimeouts


@dataclass(frozen=True)
class _Known:
    """A unit's profile, and when it was read."""

    profile: Document
    at: datetime
    levers: Mapping[LeverName, Lever]


class LgThinq:
    """`domain.oem.ports.OemAdapter` and `EnergyReader` for LG. All methods raise the closed set of errors."""

    oem = MANIFEST.oem
    energy_calls = 2

    def __init__(
        self,
        client: httpx.AsyncClient,
        vault: SharedAccounts,
        timeouts: WallTimeouts | None = None,
        on_call: CallListener | None = None,
    ) -> None:
        cloud = CloudClient(
            client, vault, MANIFEST, timeouts or WallTimeouts(), headers_of, on_call=on_call, refusals=refusal_of
        )
        self._ask = ThinqRequests(cloud)
        self._known: dict[tuple[str, str], _Known] = {}
        self._counting: dict[tuple[str, str], tuple[bool, datetime]] = {}
        """Whether the cloud counts a unit's electricity, and when it was asked."""

    @property
    def timing(self) -> VendorTiming:
        return TIMING

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        """Whether each unit reports to the cloud; one call."""
        return {boiler.device_id: boiler.is_reporting for boiler in await self._ask.boilers(account_id, now)}

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        """What the unit heats by, and the tank's temperature if it can be set; two calls."""
        state = await self._ask.state(pump, now)
        known = await self._learn(pump, state, now)
        spec = heating_spec(state)
        if spec.name not in known.levers:
            raise NotExecutable(f"Pump {pump.pump_id} has no {spec.title} that can be set and read back.")
        return Capability(
            model=MANIFEST.title,
            heating=known.levers[spec.name],
            hot_water=known.levers.get(HOT_WATER_TARGET.name),
            has_room_sensor=room_c(state) is not None,
            emergency=EMERGENCY,
        )

    async def read(self, pump: PumpAddress, lever: LeverName, now: datetime, *, urgent: bool = False) -> Reading:
        """The unit's state in one call.

        It has no stamp: the cloud refuses it for a unit that is not connected, and what it gives is taken for as old as
        the call.
        """
        state = await self._ask.state(pump, now, urgent)
        if not any(state.get(*place) is not None for place in PLACES.values()):
            raise Malformed(f"The cloud told nothing of pump {pump.pump_id} that is known here.")
        return reading_of(state, lever, now)

    async def observe(self, pump: PumpAddress, lever: LeverName, now: datetime) -> Reading:
        """As `read`: one call tells all there is."""
        return await self.read(pump, lever, now)

    async def energy(self, pump: PumpAddress, tz: ZoneInfo, now: datetime) -> Sequence[EnergyReading]:
        """The days before today; one call, and one now and then for whether the cloud counts that unit at all."""
        is_counted, asked_at = self._counting.get(_key(pump), (False, None))
        if asked_at is None or now - asked_at > ENERGY_PROFILE_LIFE:
            is_counted = await self._is_counted(pump, now)
            self._counting[_key(pump)] = is_counted, now
        return energy_of(await self._ask.energy(pump, *span_of(tz, now), now), tz, now) if is_counted else []

    async def _is_counted(self, pump: PumpAddress, now: datetime) -> bool:
        try:
            return counts(await self._ask.energy_profile(pump, now))
        except Rejected:  # of a device that counts nothing this cloud has no profile
            return False

    async def write(
        self, pump: PumpAddress, lever: LeverName, setting: float, now: datetime, *, urgent: bool = False
    ) -> None:
        """Set the lever; refuses itself, as Rejected, what the unit's range or step do not allow."""
        known = self._known.get(_key(pump))
        if known is None or now - known.at > PROFILE_LIFE or lever not in known.levers:
            known = await self._learn(pump, await self._ask.state(pump, now, urgent), now, urgent)
        on_wire = known.levers.get(lever)
        if on_wire is None:
            title = MANIFEST.lever(lever).title
            raise Rejected(f"Pump {pump.pump_id} has no {title} that can be written and read back.")
        wrong = on_wire.why_not_allowed(setting)
        if wrong is not None:
            raise Rejected(f"A {on_wire.spec.title} of {setting:g} for pump {pump.pump_id} {wrong}; nothing was sent.")
        try:
            await self._ask.control(pump, PLACES[lever], setting, now, urgent)
        except Rejected:
            self._known.pop(_key(pump), None)  # its range may have changed since it was learnt
            raise

    async def _learn(self, pump: PumpAddress, state: Document, now: datetime, urgent: bool = False) -> _Known:
        known = self._known.get(_key(pump))
        if known is None or now - known.at > PROFILE_LIFE:
            profile, at = await self._ask.profile(pump, now, urgent), now
        else:
            profile, at = known.profile, known.at
        self._known[_key(pump)] = learnt = _Known(profile, at, levers_of(profile, state))
        return learnt


def _key(pump: PumpAddress) -> tuple[str, str]:
    return pump.account_id, pump.vendor_ref
