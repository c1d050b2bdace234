"""The hot-water tank: its heat is accounted for, its lever moves it, and the unit keeps rules of its own."""

import pytest

from simulator.homes.commissioning import draw_house
from simulator.physics.building import Surroundings
from simulator.physics.controller import MIN_OFF_S, MIN_ON_S
from simulator.physics.hot_water import HYGIENE_C, HYGIENE_EVERY_S, TankState, step_tank
from simulator.physics.house import STEP_S, HouseSpec, HouseState, step_house
from simulator.physics.surroundings import HouseDay
from tests.simulator.builders import EPOCH, a_house, at_rest, steady
from tests.simulator.conftest import MakeFleet

HOUSES = [a_house(skip=skip) for skip in range(5)]
EPOCH_S = EPOCH.timestamp()


def a_week(spec: HouseSpec, comfort: float, outdoor_c: float = 5.0) -> tuple[HouseState, list[float], float]:
    """A week at one comfort step: the end, the tank minute by minute, and the electricity spent on it in kWh."""
    state, day = at_rest(spec, outdoor_c), HouseDay(3, spec)
    tank_c, spent_kwh = [], 0.0
    for minute in range(7 * 1440):
        day.refresh(EPOCH_S + 60 * minute, outdoor_c, 0.0, minute / 60 % 24, 0.0)
        step_house(spec, state, day.around, spec.household.setting, comfort)
        tank_c.append(state.tank.water_c)
        spent_kwh += state.tank_w / 60_000
    return state, tank_c, spent_kwh


def test_every_watt_into_the_tank_is_stored_drawn_or_lost() -> None:
    tank = a_house().tank
    state, balance_wh = TankState(50.0), 0.0
    for minute in range(600):
        heat_w, drawn_l = (5000.0 if minute % 200 < 30 else 0.0), (6.0 if minute % 100 < 9 else 0.0)
        over_k = min(30.0, state.water_c - 10.0)
        balance_wh += (heat_w - tank.loss_w_k * (state.water_c - 18.0)) / 60 - 1.163 * drawn_l * over_k
        step_tank(tank, state, heat_w, drawn_l, 1 / 60)
    assert tank.water_wh_k * (state.water_c - 50.0) == pytest.approx(balance_wh, abs=1e-6)


def test_a_standing_tank_loses_60_to_90_watts() -> None:
    for index in range(40):
        tank = draw_house(3, index).tank
        assert 60.0 <= tank.loss_w_k * (50.0 - 18.0) <= 90.0
        assert 180.0 <= tank.water_wh_k / 1.163 <= 250.0


@pytest.mark.parametrize("spec", HOUSES, ids=lambda spec: f"house-{spec.index}")
def test_each_comfort_step_is_warmer_and_dearer_than_the_one_below(spec: HouseSpec) -> None:
    weeks = [a_week(spec, comfort) for comfort in (0.0, 1.0, 2.0)]
    means_c = [sum(tank_c) / len(tank_c) for _, tank_c, _ in weeks]
    assert means_c[0] < means_c[1] - 2.0 < means_c[2] - 4.0
    # The hygiene cycle comes at every step, so a week in which it falls may be dearer than the step says.
    assert weeks[0][2] < weeks[2][2]
    assert all(min(tank_c) > 20.0 for _, tank_c, _ in weeks)


def test_smart_control_that_learned_nothing_is_the_normal_step() -> None:
    spec = HOUSES[0]
    assert a_week(spec, 4.0)[1] == a_week(spec, 1.0)[1]


def test_people_draw_what_their_number_makes_likely() -> None:
    for spec in HOUSES:
        day, drawn_l = HouseDay(3, spec), 0.0
        for minute in range(28 * 1440):
            day.refresh(EPOCH_S + 60 * minute, 5.0, 0.0, minute / 60 % 24, 0.0)
            drawn_l += day.around.drawn_l
        assert 35.0 <= spec.household.drawn_l_day <= 250.0
        assert drawn_l / 28 == pytest.approx(spec.household.drawn_l_day, rel=0.3)


def test_while_the_tank_is_charged_the_rooms_get_no_heat() -> None:
    spec = HOUSES[0]
    state = at_rest(spec, -2.0)
    seen = 0
    for minute in range(1440):
        around = steady(spec, -2.0)
        around.drawn_l = 4.0 if minute % 240 < 12 else 0.0
        step_house(spec, state, around, spec.household.setting)
        assert not (state.control.on_water and state.heat_w > 0.0)
        if state.control.on_water and state.tank_heat_w > 0.0:
            assert state.control.running
            seen += 1
    assert 20 < seen < 400


def test_hot_water_respects_the_compressors_rest() -> None:
    spec = HOUSES[1]
    state = at_rest(spec, 21.0)
    since_s, was_running, starts = 1e9, False, 0
    for minute in range(3 * 1440):
        around = Surroundings(21.0, 0.0, 200.0, drawn_l=8.0 if minute % 45 < 4 else 0.0)
        step_house(spec, state, around, spec.household.setting, 2.0 if minute % 90 < 50 else 0.0)
        if state.control.running != was_running:
            assert since_s >= (MIN_OFF_S if state.control.running else MIN_ON_S)
            starts += state.control.running
            since_s, was_running = 0.0, state.control.running
        since_s += STEP_S
    assert starts > 10


@pytest.mark.parametrize("comfort", [0.0, 1.0, 2.0])
def test_no_lever_suppresses_the_hygiene_cycle(comfort: float) -> None:
    spec = HOUSES[2]
    state, day = at_rest(spec, 0.0), HouseDay(3, spec)
    state.tank.since_hygiene_s = HYGIENE_EVERY_S - 3600.0
    hottest_c = 0.0
    for minute in range(600):
        day.refresh(EPOCH_S + 60 * minute, 0.0, 0.0, minute / 60 % 24, 0.0)
        step_house(spec, state, day.around, spec.household.setting, comfort)
        hottest_c = max(hottest_c, state.tank.water_c)
    assert HYGIENE_C <= hottest_c < HYGIENE_C + 1.0
    assert not state.tank.hygiene
    assert state.tank.since_hygiene_s < 36_000


def test_a_defrost_takes_heat_and_comes_only_with_frost() -> None:
    spec = HOUSES[0]
    for outdoor_c, cold in ((0.0, True), (8.0, False)):
        state = at_rest(spec, outdoor_c)
        lengths: list[int] = []
        gaps: list[int] = []
        run = gap = 0
        for _ in range(1440):
            step_house(spec, state, steady(spec, outdoor_c), spec.household.setting)
            if state.control.defrost_left_s > 0:
                assert state.heat_w < 0.0 or state.backup_w > 0.0
                assert state.power_w > spec.pump.standby_w
                run, gaps, gap = run + 1, [*gaps, gap] if gap else gaps, 0
            else:
                lengths, run, gap = [*lengths, run] if run else lengths, 0, gap + 1
        assert bool(lengths) is cold
        if cold:
            assert all(3 <= length <= 6 for length in lengths)
            assert all(gap >= 45 for gap in gaps[1:])


def test_hot_water_set_by_remote_changes_the_house_and_never_its_twin(make_fleet: MakeFleet) -> None:
    steered, alone = make_fleet(pumps=6), make_fleet(pumps=6)
    raised = [home for home in steered.homes if not home.unit.spec.by_setpoint]
    assert raised
    for home in raised:
        water = next(lever for lever in home.unit.levers if lever is not home.unit.heating_lever)
        home.unit.ask(2.0 if home.unit.levers[water].setting != 2.0 else 0.0, EPOCH_S + 600.0, water)
    for fleet in (steered, alone):
        fleet.advance_to(EPOCH_S + 24 * 3600.0)
    for home, lonely in zip(steered.homes, alone.homes, strict=True):
        assert home.twin == lonely.twin
        assert (home.steered == home.twin) == home.unit.spec.by_setpoint
