"""Section 6 of the problem analysis, "race conditions", and its "Concurrency & Timing Issues", row by row.

Killed workers are in `test_killed_workers`; clocks, backed-up queues and cut lines in `test_cuts_and_clocks`. Every
scenario has its own pumps, so that any order will do.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import ScheduleActionStartWorkflow, ScheduleBackfill, ScheduleOverlapPolicy

from application.planning.schedule import nominal_time
from domain.commands.command import Authority
from domain.modes import Circuit, Mode
from domain.planning.price_plan import ModeSegment, PricePlan
from domain.steering.orders import STAGGER, Order, OrderKind
from domain.steering.overrides import Override, OverrideKind, OverrideSource
from domain.steering.pump_state import Observed, OrderGiven, OrderLifted, OverrideEnded, SeenLever
from domain.steering.reconcile import MAX_PLAN_CHANGES, MIN_PAUSE, MIN_RUN
from tests.scenarios.lives import lives, moment, never_two_at_once
from tests.scenarios.planning.test_planning import (
    BERLIN,
    DAY,
    HOURS,
    Planning,
    a_planned_world,
    everybody_follows,
    revisions,
    the_area,
)
from tests.world import TestWorld, a_world
from workflows.contracts import PLANNING_SCHEDULE_ID, Act
from workflows.fleet_planning import FleetPlanning
from workflows.heat_pump import HeatPumpWorkflow

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

SPEED = 240
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestWorld]:
    async with a_world(tmp_path_factory.mktemp("world"), pumps=7, speed=SPEED) as running:
        yield running


# --- rapid price fluctuations -----------------------------------------------------------------------------------------


async def test_prices_that_turn_every_quarter_of_an_hour_do_not_thrash_a_pump(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1, speed=720) as world:
        pump = world.pump(1)
        began = world.now()
        turning = asyncio.create_task(prices_keep_turning(world, pump))
        try:
            await world.until(partial(is_left_alone, world, pump), 9 * HOUR)
            await world.until(lambda: world.now() > began + 7 * HOUR, 9 * HOUR)
        finally:
            turning.cancel()
        commands = [lines[0] for lines in (await lives(world, pump)).values()]
        # A command that had to be tried anew on a busy machine is no change of the plan's.
        changes = [c for i, c in enumerate(commands) if not i or c["mode"] != commands[i - 1]["mode"]]
        planned = [c for c in changes if c["authority"] == Authority.PLAN and c["mode"] != Mode.LOW]
        for held, after in pairwise(planned):
            least = MIN_RUN if held["mode"] == Mode.MAX else MIN_PAUSE
            assert after["decided_at"] - held["decided_at"] >= least, "a mode is kept for its time"
        assert len(planned) == MAX_PLAN_CHANGES
        assert world.now() - planned[-1]["decided_at"] > MIN_RUN
        book = {name: [line["event"] for line in lines] for name, lines in (await lives(world, pump)).items()}
        assert len(world.changes(pump)) <= MAX_PLAN_CHANGES + 1, f"and then one way back to neutral: {book}"
        await world.settles(pump, Mode.LOW)


async def test_a_grid_limit_that_the_newest_plan_agrees_with_does_not_wait_for_the_dwell_of_the_older(
    world: TestWorld,
) -> None:
    pump = world.pump(7)
    await world.plan(pump, Mode.MAX)
    await world.settles(pump, Mode.MAX)
    await world.plan(pump, Mode.LOW)
    await world.until(partial(knows_revision, world, pump, world.revision))
    assert (await world.state(pump)).heating.open is None, "the run that began a moment ago is kept for its hour"
    given_at = world.now()
    limit = Order(
        order_id="limit-in-a-dwell",
        kind=OrderKind.LIMIT,
        scope=f"pump:{pump}",
        cap=Mode.LOW,
        since=given_at,
        until=given_at + 4 * HOUR,
        who="grid operator",
        why="the feeder is full",
    )
    await world.do(pump, OrderGiven(order=limit))
    await world.settles(pump, Mode.LOW)
    (last,) = [line for line in world.changes(pump) if moment(line) > given_at]
    assert moment(last) - given_at < MIN_RUN / 2


async def knows_revision(world: TestWorld, pump: str, revision: int) -> bool:
    plan = (await world.state(pump)).plan
    return plan is not None and plan.revision == revision


async def prices_keep_turning(world: TestWorld, pump: str) -> None:
    """A new revision every quarter of an hour, each the opposite of the one before, and each told twice."""
    modes = (Mode.MIN, Mode.MAX)
    while True:
        plan = await world.plan(pump, modes[world.revision % 2])
        await world.send(pump, plan)
        next_at = world.access.clock.wall_duration(15 * MINUTE)
        await asyncio.sleep(next_at.total_seconds())


async def is_left_alone(world: TestWorld, pump: str) -> bool:
    had = (await world.state(pump)).heating
    return len(had.plan_changes) >= MAX_PLAN_CHANGES and had.settled is Mode.LOW and had.open is None


# --- simultaneous commands from several sources -----------------------------------------------------------------------


async def test_everybody_speaking_at_once_and_twice_ends_by_precedence_in_whatever_order(world: TestWorld) -> None:
    pumps = [world.pump(n) for n in range(1, 6)]
    assert all([(await world.profile(pump)).site.may_set_back for pump in pumps])
    for shift, pump in enumerate(pumps):
        sources = everybody(world, pump, await world.setting_for(pump, Mode.MID))
        turned = sources[shift:] + sources[:shift]
        told = turned if shift % 2 else turned[::-1]
        await asyncio.gather(*(source() for source in (*told, *told)))
    for stage, mode, authority in (
        (None, Mode.MIN, Authority.LIMITED),
        (OrderLifted(), Mode.MAX, Authority.OVERRIDE),
        (OverrideEnded(override_id="by-the-household"), Mode.MID, Authority.OVERRIDE),
        (OverrideEnded(), Mode.MIN, Authority.PLAN),
    ):
        if stage is not None:
            for pump in pumps:
                await world.do(pump, stage)
        for pump in pumps:
            await world.settles(pump, mode, STAGGER + HOUR)
            assert (await world.status(pump)).authority == authority
    for pump in pumps:
        state = await world.state(pump)
        assert state.plan is not None
        assert state.plan.revision == 9
        assert (state.orders, state.overrides) == ((), ())
        await never_two_at_once(world, pump)
        applied = [lines[0]["mode"] for lines in (await lives(world, pump)).values() if lines[-1]["event"] == "applied"]
        assert applied == [Mode.MIN, Mode.MAX, Mode.MID, Mode.MIN], "of all that was said only what counted was done"


def everybody(world: TestWorld, pump: str, drifted_to: float) -> list[Callable[[], Awaitable[Any]]]:
    """Two plans, a household, support, the grid and a drift, each ready to say its own."""
    now = world.now()
    handle = world.handle(pump)
    start, end = now - 15 * MINUTE, now + 12 * HOUR

    def plan(revision: int, mode: Mode) -> PricePlan:
        segments = (ModeSegment(start=start, end=end, mode=mode),)
        return PricePlan(revision=revision, segments=segments, first_slot=start, valid_until=end)

    def target(override_id: str, source: OverrideSource, kind: OverrideKind, mode: Mode, minutes_ago: int) -> Override:
        asked_at = now - minutes_ago * MINUTE
        signed = {"who": kind.value, "why": "as the test says"}
        return Override(
            override_id=override_id, source=source, kind=kind, mode=mode, requested_at=asked_at, until=end, **signed
        )

    household = target("by-the-household", OverrideSource.HOUSEHOLD, OverrideKind.EMERGENCY, Mode.MAX, 10)
    support = target("by-support", OverrideSource.SUPPORT, OverrideKind.MODE, Mode.MID, 0)
    signed = {"who": "grid operator", "why": "the feeder is full"}
    limit = Order(
        order_id=f"limit-{pump}",
        kind=OrderKind.LIMIT,
        scope=f"pump:{pump}",
        cap=Mode.MIN,
        since=now,
        until=end,
        **signed,
    )
    drift = Observed(as_of=now, levers=(SeenLever(circuit=Circuit.HEATING, setting=drifted_to),))
    return [
        partial(world.send, pump, plan(9, Mode.MIN)),
        partial(world.send, pump, plan(8, Mode.MAX)),
        partial(handle.execute_update, HeatPumpWorkflow.request_override, household),
        partial(handle.execute_update, HeatPumpWorkflow.request_override, support),
        partial(handle.execute_update, HeatPumpWorkflow.act, Act(event=OrderGiven(order=limit), **signed)),
        partial(handle.signal, HeatPumpWorkflow.observed, drift),
    ]


# --- task A scheduled before task B, and executed after it ------------------------------------------------------------


async def test_what_was_decided_earlier_and_arrives_later_changes_nothing(world: TestWorld) -> None:
    pump = world.pump(6)
    earlier = await world.plan(pump, Mode.MIN)
    await world.until(partial(is_on, world, pump, earlier.revision))
    later = earlier.model_copy(update={"revision": earlier.revision + 5, "segments": as_mode(earlier, Mode.MAX)})
    late = earlier.model_copy(update={"revision": earlier.revision + 3, "segments": as_mode(earlier, Mode.MID)})
    await world.send(pump, later)
    await world.send(pump, late)
    await world.settles(pump, Mode.MAX, 3 * HOUR)
    await world.send(pump, earlier)
    await world.until(partial(refusals, world, pump))
    await world.looked_at(pump)
    assert (await world.state(pump)).plan == later
    assert await world.is_in(pump, Mode.MAX)
    assert Mode.MID not in {lines[0]["mode"] for lines in (await lives(world, pump)).values()}
    said = [line["reason"] for line in await refusals(world, pump)]
    assert f"plan revision {late.revision} came after revision {later.revision}" in said
    assert f"came after revision {later.revision}" in await world.details(pump)


def as_mode(plan: PricePlan, mode: Mode) -> tuple[ModeSegment, ...]:
    return tuple(segment.model_copy(update={"mode": mode}) for segment in plan.segments)


async def is_on(world: TestWorld, pump: str, revision: int) -> bool:
    plan = (await world.state(pump)).plan
    return plan is not None and plan.revision == revision


async def refusals(world: TestWorld, pump: str) -> list[dict[str, Any]]:
    return [line for line in await world.events(pump) if line["event"] == "refused"]


# --- optimization runs overlap ----------------------------------------------------------------------------------------


async def test_two_planning_runs_at_once_end_with_one_revision_on_every_pump(tmp_path: Path) -> None:
    async with a_planned_world(tmp_path, pumps=3) as world:
        client, pumps = world.access.client, [world.pump(n) for n in (1, 2, 3)]
        first = client.get_schedule_handle(PLANNING_SCHEDULE_ID)
        twin = (await first.describe()).schedule
        assert isinstance(twin.action, ScheduleActionStartWorkflow)
        twin.action.id = "fleet-planning-twin"
        second = await client.create_schedule("fleet-planning-twin", twin)
        due = nominal_time(DAY, BERLIN)
        both = ScheduleBackfill(
            start_at=due - timedelta(seconds=1), end_at=due, overlap=ScheduleOverlapPolicy.ALLOW_ALL
        )
        await asyncio.gather(first.backfill(both), second.backfill(both))
        ids = [f"{prefix}-{due:%Y-%m-%dT%H:%M:%SZ}" for prefix in ("fleet-planning", "fleet-planning-twin")]

        async def are_there() -> bool:
            return len([w async for w in client.list_workflows("WorkflowType = 'FleetPlanning'")]) == len(ids)

        await world.until(are_there, HOURS)
        runs: list[Planning] = [client.get_workflow_handle_for(FleetPlanning.run, workflow_id) for workflow_id in ids]
        made = [the_area(result).revision for result in await asyncio.gather(*(run.result() for run in runs))]
        one, other = [await run.describe() for run in runs]
        assert one.close_time
        assert other.close_time
        assert max(one.start_time, other.start_time) < min(one.close_time, other.close_time), "they overlapped"
        assert sorted(revision or 0 for revision in made) == await revisions(world)
        newest = max(revision or 0 for revision in made)
        await everybody_follows(world, pumps, newest)
        for pump in pumps:
            await never_two_at_once(world, pump)
            commanded = {lines[0]["revision"] for lines in (await lives(world, pump)).values()}
            assert len(commanded) <= 2
            assert (await world.state(pump)).plan is not None
