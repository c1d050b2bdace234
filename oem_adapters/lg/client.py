"""The requests of the ThinQ Connect API that are used.

Protects: paths and bodies stand in one place; nothing here remembers or decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.oem.units import PumpAddress
from oem_adapters.http import Call, CloudClient
from oem_adapters.lg.models import DEVICES, DOCUMENT, Document, Listed, read_listed
from oem_adapters.lg.quirks import KIND


@dataclass(frozen=True)
class ThinqRequests:
    """One method per request; all raise the closed set. `now` is steered."""

    cloud: CloudClient

    async def boilers(self, account_id: str, now: datetime) -> Sequence[Listed]:
        """The air-to-water units of an account; a home's washing machine is none of them."""
        devices = await self.cloud.fetch(account_id, Call("GET", "/devices"), DEVICES, now)
        return [device for device in read_listed(devices.response) if device.kind == KIND]

    async def profile(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Document:
        """What can be read and set at a unit."""
        told = await self._of_device(pump, "profile", now, urgent)
        properties = told.resources.get("property")
        return Document(properties if isinstance(properties, dict) else {})

    async def state(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Document:
        """What the unit last reported."""
        return await self._of_device(pump, "state", now, urgent)

    async def control(
        self, pump: PumpAddress, place: tuple[str, str], value: float, now: datetime, urgent: bool
    ) -> None:
        """Set one property; a control takes an object with its unit, where the state has a list."""
        resource, name = place
        number = int(value) if value == int(value) else value
        call = Call(
            "POST",
            "/devices/{device}/control",
            {"device": pump.vendor_ref},
            body={resource: {name: number, "unit": "C"}},
        )
        await self.cloud.send(pump.account_id, call, now, urgent)

    async def _of_device(self, pump: PumpAddress, what: str, now: datetime, urgent: bool) -> Document:
        call = Call("GET", f"/devices/{{device}}/{what}", {"device": pump.vendor_ref})
        return Document((await self.cloud.fetch(pump.account_id, call, DOCUMENT, now, urgent)).response)
