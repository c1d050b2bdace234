"""Physics of one house: heat is conserved, levers act, machines rest, and homes are commissioned to the target."""

import pytest

from domain.homes.site import Emitter
from simulator.homes.commissioning import draw_house
from simulator.physics.building import Surroundings, step_network, stored_kwh, valve_opening
from simulator.physics.controller import BACKUP_DM, MIN_CYCLE_S, MIN_OFF_S, MIN_ON_S
from simulator.physics.heat_pump import capacity_w, cop
from simulator.physics.house import STEP_S, HouseSpec, step_house
from tests.simulator.builders import a_house, at_rest, live, steady

FLEET = [draw_house(3, index) for index in range(14)]


@pytest.mark.parametrize("floor", [False, True])
def test_every_watt_that_goes_in_is_stored_or_lost_outdoors(floor: bool) -> None:
    spec = a_house(floor=floor)
    rooms = at_rest(spec, 2.0).rooms
    before_kwh = stored_kwh(spec.building, spec.emitters, rooms)
    balance_wh = 0.0
    for minute in range(600):
        around = Surroundings(2.0 - minute / 100, 200.0 if minute > 300 else 0.0, 400.0, 1.3)
        heat_w = 6000.0 if minute % 90 < 60 else 0.0
        step_network(spec.building, spec.emitters, rooms, around, heat_w, 1 / 60)
        sun_w = spec.building.aperture_m2 * around.radiation_w_m2
        balance_wh += (heat_w + sun_w + around.people_w - rooms.lost_w) / 60
    gained_kwh = stored_kwh(spec.building, spec.emitters, rooms) - before_kwh
    assert gained_kwh == pytest.approx(balance_wh / 1000, abs=1e-9)


@pytest.mark.parametrize("s_series", [False, True])
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_raising_the_lever_raises_power_and_room_and_setting_back_lowers_both(s_series: bool, skip: int) -> None:
    spec = a_house(s_series=s_series, skip=skip)
    usual = spec.household.setting
    up, down = (1.5, -1.0) if s_series else (3.0, -2.0)
    settled = at_rest(spec, 0.0)
    live(spec, settled, 0.0, usual, 12)
    power_w, room_c = [], []
    for setting in (usual + down, usual, usual + up):
        state = settled.copy()
        power_w.append(live(spec, state, 0.0, setting, 3))
        room_c.append(state.rooms.air_c)
    assert power_w[0] < 0.9 * power_w[1] < power_w[1] < 0.9 * power_w[2]
    assert room_c[0] < room_c[1] - 0.1 < room_c[1] + 0.1 < room_c[2]


@pytest.mark.parametrize("spec", FLEET[:6], ids=lambda spec: f"house-{spec.index}")
def test_a_compressor_rests_and_runs_at_least_as_long_as_it_must(spec: HouseSpec) -> None:
    state = at_rest(spec, 10.0)
    since_switch_s, since_start_s, was_running, switches = 1e9, 1e9, state.control.running, 0
    for minute in range(24 * 60):
        setting = spec.household.setting + (1.0 if minute % 240 < 120 else -1.0)
        step_house(spec, state, steady(spec, 10.0), setting)
        if state.control.running != was_running:
            switches += 1
            if state.control.running:
                assert since_switch_s >= MIN_OFF_S
                assert since_start_s >= MIN_CYCLE_S
                since_start_s = 0.0
            else:
                assert since_switch_s >= MIN_ON_S
            since_switch_s, was_running = 0.0, state.control.running
        since_switch_s += STEP_S
        since_start_s += STEP_S
    assert switches > 0


def test_rooms_rest_near_the_target_in_steady_cold_weather() -> None:
    errors_k = []
    for spec in FLEET:
        state = at_rest(spec, -5.0)
        live(spec, state, -5.0, spec.household.setting, 84)
        rooms_c = []
        for _ in range(24):
            live(spec, state, -5.0, spec.household.setting, 0.5)
            rooms_c.append(state.rooms.air_c)
        errors_k.append(sum(rooms_c) / 24 - spec.household.preferred_c)
    assert max(map(abs, errors_k)) < 0.6
    assert abs(sum(errors_k) / len(errors_k)) < 0.2


def test_two_days_stuck_at_two_steps_less_in_hard_frost_leave_every_room_above_17() -> None:
    for spec in FLEET:
        state = at_rest(spec, -12.0)
        usual = spec.household.setting
        live(spec, state, -12.0, usual - (1.0 if spec.by_setpoint else 2.0), 48)
        assert state.rooms.air_c > 17.0, spec


def test_the_immersion_heater_waits_for_a_deep_debt_of_degree_minutes() -> None:
    spec = a_house()
    state = at_rest(spec, -12.0)
    seen_backup = False
    for _ in range(12 * 60):
        was_on = state.backup_w > 0
        step_house(spec, state, steady(spec, -14.0), spec.household.setting + 6)
        if state.backup_w > 0 and not was_on:
            seen_backup = True
            assert state.control.degree_minutes < BACKUP_DM
            assert state.control.modulation > 0.95
    assert seen_backup


def test_efficiency_falls_with_hotter_water_and_colder_air_and_full_speed() -> None:
    pump = a_house().pump
    assert cop(pump, 2.0, 35.0, 0.5) > cop(pump, 2.0, 45.0, 0.5) > cop(pump, 2.0, 55.0, 0.5)
    assert cop(pump, 7.0, 35.0, 0.5) > cop(pump, 2.0, 35.0, 0.5) > cop(pump, -12.0, 35.0, 0.5)
    assert cop(pump, 2.0, 35.0, 0.3) > cop(pump, 2.0, 35.0, 1.0)
    assert 1.8 < cop(pump, -12.0, 52.0, 1.0) < cop(pump, 7.0, 33.0, 0.4) < 6.0
    assert capacity_w(pump, -12.0) < capacity_w(pump, 7.0)


def test_thermostatic_valves_close_when_the_room_is_too_warm() -> None:
    with_valves = [spec for spec in FLEET if spec.emitters.valve_opens_below_c < 30]
    assert with_valves
    for spec in with_valves:
        assert spec.emitter is Emitter.RADIATOR
        assert valve_opening(spec.emitters, spec.household.preferred_c + 1.0) == 1.0
        assert valve_opening(spec.emitters, spec.household.preferred_c + 2.0) < 1.0
        assert 0 < valve_opening(spec.emitters, spec.household.preferred_c + 6.0) < 0.3


def test_the_supply_keeps_below_the_limit_of_its_emitters() -> None:
    for spec in FLEET:
        state = at_rest(spec, -12.0)
        live(spec, state, -12.0, spec.household.setting + (5.0 if spec.by_setpoint else 8.0), 12)
        assert state.control.target_c <= spec.control.supply_max_c
        assert spec.control.supply_max_c <= (40.0 if spec.emitters.is_floor else 60.0)
        assert state.control.supply_c < spec.control.supply_max_c + 6.0


def test_nothing_heats_rooms_in_summer() -> None:
    spec = a_house()
    state = at_rest(spec, 22.0)
    for _ in range(24 * 60):
        step_house(spec, state, steady(spec, 22.0), spec.household.setting)
        assert state.heat_w == 0.0
        assert state.power_w == pytest.approx(spec.pump.standby_w + state.tank_w)


def test_a_fleet_holds_every_kind_of_home_in_its_share() -> None:
    fleet = [draw_house(11, index) for index in range(60)]
    assert 36 <= sum(not spec.by_setpoint for spec in fleet) <= 48
    assert 9 <= sum(not spec.has_room_sensor for spec in fleet) <= 21
    assert all(spec.has_room_sensor for spec in fleet if spec.by_setpoint)
    assert len({spec.building_class for spec in fleet}) == 4
    assert {spec.emitter for spec in fleet} == {Emitter.FLOOR, Emitter.RADIATOR}
    for spec in fleet:
        band, preferred_c = spec.household.band, spec.household.preferred_c
        assert band.room_min_c < preferred_c - 0.8
        assert band.room_max_c > preferred_c + 1.9
