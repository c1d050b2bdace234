"""The fake IoT cloud: shapes of real answers, strict commands, two budgets, and its own way of saying offline."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from simulator.homes.fleet import Home
from tests.simulator.builders import ManualClock
from tests.simulator.conftest import MakeFleet
from tests.simulator.wire import Wire, shape

CALLBACK = "http://localhost:4200/"
VERIFIER = "a-verifier-that-is-long-enough-for-the-standard-0123456789"
CURVE, CHARGE = "heating.circuits.0.heating.curve", "heating.dhw.oneTimeCharge"


class ViessmannWire(Wire):
    """Spoken to as a public client with a person's consent."""

    def consent(self) -> dict[str, Any]:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": "tester",
            "redirect_uri": CALLBACK,
            "scope": "IoT offline_access",
        }
        query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        location = self.ask("GET", "/idp/v3/authorize", params=query).headers["location"]
        code = parse_qs(urlsplit(location).query)["code"][0]
        form = {"grant_type": "authorization_code", "client_id": "tester", "redirect_uri": CALLBACK, "code": code}
        answer: dict[str, Any] = self.ask("POST", "/idp/v3/token", data=form | {"code_verifier": VERIFIER}).json()
        self.token = answer["access_token"]
        return answer

    def features(self, home: Home, rest: str = "") -> httpx.Response:
        return self.call("GET", f"{path(home)}{rest}")

    def value(self, home: Home, feature: str, name: str) -> Any:
        return self.features(home, f"/{feature}").json()["data"]["properties"][name]["value"]

    def command(self, home: Home, feature: str, command: str, body: Any) -> httpx.Response:
        return self.call("POST", f"{path(home)}/{feature}/commands/{command}", json=body)


def path(home: Home) -> str:
    identity = home.unit.identity
    return f"/iot/v2/features/installations/{identity.system_id}/gateways/{identity.device_id}/devices/0/features"


@pytest.fixture
def wire(make_fleet: MakeFleet, tmp_path: Path) -> ViessmannWire:
    clock = ManualClock()
    fleet = make_fleet(
        clock,
        folder=tmp_path,
        pumps=3,
        vendors=["viessmann"],
        client_id="tester",
        redirect_uris=[CALLBACK],
        token_life_s=10**6,
    )
    spoken = ViessmannWire(fleet, clock, tmp_path)
    spoken.wait(minutes=10)
    spoken.consent()
    return spoken


def test_features_have_the_keys_types_and_commands_of_a_real_answer(wire: ViessmannWire, real_data: Path) -> None:
    real = json.loads((real_data / "oem/viessmann/Vitocal250A.json").read_text())["data"]
    by_name = {feature["feature"]: feature for feature in real}
    # The real unit has no room sensor; one that has it shows it as it shows every other temperature.
    room, supply = (by_name[f"heating.circuits.0.sensors.temperature.{sensor}"] for sensor in ("room", "supply"))
    assert (room["isEnabled"], room["properties"]) == (False, {})
    room["properties"] = supply["properties"]
    ours = wire.features(wire.fleet.homes[0]).json()["data"]
    assert len(ours) > 15
    for feature in ours:
        expected = by_name[feature["feature"]]
        assert set(feature) == set(expected) - {"deprecated"}
        assert shape(feature["properties"]) == shape(expected["properties"]) or not feature["properties"], feature
        assert {name: command["params"] for name, command in feature["commands"].items()} == {
            name: command["params"] for name, command in expected["commands"].items()
        }


@pytest.mark.parametrize("name", ["device_offline", "gateway_offline", "rate_limit", "error_500", "error_502"])
def test_refusals_have_the_keys_of_real_ones(wire: ViessmannWire, real_data: Path, name: str) -> None:
    home = wire.fleet.homes[0]
    dice = wire.fleet.switchboard.dice
    match name:
        case "gateway_offline":
            dice.set_rates({"offline": 1.0})
        case "device_offline":
            wire.bring(home, "updating")
        case "rate_limit":
            dice.set_rates({"rate-limit": 1.0})
        case _:
            dice.set_rates({"http-500": 1.0})
    expected = json.loads((real_data / f"oem/viessmann/errors/{name}.json").read_text())
    answers = [wire.features(home) for _ in range(3)]
    bodies = [answer.json() for answer in answers if answer.headers["content-type"] == "application/json"]
    fitting = [body for body in bodies if body["statusCode"] == expected["statusCode"]]
    assert fitting
    assert shape(fitting[0]) == shape(expected)
    assert fitting[0]["errorType"] == expected["errorType"]


def test_a_shift_is_accepted_at_once_and_shown_minutes_later(wire: ViessmannWire) -> None:
    home = wire.fleet.homes[0]
    before = wire.value(home, CURVE, "shift")
    answer = wire.command(home, CURVE, "setCurve", {"shift": before + 2, "slope": 0.6})
    assert (answer.status_code, answer.json()["data"]["success"]) == (200, True)
    assert wire.value(home, CURVE, "shift") == before
    wire.wait(minutes=4)
    assert wire.value(home, CURVE, "shift") == before + 2
    line = wire.lines(home, "request")[-1]
    assert (line["cause"], line["lever"], line["value"]) == ("accepted", "heating_offset", before + 2)


@pytest.mark.parametrize(
    "body",
    [
        {"shift": 2},
        {"slope": 0.6},
        {"shift": 2.5, "slope": 0.6},
        {"shift": 41, "slope": 0.6},
        {"shift": "2", "slope": 0.6},
        {"shift": True, "slope": 0.6},
        {"shift": 2, "slope": 0.65},
        {"shift": 2, "slope": 0.6, "tilt": 1},
        [2, 0.6],
    ],
)
def test_a_bad_command_is_refused_and_logged(wire: ViessmannWire, body: Any) -> None:
    home = wire.fleet.homes[0]
    answer = wire.command(home, CURVE, "setCurve", body)
    assert (answer.status_code, answer.json()["errorType"]) == (422, "VALIDATION_ERROR")
    assert wire.lines(home, "request")[-1]["cause"] == "refused"


def test_what_is_not_executable_now_is_no_command(wire: ViessmannWire) -> None:
    home = wire.fleet.homes[0]
    assert wire.command(home, "heating.compressors.0", "setActive", {"active": True}).status_code == 502
    assert wire.command(home, CURVE, "setTilt", {}).json()["errorType"] == "COMMAND_NOT_FOUND"
    wire.bring(home, "installer")
    wire.wait(minutes=2)
    answer = wire.command(home, CURVE, "setCurve", {"shift": 1, "slope": 0.6})
    assert (answer.status_code, answer.json()["errorType"]) == (502, "COMMAND_NOT_FOUND")
    commands = wire.features(home, f"/{CURVE}").json()["data"]["commands"]
    assert commands["setCurve"]["isExecutable"] is False


def test_a_one_time_charge_ends_by_itself_or_when_told(wire: ViessmannWire) -> None:
    home = wire.fleet.homes[0]
    own = home.unit.levers[home.unit.heating_lever].setting
    assert wire.command(home, CHARGE, "activate", {}).status_code == 200
    wire.wait(minutes=4)
    assert wire.value(home, CHARGE, "active") is True
    wire.wait(minutes=65)
    assert wire.value(home, CHARGE, "active") is False
    assert wire.lines(home, "state")[-1]["cause"] == "expiry"
    assert wire.command(home, CHARGE, "setActive", {"active": True}).status_code == 200
    wire.wait(minutes=4)
    assert wire.command(home, CHARGE, "deactivate", {}).status_code == 200
    wire.wait(minutes=4)
    assert wire.value(home, CHARGE, "active") is False
    assert home.unit.levers[home.unit.heating_lever].setting == own


def test_a_budget_opens_with_the_first_call_and_blocks_until_its_end(wire: ViessmannWire) -> None:
    home = wire.fleet.homes[0]
    statuses = [wire.features(home, f"/{CURVE}").status_code for _ in range(121)]
    assert statuses == [200] * 120 + [429]
    payload = wire.features(home).json()["extendedPayload"]
    assert payload["requestCountLimit"] == 120
    assert abs(payload["limitReset"] / 1000 - wire.fleet.now_s() - 600) < 1
    wire.wait(minutes=9.9)
    assert wire.features(home).status_code == 429
    wire.wait(minutes=0.2)
    assert wire.features(home).status_code == 200


def test_a_public_client_needs_pkce_and_no_secret(wire: ViessmannWire) -> None:
    query = {"response_type": "code", "client_id": "tester", "redirect_uri": CALLBACK}
    assert wire.ask("GET", "/idp/v3/authorize", params=query).status_code == 400
    refreshed = wire.consent()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "tester", "refresh_token": refreshed}
    assert wire.ask("POST", "/idp/v3/token", data=form).status_code == 200
    assert wire.ask("POST", "/idp/v3/token", data=form | {"client_secret": "x"}).status_code == 401
    assert (
        wire.ask("POST", "/idp/v3/token", data={"grant_type": "client_credentials", "client_id": "tester"}).status_code
        == 400
    )
    wire.token = "made-up"
    refused = wire.features(wire.fleet.homes[0])
    assert (refused.status_code, refused.json()) == (401, {"error": "EXPIRED TOKEN"})


def test_installations_lead_to_every_unit_and_the_enrolment_sheets_name_them(wire: ViessmannWire) -> None:
    listed = wire.call("GET", "/iot/v2/equipment/installations", params={"includeGateways": "true"}).json()["data"]
    refs = [
        f"{found['id']}/{gateway['serial']}/{device['id']}"
        for found in listed
        for gateway in found["gateways"]
        for device in gateway["devices"]
    ]
    sheets = wire.ask("GET", "/_world/enrolment").json()
    assert refs == [sheet["vendor_ref"] for sheet in sheets]
    assert {sheet["oem"] for sheet in sheets} == {"viessmann"}
    few = wire.call("POST", f"{path(wire.fleet.homes[0])}/filter", json={"filter": [CURVE, "nothing"]}).json()["data"]
    assert [feature["feature"] for feature in few] == [CURVE]
