"""The demo as its user runs it: the report is what its own files say, and nothing outlives it."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from console.cli.demo.options import ROUGH_SPEED, USUAL_SPEED
from tests.patience import HANG_S, Patience, paced

pytestmark = pytest.mark.servers
OF_ONE_WRITE = ("write_refused", "write_lost", "write_ignored")
OF_THE_PUMP = ("drifted", "touched", "refused")
HEATSTEER = (sys.executable, "-m", "console.cli.main")


def demo(tmp_path: Path, speed: float, *words: str) -> tuple[dict[str, Any], Path]:
    """Run a demo to its end, as fast as this machine can keep up with, and return its report and folder."""
    out = tmp_path / "out"
    command = [*HEATSTEER, "demo", "--json", "--out", str(out), "--speed", f"{paced(speed):.0f}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == json.loads((out / "report.json").read_text())
    assert "What was asked of them" in (out / "report.html").read_text()
    return report, out


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_demo_leaves_a_report_that_its_own_files_reproduce(tmp_path: Path) -> None:
    words = ["--pumps", "6", "--hours", "5", "--seed", "3", "--oem", "nibe,viessmann", "--fault", "silent-ignore=0.3"]
    report, out = demo(tmp_path, USUAL_SPEED, *words)
    commands, truth = lines(out / "commands.jsonl"), lines(out / "truth.jsonl")
    ends = Counter(newest_states(commands).values())
    figures = report["commands"]
    assert figures["planned"] == ends.total() == sum(v for k, v in figures.items() if k != "planned")
    assert figures["planned"] >= 6
    assert figures["unresolved"] == 0
    assert {k: v for k, v in figures.items() if v and k != "planned"} == dict(ends)
    writes = report["writes"]
    assert writes["sent"] == sum(c["event"] == "sent" for c in commands)
    reached = [t for t in truth if t["kind"] == "request" and t["cause"] != "expired-token"]
    assert writes["sent"] == len(reached), "a token that ran out is renewed within one write"
    assert writes["ignored_true"] == writes["ignored_found"] > 0
    assert writes["ignored_true"] == sum(t.get("cause") == "ignored" for t in truth)
    assert report["slots"] == 20
    assert report["fidelity_pct"] > 80
    states = [((t["pump"], t["lever"]), t["value"]) for t in truth if t["kind"] == "state"]
    assert dict(states) == dict(reversed(states)), "every pump was left on its household's own settings"
    assert (writes["late"], writes["conflicting"], report["dwell_violations"]) == (0, 0, 0)
    assert (report["outage"], report["kills"]) == (None, None)
    of_each = report["vendors"]
    assert {oem: told["pumps"] for oem, told in of_each.items()} == {"nibe": 3, "viessmann": 3}
    assert sum(told["ignored"] for told in of_each.values()) == writes["ignored_found"]
    for told in of_each.values():
        assert told["fidelity_pct"] > 80
        assert told["calls"] > 0
        assert 0 < told["quota_pct"] < 100
        assert 0 < told["verify_s_p50"] <= told["verify_s_p95"]


def test_kills_an_outage_and_faults_leave_nothing_open_late_or_crossed(tmp_path: Path) -> None:
    words = ["--pumps", "4", "--hours", "1", "--seed", "5", "--kill-worker-every", "15m", "--outage", "nibe@00:12+12m"]
    words += ["--oem", "nibe"]
    faults = ["--fault", "silent-ignore=0.3", "--fault", "touched=20", "--fault", "drift=20"]
    report, out = demo(tmp_path, ROUGH_SPEED, *words, *faults)
    commands, truth = lines(out / "commands.jsonl"), lines(out / "truth.jsonl")
    figures, writes = report["commands"], report["writes"]
    assert report["speed"] <= ROUGH_SPEED
    assert report["kills"]["count"] == 3
    assert len(report["kills"]["by_role"]) == 3, "every role was killed once"
    assert figures["planned"] == len(newest_states(commands)) > 0
    assert figures["unresolved"] == 0
    assert (writes["late"], writes["conflicting"], report["dwell_violations"]) == (0, 0, 0)
    assert writes["ignored_found"] == writes["ignored_true"] > 0
    in_time = [c for c in commands if c["event"] == "sent" and c["at"] < c["expires_at"]]
    assert writes["sent"] == len(in_time) > 0
    end = datetime.fromisoformat(report["start"]) + timedelta(hours=report["hours"])
    moved = Counter(t["cause"] for t in truth if t["kind"] == "state" and datetime.fromisoformat(t["at"]) < end)
    touched, drift = report["touched"], report["drift"]
    assert touched["true"] + touched["unlooked"] == moved["household"] > 0
    assert drift["true"] + drift["unlooked"] == moved["drift"] > 0
    assert (drift["missed"], drift["unfounded"]) == (0, 0)
    assert touched["fought_knowingly"] == 0
    outage = report["outage"]
    assert outage["minutes"] == 12
    assert outage["calls"]["total"] + outage["calls"]["before_open"] == sum(t["kind"] == "call" for t in truth) > 0
    assert outage["peak_calls_per_min"] <= outage["granted_calls_per_min"]
    assert all("circuit" in line and "known_at" in line for line in commands)


def newest_states(commands: list[dict[str, Any]]) -> dict[str, str]:
    """The state that each command's newest line of a state names."""
    newest: dict[str, str] = {}
    for line in sorted(commands, key=lambda c: datetime.fromisoformat(c["at"])):
        if line["event"] not in (*OF_ONE_WRITE, *OF_THE_PUMP):
            newest[line["command"]] = line["event"]
    return newest


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_an_interrupted_demo(signum: signal.Signals) -> None:
    running = subprocess.Popen(
        [*HEATSTEER, "demo", "--pumps", "2"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert running.stderr is not None
    with running.stderr as said:
        heard = ""
        for line in said:
            heard += line
            if "enrolled" in line:
                break
        assert "enrolled" in heard, heard
        children = psutil.Process(running.pid).children(recursive=True)
        assert len(children) >= 8, "a supervisor and a child each for PostgreSQL, Temporal, simulator and two workers"
        running.send_signal(signum)
        rest = said.read() if signum is not signal.SIGKILL else ""
    code = running.wait(HANG_S)
    patience = Patience(15)
    while any(child.is_running() for child in children) and not patience.is_over:
        time.sleep(0.1)
    assert [child for child in children if child.is_running()] == []
    if signum is not signal.SIGKILL:
        assert code == 130
        assert "nothing was left running" in rest
