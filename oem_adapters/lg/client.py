"""The requests of the ThinQ Connect API that are used.

Protects: paths and bodies stand in one place; nothing here remembers or decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.oem.units import PumpAddress
from oem_adapters.http import Call, CloudClient
from oem_adapters.lg.energy import USAGE
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

    async def energy_profile(self, pump: PumpAddress, now: datetime) -> Document:
        """Which energies of a unit the cloud counts."""
        call = Call("GET", "/devices/energy/{device}/profile", {"device": pump.vendor_ref})
        return Document((await self.cloud.fetch(pump.account_id, call, DOCUMENT, now)).response)

    async def energy(self, pump: PumpAddress, first: str, last: str, now: datetime) -> Document:
        """Energy by the day, both days included."""
        query = {"property": USAGE, "period": "DAILY", "startDate": first, "endDate": last}
        call = Call("GET", "/devices/energy/{device}/usage", {"device": pump.vendor_ref}, query=query)
        return Document((await self.cloud.fetch(pump.account_id, call, DOCUMENT, now)).response)

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
