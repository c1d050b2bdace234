"""The requests of the IoT API that are used.

Protects: paths and bodies stand in one place; nothing here remembers or decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.oem.errors import NotExecutable
from domain.oem.units import PumpAddress
from oem_adapters.http import Call, CloudClient
from oem_adapters.viessmann.mapping import ids_of
from oem_adapters.viessmann.models import (
    INSTALLATIONS,
    LISTING,
    ONE_FEATURE,
    Feature,
    Features,
    Installation,
    is_taken,
    read_each,
)
from oem_adapters.viessmann.quirks import MOST_PAGES

_DEVICE = "/features/installations/{installation}/gateways/{gateway}/devices/{device}/features"


@dataclass(frozen=True)
class IotRequests:
    """One method per request; all raise the closed set. `now` is steered."""

    cloud: CloudClient

    async def installations(self, account_id: str, now: datetime) -> list[Installation]:
        """Every installation of an account with its gateways and devices, over all pages."""
        found: dict[str, Installation] = {}
        query = {"includeGateways": "true"}
        for _ in range(MOST_PAGES):
            call = Call("GET", "/equipment/installations", query=query)
            page = await self.cloud.fetch(account_id, call, INSTALLATIONS, now)
            known = len(found)
            for installation in read_each(Installation, page.installations):
                found.setdefault(installation.installation_id, installation)
            if not page.cursor.next_page or len(found) == known:
                break
            query = {"includeGateways": "true", "cursor": page.cursor.next_page}
        return list(found.values())

    async def features(self, pump: PumpAddress, now: datetime, urgent: bool = False) -> Features:
        """All features of a unit."""
        call = Call("GET", _DEVICE, ids_of(pump))
        listing = await self.cloud.fetch(pump.account_id, call, LISTING, now, urgent)
        return Features(read_each(Feature, listing.data))

    async def feature(self, pump: PumpAddress, name: str, now: datetime, urgent: bool = False) -> Feature:
        """One feature of a unit."""
        call = Call("GET", _DEVICE + "/{feature}", {**ids_of(pump), "feature": name})
        return (await self.cloud.fetch(pump.account_id, call, ONE_FEATURE, now, urgent)).data

    async def command(
        self, pump: PumpAddress, feature: str, command: str, body: Mapping[str, Any], now: datetime, urgent: bool
    ) -> None:
        """Give a command; raises NotExecutable where the answer says that it was not carried out."""
        ids = {**ids_of(pump), "feature": feature, "command": command}
        call = Call("POST", _DEVICE + "/{feature}/commands/{command}", ids, body=body)
        answer = await self.cloud.send(pump.account_id, call, now, urgent)
        if not is_taken(answer.content):
            raise NotExecutable(f"{self.cloud.describe(call)}: the cloud answered without carrying it out.")
