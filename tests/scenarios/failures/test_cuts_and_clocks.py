"""Clocks that are off, a queue that is backed up and lines that are cut: the rest of the problem analysis' section 6.

All workers of the shared world reach Temporal and PostgreSQL over lines that a test can cut; every scenario has its own
pumps, so that any order will do.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from domain.modes import Circuit, Mode
from domain.steering.overrides import Override, OverrideSource
from domain.steering.pump_state import Observed, SeenLever
from tests.lines import Line, laid_to
from tests.scenarios.lives import lives, moment, never_two_at_once
from tests.world import TestWorld, a_world
from workflows.contracts import Hold, guard_workflow_id
from workflows.heat_pump import HeatPumpWorkflow
from workflows.oem_guard import OemGuard

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

SPEED = 240
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
CUT_S = 3.0
"""Twelve minutes of steered time, and longer than an attempt may last in a sped-up run."""


@dataclass
class Cuttable:
    """The shared world, and the lines of its workers."""

    world: TestWorld
    temporal: Line
    postgres: Line


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cuttable(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cuttable]:
    folder = tmp_path_factory.mktemp("world")
    async with AsyncExitStack() as lines, a_world(folder, pumps=9, speed=SPEED, workers=()) as world:
        given = world.stack.environment()
        server, database = urlsplit(f"//{given['TEMPORAL_ADDRESS']}"), urlsplit(given["DATABASE_URL"])
        assert server.hostname
        assert server.port
        assert database.hostname
        assert database.port
        temporal = await lines.enter_async_context(laid_to(server.hostname, server.port))
        postgres = await lines.enter_async_context(laid_to(database.hostname, database.port))
        address = database.netloc.replace(f"{database.hostname}:{database.port}", f"127.0.0.1:{postgres.port}")
        over_lines = {
            "TEMPORAL_ADDRESS": f"127.0.0.1:{temporal.port}",
            "DATABASE_URL": database._replace(netloc=address).geturl(),
        }
        world.extra = {**world.extra, **over_lines}
        await world.start_workers()
        await world.until(partial(is_guarded, world), HOUR)
        yield Cuttable(world, temporal, postgres)


async def is_guarded(world: TestWorld) -> bool:
    return await world.access.ledger.vendors.newest_breaker("nibe", world.now()) is not None


@pytest_asyncio.fixture(loop_scope="module")
async def world(cuttable: Cuttable) -> TestWorld:
    return cuttable.world


# --- clock skew -------------------------------------------------------------------------------------------------------


async def test_a_vendor_s_stamp_that_is_minutes_off_neither_hides_nor_makes_a_drift(world: TestWorld) -> None:
    pump = world.pump(1)
    await world.plan(pump, Mode.MAX)
    await world.settles(pump, Mode.MAX)
    setup = (await world.profile(pump)).heating
    was = SeenLever(circuit=Circuit.HEATING, setting=setup.baseline)
    stands = SeenLever(circuit=Circuit.HEATING, setting=setup.setting_for(Mode.MAX))
    for as_of, lever in ((world.now() - 20 * MINUTE, was), (world.now() + 10 * MINUTE, stands)):
        await world.handle(pump).signal(HeatPumpWorkflow.observed, Observed(as_of=as_of, levers=(lever,)))
    assert await world.is_in(pump, Mode.MAX), "a stamp from before the write says nothing of it"
    assert "drifted" not in await world.kinds(pump)
    await world.bring_about("drift", pump=pump, value=setup.baseline)
    await world.until(partial(has, world, pump, "drifted"), 2 * HOUR)
    await world.settles(pump, Mode.MAX)


async def has(world: TestWorld, pump: str, kind: str) -> bool:
    return kind in await world.kinds(pump)


AHEAD_S = 7 * 60
"""More than a day of steered time here: a worker that went by its own clock would be lost at once."""

AHEAD_OF_TIME = f"""
import datetime, runpy, time

true = datetime.datetime
ahead = datetime.timedelta(seconds={AHEAD_S})


class Meta(type(true)):
    def __instancecheck__(cls, one):
        return isinstance(one, true)


class Ahead(true, metaclass=Meta):
    @classmethod
    def now(cls, tz=None):
        return true.now(tz) + ahead

    @classmethod
    def utcnow(cls):
        return true.utcnow() + ahead


datetime.datetime = Ahead
wall, wall_ns = time.time, time.time_ns
time.time = lambda: wall() + {AHEAD_S}
time.time_ns = lambda: wall_ns() + {AHEAD_S} * 10**9
runpy.run_module("worker", run_name="__main__")
"""


async def test_a_worker_whose_clock_is_minutes_off_steers_as_any_other(world: TestWorld) -> None:
    pump = world.pump(2)
    for worker in world.workers:
        await worker.stop()
    argv = (sys.executable, "-c", AHEAD_OF_TIME)
    skewed = await world.stack.start_worker("pumps,oem:nibe", world.extra, argv=argv)
    try:
        asked_at = world.now()
        await world.target(pump, Mode.MAX)
        await world.settles(pump, Mode.MAX, 3 * HOUR)
        for line in await world.events(pump):
            assert asked_at - MINUTE <= line["at"] <= world.now() + MINUTE, f"{line['event']} stamped {line['at']}"
        (request,) = world.written(pump)
        assert moment(request) <= moment(world.changes(pump)[0])
        assert skewed.running
        stamps = re.findall(r'"timestamp": "([^"]+)"', skewed.launch.log.read_text())
        assert datetime.fromisoformat(stamps[0]) > datetime.now(UTC) + timedelta(minutes=5), "its clock was off"
        assert await world.kinds(pump) == ["planned", "sent", "accepted", "applied"]
    finally:
        await skewed.stop()
        await world.start_workers()


# --- task queue backed up ---------------------------------------------------------------------------------------------


async def test_a_queue_that_was_backed_up_for_an_hour_writes_the_newest_target_only_and_nothing_expired(
    world: TestWorld,
) -> None:
    changing, lost, late, tried = (world.pump(n) for n in (3, 4, 5, 9))
    guard = world.access.client.get_workflow_handle(guard_workflow_id("nibe"))
    async with world.striking(rate_limit=1.0):
        await world.target(tried, Mode.MAX, 20 * MINUTE)
        await world.target(tried, Mode.MAX)
        await world.until(partial(has, world, tried, "write_refused"))
        await guard.execute_update(OemGuard.hold, Hold(who="operator", why="the vendor asked for it"))
    held_at = world.now()
    for mode in (Mode.MAX, Mode.MIN, Mode.MID):
        await world.target(changing, mode)
    await world.target(lost, Mode.MAX, 20 * MINUTE)  # its command's time is over long before the queue lets it go,
    await world.target(lost, Mode.MAX)  # though somebody else asks for the same for longer
    await world.target(late, Mode.MAX, 50 * MINUTE)  # and this one's while a worker could still take it up
    await world.target(late, Mode.MAX)
    for pump in (lost, tried):
        await world.until(partial(has, world, pump, "dead_lettered"), 2 * HOUR)
    await world.until(lambda: world.now() > held_at + HOUR, 2 * HOUR)
    assert [world.requests(pump) for pump in (changing, lost, late)] == [[], [], []]
    await guard.execute_update(OemGuard.release, Hold(who="operator", why="they are ready"))
    for pump, mode in ((changing, Mode.MID), (lost, Mode.MAX), (late, Mode.MAX)):
        await world.settles(pump, mode, 2 * HOUR)
        wished = await world.setting_for(pump, mode)
        assert [line["value"] for line in world.written(pump)] == [wished], "one write, of what the target is now"
        for lines in (await lives(world, pump)).values():
            sent = [line["at"] for line in lines if line["event"] == "sent"]
            assert all(at < lines[0]["expires_at"] for at in sent), "nothing is written after its time"
    ends = [[line["event"] for line in lines][-1] for lines in (await lives(world, changing)).values()]
    assert ends == ["superseded", "superseded", "applied"]
    refused = [line["event"] for line in next(iter((await lives(world, tried)).values()))]
    assert {"write_refused", "expired", "dead_lettered"} <= set(refused), (
        "tried once, never taken, and owed to somebody"
    )
    await world.settles(tried, Mode.MAX, 2 * HOUR)
    for pump in (lost, late):
        first = [line["event"] for line in next(iter((await lives(world, pump)).values()))]
        assert "sent" not in first
        assert {"expired", "dead_lettered"} <= set(first)


# --- cuts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["temporal", "postgres"])
async def test_a_cut_between_worker_and_server_loses_nothing_and_repeats_nothing(cuttable: Cuttable, cut: str) -> None:
    world = cuttable.world
    line = cuttable.temporal if cut == "temporal" else cuttable.postgres
    pumps = [world.pump(n) for n in (6, 7, 8)]
    mode = Mode.MAX if cut == "temporal" else Mode.MIN
    before = {pump: (len(world.written(pump)), len(world.changes(pump))) for pump in pumps}
    for pump in pumps[:2]:
        await world.target(pump, mode)
    await world.until(lambda: any(len(world.written(pump)) > before[pump][0] for pump in pumps))
    line.cut()
    if cut == "postgres":
        await world.handle(pumps[2]).execute_update(HeatPumpWorkflow.request_override, a_request(world, mode))
    await asyncio.sleep(CUT_S)
    line.mend()
    if cut == "temporal":
        await world.target(pumps[2], mode)
    for pump in pumps:
        await world.settles(pump, mode, 3 * HOUR)
        setting = await world.setting_for(pump, mode)
        written, changed = before[pump]
        assert [r["value"] for r in world.written(pump)[written:]] == [setting], "written once"
        assert [c["value"] for c in world.changes(pump)[changed:]] == [setting]
        newest = list((await lives(world, pump)).values())[-1]
        assert [one["event"] for one in newest][-1] == "applied"
        await never_two_at_once(world, pump)
    assert world.workers[-1].running, "a worker outlives a cut"


def a_request(world: TestWorld, mode: Mode) -> Override:
    now = world.now()
    return Override(
        override_id=f"cut-{mode.value}",
        source=OverrideSource.HOUSEHOLD,
        mode=mode,
        requested_at=now,
        until=now + 12 * HOUR,
        who="resident",
        why="as the test says",
    )
