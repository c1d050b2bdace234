"""How billable actions are counted from workflow histories."""

from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from demo.billing import bill_of

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def an_event(name: str, number: int, minutes: float = 0, **attributes: Any) -> HistoryEvent:
    event = HistoryEvent(event_id=number, event_type=EventType.Value(f"EVENT_TYPE_{name}"))
    event.event_time.FromDatetime(NOON + timedelta(minutes=minutes))
    for path, value in attributes.items():
        owner, field = path.split("__")
        setattr(getattr(event, f"{owner}_event_attributes"), field, value)
    return event


def a_history(*events: HistoryEvent) -> WorkflowHistory:
    return WorkflowHistory("pump-p-0001", list(events))


def test_every_attempt_of_an_activity_is_an_action_though_its_history_shows_three_events() -> None:
    bill = bill_of(
        [
            a_history(
                an_event("ACTIVITY_TASK_SCHEDULED", 5),
                an_event("ACTIVITY_TASK_STARTED", 6, activity_task_started__scheduled_event_id=5),
                an_event("ACTIVITY_TASK_COMPLETED", 7),
            ),
            a_history(
                an_event("ACTIVITY_TASK_SCHEDULED", 5),
                an_event(
                    "ACTIVITY_TASK_STARTED",
                    6,
                    activity_task_started__scheduled_event_id=5,
                    activity_task_started__attempt=4,
                ),
                an_event("ACTIVITY_TASK_COMPLETED", 7),
                an_event("ACTIVITY_TASK_SCHEDULED", 9),
            ),
        ],
        NOON,
        pending_retries=2,
    )
    assert bill.actions["activity"] == 3
    assert bill.actions["activity retry"] == 3 + 2
    assert bill.events == 7


def test_what_time_skipping_left_and_what_came_before_is_no_part_of_the_day() -> None:
    bill = bill_of(
        [
            a_history(
                an_event("WORKFLOW_EXECUTION_STARTED", 1, -90),
                an_event("TIMER_STARTED", 5, -60),
                an_event("WORKFLOW_EXECUTION_OPTIONS_UPDATED", 6, 1),
                an_event("WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED", 7, 2),
                an_event("TIMER_STARTED", 8, 3),
                an_event("WORKFLOW_TASK_COMPLETED", 9, 4),
            )
        ],
        NOON,
    )
    assert (bill.total, bill.events) == (1, 2)


def test_a_rollover_is_one_action_and_not_a_start_more() -> None:
    first = a_history(an_event("WORKFLOW_EXECUTION_STARTED", 1), an_event("WORKFLOW_EXECUTION_CONTINUED_AS_NEW", 5))
    second = a_history(
        an_event(
            "WORKFLOW_EXECUTION_STARTED", 1, workflow_execution_started__continued_execution_run_id="the-first-run"
        ),
        an_event("WORKFLOW_EXECUTION_SIGNALED", 2),
        an_event("WORKFLOW_EXECUTION_UPDATE_ACCEPTED", 3),
        an_event("UPSERT_WORKFLOW_SEARCH_ATTRIBUTES", 4),
    )
    assert {kind: n for kind, n in bill_of([first, second], NOON).actions.items() if n} == {
        "start": 1,
        "continue-as-new": 1,
        "signal": 1,
        "update": 1,
        "search attributes": 1,
    }
