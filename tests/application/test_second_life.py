"""A pump whose workflow is started anew: it knows what people had said and what the sweep had told the one before."""

from application.manual_changes import Touch
from application.starting import last_reported, with_standing_requests
from domain.commands.command import Authority
from domain.modes import Circuit
from domain.oem.cloud import Condition
from domain.steering.arbitration import target_at
from domain.steering.sweep_policy import Reported, WatchRecord
from domain.steering.watch import Watch
from tests.application.test_audit_log import a_row
from tests.builders import a_state, at


def test_what_the_sweep_had_told_is_known_to_the_next_life() -> None:
    told = Reported(condition=Condition.INSTALLER, is_cold=True)
    watch = last_reported(WatchRecord(pump_id="p-0001", looked_at=at(5), as_of=at(4), told=told))
    assert (watch.condition, watch.is_cold, watch.silent_since) == (Condition.INSTALLER, True, None)


def test_a_silence_that_wlast_reported_goes_on() -> None:
    record = WatchRecord(pump_id="p-0001", looked_at=at(5), as_of=at(4), told=Reported(silent=True))
    assert last_reported(record).silent_since == at(4)


def test_a_pump_that_was_never_looked_at_is_known_of_nothing() -> None:
    assert last_reported(None) == Watch()


def test_a_hand_at_the_unit_still_holds_and_makes_the_next_ones_hold_longer() -> None:
    hands = [Touch(at(0), Circuit.HEATING, 7.5), Touch(at(30), Circuit.HEATING, 4.0)]
    state = with_standing_requests(a_state(), [], hands, at(33))
    target = target_at(state, at(33))
    assert (target.authority, target.until) == (Authority.OUTSIDE, at(34))
    assert state.touches == (at(30),)


def test_a_hand_at_the_unit_that_the_household_had_ended_holds_no_more() -> None:
    ended = a_row("end-override", at(2), override_id="touch-heating-20260115T000000")
    state = with_standing_requests(a_state(), [ended], [Touch(at(0), Circuit.HEATING, 7.5)], at(3))
    assert (state.overrides, state.touches) == ((), (at(0),))
