"""What a pump costs a day: what sweep and guard add, and that both days stay within their budgets."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory

from benchmarks import pump_day
from benchmarks.pumpday.shard_share import share_a_day
from benchmarks.pumpday.virtual import ACCOUNT_CALLS, kind_of
from workflows.contracts import Patience


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
