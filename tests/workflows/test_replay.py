"""Recorded histories still lead the workflows the way they went: running pumps survive a change of the code.

`python -m tests.histories.record` says how they were made.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from tests.histories.record import HERE, anonymous
from worker import workflow_runner
from workflows.area_planning import AreaPlanning
from workflows.fleet_planning import FleetPlanning
from workflows.heat_pump import HeatPumpWorkflow
from workflows.oem_guard import OemGuard
from workflows.settlement import DailySettlement

RECORDED = sorted(HERE.glob("*.json"))


def replayer() -> Replayer:
    return Replayer(
        workflows=[HeatPumpWorkflow, FleetPlanning, AreaPlanning, OemGuard, DailySettlement],
        data_converter=pydantic_data_converter,
        workflow_runner=workflow_runner(sandbox=True),
    )


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def history(document: dict[str, Any]) -> WorkflowHistory:
    return WorkflowHistory.from_json(document["workflowId"], {"events": document["events"]})


def payloads_in(part: Any) -> list[str]:
    """Every payload of a document in the clear."""
    match part:
        case {"metadata": dict(), "data": str(data)}:
            return [base64.b64decode(data).decode()]
        case dict():
            return [text for value in part.values() for text in payloads_in(value)]
        case list():
            return [text for value in part for text in payloads_in(value)]
        case _:
            return []


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    await replayer().replay_workflow(history(read(path)))


def test_the_workflows_are_recorded_with_what_makes_their_lives_hard() -> None:
    started = "workflowExecutionStartedEventAttributes"
    assert {read(path)["events"][0][started]["workflowType"]["name"] for path in RECORDED} >= {
        "HeatPumpWorkflow",
        "FleetPlanning",
        "AreaPlanning",
        "OemGuard",
        "DailySettlement",
    }
    kinds = [event["eventType"].removeprefix("EVENT_TYPE_") for event in read(HERE / "heat_pump.json")["events"]]
    assert kinds.count("ACTIVITY_TASK_COMPLETED") >= 4
    for kind in ("WORKFLOW_EXECUTION_SIGNALED", "WORKFLOW_EXECUTION_UPDATE_ACCEPTED", "TIMER_CANCELED"):
        assert kind in kinds
    assert kinds[-1] == "WORKFLOW_EXECUTION_COMPLETED"
    assert read(HERE / "quiet_day.json")["events"][-1]["eventType"].endswith("CONTINUED_AS_NEW")
    assert '"slots":92' in "".join(payloads_in(read(HERE / "area_planning_dst.json"))).replace(" ", "")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_history_of_another_course_is_not_taken_for_ours(path: Path) -> None:
    document = read(path)
    scheduled = "activityTaskScheduledEventAttributes"
    event = next(event for event in document["events"] if scheduled in event)
    event[scheduled]["activityType"]["name"] = "another_activity"
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(history(document))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_recorded_history_says_nothing_of_the_machine_it_was_made_on(path: Path) -> None:
    document = read(path)
    assert anonymous(document) == document
    in_the_clear = "\n".join(payloads_in(document))
    assert '"clock"' in in_the_clear, "else nothing was looked at"
    for trace in ("/home", "/root", "/tmp", "127.0.0.1", "localhost", "secret", "token"):
        assert trace not in in_the_clear
        assert trace not in path.read_text()
