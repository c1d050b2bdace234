"""What people, installers and other controllers bring about, as the vendor's wire shows it and as writes feel it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.homes.conditions import Condition
from simulator.homes.fleet import SimulatedFleet
from tests.simulator.builders import ManualClock
from tests.simulator.conftest import CLIENT, MakeFleet
from tests.simulator.vendors.nibe.wire import NibeWire


@pytest.fixture
def wire(make_fleet: MakeFleet, tmp_path: Path) -> NibeWire:
    clock = ManualClock()
    fleet = make_fleet(clock, folder=tmp_path, pumps=6, token_life_s=10**6, rate_limit_per_min=10**6, **CLIENT)
    spoken = NibeWire(fleet, clock, tmp_path)
    spoken.wait(minutes=10)
    return spoken


@pytest.mark.parametrize(
    ("condition", "parameter", "usual", "shown"),
    [("away", "48043", 0, 1), ("off", "47371", 1, 0), ("installer", "47137", 0, 1), ("external", "43161", 0, 1)],
)
def test_an_f_series_shows_a_condition_in_its_points_and_only_while_it_lasts(
    wire: NibeWire, condition: str, parameter: str, usual: int, shown: int
) -> None:
    home = wire.home()
    assert wire.points(home)[parameter] == usual
    wire.bring(home, condition, minutes=30)
    wire.wait(minutes=2)
    points = wire.points(home)
    assert points[parameter] == shown
    others = {"48043": 0, "47371": 1, "47137": 0, "43161": 0} | {parameter: shown}
    assert {name: points[name] for name in others} == others
    wire.wait(minutes=31)
    assert wire.points(home)[parameter] == usual
    begun, ended = wire.lines(home, "condition")
    assert (begun["condition"], begun["begins"], ended["begins"], ended["cause"]) == (condition, True, False, "time")
    assert ended["at"] == "2026-01-14T23:40:00.000+00:00"


def test_an_s_series_shows_off_installer_and_price_adaption_and_tells_away_elsewhere(wire: NibeWire) -> None:
    home = wire.home(s_series=True)
    path = f"/v2/systems/{home.unit.identity.system_id}/smart-home-mode"
    for condition, parameter, shown in (("off", "4063", 0), ("installer", "3096", 1), ("external", "4789", 1)):
        wire.bring(home, condition)
        wire.wait(minutes=2)
        assert wire.points(home)[parameter] == shown
        assert wire.call("GET", path).json() == {"smartHomeMode": "Default"}
    wire.bring(home, "away")
    assert wire.call("GET", path).json() == {"smartHomeMode": "Away"}
    wire.bring(home, "normal")
    assert wire.call("GET", path).json() == {"smartHomeMode": "Default"}
    assert wire.points(home)["32628"] == pytest.approx(home.steered.tank.water_c, abs=0.5)
    assert [line["begins"] for line in wire.lines(home, "condition")] == [True, False] * 4


@pytest.mark.parametrize(("condition", "low_k", "high_k"), [("away", -4.0, -0.25), ("off", -12.0, -1.0)])
def test_away_and_off_cool_house_and_twin_alike(wire: NibeWire, condition: str, low_k: float, high_k: float) -> None:
    homes = [wire.home(), wire.home(s_series=True)]
    before_c = [home.steered.rooms.air_c for home in homes]
    for home in homes:
        wire.bring(home, condition)
    wire.wait(minutes=24 * 60)
    for home, was_c in zip(homes, before_c, strict=True):
        assert home.steered == home.twin
        assert low_k < home.steered.rooms.air_c - was_c < high_k


def test_another_controller_moves_the_supply_and_not_the_lever(wire: NibeWire) -> None:
    home = wire.home()
    before_c = wire.points(home)["43009"]
    shown = wire.points(home)["47011"]
    wire.bring(home, "external")
    wire.wait(minutes=2)
    assert abs(wire.points(home)["43009"] - before_c) == pytest.approx(3.0, abs=0.5)
    assert wire.points(home)["47011"] == shown


@pytest.mark.parametrize("condition", ["installer", "updating"])
def test_a_deaf_unit_is_answered_modified_and_takes_nothing_up(wire: NibeWire, condition: str) -> None:
    home = wire.home()
    value = wire.points(home)["47011"]
    wire.bring(home, condition, minutes=20)
    answer = wire.write(home, {"47011": value + 1})
    assert (answer.status_code, answer.json()["payload"]) == (200, {"47011": "modified"})
    line = wire.lines(home, "request")[-1]
    assert (line["cause"], line["detail"]) == ("ignored", condition)
    wire.wait(minutes=40)
    assert wire.points(home)["47011"] == value


def test_an_update_is_announced_silences_the_unit_and_loses_what_was_on_its_way(wire: NibeWire) -> None:
    home = wire.home()
    value = wire.points(home)["47011"]
    device = f"/v2/devices/{home.unit.identity.device_id}"
    assert wire.write(home, {"47011": value + 1}).status_code == 200
    wire.bring(home, "updating", minutes=20)
    firmware = wire.call("GET", device).json()["firmware"]
    assert firmware["desiredFwVersion"] != firmware["currentFwVersion"]
    assert wire.call("GET", f"{device}/firmware-info").json()["pendingFwVersion"] == firmware["desiredFwVersion"]
    stamp = wire.call("GET", f"{device}/points").json()[0]["timestamp"]
    wire.wait(minutes=15)
    assert wire.call("GET", f"{device}/points").json()[0]["timestamp"] == stamp
    wire.wait(minutes=10)
    assert wire.call("GET", f"{device}/points").json()[0]["timestamp"] > stamp
    assert wire.points(home)["47011"] == value
    assert wire.call("GET", f"{device}/firmware-info").json()["pendingFwVersion"] == ""


def test_a_unit_without_remote_control_is_read_and_not_written(wire: NibeWire) -> None:
    home = wire.home()
    wire.bring(home, "remote-disabled")
    answer = wire.write(home, {"47011": 1, "47041": 2})
    assert (answer.status_code, answer.json()) == (403, {"status": 403, "title": "Forbidden"})
    lines = wire.lines(home, "request")
    assert [(line["lever"], line["cause"]) for line in lines] == [
        ("heating_offset", "refused"),
        ("hot_water_comfort", "refused"),
    ]
    assert "47011" in wire.points(home)


def test_both_levers_of_an_f_series_are_written_at_once_and_each_leaves_its_line(wire: NibeWire) -> None:
    home = wire.home()
    points = wire.points(home)
    offset, comfort = points["47011"] + 1, 0 if points["47041"] else 2
    assert wire.write(home, {"47011": offset, "47041": comfort}).json()["payload"] == {
        "47011": "modified",
        "47041": "modified",
    }
    told = [(line["lever"], line["value"], line["cause"]) for line in wire.lines(home, "request")]
    assert told == [("heating_offset", offset, "accepted"), ("hot_water_comfort", comfort, "accepted")]
    wire.wait(minutes=3)
    points = wire.points(home)
    assert (points["47011"], points["47041"]) == (offset, comfort)
    changed = {line["lever"]: line["value"] for line in wire.lines(home, "state") if line["cause"] == "write"}
    assert changed == {"heating_offset": offset, "hot_water_comfort": comfort}
    assert wire.write(home, {"47041": comfort}).status_code == 200
    assert wire.lines(home, "request")[-1]["cause"] == "no-change"


@pytest.mark.parametrize("value", [3, 5, -1, 0.5, "warm"])
def test_a_comfort_step_that_is_none_is_refused(wire: NibeWire, value: Any) -> None:
    home = wire.home()
    assert wire.write(home, {"47041": value}).status_code == 400
    line = wire.lines(home, "request")[-1]
    assert (line["lever"], line["cause"]) == ("hot_water_comfort", "refused")


def test_an_s_series_has_no_hot_water_lever(wire: NibeWire) -> None:
    home = wire.home(s_series=True)
    assert "47041" not in wire.points(home)
    assert wire.write(home, {"47041": 1}).status_code == 400
    body = {"pump": home.unit.pump_id, "lever": "hot_water_comfort", "value": 1}
    assert wire.ask("POST", "/_world/household", json=body).status_code == 400


def test_a_person_sets_the_hot_water_and_the_twins_people_do_too(wire: NibeWire) -> None:
    home = wire.home()
    body = {"pump": home.unit.pump_id, "lever": "hot_water_comfort", "value": 2}
    body["value"] = 2 if wire.points(home)["47041"] != 2 else 0
    assert wire.ask("POST", "/_world/household", json=body).status_code == 200
    wire.wait(minutes=24 * 60)
    assert home.steered == home.twin
    assert wire.lines(home, "state")[-1]["cause"] == "household"
    assert wire.ask("POST", "/_world/household", json=body | {"value": 3}).status_code == 400


@pytest.mark.parametrize(("s_series", "parameter", "shown"), [(False, "49994", 20), (True, "14950", 3)])
def test_the_priority_shows_hot_water_while_it_is_charged(
    wire: NibeWire, s_series: bool, parameter: str, shown: int
) -> None:
    home = wire.home(s_series=s_series)
    home.steered.tank.water_c = 36.0
    seen = set()
    for _ in range(60):
        wire.wait(minutes=1)
        seen.add(wire.points(home)[parameter])
    assert shown in seen


def test_the_summary_tells_of_hot_water_and_lowest_minutes(wire: NibeWire) -> None:
    wire.wait(minutes=12 * 60)
    query = {"start": "2026-01-14T23:15:00+00:00", "end": "2026-01-15T10:15:00+00:00"}
    for pump in wire.ask("GET", "/_world/summary", params=query).json()["pumps"]:
        assert len(pump["hot_water_c"]) == 44
        assert pump["hot_water_min_c"] < min(pump["hot_water_c"]) < max(pump["hot_water_c"]) < pump["hot_water_max_c"]
        assert pump["room_min_c"] <= min(pump["room_c"])
        assert 0.3 < pump["hot_water_kwh"] < 8.0
        assert pump["hot_water_kwh"] == pytest.approx(sum(pump["hot_water_slot_kwh"]), abs=1e-4)
        assert pump["hot_water_kwh"] == pump["baseline_hot_water_kwh"]
        assert pump["levers"][pump["lever"]] == pump["baseline_setting"]
        assert ("hot_water_comfort" in pump["levers"]) == (pump["lever"] == "heating_offset")


def test_drift_can_be_caused(wire: NibeWire) -> None:
    home = wire.home()
    value = wire.points(home)["47011"]
    answer = wire.ask("POST", "/_world/drift", json={"pump": home.unit.pump_id})
    assert answer.json()["value"] is None
    answer = wire.ask("POST", "/_world/drift", json={"pump": home.unit.pump_id, "value": value - 1})
    assert answer.json()["value"] == value - 1
    assert wire.lines(home, "state")[-1]["cause"] == "drift"
    wire.wait(minutes=2)
    assert wire.points(home)["47011"] == value - 1


@pytest.mark.parametrize(
    "body",
    [
        {"condition": "asleep"},
        {"minutes": -5},
        {"minutes": "long"},
        {"pump": "p-9999"},
        {"pump": None},
    ],
)
def test_a_condition_that_cannot_be_is_refused_and_changes_nothing(wire: NibeWire, body: dict[str, Any]) -> None:
    asked = {"pump": wire.home().unit.pump_id, "condition": "away"} | body
    assert wire.ask("POST", "/_world/condition", json=asked).status_code == 400
    assert all(home.unit.condition is Condition.NORMAL for home in wire.fleet.homes)


def test_a_restart_keeps_conditions(make_fleet: Callable[..., SimulatedFleet], tmp_path: Path) -> None:
    state_file = tmp_path / "state.json"
    fleet = make_fleet(folder=tmp_path, state_file=state_file)
    now_s = fleet.advance()
    fleet.set_condition(fleet.homes[0], Condition.AWAY, now_s, now_s + 7200.0)
    fleet.set_condition(fleet.homes[1], Condition.OFF, now_s)
    fleet.close()
    again = make_fleet(folder=tmp_path, state_file=state_file)
    assert [home.unit.condition for home in again.homes] == [Condition.AWAY, Condition.OFF, Condition.NORMAL]
    again.advance_to(now_s + 7300.0)
    assert [home.unit.condition for home in again.homes] == [Condition.NORMAL, Condition.OFF, Condition.NORMAL]
