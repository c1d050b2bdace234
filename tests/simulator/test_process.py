"""The simulator as a process: how it starts, stops, goes on, and what can be asked of the fleet behind the clouds."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.homes.enrolment import Enrolment
from domain.slots import SLOT
from tests.simulator.builders import EPOCH, device_of
from tests.simulator.conftest import ROOT, Simulator, truth_of

pytestmark = pytest.mark.servers


def run_with(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "config.json"
    file.write_text(text)
    command = [sys.executable, "-m", "simulator", "--config", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"faults": {"earthquake": 0.5}}, "earthquake"),
        ({"pumbs": 3}, "pumbs"),
    ],
)
def test_a_wrong_configuration_ends_with_2_and_one_sentence(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    config = {
        "clock": {"epoch": EPOCH.isoformat(), "start_wall": EPOCH.isoformat()},
        "day": "2026-01-15",
        "truth_file": str(tmp_path / "truth.jsonl"),
        "ready_file": str(tmp_path / "ready.json"),
    }
    ended = run_with(tmp_path, json.dumps(config | change))
    assert ended.returncode == 2
    assert named in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_even_while_an_answer_is_held_back(
    start_simulator: Callable[..., Simulator], number: signal.Signals
) -> None:
    stopped = start_simulator(pumps=1, faults={"timeout": 1.0}, timeout_hold_s=60.0)
    device, pump = device_of(stopped.pumps()[0]), stopped.pumps()[0]["pump_id"]
    stopped.wait(seconds=60)
    token = stopped.ask_token().json()["access_token"]
    path = f"{stopped.url}/v2/devices/{device}/points"
    cuts: list[httpx.TransportError] = []

    def wait_for_an_answer() -> None:
        try:
            httpx.patch(path, json={"47011": 1}, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        except httpx.TransportError as cut:
            cuts.append(cut)

    held = threading.Thread(target=wait_for_an_answer)
    held.start()
    while held.is_alive() and not any(line["kind"] == "request" for line in stopped.truth(pump)):
        time.sleep(0.02)
    assert held.is_alive()
    assert stopped.stop(number) == 0
    held.join(10)
    assert len(cuts) == 1


def test_a_stopped_simulator_goes_on_where_it_was(start_simulator: Callable[..., Simulator], tmp_path: Path) -> None:
    kept = {"pumps": 2, "state_file": str(tmp_path / "state.json"), "folder": tmp_path / "run"}
    first = start_simulator(**kept)
    device, pump = device_of(first.pumps()[0]), first.pumps()[0]["pump_id"]
    parameter = "47011" if device.startswith("f730") else "47751"
    path = f"/v2/devices/{device}/" + ("points" if parameter == "47011" else "zones/1")
    value = first.point(device, parameter)["value"] + 1
    first.call("PATCH", path, json={parameter if parameter == "47011" else "setpointHeat": value})
    first.wait(seconds=70)
    lines = truth_of(tmp_path / "run")
    clock = first.config["clock"]
    assert first.stop() == 0
    assert not (tmp_path / "run" / "ready.json").exists()
    second = start_simulator(**kept, clock=clock)
    states = {state["pump"]: state for state in second.http.get("/_world/now").json()["pumps"]}
    assert states[pump]["setting"] == value
    assert truth_of(tmp_path / "run")[: len(lines)] == lines
    begun = [line["lever"] for line in truth_of(tmp_path / "run") if line.get("cause") == "initial"]
    assert begun == ["hot_water_comfort", "heating_offset"] * 2
    assert second.stop() == 0


def test_the_world_tells_the_truth_by_slots(simulator: Simulator) -> None:
    begun = simulator.steered()
    start = begun + SLOT - (begun - EPOCH) % SLOT  # the world forgets slots of long ago, and this one may be old by now
    query = {"start": start.isoformat(), "end": (start + 2 * SLOT).isoformat()}
    simulator.wait(minutes=50)
    summary = simulator.http.get("/_world/summary", params=query).json()
    assert summary["slots"] == [start.isoformat(), (start + SLOT).isoformat()]
    assert len(summary["pumps"]) == 12
    for pump in summary["pumps"]:
        assert pump["minutes"] == [15, 15]
        assert all(0 < kwh < 5 for kwh in pump["kwh"] + pump["baseline_kwh"])
        assert all(17 < room < 25 for room in pump["room_c"] + pump["baseline_room_c"])
        assert pump["kelvin_hours"] >= 0
        assert abs(pump["stored_heat_kwh"]) < 20
    again = simulator.http.get("/_world/summary", params=query).json()
    assert again == summary
    off_the_edge = (start - timedelta(minutes=8)).isoformat()
    for bad in ({"start": query["start"]}, {"start": off_the_edge, "end": query["end"]}):
        assert simulator.http.get("/_world/summary", params=bad).status_code == 400


def test_the_fleets_sheets_can_be_enrolled(simulator: Simulator) -> None:
    sheets = [Enrolment.model_validate(sheet) for sheet in simulator.pumps()]
    assert [sheet.pump_id for sheet in sheets][:2] == ["p-0001", "p-0002"]
    assert {sheet.oem for sheet in sheets} == {"nibe"}
    now = simulator.http.get("/_world/now").json()
    assert [pump["pump"] for pump in now["pumps"]] == [sheet.pump_id for sheet in sheets]


def test_a_person_can_turn_the_knob(simulator: Simulator) -> None:
    _, pump = simulator.device("f730", skip=7)
    asked = {"pump": pump, "lever": "heating_offset", "value": -3}
    assert simulator.http.post("/_world/household", json=asked).status_code == 200
    line = simulator.last_change(pump)
    assert (line["cause"], line["value"]) == ("household", -3)
    for bad in ({"value": 0.5}, {"lever": "room_setpoint"}, {"pump": "p-9999"}, {"value": "cold"}):
        assert simulator.http.post("/_world/household", json=asked | bad).status_code == 400
