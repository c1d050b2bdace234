"""The requests of the Onecta API that are used.

Protects: paths and bodies stand in one place; nothing here remembers or decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.oem.units import PumpAddress
from oem_adapters.daikin.models import DEVICES, Device, read_devices
from oem_adapters.daikin.quirks import TEMPERATURE_CONTROL
from oem_adapters.http import Call, CloudClient


@dataclass(frozen=True)
class OnectaRequests:
    """One method per request; all raise the closed set. `now` is steered."""

    cloud: CloudClient

    async def devices(self, account_id: str, now: datetime, urgent: bool = False) -> Mapping[str, Device]:
        """Every unit of an account with all it tells, by its id."""
        call = Call("GET", "/v1/gateway-devices")
        return read_devices(await self.cloud.fetch(account_id, call, DEVICES, now, urgent))

    async def set_temperature(
        self, pump: PumpAddress, point: str, path: str, value: float, now: datetime, urgent: bool
    ) -> None:
        """Set one setpoint of a management point; the cloud answers without a body."""
        number = int(value) if value == int(value) else value
        call = Call(
            "PATCH",
            "/v1/gateway-devices/{device}/management-points/{point}/characteristics/" + TEMPERATURE_CONTROL,
            {"device": pump.vendor_ref, "point": point},
            body={"value": number, "path": path},
        )
        await self.cloud.send(pump.account_id, call, now, urgent)
