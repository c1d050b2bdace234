"""A vendor's cloud in this process whose clock follows a workflow's skipped time.

Protects: the cloud is never behind the moment of the activity that calls it, so what it answers is of that moment.
"""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn
from temporalio import activity

from simulator.app import Server, build_app, build_fleet
from simulator.clouds.wire import CuttableProtocol
from simulator.config import SimulatorConfig


class VirtualWall:
    """The wall clock as a workflow under time skipping sees it: the real one, and what was skipped."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """Virtual wall time now."""
        return datetime.now(UTC) + self._ahead

    def reach(self, moment: datetime) -> None:
        """It is this late at least."""
        self._ahead = max(self._ahead, moment - datetime.now(UTC))


class CallMeter:
    """Brings the wall to the time of the activity that calls, and counts calls by what they were for."""

    def __init__(self, wall: VirtualWall) -> None:
        self._wall = wall
        self.calls: Counter[str] = Counter()

    @property
    def hooks(self) -> dict[str, list[Callable[..., Any]]]:
        """For an httpx client."""
        return {"request": [self._leaves], "response": [self._answered]}

    async def _leaves(self, _: httpx.Request) -> None:
        if activity.in_activity():
            self._wall.reach(activity.info().started_time)

    async def _answered(self, answer: httpx.Response) -> None:
        request = answer.request
        is_outworn = answer.status_code == httpx.codes.UNAUTHORIZED
        self.calls[OUTWORN if is_outworn else kind_of(request.method, request.url.path)] += 1


TOKEN, SYSTEMS, OUTWORN = "token", "systems", "outworn token"
ACCOUNT_CALLS = frozenset({TOKEN, SYSTEMS, OUTWORN})
"""Calls made once for all pumps of an account: a new token and the call that found the old one outworn, and the list of
all connections."""


def kind_of(method: str, path: str) -> str:
    """A call's kind, without ids: token, systems, device, points, smart-home-zones, write, ..."""
    if method != "GET":
        return TOKEN if path.endswith("/token") else "write"
    if path.endswith("/systems/me"):
        return SYSTEMS
    return path.rsplit("/", 1)[-1] if path.count("/") > 3 else "device"


@contextlib.asynccontextmanager
async def a_cloud(config: SimulatorConfig, wall: VirtualWall) -> AsyncIterator[str]:
    """Serve the simulator on a free port of loopback; yields its URL."""
    fleet = build_fleet(config, wall)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = build_app(fleet, asyncio.Event())
        settings = uvicorn.Config(
            app, http=CuttableProtocol, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=2
        )
        server = Server(settings)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
            fleet.close()
