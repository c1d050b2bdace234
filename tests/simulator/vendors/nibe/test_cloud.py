"""The fake vendor cloud over real HTTP: its dialect, its strictness, and that accepting is not applying."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.simulator.builders import EPOCH, device_of, system_of
from tests.simulator.conftest import CLIENT, Simulator

pytestmark = pytest.mark.servers


def test_a_token_is_given_to_a_known_client_by_form_or_basic(simulator: Simulator) -> None:
    answer = simulator.ask_token()
    assert answer.status_code == 200
    assert answer.json() | {"access_token": ""} == {
        "access_token": "",
        "expires_in": 1_000_000,
        "token_type": "Bearer",
        "scope": "WRITESYSTEM READSYSTEM",
    }
    pair = base64.b64encode(":".join(CLIENT.values()).encode()).decode()
    basic = simulator.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "scope": "READSYSTEM"},
        headers={"Authorization": f"Basic {pair}"},
    )
    assert basic.json()["scope"] == "READSYSTEM"


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"scope": "READSYSTEM WRITESYSTEM offline_access"}, 400, "invalid_scope"),
        ({"scope": "EVERYTHING"}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, 400, "invalid_grant"),
    ],
)
def test_a_token_is_refused_with_the_code_of_the_standard(
    simulator: Simulator, fields: dict[str, str], status: int, error: str
) -> None:
    answer = simulator.ask_token(**fields)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_only_a_posted_form_gets_a_token(simulator: Simulator) -> None:
    assert simulator.http.get("/oauth/token").status_code == 405
    answer = simulator.http.post("/oauth/token", json=CLIENT | {"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_systems_come_in_pages(simulator: Simulator) -> None:
    first = simulator.call("GET", "/v2/systems/me", params={"page": 1, "itemsPerPage": 5}).json()
    last = simulator.call("GET", "/v2/systems/me", params={"page": 3, "itemsPerPage": 5}).json()
    assert [first[key] for key in ("page", "itemsPerPage", "numItems")] == [1, 5, 12]
    assert [len(page["systems"]) for page in (first, last)] == [5, 2]
    assert len(simulator.call("GET", "/v2/systems/me").json()["systems"]) == 10
    assert simulator.call("GET", "/v2/systems/me", params={"page": 4, "itemsPerPage": 5}).json()["systems"] == []
    system = first["systems"][0]
    assert set(system) == {"systemId", "name", "securityLevel", "hasAlarm", "country", "devices"}
    assert system["devices"][0]["connectionState"] == "Connected"
    sheet = simulator.pumps()[0]
    assert (system["systemId"], system["devices"][0]["id"]) == (system_of(sheet), device_of(sheet))
    for bad in ({"page": 0}, {"itemsPerPage": 101}, {"page": "x"}, {"size": 5}):
        assert simulator.call("GET", "/v2/systems/me", params=bad).status_code == 400


def test_points_look_like_the_vendors(simulator: Simulator) -> None:
    device, _ = simulator.device("f730")
    listed = simulator.call("GET", f"/v2/devices/{device}/points").json()
    assert set(listed[0]) == {
        *("category", "parameterId", "parameterName", "parameterUnit", "writable", "timestamp", "value", "strVal"),
        *("smartHomeCategories", "minValue", "maxValue", "stepValue", "enumValues", "scaleValue", "zoneId"),
    }
    ids = [point["parameterId"] for point in listed]
    assert ids.count("40940") == 2
    assert {"40004", "40033", "40008", "40012", "43009", "41778", "43427", "49994", "47011", "40079"} <= set(ids)
    stamps = {point["timestamp"] for point in listed}
    assert len(stamps) == 1
    assert stamps.pop().endswith("+01:00"), "the offset of the place where the unit hangs"
    few = simulator.call("GET", f"/v2/devices/{device}/points", params={"parameters": "47011,40004,nothing"})
    assert {point["parameterId"] for point in few.json()} == {"47011", "40004"}
    offset = simulator.point(device, "47011")
    assert [offset[key] for key in ("minValue", "maxValue", "stepValue", "scaleValue")] == [-10, 10, 1, "1"]


def test_ranges_are_raw_while_values_are_real(simulator: Simulator) -> None:
    device, _ = simulator.device("s735")
    point = simulator.point(device, "47751")
    assert [point[key] for key in ("minValue", "maxValue", "stepValue", "scaleValue")] == [50, 350, 5, "0.1"]
    assert 20 < point["value"] < 23
    assert point["smartHomeCategories"] == ["sh-indoorSpHeat"]
    refused = simulator.write(device, {"47751": 215})
    assert refused.status_code == 400
    assert "valid min-max range" in refused.text


def test_an_absent_sensor_reads_minus_32768(simulator: Simulator) -> None:
    rooms = []
    for sheet in simulator.pumps():
        device = device_of(sheet)
        rooms.append(simulator.point(device, "50660" if device.startswith("s735") else "40033")["value"])
    assert 1 <= rooms.count(-32768) <= 6
    assert all(17 < room < 25 for room in rooms if room != -32768)


def test_a_write_is_answered_at_once_applied_later_and_published_later_still(simulator: Simulator) -> None:
    device, pump = simulator.device("f730")
    before = simulator.point(device, "47011")
    wanted = before["value"] + 1
    answer = simulator.write(device, {"47011": wanted})
    assert (answer.status_code, answer.json()) == (200, {"status": 200, "payload": {"47011": "modified"}})
    request = simulator.last_request(pump)
    assert (request["cause"], request["value"], request["client"]) == ("accepted", wanted, "tester")
    delay = datetime.fromisoformat(request["apply_at"]) - datetime.fromisoformat(request["at"])
    assert timedelta(seconds=10) <= delay <= timedelta(seconds=60)
    simulator.wait(seconds=125)
    after = simulator.point(device, "47011")
    assert after["value"] == wanted
    assert datetime.fromisoformat(after["timestamp"]) >= datetime.fromisoformat(request["apply_at"]) - timedelta(
        seconds=1
    )
    state = simulator.last_change(pump)
    assert (state["cause"], state["value"]) == ("write", wanted)
    assert state["at"] == request["apply_at"]


def test_writing_what_is_already_so_changes_nothing(simulator: Simulator) -> None:
    device, pump = simulator.device("f730", skip=1)
    value = simulator.point(device, "47011")["value"]
    content = {"Content-Type": "application/json-patch+json"}
    answer = simulator.call("PATCH", f"/v2/devices/{device}/points", content=f'{{"47011": "{value}"}}', headers=content)
    assert answer.status_code == 200
    assert simulator.last_request(pump)["cause"] == "no-change"


def test_an_s_series_setpoint_is_modified_as_a_point_and_never_applied(simulator: Simulator) -> None:
    device, pump = simulator.device("s735")
    value = simulator.point(device, "47751")["value"]
    answer = simulator.write(device, {"47751": value + 1})
    assert (answer.status_code, answer.json()["payload"]) == (200, {"47751": "modified"})
    line = simulator.last_request(pump)
    assert (line["cause"], line["detail"]) == ("ignored", "points-on-zone")
    simulator.wait(seconds=200)
    assert simulator.point(device, "47751")["value"] == value


def test_an_s_series_setpoint_is_applied_through_its_zone(simulator: Simulator) -> None:
    device, pump = simulator.device("s735", skip=1)
    zones = simulator.call("GET", f"/v2/devices/{device}/smart-home-zones").json()
    assert [zone["zoneId"] for zone in zones] == ["1"]
    wanted = zones[0]["setpointHeat"] + 0.5
    answer = simulator.call("PATCH", f"/v2/devices/{device}/zones/1", json={"setpointHeat": wanted})
    assert answer.status_code == 200
    simulator.wait(seconds=125)
    zone = simulator.call("GET", f"/v2/devices/{device}/smart-home-zones").json()[0]
    assert zone["setpointHeat"] == wanted
    assert abs(zone["temperature"] - 21) < 3
    assert simulator.point(device, "47751")["value"] == wanted
    assert simulator.last_request(pump)["cause"] == "accepted"
    assert simulator.last_change(pump)["cause"] == "write"


def test_f_series_units_have_no_zone(simulator: Simulator) -> None:
    device, _ = simulator.device("f730")
    assert simulator.call("GET", f"/v2/devices/{device}/smart-home-zones").json() == []
    assert simulator.call("PATCH", f"/v2/devices/{device}/zones/1", json={"setpointHeat": 21}).status_code == 404


@pytest.mark.parametrize(
    ("family", "body", "status"),
    [
        ("f730", '{"47011": 11}', 400),
        ("f730", '{"47011": -10.5}', 400),
        ("f730", '{"47011": 0.5}', 400),
        ("f730", '{"47011": true}', 400),
        ("f730", '{"47011": null}', 400),
        ("f730", '{"47011": "two"}', 400),
        ("f730", '{"47011": NaN}', 400),
        ("f730", '{"40004": 5}', 400),
        ("f730", '{"99999": 5}', 400),
        ("f730", '{"47011": 1, "99999": 5}', 400),
        ("f730", "[47011, 2]", 400),
        ("f730", "{}", 400),
        ("f730", "not json", 400),
        ("s735", '{"47751": 21.3}', 400),
        ("s735", '{"47751": 4.5}', 400),
    ],
)
def test_a_bad_write_is_refused_and_logged(simulator: Simulator, family: str, body: str, status: int) -> None:
    device, pump = simulator.device(family)
    json_type = {"Content-Type": "application/json"}
    answer = simulator.call("PATCH", f"/v2/devices/{device}/points", content=body, headers=json_type)
    assert answer.status_code == status
    assert simulator.last_request(pump)["cause"] == "refused"


@pytest.mark.parametrize(
    ("zone", "body", "status"),
    [
        ("1", {"setpointHeat": 25.5}, 400),
        ("1", {"setpointHeat": 14.5}, 400),
        ("1", {"setpointHeat": 21.2}, 400),
        ("1", {"setpointHeat": "warm"}, 400),
        ("1", {"setpointCool": 21}, 400),
        ("1", {"setpointHeat": 21, "name": "x"}, 400),
        ("9", {"setpointHeat": 21}, 404),
    ],
)
def test_a_bad_zone_write_is_refused(simulator: Simulator, zone: str, body: dict[str, Any], status: int) -> None:
    device, _ = simulator.device("s735")
    assert simulator.call("PATCH", f"/v2/devices/{device}/zones/{zone}", json=body).status_code == status


def test_routes_methods_types_and_devices_must_be_right(simulator: Simulator) -> None:
    device, _ = simulator.device("f730")
    assert simulator.call("GET", "/v2/nothing").status_code == 404
    assert simulator.call("GET", f"/v2/devices/{device}/point").status_code == 404
    assert simulator.call("GET", "/v2/devices/unknown/points").status_code == 404
    assert simulator.call("GET", "/v2/systems/unknown/smart-home-mode").status_code == 403
    assert simulator.call("PUT", f"/v2/devices/{device}/points", json={"47011": 1}).status_code == 405
    assert simulator.call("PATCH", "/v2/devices/unknown/points", json={"47011": 1}).status_code == 404
    text = {"Content-Type": "text/plain"}
    answer = simulator.call("PATCH", f"/v2/devices/{device}/points", content='{"47011": 1}', headers=text)
    assert answer.status_code == 415


def test_nothing_is_read_or_written_without_a_living_token(simulator: Simulator) -> None:
    device, pump = simulator.device("f730")
    assert simulator.http.get(f"/v2/devices/{device}/points").status_code == 401
    answer = simulator.call("PATCH", f"/v2/devices/{device}/points", token="made-up", json={"47011": 1})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert simulator.last_request(pump)["cause"] == "expired-token"
    assert simulator.http.get("/v2/ping").status_code == 200
    assert simulator.http.get("/v2/protected-ping").status_code == 401
    assert simulator.call("GET", "/v2/protected-ping").status_code == 200


def test_reading_rights_do_not_allow_writing(simulator: Simulator) -> None:
    device, _ = simulator.device("f730")
    token = simulator.ask_token(scope="READSYSTEM").json()["access_token"]
    assert simulator.call("GET", f"/v2/devices/{device}/points", token=token).status_code == 200
    answer = simulator.call("PATCH", f"/v2/devices/{device}/points", token=token, json={"47011": 1})
    assert answer.status_code == 403


def test_devices_modes_and_firmware_are_told(simulator: Simulator) -> None:
    device, _ = simulator.device("s735")
    told = simulator.call("GET", f"/v2/devices/{device}").json()
    assert (told["id"], told["connectionState"], told["product"]["name"]) == (device, "Connected", "S735-7")
    assert told["firmware"]["currentFwVersion"] == told["firmware"]["desiredFwVersion"]
    firmware = simulator.call("GET", f"/v2/devices/{device}/firmware-info").json()
    assert firmware["deviceId"] == device
    assert (int(firmware["firmwareId"]), firmware["pendingFwVersion"]) == (57, "")
    system = system_of(simulator.pumps()[0])
    mode = simulator.call("GET", f"/v2/systems/{system}/smart-home-mode")
    assert mode.json() == {"smartHomeMode": "Default"}


def test_quota_and_token_life_run_on_steered_time(start_simulator: Callable[..., Simulator]) -> None:
    strict = start_simulator(pumps=1, rate_limit_per_min=3, token_life_s=360, clock=_clock(240.0))
    sheet = strict.pumps()[0]
    device, pump = device_of(sheet), sheet["pump_id"]
    while (refused := strict.write(device, {"47011": 1})).status_code != 429:
        pass
    assert refused.headers["RateLimit-Limit"] == "3"
    assert refused.headers["RateLimit-Remaining"] == "0"
    assert 0 < int(refused.headers["RateLimit-Reset"]) <= 60
    assert strict.last_request(pump)["cause"] == "rate-limit"
    strict.wait(seconds=61)
    allowed = strict.call("GET", "/v2/protected-ping")
    assert (allowed.status_code, allowed.headers["RateLimit-Remaining"]) == (200, "2")
    strict.wait(seconds=361)
    expired = strict.call("GET", "/v2/protected-ping")
    assert (expired.status_code, expired.json()["error"]) == (401, "invalid_token")
    assert strict.stop() == 0


def test_a_persons_consent_is_refreshed_now_and_then_with_a_new_refresh_token(simulator: Simulator) -> None:
    first = simulator.ask_token(grant_type="refresh_token", refresh_token="consent", scope="").json()
    second = simulator.ask_token(grant_type="refresh_token", refresh_token="consent", scope="").json()
    assert "offline_access" in first["scope"]
    assert ("refresh_token" in first) != ("refresh_token" in second)
    assert simulator.call("GET", "/v2/protected-ping", token=second["access_token"]).status_code == 200
    renewed = first.get("refresh_token") or second["refresh_token"]
    again = simulator.ask_token(grant_type="refresh_token", refresh_token=renewed, scope="")
    assert again.status_code == 200


def _clock(speed: float) -> dict[str, Any]:
    return {"epoch": EPOCH.isoformat(), "start_wall": datetime.now(UTC).isoformat(), "speed": speed}
