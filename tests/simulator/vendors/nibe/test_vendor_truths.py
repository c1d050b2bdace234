"""What real units, real answers and the vendor's public Python client show, and the documents alone do not."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from simulator.homes.fleet import Home
from tests.simulator.builders import ManualClock
from tests.simulator.conftest import CLIENT, MakeFleet
from tests.simulator.vendors.nibe.wire import NibeWire
from tests.simulator.wire import shape

CALLBACK = "https://example.org/callback/"


@pytest.fixture
def wire(make_fleet: MakeFleet, tmp_path: Path) -> NibeWire:
    clock = ManualClock()
    fleet = make_fleet(
        clock,
        folder=tmp_path,
        pumps=6,
        token_life_s=10**6,
        rate_limit_per_min=10**6,
        redirect_uris=[CALLBACK],
        **CLIENT,
    )
    spoken = NibeWire(fleet, clock, tmp_path)
    spoken.wait(minutes=10)
    return spoken


def get(wire: NibeWire, path: str, **request: Any) -> Any:
    answer = wire.call("GET", path, **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


def device(home: Home) -> str:
    return f"/v2/devices/{home.unit.identity.device_id}"


def system(home: Home) -> str:
    return f"/v2/systems/{home.unit.identity.system_id}"


def test_systems_and_points_have_the_keys_and_types_of_real_answers(wire: NibeWire, real_data: Path) -> None:
    real = json.loads((real_data / "oem/nibe/systems.json").read_text())
    ours = get(wire, "/v2/systems/me")
    for part in ours["systems"]:
        for unit in part["devices"]:
            assert unit.pop("deviceType") == "nibe-n", "newer answers have it, the older real one does not"
    assert shape(ours) == shape(real)
    points = json.loads((real_data / "oem/nibe/device_points_nibe_f730_excerpt.json").read_text())
    listed = {point["parameterId"]: point for point in get(wire, f"{device(wire.home())}/points")}
    shared = [point for point in points if point["parameterId"] in listed]
    assert len(shared) > 5
    for point in shared:
        assert set(listed[point["parameterId"]]) == set(point)
        ours_there = listed[point["parameterId"]]
        for name in ("value", "strVal", "parameterName", "scaleValue", "writable"):
            assert shape(ours_there[name]) == shape(point[name]), (point["parameterId"], name)


def test_an_s_series_with_price_adaption_shows_point_4789(wire: NibeWire) -> None:
    home = wire.home(s_series=True)
    assert wire.points(home)["4789"] == 0
    wire.bring(home, "external")
    wire.wait(minutes=2)
    listed = get(wire, f"{device(home)}/points", params={"parameters": "4789"})
    assert (listed[0]["parameterName"], listed[0]["value"]) == ("Activated (Smart Price Adaption)", 1)
    assert "5089" not in wire.points(home), "a number that no real unit has"
    assert wire.write(home, {"4789": 0}).status_code == 200
    wire.wait(minutes=2)
    assert wire.points(home)["4789"] == 0


def test_an_s_series_defrosts_as_operating_mode_120_while_its_priority_stays_on_heating(wire: NibeWire) -> None:
    home = wire.home(s_series=True)
    enumeration = get(wire, f"{device(home)}/points", params={"parameters": "1965"})[0]["enumValues"]
    assert {(entry["value"], entry["text"]) for entry in enumeration} >= {
        *(("20", "Off"), ("40", "Starting"), ("60", "On"), ("100", "Stopping")),
        *(("120", "Defrosting"), ("140", "Defrosting"), ("160", "Defrosting")),
    }
    seen = set()
    for _ in range(600):
        home.steered.tank.water_c = 50.0
        home.steered.control.iced_s += 300.0 * home.steered.control.running
        wire.wait(minutes=1)
        shown = wire.points(home)
        seen.add((shown["1965"], shown["14950"]))
        if (120, 1) in seen and (60, 1) in seen:
            break
    assert (120, 1) in seen
    assert (60, 1) in seen


def test_a_zone_takes_15_to_25_and_names_no_modes(wire: NibeWire) -> None:
    (zone,) = get(wire, f"{device(wire.home(s_series=True))}/smart-home-zones")
    assert (zone["setpointRangeMin"], zone["setpointRangeMax"], zone["supportedModes"]) == (15.0, 25.0, "")
    assert zone["isCelcius"] is True, "the vendor spells it so"


def test_features_have_the_names_of_real_answers(wire: NibeWire) -> None:
    f_series = get(wire, device(wire.home()))["availableFeatures"]
    s_series = get(wire, device(wire.home(s_series=True)))["availableFeatures"]
    assert {"getZones", "setSmartMode", "setAidMode", "boostHotWater", "getScheduleVacation"} <= set(f_series)
    assert set(f_series) == set(s_series)
    assert "smartHomeZones" not in f_series
    assert (f_series["getZones"], s_series["getZones"]) == (False, True)


def test_alarms_subscriptions_categories_and_v3_points_are_served(wire: NibeWire) -> None:
    home = wire.home(s_series=True)
    for suffix in ("", "/active"):
        query = {"page": 2, "itemsPerPage": 20}
        page = get(wire, f"{system(home)}/notifications{suffix}", params=query)
        assert page == {"page": 2, "itemsPerPage": 20, "numItems": 0, "notifications": []}
    kinds = [found["type"] for found in get(wire, f"{system(home)}/subscriptions")["subscriptions"]]
    assert kinds == ["history", "manage"]
    assert "sh-indoorSpHeat" in get(wire, f"{device(home)}/smart-home-categories")
    v3 = f"/v3/devices/{home.unit.identity.device_id}/points"
    assert get(wire, v3) == get(wire, f"{device(home)}/points")
    assert wire.call("PATCH", v3, json={"47751": 21}).status_code == 405
    for path in ("notifications", "subscriptions", "smart-home-mode"):
        assert wire.call("GET", f"/v2/systems/unknown/{path}").status_code == 403


def test_the_away_switch_can_be_pressed_from_afar(wire: NibeWire) -> None:
    home = wire.home(s_series=True)
    path = f"{system(home)}/smart-home-mode"
    answer = wire.call("PUT", path, json={"smartHomeMode": "Away"})
    assert (answer.status_code, answer.json()) == (200, {"payload": {"state": "ok"}})
    assert get(wire, path) == {"smartHomeMode": "Away"}
    assert home.unit.condition.value == "away"
    assert wire.call("PUT", path, json={"smartHomeMode": "Home"}).status_code == 200
    assert get(wire, path) == {"smartHomeMode": "Default"}
    for bad in ({"smartHomeMode": "Party"}, {"mode": "Away"}, ["Away"]):
        assert wire.call("PUT", path, json=bad).status_code == 400


def test_a_read_that_names_a_lost_parameter_is_refused_whole_and_a_full_read_leaves_it_out(wire: NibeWire) -> None:
    home = wire.home()
    path, before = f"{device(home)}/points", set(wire.points(home))
    assert wire.call("GET", path, params={"parameters": "47011,99999"}).status_code == 200, "unknown ids are left out"
    wire.fleet.switchboard.dice.set_rates({"lost-point": 1.0})
    (lost,) = before - set(wire.points(home))
    assert wire.call("GET", path, params={"parameters": f"47011,{lost}"}).status_code == 404
    assert wire.call("GET", path, params={"parameters": "47011"}).status_code == 200
    wire.fleet.switchboard.dice.set_rates({"lost-point": 0.0})
    assert wire.call("GET", path, params={"parameters": f"47011,{lost}"}).status_code == 200


def _authorize(wire: NibeWire, **changes: str) -> httpx.Response:
    query = {"response_type": "code", "client_id": CLIENT["client_id"], "redirect_uri": CALLBACK, "state": "s"}
    query |= {"scope": "READSYSTEM WRITESYSTEM offline_access"}
    return wire.ask("GET", "/oauth/authorize", params=query | changes)


def _redeem(wire: NibeWire, code: str, redirect_uri: str = CALLBACK) -> httpx.Response:
    form = CLIENT | {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return wire.ask("POST", "/oauth/token", data=form)


def test_a_persons_consent_is_a_code_that_works_once(wire: NibeWire) -> None:
    answer = _authorize(wire)
    assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    given = {name: values[0] for name, values in parse_qs(target.query).items()}
    assert answer.headers["location"].startswith(CALLBACK)
    assert given["state"] == "s"
    first = _redeem(wire, given["code"])
    assert first.status_code == 200
    assert {"access_token", "refresh_token", "expires_in"} <= set(first.json())
    again = _redeem(wire, given["code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_redirect_elsewhere_a_late_code_and_another_callback_are_refused(wire: NibeWire) -> None:
    assert _authorize(wire, redirect_uri=CALLBACK.rstrip("/")).status_code == 400
    assert _authorize(wire, client_id="somebody").status_code == 400
    assert _authorize(wire, response_type="token").status_code == 400
    code = parse_qs(urlsplit(_authorize(wire).headers["location"]).query)["code"][0]
    assert _redeem(wire, code, redirect_uri="https://example.org/other/").status_code == 400
    code = parse_qs(urlsplit(_authorize(wire).headers["location"]).query)["code"][0]
    wire.wait(minutes=2)
    assert _redeem(wire, code).json()["error"] == "invalid_grant"
