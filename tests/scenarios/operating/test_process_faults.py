"""Switches for our own processes, set where the world's faults are set: each breaks what it says and is taken back."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from demo.kills import role_of, single_roles
from demo.process_faults import ProcessFaults
from tests.patience import Patience
from tests.world import a_world

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


async def test_processes_are_broken_as_the_switches_say_and_mended_once_they_are_taken_back(tmp_path: Path) -> None:
    async with a_world(tmp_path / "stack", pumps=1, workers=()) as world:
        stage = replace(world.stage, staging=replace(world.stage.staging, with_metrics=True))
        stack, served = stage.stack, list[set[str]]()

        async def told() -> None:
            served.append(set(stack.file().metrics))

        async def hanging(count: int) -> list[str]:
            """Roles that hang, once so many do: a signal needs a moment to arrive."""
            patience = Patience(5)
            while True:
                stopped = [one for one in stack.workers if psutil.Process(one.pid).status() == psutil.STATUS_STOPPED]
                if len(stopped) == count or patience.is_over:
                    return [role_of(one) for one in stopped]
                await asyncio.sleep(0.05)

        async with ProcessFaults(stage, told) as faults:

            async def switched(name: str, rate: float) -> None:
                await stage.world.set_faults({name: rate})
                await faults.look()

            pumps, vendors, planner = [await stage.start_worker(role) for role in single_roles(("nibe",))]
            everybody = set(stack.file().metrics)
            await faults.look()
            assert (await hanging(0), stack.workers, served) == ([], (pumps, vendors, planner), []), (
                "nothing is switched on"
            )

            await switched("hung-worker", 0.01)
            assert await hanging(1) == ["planner"]
            await switched("hung-worker", 1.0)
            assert len(await hanging(3)) == 3
            await switched("hung-worker", 0.0)
            assert await hanging(0) == []

            await switched("lost-worker", 0.01)
            assert (vendors.running, stack.workers) == (False, (pumps, planner))
            assert served == [everybody - {vendors.name, f"{vendors.name}-temporal"}], "told before it is gone"
            await switched("lost-worker", 0.0)
            assert sorted(map(role_of, stack.workers)) == ["oem:nibe", "planner", "pumps"]
            assert len(served[-1]) == len(everybody)

            figures = f"http://{stack.file().metrics['fleet']}/metrics"
            await switched("no-figures", 1.0)
            with pytest.raises(httpx.ConnectError):
                await stage.http.get(figures)
            await switched("no-figures", 0.0)
            assert (await stage.http.get(f"http://{stack.file().metrics['fleet']}/metrics")).status_code == 200

            await switched("hung-worker", 1.0)
        assert await hanging(0) == [], "what hangs at the end is woken, so that it can be stopped"
