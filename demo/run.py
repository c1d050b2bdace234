"""`heatsteer demo`: a market day or a few at speed, from an empty folder to a report.

Protects: every number in the report comes from what ran; a run that could not finish says why and leaves no process.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from application.access import Access
from application.errors import Failed
from application.planning.schedule import create_schedule, nominal_time, plan_day, wait_for_plan
from application.pump_workflows import status
from demo import stage
from demo.facts import gather
from demo.files import last_words, leave_files, leave_logs
from demo.kills import Killer, roles, single_roles
from demo.order import DemoOrder
from demo.process_faults import ProcessFaults
from demo.progress import Progress, Snapshot
from demo.report.figures import build_report
from demo.report.recording import Run
from demo.simulator_client import SimulatorClient
from domain.planning.price_plan import MAX_JITTER
from domain.planning.scope import GridCaps
from domain.slots import SLOT
from embedded.errors import StackError
from embedded.stack import Stack, StackOptions
from workflows.contracts import PlanningInput
from workflows.price_watch import start_price_watch

PLAN_BUDGET_S = 40.0
SETTLE = timedelta(minutes=4)
LONGEST_DRAIN = timedelta(hours=4)
"""Steered time after the end in which open commands may still settle; longer than any command lives."""
BOARD_EVERY_S = 1.0


@dataclass
class _Scene:
    order: DemoOrder
    access: Access
    world: SimulatorClient
    killer: Killer
    faults: ProcessFaults
    planning_s: float = 0.0


async def run_demo(
    order: DemoOrder,
    progress: Progress,
    on_report: Callable[[dict[str, Any]], None],
    on_kept: Callable[[str], None],
) -> None:
    """Run the day, hand over the report, then leave its files; with `keep`, the stack stays up until interrupted.

    Raises DemoFailed with the last log lines of a process that died, or where files could not be written.
    """
    try:
        async with (
            Stack(StackOptions(folder=order.place, ephemeral=True)) as stack,
            _opened(order, stack, progress) as scene,
        ):
            run = await stack.guard(_steer(scene, progress))
            report = build_report(run)
            on_report(report)
            if order.out is not None:
                leave_files(order.out, order.place, report, run.events)
                progress.say(
                    f"every event behind these numbers: {order.out}/commands.jsonl and {order.out}/truth.jsonl"
                )
            if order.keep:
                on_kept(stack.temporal.ui_url)
                await stack.guard(scene.faults.follow(BOARD_EVERY_S))
    except BaseException as error:
        # Whatever ended it is what must be said: a log that cannot be copied never takes its place.
        if order.out is not None:
            leave_logs(order.out, order.place)
        if isinstance(error, StackError):
            raise last_words(error, order.out) from error
        raise


@contextlib.asynccontextmanager
async def _opened(order: DemoOrder, stack: Stack, progress: Progress) -> AsyncIterator[_Scene]:
    """Bring the world, the workers and the pumps up."""
    progress.say("stack up: PostgreSQL and Temporal answer")
    async with stage.opened(stack, order.staging) as staged, ProcessFaults(staged) as faults:
        is_merged = order.kill_every is None and "lost-worker" not in order.staging.faults
        for role in (roles if is_merged else single_roles)(order.staging.oems):
            await staged.start_worker(role)
        enrolled = await staged.enrol_everybody()
        progress.say(f"{enrolled} pumps enrolled; Web UI at {stack.temporal.ui_url}")
        killer = Killer(stack, order.kill_every, order.staging.epoch, order.end)
        yield _Scene(order=order, access=staged.access, world=staged.world, killer=killer, faults=faults)


async def _steer(scene: _Scene, progress: Progress) -> Run:
    await _plan(scene, progress)
    clock, tz = scene.access.clock, ZoneInfo(scene.order.staging.tz)
    _, *later = scene.order.market_days
    async with asyncio.TaskGroup() as planning:
        while (now := clock.steered(datetime.now(UTC))) < scene.order.end:
            if later and now >= nominal_time(later[0], tz):
                planning.create_task(_plan_later_day(scene, progress, later.pop(0)))
            await scene.killer.look(now)
            await scene.faults.look()
            progress.show(await _snapshot(scene, now))
            await asyncio.sleep(BOARD_EVERY_S)
    await scene.faults.obey({})  # what is left to do is to give every pump back
    await _drain(scene, progress)
    return await gather(scene.order, scene.access, scene.world, scene.planning_s, scene.killer.done)


async def _plan(scene: _Scene, progress: Progress) -> None:
    """Make the Schedule and plan the first day by it."""
    staging, client = scene.order.staging, scene.access.client
    given = PlanningInput(
        clock=scene.access.clock,
        caps=GridCaps(share=stage.CAP_SHARE),
        until=scene.order.end,
        budget_s=PLAN_BUDGET_S,
        patience=staging.patience,
    )
    await create_schedule(client, given, ZoneInfo(staging.tz), paused=True)
    await _plan_day(scene, progress, staging.day)
    await start_price_watch(client, given)


async def _plan_day(scene: _Scene, progress: Progress, day: date) -> None:
    """Plan by a backfill of the Schedule, at its nominal time the afternoon before."""
    client, tz = scene.access.client, ZoneInfo(scene.order.staging.tz)
    begun = time.monotonic()
    await plan_day(client, day, tz)
    planned = await wait_for_plan(client, day, tz, patience_s=4 * PLAN_BUDGET_S)
    scene.planning_s = time.monotonic() - begun
    if not planned.revisions:
        progress.say(f"no plan: {planned.reason}")
    else:
        progress.say(
            f"plan revision {', '.join(map(str, planned.revisions))} handed to {planned.delivered} pumps "
            f"after {scene.planning_s:.1f} s"
        )


async def _plan_later_day(scene: _Scene, progress: Progress, day: date) -> None:
    """A day without a plan is steered on without one, as it would be in earnest."""
    try:
        await _plan_day(scene, progress, day)
    except Failed as error:
        progress.say(f"no plan for {day}: {error}")


async def _snapshot(scene: _Scene, now: datetime) -> Snapshot:
    reports, runs = scene.access.ledger.reports, scene.access.ledger.runs
    pumps = await reports.pumps()
    seen = await runs.heating_seen()
    newest = await scene.access.ledger.observations.newest([p["pump_id"] for p in pumps])
    modes: dict[str, int] = {}
    for pump in pumps:
        mode = seen.get(pump["pump_id"], "LOW")
        modes[mode] = modes.get(mode, 0) + 1
    rooms = [r.room_c for r in newest.values() if r.room_c is not None]
    staging = scene.order.staging
    return Snapshot(
        now=now,
        start=staging.epoch,
        end=scene.order.end,
        price_eur_per_mwh=await _price_at(scene, now),
        modes=modes,
        rooms=rooms,
        states=await reports.states(),
        breakers=await runs.breakers_now(),
        down=tuple(outage.oem for outage in staging.outages if outage.starts <= now < outage.ends),
        kills=tuple(role for _, role in scene.killer.done),
    )


async def _price_at(scene: _Scene, now: datetime) -> float | None:
    plan = await scene.access.ledger.reports.newest_plan()
    if plan is None:
        return None
    prices = await scene.access.ledger.series.prices(plan["price_version"])
    index = (now - prices.start) // SLOT
    return prices.price_eur_per_mwh[index] if 0 <= index < len(prices.price_eur_per_mwh) else None


async def _drain(scene: _Scene, progress: Progress) -> None:
    """Wait until every pump has been let go to neutral and nothing is open any more."""
    progress.say("day over: every pump goes back to its own control")
    clock, end = scene.access.clock, scene.order.end
    await _sleep_until(scene, end + MAX_JITTER + SETTLE)
    quiet = 0
    while quiet < 2 and clock.steered(datetime.now(UTC)) < end + LONGEST_DRAIN:
        quiet = quiet + 1 if await _is_at_rest(scene.access) else 0
        await asyncio.sleep(0.5)


async def _is_at_rest(access: Access) -> bool:
    """Whether nothing is open, by the pumps' own state too: a decision may not have reached the ledger yet."""
    states = await access.ledger.reports.states()
    if any(states.get(name, 0) for name in ("planned", "sent", "accepted")):
        return False
    pumps = [pump["pump_id"] for pump in await access.ledger.reports.pumps()]
    try:
        states_now = await asyncio.gather(*(status(access, pump) for pump in pumps))
    except Failed:
        return False  # it is only just starting again, or its worker is
    return not any(one.state.has_open for one in states_now)


async def _sleep_until(scene: _Scene, steered: datetime) -> None:
    remaining = (scene.access.clock.wall(steered) - datetime.now(UTC)).total_seconds()
    await asyncio.sleep(max(0.0, remaining))
