"""What workflows cost in Temporal: billable actions as its price list names them, and events, from the histories.

Protects: every attempt of an activity is counted, and nothing is counted that only time skipping put there.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

OF_TIME_SKIPPING = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    }
)
"""Events that no day in production has."""

SIMPLE_ACTIONS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: "continue-as-new",
    EventType.EVENT_TYPE_TIMER_STARTED: "timer",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signal",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "update",
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "search attributes",
}
"""Events that are one action each; starts and activities are counted by their attempts."""

SCHEDULED = "schedule"
_SCHEDULED_RUN_ACTIONS = 3
"""What a run costs that a Schedule starts, its start included."""
_AT_A_TIME = 8
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Bill:
    """Actions by what they are for, and events, of one or several runs."""

    actions: Mapping[str, int]
    events: int

    @property
    def total(self) -> int:
        """All actions."""
        return sum(self.actions.values())


def bill_of(histories: Iterable[WorkflowHistory], since: datetime = _NEVER, pending_retries: int = 0) -> Bill:
    """Count what one workflow's runs did since a moment; `pending_retries`: of activities that have not ended yet."""
    actions: Counter[str] = Counter()
    events = 0
    for history in histories:
        attempts: dict[int, int] = {}
        for event in history.events:
            at = event.event_time.ToDatetime(UTC)
            if at < since or event.event_type in OF_TIME_SKIPPING:
                continue
            events += 1
            _count(event, actions, attempts)
        actions["activity"] += len(attempts)
        actions["activity retry"] += sum(max(0, n - 1) for n in attempts.values())
    actions["activity retry"] += pending_retries
    return Bill(actions=dict(actions), events=events)


def _count(event: HistoryEvent, actions: Counter[str], attempts: dict[int, int]) -> None:
    match event.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            # A run that goes on from another one was paid as that one's continue-as-new.
            started = event.workflow_execution_started_event_attributes
            actions["start"] += not started.continued_execution_run_id
        case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            attempts[event.event_id] = 1
        case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            begun = event.activity_task_started_event_attributes
            attempts[begun.scheduled_event_id] = begun.attempt
        case kind if kind in SIMPLE_ACTIONS:
            actions[SIMPLE_ACTIONS[kind]] += 1
        case _:
            pass


async def histories_of(client: Client, workflow_id: str) -> Sequence[WorkflowHistory]:
    """Every run of a workflow, oldest first."""
    newest = await client.get_workflow_handle(workflow_id).fetch_history()
    runs = [newest]
    while earlier := runs[-1].events[0].workflow_execution_started_event_attributes.continued_execution_run_id:
        runs.append(await client.get_workflow_handle(workflow_id, run_id=earlier).fetch_history())
    return runs[::-1]


async def pending_retries_of(client: Client, workflow_id: str) -> int:
    """Retries so far of activities that have not ended: their history names no attempt yet."""
    described = await client.get_workflow_handle(workflow_id).describe()
    return sum(max(0, pending.attempt - 1) for pending in described.raw_description.pending_activities)


async def fleet_bill(client: Client) -> tuple[Bill, int]:
    """What all pumps' workflows and planning runs cost, and how many runs they are, continued ones included."""
    gate = asyncio.Semaphore(_AT_A_TIME)

    async def one(workflow_id: str, run_id: str, is_scheduled: bool) -> Bill:
        async with gate:
            bill = bill_of([await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()])
        more = {SCHEDULED: _SCHEDULED_RUN_ACTIONS - bill.actions["start"]} if is_scheduled else {}
        return Bill(actions={**bill.actions, **more}, events=bill.events)

    query = "WorkflowType IN ('HeatPumpWorkflow', 'FleetPlanning', 'AreaPlanning')"
    listed = [w async for w in client.list_workflows(query)]
    bills = await asyncio.gather(*(one(w.id, w.run_id, w.workflow_type == "FleetPlanning") for w in listed))
    actions: Counter[str] = Counter()
    for bill in bills:
        actions.update(bill.actions)
    return Bill(actions=dict(actions), events=sum(bill.events for bill in bills)), len(bills)
