"""The requests of the app's API that are used.

Protects: paths and bodies stand in one place; nothing here remembers or decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from domain.oem.units import PumpAddress
from oem_adapters.http import Call, CloudClient
from oem_adapters.vaillant.energy import ELECTRICITY, Part
from oem_adapters.vaillant.models import (
    BUCKETS,
    CLAIMS,
    CONNECTION,
    DOCUMENT,
    GENERATORS,
    Bucket,
    Claim,
    Document,
    Generators,
)

_SYSTEM = "/systems/{system}"
_ENERGY = "/emf/v2/{system}"
_VETO = _SYSTEM + "/tli/zones/{zone}/quick-veto"


@dataclass(frozen=True)
class AppRequests:
    """One method per request; all raise the closed set. `now` is steered."""

    cloud: CloudClient

    async def homes(self, account_id: str, now: datetime) -> Sequence[Claim]:
        return await self.cloud.fetch(account_id, Call("GET", "/homes"), CLAIMS, now)

    async def document(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Document:
        """State, properties and configuration of a system."""
        call = Call("GET", _SYSTEM + "/tli", {"system": pump.vendor_ref})
        return await self.cloud.fetch(pump.account_id, call, DOCUMENT, now, urgent)

    async def connected(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> bool:
        call = Call("GET", _SYSTEM + "/meta-info/connection-status", {"system": pump.vendor_ref})
        return (await self.cloud.fetch(pump.account_id, call, CONNECTION, now, urgent)).connected

    async def generators(self, pump: PumpAddress, now: datetime) -> Generators:
        """What the system heats with, and until when its energy is known."""
        call = Call("GET", _ENERGY + "/currentSystem", {"system": pump.vendor_ref})
        return await self.cloud.fetch(pump.account_id, call, GENERATORS, now)

    async def hours(
        self, pump: PumpAddress, part: Part, start: datetime, end: datetime, now: datetime
    ) -> Sequence[Bucket]:
        """Electricity of a part by the hour, of a span; empty where the answer is of something else."""
        query = {
            "resolution": "HOUR",
            "operationMode": part.mode,
            "energyType": ELECTRICITY,
            "startDate": start.astimezone(UTC).isoformat(timespec="milliseconds"),
            "endDate": end.astimezone(UTC).isoformat(timespec="milliseconds"),
        }
        ids = {"system": pump.vendor_ref, "unit": part.device_id}
        call = Call("GET", _ENERGY + "/devices/{unit}/buckets", ids, query=query)
        told = await self.cloud.fetch(pump.account_id, call, BUCKETS, now)
        return told.buckets if (told.mode, told.kind) == (part.mode, ELECTRICITY) else []

    async def begin_veto(
        self, pump: PumpAddress, zone: str, c: float, hours: float, now: datetime, urgent: bool
    ) -> None:
        """A room temperature for some hours; raises NotExecutable while one is in force."""
        await self._veto(pump, "POST", zone, _veto_of(c, hours), now, urgent)

    async def change_veto(
        self, pump: PumpAddress, zone: str, c: float, hours: float, now: datetime, urgent: bool
    ) -> None:
        """Another one; raises NotExecutable where none is in force."""
        await self._veto(pump, "PATCH", zone, _veto_of(c, hours), now, urgent)

    async def end_veto(self, pump: PumpAddress, zone: str, now: datetime, urgent: bool) -> None:
        await self._veto(pump, "DELETE", zone, None, now, urgent)

    async def set_tank(self, pump: PumpAddress, tank: str, c: float, now: datetime, urgent: bool) -> None:
        ids = {"system": pump.vendor_ref, "tank": tank}
        call = Call("PATCH", _SYSTEM + "/tli/domestic-hot-water/{tank}/temperature", ids, body={"setpoint": int(c)})
        await self.cloud.send(pump.account_id, call, now, urgent)

    async def _veto(
        self, pump: PumpAddress, method: str, zone: str, body: Mapping[str, Any] | None, now: datetime, urgent: bool
    ) -> None:
        call = Call(method, _VETO, {"system": pump.vendor_ref, "zone": zone}, body=body)
        await self.cloud.send(pump.account_id, call, now, urgent)


def _veto_of(c: float, hours: float) -> Mapping[str, Any]:
    return {"desiredRoomTemperatureSetpoint": c, "duration": hours}
