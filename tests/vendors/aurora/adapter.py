"""The adapter of Aurora: one answer tells all of a unit."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter

from domain.oem.calls import CallListener
from domain.oem.errors import Offline, Rejected
from domain.oem.lever import Lever, LeverName
from domain.oem.readings import Condition, Reading
from domain.oem.spending import SharedAccounts
from domain.oem.timing import VendorTiming
from domain.oem.units import Capability, PumpAddress
from oem_adapters.http import Call, CloudClient
from oem_adapters.timeouts import WallTimeouts
from tests.vendors.aurora.manifest import MANIFEST, QUICK_VETO

CONDITIONS = {
    "auto": Condition.NORMAL,
    "service": Condition.INSTALLER,
    "off": Condition.OFF,
    "away": Condition.AWAY,
    "external": Condition.EXTERNAL,
}


class Setpoint(BaseModel):
    value: float
    minimum: float = Field(alias="min")
    maximum: float = Field(alias="max")
    step: float


class Unit(BaseModel):
    unit_id: str = Field(alias="unitId")
    model: str
    online: bool
    updating: bool
    program: str
    as_of: AwareDatetime = Field(alias="asOf")
    room: float
    supply: float
    setpoint: Setpoint

    @property
    def lever(self) -> Lever:
        s = self.setpoint
        return Lever(spec=QUICK_VETO, minimum=s.minimum, maximum=s.maximum, step=s.step, baseline=s.value)

    def reading(self) -> Reading:
        return Reading(
            as_of=self.as_of,
            lever=QUICK_VETO.name,
            setting=self.setpoint.value,
            settings={QUICK_VETO.name: self.setpoint.value},
            room_c=self.room,
            supply_c=self.supply,
            condition=Condition.UPDATING if self.updating else CONDITIONS[self.program],
        )


UNIT, UNITS = TypeAdapter(Unit), TypeAdapter(list[Unit])


class Aurora:
    """`domain.oem.ports.OemAdapter` for Aurora."""

    oem = MANIFEST.oem

    def __init__(
        self, client: httpx.AsyncClient, vault: SharedAccounts, timeouts: WallTimeouts, on_call: CallListener | None
    ) -> None:
        self._cloud = CloudClient(client, vault, MANIFEST, timeouts, on_call=on_call)
        self._levers: dict[str, Lever] = {}

    @property
    def timing(self) -> VendorTiming:
        return MANIFEST.timing

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        units = await self._cloud.fetch(account_id, Call("GET", "/v1/units"), UNITS, now)
        return {unit.unit_id: unit.online for unit in units}

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        unit = await self._unit(pump, now)
        return Capability(
            model=unit.model, heating=unit.lever, has_room_sensor=True, emergency="Emergency heat raises the room."
        )

    async def observe(self, pump: PumpAddress, lever: LeverName, now: datetime) -> Reading:
        return await self.read(pump, lever, now)

    async def read(self, pump: PumpAddress, lever: LeverName, now: datetime, *, urgent: bool = False) -> Reading:
        unit = await self._unit(pump, now, urgent)
        if not unit.online and now - unit.as_of > MANIFEST.timing.reading_max_age:
            raise Offline(f"Pump {pump.pump_id} is not connected to its cloud.")
        return unit.reading()

    async def write(
        self, pump: PumpAddress, lever: LeverName, setting: float, now: datetime, *, urgent: bool = False
    ) -> None:
        known = self._levers.get(pump.vendor_ref) or (await self._unit(pump, now, urgent)).lever
        if (wrong := known.why_not_allowed(setting)) is not None:
            raise Rejected(f"A quick veto of {setting:g} for pump {pump.pump_id} {wrong}; nothing was sent.")
        life = QUICK_VETO.expires_after or timedelta()
        body = {"value": setting, "hours": life / timedelta(hours=1)}
        call = Call("PUT", "/v1/units/{unit}/veto", {"unit": pump.vendor_ref}, body=body)
        await self._cloud.send(pump.account_id, call, now, urgent)

    async def _unit(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Unit:
        call = Call("GET", "/v1/units/{unit}", {"unit": pump.vendor_ref})
        unit: Unit = await self._cloud.fetch(pump.account_id, call, UNIT, now, urgent)
        self._levers[pump.vendor_ref] = unit.lever
        return unit
