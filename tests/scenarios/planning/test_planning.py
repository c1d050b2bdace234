"""The daily planning on the real stack: for the day after its nominal time, certified, handed out once for each run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import WorkflowHandle
from temporalio.worker import Replayer

from application.planning.schedule import create_schedule, nominal_time, plan_day, wait_for_plan
from domain.clock import SteeringClock
from domain.modes import Mode
from domain.planning.scope import GridCaps
from domain.planning.series import WholesalePrices
from domain.slots import SLOT, bounds_of
from ledger.models import FleetPlan, PumpPlan
from tests.builders import MIDNIGHT
from tests.world import TestWorld, a_world
from worker import workflow_runner
from workflows.area_planning import AreaPlanning
from workflows.contracts import PLANNING_WORKFLOW_ID, SPED_UP, AreaPlanned, Patience, PlanningInput, PlanningResult
from workflows.fleet_planning import FleetPlanning
from workflows.heat_pump import HeatPumpWorkflow

pytestmark = pytest.mark.servers

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 1, 15)
UNKNOWN_DAY, LOADED_DAY = date(2026, 1, 18), date(2026, 1, 19)
"""The market has published nothing for them yet."""
PLANNING_S = 90.0
"""Wall seconds after which a run is believed to hang, however busy the machine is."""
HOURS = timedelta(hours=1, minutes=30)
"""The same, in steered time."""

type Planning = WorkflowHandle[FleetPlanning, PlanningResult]


@asynccontextmanager
async def a_planned_world(
    folder: Path,
    pumps: int,
    cap_share: float | None = None,
    clock: SteeringClock | None = None,
    patience: Patience = SPED_UP,
) -> AsyncIterator[TestWorld]:
    """A world with a planner and a paused Schedule; planning goes by `clock`, or by the world's own."""
    async with a_world(folder, pumps=pumps, workers=("pumps,oem:nibe", "planner")) as world:
        given = PlanningInput(
            clock=clock or world.access.clock,
            caps=GridCaps(share=cap_share),
            budget_s=1.0,
            patience=patience,
        )
        await create_schedule(world.access.client, given, BERLIN, paused=True)
        yield world


async def start_planning(world: TestWorld, day: date) -> Planning:
    """Fire the Schedule for a day; gives the very run, also where the day was planned before."""
    workflow_id = f"{PLANNING_WORKFLOW_ID}-{nominal_time(day, BERLIN):%Y-%m-%dT%H:%M:%SZ}"

    async def runs() -> set[str]:
        return {w.run_id async for w in world.access.client.list_workflows(f"WorkflowId = '{workflow_id}'")}

    before = await runs()
    await plan_day(world.access.client, day, BERLIN)

    async def another() -> set[str]:
        return await runs() - before

    (run_id,) = await world.until(another, within=HOURS)
    return world.access.client.get_workflow_handle_for(FleetPlanning.run, workflow_id, run_id=run_id)


def the_area(result: PlanningResult) -> AreaPlanned:
    """What became of the only price area."""
    (area,) = result.areas
    return area


async def everybody_follows(world: TestWorld, pumps: list[str], revision: int | None) -> None:
    async def follow() -> bool:
        plans = [(await world.status(pump)).state.plan for pump in pumps]
        return all(plan is not None and plan.revision == revision for plan in plans)

    await world.until(follow, within=HOURS)


async def revisions(world: TestWorld) -> list[int]:
    async with world.access.ledger.engine.connect() as connection:
        return list((await connection.scalars(select(FleetPlan.revision).order_by(FleetPlan.revision))).all())


async def every_history_replays(world: TestWorld) -> int:
    """Replay all planning runs and all pumps; gives how many histories there were."""
    replayer = Replayer(
        workflows=[FleetPlanning, AreaPlanning, HeatPumpWorkflow],
        data_converter=world.access.client.data_converter,
        workflow_runner=workflow_runner(sandbox=True),
    )
    of_interest = "WorkflowType IN ('HeatPumpWorkflow', 'FleetPlanning', 'AreaPlanning')"
    listed = [w async for w in world.access.client.list_workflows(of_interest)]
    for found in listed:
        handle = world.access.client.get_workflow_handle(found.id, run_id=found.run_id)
        await replayer.replay_workflow(await handle.fetch_history())
    return len(listed)


async def test_a_day_is_planned_from_the_nominal_time_and_again_on_demand_and_every_pump_follows(
    tmp_path: Path,
) -> None:
    async with a_planned_world(tmp_path, pumps=3, cap_share=0.55) as world:
        pumps = [world.pump(n) for n in (1, 2, 3)]
        before = world.now()
        await plan_day(world.access.client, DAY, BERLIN)
        first = the_area(await wait_for_plan(world.access.client, DAY, BERLIN, PLANNING_S))
        assert (first.day, first.delivered, first.reason) == (DAY, 3, "")
        await everybody_follows(world, pumps, first.revision)
        for pump in pumps:
            plan = (await world.status(pump)).state.plan
            assert plan is not None
            assert before < plan.first_slot <= world.now() + SLOT, "from the first slot that had not begun"
            assert plan.valid_until == bounds_of(DAY, BERLIN.key)[1], "to the end of the market day"
        newest = await world.access.ledger.reports.newest_plan()
        assert newest is not None
        assert newest["revision"] == first.revision
        certificate = newest["certificate"]
        assert certificate["lower_bound_eur"] <= certificate["cost_eur"]
        assert certificate["cap_kw"] > 0

        again = the_area(await (await start_planning(world, DAY)).result())
        assert first.revision is not None
        assert again.revision is not None
        assert again.revision > first.revision
        assert again.delivered == 3
        await everybody_follows(world, pumps, again.revision)
        assert await revisions(world) == [first.revision, again.revision]
        assert await every_history_replays(world) == 2 + 2 + 3


async def test_a_day_without_prices_is_planned_flat_and_one_with_prices_in_the_ledger_is_planned_from_them(
    tmp_path: Path,
) -> None:
    # A clock that has not begun to run and would run so fast that nine hours of patience are five seconds.
    stopped = SteeringClock(epoch=MIDNIGHT, start_wall=datetime.now(UTC) + timedelta(hours=1), speed=6480)
    patience = SPED_UP.model_copy(update={"start_to_close_s": 5.0})
    async with a_planned_world(tmp_path, pumps=2, clock=stopped, patience=patience) as world:
        pumps = [world.pump(1), world.pump(2)]
        start, end = bounds_of(LOADED_DAY, BERLIN.key)
        loaded = WholesalePrices(
            price_area="DE-LU",
            source="as the test says",
            resolution_min=15,
            start=start,
            price_eur_per_mwh=tuple(40.0 + 90.0 * (slot % 32 > 15) for slot in range((end - start) // SLOT)),
        )
        version = await world.access.ledger.series.store_prices(loaded, world.now())
        blind, informed = await start_planning(world, UNKNOWN_DAY), await start_planning(world, LOADED_DAY)
        left = the_area(await blind.result())
        assert (left.day, left.delivered) == (UNKNOWN_DAY, 2)
        assert left.reason == "prices are flat: the market was silent"
        planned = the_area(await informed.result())
        assert (planned.day, planned.delivered, planned.reason) == (LOADED_DAY, 2, "")
        of_revision = world.access.ledger.plans.outline
        assert planned.revision is not None
        assert left.revision is not None
        assert (await of_revision(planned.revision)).price_version == version
        flat = await world.access.ledger.series.prices((await of_revision(left.revision)).price_version)
        assert len(set(flat.price_eur_per_mwh)) == 1
        assert await revisions(world) == sorted((planned.revision, left.revision))
        await everybody_follows(world, pumps, max(planned.revision, left.revision))
        by_pump = dict(await world.access.ledger.plans.price_plans(left.revision, 0, "", 10))
        assert {segment.mode for plan in by_pump.values() for segment in plan.segments} <= {Mode.LOW}
        for pump in pumps:
            status = await world.status(pump)
            assert (status.target, status.alert) == ("LOW", "none")
            assert world.requests(pump) == []


async def test_a_planner_killed_before_its_plan_is_stored_and_another_before_it_is_handed_out(tmp_path: Path) -> None:
    async with a_planned_world(tmp_path, pumps=3) as world:
        pumps = [world.pump(n) for n in (1, 2, 3)]
        engine = world.access.ledger.engine
        async with engine.connect() as holding, engine.connect() as next_in_line:
            await _take_the_shares(holding)
            run = await start_planning(world, DAY)
            await world.until(partial(_standing_in_line, world, 1), within=HOURS)
            world.workers[-1].kill()
            await holding.rollback()
            await world.start_workers("planner")
            stored = the_area(await run.result())
            assert stored.delivered == 3
            assert await revisions(world) == [stored.revision]
            await everybody_follows(world, pumps, stored.revision)

            await _take_the_shares(holding)
            run = await start_planning(world, DAY)
            await world.until(partial(_standing_in_line, world, 1), within=HOURS)
            # Whoever asks for the table first gets it first: after the plan is stored, and before it is read.
            async with _taking_the_shares_next(world, next_in_line, holding):
                await world.until(partial(_standing_in_line, world, 1), within=HOURS)
                world.workers[-1].kill()
            await world.start_workers("planner")
            handed_out = the_area(await run.result())
        assert handed_out.delivered == 3
        assert await revisions(world) == [stored.revision, handed_out.revision]
        await everybody_follows(world, pumps, handed_out.revision)
        async with engine.connect() as connection:
            shares = select(func.count()).select_from(PumpPlan).where(PumpPlan.revision == handed_out.revision)
            assert await connection.scalar(shares) == 3
        assert await every_history_replays(world) == 2 + 2 + 3


async def _take_the_shares(connection: AsyncConnection) -> None:
    await connection.execute(text("LOCK TABLE pump_plans IN ACCESS EXCLUSIVE MODE"))


@asynccontextmanager
async def _taking_the_shares_next(
    world: TestWorld, connection: AsyncConnection, holding: AsyncConnection
) -> AsyncIterator[None]:
    """Take the table when those before us in the line have had it; `holding` lets go of it once we stand there."""
    taking = asyncio.create_task(_take_the_shares(connection))
    await world.until(partial(_standing_in_line, world, 2), within=HOURS)
    await holding.rollback()
    await taking
    try:
        yield
    finally:
        await connection.rollback()


async def _standing_in_line(world: TestWorld, number: int) -> bool:
    """Whether so many, or more, wait for the table of the pumps' shares."""
    query = text("SELECT count(*) FROM pg_locks WHERE relation = 'pump_plans'::regclass AND NOT granted")
    async with world.access.ledger.engine.connect() as connection:
        return int(await connection.scalar(query) or 0) >= number
