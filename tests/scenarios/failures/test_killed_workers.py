"""SIGKILL of a worker around a write: one change of state, and no write after the command's time."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from domain.modes import Mode
from tests.builders import MIDNIGHT, an_override
from tests.world import TestWorld, a_world
from workflows.heat_pump import HeatPumpWorkflow

pytestmark = pytest.mark.servers


async def test_a_worker_killed_after_the_cloud_took_the_write_and_before_its_answer(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=6) as world:
        pumps = [world.pump(n) for n in range(1, 7)]
        await _target(world, pumps, Mode.MIN)
        await _everybody_ends_applied(world, pumps)
        await world.faults(timeout=1.0)
        await _target(world, pumps, Mode.MAX)
        await world.until(lambda: all(len(world.requests(pump)) == 2 for pump in pumps))
        taken = {p for p in pumps if world.requests(p)[1]["cause"] == "timeout-late"}
        assert taken, "the seed must let some of the lost answers be taken"
        world.workers[0].kill()
        await world.faults(timeout=0.0)
        await world.start_workers()
        await _everybody_ends_applied(world, pumps)
        for pump in pumps:
            await _changed_once_to_each_and_never_late(world, pump, Mode.MIN, Mode.MAX)
        assert all(len(world.requests(pump)) == 2 for pump in taken), "what was taken is seen, not written again"


async def test_a_worker_killed_before_the_write(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1) as world:
        pump = world.pump(1)
        lever = (await world.access.ledger.pumps.profile(pump)).heating.name
        key = func.hashtextextended(f"{pump}/{lever}", 0)
        async with world.access.ledger.locks.connect() as holding:
            await holding.execute(select(func.pg_advisory_lock(key)))
            await _target(world, [pump], Mode.MAX)
            await world.until(lambda: _is_planned(world, pump))
            await asyncio.sleep(0.3)
            world.workers[0].kill()
            await asyncio.sleep(0.2)
            assert world.requests(pump) == []
            await holding.execute(select(func.pg_advisory_unlock(key)))
        await world.start_workers()
        await _everybody_ends_applied(world, [pump])
        await _changed_once_to_each_and_never_late(world, pump, Mode.MAX)
        assert len(world.requests(pump)) == 1


async def _is_planned(world: TestWorld, pump: str) -> bool:
    return "planned" in await world.kinds(pump)


async def _everybody_ends_applied(world: TestWorld, pumps: list[str]) -> None:
    async def done() -> bool:
        return all([(await world.kinds(pump))[-1:] == ["applied"] for pump in pumps])

    await world.until(done, within=timedelta(hours=1, minutes=30))


async def _target(world: TestWorld, pumps: list[str], mode: Mode) -> None:
    """A household's override: no dwell, no jitter."""
    hours = (world.now() - MIDNIGHT) / timedelta(hours=1)
    for pump in pumps:
        target = an_override(mode, hours, hours + 5)
        await world.handle(pump).execute_update(HeatPumpWorkflow.request_override, target)


async def _changed_once_to_each_and_never_late(world: TestWorld, pump: str, *modes: Mode) -> None:
    profile = await world.access.ledger.pumps.profile(pump)
    assert [c["value"] for c in world.changes(pump)] == [profile.heating.setting_for(mode) for mode in modes]
    expiry = [e["expires_at"] for e in await world.events(pump) if e["event"] == "planned"]
    assert all(datetime.fromisoformat(r["at"]) < expiry[-1] for r in world.requests(pump))
