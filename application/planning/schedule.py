"""The planning Schedule: created once, and run for a market day by backfill at its nominal time.

Protects: the delivery day follows from the nominal time; in a sped-up world the nominal time is the steered one.
"""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleBackfill,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)

from application.errors import ErrorCode, Failed
from workflows.contracts import (
    PLANNER_QUEUE,
    PLANNING_SCHEDULE_ID,
    PLANNING_WORKFLOW_ID,
    SETTLEMENT_SCHEDULE_ID,
    SETTLEMENT_WORKFLOW_ID,
    PlanningInput,
    PlanningResult,
    SettlementInput,
)
from workflows.fleet_planning import FleetPlanning
from workflows.settlement import DailySettlement

PLANNED_AT = time(13, 15)
"""Local: after day-ahead results are usually out, and far from the night in which clocks change."""
CATCH_UP = timedelta(hours=6)
"""A plan for yesterday is worth nothing."""
SETTLED_AT = time(6, 30)
"""Local: by then vendors have summed yesterday up."""
SETTLEMENT_CATCH_UP = timedelta(days=1)
"""The next run settles the days before again."""


async def create_schedule(client: Client, given: PlanningInput, tz: ZoneInfo, *, paused: bool) -> None:
    """Create the daily planning Schedule in this local time; one that is there is left as it is."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(FleetPlanning.run, given, id=PLANNING_WORKFLOW_ID, task_queue=PLANNER_QUEUE),
        spec=ScheduleSpec(
            calendars=[
                ScheduleCalendarSpec(hour=[ScheduleRange(PLANNED_AT.hour)], minute=[ScheduleRange(PLANNED_AT.minute)])
            ],
            time_zone_name=tz.key,
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=CATCH_UP),
        state=ScheduleState(paused=paused, note="time is sped up: run by backfill" if paused else None),
    )
    try:
        await client.create_schedule(PLANNING_SCHEDULE_ID, schedule)
    except ScheduleAlreadyRunningError:
        return


async def create_settlement_schedule(client: Client, given: SettlementInput, tz: ZoneInfo) -> None:
    """Create the daily settlement Schedule in this local time; one that is there is left as it is."""
    at = ScheduleCalendarSpec(hour=[ScheduleRange(SETTLED_AT.hour)], minute=[ScheduleRange(SETTLED_AT.minute)])
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            DailySettlement.run, given, id=SETTLEMENT_WORKFLOW_ID, task_queue=PLANNER_QUEUE
        ),
        spec=ScheduleSpec(calendars=[at], time_zone_name=tz.key),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=SETTLEMENT_CATCH_UP),
    )
    try:
        await client.create_schedule(SETTLEMENT_SCHEDULE_ID, schedule)
    except ScheduleAlreadyRunningError:
        return


def nominal_time(day: date, tz: ZoneInfo) -> datetime:
    """When the planning of a market day is due: the afternoon before."""
    return datetime.combine(day - timedelta(days=1), PLANNED_AT, tzinfo=tz).astimezone(UTC)


async def plan_day(client: Client, day: date, tz: ZoneInfo) -> None:
    """Fire the Schedule for one market day now, by backfill of its nominal time."""
    nominal = nominal_time(day, tz)
    await client.get_schedule_handle(PLANNING_SCHEDULE_ID).backfill(
        ScheduleBackfill(
            start_at=nominal - timedelta(seconds=1), end_at=nominal, overlap=ScheduleOverlapPolicy.ALLOW_ALL
        )
    )


async def wait_for_plan(client: Client, day: date, tz: ZoneInfo, patience_s: float) -> PlanningResult:
    """The result of the day's planning run; raises Failed where there is none in time."""
    workflow_id = f"{PLANNING_WORKFLOW_ID}-{nominal_time(day, tz):%Y-%m-%dT%H:%M:%SZ}"
    handle: WorkflowHandle[FleetPlanning, PlanningResult] = client.get_workflow_handle_for(
        FleetPlanning.run, workflow_id
    )
    deadline = asyncio.get_running_loop().time() + patience_s
    while asyncio.get_running_loop().time() < deadline:
        found = [w async for w in client.list_workflows(f"WorkflowId = '{workflow_id}'")]
        if any(w.status is not WorkflowExecutionStatus.RUNNING for w in found):
            try:
                return await handle.result()
            except WorkflowFailureError as error:
                sentence = f"planning {day} failed: {error.cause}; its history says why ({workflow_id})"
                raise Failed(ErrorCode.PLANNING_FAILED, sentence, day=day, workflow_id=workflow_id) from error
        await asyncio.sleep(0.1)
    sentence = f"planning {day} did not end within {patience_s:.0f} s: look at {workflow_id} in the Web UI"
    raise Failed(ErrorCode.PLANNING_FAILED, sentence, day=day, workflow_id=workflow_id)
