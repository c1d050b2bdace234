"""Traces: one for each command, whoever works on it; nothing of a vendor's address but where it is."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from opentelemetry import trace

from domain.commands.command import EventKind
from domain.ports import RecordedDecision
from telemetry.tracing import context_of, context_of_plan, tracing
from tests.ledger.builders import a_command_of, an_event


def spans_of(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_command_has_one_trace_in_every_process_and_another_command_another() -> None:
    def of(seq: int) -> tuple[int, int]:
        root = trace.get_current_span(context_of(a_command_of(seq=seq).command_id)).get_span_context()
        assert root.is_valid
        assert root.trace_flags.sampled
        return root.trace_id, root.span_id

    assert of(1) == of(1) != of(2)


async def test_a_request_is_a_span_without_path_query_or_credentials(tmp_path: Path) -> None:
    file = tmp_path / "traces"
    answering = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    with tracing(f"file:{file}", "test") as traced:
        async with httpx.AsyncClient(transport=traced.transport(answering)) as http:
            headers = {"Authorization": "Bearer a-secret"}
            await http.get("https://cloud.invalid:8443/v2/devices/unit-17?key=a-secret", headers=headers)
    (span,) = spans_of(file)
    assert span["name"] == "GET"
    assert "https://cloud.invalid:8443" in file.read_text()
    assert not any(word in file.read_text() for word in ("unit-17", "a-secret", "Bearer", "devices"))


@pytest.mark.parametrize("destination", ["", "file:", "jaeger", "/a/path"])
def test_a_destination_that_is_none_is_refused(destination: str) -> None:
    with pytest.raises(ValueError, match="write otlp or file:PATH"), tracing(destination, "test"):
        pass


def test_who_does_not_trace_does_not_even_load_it() -> None:
    asked = "import sys, worker; print(any(name.startswith('opentelemetry') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=600, check=True)
    assert done.stdout.strip() == "False"


def recorded(kind: EventKind) -> RecordedDecision:
    command = a_command_of()
    event = an_event(command, kind)
    if kind is EventKind.PLANNED:
        event = event.model_copy(update={"command": command})
    return RecordedDecision(event=event, oem="nibe", authority=command.authority, decided_at=command.decided_at)


def test_the_line_that_plans_a_command_is_its_traces_first_span_and_links_to_the_plan(tmp_path: Path) -> None:
    file = tmp_path / "traces"
    with tracing(f"file:{file}", "test") as traced:
        for kind in (EventKind.PLANNED, EventKind.EFFECTIVE):
            traced(recorded(kind))
    first, later = (json.loads(line) for line in file.read_text().splitlines())
    assert (first["name"], first["parent_id"]) == ("command", None)
    assert first["attributes"]["heatsteer.command"] == a_command_of().command_id
    assert first["attributes"]["heatsteer.revision"] == 1
    plan = trace.get_current_span(context_of_plan(1)).get_span_context()
    assert [int(link["context"]["trace_id"], 16) for link in first["links"]] == [plan.trace_id]
    assert (later["name"], later["parent_id"]) == ("effective", first["context"]["span_id"])
    assert later["context"]["trace_id"] == first["context"]["trace_id"]
