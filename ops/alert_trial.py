"""A small sped-up fleet in which one thing at a time is broken and mended, and the alert that should name it.

Protects: a fault is switched on and off where it would happen (a cloud, a feed, a unit, a process), never in a metric.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from application.audit_log import Actor
from application.errors import UseCaseError
from application.planning.schedule import PLANNED_AT, create_schedule, plan_day, wait_for_plan
from application.steering.dead_letters import dead_letters, retry_one
from demo import stage
from demo.kills import single_roles
from demo.stage import Stage, Staging
from demo.watching import serving_figures
from domain.planning.scope import GridCaps
from embedded.children import Child
from embedded.stack import Stack, StackOptions
from workflows.contracts import PlanningInput

TZ = ZoneInfo("Europe/Berlin")
DAY = date(2026, 1, 15)
BEGINS = time(6)
BEFORE_RESULTS = time(12, 30)
LASTS = timedelta(days=6)
OEM = "nibe"
PUMPS = 12
PLAN_BUDGET_S = 20.0
FIRST_PLAN_S = 300.0
"""Wall seconds that the first plan may take, on a busy machine and with loops that nobody compiled."""
LEAD_S = 40.0
STARTS_WITHIN_S = 60.0
OPERATOR = Actor("operator", "the fault is mended")


@dataclass
class Trial:
    """The running world and its levers for faults."""

    stage: Stage
    workers: dict[str, Child] = field(default_factory=dict)
    figures: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    lost: set[str] = field(default_factory=set)
    """Names of workers that nobody expects to serve metrics any more."""
    aim: Callable[[Mapping[str, str]], None] = lambda _served: None
    """Where whoever scrapes hears whom to scrape from now on; may wait until it is done."""

    def now(self) -> datetime:
        """Steered."""
        return self.stage.access.now()

    def metrics(self) -> dict[str, str]:
        """Who should serve metrics now, and where."""
        served = self.stage.stack.file().metrics
        return {name: at for name, at in served.items() if name.removesuffix("-temporal") not in self.lost}

    async def until(self, moment: datetime) -> None:
        """Wait for a moment of steered time."""
        wall = self.stage.access.clock.wall(moment)
        await asyncio.sleep(max(0.0, (wall - datetime.now(UTC)).total_seconds()))

    async def rates(self, **rates: float) -> None:
        """Change fault rates of the simulated world; underscores stand for dashes."""
        given = {name.replace("_", "-"): rate for name, rate in rates.items()}
        async with httpx.AsyncClient() as http:
            (await http.post(f"{self.stage.world.url}/_world/faults", json=given)).raise_for_status()

    async def start(self, role: str) -> None:
        """A worker for a role; it is scraped once it answers, for it starts in minutes of steered time."""
        worker = self.workers[role] = await self.stage.start_worker(role)
        await _answers(f"http://{self.stage.stack.file().metrics[worker.name]}/metrics")
        await asyncio.to_thread(self.aim, self.metrics())

    async def lose(self, role: str) -> None:
        """A role's only worker is scaled away: gone, and not missed by whoever watches processes."""
        worker = self.workers.pop(role)
        self.lost.add(worker.name)
        await asyncio.to_thread(self.aim, self.metrics())
        worker.asked_to_end = True
        await worker.stop()

    def send(self, role: str, signum: signal.Signals) -> None:
        """A signal to a worker's processes."""
        os.killpg(self.workers[role].pid, signum)

    async def show_figures(self) -> None:
        """Start to serve the fleet's figures."""
        await self.figures.enter_async_context(serving_figures(self.stage.stack, self.stage.access))
        await asyncio.to_thread(self.aim, self.metrics())

    async def plan_tomorrow(self) -> None:
        """Run the planning for the next market day; nobody waits for it."""
        await plan_day(self.stage.access.client, self.now().astimezone(TZ).date() + timedelta(days=1), TZ)

    async def retry_letters(self) -> None:
        """What a person does with dead letters once their cause is gone."""
        for letter in await dead_letters(self.stage.access):
            with contextlib.suppress(UseCaseError):  # its pump is busy, or has made up for it meanwhile
                await retry_one(self.stage.access, letter, OPERATOR)


async def _answers(url: str) -> None:
    """Wait until somebody does; raises TimeoutError."""
    async with httpx.AsyncClient() as http, asyncio.timeout(STARTS_WITHIN_S):
        while True:
            with contextlib.suppress(httpx.TransportError):
                await http.get(url)
                return
            await asyncio.sleep(0.2)


Act = Callable[[Trial], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """One thing that breaks, the alert that names it, and how it is mended."""

    name: str
    alert: str
    strike: Act
    mend: Act
    by_switch: bool = True
    """Whether it is a `--fault` of the demo."""
    not_before: time | None = None
    """Local time of day before which it would change nothing."""


def switched(name: str, rate: float, alert: str) -> Fault:
    """A fault of the simulated world, by the name that `--fault` knows it by."""

    async def strike(trial: Trial) -> None:
        await trial.rates(**{name: rate})

    async def mend(trial: Trial) -> None:
        await trial.rates(**{name: 0.0})

    return Fault(name, alert, strike, mend)


def of_a_feed(name: str, alert: str) -> Fault:
    """A feed that gives nothing in the afternoon; once it is back, a person has the next day planned."""
    fault = switched(name, 1.0, alert)

    async def mend(trial: Trial) -> None:
        await fault.mend(trial)
        await trial.plan_tomorrow()

    return replace(fault, mend=mend, not_before=BEFORE_RESULTS)


def process(name: str, alert: str, strike: Act, mend: Act) -> Fault:
    """A fault of one of our own processes."""
    return Fault(name, alert, strike, mend, by_switch=False)


async def _hang(trial: Trial) -> None:
    trial.send("planner", signal.SIGSTOP)


async def _wake(trial: Trial) -> None:
    trial.send("planner", signal.SIGCONT)


async def _lose(trial: Trial) -> None:
    await trial.lose(f"oem:{OEM}")


async def _replace(trial: Trial) -> None:
    await trial.start(f"oem:{OEM}")


async def _hide(trial: Trial) -> None:
    await trial.figures.aclose()


async def _show(trial: Trial) -> None:
    await trial.show_figures()


FAULTS = (
    switched("http-500", 1.0, "VendorDown"),
    switched("revoked-consent", 1.0, "AccountNeedsPerson"),
    switched("cut-quota", 0.97, "QuotaNearlySpent"),
    process("hung-worker", "ProcessDown", _hang, _wake),
    process("no-figures", "FiguresMissing", _hide, _show),
    of_a_feed("no-weather", "PlanStale"),
    process("lost-worker", "QueueBacklog", _lose, _replace),
    switched("no-heat", 1.0, "HomesBelowFloor"),
    switched("unplugged", 0.07, "DeadLetters"),
    of_a_feed("no-prices", "PricesMissing"),
    switched("silent-ignore", 1.0, "PumpsDoNotObey"),
)
"""Quick ones first; how many commands fail is a figure of a day, so the one about that comes last."""


@contextlib.asynccontextmanager
async def a_trial(folder: Path, speed: float, seed: int) -> AsyncIterator[Trial]:
    """A planned fleet at speed, whose next day is planned each afternoon."""
    staging = Staging(
        pumps=PUMPS,
        seed=seed,
        speed=speed,
        day=DAY,
        epoch=datetime.combine(DAY, BEGINS, TZ).astimezone(UTC),
        vendors=(OEM,),
        lead=timedelta(seconds=LEAD_S),
        with_metrics=True,
    )
    async with Stack(StackOptions(folder=folder, ephemeral=True)) as stack, stage.opened(stack, staging) as staged:
        trial = Trial(staged)
        async with trial.figures:
            await trial.show_figures()
            for role in single_roles(staging.oems):
                await trial.start(role)
            await staged.enrol_everybody()
            given = PlanningInput(
                clock=staged.access.clock,
                caps=GridCaps(),
                until=staging.epoch + LASTS,
                budget_s=PLAN_BUDGET_S,
                patience=staging.patience,
            )
            await create_schedule(staged.access.client, given, TZ, paused=True)
            await plan_day(staged.access.client, DAY, TZ)
            await wait_for_plan(staged.access.client, DAY, TZ, patience_s=FIRST_PLAN_S)
            planning = asyncio.create_task(_plan_every_day(trial))
            try:
                yield trial
            finally:
                planning.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await planning


async def _plan_every_day(trial: Trial) -> None:
    day = DAY
    while True:
        await trial.until(datetime.combine(day, PLANNED_AT, TZ))
        await trial.plan_tomorrow()
        day += timedelta(days=1)
