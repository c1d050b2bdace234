"""A whole world for tests: the embedded stack, the simulator, pumps, and workers that can be killed.

Everything is real but the vendor's and the market's far end, which speaks over HTTP from its own process.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowHandle

from application.access import Access
from application.audit_log import Actor
from application.pump_workflows import handle_of
from application.steering.overrides import OverrideRequest, override
from demo import stage
from demo.files import read_jsonl
from demo.simulator_client import SimulatorClient, true_settings
from demo.stage import Stage, Staging
from domain.homes.enrolment import Enrolment, PumpProfile
from domain.homes.site import HomeShare
from domain.modes import Circuit, HotWaterMode, Level, Mode
from domain.planning.price_plan import HotWaterSegment, ModeSegment, PricePlan
from domain.steering.overrides import OverrideKind, OverrideSource
from domain.steering.pump_state import PumpState
from embedded.children import Child
from embedded.stack import Stack, StackOptions
from tests.builders import MIDNIGHT
from tests.patience import Patience, paced
from workflows.contracts import Act, OverrideAnswer, PlanEnvelope, PumpStatus
from workflows.heat_pump import HeatPumpWorkflow

TEST_DAY = date(2026, 1, 15)
SPEED = 60.0
"""Runs that kill or cut things use no more: a lost worker costs seconds of wall time whatever the speed."""

RESIDENT = Actor("resident", "cold feet")


@dataclass
class TestWorld:
    """A running world and the questions tests ask of it."""

    __test__ = False

    stage: Stage
    extra: Mapping[str, str]
    """What its workers need beside the stack's addresses."""
    workers: list[Child] = field(default_factory=list)
    revision: int = 0
    """Of the newest plan that `plan` made."""

    @property
    def stack(self) -> Stack:
        return self.stage.stack

    @property
    def access(self) -> Access:
        return self.stage.access

    @property
    def world(self) -> SimulatorClient:
        return self.stage.world

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
        """Wait until `holds()` is true and return its result; fails with a sentence.

        `within` is steered time on an idle machine. How late something may come is judged by its stamps, never here.
        """
        patience = Patience((self.access.clock.wall(self.now() + within) - datetime.now(UTC)).total_seconds())
        while True:
            answer = holds()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return answer
            assert not patience.is_over, f"not within {within} of steered time: {holds}"
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
            and line["circuit"] == Circuit.HEATING
        ]

    def setting(self, pump_id: str, circuit: Circuit = Circuit.HEATING) -> float:
        return true_settings(self.truth(), circuit)[pump_id][-1][1]

    def reached(self, pump_id: str) -> list[dict[str, Any]]:
        """Write requests, but for those with a token that just expired: they are repeated at once with a new one."""
        return [line for line in self.requests(pump_id) if line["cause"] != "expired-token"]

    def written(self, pump_id: str, circuit: Circuit = Circuit.HEATING) -> list[dict[str, Any]]:
        """As `reached`, for one of the pump's levers."""
        return [line for line in self.reached(pump_id) if line["circuit"] == circuit]

    async def events(self, pump_id: str) -> list[dict[str, Any]]:
        return [e for e in await self.access.ledger.runs.command_lines() if e["pump"] == pump_id]

    async def kinds(self, pump_id: str) -> list[str]:
        """What its commands went through. An effect is left out: it is seen when physics shows it, sooner or later."""
        return [e["event"] for e in await self.events(pump_id) if e["event"] != "effective"]

    async def faults(self, **rates: float) -> None:
        """Switch faults at runtime; underscores stand for dashes."""
        async with httpx.AsyncClient() as http:
            given = {name.replace("_", "-"): rate for name, rate in rates.items()}
            (await http.post(f"{self.world.url}/_world/faults", json=given)).raise_for_status()

    @contextlib.asynccontextmanager
    async def striking(self, **rates: float) -> AsyncIterator[None]:
        """Faults that are over afterwards, whatever happens."""
        await self.faults(**rates)
        try:
            yield
        finally:
            await self.faults(**dict.fromkeys(rates, 0.0))

    async def bring_about(self, what: str, **body: Any) -> None:
        """Something in the world behind the clouds: `condition`, `drift`, `household`."""
        async with httpx.AsyncClient() as http:
            (await http.post(f"{self.world.url}/_world/{what}", json=body)).raise_for_status()

    async def warm(self) -> None:
        """Wait until guard and sweep are at work and every pump was looked at: a worker's first seconds are slow."""
        profiles = await self.access.ledger.pumps.active()
        for profile in profiles:
            await self.until(partial(self._was_looked_at, profile.enrolment.pump_id, MIDNIGHT), timedelta(hours=12))

    async def looked_at(self, pump_id: str, times: int = 1) -> None:
        """Wait until the sweep has looked at a pump so many times from now on."""
        for _ in range(times):
            await self.until(partial(self._was_looked_at, pump_id, self.now()), timedelta(minutes=90))

    async def _was_looked_at(self, pump_id: str, after: datetime) -> bool:
        record = (await self.access.ledger.sweep_records.records([pump_id])).get(pump_id)
        return record is not None and record.looked_at > after

    async def profile(self, pump_id: str) -> PumpProfile:
        return await self.access.ledger.pumps.profile(pump_id)

    async def family(self, prefix: str) -> list[str]:
        """The pumps whose vendor's device id begins so (f730, s735), by number."""
        profiles = await self.access.ledger.pumps.active()
        return sorted(
            p.enrolment.pump_id for p in profiles if p.enrolment.vendor_ref.partition("/")[2].startswith(prefix)
        )

    async def state(self, pump_id: str) -> PumpState:
        return (await self.status(pump_id)).state

    async def details(self, pump_id: str) -> str:
        """The page that an operator reads of the pump."""
        told = await self.handle(pump_id).query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        return str(told.current_details)

    async def heard(self, pump_id: str) -> int:
        """How often the pump's workflow was told of an observation."""
        history = await self.handle(pump_id).fetch_history()
        return sum(
            event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
            and event.workflow_execution_signaled_event_attributes.signal_name == "observed"
            for event in history.events
        )

    async def stands(self, pump_id: str, authority: str, alert: str) -> None:
        """Wait until that is what an operator reads: the ledger's book is often a moment ahead of the workflow."""

        async def it_is() -> bool:
            status = await self.status(pump_id)
            return (status.authority, status.alert) == (authority, alert)

        await self.until(it_is)

    async def is_in(self, pump_id: str, level: Level) -> bool:
        """Whether the pump was last seen in a level and nothing is under way on that circuit."""
        circuit = Circuit.HEATING if isinstance(level, Mode) else Circuit.HOT_WATER
        had = (await self.state(pump_id)).circuit(circuit)
        return had is not None and had.settled is level and had.open is None

    async def settles(self, pump_id: str, level: Level, within: timedelta = timedelta(minutes=60)) -> None:
        """Wait until it is, and the truth agrees."""
        await self.until(partial(self.is_in, pump_id, level), within)
        circuit = Circuit.HEATING if isinstance(level, Mode) else Circuit.HOT_WATER
        had = (await self.state(pump_id)).circuit(circuit)
        assert had is not None
        assert self.setting(pump_id, circuit) == had.lever.setting_for(level)

    async def setting_for(self, pump_id: str, level: Level) -> float:
        """The setting that stands for a level on the pump's baseline."""
        circuit = Circuit.HEATING if isinstance(level, Mode) else Circuit.HOT_WATER
        had = (await self.state(pump_id)).circuit(circuit)
        assert had is not None
        return had.lever.setting_for(level)

    async def plan(
        self,
        pump_id: str,
        *modes: Mode,
        each: timedelta = timedelta(hours=8),
        hot_water: HotWaterMode | None = None,
        floor: Mode = Mode.MIN,
    ) -> PricePlan:
        """Send a plan of the next revision that began a quarter of an hour ago, so that its first mode is due."""
        self.revision += 1
        start = self.now() - timedelta(minutes=15)
        end = start + each * len(modes)
        plan = PricePlan(
            revision=self.revision,
            segments=tuple(
                ModeSegment(start=start + i * each, end=start + (i + 1) * each, mode=mode)
                for i, mode in enumerate(modes)
            ),
            hot_water=(HotWaterSegment(start=start, end=end, mode=hot_water),) if hot_water is not None else (),
            floor=floor,
            first_slot=start,
            valid_until=end,
        )
        await self.send(pump_id, plan)
        return plan

    async def target(
        self,
        pump_id: str,
        mode: Mode | None,
        lasts: timedelta = timedelta(hours=12),
        kind: OverrideKind = OverrideKind.MODE,
        source: OverrideSource = OverrideSource.HOUSEHOLD,
        by: Actor = RESIDENT,
    ) -> OverrideAnswer:
        """Somebody's target, as the command line asks for it."""
        return await override(self.access, pump_id, by, OverrideRequest(source, kind, mode), lambda now: now + lasts)

    async def do(self, pump_id: str, event: Any, who: str = "operator", why: str = "as the test says") -> PumpStatus:
        """Any other act."""
        given = Act(event=event, who=who, why=why)
        status: PumpStatus = await self.handle(pump_id).execute_update(HeatPumpWorkflow.act, given)
        return status


def as_installed(
    sheet: list[Enrolment], homes: Mapping[str, tuple[int, ...]], places: Mapping[int, Mapping[str, str]]
) -> list[Enrolment]:
    """The installers' sheet with the pumps, by number, that share a home or stand at another place."""
    shares = {
        f"p-{number:04d}": HomeShare(home_id=home, pumps=len(numbers), rank=rank, raised_at_once=1)
        for home, numbers in homes.items()
        for rank, number in enumerate(numbers)
    }
    elsewhere = {f"p-{number:04d}": place for number, place in places.items()}
    return [e.model_copy(update={"home": shares.get(e.pump_id), **elsewhere.get(e.pump_id, {})}) for e in sheet]


@contextlib.asynccontextmanager
async def a_world(
    folder: Path,
    pumps: int = 2,
    speed: float = SPEED,
    workers: tuple[str, ...] = ("pumps,oem:nibe",),
    faults: Mapping[str, float] | None = None,
    dynamic_config: Mapping[str, str] | None = None,
    lead_s: float = 0.0,
    homes: Mapping[str, tuple[int, ...]] | None = None,
    places: Mapping[int, Mapping[str, str]] | None = None,
    weather_file: Path | None = None,
    day: date = TEST_DAY,
    epoch: datetime = MIDNIGHT,
) -> AsyncIterator[TestWorld]:
    """Start one: enrolled pumps, steered time running from midnight UTC of the test's day.

    `speed`: on an idle machine; a busy one gets less.
    `homes`: pumps, by number, that share a home of which only one may run raised at a time. `places`: what else
    is enrolled of a pump, by number (price area, grid area, weather cell). `weather_file`: an Open-Meteo answer to live
    in, instead of the simulator's own weather.
    """
    options = StackOptions(folder=folder, ephemeral=True, dynamic_config=dynamic_config or {})
    began = time.monotonic()
    async with Stack(options) as stack:
        staging = Staging(
            pumps=pumps,
            seed=7,
            speed=paced(speed, time.monotonic() - began),
            day=day,
            epoch=epoch,
            lead=timedelta(seconds=lead_s),
            faults=faults or {},
            weather_file=weather_file,
        )
        async with stage.opened(stack, staging) as staged:
            world = TestWorld(staged, stage.worker_environment(stack, staging))
            for role in workers:
                await world.start_workers(role)
            await staged.enrol_everybody(as_installed(await staged.world.enrolment_sheet(), homes or {}, places or {}))
            yield world
