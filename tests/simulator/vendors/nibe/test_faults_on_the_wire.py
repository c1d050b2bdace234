"""Each fault of the vendor cloud, switched fully on, with its effect on the wire and its line of truth."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.builders import EPOCH, device_of
from tests.simulator.conftest import Simulator

pytestmark = pytest.mark.servers


def span(later: str, earlier: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def another(simulator: Simulator, device: str) -> int:
    """An offset that the unit does not have."""
    simulator.wait(seconds=130)
    value = int(simulator.point(device, "47011")["value"])
    return value + 1 if value < 5 else value - 1


def test_slow_apply_takes_two_to_five_minutes(simulator: Simulator) -> None:
    device, pump = simulator.device("f730", skip=2)
    wanted = another(simulator, device)
    simulator.faults(slow_apply=1.0)
    assert simulator.write(device, {"47011": wanted}).status_code == 200
    line = simulator.last_request(pump)
    assert (line["cause"], line["detail"]) == ("accepted", "slow")
    assert 120 <= span(line["apply_at"], line["at"]) <= 300
    simulator.wait(seconds=301)
    assert simulator.last_change(pump) | {"at": ""} == {
        "kind": "state",
        "at": "",
        "pump": pump,
        "lever": "heating_offset",
        "circuit": "heating",
        "value": wanted,
        "cause": "write",
    }


def test_silent_ignore_answers_200_and_never_applies(simulator: Simulator) -> None:
    device, pump = simulator.device("f730", skip=3)
    wanted = another(simulator, device)
    simulator.faults(silent_ignore=1.0)
    assert simulator.write(device, {"47011": wanted}).status_code == 200
    line = simulator.last_request(pump)
    assert (line["cause"], line["detail"]) == ("ignored", "silent")
    simulator.wait(seconds=310)
    assert simulator.point(device, "47011")["value"] != wanted
    assert simulator.last_change(pump)["value"] != wanted


def test_a_deaf_unit_answers_200_and_never_applies(simulator: Simulator) -> None:
    device, pump = simulator.device("f730", skip=3)
    wanted = another(simulator, device)
    simulator.faults(deaf=1.0)
    assert simulator.write(device, {"47011": wanted}).status_code == 200
    line = simulator.last_request(pump)
    assert (line["cause"], line["detail"]) == ("ignored", "deaf")
    simulator.wait(seconds=310)
    assert simulator.point(device, "47011")["value"] != wanted


def test_a_revoked_consent_refuses_requests_and_new_tokens_until_it_is_given_again(simulator: Simulator) -> None:
    device, pump = simulator.device("f730", skip=3)
    assert simulator.call("GET", f"/v2/devices/{device}").status_code == 200
    simulator.faults(revoked_consent=1.0)
    assert simulator.write(device, {"47011": 1}).status_code == 401
    assert simulator.last_request(pump)["cause"] == "expired-token"
    refused = simulator.ask_token()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    simulator.faults(revoked_consent=0.0)
    assert simulator.ask_token().status_code == 200


def test_a_vendor_that_takes_quota_back_says_so_and_keeps_to_it(simulator: Simulator) -> None:
    device, _ = simulator.device("f730", skip=3)
    path = f"/v2/devices/{device}"
    whole = int(simulator.call("GET", path).headers["RateLimit-Limit"])
    simulator.faults(cut_quota=0.75)
    assert int(simulator.call("GET", path).headers["RateLimit-Limit"]) == whole // 4
    simulator.faults(cut_quota=1.0)
    assert simulator.call("GET", path).status_code == 429
    simulator.faults(cut_quota=0.0)
    assert simulator.call("GET", path).headers["RateLimit-Limit"] == str(whole)


def test_a_stale_read_shows_an_old_snapshot_with_its_old_stamp(simulator: Simulator) -> None:
    device, _ = simulator.device("f730", skip=4)
    simulator.wait(minutes=45)
    simulator.faults(stale_read=1.0)
    before = simulator.steered()
    stamp = datetime.fromisoformat(simulator.point(device, "40004")["timestamp"])
    assert before - stamp <= timedelta(minutes=31.1)
    assert simulator.steered() - stamp >= timedelta(minutes=10)
    simulator.faults(stale_read=0.0)
    assert datetime.fromisoformat(simulator.point(device, "40004")["timestamp"]) > before - timedelta(minutes=2)


def test_rate_limit_strikes_with_a_reset_to_wait_for(simulator: Simulator) -> None:
    device, pump = simulator.device("f730", skip=5)
    simulator.faults(rate_limit=1.0)
    answer = simulator.write(device, {"47011": 1})
    assert answer.status_code == 429
    assert 10 <= int(answer.headers["RateLimit-Reset"]) <= 40
    assert simulator.last_request(pump)["cause"] == "rate-limit"
    assert simulator.call("GET", f"/v2/devices/{device}").status_code == 429


def test_http_500_takes_no_write_and_speaks_html_or_json(simulator: Simulator) -> None:
    device, pump = simulator.device("f730", skip=6)
    wanted = another(simulator, device)
    simulator.faults(http_500=1.0)
    answers = [simulator.write(device, {"47011": wanted}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [500, 500]
    assert {answer.headers["content-type"].split(";")[0] for answer in answers} == {"text/html", "application/json"}
    assert simulator.last_request(pump)["cause"] == "http-500"
    simulator.faults(http_500=0.0)
    simulator.wait(seconds=130)
    assert simulator.point(device, "47011")["value"] != wanted


def test_timeout_cuts_the_connection_and_half_of_the_writes_land_late(simulator: Simulator) -> None:
    device, pump = simulator.device("f730", skip=1)
    wanted = another(simulator, device)
    simulator.faults(timeout=1.0)
    for _ in range(8):
        with pytest.raises(httpx.TransportError):
            simulator.write(device, {"47011": wanted})
    with pytest.raises(httpx.TransportError):
        simulator.call("GET", f"/v2/devices/{device}")
    simulator.faults(timeout=0.0)
    lines = [line for line in simulator.truth(pump) if line["cause"].startswith("timeout")]
    assert {line["cause"] for line in lines} == {"timeout-late", "timeout-lost"}
    late = next(line for line in lines if line["cause"] == "timeout-late")
    assert 60 <= span(late["apply_at"], late["at"]) <= 400
    simulator.wait(seconds=520)
    assert simulator.point(device, "47011")["value"] == wanted
    change = simulator.last_change(pump)
    assert (change["cause"], change["value"]) == ("late-write", wanted)


def test_a_client_that_gives_up_first_finds_the_cloud_well(simulator: Simulator) -> None:
    device, _ = simulator.device("f730")
    simulator.faults(timeout=1.0)
    with pytest.raises(httpx.TimeoutException):
        simulator.call("GET", f"/v2/devices/{device}", timeout=0.03)
    simulator.faults(timeout=0.0)
    assert simulator.call("GET", f"/v2/devices/{device}").status_code == 200


def test_an_expired_token_is_dead_from_then_on(simulator: Simulator) -> None:
    device, pump = simulator.device("f730")
    token = simulator.ask_token().json()["access_token"]
    path = f"/v2/devices/{device}/points"
    simulator.faults(expired_token=1.0)
    assert simulator.call("PATCH", path, token=token, json={"47011": 1}).status_code == 401
    assert simulator.last_request(pump)["cause"] == "expired-token"
    simulator.faults(expired_token=0.0)
    assert simulator.call("GET", path, token=token).status_code == 401
    fresh = simulator.ask_token().json()["access_token"]
    assert simulator.call("GET", path, token=fresh).status_code == 200


def test_an_offline_unit_grows_stale_and_its_writes_are_dropped(simulator: Simulator) -> None:
    device, pump = simulator.device("f730", skip=2)
    wanted = another(simulator, device)
    simulator.faults(offline=1.0)
    since = simulator.steered()
    assert simulator.call("GET", f"/v2/devices/{device}").json()["connectionState"] == "Disconnected"
    assert simulator.write(device, {"47011": wanted}).status_code == 200
    line = simulator.last_request(pump)
    assert (line["cause"], line["detail"]) == ("ignored", "offline")
    simulator.wait(minutes=5)
    assert datetime.fromisoformat(simulator.point(device, "40004")["timestamp"]) <= since + timedelta(minutes=1)
    simulator.faults(offline=0.0)
    simulator.wait(seconds=70)
    assert simulator.point(device, "47011")["value"] != wanted
    assert datetime.fromisoformat(simulator.point(device, "40004")["timestamp"]) > since + timedelta(minutes=2)


def test_unknown_faults_and_rates_are_refused_at_run_time(simulator: Simulator) -> None:
    for bad in ({"earthquake": 0.5}, {"timeout": 1.5}, {"timeout": "often"}, ["timeout"], "timeout"):
        assert simulator.http.post("/_world/faults", json=bad).status_code == 400


def test_nothing_fails_and_nothing_is_counted_before_the_epoch(start_simulator: Callable[..., Simulator]) -> None:
    start_wall = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    clock: dict[str, Any] = {"epoch": EPOCH.isoformat(), "start_wall": start_wall, "speed": 1.0}
    faults = dict.fromkeys(("http-500", "rate-limit", "timeout", "expired-token", "offline", "stale-read"), 1.0)
    held = start_simulator(pumps=2, clock=clock, faults=faults, rate_limit_per_min=3)
    for _ in range(6):
        answer = held.call("GET", "/v2/systems/me")
        assert (answer.status_code, answer.headers["RateLimit-Remaining"]) == (200, "3")
    assert held.steered() == EPOCH
    device = device_of(held.pumps()[0])
    stamp = datetime.fromisoformat(held.call("GET", f"/v2/devices/{device}/points").json()[0]["timestamp"])
    assert timedelta(0) <= EPOCH - stamp <= timedelta(minutes=1)
    assert held.call("GET", f"/v2/devices/{device}").json()["connectionState"] == "Connected"
    assert held.stop() == 0
