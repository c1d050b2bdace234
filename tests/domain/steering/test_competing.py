"""Another controller at a lever is told from a person by its pattern, left alone, and a person is asked."""

from datetime import timedelta

from domain.commands.command import Authority
from domain.modes import Mode
from domain.steering.arbitration import target_at
from domain.steering.competing import CHANGES, LEFT_FOR
from domain.steering.decide import decide
from domain.steering.pump_state import PumpState, SteeringConsent, Woke
from tests.builders import a_plan, a_state, an_observation, at
from workflows.operator_view import Alert, alert_of

OTHERS = (8.5, 4.0)
"""What the other one sets: none of our own settings."""


def steered() -> PumpState:
    """On a plan that raises all through two days, and there."""
    return a_state(plans=(a_plan(1, {(0, 48): Mode.MAX}, hours=48),), settled=Mode.MAX, settled_at=at(0))


def set_every(state: PumpState, minutes: int, times: int = CHANGES) -> PumpState:
    """Somebody sets the lever to and fro, beginning at one o'clock."""
    for number in range(times):
        when = at(1) + number * timedelta(minutes=minutes)
        decision = decide(state, an_observation(when, None, OTHERS[number % 2]), when)
        assert decision.starts == (), "nothing is written over it"
        state = decision.state
    return state


def test_a_lever_that_is_set_all_day_is_left_to_another_controller_and_a_person_is_asked() -> None:
    before = steered().heating.lever.baseline
    state = set_every(steered(), minutes=60)
    now = at(CHANGES)
    target = target_at(state, now)
    assert (target.authority, target.is_held) == (Authority.COMPETING, True)
    assert alert_of(state, now) is Alert.COMPETING
    assert state.heating.lever.baseline == before, "what the other one set is not the household's own"
    assert state.overrides == (), "nor a wish of theirs"
    assert "another controller" in state.outbox[-1].reason


def test_while_it_goes_on_nothing_is_written_and_nothing_learnt() -> None:
    state = set_every(steered(), minutes=60)
    before = state.heating.lever.baseline
    for hour in range(8, 24):
        decision = decide(state, an_observation(at(hour), None, OTHERS[hour % 2]), at(hour))
        assert decision.starts == ()
        state = decision.state
    assert (state.touches, state.heating.lever.baseline) == ((), before)


def test_after_a_day_it_is_steered_again_by_itself() -> None:
    state = set_every(steered(), minutes=60)
    again = at(CHANGES) + LEFT_FOR
    assert decide(state, Woke(), at(CHANGES)).wake_at == again
    assert decide(state, Woke(), again - timedelta(minutes=1)).starts == ()
    (command,) = decide(state, Woke(), again).starts
    assert command.mode is Mode.MAX


def test_a_person_who_says_that_it_is_gone_ends_it_at_once() -> None:
    state = set_every(steered(), minutes=60)
    now = at(CHANGES) + timedelta(minutes=5)
    decision = decide(state, SteeringConsent(opted_out=False), now)
    assert [command.mode for command in decision.starts] == [Mode.MAX]
    assert alert_of(decision.state, now) is Alert.NONE


def test_a_person_who_tries_out_what_a_setting_does_stays_a_person() -> None:
    state = set_every(steered(), minutes=20)
    assert target_at(state, at(3)).authority is Authority.OUTSIDE
    assert state.heating.lever.baseline == OTHERS[(CHANGES - 1) % 2]
