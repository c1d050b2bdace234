"""Hands at the heating lever: people touch and insist, memories fall back, and the truth says who it was."""

from pathlib import Path
from typing import Any

import pytest

from simulator.homes.fleet import Home, SimulatedFleet
from simulator.homes.people import INSIST_WITHIN_S
from tests.simulator.builders import EPOCH
from tests.simulator.conftest import MakeFleet, truth_of

HOUR_S = 3600.0
EPOCH_S = EPOCH.timestamp()


def states(folder: Path, home: Home) -> list[dict[str, Any]]:
    """True changes of a home's heating lever after the start."""
    lines = [line for line in truth_of(folder) if line["kind"] == "state" and line["pump"] == home.unit.pump_id]
    return [line for line in lines if line["lever"] == home.unit.heating_lever and line["cause"] != "initial"]


def overwrite(fleet: SimulatedFleet, home: Home, now_s: float, value: float) -> None:
    """Remote control sets the lever at once."""
    home.unit.ask(value, now_s)
    fleet.advance_to(now_s + 1.0)


@pytest.mark.parametrize("fault", ["touched", "drift"])
def test_a_rate_is_met_per_pump_day_and_the_first_half_hour_is_quiet(
    make_fleet: MakeFleet, tmp_path: Path, fault: str
) -> None:
    fleet = make_fleet(folder=tmp_path, pumps=12, faults={fault: 6.0})
    for home in fleet.homes:
        home.unit.heating.remember(home.unit.setting + 1.0)
    fleet.advance_to(EPOCH_S + 24 * HOUR_S)
    changes = [line for home in fleet.homes for line in states(tmp_path, home)]
    assert 40 <= len(changes) <= 105
    assert min(line["at"] for line in changes) >= "2026-01-14T23:30:00.000+00:00"
    told = {(line["cause"], line.get("detail")) for line in changes}
    assert told == ({("household", "touched")} if fault == "touched" else {("drift", None)})
    if fault == "drift":
        assert any(home.steered != home.twin for home in fleet.homes)
    else:
        assert all(home.steered == home.twin for home in fleet.homes)


def test_a_touch_is_a_step_or_two_within_the_range(make_fleet: MakeFleet, tmp_path: Path) -> None:
    fleet = make_fleet(folder=tmp_path, pumps=10, faults={"touched": 20.0})
    shown = {home.unit.pump_id: home.unit.setting for home in fleet.homes}
    fleet.advance_to(EPOCH_S + 24 * HOUR_S)
    for home in fleet.homes:
        step = 0.5 if home.unit.spec.by_setpoint else 1.0
        before = shown[home.unit.pump_id]
        for line in states(tmp_path, home):
            assert abs(line["value"] - before) in (step, 2 * step)
            before = line["value"]
        low, high = (5, 35) if home.unit.spec.by_setpoint else (-10, 10)
        assert low <= before <= high


def test_who_is_overwritten_insists_twice_and_gives_up(make_fleet: MakeFleet, tmp_path: Path) -> None:
    fleet = make_fleet(folder=tmp_path, faults={"touched": 20.0})
    home = fleet.homes[0]
    now_s = EPOCH_S
    while not states(tmp_path, home):
        now_s += 60.0
        fleet.advance_to(now_s)
    fleet.switchboard.dice.set_rates({"touched": 0.0})
    home.unit.scheduled = []
    home.unit.refresh_next_event()
    wished = home.unit.setting
    for _ in range(3):
        overwrite(fleet, home, now_s + 600.0, wished + (1.0 if wished < 5 or wished > 20 else -1.0))
        now_s += 600.0 + 2 * HOUR_S
        fleet.advance_to(now_s)
    lines = states(tmp_path, home)
    told = [(line["cause"], line.get("detail")) for line in lines]
    again, write = ("household", "insists"), ("write", None)
    assert told == [("household", "touched"), write, again, write, again, write]
    assert {line["value"] for line in lines if line["cause"] == "household"} == {wished}


def test_who_is_overwritten_after_hours_has_forgotten(make_fleet: MakeFleet, tmp_path: Path) -> None:
    fleet = make_fleet(folder=tmp_path, faults={"touched": 20.0})
    home = fleet.homes[0]
    now_s = EPOCH_S
    while home.unit.manual_change is None:
        now_s += 60.0
        fleet.advance_to(now_s)
    fleet.switchboard.dice.set_rates({"touched": 0.0})
    home.unit.scheduled = []
    home.unit.refresh_next_event()
    overwrite(fleet, home, now_s + INSIST_WITHIN_S + 60.0, home.unit.setting + 1.0)
    fleet.advance_to(now_s + INSIST_WITHIN_S + 3 * HOUR_S)
    assert [line["cause"] for line in states(tmp_path, home)] == ["household", "write"]


def test_drift_goes_back_to_what_was_there_before_and_spares_the_twin(make_fleet: MakeFleet, tmp_path: Path) -> None:
    fleet = make_fleet(folder=tmp_path)
    home = fleet.homes[0]
    own = home.unit.household_setting
    assert fleet.people.drift(home.unit, EPOCH_S, fleet.record) is None
    overwrite(fleet, home, EPOCH_S + 600.0, own + 1.0)
    overwrite(fleet, home, EPOCH_S + 1200.0, own + 2.0)
    assert fleet.people.drift(home.unit, EPOCH_S + 1800.0, fleet.record) in (own, own + 1.0)
    assert home.unit.household_setting == own
    assert [line["cause"] for line in states(tmp_path, home)] == ["write", "write", "drift"]


def test_a_restart_forgets_no_hand_on_its_way(make_fleet: MakeFleet, tmp_path: Path) -> None:
    state_file = tmp_path / "state.json"
    faults = {"touched": 20.0, "drift": 10.0}
    fleets = [
        make_fleet(folder=tmp_path, state_file=state_file, faults=faults),
        make_fleet(folder=tmp_path / "b", faults=faults),
    ]
    for fleet in fleets:
        fleet.homes[0].unit.ask(fleet.homes[0].unit.setting + 1.0, EPOCH_S + 2.2 * HOUR_S)
        fleet.advance_to(EPOCH_S + 3 * HOUR_S + 617.0)
    fleets[0].close()
    again = make_fleet(folder=tmp_path, state_file=state_file, faults=faults)
    for fleet in (again, fleets[1]):
        fleet.advance_to(EPOCH_S + 9 * HOUR_S)
    assert [home.steered for home in again.homes] == [home.steered for home in fleets[1].homes]
    assert truth_of(tmp_path) == truth_of(tmp_path / "b")
