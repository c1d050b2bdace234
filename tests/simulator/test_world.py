"""The world along its clock: twins, levers, books, and going on after a restart."""

import json
from pathlib import Path

import pytest

from domain.homes.enrolment import Enrolment
from simulator.commissioning import draw_house
from simulator.config import ConfigError
from simulator.unit import Unit
from simulator.world_api import sheet
from tests.simulator.builders import EPOCH, HandClock
from tests.simulator.conftest import MakeWorld, truth_of

HOUR_S = 3600.0
EPOCH_S = EPOCH.timestamp()


def test_a_twin_equals_its_house_to_the_last_bit_while_nothing_is_written(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(folder=tmp_path)
    world.advance_to(EPOCH_S + 12 * HOUR_S)
    for home in world.homes:
        assert home.steered == home.twin
        assert world.stored_kwh(home) == 0.0


def test_a_twin_does_not_notice_what_is_written_to_its_house(make_world: MakeWorld) -> None:
    steered, alone = make_world(), make_world()
    for home in steered.homes:
        home.unit.ask(home.unit.setting + 1.0, EPOCH_S + HOUR_S)
    for world in (steered, alone):
        world.advance_to(EPOCH_S + 6 * HOUR_S)
    for home, lonely in zip(steered.homes, alone.homes, strict=True):
        assert home.twin == lonely.twin
        assert home.steered.rooms.air_c > home.twin.rooms.air_c
        assert steered.stored_kwh(home) > 0.5


def test_the_start_is_settled_and_the_day_is_comfortable_under_own_control(make_world: MakeWorld) -> None:
    world = make_world(pumps=4)
    world.advance_to(EPOCH_S + 24 * HOUR_S)
    for home in world.homes:
        books = [home.history.get(int(EPOCH_S // 900) + n) for n in range(96)]
        assert all(book.minutes == 15 for book in books)
        rooms_c = [book.room_c_sum / 15 for book in books]
        assert abs(sum(rooms_c) / 96 - home.unit.spec.household.wish_c) < 0.8
        assert max(rooms_c) - min(rooms_c) < 2.5
        assert 2.2 < sum(book.heat_kwh for book in books) / sum(book.kwh for book in books) < 5.5


def test_the_cloud_knows_only_what_was_published_and_at_most_a_minute_late(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(folder=tmp_path)
    now_s = EPOCH_S + 1234.5
    world.advance_to(now_s)
    unit = world.homes[0].unit
    assert now_s - 60.0 <= unit.read(now_s).at_s <= now_s
    assert len({home.unit.read(now_s).at_s for home in world.homes}) == len(world.homes)
    assert unit.read(now_s - 600.0).at_s <= now_s - 600.0


def test_a_newer_write_replaces_a_pending_one_but_not_one_lost_on_its_way(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(folder=tmp_path)
    unit = world.homes[0].unit
    first = unit.setting
    unit.ask(first + 1.0, EPOCH_S + 30.0)
    unit.ask(first + 2.0, EPOCH_S + 50.0)
    unit.ask_late(first - 1.0, EPOCH_S + 200.0)
    world.advance_to(EPOCH_S + 40.0)
    assert unit.setting == first
    world.advance_to(EPOCH_S + 100.0)
    assert unit.setting == first + 2.0
    world.advance_to(EPOCH_S + 300.0)
    assert unit.setting == first - 1.0
    causes = [
        line["cause"] for line in truth_of(tmp_path) if line["pump"] == unit.pump_id and line["lever"] == unit.lever
    ]
    assert causes == ["initial", "write", "late-write"]


def test_a_persons_change_becomes_the_twins_setting_too(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(folder=tmp_path)
    home = world.homes[0]
    world.advance_to(EPOCH_S + HOUR_S)
    home.unit.set_by_person(home.unit.setting + 1.0, EPOCH_S + HOUR_S, world.tell)
    world.advance_to(EPOCH_S + 5 * HOUR_S)
    assert home.steered == home.twin
    line = truth_of(tmp_path)[-1]
    assert (line["cause"], line["value"], line["at"]) == (
        "household",
        home.unit.setting,
        "2026-01-15T00:00:00.000+00:00",
    )


def test_a_restart_goes_on_as_if_nothing_had_happened(make_world: MakeWorld, tmp_path: Path) -> None:
    state_file = tmp_path / "state.json"
    worlds = [make_world(folder=tmp_path, state_file=state_file), make_world(folder=tmp_path / "b")]
    for world in worlds:
        world.homes[0].unit.ask(world.homes[0].unit.setting + 1.0, EPOCH_S + 3.5 * HOUR_S)
        world.advance_to(EPOCH_S + 3 * HOUR_S + 17.0)
    worlds[0].close()
    again = make_world(folder=tmp_path, state_file=state_file)
    for world in (again, worlds[1]):
        world.advance_to(EPOCH_S + 6 * HOUR_S)
    for home, unbroken in zip(again.homes, worlds[1].homes, strict=True):
        assert home.steered == unbroken.steered
        assert home.twin == unbroken.twin
        assert home.unit.total_kwh == unbroken.unit.total_kwh
        slot = int(EPOCH_S // 900) + 4
        assert home.history.get(slot) == unbroken.history.get(slot)
    assert truth_of(tmp_path) == truth_of(tmp_path / "b")


@pytest.mark.parametrize("change", [{"seed": 8}, {"pumps": 5}])
def test_a_state_file_of_another_world_is_refused(
    make_world: MakeWorld, tmp_path: Path, change: dict[str, int]
) -> None:
    state_file = tmp_path / "state.json"
    make_world(state_file=state_file).close()
    with pytest.raises(ConfigError, match="another world"):
        make_world(state_file=state_file, **change)


def test_a_state_file_of_an_older_simulator_is_refused_with_a_clear_sentence(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    state_file = tmp_path / "state.json"
    make_world(state_file=state_file).close()
    kept = json.loads(state_file.read_text())
    del kept["version"]
    state_file.write_text(json.dumps(kept))
    with pytest.raises(ConfigError, match="version 1, this simulator keeps version 2: remove it"):
        make_world(state_file=state_file)


def test_time_stands_still_before_the_start_on_the_wall(make_world: MakeWorld) -> None:
    clock = HandClock()
    clock.forward(seconds=-30)
    world = make_world(clock)
    assert world.advance() == EPOCH_S
    assert world.is_commissioning
    clock.forward(seconds=90)
    assert world.advance() == EPOCH_S + 60.0
    assert not world.is_commissioning


def test_an_installers_sheet_is_rounded_somewhat_wrong_and_enough_to_enrol() -> None:
    units = [Unit(draw_house(7, index), 7, f"p-{index + 1:04d}", EPOCH_S) for index in range(40)]
    sheets = [sheet(7, "DE-LU", unit) for unit in units]
    assert len({enrolment.vendor_ref for enrolment in sheets}) == 40
    wrong = 0
    for enrolment, unit in zip(sheets, units, strict=True):
        assert Enrolment.model_validate_json(enrolment.model_dump_json()) == enrolment
        assert enrolment.heated_area_m2 % 5 == 0
        assert enrolment.rated_heat_kw % 0.5 == 0
        assert abs(enrolment.heated_area_m2 / unit.spec.building.area_m2 - 1) < 0.2
        wrong += enrolment.building_class is not unit.spec.building_class
    assert 1 <= wrong <= 10


def test_the_same_seed_makes_the_same_world(make_world: MakeWorld, tmp_path: Path) -> None:
    worlds = [make_world(folder=tmp_path / name) for name in ("a", "b")]
    for world in worlds:
        world.advance_to(EPOCH_S + HOUR_S)
    assert [home.steered for home in worlds[0].homes] == [home.steered for home in worlds[1].homes]
    assert truth_of(tmp_path / "a") == truth_of(tmp_path / "b")
