"""The fake ThinQ cloud: six headers, codes of its own, a budget by the hour, and units whose state has no stamp."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.homes.fleet import Home
from simulator.levers import Lever
from tests.simulator.builders import ManualClock
from tests.simulator.conftest import CLIENT, MakeFleet
from tests.simulator.wire import Wire

HEADERS = {
    "x-country": "DE",
    "x-message-id": "fNvdZ1brTn-wWKUlWGoSVw",
    "x-client-id": "test-client",
    "x-api-key": CLIENT["client_id"],
    "x-service-phase": "OP",
}
ROOM, TANK = "roomTemperatureInUnits", "hotWaterTemperatureInUnits"


class LgWire(Wire):
    """Spoken to with a personal token."""

    def lg(self, method: str, path: str, without: str = "", **request: Any) -> httpx.Response:
        headers = {name: value for name, value in HEADERS.items() if name != without}
        return self.ask(method, path, headers=headers | {"Authorization": f"Bearer {self.token}"}, **request)

    def state(self, home: Home) -> dict[str, Any]:
        answer = self.lg("GET", f"/devices/{home.unit.identity.device_id}/state")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["response"])

    def control(self, home: Home, body: Any) -> httpx.Response:
        return self.lg("POST", f"/devices/{home.unit.identity.device_id}/control", json=body)


def code(answer: httpx.Response) -> str:
    assert not answer.is_success
    return str(answer.json()["error"]["code"])


@pytest.fixture
def wire(make_fleet: MakeFleet, tmp_path: Path) -> LgWire:
    clock = ManualClock()
    spoken = LgWire(make_fleet(clock, folder=tmp_path, pumps=3, vendors=["lg"], **CLIENT), clock, tmp_path)
    spoken.wait(minutes=10)
    spoken.token = CLIENT["client_secret"]
    return spoken


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        ("x-country", "1216"),
        ("x-client-id", "1216"),
        ("x-service-phase", "1216"),
        ("x-message-id", "1104"),
        ("x-api-key", "1301"),
    ],
)
def test_a_missing_header_is_refused(wire: LgWire, without: str, expected: str) -> None:
    assert code(wire.lg("GET", "/devices", without=without)) == expected


def test_a_setting_is_taken_as_an_object_and_shown_in_a_list_later(wire: LgWire) -> None:
    home = wire.fleet.homes[0]
    before = wire.state(home)[ROOM][0]["airHeatTargetTemperature"]
    answer = wire.control(home, {ROOM: {"airHeatTargetTemperature": before + 0.5, "unit": "C"}})
    assert (answer.status_code, answer.json()["response"]) == (200, {})
    assert wire.state(home)[ROOM][0]["airHeatTargetTemperature"] == before
    wire.wait(minutes=4)
    assert wire.state(home)[ROOM][0]["airHeatTargetTemperature"] == before + 0.5
    assert wire.control(home, {TANK: {"targetTemperature": 50, "unit": "C"}}).status_code == 200
    wire.wait(minutes=4)
    assert home.unit.levers[Lever.HOT_WATER_TARGET].setting == 50


def test_a_unit_that_follows_its_water_has_a_target_for_it_and_none_for_the_room(wire: LgWire) -> None:
    home = next(home for home in wire.fleet.homes if home.unit.heating_lever is Lever.LEAVING_WATER)
    shown = wire.state(home)
    assert shown["operation"]["roomTempMode"] == "WATER"
    assert "airHeatTargetTemperature" not in shown[ROOM][0]
    before = shown[ROOM][0]["waterHeatTargetTemperature"]
    profile = wire.lg("GET", f"/devices/{home.unit.identity.device_id}/profile").json()["response"]["property"]
    limits = profile[ROOM][0]["waterHeatTargetTemperature"]["value"]["w"]
    assert limits["min"] < before <= limits["max"] <= home.unit.spec.control.supply_max_c
    assert code(wire.control(home, {ROOM: {"airHeatTargetTemperature": 21, "unit": "C"}})) == "1102"
    assert code(wire.control(home, {ROOM: {"waterHeatTargetTemperature": limits["max"] + 1, "unit": "C"}})) == "2207"
    assert wire.control(home, {ROOM: {"waterHeatTargetTemperature": before - 3, "unit": "C"}}).status_code == 200
    wire.wait(minutes=4)
    assert wire.state(home)[ROOM][0]["waterHeatTargetTemperature"] == before - 3


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({ROOM: {"waterHeatTargetTemperature": 35, "unit": "C"}}, "1102"),
        ({ROOM: {"airHeatTargetTemperature": 21.3, "unit": "C"}}, "2207"),
        ({ROOM: {"airHeatTargetTemperature": 31, "unit": "C"}}, "2207"),
        ({ROOM: {"airHeatTargetTemperature": "21", "unit": "C"}}, "2207"),
        ({ROOM: {"airHeatTargetTemperature": 21}}, "1101"),
        ({ROOM: [{"airHeatTargetTemperature": 21, "unit": "C"}]}, "1101"),
        ({ROOM: {"currentTemperature": 21, "unit": "C"}}, "1102"),
        ({ROOM: {}, TANK: {}}, "1102"),
        ([], "1311"),
    ],
)
def test_a_bad_control_is_refused_and_logged(wire: LgWire, body: Any, expected: str) -> None:
    home = wire.fleet.homes[0]
    assert code(wire.control(home, body)) == expected
    assert wire.lines(home, "request")[-1]["cause"] == "refused"


def test_what_a_unit_does_not_take_now_has_a_code_for_each_reason(wire: LgWire) -> None:
    home = wire.fleet.homes[0]
    body = {ROOM: {"airHeatTargetTemperature": 20, "unit": "C"}}
    for condition, expected in (("remote-disabled", "2301"), ("off", "2304"), ("installer", "2302")):
        wire.bring(home, condition)
        assert code(wire.control(home, body)) == expected
    wire.bring(home, "updating")
    assert code(wire.control(home, body)) == "1222"


def test_the_hours_calls_are_used_up_without_a_word_on_when_they_return(wire: LgWire) -> None:
    answers = [wire.lg("GET", "/devices") for _ in range(101)]
    assert [answer.status_code for answer in answers[:100]] == [200] * 100
    assert code(answers[-1]) == "1314"
    assert not {name for name in answers[-1].headers if "limit" in name or name == "retry-after"}
    wire.wait(minutes=60)
    assert wire.lg("GET", "/devices").status_code == 200


def test_a_token_reaches_its_own_home_and_an_unknown_one_nothing(wire: LgWire) -> None:
    mine, other = wire.fleet.homes[:2]
    wire.token = f"{CLIENT['client_secret']}:{wire.fleet.account_of(mine)}"
    (listed,) = wire.lg("GET", "/devices").json()["response"]
    assert listed["deviceId"] == mine.unit.identity.device_id
    assert listed["deviceInfo"]["deviceType"] == "DEVICE_SYSTEM_BOILER"
    assert code(wire.control(other, {})) in ("1205", "1311")
    wire.token = "made-up"
    assert code(wire.lg("GET", "/devices")) == "1103"


def test_an_offline_unit_is_refused_and_listed_as_not_reporting(wire: LgWire) -> None:
    wire.fleet.switchboard.dice.set_rates({"offline": 1.0})
    home = wire.fleet.homes[0]
    assert code(wire.lg("GET", f"/devices/{home.unit.identity.device_id}/state")) == "1222"
    listed = wire.lg("GET", "/devices").json()["response"]
    assert [device["deviceInfo"]["reportable"] for device in listed] == [False] * 3


def test_energy_by_the_day_has_the_shape_that_the_vendor_s_client_reads_and_an_odd_question_is_refused(
    wire: LgWire,
) -> None:
    device = wire.fleet.homes[0].unit.identity.device_id
    profile = wire.lg("GET", f"/devices/energy/{device}/profile").json()["response"]
    assert profile == {"resultCode": "0000", "result": {"property": ["energyUsage"]}}
    query = {"property": "energyUsage", "period": "DAILY", "startDate": "20260113", "endDate": "20260115"}
    usage = wire.lg("GET", f"/devices/energy/{device}/usage", params=query).json()["response"]
    assert set(usage) == {"resultCode", "result"}
    assert set(usage["result"]) == {"dataList", "property"}
    assert [entry["usedDate"] for entry in usage["result"]["dataList"]] == ["20260113", "20260114", "20260115"]
    for odd in ({"period": "HOURLY"}, {"property": "water"}, {"endDate": "20260112"}, {"startDate": "2026-01-13"}):
        refused = wire.lg("GET", f"/devices/energy/{device}/usage", params=query | odd)
        assert code(refused) in {"1102", "1220"}
