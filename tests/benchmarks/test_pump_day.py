"""What a pump costs a day: how actions are counted, and that both days stay within their budgets."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from benchmarks import pump_day
from benchmarks.pumpday.bill import bill_of, share_a_day
from benchmarks.pumpday.virtual import ACCOUNT_CALLS, kind_of
from workflows.contracts import Patience

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


def test_the_share_of_sweep_and_guard_is_mostly_heartbeats_and_falls_with_rarer_ones() -> None:
    usual, rare = share_a_day(), share_a_day(Patience(heartbeat_s=75))
    assert usual["sweep"] > usual["guard"] > 0
    assert rare["sweep"] < usual["sweep"] / 3
    assert rare["guard"] == share_a_day(Patience(heartbeat_s=300))["guard"], "the SDK beats once a minute at least"


@pytest.mark.parametrize(
    ("method", "path", "kind", "is_shared"),
    [
        ("POST", "/oauth/token", "token", True),
        ("GET", "/v2/systems/me", "systems", True),
        ("GET", "/v2/devices/s735-r-0001", "device", False),
        ("GET", "/v2/devices/s735-r-0001/points", "points", False),
        ("PATCH", "/v2/devices/s735-r-0001/zones/1", "write", False),
        ("GET", "/v2/systems/abc/smart-home-mode", "smart-home-mode", False),
    ],
)
def test_a_call_is_named_without_the_home_it_is_for(method: str, path: str, kind: str, is_shared: bool) -> None:
    assert kind_of(method, path) == kind
    assert (kind in ACCOUNT_CALLS) is is_shared


def test_a_broken_budget_a_day_that_did_too_little_and_a_miscount_are_each_named() -> None:
    good = {
        "changes": 8,
        "actions": 35,
        "actions_with_share": 45,
        "events": 150,
        "vendor_calls": 140,
        "server": {"counted": 35, "metered": 35, "differ": {}},
    }
    assert pump_day.broken({"quiet": good}) == []
    bad = good | {"actions": 36, "changes": 7, "server": {"counted": 36, "metered": 37, "differ": {"timer": [8, 9]}}}
    told = pump_day.broken({"quiet": bad})
    assert len(told) == 3
    assert "36 actions, and at most 35 are allowed" in told[0]
    assert "7 changes were applied" in told[1]
    assert "the server counted 37 actions" in told[2]
    assert "'timer': [8, 9]" in told[2]


@pytest.mark.parametrize("argv", [["--only", "lazy"], ["--speed", "1"], ["--speed", "fast"]])
def test_a_day_that_cannot_be_is_wrong_usage(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        pump_day.main(argv)
    assert ended.value.code == 2


def measured(out: Path, which: str) -> dict[str, Any]:
    """What the command prints; with its complaints where it does not end well."""
    argv = [sys.executable, "-m", "benchmarks.pump_day", "--json", "--out", str(out), "--only", which]
    run = subprocess.run(argv, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert run.returncode == 0, run.stderr[-2000:]
    document: dict[str, Any] = json.loads(run.stdout)
    assert document["broken"] == []
    return document


def replayable(out: Path, name: str) -> int:
    """Events in the histories that were left under a name."""
    files = sorted(out.glob(f"{name}-*.json"))
    assert files
    return sum(len(WorkflowHistory.from_json("pump", file.read_text()).events) for file in files)


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_quiet_day_stays_within_its_budget_and_the_server_counted_the_same(tmp_path: Path) -> None:
    document = measured(tmp_path, "quiet")
    for name in ("quiet", "quiet_with_zones"):
        day = document[name]
        assert day["changes"] == 8
        assert day["actions_by_kind"]["signal"] >= 2, "two revisions"
        assert day["actions_by_kind"]["continue-as-new"] == 1
        assert day["actions"] <= 35
        assert day["actions_with_share"] <= 45
        assert day["events"] <= 150
        assert day["calls"]["points"] >= 96, "a sweep every quarter of an hour"
        assert day["server"]["counted"] == day["server"]["metered"] == day["actions"]
        assert replayable(tmp_path, name) > day["events"]
    assert document["quiet"]["vendor_calls"] <= 140


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_busy_day_with_an_override_and_an_outage_stays_within_its_budget(tmp_path: Path) -> None:
    day = measured(tmp_path, "busy")["busy"]
    assert day["changes"] >= 12
    assert day["actions_by_kind"]["update"] == 1
    assert day["actions"] <= 90
    assert day["events"] <= 450
    assert replayable(tmp_path, "busy-p-0001") > 0
