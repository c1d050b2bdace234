"""The Viessmann adapter: connections, capabilities, reading and writing of units in the IoT cloud.

Protects: a setting out of range or off step is never sent; a curve is written with the slope that the unit has now; a
write returns on acceptance only and claims nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from oem_adapters.timeouts import WallTimeouts
from oem_adapters.viessmann.client import IotRequests
from oem_adapters.viessmann.energy import CONSUMED, energy_of
from oem_adapters.viessmann.manifest import EMERGENCY, HEATING_OFFSET, HOT_WATER_TARGET, MANIFEST, TIMING
from oem_adapters.viessmann.mapping import (
    circuit_of,
    has_room_sensor,
    levers_of,
    newest_stamp,
    reading_of,
    ref_of,
    slope_of,
)
from oem_adapters.viessmann.models import Device, Features, Gateway, read_each
from oem_adapters.viessmann.quirks import CURVE, RANGE_LIFE, SET_CURVE, SET_TARGET, SLOPE_LIFE, refusal_of

_HEATING = "heating"
_ONLINE = "online"


@dataclass
class _Known:
    """What was last read of a unit."""

    at: datetime
    levers: dict[LeverName, Lever] = field(default_factory=dict)
    slope: float | None = None
    slope_at: datetime | None = None
    consumption: Features = field(default_factory=lambda: Features([]))


class ViessmannIot:
    """`domain.oem.ports.OemAdapter` and `EnergyReader` for Viessmann. All methods raise the closed set of errors."""

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
        self._ask = IotRequests(cloud)
        self._known: dict[tuple[str, str], _Known] = {}

    @property
    def timing(self) -> VendorTiming:
        return TIMING

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        """Whether each heat pump of an account is connected; one call for each page of installations."""
        return {
            ref_of(installation.installation_id, gateway.serial, device.device_id): device.status.casefold() == _ONLINE
            for installation in await self._ask.installations(account_id, now)
            for gateway in read_each(Gateway, installation.gateways)
            for device in read_each(Device, gateway.devices)
            if device.kind == _HEATING
        }

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        """The shift of the first circuit's heating curve, and the tank's temperature if it has one; one call."""
        features = await self._features(pump, now)
        levers = levers_of(features)
        if HEATING_OFFSET.name not in levers:
            raise NotExecutable(f"Pump {pump.pump_id} has no heating curve that can be shifted and read back.")
        model = features.value("device.variant") or features.value("heating.device.variant")
        return Capability(
            model=model if isinstance(model, str) else MANIFEST.title,
            heating=levers[HEATING_OFFSET.name],
            hot_water=levers.get(HOT_WATER_TARGET.name),
            has_room_sensor=has_room_sensor(features),
            emergency=EMERGENCY,
        )

    async def read(self, pump: PumpAddress, lever: LeverName, now: datetime, *, urgent: bool = False) -> Reading:
        """The unit's features in one call.

        `as_of` is the newest stamp among them: a value is stamped when it changes, and a setting may stay for weeks. A
        gateway that hangs goes on telling old values; the reading is returned as it is, stale.
        """
        features = await self._features(pump, now, urgent)
        as_of = newest_stamp(features, now)
        if as_of is None:
            raise Malformed(f"The cloud gave no usable stamp for any value of pump {pump.pump_id}.")
        return reading_of(lever, features, as_of)

    async def observe(self, pump: PumpAddress, lever: LeverName, now: datetime) -> Reading:
        """As `read`: one call tells all there is."""
        return await self.read(pump, lever, now)

    async def energy(self, pump: PumpAddress, tz: ZoneInfo, now: datetime) -> Sequence[EnergyReading]:
        """The days before today, from the newest read of all features; no call."""
        known = self._known.get(_key(pump))
        return [] if known is None else energy_of(known.consumption, tz, now)

    async def write(
        self, pump: PumpAddress, lever: LeverName, setting: float, now: datetime, *, urgent: bool = False
    ) -> None:
        """Set the lever; refuses itself, as Rejected, what the unit's range or step do not allow."""
        on_wire = await self._lever(pump, lever, now, urgent)
        wrong = on_wire.why_not_allowed(setting)
        if wrong is not None:
            raise Rejected(f"A {on_wire.spec.title} of {setting:g} for pump {pump.pump_id} {wrong}; nothing was sent.")
        value = int(setting) if setting == int(setting) else setting
        try:
            if lever == HEATING_OFFSET.name:
                slope = await self._slope(pump, on_wire.wire_id, now, urgent)
                body = {"shift": value, "slope": int(slope) if slope == int(slope) else slope}
                await self._ask.command(pump, on_wire.wire_id, SET_CURVE, body, now, urgent)
            else:
                await self._ask.command(pump, on_wire.wire_id, SET_TARGET, {"temperature": value}, now, urgent)
        except (Rejected, NotExecutable):
            self._known.pop(_key(pump), None)  # a range, a slope or a command may have changed since it was learnt
            raise

    async def _lever(self, pump: PumpAddress, lever: LeverName, now: datetime, urgent: bool) -> Lever:
        known = self._known.get(_key(pump))
        if known is None or now - known.at > RANGE_LIFE or lever not in known.levers:
            await self._features(pump, now, urgent)
            known = self._known[_key(pump)]
        if lever not in known.levers:
            raise Rejected(
                f"Pump {pump.pump_id} has no {MANIFEST.lever(lever).title} that can be written and read back."
            )
        return known.levers[lever]

    async def _slope(self, pump: PumpAddress, curve: str, now: datetime, urgent: bool) -> float:
        """The slope that is written with a shift, read lately."""
        known = self._known[_key(pump)]
        if known.slope is not None and known.slope_at is not None and now - known.slope_at <= SLOPE_LIFE:
            return known.slope
        feature = await self._ask.feature(pump, curve, now, urgent)
        command, slope = feature.command(SET_CURVE), slope_of(feature)
        if command is None or not command.is_executable or slope is None:
            raise NotExecutable(f"Pump {pump.pump_id} does not let its heating curve be changed now.")
        known.slope, known.slope_at = slope, now
        return slope

    async def _features(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Features:
        """All features, remembered as far as a write needs them."""
        features = await self._ask.features(pump, now, urgent)
        known = self._known.setdefault(_key(pump), _Known(now))
        known.at = now
        known.levers |= levers_of(features)
        known.consumption = features.only(CONSUMED)
        curve = features.get(CURVE.format(circuit=circuit_of(features)))
        if (slope := slope_of(curve)) is not None:
            known.slope, known.slope_at = slope, now
        return features


def _key(pump: PumpAddress) -> tuple[str, str]:
    return pump.account_id, pump.vendor_ref
