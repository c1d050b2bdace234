"""The fleet along its clock: twins, levers, totals, and going on after a restart."""

import json
from pathlib import Path

import pytest

from domain.homes.enrolment import Enrolment
from simulator.config import ConfigError
from simulator.control.enrolment import enrolment_of
from tests.simulator.builders import EPOCH, ManualClock
from tests.simulator.conftest import MakeFleet, truth_of

HOUR_S = 3600.0
EPOCH_S = EPOCH.timestamp()


def test_a_twin_equals_its_house_to_the_last_bit_while_nothing_is_written(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    fleet = make_fleet(folder=tmp_path)
    fleet.advance_to(EPOCH_S + 12 * HOUR_S)
    for home in fleet.homes:
        assert home.steered == home.twin
        assert fleet.stored_kwh(home) == 0.0


def test_a_twin_does_not_notice_what_is_written_to_its_house(make_fleet: MakeFleet) -> None:
    steered, alone = make_fleet(), make_fleet()
    for home in steered.homes:
        home.unit.ask(home.unit.setting + 1.0, EPOCH_S + HOUR_S)
    for fleet in (steered, alone):
        fleet.advance_to(EPOCH_S + 6 * HOUR_S)
    for home, lonely in zip(steered.homes, alone.homes, strict=True):
        assert home.twin == lonely.twin
        assert home.steered.rooms.air_c > home.twin.rooms.air_c
        assert steered.stored_kwh(home) > 0.5


def test_the_start_is_settled_and_the_day_is_comfortable_under_own_control(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(pumps=4)
    fleet.advance_to(EPOCH_S + 24 * HOUR_S)
    for home in fleet.homes:
        totals = [home.history.get(int(EPOCH_S // 900) + n) for n in range(96)]
        assert all(slot.minutes == 15 for slot in totals)
        rooms_c = [slot.room_c_sum / 15 for slot in totals]
        assert abs(sum(rooms_c) / 96 - home.unit.spec.household.preferred_c) < 0.8
        assert max(rooms_c) - min(rooms_c) < 2.5
        assert 2.2 < sum(slot.heat_kwh for slot in totals) / sum(slot.kwh for slot in totals) < 5.5


def test_the_cloud_knows_only_what_was_published_and_at_most_a_minute_late(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    fleet = make_fleet(folder=tmp_path)
    now_s = EPOCH_S + 1234.5
    fleet.advance_to(now_s)
    unit = fleet.homes[0].unit
    assert now_s - 60.0 <= unit.read(now_s).at_s <= now_s
    assert len({home.unit.read(now_s).at_s for home in fleet.homes}) == len(fleet.homes)
    assert unit.read(now_s - 600.0).at_s <= now_s - 600.0


def test_a_newer_write_replaces_a_pending_one_but_not_one_lost_on_its_way(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    fleet = make_fleet(folder=tmp_path)
    unit = fleet.homes[0].unit
    first = unit.setting
    unit.ask(first + 1.0, EPOCH_S + 30.0)
    unit.ask(first + 2.0, EPOCH_S + 50.0)
    unit.ask_late(first - 1.0, EPOCH_S + 200.0)
    fleet.advance_to(EPOCH_S + 40.0)
    assert unit.setting == first
    fleet.advance_to(EPOCH_S + 100.0)
    assert unit.setting == first + 2.0
    fleet.advance_to(EPOCH_S + 300.0)
    assert unit.setting == first - 1.0
    causes = [
        line["cause"]
        for line in truth_of(tmp_path)
        if line["pump"] == unit.pump_id and line["lever"] == unit.heating_lever
    ]
    assert causes == ["initial", "write", "late-write"]


def test_a_persons_change_becomes_the_twins_setting_too(make_fleet: MakeFleet, tmp_path: Path) -> None:
    fleet = make_fleet(folder=tmp_path)
    home = fleet.homes[0]
    fleet.advance_to(EPOCH_S + HOUR_S)
    home.unit.set_by_person(home.unit.setting + 1.0, EPOCH_S + HOUR_S, fleet.record)
    fleet.advance_to(EPOCH_S + 5 * HOUR_S)
    assert home.steered == home.twin
    line = truth_of(tmp_path)[-1]
    assert (line["cause"], line["value"], line["at"]) == (
        "household",
        home.unit.setting,
        "2026-01-15T00:00:00.000+00:00",
    )


def test_a_restart_goes_on_as_if_nothing_had_happened(make_fleet: MakeFleet, tmp_path: Path) -> None:
    state_file = tmp_path / "state.json"
    fleets = [make_fleet(folder=tmp_path, state_file=state_file), make_fleet(folder=tmp_path / "b")]
    for fleet in fleets:
        fleet.homes[0].unit.ask(fleet.homes[0].unit.setting + 1.0, EPOCH_S + 3.5 * HOUR_S)
        fleet.advance_to(EPOCH_S + 3 * HOUR_S + 17.0)
    fleets[0].close()
    again = make_fleet(folder=tmp_path, state_file=state_file)
    for fleet in (again, fleets[1]):
        fleet.advance_to(EPOCH_S + 6 * HOUR_S)
    for home, unbroken in zip(again.homes, fleets[1].homes, strict=True):
        assert home.steered == unbroken.steered
        assert home.twin == unbroken.twin
        assert home.unit.total_kwh == unbroken.unit.total_kwh
        slot = int(EPOCH_S // 900) + 4
        assert home.history.get(slot) == unbroken.history.get(slot)
    assert truth_of(tmp_path) == truth_of(tmp_path / "b")


@pytest.mark.parametrize("change", [{"seed": 8}, {"pumps": 5}])
def test_a_state_file_of_another_world_is_refused(
    make_fleet: MakeFleet, tmp_path: Path, change: dict[str, int]
) -> None:
    state_file = tmp_path / "state.json"
    make_fleet(state_file=state_file).close()
    with pytest.raises(ConfigError, match="another fleet"):
        make_fleet(state_file=state_file, **change)


def test_a_state_file_of_an_older_simulator_is_refused_with_a_clear_sentence(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    state_file = tmp_path / "state.json"
    make_fleet(state_file=state_file).close()
    kept = json.loads(state_file.read_text())
    del kept["version"]
    state_file.write_text(json.dumps(kept))
    with pytest.raises(ConfigError, match="version 1, this simulator keeps version 3: remove it"):
        make_fleet(state_file=state_file)


def test_time_stands_still_before_the_start_on_the_wall(make_fleet: MakeFleet) -> None:
    clock = ManualClock()
    clock.forward(seconds=-30)
    fleet = make_fleet(clock)
    assert fleet.advance() == EPOCH_S
    assert fleet.is_commissioning
    clock.forward(seconds=90)
    assert fleet.advance() == EPOCH_S + 60.0
    assert not fleet.is_commissioning


def test_an_installers_sheet_is_rounded_somewhat_wrong_and_enough_to_enrol(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(pumps=40)
    units = [home.unit for home in fleet.homes]
    sheets = [enrolment_of(fleet, home) for home in fleet.homes]
    assert len({enrolment.vendor_ref for enrolment in sheets}) == 40
    wrong = 0
    for enrolment, unit in zip(sheets, units, strict=True):
        assert Enrolment.model_validate_json(enrolment.model_dump_json()) == enrolment
        assert enrolment.heated_area_m2 % 5 == 0
        assert enrolment.rated_heat_kw % 0.5 == 0
        assert abs(enrolment.heated_area_m2 / unit.spec.building.area_m2 - 1) < 0.2
        wrong += enrolment.building_class is not unit.spec.building_class
    assert 1 <= wrong <= 10


def test_the_same_seed_makes_the_same_fleet(make_fleet: MakeFleet, tmp_path: Path) -> None:
    fleets = [make_fleet(folder=tmp_path / name) for name in ("a", "b")]
    for fleet in fleets:
        fleet.advance_to(EPOCH_S + HOUR_S)
    assert [home.steered for home in fleets[0].homes] == [home.steered for home in fleets[1].homes]
    assert truth_of(tmp_path / "a") == truth_of(tmp_path / "b")


def test_a_unit_that_gives_no_heat_cools_its_house_and_its_twin_alike(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(ManualClock(EPOCH), pumps=1, faults={"no-heat": 1.0})
    (home,) = fleet.homes
    before_c = home.steered.rooms.air_c
    fleet.advance_to(EPOCH_S + 6 * HOUR_S)
    assert home.steered.rooms.air_c < before_c - 0.5
    assert home.steered.rooms.air_c == home.twin.rooms.air_c
    fleet.switchboard.dice.set_rates({"no-heat": 0.0})
    coldest_c = home.steered.rooms.air_c
    fleet.advance_to(EPOCH_S + 18 * HOUR_S)
    assert home.steered.rooms.air_c > coldest_c
