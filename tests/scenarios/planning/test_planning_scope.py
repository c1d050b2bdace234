"""A plan has a scope: several price areas, grid areas and weather cells in one run, each under its own numbers."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from application.audit_log import Actor
from application.errors import Refused
from application.planning.load_curve import load_errors, make_load_curve
from application.planning.plans import PumpPlanView, make_plans, preview_plans, show_plan
from application.planning.schedule import create_schedule
from console.cli import plan_panels
from console.cli.plotting import draw
from domain.clock import SteeringClock
from domain.modes import Circuit, Mode
from domain.planning.fleet_plan import Certificate
from domain.planning.price_plan import PricePlan
from domain.planning.scope import GridCaps, GridLimit
from domain.planning.series import Basis
from domain.slots import SLOT, bounds_of
from embedded.children import Child
from ledger.models import FleetPlan, PlanPart, PlanShard
from tests.builders import MIDNIGHT
from tests.feeds import Feeds, serving
from tests.scenarios.planning.test_planning import BERLIN, DAY, HOURS, every_history_replays, start_planning
from tests.world import TestWorld, a_world
from workflows.contracts import SPED_UP, AreaPlanned, PlanningInput, PlanningResult

pytestmark = pytest.mark.servers

NORTH, SOUTH = "50.0,10.0", "48.0,13.0"
PLACES = {
    1: {"grid_area": "north", "weather_cell": NORTH},
    2: {"grid_area": "north", "weather_cell": NORTH},
    3: {"grid_area": "south", "weather_cell": SOUTH},
    4: {"grid_area": "south", "weather_cell": SOUTH},
    5: {"price_area": "AT", "grid_area": "east", "weather_cell": SOUTH},
    6: {"price_area": "AT", "grid_area": "east", "weather_cell": SOUTH},
}
LIMITS_KW = {("AT", "east"): 7.0, ("DE-LU", "north"): 6.5, ("DE-LU", "south"): 6.0}
CAPS = GridCaps(
    limits=tuple(GridLimit(price_area=area, grid_area=grid, cap_kw=kw) for (area, grid), kw in LIMITS_KW.items())
)


def dear_in_the_evening(local: datetime) -> float:
    return (220.0 if 16 <= local.hour < 20 else 40.0) + local.hour / 10 + local.minute / 10


def dear_at_noon(local: datetime) -> float:
    return (210.0 if 9 <= local.hour < 13 else 45.0) + local.hour / 10 + local.minute / 10


def two_markets() -> Feeds:
    return Feeds(
        prices={"DE-LU": dear_in_the_evening, "AT": dear_at_noon}, outdoor_c={NORTH: 2.0, SOUTH: -4.0}, tz=BERLIN
    )


@asynccontextmanager
async def a_wide_world(
    folder: Path, feeds: Feeds, clock: SteeringClock | None = None, **given: Any
) -> AsyncIterator[TestWorld]:
    """Six pumps in two price areas, three grid areas and two weather cells, with markets of the test's own."""
    with serving(feeds) as url:
        async with a_world(folder, pumps=len(PLACES), places=PLACES) as world:
            world.extra = {**world.extra, "HEATSTEER_PRICE_URL": url, "HEATSTEER_WEATHER_URL": url}
            await world.start_workers("planner")
            plan = PlanningInput(
                clock=clock or world.access.clock,
                caps=CAPS,
                budget_s=2.0,
                patience=SPED_UP.model_copy(update={"start_to_close_s": 5.0}),
                **given,
            )
            await create_schedule(world.access.client, plan, BERLIN, paused=True)
            yield world


def of(result: PlanningResult, price_area: str) -> AreaPlanned:
    return next(area for area in result.areas if area.price_area == price_area)


async def rows(world: TestWorld, query: Any) -> Sequence[Mapping[str, Any]]:
    async with world.access.ledger.engine.connect() as connection:
        return [dict(row._mapping) for row in await connection.execute(query)]


async def plan_of(world: TestWorld, pump: str, revision: int | None) -> PricePlan:
    """The pump's plan, once it follows this revision."""

    async def has() -> PricePlan | None:
        plan = (await world.status(pump)).state.plan
        return plan if plan is not None and plan.revision == revision else None

    plan: PricePlan = await world.until(has, within=HOURS)
    return plan


def modes_of(plan: PricePlan, first: int, last: int) -> list[Mode]:
    """Modes planned at the slots of these local hours."""
    start = bounds_of(DAY, BERLIN.key)[0]
    slots = range((last - first) * 4)
    levels = [plan.level_at(Circuit.HEATING, start + first * 4 * SLOT + slot * SLOT) for slot in slots]
    return [level for level in levels if isinstance(level, Mode)]


async def test_two_price_areas_three_grid_areas_and_two_weather_cells_are_planned_in_one_run(tmp_path: Path) -> None:
    feeds = two_markets()
    async with a_wide_world(tmp_path, feeds) as world:
        result = await (await start_planning(world, DAY)).result()
        assert [(area.price_area, area.day, area.pumps, area.delivered, area.reason) for area in result.areas] == [
            ("AT", DAY, 2, 2, ""),
            ("DE-LU", DAY, 4, 4, ""),
        ]
        assert sorted(set(feeds.asked)) == sorted([NORTH, SOUTH, "AT", "DE-LU"])

        series = world.access.ledger.series
        for plan in await rows(world, select(FleetPlan.price_area, FleetPlan.price_version, FleetPlan.revision)):
            prices = await series.prices(plan["price_version"])
            assert prices.price_area == plan["price_area"]
            assert plan["revision"] == of(result, plan["price_area"]).revision
            local = [(prices.start + n * SLOT).astimezone(BERLIN) for n in range(len(prices.price_eur_per_mwh))]
            assert prices.price_eur_per_mwh == tuple(feeds.prices[plan["price_area"]](moment) for moment in local)

        part = PlanPart
        query = select(
            FleetPlan.price_area, part.grid_area, part.weather_cell, part.weather_version, part.cap_kw, part.certificate
        ).join(FleetPlan, FleetPlan.revision == part.revision)
        found = {(row["price_area"], row["grid_area"]): row for row in await rows(world, query)}
        assert set(found) == set(LIMITS_KW)
        for place, row in found.items():
            assert row["cap_kw"] == LIMITS_KW[place]
            assert row["weather_cell"] == (NORTH if place[1] == "north" else SOUTH)
            weather = await series.weather(row["weather_version"])
            assert (weather.cell, set(weather.outdoor_c)) == (row["weather_cell"], {feeds.outdoor_c[weather.cell]})
            certificate = Certificate.model_validate(row["certificate"])
            assert (certificate.cap_kw, round(certificate.overflow_kwh, 6)) == (LIMITS_KW[place], 0.0)

        german = [await plan_of(world, world.pump(n), of(result, "DE-LU").revision) for n in (1, 2, 3, 4)]
        austrian = [await plan_of(world, world.pump(n), of(result, "AT").revision) for n in (5, 6)]
        raised = {Mode.MID, Mode.MAX}
        assert not any(raised & set(modes_of(plan, 16, 20)) for plan in german), "nobody is raised where it is dear"
        assert not any(raised & set(modes_of(plan, 9, 13)) for plan in austrian)
        assert any(raised & set(modes_of(plan, 9, 16)) for plan in german), "raised before the evening"
        assert any(raised & set(modes_of(plan, 2, 9)) for plan in austrian), "raised before noon"
        assert await every_history_replays(world) == 1 + 2 + len(PLACES)


async def test_a_planner_killed_halfway_goes_on_with_the_shards_that_are_left(tmp_path: Path) -> None:
    async with a_wide_world(tmp_path, two_markets(), most_pumps_per_shard=1, price_area="DE-LU") as world:
        engine = world.access.ledger.engine
        async with engine.begin() as connection:
            for statement in HOLDING_BACK:
                await connection.execute(text(statement))
        async with engine.connect() as holding:
            await holding.execute(text("SELECT pg_advisory_lock(77)"))
            await holding.commit()
            run = await start_planning(world, DAY)
            area = world.access.client.get_workflow_handle(f"{run.id}/DE-LU")
            await world.until(lambda: _solved(area, 2), within=HOURS)
            before = await _stored(world)
            world.workers[-1].kill()
            await holding.execute(text("SELECT pg_advisory_unlock(77)"))
            await holding.commit()
        await world.start_workers("planner")
        result = of(await run.result(), "DE-LU")
        assert (result.pumps, result.delivered, result.shards, result.failed_shards) == (4, 4, 4, 0)
        after = await _stored(world)
        assert sorted(before) == [0, 1]
        assert sorted(after) == [0, 1, 2, 3]
        assert {number: after[number] for number in before} == before
        assert await _attempts(area) == {"solve shard 0": 1, "solve shard 1": 1, "solve shard 2": 2, "solve shard 3": 2}
        assert _solver_runs(world.workers[-1]) == {2, 3}, "the new worker solved what was left, and nothing twice"
        for number in (1, 2, 3, 4):
            await plan_of(world, world.pump(number), result.revision)


HOLDING_BACK = (
    """
    CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.shard > 1 THEN PERFORM pg_advisory_xact_lock_shared(77); END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER wait_for_the_test BEFORE INSERT ON plan_parts FOR EACH ROW EXECUTE FUNCTION wait_for_the_test()",
)
"""All but the first two shards stand still where their plan would be stored, while the test holds lock 77."""


async def _solved(area: WorkflowHandle[Any, Any], number: int) -> bool:
    """Whether the run knows of so many solved shards."""
    try:
        history = await area.fetch_history()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False  # it has not begun
        raise
    begun = {
        event.event_id: event.user_metadata.summary.data.decode().strip('"')
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    }
    done = [
        begun[event.activity_task_completed_event_attributes.scheduled_event_id]
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
    ]
    return sum(name.startswith("solve shard") for name in done) == number


async def _attempts(area: WorkflowHandle[Any, Any]) -> dict[str, int]:
    """The attempts that each solving took; a shard that was scheduled twice would count twice."""
    history = await area.fetch_history()
    names: dict[int, str] = {}
    attempts: dict[str, int] = {}
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            names[event.event_id] = event.user_metadata.summary.data.decode().strip('"')
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started = event.activity_task_started_event_attributes
            name = names[started.scheduled_event_id]
            if name.startswith("solve shard"):
                attempts[name] = attempts.get(name, 0) + started.attempt
    return attempts


async def _stored(world: TestWorld) -> dict[int, Mapping[str, Any]]:
    query = select(PlanPart.shard, PlanPart.solved_at, PlanPart.certificate)
    return {row["shard"]: row for row in await rows(world, query)}


def _solver_runs(worker: Child) -> set[int]:
    """Shards of which a worker says that it planned a part; fails where it says so twice of one."""
    lines = [json.loads(line) for line in worker.launch.log.read_text().splitlines() if "part planned" in line]
    shards = [line["shard"] for line in lines]
    assert len(shards) == len(set(shards)), lines
    return set(shards)


async def test_a_silent_market_and_a_cell_without_weather_stall_nobody_else_and_are_named(tmp_path: Path) -> None:
    feeds = two_markets()
    feeds.silent |= {"AT", SOUTH}
    # A clock that has not begun to run and would run so fast that nine hours of patience are some seconds.
    stopped = SteeringClock(epoch=MIDNIGHT, start_wall=datetime.now(UTC) + timedelta(hours=1), speed=3240)
    async with a_wide_world(tmp_path, feeds, clock=stopped) as world:
        run = await start_planning(world, DAY)

        async def closed() -> bool:
            return any(row["closed_at"] for row in await rows(world, select(FleetPlan.closed_at)))

        await world.until(closed, within=HOURS)
        assert (await run.describe()).close_time is None, "Austria is still being waited for"
        result = await run.result()
        austria, germany = of(result, "AT"), of(result, "DE-LU")
        assert (austria.revision, austria.delivered) == (None, 0)
        assert austria.reason == f"no weather for {DAY}: pumps stay neutral"
        assert (germany.pumps, germany.delivered, germany.shards, germany.failed_shards) == (4, 2, 1, 0)
        assert germany.reason == "2 of 4 pumps have no plan: no weather, or not solved"
        assert result.reason == f"AT: {austria.reason}; DE-LU: {germany.reason}"
        (part,) = await rows(world, select(PlanPart.grid_area, PlanPart.pumps, PlanPart.cap_kw))
        assert part == {"grid_area": "north", "pumps": 2, "cap_kw": LIMITS_KW["DE-LU", "north"]}
        for number in (1, 2):
            await plan_of(world, world.pump(number), germany.revision)
        for number in (3, 4, 5, 6):
            assert (await world.status(world.pump(number))).state.plan is None


async def test_a_shard_that_cannot_be_solved_costs_the_others_nothing_and_is_written_down(tmp_path: Path) -> None:
    async with a_wide_world(tmp_path, two_markets(), most_pumps_per_shard=2, price_area="DE-LU") as world:
        async with world.access.ledger.engine.begin() as connection:
            await connection.execute(
                text("ALTER TABLE plan_parts ADD CONSTRAINT no_south CHECK (grid_area <> 'south')")
            )
        result = of(await (await start_planning(world, DAY)).result(), "DE-LU")
        assert (result.pumps, result.delivered, result.shards, result.failed_shards) == (4, 2, 2, 1)
        assert "2 of 4 pumps have no plan" in result.reason
        assert "no_south" in result.reason
        shards = await rows(world, select(PlanShard.shard, PlanShard.delivered, PlanShard.failure))
        assert {row["shard"]: row["delivered"] for row in shards} == {0: 2, 1: 0}
        assert {row["shard"]: bool(row["failure"]) for row in shards} == {0: False, 1: True}
        for number in (1, 2):
            await plan_of(world, world.pump(number), result.revision)


async def test_a_load_curve_says_what_the_plan_of_its_day_will_draw_and_tells_no_pump(tmp_path: Path) -> None:
    async with a_wide_world(tmp_path, two_markets()) as world:
        access, tz = world.access, {"AT": "Europe/Vienna", "DE-LU": "Europe/Berlin"}
        unknown = await make_load_curve(access, "DE-LU", DAY, [], tz.__getitem__)
        assert unknown.curve.basis is Basis.FLAT, "no day is known to estimate from"
        made = await make_plans(access, "AT", DAY, Actor("operator", "as the test says"))
        (plan,) = made.plans
        stored = await make_load_curve(access, "east", DAY, [50.0, 300.0], tz.__getitem__)
        curve = stored.curve
        assert (stored.version, curve.basis, curve.pumps) == (unknown.version + 1, Basis.PUBLISHED, 2)
        assert curve.base.price_version == plan.price_version
        assert [scenario.mean_price_eur_per_mwh for scenario in curve.levels] == pytest.approx([50, 300], abs=0.01)
        assert all(slot.low_kw <= slot.steered_kw <= slot.high_kw for slot in curve.slots)
        assert any(abs(slot.steered_kw - slot.neutral_kw) > 0.2 for slot in curve.slots), "dear evenings move load"
        assert not await load_errors(access, "AT", DAY, DAY, tz.__getitem__), "a grid area is not its price area"
        (error,) = await load_errors(access, "east", DAY, DAY, tz.__getitem__)
        assert (error.version, error.slots) == (stored.version, len(curve.slots))
        assert error.mean_kw == pytest.approx(sum(plan.parts[0]["load_kw"]) / error.slots, abs=0.01)
        assert (await world.status(world.pump(5))).state.plan == await plan_of(world, world.pump(5), plan.revision)
        with pytest.raises(Refused, match="no steered pump is enrolled in west: price areas are AT, DE-LU"):
            await make_load_curve(access, "west", DAY, [], tz.__getitem__)


async def test_a_plan_is_previewed_without_telling_anybody_then_made_by_hand_for_one_area_and_shown(
    tmp_path: Path,
) -> None:
    async with a_wide_world(tmp_path, two_markets()) as world:
        access = world.access
        seen = await preview_plans(access, "AT", DAY)
        (preview,) = seen.plans
        assert (preview.is_preview, preview.price_area, sum(part["pumps"] for part in preview.parts)) == (True, "AT", 2)
        assert preview.certificate is not None
        assert [shard["delivered"] for shard in preview.shards] == [None]
        assert (seen.result.delivered, seen.result.reason) == (0, "")
        with pytest.raises(Refused, match=r"there is no plan of a pump, grid area or price area east; .* AT, DE-LU"):
            await show_plan(access, "east")

        made = await make_plans(access, "AT", DAY, Actor("operator", "as the test says"))
        (plan,) = made.plans
        assert (plan.is_preview, made.result.delivered) == (False, 2)
        assert plan.revision > preview.revision
        for number in (5, 6):
            await plan_of(world, world.pump(number), plan.revision)
        assert (await world.status(world.pump(1))).state.plan is None, "nobody planned Germany"
        assert await show_plan(access, "AT") == await show_plan(access, "east") == plan
        shown = await show_plan(access, world.pump(5))
        assert isinstance(shown, PumpPlanView)
        assert (shown.revision, shown.grid_area, shown.weather_cell, shown.cap_kw) == (
            plan.revision,
            "east",
            SOUTH,
            7.0,
        )
        assert shown.plan == await plan_of(world, world.pump(5), plan.revision)
        assert len(shown.price_eur_per_mwh) == len(shown.cap_price_eur_per_mwh) == len(shown.power_kw)
        others = await show_plan(access, world.pump(6))
        assert isinstance(others, PumpPlanView)
        together = [mine + theirs for mine, theirs in zip(shown.power_kw, others.power_kw, strict=True)]
        (part,) = plan.parts
        assert part["load_kw"] == pytest.approx(together, abs=0.002)
        assert {sum(of_slot) for of_slot in zip(*part["pumps_by_mode"].values(), strict=True)} == {2}
        for number, (start, panels) in enumerate((plan_panels.of_pump(shown), plan_panels.of_area(plan))):
            draw(tmp_path / f"{number}.png", start, panels)
            assert (tmp_path / f"{number}.png").stat().st_size > 20_000
        (act,) = await access.ledger.reports.audit_trail("plan-run")
        assert (act["who"], act["subject"], act["detail"]["price_area"]) == ("operator", "AT", "AT")
        with pytest.raises(Refused, match="no steered pump is enrolled in price area FR: there are AT, DE-LU"):
            await make_plans(access, "FR", DAY, Actor("operator", "as the test says"))
