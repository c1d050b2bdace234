"""A household's week at the pump: what is warm enough by night is too cold by day, and nothing sets it back then."""

from domain.homes.comfort import ComfortBand, ComfortWeek, week_rules
from domain.modes import Mode
from domain.steering.arbitration import target_at
from domain.steering.decide import decide
from domain.steering.pump_state import ComfortChanged, PumpState
from tests.builders import a_plan, a_state, an_observation, at

WEEK = ComfortWeek(tz="UTC", rules=week_rules("all 06:00-22:00 21-23.5"))
BAND = ComfortBand(room_min_c=20, room_max_c=23.5, week=WEEK)
ROOM_C = 19.6
"""Above the night's floor of 19 and below the day's of 20."""


def kept_by_a_household() -> PumpState:
    """Set back by its plan all day, and told of the week."""
    state = a_state(plans=(a_plan(1, {(0, 48): Mode.MIN}, hours=48),), settled=Mode.MIN, settled_at=at(0))
    return decide(state, ComfortChanged(band=BAND), at(1)).state


def seen_at(hour: float) -> PumpState:
    return decide(kept_by_a_household(), an_observation(at(hour), Mode.MIN, -2.0, room_c=ROOM_C), at(hour)).state


def test_the_floor_under_a_plan_follows_the_hours_of_the_week() -> None:
    by_night, by_day = seen_at(2), seen_at(7)
    assert not by_night.watch.is_cold
    assert target_at(by_night, at(2)).mode is Mode.MIN
    assert by_day.watch.is_cold
    assert target_at(by_day, at(7)).mode is not Mode.MIN


def test_a_week_is_kept_in_the_state_as_it_is_stored_and_sent() -> None:
    state = kept_by_a_household()
    assert state.site.band == BAND
    assert PumpState.model_validate_json(state.model_dump_json()) == state
