"""The problem analysis' "Extreme Scenarios", row by row, and what an operator can do when everything goes wrong.

A vendor's cloud that is down for all is in `test_outage`, a market that stays silent in `test_planning`. Of the shared
world every scenario has its own pumps and lifts what it imposed, so that any order will do.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from application.audit_log import Actor
from application.fleet.homes import band_of, set_comfort
from application.planning.schedule import create_schedule
from application.steering import orders
from application.steering.neutrality import neutrality, wait_for_neutral
from application.steering.orders import OrderResult
from domain.modes import Circuit, HotWaterMode, Mode
from domain.planning.price_plan import MAX_JITTER, PricePlan
from domain.slots import SLOT
from domain.steering.orders import STAGGER, Order, OrderKind
from oem_adapters.nibe.manifest import HOT_WATER_COMFORT
from tests.builders import MIDNIGHT
from tests.scenarios.planning.test_planning import BERLIN, DAY, start_planning, the_area
from tests.world import TestWorld, a_world
from workflows.area_planning import PRICE_PATIENCE, WEATHER_PATIENCE
from workflows.contracts import SPED_UP, AreaPlanned, PlanningInput

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

SPEED = 240
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BUSY = timedelta(minutes=20)
"""Five seconds of the wall at this speed: what a busy machine may be late by."""
AREA = "area:feeder-1"
OPERATOR = Actor("grid operator", "as the test says")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestWorld]:
    async with a_world(tmp_path_factory.mktemp("world"), pumps=12, speed=SPEED) as running:
        yield running


@contextlib.asynccontextmanager
async def imposed(world: TestWorld, kind: OrderKind, scope: str, **given: Any) -> AsyncIterator[OrderResult]:
    """An order that stands meanwhile, as the command line gives it; nobody is under it any more afterwards."""
    order = await orders.give(world.access, kind, scope, OPERATOR, **given)
    assert order.delivery.problems == {}
    try:
        yield order
    finally:
        await lift(world, order.order)
        await world.until(partial(nobody_is_held, world, order), STAGGER + 3 * BUSY)


async def lift(world: TestWorld, order: Order) -> None:
    if order in await world.access.ledger.orders.standing(world.now()):
        await orders.lift(world.access, [order], OPERATOR, lambda _done, _all: None)


async def nobody_is_held(world: TestWorld, given: OrderResult) -> bool:
    states = [await world.state(profile.enrolment.pump_id) for profile in given.profiles]
    of_it = [(s.pump_id, o) for s in states for o in s.orders if o.order_id == given.order.order_id]
    return not any(order.holds(pump, world.now()) for pump, order in of_it)


def moment(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])


def written_since(world: TestWorld, pump: str, since: datetime) -> list[dict[str, Any]]:
    return [line for line in world.written(pump) if moment(line) >= since]


# --- grid emergency and blackout --------------------------------------------------------------------------------------


async def test_a_grid_emergency_is_written_to_every_pump_of_the_area_within_a_minute(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=3, speed=10) as world:
        pumps = [world.pump(n) for n in (1, 2, 3)]
        for pump in pumps:
            assert await world.is_in(pump, Mode.LOW), "a worker is there"
        given = await orders.give(
            world.access, OrderKind.LIMIT, AREA, OPERATOR, cap=Mode.MIN, end=lambda now: now + 2 * HOUR
        )
        await world.until(lambda: all(world.written(pump) for pump in pumps))
        for pump in pumps:
            (request,) = world.written(pump)
            assert request["value"] == await world.setting_for(pump, Mode.MIN)
            assert moment(request) - given.order.since <= MINUTE
            assert (await world.status(pump)).authority == "limited"


async def test_a_grid_limit_spares_who_is_cold_and_lets_the_others_return_one_after_another(world: TestWorld) -> None:
    cold, others = world.pump(1), [world.pump(n) for n in (2, 3, 5, 6, 8)]
    await set_comfort(world.access, cold, band_of(24.0, 26.0), OPERATOR)
    await world.until(partial(knows_it_is_cold, world, cold), 2 * HOUR)
    async with imposed(world, OrderKind.LIMIT, AREA, cap=Mode.MIN, end=lambda now: now + 3 * HOUR) as limit:
        for pump in others:
            await world.settles(pump, Mode.MIN)
        told = await world.status(cold)
        assert told.target == Mode.LOW
        assert "below its floor" in await world.details(cold)
        assert written_since(world, cold, limit.order.since) == []
        lifted_at = world.now()
        await lift(world, limit.order)
        for pump in others:
            await world.settles(pump, Mode.LOW, STAGGER + HOUR)
    written = [moment(written_since(world, pump, lifted_at)[0]) for pump in others]
    assert all(lifted_at <= at <= lifted_at + STAGGER + BUSY for at in written)
    decided = [(await world.events(pump))[-1]["decided_at"] for pump in others]
    assert max(decided) - min(decided) >= 6 * MINUTE, "a fleet never returns as one"


async def knows_it_is_cold(world: TestWorld, pump: str) -> bool:
    return (await world.state(pump)).watch.is_cold


async def test_in_a_blackout_nothing_is_written_and_the_newest_targets_follow_when_the_power_is_back(
    world: TestWorld,
) -> None:
    planned, wished = world.pump(4), world.pump(7)
    async with imposed(world, OrderKind.BLACKOUT, AREA) as blackout:
        since = blackout.order.since
        await world.plan(planned, Mode.MAX)
        for mode in (Mode.MAX, Mode.MIN):
            await world.target(wished, mode)
        await world.until(lambda: world.now() > since + HOUR, 2 * HOUR)
        everybody = [profile.enrolment.pump_id for profile in blackout.profiles]
        assert {pump: written_since(world, pump, since + 2 * MINUTE) for pump in everybody} == {
            p: [] for p in everybody
        }
        assert "no power" in await world.details(planned)
        assert (await world.status(planned)).alert == "held"
    for pump, mode in ((planned, Mode.MAX), (wished, Mode.MIN)):
        await world.settles(pump, mode, STAGGER + HOUR)
        said = [line["value"] for line in written_since(world, pump, since)]
        assert said == [await world.setting_for(pump, mode)]


# --- fleet stop -------------------------------------------------------------------------------------------------------


async def test_a_fleet_stop_ends_in_neutral_that_was_seen_and_names_who_is_not_there(world: TestWorld) -> None:
    steered, person, dark = [world.pump(9), world.pump(10)], world.pump(11), world.pump(12)
    for pump in (*steered, dark):
        await world.plan(pump, Mode.MAX)
    for pump in (*steered, dark):
        await world.settles(pump, Mode.MAX)
    await world.target(person, Mode.MAX)
    await world.settles(person, Mode.MAX)
    async with (
        imposed(world, OrderKind.BLACKOUT, f"pump:{dark}") as blackout,
        imposed(world, OrderKind.STOP, "all") as stop,
    ):
        found = await wait_for_neutral(world.access, stop, 40 * MINUTE, lambda _: None)
        assert set(steered) <= set(found.verified)
        for pump in steered:
            assert world.setting(pump) == (await world.profile(pump)).heating.baseline
        assert "mode of resident" in found.by_others[person]
        assert found.stragglers == {dark: f"nothing may be written now (no power (pump:{dark}))"}
        assert world.setting(person) == await world.setting_for(person, Mode.MAX)
        assert world.setting(dark) == await world.setting_for(dark, Mode.MAX), "nobody claims what is not so"
        await lift(world, blackout.order)
        await world.settles(dark, Mode.LOW, STAGGER + HOUR)
        assert dark in (await neutrality(world.access, stop)).verified
    for pump in (*steered, dark):
        await world.settles(pump, Mode.MAX, STAGGER + HOUR)


# --- extended cold snap, heat wave ------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def a_climate(folder: Path, mean_c: float) -> AsyncIterator[TestWorld]:
    """A planned world in which it is some degrees for a week, with 3 K between day and night."""
    hours = [MIDNIGHT + timedelta(hours=h) for h in range(-48, 168)]
    sun = [max(0.0, 400.0 - 80.0 * abs(h.hour - 12)) * (mean_c > 20) for h in hours]
    hourly = {
        "time": [h.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") for h in hours],
        "temperature_2m": [mean_c + (1.5 if 9 <= h.hour < 21 else -1.5) for h in hours],
        "shortwave_radiation": sun,
    }
    weather = folder / "weather.json"
    weather.write_text(json.dumps({"utc_offset_seconds": 0, "hourly": hourly}))
    workers = ("pumps,oem:nibe", "planner")
    async with a_world(folder / "stack", pumps=3, speed=SPEED, workers=workers, weather_file=weather) as world:
        given = PlanningInput(
            clock=world.access.clock,
            budget_s=1.0,
            patience=SPED_UP,
        )
        await create_schedule(world.access.client, given, BERLIN, paused=True)
        yield world


async def planned_day(world: TestWorld, pumps: Sequence[str]) -> tuple[AreaPlanned, list[PricePlan]]:
    """The planning of the world's day: its result, every pump's plan once it is in force."""
    run = await start_planning(world, DAY)
    result = the_area(await run.result())
    assert result.delivered == len(pumps), result.reason
    plans = [plan for pump in pumps if (plan := (await world.state(pump)).plan) is not None]
    assert [plan.revision for plan in plans] == [result.revision] * len(pumps)
    begins = plans[0].first_slot + MAX_JITTER
    await world.until(lambda: world.now() > begins)
    return result, plans


async def test_in_an_extended_cold_snap_nobody_is_set_back_whatever_it_would_save(tmp_path: Path) -> None:
    async with a_climate(tmp_path, mean_c=-19.0) as world:
        pumps = [world.pump(n) for n in (1, 2, 3)]
        planned, plans = await planned_day(world, pumps)
        assert planned.cold_snap_pumps == len(pumps)
        for pump, plan in zip(pumps, plans, strict=True):
            assert plan.floor is Mode.LOW
            assert Mode.MIN not in {segment.mode for segment in plan.segments}
            answer = await world.target(pump, Mode.MIN)
            assert answer.bounded_by in ("cold snap", "a room is below its floor")
            assert "cold snap: neutral or above only" in await world.details(pump)
            assert (await world.status(pump)).target == Mode.LOW
        world.revision = plans[0].revision
        await world.plan(pumps[0], Mode.MIN, floor=Mode.LOW)  # whatever a planner might yet come up with
        await world.until(lambda: world.now() > plans[0].first_slot + HOUR, 2 * HOUR)
        for pump in pumps:
            set_back = await world.setting_for(pump, Mode.MIN)
            assert set_back not in {line["value"] for line in world.written(pump)}


async def test_in_a_heat_wave_no_heating_is_commanded_and_hot_water_is_not_harmed(tmp_path: Path) -> None:
    async with a_climate(tmp_path, mean_c=29.0) as world:
        pumps = [world.pump(n) for n in (1, 2, 3)]
        _, plans = await planned_day(world, pumps)
        for plan in plans:
            assert {segment.mode for segment in plan.segments} <= {Mode.LOW}
        start = plans[0].first_slot
        await world.until(lambda: world.now() > start + HOUR, 2 * HOUR)
        for pump in pumps:
            assert world.written(pump) == [], "nothing to heat, nothing to say"
            steps = {line["value"] for line in world.written(pump, Circuit.HOT_WATER)}
            assert steps <= {*HOT_WATER_COMFORT.settings.values(), await world.setting_for(pump, HotWaterMode.NORMAL)}
        for house in (await world.world.summary(start, start + 4 * SLOT)).pumps:
            assert house.hot_water_min_c is not None
            assert house.hot_water_min_c > 35.0


# --- wholesale market failure -----------------------------------------------------------------------------------------


async def test_the_patience_of_a_planning_run_ends_long_before_the_next_one_is_due() -> None:
    longest = PRICE_PATIENCE + WEATHER_PATIENCE + 2 * HOUR
    assert longest < timedelta(hours=20), "tomorrow's run is never swallowed"
