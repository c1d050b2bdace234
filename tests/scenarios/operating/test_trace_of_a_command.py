"""The trace of one command of a running fleet, read from the file it was exported to: every hop, with its ids."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from console.cli.demo.options import USUAL_SPEED
from tests.patience import HANG_S, paced

pytestmark = pytest.mark.servers


@pytest.mark.timeout(HANG_S)
def test_one_trace_leads_from_prices_to_plan_to_command_to_vendor_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "traces.jsonl"
    monkeypatch.setenv("HEATSTEER_TRACES", f"file:{file}")
    command = [sys.executable, "-m", "console.cli.main", "demo", "--json", "--out", str(tmp_path / "out")]
    words = ["--pumps", "3", "--hours", "4", "--oem", "nibe", "--speed", f"{paced(USUAL_SPEED):.0f}"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr

    traces: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for span in (json.loads(line) for line in file.read_text().splitlines()):
        traces[span["context"]["trace_id"]].append(span)
    told = next(
        spans for spans in traces.values() if "PATCH" in names(spans) and "applied" in events(spans) and of_plan(spans)
    )

    (root,) = (span for span in told if span["name"] == "command")
    ids = root["attributes"]
    events_of = [json.loads(line) for line in (tmp_path / "out" / "commands.jsonl").read_text().splitlines()]
    kinds = {line["event"] for line in events_of if line["command"] == ids["heatsteer.command"]}
    assert {"planned", "sent", "accepted", "applied"} <= kinds, "the ledger has the command that the trace is of"
    assert ids["heatsteer.command"].startswith(ids["heatsteer.pump"])
    assert (ids["heatsteer.oem"], ids["heatsteer.authority"], ids["heatsteer.revision"]) == ("nibe", "plan", 1)

    attempts = [span for span in told if span["name"] == "apply_command"]
    assert attempts, "the activity"
    for attempt in attempts:
        assert attempt["parent_id"] == root["context"]["span_id"]
        assert attempt["attributes"]["heatsteer.workflow"] == f"pump-{ids['heatsteer.pump']}"
        assert attempt["attributes"]["heatsteer.command"] == ids["heatsteer.command"]
    order = events(told)
    assert order.index("sent") < order.index("accepted") < order.index("applied")
    below = {span["context"]["span_id"] for span in attempts}
    calls = [span for span in told if span["name"] in ("PATCH", "GET")]
    assert {"PATCH", "GET"} <= set(names(calls)), "the write and its read-back"
    assert {"INSERT", "SELECT"} <= set(names(told)), "what the ledger was asked"
    for call in calls:
        assert call["parent_id"] in below
        assert call["attributes"]["http.status_code"] == 200

    plan = traces[root["links"][0]["context"]["trace_id"]]
    assert {"plan", "solve_shard", "deliver_shard"} <= set(names(plan))
    assert process(plan[0]) != process(root), "the planner is a process of its own"
    fetched = [traces[link["context"]["trace_id"]] for span in plan for link in span["links"]]
    assert any({"fetch_prices", "fetch_weather"} <= set(names(spans)) for spans in fetched)


def names(spans: list[dict[str, Any]]) -> list[str]:
    return [span["name"] for span in spans]


def events(spans: list[dict[str, Any]]) -> list[str]:
    """What was recorded on a trace's spans, in order of time."""
    found = [(event["timestamp"], event["name"]) for span in spans for event in span["events"]]
    return [name for _, name in sorted(found)]


def of_plan(spans: list[dict[str, Any]]) -> bool:
    """Whether it is a command's, and a plan's doing."""
    return any(span["name"] == "command" and span["links"] for span in spans)


def process(span: dict[str, Any]) -> str:
    return str(span["resource"]["attributes"]["service.instance.id"])
