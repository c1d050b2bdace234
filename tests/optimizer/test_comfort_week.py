"""A household's week in the plan: a band by the slot, kept as any band, and worth money where it is wider."""

import numpy as np

from domain.homes.comfort import ComfortBand
from domain.planning.fleet_plan import FleetPlanResult, PumpForPlanning
from optimizer.certificate import kelvin_hours
from optimizer.house import Houses, house_of
from optimizer.planner import plan_fleet
from tests.optimizer.builders import a_pump, a_request

DAY_LOW_C, NIGHT_LOW_C, HIGH_C = 21.0, 18.0, 24.0
IS_DAY = tuple(60 <= slot < 88 for slot in range(96))
BY_SLOT = tuple((DAY_LOW_C if day else NIGHT_LOW_C, HIGH_C) for day in IS_DAY)


def with_band(pump: PumpForPlanning, low_c: float, accepts: tuple[tuple[float, float], ...] = ()) -> PumpForPlanning:
    enrolment = pump.profile.enrolment.model_copy(update={"band": ComfortBand(room_min_c=low_c, room_max_c=HIGH_C)})
    return pump.model_copy(
        update={"profile": pump.profile.model_copy(update={"enrolment": enrolment}), "accepts": accepts}
    )


def planned(*pumps: PumpForPlanning) -> FleetPlanResult:
    return plan_fleet(a_request(pumps))


def test_a_band_that_is_narrow_in_the_evening_is_kept_then_and_the_wide_rest_is_used() -> None:
    always = np.array(planned(with_band(a_pump(), DAY_LOW_C)).pumps[0].expected_room_c)
    week = np.array(planned(with_band(a_pump(), DAY_LOW_C, BY_SLOT)).pumps[0].expected_room_c)
    wide = np.array(planned(with_band(a_pump(), NIGHT_LOW_C)).pumps[0].expected_room_c)
    evening, morning = np.array(IS_DAY), np.arange(96) < 48
    assert week[evening].min() >= DAY_LOW_C
    assert wide[evening].min() < week[evening].min() - 0.1
    assert week[morning].min() < always[morning].min() - 0.1


def test_one_band_said_slot_by_slot_gives_the_plan_of_that_band() -> None:
    same = ((DAY_LOW_C, HIGH_C),) * 96
    assert planned(with_band(a_pump(), DAY_LOW_C, same)).pumps == planned(with_band(a_pump(), DAY_LOW_C)).pumps


def test_homes_with_and_without_a_week_are_planned_together_and_kelvin_hours_count_by_the_slot() -> None:
    houses = Houses.of([house_of(with_band(a_pump(), DAY_LOW_C, BY_SLOT)), house_of(with_band(a_pump(), DAY_LOW_C))])
    assert houses.low_shift_k.shape == (2, 96)
    rooms = np.full((2, 96), 19.5)
    short_k = DAY_LOW_C - 19.5
    assert kelvin_hours(rooms, houses) == (sum(IS_DAY) + 96) * short_k / 4
