"""What a workflow's history costs: billable actions as Temporal's price list names them, and events.

Protects: every attempt of an activity is counted, and nothing is counted that only time skipping put there.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

from workflows.contracts import GUARD_BEATS, GUARD_WATCH, Patience

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
"""Events that are one action each; starts and activities need a second look."""

SHARD_PUMPS = 1000
"""Pumps that share one vendor's sweep and guard in the share stated here."""
LONGEST_THROTTLE_S = 60.0
THROTTLE_SHARE = 0.8
"""The SDK sends a heartbeat to the server after this share of its timeout, and at least once a minute."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Bill:
    """Actions by what they are for, and events, of one or several runs."""

    actions: Mapping[str, int]
    events: int

    @property
    def total(self) -> int:
        """All actions."""
        return sum(self.actions.values())


def bill_of(histories: Iterable[WorkflowHistory], since: datetime, pending_retries: int = 0) -> Bill:
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


def share_a_day(patience: Patience | None = None) -> dict[str, float]:
    """Actions a pump-day that a vendor's sweep and guard cost, spread over `SHARD_PUMPS`.

    Both live in long activities that heartbeat: 24 sweeps of an hour, some watches with the rate set before each, and
    the heartbeats that the SDK lets through to the server.
    """
    patience = patience or Patience()
    watches = DAY / GUARD_WATCH
    sweep = 24 + 1 + _beats_a_day(patience.heartbeat_s)
    guard = 2 * watches + _beats_a_day(patience.heartbeat_s * GUARD_BEATS)
    return {"sweep": sweep / SHARD_PUMPS, "guard": guard / SHARD_PUMPS}


def _beats_a_day(timeout_s: float) -> float:
    return DAY.total_seconds() / min(THROTTLE_SHARE * timeout_s, LONGEST_THROTTLE_S)
