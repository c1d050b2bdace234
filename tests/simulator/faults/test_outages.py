"""Outages of the vendor's whole cloud, and the count of the calls that it got."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.simulator.builders import EPOCH, device_of
from tests.simulator.conftest import MakeFleet, Simulator, truth_of

EPOCH_S = EPOCH.timestamp()


def down(simulator: Simulator, kind: str, hours: float = 12.0) -> None:
    """The cloud is down from now on."""
    now = simulator.steered()
    body = {"oem": "nibe", "kind": kind, "starts": now.isoformat(), "ends": (now + timedelta(hours=hours)).isoformat()}
    answer = simulator.http.post("/_world/outage", json=body)
    assert answer.status_code == 200, answer.text


def fate(simulator: Simulator, method: str, path: str, **request: Any) -> str:
    try:
        return str(simulator.call(method, path, **request).status_code)
    except httpx.TransportError:
        return "cut"


@pytest.fixture
def own_simulator(start_simulator: Callable[..., Simulator]) -> Simulator:
    """An outage of hours would fell the tests that share a simulator."""
    clock = {"epoch": EPOCH.isoformat(), "start_wall": datetime.now(UTC).isoformat(), "speed": 60.0}
    return start_simulator(pumps=2, clock=clock)


@pytest.mark.servers
@pytest.mark.parametrize(
    ("kind", "fates"),
    [("http-500", {"503"}), ("refuse", {"cut"}), ("timeout", {"cut"}), ("mixed", {"503", "cut"})],
)
def test_in_an_outage_nothing_gets_through_and_every_call_is_told(
    own_simulator: Simulator, kind: str, fates: set[str]
) -> None:
    sheet = own_simulator.pumps()[0]
    device, pump = device_of(sheet), sheet["pump_id"]
    path = f"/v2/devices/{device}/points"
    assert fate(own_simulator, "GET", path) == "200"
    down(own_simulator, kind)
    assert {fate(own_simulator, "GET", path) for _ in range(12)} == fates
    assert fate(own_simulator, "PATCH", path, json={"47011": 3}) in fates
    try:
        assert own_simulator.ask_token().status_code == 503
    except httpx.TransportError:
        assert "cut" in fates
    line = own_simulator.last_request(pump)
    assert (line["cause"], line["lever"], line["value"]) == ("outage", "heating_offset", 3)
    calls = [line for line in truth_of(own_simulator.folder) if line["kind"] == "call"]
    assert [line["method"] for line in calls] == ["GET"] * 12 + ["PATCH", "POST"]
    counted = own_simulator.http.get("/_world/calls").json()
    assert sum(counted["outage_calls"]) == 14
    assert sum(counted["calls"]) == 16
    assert sum(counted["writes"]) == 1
    assert len(counted["minutes"]) == len(counted["calls"]) == len(counted["writes"])
    begun = [line for line in truth_of(own_simulator.folder) if line["kind"] == "outage"]
    assert [(line["oem"], line["begins"]) for line in begun] == [("nibe", True)]
    assert own_simulator.stop() == 0


def test_a_planned_outage_is_told_at_its_own_moments_once_even_over_a_restart(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    planned = {"oem": "nibe", "starts": EPOCH + timedelta(minutes=10), "ends": EPOCH + timedelta(minutes=70)}
    kept: dict[str, Any] = {"folder": tmp_path, "state_file": tmp_path / "state.json", "outages": [planned]}
    fleet = make_fleet(**kept)
    fleet.advance_to(EPOCH_S + 600.0)
    assert fleet.switchboard.outages.failure(EPOCH_S + 599.0, "nibe") is None
    assert fleet.switchboard.outages.failure(EPOCH_S + 601.0, "nibe") is not None
    fleet.close()
    again = make_fleet(**kept)
    again.advance_to(EPOCH_S + 8000.0)
    assert again.switchboard.outages.failure(EPOCH_S + 4300.0, "nibe") is None
    lines = [line for line in truth_of(tmp_path) if line["kind"] == "outage"]
    assert [(line["at"], line["begins"]) for line in lines] == [
        ("2026-01-14T23:10:00.000+00:00", True),
        ("2026-01-15T00:10:00.000+00:00", False),
    ]


@pytest.mark.servers
@pytest.mark.parametrize(
    "change",
    [
        {"oem": "unknown"},
        {"ends": EPOCH.isoformat()},
        {"starts": "2026-01-15T00:00:00"},
        {"kind": "flood"},
        {"starts": None},
        {"why": "storm"},
    ],
)
def test_an_outage_that_cannot_be_is_refused(simulator: Simulator, change: dict[str, Any]) -> None:
    usual = {"oem": "nibe", "starts": EPOCH.isoformat(), "ends": (EPOCH + timedelta(hours=1)).isoformat()}
    assert simulator.http.post("/_world/outage", json=usual | change).status_code == 400
    assert simulator.call("GET", "/v2/protected-ping").status_code == 200


def test_calls_are_kept_for_fourteen_days_only(make_fleet: MakeFleet) -> None:
    calls = make_fleet().switchboard.calls
    for minute in range(15 * 1440):
        calls.count(EPOCH_S + 60.0 * minute, write=minute % 2 == 0, outage=False)
    first = int(EPOCH_S // 60)
    assert calls.get(first) == [0, 0, 0]
    assert calls.get(first + 15 * 1440 - 1) == [1, 0, 0]
    assert calls.get(first + 2 * 1440) == [1, 1, 0]
    assert sum(calls.get(first + minute)[0] for minute in range(15 * 1440)) == 14 * 1440
