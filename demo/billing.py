"""What a run cost in Temporal: billable actions and events, counted from the histories themselves.

Rules from Temporal Cloud's published list: workflow starts, continue-as-new, timers, signals, updates, search-attribute
upserts, every attempt of an activity; a Schedule's run counts three.
"""

import asyncio
from collections.abc import Mapping

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

_ONE_ACTION = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    EventType.EVENT_TYPE_MARKER_RECORDED,
}
_SCHEDULE_RUN_ACTIONS = 3
_AT_A_TIME = 8


def actions_of(event: HistoryEvent) -> int:
    """Billable actions that one event stands for."""
    if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
        return event.activity_task_started_event_attributes.attempt
    return 1 if event.event_type in _ONE_ACTION else 0


async def count(client: Client) -> Mapping[str, int]:
    """Actions and events of every workflow in the namespace, continued runs included."""
    gate = asyncio.Semaphore(_AT_A_TIME)

    async def one(workflow_id: str, run_id: str, scheduled: bool) -> tuple[int, int]:
        async with gate:
            history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        actions = sum(actions_of(event) for event in history.events)
        return actions + (_SCHEDULE_RUN_ACTIONS - 1 if scheduled else 0), len(history.events)

    query = "WorkflowType IN ('HeatPumpWorkflow', 'FleetPlanning', 'AreaPlanning')"
    listed = [w async for w in client.list_workflows(query)]
    counts = await asyncio.gather(*(one(w.id, w.run_id, w.workflow_type == "FleetPlanning") for w in listed))
    return {"actions": sum(a for a, _ in counts), "events": sum(e for _, e in counts), "runs": len(counts)}
