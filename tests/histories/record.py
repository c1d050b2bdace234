"""Records the histories that every change of a workflow is replayed against.

    python -m tests.histories.record

It starts a world as the scenarios do, lets one pump live a short life (a plan, a household's override, its end, and
retirement) and one planning run plan a day, and writes both beside this file. Record anew only where a workflow may
break with its past, that is before any pump runs on it; otherwise add a file and keep the old ones.

Protects: what is kept holds nothing of the machine it was recorded on.
"""

import asyncio
import json
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from temporalio.client import WorkflowHandle

from console.planning import create_schedule, nominal_time, plan_day, wait_for_plan
from domain.modes import Mode
from domain.plans import ModeSegment, PricePlan
from domain.pump import OverrideEnded, RetireRequested
from tests.builders import an_override
from tests.world import TestWorld, a_world
from workflows.contracts import PLANNING_WORKFLOW_ID, SPED_UP, Act, PlanningInput
from workflows.heat_pump import HeatPumpWorkflow

HERE = Path(__file__).parent
DAY = date(2026, 1, 15)
BERLIN = ZoneInfo("Europe/Berlin")
QUICK = 240.0


async def record() -> None:
    """Live through both workflows and keep their histories."""
    with tempfile.TemporaryDirectory(prefix="heatsteer-histories-") as place:
        folder = Path(place)
        await asyncio.to_thread(folder.chmod, 0o711)
        async with a_world(folder / "stack", pumps=2, speed=QUICK, workers=("pumps,oem:nibe", "planner")) as world:
            await keep(await a_life_of_a_pump(world), "heat_pump.json")
            await keep(await a_planned_day(world), "fleet_planning.json")


async def a_life_of_a_pump(world: TestWorld) -> WorkflowHandle[Any, Any]:
    """Planned up, overridden down, back to the plan, retired to neutral."""
    pump = world.pump(1)
    start = world.now() - timedelta(minutes=15)
    end = start + timedelta(hours=8)
    segment = ModeSegment(start=start, end=end, mode=Mode.MAX)
    plan = PricePlan(revision=1, segments=(segment,), first_slot=start, valid_until=end)
    await world.send(pump, plan)
    await reach(world, pump, Mode.MAX)
    hours = (world.now() - an_override().requested_at) / timedelta(hours=1)
    wish = an_override(Mode.MIN, hours, hours + 3, override_id="o-cold-feet")
    await world.handle(pump).execute_update(HeatPumpWorkflow.request_override, wish)
    await reach(world, pump, Mode.MIN)
    ended = Act(event=OverrideEnded(override_id="o-cold-feet"), who="resident", why="warm again")
    await world.handle(pump).execute_update(HeatPumpWorkflow.act, ended)
    await reach(world, pump, Mode.MAX)
    await world.send(pump, {"revision": 2, "segments": [{"mode": "TURBO"}]})
    await world.handle(pump).execute_update(
        HeatPumpWorkflow.act, Act(event=RetireRequested(), who="resident", why="moving out")
    )
    await world.handle(pump).result()
    return world.handle(pump)


async def reach(world: TestWorld, pump: str, mode: Mode) -> None:
    """Wait until the pump was seen in a mode."""

    async def there() -> bool:
        state = (await world.status(pump)).state
        return state.heating.settled is mode and state.heating.open is None

    await world.until(there, within=timedelta(hours=4))


async def a_planned_day(world: TestWorld) -> WorkflowHandle[Any, Any]:
    """One run by backfill, for the pump that is left."""
    client = world.access.client
    given = PlanningInput(
        clock=world.access.clock,
        zone="DE-LU",
        tz=BERLIN.key,
        weather_cell="50.0,10.0",
        oems=("nibe",),
        budget_s=5.0,
        patience=SPED_UP,
    )
    await create_schedule(client, given, paused=True)
    await plan_day(client, DAY, BERLIN)
    result = await wait_for_plan(client, DAY, BERLIN, 60)
    assert result.delivered == 1, result
    return client.get_workflow_handle(f"{PLANNING_WORKFLOW_ID}-{nominal_time(DAY, BERLIN):%Y-%m-%dT%H:%M:%SZ}")


async def keep(handle: WorkflowHandle[Any, Any], name: str) -> None:
    """Write a history without the names of processes and machines."""
    document = json.loads((await handle.fetch_history()).to_json())
    text = json.dumps({"workflowId": handle.id, "events": anonymous(document)["events"]}, indent=1)
    await asyncio.to_thread((HERE / name).write_text, text + "\n")


def anonymous(part: Any) -> Any:
    """The document with every process's identity, its private queue and its stack traces taken out."""
    match part:
        case dict():
            kept = {key: anonymous(value) for key, value in part.items() if key not in ("stackTrace", "binaryChecksum")}
            if "identity" in kept:
                kept["identity"] = "recorded"
            if kept.get("kind") == "TASK_QUEUE_KIND_STICKY":
                kept["name"] = "recorded"
            return kept
        case list():
            return [anonymous(value) for value in part]
        case _:
            return part


if __name__ == "__main__":
    asyncio.run(record())
