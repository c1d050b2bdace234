"""The problem analysis' "User Interaction Scenarios", row by row: whoever lives with a pump has the last word on it.

One world for all: every scenario has its own pumps, so that any order will do. What people see is held against the
simulator's truth log, the ledger's book and what an operator reads, never against one of them alone.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType

from application.audit_log import Actor
from application.fleet.homes import band_of, set_comfort
from domain.commands.command import Authority
from domain.modes import Circuit, HotWaterMode, Mode
from domain.steering.observations import TOUCH_HOLDS
from domain.steering.overrides import WARM_UP, OverrideKind, OverrideSource
from domain.steering.pump_state import SteeringConsent
from tests.world import TestWorld, a_world
from workflows.contracts import URGENT

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

SPEED = 720
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BUSY = timedelta(minutes=30)
"""Two and a half seconds of the wall at this speed: what a busy machine may be late by."""
SHARED_HOME = (13, 14)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestWorld]:
    folder = tmp_path_factory.mktemp("world")
    async with a_world(folder, pumps=17, speed=SPEED, homes={"home-1": SHARED_HOME}) as running:
        await running.warm()
        yield running


def moment(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])


async def has(world: TestWorld, pump: str, kind: str) -> Any:
    """The newest line of a kind in a pump's book, or None."""
    return next((line for line in reversed(await world.events(pump)) if line["event"] == kind), None)


async def turn(world: TestWorld, pump: str, value: float) -> datetime:
    """A person sets the unit's heating by hand."""
    lever = (await world.profile(pump)).heating.name
    at = world.now()
    await world.bring_about("household", pump=pump, lever=lever, value=value)
    return at


async def stays_as_it_is(world: TestWorld, pump: str, lasts: timedelta) -> None:
    """Nothing is written, and the lever does not move, for so long."""
    requests, changes, until = world.reached(pump), world.changes(pump), world.now() + lasts
    await world.until(lambda: world.now() >= until, lasts + HOUR)
    assert world.reached(pump) == requests
    assert world.changes(pump) == changes


# --- the thermostat is adjusted by hand -----------------------------------------------------------------------------


async def test_a_setting_made_by_hand_becomes_the_baseline_stands_and_the_plan_comes_back_on_top_of_it(
    world: TestWorld,
) -> None:
    pump = world.pump(1)
    await world.plan(pump, Mode.MAX, each=12 * HOUR)
    await world.settles(pump, Mode.MAX)
    setup = (await world.profile(pump)).heating
    theirs = setup.baseline + 2
    assert setup.level_of(theirs) is None, "no setting of ours explains it"
    turned_at = await turn(world, pump, theirs)
    touched = await world.until(partial(has, world, pump, "touched"), 2 * HOUR)
    asked = world.reached(pump)
    await world.stands(pump, Authority.OUTSIDE, "touched")
    assert f"set to {theirs:g} by hand" in await world.details(pump)
    await world.until(partial(is_baseline, world, pump, theirs))  # stored just after the event
    ends_at = touched["at"] + TOUCH_HOLDS[0]
    while world.now() < ends_at - 5 * MINUTE:
        assert world.setting(pump) == theirs
        assert world.reached(pump) == asked
        await asyncio.sleep(0.5)
    await world.settles(pump, Mode.MAX, 2 * HOUR)
    on_top = world.reached(pump)[len(asked) :]
    assert [line["value"] for line in on_top] == [theirs + 3]
    assert moment(on_top[0]) >= ends_at > turned_at


async def is_baseline(world: TestWorld, pump: str, setting: float) -> bool:
    return (await world.profile(pump)).heating.baseline == setting


async def test_a_hand_at_the_unit_while_our_write_is_under_way_is_not_overruled(world: TestWorld) -> None:
    pump = world.pump(2)
    setup = (await world.profile(pump)).heating
    theirs = setup.baseline - 1
    assert setup.level_of(theirs) is None
    async with world.striking(silent_ignore=1.0):  # ours does not arrive, so that it stays under way for long
        await world.target(pump, Mode.MAX, by=Actor("support", "trying it out"), source=OverrideSource.SUPPORT)
        await world.until(lambda: world.reached(pump))
        await turn(world, pump, theirs)
    await world.until(partial(has, world, pump, "touched"), 2 * HOUR)
    assert len(world.reached(pump)) == 1
    await stays_as_it_is(world, pump, HOUR / 2)
    assert world.setting(pump) == theirs
    assert "applied" not in await world.kinds(pump)
    assert (await world.status(pump)).authority == Authority.OUTSIDE


async def test_somebody_who_insists_on_a_setting_that_could_be_ours_is_recognised_the_second_time(
    world: TestWorld,
) -> None:
    pump = world.pump(3)
    await world.plan(pump, Mode.MAX)
    await world.settles(pump, Mode.MAX)
    await world.looked_at(pump)
    ours = await world.setting_for(pump, Mode.MID)
    await turn(world, pump, ours)
    await world.until(partial(has, world, pump, "drifted"), 2 * HOUR)
    await world.settles(pump, Mode.MAX)
    await world.looked_at(pump)
    await turn(world, pump, ours)
    await world.until(partial(has, world, pump, "touched"), 2 * HOUR)
    await stays_as_it_is(world, pump, HOUR / 2)
    assert world.setting(pump) == ours
    assert (await world.profile(pump)).heating.baseline == ours
    assert [line["cause"] for line in world.changes(pump)] == ["write", "household", "write", "household"]


# --- vacation -------------------------------------------------------------------------------------------------------


async def test_a_vacation_sets_back_at_once_and_warms_the_home_before_the_return(world: TestWorld) -> None:
    pump = world.pump(6)
    emitter = (await world.profile(pump)).enrolment.emitter
    await world.plan(pump, Mode.MAX)
    await world.settles(pump, Mode.MAX)
    away_for = WARM_UP[emitter] + HOUR
    left_at = world.now()
    await world.target(pump, None, away_for, OverrideKind.VACATION, by=Actor("resident", "two days by the sea"))
    await world.settles(pump, Mode.MIN)
    await world.until(partial(world.is_in, pump, HotWaterMode.HOLD))
    assert (await world.status(pump)).authority == Authority.VACATION
    assert moment(world.changes(pump)[-1]) <= left_at + BUSY, "the plan's dwell holds no household up"
    await world.settles(pump, Mode.MID, 2 * HOUR)
    warmed_at = moment(world.written(pump)[-1])
    assert left_at + HOUR <= warmed_at <= left_at + HOUR + BUSY
    await world.settles(pump, HotWaterMode.NORMAL)
    assert "vacation of resident" in await world.details(pump)


async def test_a_home_on_vacation_is_not_set_back_in_a_cold_snap(world: TestWorld) -> None:
    pump = world.pump(9)
    await world.target(pump, None, 48 * HOUR, OverrideKind.VACATION)
    await world.settles(pump, Mode.MIN)
    await world.plan(pump, Mode.MIN, floor=Mode.LOW)
    await world.settles(pump, Mode.LOW)
    assert world.setting(pump) == (await world.profile(pump)).heating.baseline
    assert "cold snap" in await world.details(pump)


# --- emergency heat -------------------------------------------------------------------------------------------------


async def test_emergency_heat_comes_at_once_ahead_of_plan_and_dwell_and_of_everybody_in_the_queue(
    world: TestWorld,
) -> None:
    pump = world.pump(7)
    await world.plan(pump, Mode.MIN)
    await world.settles(pump, Mode.MIN)
    asked_at = world.now()
    answer = await world.target(pump, None, 6 * HOUR, OverrideKind.EMERGENCY, by=Actor("resident", "a child is ill"))
    assert answer.in_force
    assert answer.command_id is not None, "no dwell and no back-off holds it up"
    assert not answer.bounded_by
    await world.settles(pump, Mode.MAX)
    assert moment(world.written(pump)[-1]) - asked_at <= BUSY
    assert await priorities(world, pump) == {Mode.MIN: 3, Mode.MAX: URGENT.priority_key}
    assert "emergency of resident" in await world.details(pump)
    await world.plan(pump, Mode.MIN)
    await stays_as_it_is(world, pump, 30 * MINUTE)


async def priorities(world: TestWorld, pump: str) -> dict[str, int | None]:
    """The priority on the vendor's queue with which each mode was last asked for."""
    history = await world.handle(pump).fetch_history()
    found: dict[str, int | None] = {}
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            asked = event.activity_task_scheduled_event_attributes
            mode = event.user_metadata.summary.data.decode().strip('"').partition(" by ")[0]
            if mode in tuple(Mode):
                found[mode] = asked.priority.priority_key
    return found


# --- the household switches it off ----------------------------------------------------------------------------------


async def test_heating_that_was_switched_off_at_the_unit_is_restored_once_and_left_alone(world: TestWorld) -> None:
    pump = world.pump(10)
    await world.plan(pump, Mode.MAX, each=12 * HOUR)
    await world.settles(pump, Mode.MAX)
    await world.bring_about("condition", pump=pump, condition="off")
    await world.settles(pump, Mode.LOW)
    status = await world.status(pump)
    assert status.authority == Authority.OUTSIDE
    assert "switched off at the unit" in await world.details(pump)
    await world.plan(pump, Mode.MIN)
    await stays_as_it_is(world, pump, HOUR / 2)
    await world.bring_about("condition", pump=pump, condition="normal")
    await world.settles(pump, Mode.MIN)


async def test_a_unit_that_may_only_be_read_is_asked_once_by_each_and_not_stormed(world: TestWorld) -> None:
    pump = world.pump(5)
    await world.bring_about("condition", pump=pump, condition="remote-disabled")
    await world.plan(pump, Mode.MAX, each=12 * HOUR)
    await world.until(partial(has, world, pump, "rejected"), 2 * HOUR)
    await world.stands(pump, Authority.OUTSIDE, "read-only")
    await world.plan(pump, Mode.MIN)
    await stays_as_it_is(world, pump, HOUR / 2)
    refused = ("refused", "remote-disabled")
    assert [(line["cause"], line["detail"]) for line in world.written(pump)] == [refused]
    await world.target(pump, Mode.MAX)  # only a write can tell whether remote control is back: a person's tries
    await world.until(lambda: len(world.written(pump)) == 2)
    await world.stands(pump, Authority.OUTSIDE, "read-only")
    await stays_as_it_is(world, pump, HOUR)
    assert [(line["cause"], line["detail"]) for line in world.written(pump)] == [refused] * 2
    assert "remote control was switched off" in await world.details(pump)


# --- several people, several pumps ----------------------------------------------------------------------------------


async def test_of_two_people_with_different_targets_the_newest_is_followed_and_both_are_kept(world: TestWorld) -> None:
    pump = world.pump(11)
    cold, thrifty = Actor("resident upstairs", "cold feet"), Actor("resident downstairs", "it is too warm")
    await world.target(pump, Mode.MAX, by=cold)
    await world.settles(pump, Mode.MAX)
    newer = await world.target(pump, Mode.MIN, HOUR, by=thrifty)
    assert newer.in_force
    await world.settles(pump, Mode.MIN)
    support = await world.target(pump, Mode.LOW, source=OverrideSource.SUPPORT, by=Actor("support", "on the phone"))
    assert not support.in_force, "nobody on the phone outranks who lives there"
    page = await world.details(pump)
    for actor in (cold, thrifty):
        assert actor.who in page
        assert actor.why in page
    trail = [line for line in await world.access.ledger.reports.audit_trail("override") if line["subject"] == pump]
    assert [Actor(line["who"], line["why"]) for line in trail] == [cold, thrifty, Actor("support", "on the phone")]
    assert all(line["at"] for line in trail)
    await world.settles(pump, Mode.MAX, 4 * HOUR)  # the newer target is over, the older one still stands
    settings = [await world.setting_for(pump, mode) for mode in (Mode.MAX, Mode.MIN, Mode.MAX)]
    assert [line["value"] for line in world.changes(pump)] == settings


async def test_two_pumps_that_share_a_limit_of_their_home_never_run_raised_together(world: TestWorld) -> None:
    pumps = [world.pump(n) for n in SHARED_HOME]
    shares = [(await world.profile(pump)).enrolment.home for pump in pumps]
    assert all(share is not None and share.pumps == 2 for share in shares)
    for pump in pumps:
        await world.plan(pump, Mode.MAX)
        await world.target(pump, Mode.MAX, 4 * HOUR)
    await world.until(lambda: any(share is not None and share.has_turn(world.now()) for share in shares))
    has_turn = [share is not None and share.has_turn(world.now()) for share in shares]
    assert sorted(has_turn) == [False, True]
    raised, waiting = pumps[has_turn.index(True)], pumps[has_turn.index(False)]
    await world.settles(raised, Mode.MAX)
    await world.looked_at(waiting)
    assert world.reached(waiting) == []
    assert (await world.status(waiting)).authority == Authority.LIMITED
    assert "another pump of the home" in await world.details(waiting)


# --- leaving, and the comfort band ----------------------------------------------------------------------------------


async def test_whoever_opts_out_gets_back_everything_that_was_ever_set(world: TestWorld) -> None:
    pump = world.pump(15)
    profile = await world.profile(pump)
    assert profile.hot_water is not None
    await world.plan(pump, Mode.MAX, hot_water=HotWaterMode.BOOST)
    await world.settles(pump, Mode.MAX)
    await world.settles(pump, HotWaterMode.BOOST)
    await world.do(pump, SteeringConsent(opted_out=True), "resident", "no more of this")
    await world.settles(pump, Mode.LOW)
    await world.settles(pump, HotWaterMode.NORMAL)
    assert world.setting(pump) == profile.heating.baseline
    assert world.setting(pump, Circuit.HOT_WATER) == profile.hot_water.baseline
    await world.plan(pump, Mode.MIN, hot_water=HotWaterMode.HOLD)
    await stays_as_it_is(world, pump, HOUR / 2)
    assert (await world.status(pump)).authority == Authority.OPTED_OUT


async def test_a_higher_comfort_band_raises_the_floor_and_ends_a_set_back(world: TestWorld) -> None:
    pump = world.pump(16)
    assert (await world.profile(pump)).has_room_sensor
    await world.plan(pump, Mode.MIN)
    await world.settles(pump, Mode.MIN)
    await set_comfort(world.access, pump, band_of(23.5, 25.5), Actor("resident", "a baby is coming"))
    assert (await world.state(pump)).site.floor_c(world.now()) == 22.5
    await world.settles(pump, Mode.LOW, 2 * HOUR)
    status = await world.status(pump)
    assert (status.authority, status.alert) == (Authority.NEUTRAL, "cold")
    assert "below its floor" in await world.details(pump)
    assert world.setting(pump) == (await world.profile(pump)).heating.baseline


async def test_a_home_that_could_not_bear_a_stuck_set_back_is_set_back_only_while_it_is_empty(world: TestWorld) -> None:
    pump = world.pump(17)
    await set_comfort(world.access, pump, band_of(18.5, 22), Actor("resident", "we like it cool"))
    await world.plan(pump, Mode.MIN)
    await stays_as_it_is(world, pump, HOUR / 2)
    assert "not be safe to be stuck with" in await world.details(pump)
    await world.target(pump, Mode.MIN, 60 * HOUR, OverrideKind.VACATION)
    await world.settles(pump, Mode.MIN)
