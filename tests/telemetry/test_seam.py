"""The telemetry seam on the real server: what a pump's day does reaches every listener, and none can harm it."""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from domain.commands.command import EventKind
from domain.modes import Mode
from domain.oem.calls import CallFate, CallMade
from domain.ports import RecordedDecision
from domain.steering.journal import JournalEntry
from telemetry.events import ActivityAttempt, ActivityOutcome, Listener, RunPhase, TelemetryEvent, WorkflowRun
from telemetry.hub import Telemetry
from telemetry.temporal import TelemetryInterceptor
from tests.world import TestWorld, a_world
from worker import connected, workers_for
from worker_environment import Settings


@contextlib.asynccontextmanager
async def workers_heard_by(*listeners: Listener, traces: str | None = None) -> AsyncIterator[None]:
    """The real workers of pumps and vendor in this process, built as the worker's command builds them."""
    async with connected(Settings(traces=traces), *listeners) as world, contextlib.AsyncExitStack() as running:
        for worker in workers_for("pumps,oem:nibe", world):
            await running.enter_async_context(worker)
        yield


def broken(event: TelemetryEvent) -> None:
    raise RuntimeError("this listener is broken")


@pytest.mark.servers
@pytest.mark.timeout(900)
async def test_calls_activities_runs_and_decisions_reach_a_listener_and_a_broken_one_harms_nothing(
    tmp_path: Path,
) -> None:
    heard: list[TelemetryEvent] = []
    contexts: list[dict[str, object]] = []

    def note_context(event: TelemetryEvent) -> None:
        if isinstance(event, RecordedDecision) and event.event.kind is EventKind.ACCEPTED:
            contexts.append(structlog.contextvars.get_contextvars())

    async with (
        a_world(tmp_path / "stack", pumps=1, workers=()) as world,
        workers_heard_by(broken, heard.append, note_context, traces=f"file:{tmp_path / 'traces'}"),
    ):
        pump = world.pump(1)
        await a_raised_pump(world, pump)
    calls = [e for e in heard if isinstance(e, CallMade)]
    assert {True, False} == {call.is_write for call in calls if call.fate is CallFate.OK}
    completed = {e.activity for e in heard if isinstance(e, ActivityAttempt) and e.outcome is ActivityOutcome.COMPLETED}
    assert "apply_command" in completed
    assert all(e.wall_s >= 0 and e.attempt >= 1 for e in heard if isinstance(e, ActivityAttempt))
    started = [e for e in heard if isinstance(e, WorkflowRun) and e.phase is RunPhase.STARTED]
    # A first task that times out on a busy machine runs again, and the run seems to start once more.
    assert {e.workflow_id for e in started if e.workflow == "HeatPumpWorkflow"} == {f"pump-{pump}"}
    decisions = [e for e in heard if isinstance(e, RecordedDecision) and e.event.pump_id == pump]
    kinds = [e.event.kind for e in decisions]
    assert {EventKind.PLANNED, EventKind.SENT, EventKind.ACCEPTED, EventKind.APPLIED} <= set(kinds)
    keys = [e.event.key for e in decisions]
    assert len(keys) == len(set(keys)), "each decision is told once"
    assert [e.circuit for e in heard if isinstance(e, JournalEntry) and e.event == "plan"]
    (command,) = {e.event.command_id for e in decisions if e.event.kind is EventKind.APPLIED}
    one_trace_holds_every_hop(tmp_path / "traces", command, pump)
    ids = contexts[-1]
    assert (ids["command_id"], ids["pump_id"], ids["revision"]) == (command, pump, 1), (
        "in every log line of the attempt"
    )
    assert str(ids["trace_id"]) in (tmp_path / "traces").read_text()


def one_trace_holds_every_hop(file: Path, command: str, pump: str) -> None:
    """What was exported of a command: decision, attempts, the vendor's calls, the ledger's statements, its end."""
    spans = [json.loads(line) for line in file.read_text().splitlines()]
    (first,) = [s for s in spans if s["name"] == "command" and s["attributes"]["heatsteer.command"] == command]
    trace = [span for span in spans if span["context"]["trace_id"] == first["context"]["trace_id"]]
    attempts = [span for span in trace if span["name"] == "apply_command"]
    assert first["parent_id"] is None
    assert {span["parent_id"] for span in attempts} == {first["context"]["span_id"]}
    assert [span["attributes"]["heatsteer.attempt"] for span in attempts] == list(range(1, len(attempts) + 1))
    assert {span["attributes"]["heatsteer.pump"] for span in (first, *attempts)} == {pump}
    assert {span["attributes"]["heatsteer.revision"] for span in (first, *attempts)} == {1}
    ids = {span["context"]["span_id"] for span in trace}
    below = [span for span in trace if span not in attempts and span is not first]
    assert {span["parent_id"] for span in below} <= ids
    assert {"GET", "PATCH"} <= {span["name"] for span in below}, "the write and the read-back"
    assert any(span["attributes"].get("db.system") == "postgresql" for span in below)
    said = [event["name"] for span in trace for event in span["events"]]
    assert [kind for kind in said if kind in ("sent", "accepted", "applied")] == ["sent", "accepted", "applied"]
    addresses = {span["attributes"]["http.url"] for span in spans if "http.url" in span["attributes"]}
    assert all(address.count("/") == 2 for address in addresses), "no path, which would name a unit"
    assert "Bearer" not in file.read_text()


async def a_raised_pump(world: TestWorld, pump: str) -> None:
    await world.plan(pump, Mode.MID)
    await world.settles(pump, Mode.MID)


def test_a_broken_listener_is_named_once_and_the_others_hear_everything() -> None:
    heard: list[TelemetryEvent] = []
    hub = Telemetry(broken, heard.append)
    runs = [WorkflowRun("HeatPumpWorkflow", f"pump-{n}", RunPhase.STARTED) for n in range(3)]
    with capture_logs() as lines:
        for run in runs:
            hub(run)
    assert heard == runs
    assert [(line["event"], line["listener"]) for line in lines] == [("telemetry listener failed", "broken")]


def test_a_run_that_begins_twice_because_its_first_task_timed_out_is_reported_once() -> None:
    heard: list[TelemetryEvent] = []
    interceptor = TelemetryInterceptor(heard.append)
    started, ended = (WorkflowRun("HeatPumpWorkflow", "pump-1", p) for p in (RunPhase.STARTED, RunPhase.COMPLETED))
    for run_id, event in (("run-1", started), ("run-1", started), ("run-1", ended), ("run-2", started)):
        interceptor.run_reported(run_id, event)
    assert heard == [started, ended, started]
