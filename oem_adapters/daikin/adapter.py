"""The Daikin adapter: one read of an account serves all its units, and a write takes one call.

Protects: a setting out of range, off step or not settable now is never sent; a unit is never told of its write by an
answer from before it; a write returns on acceptance only and claims nothing more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx

from domain.modes import Circuit
from domain.oem.calls import CallListener
from domain.oem.energy import EnergyReading
from domain.oem.errors import Malformed, NotExecutable, OemError, Offline, Rejected
from domain.oem.lever import Lever, LeverName
from domain.oem.readings import Condition, Reading
from domain.oem.spending import SharedAccounts
from domain.oem.timing import VendorTiming
from domain.oem.units import Capability, PumpAddress
from oem_adapters.daikin.client import OnectaRequests
from oem_adapters.daikin.energy import energy_of
from oem_adapters.daikin.manifest import EMERGENCY, HOT_WATER_TARGET, MANIFEST, TIMING
from oem_adapters.daikin.mapping import (
    condition_of,
    has_room_sensor,
    heating_spec,
    is_old,
    levers_of,
    model_of,
    newest_stamp,
    path_of,
    reading_of,
)
from oem_adapters.daikin.models import Device
from oem_adapters.daikin.quirks import ANSWER_SHARED_FOR, RANGE_LIFE, refusal_of
from oem_adapters.http import CloudClient
from oem_adapters.timeouts import WallTimeouts


@dataclass
class _Account:
    """What was last read of an account."""

    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One at a time reads; who waited meanwhile is served by the same answer."""
    at: datetime | None = None
    devices: Mapping[str, Device] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    """The units that want a newer answer: they were told this one, or were written to since."""

    def serves(self, device_id: str, now: datetime) -> bool:
        return self.at is not None and now - self.at <= ANSWER_SHARED_FOR and device_id not in self.told


class DaikinOnecta:
    """`domain.oem.ports.OemAdapter`, `BulkReader` and `EnergyReader` for Daikin. All methods raise the closed set."""

    oem = MANIFEST.oem
    energy_calls = 0

    def __init__(
        self,
        client: httpx.AsyncClient,
        vault: SharedAccounts,
        timeouts: WallTimeouts | None = None,
        on_call: CallListener | None = None,
    ) -> None:
        cloud = CloudClient(client, vault, MANIFEST, timeouts or WallTimeouts(), on_call=on_call, refusals=refusal_of)
        self._ask = OnectaRequests(cloud)
        self._accounts: defaultdict[str, _Account] = defaultdict(_Account)

    @property
    def timing(self) -> VendorTiming:
        return TIMING

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        """Whether each unit is connected; one call, which tells everything else as well."""
        devices = await self._read_account(account_id, now)
        return {device_id: not device.is_disconnected for device_id, device in devices.items()}

    async def observe_account(self, account_id: str, now: datetime) -> Mapping[str, Reading | OemError]:
        """What the cloud reports of each unit, in one call."""
        devices = await self._read_account(account_id, now)
        return {device_id: _told_of(device, now) for device_id, device in devices.items()}

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        """The lever that the unit's control mode follows, and the tank's temperature if it can be set."""
        device = await self._device(pump, now)
        levers, spec = levers_of(device), heating_spec(device)
        if spec.name not in levers:
            raise NotExecutable(f"Pump {pump.pump_id} has no {spec.title} that can be set and read back now.")
        return Capability(
            model=model_of(device),
            heating=levers[spec.name],
            hot_water=levers.get(HOT_WATER_TARGET.name),
            has_room_sensor=has_room_sensor(device),
            emergency=EMERGENCY,
        )

    async def read(self, pump: PumpAddress, lever: LeverName, now: datetime, *, urgent: bool = False) -> Reading:
        """The newest of the account's answers that this unit was not told yet; one call, or none.

        A unit that is said to be disconnected and has been silent for a while is Offline; the flag alone flaps.
        """
        return _reading(await self._device(pump, now, urgent), lever, now)

    async def observe(self, pump: PumpAddress, lever: LeverName, now: datetime) -> Reading:
        """As `read`."""
        return await self.read(pump, lever, now)

    async def energy(self, pump: PumpAddress, tz: ZoneInfo, now: datetime) -> Sequence[EnergyReading]:
        """Yesterday, from the newest answer about the account; no call."""
        device = self._accounts[pump.account_id].devices.get(pump.vendor_ref)
        return [] if device is None else energy_of(device, tz, now)

    async def write(
        self, pump: PumpAddress, lever: LeverName, setting: float, now: datetime, *, urgent: bool = False
    ) -> None:
        """Set the lever; refuses itself what the unit's range or step do not allow, or what cannot be set now."""
        account = self._accounts[pump.account_id]
        if account.at is None or now - account.at > RANGE_LIFE or pump.vendor_ref not in account.devices:
            async with account.reading:
                self._learn(account, await self._ask.devices(pump.account_id, now, urgent), now)
        on_wire = _lever(_found(account.devices, pump), pump, lever)
        wrong = on_wire.why_not_allowed(setting)
        if wrong is not None:
            raise Rejected(f"A {on_wire.spec.title} of {setting:g} for pump {pump.pump_id} {wrong}; nothing was sent.")
        try:
            await self._ask.set_temperature(pump, *path_of(on_wire), setting, now, urgent)
        except (Rejected, NotExecutable):
            account.at = None  # what can be set, and where, may have changed since it was read
            raise
        finally:
            account.told.add(pump.vendor_ref)

    async def _device(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Device:
        account = self._accounts[pump.account_id]
        async with account.reading:
            if not account.serves(pump.vendor_ref, now):
                self._learn(account, await self._ask.devices(pump.account_id, now, urgent), now)
            account.told.add(pump.vendor_ref)
            return _found(account.devices, pump)

    async def _read_account(self, account_id: str, now: datetime) -> Mapping[str, Device]:
        account = self._accounts[account_id]
        async with account.reading:
            self._learn(account, await self._ask.devices(account_id, now), now)
            account.told |= set(account.devices)
            return account.devices

    @staticmethod
    def _learn(account: _Account, devices: Mapping[str, Device], now: datetime) -> None:
        account.at, account.devices, account.told = now, devices, set()


def _found(devices: Mapping[str, Device], pump: PumpAddress) -> Device:
    if pump.vendor_ref not in devices:
        raise Rejected(f"The account of pump {pump.pump_id} reaches no such unit any more.")
    return devices[pump.vendor_ref]


def _lever(device: Device, pump: PumpAddress, lever: LeverName) -> Lever:
    found = levers_of(device).get(lever)
    if found is not None:
        return found
    spec = MANIFEST.lever(lever)
    if spec.circuit is Circuit.HEATING and heating_spec(device).name != lever:
        raise Rejected(
            f"Pump {pump.pump_id} follows another setting than a {spec.title} since its control mode changed."
        )
    raise NotExecutable(f"Pump {pump.pump_id} does not let its {spec.title} be set now.")


def _reading(device: Device, lever: LeverName, now: datetime) -> Reading:
    as_of = newest_stamp(device, now)
    condition = condition_of(device)
    if device.is_disconnected and is_old(as_of, now) and condition is not Condition.UPDATING:
        raise Offline("The unit is not connected to its cloud and has been silent for a while.")
    if as_of is None:
        raise Malformed("The cloud gave no usable stamp for a unit.")
    return reading_of(device, lever, as_of)


def _told_of(device: Device, now: datetime) -> Reading | OemError:
    try:
        return _reading(device, heating_spec(device).name, now)
    except OemError as error:
        return error
