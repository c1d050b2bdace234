"""Two days with every lever stuck where it was when the cloud died, at the worst instant and in hard frost.

The worst instant for a set-back is one at which the house has cooled for hours already, before dark days without any
sun; for a raise, one at which it is warm already.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from domain.homes.site import Site
from domain.modes import HotWaterMode, Mode
from domain.oem.lever import LeverSpec
from domain.steering.decide import decide
from domain.steering.pump_state import Woke
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, ROOM_SETPOINT
from simulator.homes.commissioning import draw_house
from simulator.physics.house import HouseSpec, step_house
from simulator.physics.surroundings import HouseDay
from tests.builders import a_plan, a_state, at, started
from tests.simulator.builders import EPOCH, at_rest

SEED = 5
PER_KIND = 10
BEFORE_H, ALREADY_H, STUCK_H = 24, 6, 48
KELVIN_PER_OFFSET = 0.9
"""About what a step of the heating curve's offset is worth in a room."""
FLOOR_IN_AN_OLD_HOUSE = 1
"""No floor carries the load of an unrenovated house: that kind is not drawn."""


def fleet() -> list[HouseSpec]:
    """Homes of every building class and emitter, both device families among them."""
    kinds: dict[tuple[str, str], list[HouseSpec]] = defaultdict(list)
    for index in range(500):
        spec = draw_house(SEED, index)
        kind = kinds[spec.building_class, spec.emitter]
        if len(kind) < PER_KIND:
            kind.append(spec)
    assert len(kinds) == 8 - FLOOR_IN_AN_OLD_HOUSE
    return [spec for kind in kinds.values() for spec in kind]


FLEET = fleet()


def lever_of(spec: HouseSpec) -> LeverSpec:
    """The heating lever of a home's unit, as the vendor's manifest declares it."""
    return ROOM_SETPOINT if spec.by_setpoint else HEATING_OFFSET


@dataclass
class Course:
    """Rooms and tank, minute by minute, once the levers are stuck."""

    rooms_c: list[float]
    tank_c: list[float]


def stuck(
    spec: HouseSpec, mode: Mode, water: HotWaterMode, outdoor_c: float, sun_w_m2: Callable[[float], float]
) -> Course:
    """A day of its own control, some hours of the mode, and two days more of it."""
    state, day = at_rest(spec, outdoor_c), HouseDay(SEED, spec)
    usual, comfort = spec.household.setting, spec.household.hot_water_setting
    stuck_comfort = comfort if spec.by_setpoint else HOT_WATER_COMFORT.setting(water, comfort)
    course = Course([], [])
    for minute in range((BEFORE_H + ALREADY_H + STUCK_H) * 60):
        hour = minute / 60 % 24
        day.refresh(EPOCH.timestamp() + 60 * minute, outdoor_c, sun_w_m2(hour), hour, 0.0)
        if minute < BEFORE_H * 60:
            step_house(spec, state, day.around, usual, comfort)
            continue
        step_house(spec, state, day.around, lever_of(spec).setting(mode, usual), stuck_comfort)
        if minute >= (BEFORE_H + ALREADY_H) * 60:
            course.rooms_c.append(state.rooms.air_c)
            course.tank_c.append(state.tank.water_c)
    return course


def dark(_hour: float) -> float:
    return 0.0


def sunny(hour: float) -> float:
    return max(0.0, 500.0 * (1 - ((hour - 13) / 5) ** 2))


def test_the_fleet_is_large_and_mixed() -> None:
    assert len(FLEET) >= 60
    assert 10 <= sum(spec.by_setpoint for spec in FLEET) <= 50


@pytest.mark.parametrize("outdoor_c", [-12.0, pytest.param(-16.0, marks=pytest.mark.slow)])
def test_set_back_for_two_days_in_hard_frost_leaves_rooms_above_17_and_water_warm(outdoor_c: float) -> None:
    deepest: dict[str, float] = defaultdict(float)
    for spec in FLEET:
        course = stuck(spec, Mode.MIN, HotWaterMode.HOLD, outdoor_c, dark)
        own = stuck(spec, Mode.LOW, HotWaterMode.HOLD, outdoor_c, dark)
        lever = lever_of(spec)
        deepest[lever.name] = max(deepest[lever.name], min(own.rooms_c) - min(course.rooms_c))
        assert min(course.rooms_c) >= 17.0, spec
        assert min(course.tank_c) >= 30.0, spec
        assert sum(course.tank_c) / len(course.tank_c) >= 38.0, spec
    for lever in (HEATING_OFFSET, ROOM_SETPOINT):
        # What decisions count on is more than any house showed, and not so much more that nobody is ever set back.
        drop_k = lever.stuck_limits.drop_k
        assert drop_k - 0.5 < deepest[lever.name] < drop_k


def test_a_home_that_rests_cooler_than_its_band_is_set_back_only_where_two_stuck_days_leave_17() -> None:
    set_back, left = 0, 0
    for spec in FLEET:
        for cooler_k in (0.0, 0.9):
            setting = spec.household.setting - cooler_k / (1.0 if spec.by_setpoint else KELVIN_PER_OFFSET)
            cool = replace(spec, household=replace(spec.household, setting=setting))
            rests_at_c = stuck(cool, Mode.LOW, HotWaterMode.HOLD, -12.0, dark).rooms_c[0]
            stuck_there = lever_of(spec).stuck_limits
            site = Site(stuck_drop_k=stuck_there.drop_k, stuck_fall_k=stuck_there.fall_k)
            command = started(decide(a_state(site=site, plans=(a_plan(1, {(0, 24): Mode.MIN}),)), Woke(), at(2)))
            assert command is not None
            assert command.begins_from_c is not None
            if rests_at_c < command.begins_from_c:
                left += 1
                continue
            set_back += 1
            assert min(stuck(cool, Mode.MIN, HotWaterMode.HOLD, -12.0, dark).rooms_c) >= 17.0, (spec, cooler_k)
    assert set_back > 10
    assert left > 10, "cool ones there were"


@pytest.mark.parametrize(("outdoor_c", "sun_w_m2"), [(-12.0, dark), (8.0, sunny)], ids=["frost", "sun"])
def test_forced_for_two_days_leaves_rooms_below_28_and_water_below_65(
    outdoor_c: float, sun_w_m2: Callable[[float], float]
) -> None:
    for spec in FLEET:
        course = stuck(spec, Mode.MAX, HotWaterMode.BOOST, outdoor_c, sun_w_m2)
        assert max(course.rooms_c) <= 28.0, spec
        assert max(course.tank_c) <= 65.0, spec
        if not spec.by_setpoint:  # luxury reached the tank
            assert sum(course.tank_c) / len(course.tank_c) > 43.0, spec
