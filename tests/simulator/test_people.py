"""Hands at the heating lever: people touch and insist, memories fall back, and the truth says who it was."""

from pathlib import Path
from typing import Any

import pytest

from simulator.people import INSIST_WITHIN_S
from simulator.world import Home, World
from tests.simulator.builders import EPOCH
from tests.simulator.conftest import MakeWorld, truth_of

HOUR_S = 3600.0
EPOCH_S = EPOCH.timestamp()


def states(folder: Path, home: Home) -> list[dict[str, Any]]:
    """True changes of a home's heating lever after the start."""
    lines = [line for line in truth_of(folder) if line["kind"] == "state" and line["pump"] == home.unit.pump_id]
    return [line for line in lines if line["lever"] == home.unit.lever and line["cause"] != "initial"]


def overwrite(world: World, home: Home, now_s: float, value: float) -> None:
    """Remote control sets the lever at once."""
    home.unit.ask(value, now_s)
    world.advance_to(now_s + 1.0)


@pytest.mark.parametrize("fault", ["touched", "drift"])
def test_a_rate_is_met_per_pump_day_and_the_first_half_hour_is_quiet(
    make_world: MakeWorld, tmp_path: Path, fault: str
) -> None:
    world = make_world(folder=tmp_path, pumps=12, faults={fault: 6.0})
    for home in world.homes:
        home.unit.heating.remember(home.unit.setting + 1.0)
    world.advance_to(EPOCH_S + 24 * HOUR_S)
    changes = [line for home in world.homes for line in states(tmp_path, home)]
    assert 40 <= len(changes) <= 105
    assert min(line["at"] for line in changes) >= "2026-01-14T23:30:00.000+00:00"
    told = {(line["cause"], line.get("detail")) for line in changes}
    assert told == ({("household", "touched")} if fault == "touched" else {("drift", None)})
    if fault == "drift":
        assert any(home.steered != home.twin for home in world.homes)
    else:
        assert all(home.steered == home.twin for home in world.homes)


def test_a_touch_is_a_step_or_two_within_the_range(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(folder=tmp_path, pumps=10, faults={"touched": 20.0})
    shown = {home.unit.pump_id: home.unit.setting for home in world.homes}
    world.advance_to(EPOCH_S + 24 * HOUR_S)
    for home in world.homes:
        step = 0.5 if home.unit.spec.is_s_series else 1.0
        before = shown[home.unit.pump_id]
        for line in states(tmp_path, home):
            assert abs(line["value"] - before) in (step, 2 * step)
            before = line["value"]
        low, high = (5, 35) if home.unit.spec.is_s_series else (-10, 10)
        assert low <= before <= high


def test_who_is_overwritten_insists_twice_and_gives_up(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(folder=tmp_path, faults={"touched": 20.0})
    home = world.homes[0]
    now_s = EPOCH_S
    while not states(tmp_path, home):
        now_s += 60.0
        world.advance_to(now_s)
    world.dice.set_rates({"touched": 0.0})
    home.unit.dues = []
    home.unit.refresh_due()
    wished = home.unit.setting
    for _ in range(3):
        overwrite(world, home, now_s + 600.0, wished + (1.0 if wished < 5 or wished > 20 else -1.0))
        now_s += 600.0 + 2 * HOUR_S
        world.advance_to(now_s)
    lines = states(tmp_path, home)
    told = [(line["cause"], line.get("detail")) for line in lines]
    again, write = ("household", "insists"), ("write", None)
    assert told == [("household", "touched"), write, again, write, again, write]
    assert {line["value"] for line in lines if line["cause"] == "household"} == {wished}


def test_who_is_overwritten_after_hours_has_forgotten(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(folder=tmp_path, faults={"touched": 20.0})
    home = world.homes[0]
    now_s = EPOCH_S
    while home.unit.insistence is None:
        now_s += 60.0
        world.advance_to(now_s)
    world.dice.set_rates({"touched": 0.0})
    home.unit.dues = []
    home.unit.refresh_due()
    overwrite(world, home, now_s + INSIST_WITHIN_S + 60.0, home.unit.setting + 1.0)
    world.advance_to(now_s + INSIST_WITHIN_S + 3 * HOUR_S)
    assert [line["cause"] for line in states(tmp_path, home)] == ["household", "write"]


def test_drift_goes_back_to_what_was_there_before_and_spares_the_twin(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(folder=tmp_path)
    home = world.homes[0]
    own = home.unit.household_setting
    assert world.hands.drift(home.unit, EPOCH_S, world.tell) is None
    overwrite(world, home, EPOCH_S + 600.0, own + 1.0)
    overwrite(world, home, EPOCH_S + 1200.0, own + 2.0)
    assert world.hands.drift(home.unit, EPOCH_S + 1800.0, world.tell) in (own, own + 1.0)
    assert home.unit.household_setting == own
    assert [line["cause"] for line in states(tmp_path, home)] == ["write", "write", "drift"]


def test_a_restart_forgets_no_hand_on_its_way(make_world: MakeWorld, tmp_path: Path) -> None:
    state_file = tmp_path / "state.json"
    faults = {"touched": 20.0, "drift": 10.0}
    worlds = [
        make_world(folder=tmp_path, state_file=state_file, faults=faults),
        make_world(folder=tmp_path / "b", faults=faults),
    ]
    for world in worlds:
        world.homes[0].unit.ask(world.homes[0].unit.setting + 1.0, EPOCH_S + 2.2 * HOUR_S)
        world.advance_to(EPOCH_S + 3 * HOUR_S + 617.0)
    worlds[0].close()
    again = make_world(folder=tmp_path, state_file=state_file, faults=faults)
    for world in (again, worlds[1]):
        world.advance_to(EPOCH_S + 9 * HOUR_S)
    assert [home.steered for home in again.homes] == [home.steered for home in worlds[1].homes]
    assert truth_of(tmp_path) == truth_of(tmp_path / "b")
