"""The requests of the myUplink API that are used.

Protects: paths, parameters and bodies stand in one place; nothing here remembers or decides.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from domain.oem.units import PumpAddress
from oem_adapters.http import Call, CloudClient
from oem_adapters.nibe.mapping import device_id_of, system_id_of
from oem_adapters.nibe.models import (
    DEVICE,
    HOME_MODE,
    POINTS,
    SYSTEMS_PAGE,
    ZONES,
    Device,
    HomeMode,
    Point,
    System,
    Zone,
    verdict_on,
)
from oem_adapters.nibe.quirks import ITEMS_PER_PAGE, MOST_PAGES, WRITE_CONTENT_TYPE

SETPOINT_FIELD = "setpointHeat"


@dataclass(frozen=True)
class MyUplinkRequests:
    """One method per request; all raise the closed set. `now` is steered."""

    cloud: CloudClient

    async def systems(self, account_id: str, now: datetime) -> Sequence[System]:
        """Every system of an account, over all pages, each once."""
        found: dict[str, System] = {}
        seen = 0
        for page_no in range(1, MOST_PAGES + 1):
            query = {"page": str(page_no), "itemsPerPage": str(ITEMS_PER_PAGE)}
            page = await self.cloud.fetch(account_id, Call("GET", "/v2/systems/me", query=query), SYSTEMS_PAGE, now)
            known = len(found)
            for system in page.systems:
                found.setdefault(system.system_id, system)
            seen += len(page.systems)
            # A cloud that ignores the page number would repeat itself for ever.
            if seen >= page.total or not page.systems or len(found) == known:
                break
        return list(found.values())

    async def device(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Device:
        return await self._of_device(pump, "", DEVICE, now, urgent)

    async def points(
        self, pump: PumpAddress, now: datetime, urgent: bool = False, only: Sequence[str] = ()
    ) -> Sequence[Point]:
        """The points of these ids, or all points."""
        query = {"parameters": ",".join(only)} if only else {}
        return await self._of_device(pump, "/points", POINTS, now, urgent, query)

    async def zones(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Sequence[Zone]:
        return await self._of_device(pump, "/smart-home-zones", ZONES, now, urgent)

    async def home_mode(self, pump: PumpAddress, now: datetime) -> HomeMode:
        call = Call("GET", "/v2/systems/{system}/smart-home-mode", {"system": system_id_of(pump)})
        return await self.cloud.fetch(pump.account_id, call, HOME_MODE, now)

    async def set_point(
        self, pump: PumpAddress, parameter_id: str, value: float, now: datetime, urgent: bool
    ) -> str | None:
        """Write a point in real units; what the cloud says of it, as `verdict_on`."""
        ids = {"device": device_id_of(pump)}
        return await self._patch(pump, "/v2/devices/{device}/points", ids, parameter_id, value, now, urgent)

    async def set_zone(self, pump: PumpAddress, zone_id: str, value: float, now: datetime, urgent: bool) -> str | None:
        """Write a zone's room setpoint for heating; what the cloud says of it, as `verdict_on`."""
        ids = {"device": device_id_of(pump), "zone": zone_id}
        return await self._patch(pump, "/v2/devices/{device}/zones/{zone}", ids, SETPOINT_FIELD, value, now, urgent)

    async def _of_device[Shape](
        self,
        pump: PumpAddress,
        what: str,
        shape: TypeAdapter[Shape],
        now: datetime,
        urgent: bool,
        query: Mapping[str, str] | None = None,
    ) -> Shape:
        call = Call("GET", "/v2/devices/{device}" + what, {"device": device_id_of(pump)}, query or {})
        return await self.cloud.fetch(pump.account_id, call, shape, now, urgent)

    async def _patch(
        self,
        pump: PumpAddress,
        route: str,
        ids: Mapping[str, str],
        key: str,
        value: float,
        now: datetime,
        urgent: bool,
    ) -> str | None:
        number = int(value) if value == math.floor(value) else value
        call = Call("PATCH", route, ids, body={key: number}, content_type=WRITE_CONTENT_TYPE)
        answer = await self.cloud.send(pump.account_id, call, now, urgent)
        return verdict_on(answer.content, key)
