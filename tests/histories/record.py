"""Records the histories that every change of a workflow is replayed against.

    python -m tests.histories.record

It starts worlds as the scenarios do and writes beside this file: a pump's short life (a plan, a household's override,
its end, a message that is refused, and retirement), another's quiet day over its rollover, a planning run for a usual
day with its price area's run, such a run for a day that loses an hour, a morning's settlement, and a vendor's guard
through an outage. Record anew only where a workflow may break with its past, that is before any pump runs on it;
otherwise add a file and keep the old ones.

Protects: what is kept holds nothing of the machine it was recorded on.
"""

import asyncio
import json
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from temporalio.client import ScheduleBackfill, WorkflowExecutionStatus, WorkflowHandle

from application.planning.schedule import (
    SETTLED_AT,
    create_schedule,
    create_settlement_schedule,
    nominal_time,
    plan_day,
    wait_for_plan,
)
from domain.modes import Mode
from domain.oem.breaker import BreakerState
from domain.planning.price_plan import ModeSegment, PricePlan
from domain.steering.pump_state import OverrideEnded, RetireRequested
from tests.builders import an_override
from tests.world import TestWorld, a_world
from workflows.contracts import (
    PLANNING_WORKFLOW_ID,
    SETTLEMENT_SCHEDULE_ID,
    SETTLEMENT_WORKFLOW_ID,
    SPED_UP,
    Act,
    Hold,
    PlanningInput,
    SettlementInput,
    guard_workflow_id,
)
from workflows.heat_pump import HeatPumpWorkflow
from workflows.oem_guard import OemGuard

HERE = Path(__file__).parent
DAY = date(2026, 1, 15)
BERLIN = ZoneInfo("Europe/Berlin")
QUICK = 240.0
VERY_QUICK = 1200.0
SPRING = date(2026, 3, 29)
SPRING_EVE = datetime(2026, 3, 28, 23, tzinfo=UTC)


async def record() -> None:
    """Live through the workflows and keep their histories."""
    with tempfile.TemporaryDirectory(prefix="heatsteer-histories-") as place:
        folder = Path(place)
        await asyncio.to_thread(folder.chmod, 0o711)
        async with a_world(folder / "stack", pumps=2, speed=QUICK, workers=("pumps,oem:nibe", "planner")) as world:
            await keep(await a_life_of_a_pump(world), "heat_pump.json")
            run = await a_planned_day(world, DAY)
            await keep(run, "fleet_planning.json")
            await keep(area_run(world, run), "area_planning.json")
            await keep(await a_settled_morning(world), "daily_settlement.json")
            await keep(await a_vendor_s_outage(world), "oem_guard.json")
        async with a_world(folder / "days", pumps=1, speed=VERY_QUICK) as world:
            await keep(await a_quiet_day(world), "quiet_day.json")
        async with a_world(
            folder / "spring",
            pumps=1,
            speed=QUICK,
            workers=("pumps,oem:nibe", "planner"),
            lead_s=120,  # planned before the day begins, so that all of its slots are, however busy the machine is
            day=SPRING,
            epoch=SPRING_EVE,
        ) as world:
            await keep(area_run(world, await a_planned_day(world, SPRING)), "area_planning_dst.json")


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
    target = an_override(Mode.MIN, hours, hours + 3, override_id="o-cold-feet")
    await world.handle(pump).execute_update(HeatPumpWorkflow.request_override, target)
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


async def reach(world: TestWorld, pump: str, mode: Mode, within: timedelta = timedelta(hours=4)) -> None:
    """Wait until the pump was seen in a mode."""

    async def there() -> bool:
        state = (await world.status(pump)).state
        return state.heating.settled is mode and state.heating.open is None

    await world.until(there, within=within)


async def a_quiet_day(world: TestWorld) -> WorkflowHandle[Any, Any]:
    """Two changes and the rollover: the first run ends by going on as new."""
    pump = world.pump(1)
    start = world.now() - timedelta(minutes=15)
    hours = timedelta(hours=1)
    raised = ModeSegment(start=start + 2 * hours, end=start + 4 * hours, mode=Mode.MAX)
    plan = PricePlan(revision=1, segments=(raised,), first_slot=start, valid_until=start + 20 * hours)
    first_run = (await world.handle(pump).describe()).run_id
    await world.send(pump, plan)
    await reach(world, pump, Mode.MAX)
    await reach(world, pump, Mode.LOW)
    later = PricePlan(
        revision=2,
        segments=(ModeSegment(start=start + 25 * hours, end=start + 27 * hours, mode=Mode.MID),),
        first_slot=start + 20 * hours,
        valid_until=start + 44 * hours,
    )
    await world.send(pump, later)
    await reach(world, pump, Mode.MID, within=timedelta(hours=30))
    first = world.access.client.get_workflow_handle(world.handle(pump).id, run_id=first_run)

    async def went_on_as_new() -> bool:
        return (await first.describe()).status is WorkflowExecutionStatus.CONTINUED_AS_NEW

    await world.until(went_on_as_new, within=timedelta(hours=4))
    return first


async def a_vendor_s_outage(world: TestWorld) -> WorkflowHandle[Any, Any]:
    """Closed, open, half-open, closed, and a person's hold and release."""
    book = world.access.ledger.vendors
    guard = world.access.client.get_workflow_handle(guard_workflow_id("nibe"))

    async def is_in(state: BreakerState) -> bool:
        newest = await book.newest_breaker("nibe", world.now())
        return newest is not None and newest.state is state

    begins = world.now()
    await world.bring_about(
        "outage", oem="nibe", starts=begins.isoformat(), ends=(begins + timedelta(minutes=40)).isoformat()
    )
    end = begins + timedelta(hours=6)
    segment = ModeSegment(start=begins, end=end, mode=Mode.MAX)
    await world.send(world.pump(2), PricePlan(revision=9, segments=(segment,), first_slot=begins, valid_until=end))
    await world.until(lambda: is_in(BreakerState.OPEN), within=timedelta(hours=1))
    await world.until(lambda: is_in(BreakerState.CLOSED), within=timedelta(hours=4))
    await guard.execute_update(OemGuard.hold, Hold(who="operator", why="their maintenance"))
    await world.until(lambda: is_in(BreakerState.HELD))
    await guard.execute_update(OemGuard.release, Hold(who="operator", why="they are done"))
    await world.until(lambda: is_in(BreakerState.CLOSED), within=timedelta(hours=2))
    return guard


async def a_planned_day(world: TestWorld, day: date) -> WorkflowHandle[Any, Any]:
    """One run by backfill, for the pump that is left."""
    client = world.access.client
    given = PlanningInput(
        clock=world.access.clock,
        budget_s=5.0,
        patience=SPED_UP,
    )
    await create_schedule(client, given, BERLIN, paused=True)
    await plan_day(client, day, BERLIN)
    result = await wait_for_plan(client, day, BERLIN, 60)
    assert result.delivered == 1, result
    return client.get_workflow_handle(f"{PLANNING_WORKFLOW_ID}-{nominal_time(day, BERLIN):%Y-%m-%dT%H:%M:%SZ}")


async def a_settled_morning(world: TestWorld) -> WorkflowHandle[Any, Any]:
    """The Schedule's run of one morning, by backfill: the day before and, again, the one before that."""
    client = world.access.client
    given = SettlementInput(clock=world.access.clock, again_days=1, patience=SPED_UP)
    await create_settlement_schedule(client, given, BERLIN)
    nominal = datetime.combine(DAY, SETTLED_AT, tzinfo=BERLIN).astimezone(UTC)
    await client.get_schedule_handle(SETTLEMENT_SCHEDULE_ID).backfill(
        ScheduleBackfill(start_at=nominal - timedelta(seconds=1), end_at=nominal)
    )
    workflow_id = f"{SETTLEMENT_WORKFLOW_ID}-{nominal:%Y-%m-%dT%H:%M:%SZ}"
    run = client.get_workflow_handle(workflow_id)

    async def begun() -> bool:
        return bool([w async for w in client.list_workflows(f"WorkflowId = '{workflow_id}'")])

    await world.until(begun)
    await run.result()
    return run


def area_run(world: TestWorld, run: WorkflowHandle[Any, Any]) -> WorkflowHandle[Any, Any]:
    """The run of the world's price area within a planning run."""
    return world.access.client.get_workflow_handle(f"{run.id}/DE-LU")


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
