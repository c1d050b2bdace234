"""A fleet on a manual clock, spoken to over HTTP within the test's own process."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from simulator.app import build_app
from simulator.homes.fleet import Home, SimulatedFleet
from tests.simulator.builders import ManualClock
from tests.simulator.conftest import truth_of


class Wire:
    """One fleet and what a client and a test's own actions need of it."""

    def __init__(self, fleet: SimulatedFleet, clock: ManualClock, folder: Path) -> None:
        self.fleet, self.clock, self.folder = fleet, clock, folder
        self.token = ""
        self._app = build_app(fleet, asyncio.Event())

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request, answered before this returns."""

        async def answered() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as http:
                return await http.request(method, path, **request)

        return asyncio.run(answered())

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request with the token."""
        return self.ask(method, path, headers={"Authorization": f"Bearer {self.token}"}, **request)

    def bring(self, home: Home, condition: str, minutes: float | None = None) -> Any:
        body: dict[str, Any] = {"pump": home.unit.pump_id, "condition": condition}
        answer = self.ask("POST", "/_world/condition", json=body | ({"minutes": minutes} if minutes else {}))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, minutes: float) -> None:
        self.clock.forward(minutes=minutes)
        self.fleet.advance()

    def lines(self, home: Home, kind: str) -> list[dict[str, Any]]:
        return [
            line for line in truth_of(self.folder) if line["kind"] == kind and line.get("pump") == home.unit.pump_id
        ]


def shape(value: Any) -> Any:
    """Keys and types, without the values."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
