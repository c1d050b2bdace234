"""A pump whose workflow is started anew: it knows what people had said and what the sweep had told the one before."""

from console.fleet import as_told, with_what_people_said
from console.touches import Touch
from domain.commands import Authority
from domain.modes import Circuit
from domain.oem import Condition
from domain.pump import Watch
from domain.sweeping import Told, WatchRecord
from domain.wishes import wish_at
from tests.builders import a_state, at
from tests.console.test_trail import a_row


def test_what_the_sweep_had_told_is_known_to_the_next_life() -> None:
    told = Told(condition=Condition.INSTALLER, is_cold=True)
    watch = as_told(WatchRecord(pump_id="p-0001", looked_at=at(5), as_of=at(4), told=told))
    assert (watch.condition, watch.is_cold, watch.silent_since) == (Condition.INSTALLER, True, None)


def test_a_silence_that_was_told_goes_on() -> None:
    record = WatchRecord(pump_id="p-0001", looked_at=at(5), as_of=at(4), told=Told(silent=True))
    assert as_told(record).silent_since == at(4)


def test_a_pump_that_was_never_looked_at_is_known_of_nothing() -> None:
    assert as_told(None) == Watch()


def test_a_hand_at_the_unit_still_holds_and_makes_the_next_ones_hold_longer() -> None:
    hands = [Touch(at(0), Circuit.HEATING, 7.5), Touch(at(30), Circuit.HEATING, 4.0)]
    state = with_what_people_said(a_state(), [], hands, at(33))
    wish = wish_at(state, at(33))
    assert (wish.authority, wish.until) == (Authority.OUTSIDE, at(34))
    assert state.touches == (at(30),)


def test_a_hand_at_the_unit_that_the_household_had_ended_holds_no_more() -> None:
    ended = a_row("end-override", at(2), override_id="touch-heating-20260115T000000")
    state = with_what_people_said(a_state(), [ended], [Touch(at(0), Circuit.HEATING, 7.5)], at(3))
    assert (state.overrides, state.touches) == ((), (at(0),))
