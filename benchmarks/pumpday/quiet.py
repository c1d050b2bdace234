"""A quiet day of one pump under time skipping: the real workflow, activities, ledger, adapter and sweep.

Protects: nothing of the steering is replaced; only the waiting is skipped.
"""

import contextlib
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import ActivityEnvironment, TimeSkipper

from activities.observation_sweep import SweepVendor
from application.access import Access
from application.fleet.enrolment import enrol
from application.namespace import register_search_attributes
from application.pump_workflows import handle_of
from benchmarks.pumpday.meter import ActionMeter, find_meter
from benchmarks.pumpday.virtual import CallMeter, VirtualWall, a_cloud
from demo import stage
from demo.billing import Bill, bill_of, histories_of
from demo.errors import DemoFailed
from demo.simulator_client import SimulatorClient
from demo.stage import Staging
from domain.clock import SteeringClock
from domain.modes import Mode
from domain.oem.ports import OemAdapter
from domain.planning.price_plan import ModeSegment, PricePlan
from domain.slots import SLOT
from embedded.stack import Stack, StackOptions
from ledger.oem.calls import CallCounter
from oem_adapters.registry import manifest_of
from simulator.config import SimulatorConfig
from simulator.vendors.registry import VENDORS
from telemetry.hub import Telemetry
from worker import Connections, counting, workers_for
from worker_environment import Settings, open_ledger
from workflows.contracts import Patience, PlanEnvelope, pump_workflow_id

EPOCH = datetime(2026, 1, 14, 23, tzinfo=UTC)
"""Midnight of a winter day in Berlin; the pump's workflow starts here."""
PUMP = "p-0001"
OEM = next(iter(VENDORS))
"""The vendor of a simulated fleet that names none."""
SWEEP_EVERY = timedelta(minutes=15)
OPENS, CLOSES = 2.0, 26.0
"""Hours from the epoch between which calls are counted: 24 hours with the rollover a day after the start in them."""
REVISIONS: Mapping[float, Sequence[tuple[float, float, Mode]]] = {
    2.0: ((6, 8, Mode.MAX), (9, 11.5, Mode.MIN), (15, 17, Mode.MID), (22, 25, Mode.MIN)),
    14.0: ((15.25, 17, Mode.MID), (22.5, 25, Mode.MIN), (30, 32, Mode.MAX)),
}
"""When each of the two revisions arrives, and its segments: eight changes in the window, dwell kept. All in hours from
the epoch."""
PLAN_ENDS = {2.0: 26.0, 14.0: 50.0}


class Family(Enum):
    """Which pump: the seed of a simulated home with one of this kind."""

    OFFSET = 1
    """Heating offset as its lever, and all that matters among its points."""
    ZONES = 2
    """Room setpoint of a heat zone as its lever."""


Say = Callable[[str], None]


@dataclass(frozen=True)
class Day:
    """What a day was found to cost one pump."""

    model: str
    changes: int
    bill: Bill
    calls: Mapping[str, int]
    metered: Mapping[str, int]
    histories: Sequence[WorkflowHistory]


@dataclass(frozen=True)
class SharedConnections(Connections):
    """As a vendor's worker has it: one adapter for commands and sweep, so that both know what is left of a budget."""

    kept: dict[str, OemAdapter] = field(default_factory=dict)

    def adapters(self, oems: Sequence[str]) -> Mapping[str, OemAdapter]:
        """The same adapters each time."""
        missing = [oem for oem in oems if oem not in self.kept]
        self.kept.update(super().adapters(missing))
        return {oem: self.kept[oem] for oem in oems}


@dataclass
class Scene:
    """What runs on a quiet day."""

    client: Client
    access: Access
    world: SharedConnections
    skipper: TimeSkipper
    wall: VirtualWall
    calls: CallMeter

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return handle_of(self.access, PUMP)

    async def until(self, hours: float) -> None:
        """Skip to so many hours after the epoch."""
        target = self.access.clock.wall(EPOCH + timedelta(hours=hours))
        left = target - await self.skipper.get_current_time(self.handle)
        if left > timedelta() and not await self.skipper.fast_forward(self.handle, left):
            raise RuntimeError("the pump's workflow ended on its quiet day")
        self.wall.reach(await self.skipper.get_current_time(self.handle))

    async def sweep(self) -> None:
        """One pass of the real sweep, at virtual now.

        The activity sleeps on the wall between passes, which no server can skip; so each pass is an attempt that goes
        on where another one ended, an hour's end before it.
        """
        now = self.wall()
        steered = self.access.clock.steered(now).isoformat()
        environment = ActivityEnvironment(self.client)
        environment.info = dataclasses.replace(
            environment.info, started_time=now, heartbeat_details=(steered, steered), task_queue=f"oem-{OEM}"
        )
        watch = self.world.watch_activities(self.world.adapters((OEM,)))
        await environment.run(watch.sweep_vendor, SweepVendor(clock=self.access.clock, oem=OEM))


async def quiet_day(folder: Path, say: Say, family: Family) -> Day:
    """Run the whole day; raises StackError where the stack fails."""
    async with (
        Stack(StackOptions(folder=folder, ephemeral=True, time_skipping=True)) as stack,
        _opened(stack, family.value) as scene,
        httpx.AsyncClient() as plain,
    ):
        meter = await find_meter(plain, stack.temporal)
        return await stack.guard(_live(scene, meter, say))


async def _live(scene: Scene, meter: ActionMeter, say: Say) -> Day:
    await scene.until(OPENS)
    before = await meter.read()
    called = Counter(scene.calls.calls)
    revision = 0
    passes = round((CLOSES - OPENS) / (SWEEP_EVERY / timedelta(hours=1)))
    for number in range(passes):
        hours = OPENS + number * (SWEEP_EVERY / timedelta(hours=1))
        await scene.until(hours)
        if hours in REVISIONS:
            revision += 1
            await scene.handle.signal("price_plan", PlanEnvelope(plan=_plan(revision, hours).model_dump(mode="json")))
        await scene.sweep()
        if number % 24 == 0:
            say(f"quiet day: {hours - OPENS:.0f} of {CLOSES - OPENS:.0f} hours")
    await scene.until(CLOSES)
    profile = await scene.access.ledger.pumps.profile(PUMP)
    rows = await scene.access.ledger.runs.command_lines()
    histories = await histories_of(scene.client, pump_workflow_id(PUMP))
    opened_at = scene.access.clock.wall(EPOCH + timedelta(hours=OPENS)) - timedelta(seconds=1)
    return Day(
        model=profile.model,
        changes=len({row["command"] for row in rows if row["event"] == "applied"}),
        bill=bill_of(histories, opened_at),
        calls=scene.calls.calls - called,
        metered=await meter.read() - before,
        histories=histories,
    )


def _plan(revision: int, arrives: float) -> PricePlan:
    segments = tuple(
        ModeSegment(start=EPOCH + timedelta(hours=a), end=EPOCH + timedelta(hours=b), mode=mode)
        for a, b, mode in REVISIONS[arrives]
    )
    return PricePlan(
        revision=revision,
        segments=segments,
        first_slot=EPOCH + timedelta(hours=arrives) - SLOT,
        valid_until=EPOCH + timedelta(hours=PLAN_ENDS[arrives]),
    )


@contextlib.asynccontextmanager
async def _opened(stack: Stack, seed: int) -> AsyncIterator[Scene]:
    environment = await stage.prepare(stack)
    settings = Settings(
        database_url=SecretStr(environment["DATABASE_URL"]),
        secret_keys=SecretStr(environment["HEATSTEER_SECRET_KEYS"]),
    )
    client = await Client.connect(stack.temporal.address, data_converter=pydantic_data_converter)
    staging = Staging(pumps=1, seed=seed, speed=1, day=date(2026, 1, 15), epoch=EPOCH)
    clock = stage.make_clock(staging)
    stack.set_clock(clock)
    wall, secret = VirtualWall(), stage.new_client_secret()
    meter = CallMeter(wall)
    async with contextlib.AsyncExitStack() as running:
        url = await running.enter_async_context(a_cloud(_cloud(stack, staging, clock, secret), wall))
        http = await running.enter_async_context(httpx.AsyncClient(event_hooks=meter.hooks))
        ledger = await running.enter_async_context(open_ledger(settings))
        access = Access(client, ledger, clock)
        await register_search_attributes(client)
        counter = CallCounter(access.ledger.vendors)
        await running.enter_async_context(counter.running())
        world = SharedConnections(client, settings, access.ledger, http, Telemetry(counting(counter)))
        for worker in workers_for(f"pumps,oem:{OEM}", world):
            await running.enter_async_context(worker)
        # This client stamps nothing on what it starts: an entity whose time skips without bounds never stops.
        await _enrol(access, world, url, secret)
        yield Scene(client, access, world, TimeSkipper(client), wall, meter)


async def _enrol(access: Access, world: SharedConnections, url: str, secret: str) -> None:
    """As the stage does, but without guard and sweep: they would run on the real clock beside a skipped day."""
    async with httpx.AsyncClient() as plain:
        sheet = await SimulatorClient(plain, url).enrolment_sheet()
    account = manifest_of(OEM).at(url).account(sheet[0].account_id, stage.CLIENT_ID, SecretStr(secret))
    await access.ledger.vault.add_account(account)
    enrolled = await enrol(access, sheet, world.adapters((OEM,))[OEM], Patience())
    if enrolled.problems:
        raise DemoFailed(str(next(iter(enrolled.problems.values()))))


def _cloud(stack: Stack, staging: Staging, clock: SteeringClock, secret: str) -> SimulatorConfig:
    return SimulatorConfig(
        clock=clock,
        seed=staging.seed,
        pumps=staging.pumps,
        day=staging.day,
        truth_file=stack.folder / "truth.jsonl",
        ready_file=stack.folder / "ready.json",
        client_id=stage.CLIENT_ID,
        client_secret=secret,
    )
