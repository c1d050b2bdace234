"""The problem analysis' "Device-Specific Constraints", row by row: nothing is forced on a unit.

One world for all but the call budget's reserve: every scenario has its own pumps, so that any order will do. What was
written is read from the simulator's truth log, what steering knows from the pump's state and an operator's page.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from domain.commands.command import Authority
from domain.commands.verification import MAX_WRITES
from domain.modes import HotWaterMode, Mode
from domain.steering.orders import Order, OrderKind, stagger
from domain.steering.pump_state import OrderGiven, OrderLifted
from tests.builders import COMFORT, OFFSET, SETPOINT
from tests.world import TestWorld, a_world

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

SPEED = 480
BUSY = timedelta(minutes=16)
"""Two seconds of the wall at this speed: what a busy machine may be late by."""
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SHORTEST_RESET = timedelta(seconds=10)
"""Of the vendor's answers to too many calls."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestWorld]:
    async with a_world(tmp_path_factory.mktemp("world"), pumps=16, speed=SPEED) as running:
        await running.warm()
        yield running


def moment(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])


async def is_silent(world: TestWorld, pump: str) -> bool:
    return (await world.state(pump)).watch.silent_since is not None


async def is_under(world: TestWorld, pump: str, condition: str) -> bool:
    return (await world.state(pump)).watch.condition == condition


async def is_held(world: TestWorld, pump: str) -> bool:
    return (await world.status(pump)).alert == "held"


async def passes(world: TestWorld, length: timedelta) -> None:
    until = world.now() + length
    await world.until(lambda: world.now() >= until, length + HOUR)


# --- offline or unreachable -----------------------------------------------------------------------------------------


async def test_what_an_offline_pump_missed_is_not_queued_up_and_only_the_newest_target_is_written(
    world: TestWorld,
) -> None:
    pump = world.pump(1)
    await world.target(pump, Mode.MAX)
    await world.settles(pump, Mode.MAX)
    asked = len(world.reached(pump))
    async with world.striking(offline=1.0):
        await world.until(partial(is_silent, world, pump), 2 * HOUR)
        for missed in (Mode.MIN, Mode.LOW, Mode.MIN, Mode.MID):
            await world.target(pump, missed)
            await passes(world, 4 * MINUTE)
        dropped = world.reached(pump)[asked:]
        assert len(dropped) <= 1, "one try, then it is left alone"
        assert {line["detail"] for line in dropped} <= {"offline"}
        back_at = world.now()
    await world.settles(pump, Mode.MID, 2 * HOUR)
    wished = await world.setting_for(pump, Mode.MID)
    written = [line for line in world.reached(pump)[asked:] if moment(line) > back_at]
    assert {line["value"] for line in written} == {wished}
    assert [line["value"] for line in world.changes(pump)] == [await world.setting_for(pump, Mode.MAX), wished]


# --- the vendor's call budget ---------------------------------------------------------------------------------------


async def test_a_write_refused_for_the_call_budget_waits_for_its_reset_and_is_not_lost(world: TestWorld) -> None:
    pump = world.pump(2)
    await world.target(pump, Mode.MIN)
    await world.settles(pump, Mode.MIN)
    asked = len(world.reached(pump))
    async with world.striking(rate_limit=1.0):
        await world.target(pump, Mode.MAX)
        await world.until(partial(was_refused, world, pump))
        await passes(world, 10 * MINUTE)
    await world.settles(pump, Mode.MAX)
    *refused, taken = world.reached(pump)[asked:]
    assert {line["cause"] for line in refused} <= {"rate-limit"}
    assert taken["cause"] == "accepted"
    for earlier, later in pairwise([*refused, taken]):
        assert moment(later) - moment(earlier) >= SHORTEST_RESET
    assert not {"rejected", "expired", "dead_lettered"} & set(await world.kinds(pump))


async def was_refused(world: TestWorld, pump: str) -> bool:
    """Whether a write was sent, or kept back, and the cloud or our own books said that nothing is left."""
    return "write_refused" in await world.kinds(pump)


async def test_an_urgent_target_passes_by_the_reserve_that_routine_calls_leave_of_the_budget(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=12, speed=6) as world:  # a window lasts ten seconds
        routine, urgent = [world.pump(n) for n in range(1, 12)], world.pump(12)
        await world.warm()
        await world.until(lambda: 1 <= world.now().second <= 10)
        for pump in routine:
            await world.plan(pump, Mode.MAX, hot_water=HotWaterMode.BOOST)
        waiting = await world.until(partial(wait_for_the_budget, world, routine), 3 * MINUTE)
        asked = {pump: len(world.reached(pump)) for pump in waiting}
        wished_at = world.now()
        await world.target(urgent, Mode.MAX)
        await world.until(lambda: world.reached(urgent))
        await world.until(lambda: all(len(world.reached(pump)) > asked[pump] for pump in waiting))
        passed_at = moment(world.reached(urgent)[0])
        assert passed_at - wished_at < MINUTE / 2, "it did not wait for the next window"
        for pump in waiting:
            assert moment(world.reached(pump)[asked[pump]]) > passed_at, "who waits for the next window comes later"
        causes = {line["cause"] for line in world.truth() if line["kind"] == "request"}
        assert "rate-limit" not in causes, "the budget was never overdrawn"


async def wait_for_the_budget(world: TestWorld, pumps: list[str]) -> list[str]:
    """The pumps whose routine command was refused for the budget, and tries again in a quarter of a minute or later.

    A refusal outlives its window in an activity's last failure; what tries again at once does not wait.
    """
    waiting = []
    for pump in pumps:
        described = (await world.handle(pump).describe()).raw_description
        for pending in described.pending_activities:
            again_at = pending.next_attempt_schedule_time.ToDatetime(tzinfo=UTC)
            refused = "is for urgent calls" in pending.last_failure.message
            if refused and again_at >= world.access.clock.wall(world.now() + MINUTE / 4):
                waiting.append(pump)
                break
    return waiting


# --- firmware update ------------------------------------------------------------------------------------------------


async def test_a_unit_whose_firmware_changes_is_left_alone_and_gets_the_newest_target_afterwards(
    world: TestWorld,
) -> None:
    pump = world.pump(3)
    await world.target(pump, Mode.MAX)
    await world.settles(pump, Mode.MAX)
    asked = len(world.reached(pump))
    await world.bring_about("condition", pump=pump, condition="updating")
    await world.until(partial(is_known_to_update, world, pump), 3 * HOUR)
    for missed in (Mode.MIN, Mode.LOW, Mode.MID):
        await world.target(pump, missed)
        await passes(world, 5 * MINUTE)
    dropped = world.reached(pump)[asked:]
    assert len(dropped) <= 1, "a unit that is only known to be silent gets one try, and no more"
    assert {line["detail"] for line in dropped} <= {"updating"}
    await world.bring_about("condition", pump=pump, condition="normal")
    done_at = world.now()
    await world.settles(pump, Mode.MID, 2 * HOUR)
    afterwards = [line for line in world.reached(pump)[asked:] if moment(line) > done_at]
    assert {line["value"] for line in afterwards} == {await world.setting_for(pump, Mode.MID)}


async def is_known_to_update(world: TestWorld, pump: str) -> bool:
    return await is_under(world, pump, "updating") or await is_silent(world, pump)


# --- manual override at the unit ------------------------------------------------------------------------------------


async def test_a_unit_that_somebody_works_on_is_not_fought_over_and_steering_comes_back_by_itself(
    world: TestWorld,
) -> None:
    pump = world.pump(5)
    await world.bring_about("condition", pump=pump, condition="installer")
    await world.until(partial(is_under, world, pump, "installer"), 2 * HOUR)
    for mode in (Mode.MAX, Mode.MIN, Mode.MID):
        await world.plan(pump, mode)
        await passes(world, 10 * MINUTE)
    await world.target(pump, Mode.MAX)
    await passes(world, 10 * MINUTE)
    assert world.reached(pump) == []
    assert (await world.status(pump)).authority == Authority.SERVICE
    assert "somebody works on the unit" in await world.details(pump)
    await world.bring_about("condition", pump=pump, condition="normal")
    await world.settles(pump, Mode.MAX)


async def test_a_raised_unit_that_somebody_begins_to_work_on_is_only_ever_asked_to_go_back(world: TestWorld) -> None:
    pump = world.pump(6)
    await world.plan(pump, Mode.MAX)
    await world.settles(pump, Mode.MAX)
    asked = len(world.reached(pump))
    await world.bring_about("condition", pump=pump, condition="installer")
    await world.until(partial(is_under, world, pump, "installer"), 2 * HOUR)
    await world.target(pump, Mode.MIN)
    await passes(world, HOUR)
    restores = world.reached(pump)[asked:]
    assert {line["value"] for line in restores} == {(await world.profile(pump)).heating.baseline}
    assert 1 <= len(restores) <= 2 * MAX_WRITES, "asked, and not hammered"
    await world.bring_about("condition", pump=pump, condition="normal")
    await world.settles(pump, Mode.MIN, 3 * HOUR)


# --- different models -----------------------------------------------------------------------------------------------


async def test_every_model_gets_settings_of_its_own_lever_and_none_that_it_has_not(world: TestWorld) -> None:
    offset, setpoint = world.pump(7), world.pump(8)
    assert offset in await world.family("f730")
    assert setpoint in await world.family("s735")
    for pump in (offset, setpoint):
        await world.plan(pump, Mode.MAX, hot_water=HotWaterMode.BOOST)
    await world.settles(offset, Mode.MAX)
    await world.settles(offset, HotWaterMode.BOOST)
    await world.settles(setpoint, Mode.MAX)
    await world.looked_at(setpoint)
    by_lever = {pump: {line["lever"]: line["value"] for line in world.reached(pump)} for pump in (offset, setpoint)}
    degrees = (await world.profile(setpoint)).heating.baseline
    steps = (await world.profile(offset)).heating.baseline
    assert by_lever == {
        offset: {OFFSET: steps + 3, COMFORT: 2.0},
        setpoint: {SETPOINT: degrees + 1.5},
    }
    assert (await world.profile(setpoint)).hot_water is None
    assert "hot water" not in (await world.details(setpoint)).partition("Plan revision")[0]
    assert {line["cause"] for pump in by_lever for line in world.reached(pump)} == {"accepted"}


# --- battery or generator, and no power at all ----------------------------------------------------------------------


def an_order(world: TestWorld, kind: OrderKind, *pumps: str) -> Order:
    return Order(
        order_id=f"{kind.value}-{pumps[0]}",
        kind=kind,
        scope=f"pump:{pumps[0]}",
        since=world.now(),
        who="operator",
        why="the feeder is down",
    )


async def test_a_site_on_backup_power_takes_as_little_as_its_floor_allows(world: TestWorld) -> None:
    pump = world.pump(9)
    await world.plan(pump, Mode.MAX, hot_water=HotWaterMode.BOOST)
    await world.settles(pump, Mode.MAX)
    order = an_order(world, OrderKind.BACKUP, pump)
    await world.do(pump, OrderGiven(order=order))
    await world.settles(pump, Mode.MIN)
    await world.settles(pump, HotWaterMode.HOLD)
    await world.target(pump, Mode.MAX)
    await passes(world, 15 * MINUTE)
    assert await world.is_in(pump, Mode.MIN), "nobody's target draws more than a battery holds"
    assert (await world.status(pump)).authority == Authority.LIMITED
    assert "backup" in await world.details(pump)
    await world.do(pump, OrderLifted(order_id=order.order_id))
    await world.settles(pump, Mode.MAX)


async def test_in_a_blackout_nothing_is_written_and_afterwards_pumps_come_back_one_after_the_other(
    world: TestWorld,
) -> None:
    pumps = [world.pump(n) for n in (10, 11, 13, 14)]
    for pump in pumps:
        await world.plan(pump, Mode.MAX)
    for pump in pumps:
        await world.settles(pump, Mode.MAX)
    asked = {pump: len(world.reached(pump)) for pump in pumps}
    heated = {pump: len(world.written(pump)) for pump in pumps}
    orders = {pump: an_order(world, OrderKind.BLACKOUT, pump) for pump in pumps}
    for pump, order in orders.items():
        await world.do(pump, OrderGiven(order=order))
        await world.target(pump, Mode.MIN)
    await passes(world, HOUR / 2)
    for pump in pumps:
        assert len(world.reached(pump)) == asked[pump]
        await world.until(partial(is_held, world, pump))  # whatever another test of this world left it silent for
        assert "no power" in await world.details(pump)
    lifted_at = world.now()
    for pump, order in orders.items():
        await world.do(pump, OrderLifted(order_id=order.order_id))
    for pump in pumps:
        await world.settles(pump, Mode.MIN)
        returned, *repeated = world.written(pump)[heated[pump] :]
        assert lifted_at + stagger(pump) <= moment(returned) <= lifted_at + stagger(pump) + BUSY
        # A busy machine's write may be sent again: never earlier, and never anything else.
        assert {line["value"] for line in repeated} <= {returned["value"]}
    assert len({stagger(pump) for pump in pumps}) == len(pumps)
