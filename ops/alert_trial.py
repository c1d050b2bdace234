"""A small sped-up fleet in which one thing at a time is broken and mended, and the alert that should name it.

Protects: a fault is switched on and off where it would happen (a cloud, a feed, a unit, a process), never in a metric,
and by the switch that `heatsteer demo --fault` knows as well.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
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
from demo.process_faults import ProcessFaults
from demo.stage import Stage, Staging
from domain.planning.scope import GridCaps
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
ONE = 0.01
"""A share that is rounded up to one process."""
OPERATOR = Actor("operator", "the fault is mended")


class Trial:
    """The running world and its switches for faults."""

    def __init__(self, staged: Stage) -> None:
        self.stage = staged
        self.processes = ProcessFaults(staged, self._tell)
        self.aim: Callable[[Mapping[str, str]], None] = lambda _served: None
        """Where whoever scrapes hears whom to scrape from now on; may wait until it is done."""

    def now(self) -> datetime:
        """Steered."""
        return self.stage.access.now()

    def metrics(self) -> dict[str, str]:
        """Who should serve metrics now, and where."""
        return dict(self.stage.stack.file().metrics)

    async def until(self, moment: datetime) -> None:
        """Wait for a moment of steered time."""
        wall = self.stage.access.clock.wall(moment)
        await asyncio.sleep(max(0.0, (wall - datetime.now(UTC)).total_seconds()))

    async def switch(self, name: str, rate: float) -> None:
        """Set a fault to a rate, and have it done where it is one of our own processes'."""
        await self.stage.world.set_faults({name: rate})
        await self.processes.look()

    async def _tell(self) -> None:
        """A worker is scraped once it answers, for it starts in minutes of steered time."""
        served = self.metrics()
        await asyncio.gather(*(_answers(f"http://{address}/metrics") for address in served.values()))
        await asyncio.to_thread(self.aim, served)

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
    not_before: time | None = None
    """Local time of day before which it would change nothing."""


def switched(name: str, rate: float, alert: str) -> Fault:
    """A fault by the name that `--fault` knows it by."""

    async def strike(trial: Trial) -> None:
        await trial.switch(name, rate)

    async def mend(trial: Trial) -> None:
        await trial.switch(name, 0.0)

    return Fault(name, alert, strike, mend)


def of_a_feed(name: str, alert: str) -> Fault:
    """A feed that gives nothing in the afternoon; once it is back, a person has the next day planned."""
    fault = switched(name, 1.0, alert)

    async def mend(trial: Trial) -> None:
        await fault.mend(trial)
        await trial.plan_tomorrow()

    return replace(fault, mend=mend, not_before=BEFORE_RESULTS)


FAULTS = (
    switched("http-500", 1.0, "VendorDown"),
    switched("revoked-consent", 1.0, "AccountNeedsPerson"),
    switched("cut-quota", 0.97, "QuotaNearlySpent"),
    switched("hung-worker", ONE, "ProcessDown"),
    switched("no-figures", 1.0, "FiguresMissing"),
    of_a_feed("no-weather", "PlanStale"),
    switched("lost-worker", ONE, "QueueBacklog"),
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
        async with trial.processes:
            for role in single_roles(staging.oems):
                await staged.start_worker(role)
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
