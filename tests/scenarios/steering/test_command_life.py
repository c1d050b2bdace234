"""Sections 1 and 2 of the problem analysis, "no feedback loop" and "fire and forget", each of their failures by name.

One world for all: every scenario has its own pumps, so that any order will do. What is claimed is held against what
the simulator's truth log says of requests and levers, never against our own state alone.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from domain.commands.command import Authority
from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.timing import VendorTiming
from domain.steering.pump_state import OverrideEnded
from domain.steering.sweep_policy import PASS
from oem_adapters.nibe.manifest import TIMING
from tests.builders import MIDNIGHT
from tests.world import TestWorld, a_world
from workflows.contracts import Hold, guard_workflow_id
from workflows.oem_guard import OemGuard

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

SPEED = 360
BUSY = timedelta(minutes=12)
"""Two seconds of the wall at this speed: what a busy machine may be late by."""
HOUR = timedelta(hours=1)
CLOCKS = timedelta(minutes=2)
"""A third of a second of the wall: what the clocks of two processes on one machine may read apart."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestWorld]:
    async with a_world(tmp_path_factory.mktemp("world"), pumps=18, speed=SPEED) as running:
        await running.warm()
        yield running


def moment(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])


async def event(world: TestWorld, pump: str, kind: str) -> Any:
    """The first line of a kind in a pump's book, or None."""
    return next((line for line in await world.events(pump) if line["event"] == kind), None)


async def lives(world: TestWorld, pump: str) -> dict[str, list[str]]:
    """Each command of the heating and what became of it, in order, but for its effect, which may come at any time."""
    found: dict[str, list[str]] = {}
    for line in await world.events(pump):
        if line["mode"] in tuple(Mode) and line["event"] != "effective":
            found.setdefault(line["command"], []).append(line["event"])
    return found


async def test_a_boost_that_the_cloud_accepted_for_an_offline_pump_is_never_believed_and_heats_once_it_is_back(
    world: TestWorld,
) -> None:
    pump = world.pump(1)
    baseline = world.setting(pump)
    async with world.striking(offline=1.0):
        await world.plan(pump, Mode.MAX)
        await world.until(partial(event, world, pump, "accepted"))  # 1. the cloud says OK
        await world.until(partial(is_silent, world, pump), 2 * HOUR)
        # 2. and 3. nothing happened, nobody claims it did, and an operator can read why
        assert {(line["cause"], line["detail"]) for line in world.reached(pump)} == {("ignored", "offline")}
        assert world.setting(pump) == baseline
        assert "applied" not in await world.kinds(pump)
        assert (await world.state(pump)).heating.settled is Mode.LOW
        assert "silent since" in await world.details(pump)
        assert len(world.reached(pump)) <= 2, "an offline pump is not hammered"
        back = world.now()
    await world.settles(pump, Mode.MAX, 2 * HOUR)
    applied = await event(world, pump, "applied")
    assert back <= moment(world.changes(pump)[-1]) <= applied["at"]


async def is_silent(world: TestWorld, pump: str) -> bool:
    return (await world.state(pump)).watch.silent_since is not None


async def test_a_write_that_was_answered_ok_and_dropped_is_found_and_written_again(world: TestWorld) -> None:
    pump = world.pump(2)
    async with world.striking(silent_ignore=1.0):
        await world.plan(pump, Mode.MAX)
        await world.until(lambda: world.reached(pump))
    await world.settles(pump, Mode.MAX)
    assert [line["cause"] for line in world.reached(pump)] == ["ignored", "accepted"]
    first, second = map(moment, world.reached(pump))
    assert second - first >= TIMING.longest_in_flight, "not before the first could land no more"
    (life,) = (await lives(world, pump)).values()
    again = ["sent", "accepted"]
    assert life == ["planned", *again, "write_ignored", *again, "applied"]
    assert (await event(world, pump, "applied"))["at"] >= moment(world.changes(pump)[-1])


async def test_a_pump_that_never_obeys_ends_as_ignored_and_is_never_taken_for_heated(world: TestWorld) -> None:
    pump = world.pump(3)
    baseline = world.setting(pump)
    async with world.striking(silent_ignore=1.0):
        await world.plan(pump, Mode.MAX)
        await world.until(partial(event, world, pump, "ignored"), 3 * HOUR)
        await world.until(partial(has_failed, world, pump))
        assert (await world.state(pump)).heating.settled is not Mode.MAX
        assert world.setting(pump) == baseline
        assert {line["cause"] for line in world.reached(pump)} == {"ignored"}
        assert "failed 1x" in await world.details(pump)
        first = next(iter((await lives(world, pump)).values()))
        assert "applied" not in first
        assert first.count("write_ignored") == first.count("sent") >= 3
    await world.settles(pump, Mode.MAX, 3 * HOUR)
    assert len(await lives(world, pump)) >= 2, "tried again with a command of its own"


async def has_failed(world: TestWorld, pump: str) -> bool:
    return (await world.state(pump)).heating.failed is not None


async def test_a_command_that_is_applied_late_is_waited_for_and_written_once(world: TestWorld) -> None:
    pump = world.pump(4)
    async with world.striking(slow_apply=1.0):
        await world.plan(pump, Mode.MAX)
        await world.settles(pump, Mode.MAX)
    (request,) = world.reached(pump)
    (change,) = world.changes(pump)
    assert request["detail"] == "slow"
    assert moment(change) - moment(request) >= timedelta(seconds=120)
    (life,) = (await lives(world, pump)).values()
    assert life == ["planned", "sent", "accepted", "applied"]
    assert (await event(world, pump, "applied"))["at"] >= moment(change)


async def test_what_drifts_between_commands_is_found_within_a_pass_written_down_and_put_right(world: TestWorld) -> None:
    pump = world.pump(5)
    await world.plan(pump, Mode.MAX)
    await world.settles(pump, Mode.MAX)
    await world.looked_at(pump)
    fell_at, raised = world.now(), world.setting(pump)
    heard = await world.heard(pump)
    await world.bring_about("drift", pump=pump, value=(await world.profile(pump)).heating.baseline)
    assert world.setting(pump) != raised
    drifted = await world.until(partial(event, world, pump, "drifted"), 2 * HOUR)
    assert fell_at < drifted["at"] <= fell_at + PASS + BUSY
    await world.settles(pump, Mode.MAX)
    assert world.setting(pump) == raised
    assert [line["cause"] for line in world.changes(pump)] == ["write", "drift", "write"]
    assert moment(world.changes(pump)[-1]) - drifted["at"] <= BUSY
    assert (await world.status(pump)).alert == "none", "once is no pattern"
    await world.looked_at(pump)
    assert await world.heard(pump) == heard + 1, "what is as commanded is no news"


async def test_a_pump_that_keeps_drifting_is_steered_back_a_few_times_and_then_handed_to_a_person(
    world: TestWorld,
) -> None:
    pump = world.pump(18)
    setup = (await world.profile(pump)).heating
    await world.plan(pump, Mode.MAX)
    await world.settles(pump, Mode.MAX)
    await world.looked_at(pump)
    for mode in (Mode.LOW, Mode.MIN, Mode.MID):
        await world.bring_about("drift", pump=pump, value=setup.setting_for(mode))
        await world.until(partial(fell_to, world, pump, mode), 2 * HOUR)
        await world.settles(pump, Mode.MAX, 2 * HOUR)
        await world.looked_at(pump)
    wrote = len(world.written(pump))
    await world.bring_about("drift", pump=pump, value=setup.setting_for(Mode.MIN))
    await world.stands(pump, Authority.PLAN, "drifting")
    assert "handed to a person" in await world.details(pump)
    await world.looked_at(pump, 3)
    assert len(world.written(pump)) == wrote, "nobody writes on what was handed over"
    assert world.setting(pump) == setup.setting_for(Mode.MIN)
    causes = [line["cause"] for line in world.changes(pump)]
    assert causes == ["write", *("drift", "write") * 3, "drift"]


async def fell_to(world: TestWorld, pump: str, mode: Mode) -> bool:
    drift = (await world.state(pump)).heating.drift
    return drift is not None and drift.level is mode


async def test_the_same_target_told_again_and_again_is_one_command_and_one_request(world: TestWorld) -> None:
    pump = world.pump(6)
    plan = await world.plan(pump, Mode.MAX)
    for _ in range(4):
        await world.send(pump, plan)
    await world.settles(pump, Mode.MAX)
    for _ in range(2):
        await world.send(pump, plan)
        await world.target(pump, Mode.MAX)  # another author, the same absolute state
    await world.looked_at(pump)
    assert [line["cause"] for line in world.reached(pump)] == ["accepted"]
    assert len(world.changes(pump)) == 1
    assert list((await lives(world, pump)).values()) == [["planned", "sent", "accepted", "applied"]]


async def test_after_a_lost_answer_the_pump_is_read_before_it_is_written_again(world: TestWorld) -> None:
    pumps = [world.pump(n) for n in (7, 8, 9, 10)]
    for pump in pumps:
        await world.target(pump, Mode.MIN)
    for pump in pumps:
        await world.settles(pump, Mode.MIN)
    asked = {pump: len(world.reached(pump)) for pump in pumps}
    async with world.striking(timeout=1.0):
        for pump in pumps:
            await world.target(pump, Mode.MAX)
        await world.until(lambda: all(len(world.reached(p)) > asked[p] for p in pumps), 3 * HOUR)
    for pump in pumps:
        await world.settles(pump, Mode.MAX, 3 * HOUR)
        lost, *later = world.reached(pump)[asked[pump] :]
        setting = await world.setting_for(pump, Mode.MAX)
        assert {line["value"] for line in (lost, *later)} == {setting}
        assert [line["value"] for line in world.changes(pump)][-1:] == [setting]
        assert sum(line["value"] == setting for line in world.changes(pump)) == 1
        assert "write_lost" in await world.kinds(pump)
        if lost["cause"] == "timeout-late":
            assert {line["cause"] for line in later} <= {"no-change"}
        for line in later:
            assert moment(line) - moment(lost) >= TIMING.longest_in_flight
            assert await was_read(world, pump, moment(lost), moment(line), TIMING)


async def was_read(world: TestWorld, pump: str, lost: datetime, again: datetime, timing: VendorTiming) -> bool:
    """Whether the ledger holds a reading from when the lost write could land no more, before it was written again."""
    readings = (await world.access.ledger.sweep_records.readings([pump], lost)).get(pump, [])
    return any(lost + timing.longest_in_flight <= reading.as_of <= again for reading in readings)


async def test_a_queue_that_was_held_for_an_hour_lets_go_of_nothing_stale(world: TestWorld) -> None:
    changing, expiring = world.pump(11), world.pump(12)
    guard = world.access.client.get_workflow_handle(guard_workflow_id("nibe"))
    await guard.execute_update(OemGuard.hold, Hold(who="operator", why="the vendor asked for it"))
    try:
        held_at = world.now()
        await world.plan(expiring, Mode.MAX, Mode.MIN, each=timedelta(minutes=40))
        await world.plan(changing, Mode.MAX)
        for mode in (Mode.MIN, Mode.MAX, Mode.MIN):
            await world.target(changing, mode)
        await world.do(changing, OverrideEnded())
        await world.target(changing, Mode.MID)
        await world.until(lambda: world.now() >= held_at + HOUR, 3 * HOUR)
        assert world.reached(changing) == world.reached(expiring) == []
        assert (await world.state(changing)).heating.settled in (Mode.LOW, None), "nothing is claimed"
    finally:
        await guard.execute_update(OemGuard.release, Hold(who="operator", why="they are ready"))
    await world.settles(changing, Mode.MID)
    await world.looked_at(changing)
    await world.looked_at(expiring)
    assert [line["value"] for line in world.reached(changing)] == [await world.setting_for(changing, Mode.MID)]
    missed = await world.setting_for(expiring, Mode.MAX)
    assert missed not in {line["value"] for line in world.reached(expiring)}
    ends = [life[-1] for life in (await lives(world, changing)).values()]
    assert ends[-1] == "applied"
    assert set(ends[:-1]) == {"superseded"}
    first = next(iter((await lives(world, expiring)).values()))
    assert "sent" not in first
    assert set(first) & {"expired", "superseded"}


async def test_an_effect_is_written_down_where_physics_shows_it_and_nowhere_else(world: TestWorld) -> None:
    pumps = [world.pump(n) for n in (13, 14, 15, 16)]
    await world.until(lambda: world.now() > MIDNIGHT + timedelta(minutes=65), 2 * HOUR)
    for pump in pumps:
        await world.plan(pump, Mode.MAX, hot_water=HotWaterMode.HOLD)

    async def first_effect() -> Any:
        found = [line for pump in pumps if (line := await event(world, pump, "effective"))]
        return found[0] if found else None

    line = await world.until(first_effect, 4 * HOUR)
    assert line["mode"] == Mode.MAX
    assert "supply" in line["reason"]
    assert " -> " in line["reason"]
    assert line["at"] > moment(world.changes(line["pump"])[0])
    held = [one for pump in pumps for one in await world.events(pump) if one["mode"] == HotWaterMode.HOLD]
    assert "applied" in {one["event"] for one in held}, "the lever moved"
    assert "effective" not in {one["event"] for one in held}, "and nothing that could be seen happened yet"


async def test_how_long_each_step_took_is_known_and_agrees_with_the_truth(world: TestWorld) -> None:
    pump = world.pump(17)
    since = world.now()
    await world.target(pump, Mode.MIN)
    await world.settles(pump, Mode.MIN)
    line = {one["event"]: one["at"] for one in await world.events(pump) if one["mode"] == Mode.MIN}
    request, change = world.written(pump)[-1], world.changes(pump)[-1]
    assert line["planned"] <= line["sent"] <= line["accepted"] <= line["applied"]
    assert line["sent"] - CLOCKS <= moment(request) <= line["accepted"] + CLOCKS
    assert moment(change) <= line["applied"] + CLOCKS
    assert world.setting(pump, Circuit.HEATING) == change["value"]
    latencies = await world.access.ledger.sweep_records.latencies(since)
    for step in ("decided-accepted", "accepted-applied", "decided-applied"):
        assert latencies[step].commands >= 1
        assert latencies[step].p50_s > 0
    assert latencies["accepted-applied"].p50_s >= TIMING.usual_delay.total_seconds()
