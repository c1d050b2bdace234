"""A fleet of NIBE units, spoken to with client credentials."""

from pathlib import Path
from typing import Any

import httpx

from simulator.homes.fleet import Home, SimulatedFleet
from tests.simulator.builders import ManualClock
from tests.simulator.conftest import CLIENT
from tests.simulator.wire import Wire


class NibeWire(Wire):
    """Has a token from the start."""

    def __init__(self, fleet: SimulatedFleet, clock: ManualClock, folder: Path) -> None:
        super().__init__(fleet, clock, folder)
        grant = CLIENT | {"grant_type": "client_credentials", "scope": "READSYSTEM WRITESYSTEM"}
        self.token = self.ask("POST", "/oauth/token", data=grant).json()["access_token"]

    def home(self, *, s_series: bool = False) -> Home:
        return next(home for home in self.fleet.homes if home.unit.spec.by_setpoint == s_series)

    def points(self, home: Home) -> dict[str, float]:
        listed = self.call("GET", f"/v2/devices/{home.unit.identity.device_id}/points").json()
        return {point["parameterId"]: point["value"] for point in listed}

    def write(self, home: Home, body: dict[str, Any]) -> httpx.Response:
        return self.call("PATCH", f"/v2/devices/{home.unit.identity.device_id}/points", json=body)
