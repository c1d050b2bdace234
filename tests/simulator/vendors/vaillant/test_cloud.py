"""The fake cloud of the app: keys of real answers, a veto that ends by itself, and a quota that speaks in a 403."""

import base64
import hashlib
import json
import re
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
REALM = "/auth/realms/vaillant-germany-b2c/protocol/openid-connect"
BASE = "/service-connected-control/end-user-app-api/v1"


class VaillantWire(Wire):
    """Spoken to as a public client with a person's consent."""

    def consent(self, user: str = "") -> None:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        query = {"response_type": "code", "client_id": "tester", "redirect_uri": CALLBACK, "login_hint": user}
        query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        location = self.ask("GET", f"{REALM}/auth", params=query).headers["location"]
        form = {"grant_type": "authorization_code", "client_id": "tester", "redirect_uri": CALLBACK}
        form |= {"code": parse_qs(urlsplit(location).query)["code"][0], "code_verifier": VERIFIER}
        self.token = self.ask("POST", f"{REALM}/token", data=form).json()["access_token"]

    def system(self, home: Home, rest: str = "/tli") -> httpx.Response:
        return self.call("GET", f"{BASE}/systems/{home.unit.identity.system_id}{rest}")

    def veto(self, method: str, home: Home, body: Any = None) -> httpx.Response:
        path = f"{BASE}/systems/{home.unit.identity.system_id}/tli/zones/0/quick-veto"
        return self.call(method, path, json=body)

    def zone(self, home: Home) -> dict[str, Any]:
        found: dict[str, Any] = self.system(home).json()["state"]["zones"][0]
        return found


@pytest.fixture
def wire(make_fleet: MakeFleet, tmp_path: Path) -> VaillantWire:
    clock = ManualClock()
    fleet = make_fleet(
        clock,
        folder=tmp_path,
        pumps=2,
        vendors=["vaillant"],
        client_id="tester",
        redirect_uris=[CALLBACK],
        token_life_s=10**6,
    )
    spoken = VaillantWire(fleet, clock, tmp_path)
    spoken.wait(minutes=10)
    spoken.consent()
    return spoken


def test_documents_have_the_keys_and_types_of_a_real_one(wire: VaillantWire, real_data: Path) -> None:
    folder = real_data / "oem/vaillant/current_power"
    (path,) = folder.glob("*/system.json")
    real = json.loads(path.read_text())
    ours = wire.system(wire.fleet.homes[0]).json()
    assert set(ours) == set(real)
    for part, kind in (("state", "system"), ("properties", "system")):
        assert set(ours[part][kind]) <= set(real[part][kind])
    for kind in ("zones", "circuits", "dhw"):
        assert shape(ours["state"][kind][0]) == shape(real["state"][kind][0]), kind
    homes = wire.call("GET", f"{BASE}/homes").json()
    assert [shape(home) for home in homes] == [shape(json.loads((folder / "homes.json").read_text())[0])] * 2


def test_a_veto_is_begun_once_changed_while_it_lasts_and_ends_by_itself(wire: VaillantWire) -> None:
    home = wire.fleet.homes[0]
    own = wire.zone(home)["desiredRoomTemperatureSetpoint"]
    body = {"desiredRoomTemperatureSetpoint": own + 1, "duration": 3}
    assert wire.veto("PATCH", home, body).status_code == 409, "there is none to change"
    assert wire.veto("POST", home, body).status_code == 200
    wire.wait(minutes=4)
    zone = wire.zone(home)
    assert (zone["currentSpecialFunction"], zone["desiredRoomTemperatureSetpoint"]) == ("QUICK_VETO", own + 1)
    assert wire.veto("POST", home, body).status_code == 409
    assert wire.veto("PATCH", home, body | {"desiredRoomTemperatureSetpoint": own - 1}).status_code == 200
    wire.wait(minutes=4)
    assert wire.zone(home)["desiredRoomTemperatureSetpoint"] == own - 1
    wire.wait(minutes=185)
    zone = wire.zone(home)
    assert (zone["currentSpecialFunction"], zone["desiredRoomTemperatureSetpoint"]) == ("NONE", own)
    assert wire.lines(home, "state")[-1]["cause"] == "expiry"


def test_a_veto_that_is_ended_has_no_end_left_to_come(wire: VaillantWire) -> None:
    home = wire.fleet.homes[0]
    own = wire.zone(home)["desiredRoomTemperatureSetpoint"]
    wire.veto("POST", home, {"desiredRoomTemperatureSetpoint": own + 1, "duration": 1})
    wire.wait(minutes=4)
    assert wire.veto("DELETE", home).status_code == 200
    wire.wait(minutes=90)
    assert [line["cause"] for line in wire.lines(home, "state")][-2:] == ["write", "write"]
    assert wire.zone(home)["desiredRoomTemperatureSetpoint"] == own


@pytest.mark.parametrize(
    "body",
    [
        {"desiredRoomTemperatureSetpoint": 21.25, "duration": 3},
        {"desiredRoomTemperatureSetpoint": 31, "duration": 3},
        {"desiredRoomTemperatureSetpoint": 21},
        {"desiredRoomTemperatureSetpoint": 21, "duration": 3, "zone": 1},
        [21, 3],
    ],
)
def test_a_bad_veto_is_refused_and_logged(wire: VaillantWire, body: Any) -> None:
    home = wire.fleet.homes[0]
    assert wire.veto("POST", home, body).status_code == 400
    assert wire.lines(home, "request")[-1]["cause"] == "refused"


def test_a_household_reaches_its_own_home_only(wire: VaillantWire) -> None:
    first, second = wire.fleet.homes
    wire.consent(wire.fleet.account_of(first))
    assert len(wire.call("GET", f"{BASE}/homes").json()) == 1
    assert (wire.system(first).status_code, wire.system(second).status_code) == (200, 404)


def test_a_used_up_quota_says_in_words_when_it_is_replenished(wire: VaillantWire) -> None:
    home = wire.fleet.homes[0]
    statuses = [wire.system(home, "/meta-info/connection-status").status_code for _ in range(221)]
    assert statuses == [200] * 220 + [403]
    message = wire.system(home).json()["message"]
    assert re.fullmatch(r"Out of call volume quota\. Quota will be replenished in (1\.)?\d\d:\d\d:\d\d\.", message)


def test_energy_has_the_keys_and_types_of_a_real_one(wire: VaillantWire, real_data: Path) -> None:
    folder = real_data / "oem/vaillant/current_power"
    (path,) = folder.glob("*/current_system.json")
    real = json.loads(path.read_text())
    base = f"{BASE}/emf/v2/{wire.fleet.homes[0].unit.identity.system_id}"
    ours = wire.call("GET", f"{base}/currentSystem").json()
    assert set(ours) == set(real)
    for device in ("primary_heat_generator", "electric_backup_heater"):
        assert shape(ours[device]) == shape(real[device])
    (path,) = folder.glob("*/device_buckets.json")
    query = {"resolution": "HOUR", "operationMode": "HEATING", "energyType": "CONSUMED_ELECTRICAL_ENERGY"}
    query |= {"startDate": "2026-01-14T23:00:00.000+00:00", "endDate": "2026-01-15T23:00:00.000+00:00"}
    route = f"{base}/devices/{ours['primary_heat_generator']['device_uuid']}/buckets"
    assert shape(wire.call("GET", route, params=query).json()) == shape(json.loads(path.read_text()))
    for missing in query:
        less = {name: value for name, value in query.items() if name != missing}
        assert wire.call("GET", route, params=less).status_code == 400
