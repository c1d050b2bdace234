"""Houses whose unit keeps one supply temperature: a thermostat minds the room, and the lever moves the water alone."""

import pytest

from simulator.homes.commissioning import draw_house
from simulator.homes.make import Equipment
from simulator.physics.house import HouseSpec, HouseState, step_house
from tests.simulator.builders import at_rest, live, steady

KEEPING = Equipment(by_setpoint=0.5, keeping_supply=0.25, supply_k_per_step=1.0)
ALONG_CURVES = Equipment(by_setpoint=0.5, supply_k_per_step=1.0)
FLEET = [draw_house(3, index, KEEPING) for index in range(16)]
FIXED = [spec for spec in FLEET if spec.keeps_supply]


def lived(spec: HouseSpec, outdoor_c: float, setting: float, hours: float = 24) -> tuple[HouseState, list[float]]:
    """The house at the end, and its room in degrees C each quarter of an hour of the second half."""
    state, rooms_c = at_rest(spec, outdoor_c), []
    live(spec, state, outdoor_c, setting, hours / 2)
    for _ in range(int(hours * 2)):
        live(spec, state, outdoor_c, setting, 0.25)
        rooms_c.append(state.rooms.air_c)
    return state, rooms_c


def test_others_are_drawn_as_they_would_be_without_them() -> None:
    assert 3 <= len(FIXED) <= 5
    usual = [draw_house(3, index, ALONG_CURVES) for index in range(16)]
    others = [(ours, theirs) for ours, theirs in zip(FLEET, usual, strict=True) if not ours.keeps_supply]
    assert all(ours == theirs for ours, theirs in others)
    assert not any(spec.keeps_supply for spec in usual)


@pytest.mark.parametrize("spec", FIXED, ids=lambda spec: f"house-{spec.index}")
def test_the_supply_is_the_setting_whatever_the_weather_and_within_the_limit(spec: HouseSpec) -> None:
    for outdoor_c in (-10.0, 5.0):
        for setting in (spec.household.setting - 4.0, spec.household.setting, 99.0):
            state = at_rest(spec, outdoor_c)
            step_house(spec, state, steady(spec, outdoor_c), setting)
            assert state.control.target_c == min(setting, spec.control.supply_max_c)


@pytest.mark.parametrize("spec", FIXED, ids=lambda spec: f"house-{spec.index}")
def test_a_room_is_warm_enough_on_a_cold_day_and_not_overheated_on_a_mild_one(spec: HouseSpec) -> None:
    preferred_c = spec.household.preferred_c
    for outdoor_c in (-10.0, 7.0):
        state, rooms_c = lived(spec, outdoor_c, spec.household.setting)
        assert preferred_c - 1.0 < min(rooms_c)
        assert max(rooms_c) < preferred_c + 1.5
        assert state.backup_w == 0.0


@pytest.mark.parametrize("spec", FIXED, ids=lambda spec: f"house-{spec.index}")
def test_less_water_temperature_in_frost_means_less_power_and_a_cooler_room(spec: HouseSpec) -> None:
    power_w, rooms_c = [], []
    for delta in (-4.0, 0.0):
        state = at_rest(spec, -10.0)
        power_w.append(live(spec, state, -10.0, spec.household.setting + delta, 24))
        rooms_c.append(state.rooms.air_c)
    assert power_w[0] < 0.95 * power_w[1]
    assert 17.0 < rooms_c[0] < rooms_c[1] - 0.5
