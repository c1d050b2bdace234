"""A whole world for tests: the embedded stack, the simulator, pumps, and workers that can be killed.

Everything is real but the vendor's and the market's far end, which speaks over HTTP from its own process.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import WorkflowHandle

from console import stage
from console.access import Access, open_access
from console.demo import read_jsonl
from console.fleet import handle_of
from console.stage import Staging
from console.world import World, true_settings
from domain.modes import Circuit, Lever
from domain.plans import PricePlan
from embedded.children import Child
from embedded.stack import Stack, StackOptions
from tests.builders import MIDNIGHT
from worker import Settings, connect_temporal
from workflows.contracts import PlanEnvelope, PumpStatus
from workflows.heat_pump import HeatPumpWorkflow

SPEED = 60.0
"""Runs that kill or cut things use no more: a lost worker costs seconds of wall time whatever the speed."""


@dataclass
class TestWorld:
    """A running world and the questions tests ask of it."""

    __test__ = False

    stack: Stack
    access: Access
    world: World
    extra: Mapping[str, str]
    workers: list[Child] = field(default_factory=list)

    async def start_workers(self, role: str = "pumps,oem:nibe") -> Child:
        """One more worker process."""
        worker = await self.stack.start_worker(role, self.extra)
        self.workers.append(worker)
        return worker

    def now(self) -> datetime:
        return self.access.now()

    def pump(self, number: int) -> str:
        return f"p-{number:04d}"

    def handle(self, pump_id: str) -> WorkflowHandle[Any, Any]:
        return handle_of(self.access, pump_id)

    async def send(self, pump_id: str, plan: PricePlan | Any) -> None:
        """Signal a price plan, or anything that claims to be one."""
        payload = plan.model_dump(mode="json") if isinstance(plan, PricePlan) else plan
        await self.handle(pump_id).signal("price_plan", PlanEnvelope(plan=payload))

    async def status(self, pump_id: str) -> PumpStatus:
        return await self.handle(pump_id).query(HeatPumpWorkflow.status)

    async def until(self, holds: Callable[[], Any], within: timedelta = timedelta(minutes=60)) -> Any:
        """Wait (steered) until `holds()` is true and return what it gave; fails with a sentence."""
        deadline = self.access.clock.wall(self.now() + within)
        while True:
            answer = holds()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return answer
            assert datetime.now(UTC) < deadline, f"not within {within} of steered time: {holds}"
            await asyncio.sleep(0.03)

    def truth(self) -> list[dict[str, Any]]:
        return read_jsonl(self.stack.folder / "truth.jsonl")

    def requests(self, pump_id: str) -> list[dict[str, Any]]:
        return [line for line in self.truth() if line["kind"] == "request" and line["pump"] == pump_id]

    def changes(self, pump_id: str) -> list[dict[str, Any]]:
        """True changes of the pump's heating lever, without what it started with."""
        return [
            line
            for line in self.truth()
            if line["kind"] == "state"
            and line["pump"] == pump_id
            and line["cause"] != "initial"
            and Lever(line["lever"]).circuit is Circuit.HEATING
        ]

    def setting(self, pump_id: str) -> float:
        return true_settings(self.truth())[pump_id][-1][1]

    async def events(self, pump_id: str) -> list[dict[str, Any]]:
        return [e for e in await self.access.reports.command_events() if e["pump"] == pump_id]

    async def kinds(self, pump_id: str) -> list[str]:
        return [e["event"] for e in await self.events(pump_id)]

    async def faults(self, **rates: float) -> None:
        """Switch faults at runtime; underscores stand for dashes."""
        async with httpx.AsyncClient() as http:
            given = {name.replace("_", "-"): rate for name, rate in rates.items()}
            (await http.post(f"{self.world.url}/_world/faults", json=given)).raise_for_status()


@contextlib.asynccontextmanager
async def a_world(
    folder: Path,
    pumps: int = 2,
    speed: float = SPEED,
    workers: tuple[str, ...] = ("pumps,oem:nibe",),
    faults: Mapping[str, float] | None = None,
    dynamic_config: Mapping[str, str] | None = None,
    lead_s: float = 0.0,
) -> AsyncIterator[TestWorld]:
    """Start one: enrolled pumps, steered time running from midnight UTC of the test's day."""
    staging = Staging(
        pumps=pumps,
        seed=7,
        speed=speed,
        day=date(2026, 1, 15),
        epoch=MIDNIGHT,
        lead=timedelta(seconds=lead_s),
        faults=faults or {},
    )
    before = dict(os.environ)
    options = StackOptions(folder=folder, ephemeral=True, dynamic_config=dynamic_config or {})
    try:
        async with Stack(options) as stack:
            os.environ.update(await stage.prepare(stack))
            clock = stage.make_clock(staging)
            stack.set_clock(clock)
            secret = stage.new_client_secret()
            await stage.start_world(stack, staging, clock, secret)
            extra = stage.worker_environment(stack, staging)
            os.environ.update(extra)
            settings = Settings()
            client = await connect_temporal()
            async with open_access(settings, client, clock, None) as access, httpx.AsyncClient() as http:
                await stage.ready_namespace(access)
                world = TestWorld(stack, access, World(http, stage.simulator_url(stack)), extra)
                for role in workers:
                    await world.start_workers(role)
                await stage.enrol_everybody(access, settings, world.world, http, staging, secret)
                yield world
    finally:
        os.environ.clear()
        os.environ.update(before)
