"""Shadow mode: a pump that another system steers is observed, and never written to."""

from datetime import timedelta

import pytest

from domain.commands.command import Authority
from domain.modes import Mode
from domain.steering.arbitration import target_at
from domain.steering.decide import decide
from domain.steering.orders import Order, OrderKind
from domain.steering.overrides import OverrideKind
from domain.steering.pump_state import (
    OrderGiven,
    OrderLifted,
    OverrideRequested,
    PlanArrived,
    PumpState,
    RetireRequested,
    SteeringConsent,
)
from tests.builders import a_plan, a_state, an_observation, an_override, at
from workflows.operator_view import Alert, alert_of

SHADOW = Order(
    order_id="shadow-1", kind=OrderKind.SHADOW, scope="pump:p-0001", since=at(0), who="onboarding", why="the old system"
)


def a_shadowed_pump() -> PumpState:
    return decide(a_state(), OrderGiven(order=SHADOW), at(0)).state


@pytest.mark.parametrize("mode", [None, Mode.MIN, Mode.MAX])
def test_whatever_the_other_system_sets_nothing_is_written_and_no_baseline_is_learnt(mode: Mode | None) -> None:
    state = decide(a_shadowed_pump(), PlanArrived(plan=a_plan(1, {(0, 24): Mode.MAX})), at(0, 1)).state
    baseline = state.heating.lever.baseline
    for hour in (1, 2, 3):
        for event in (an_observation(at(hour), mode), an_observation(at(hour, 30), Mode.LOW)):
            decision = decide(state, event, event.as_of + timedelta(minutes=1))
            assert (decision.starts, decision.cancels) == ((), ())
            state = decision.state
    assert state.heating.lever.baseline == baseline
    assert (state.touches, state.overrides, state.heating.drift) == ((), (), None)
    target = target_at(state, at(4))
    assert (target.authority, target.is_held) == (Authority.COMPETING, True)
    assert alert_of(state, at(4)) is Alert.HELD


def test_a_wish_that_could_not_be_met_is_refused_with_the_way_out() -> None:
    target = an_override().model_copy(update={"kind": OverrideKind.EMERGENCY})
    decision = decide(a_shadowed_pump(), OverrideRequested(override=target), at(0, 5))
    assert decision.starts == ()
    assert "cut it over first" in decision.state.refusal


def test_a_pump_that_was_cut_over_is_steered_from_whatever_it_was_left_in() -> None:
    state = decide(a_shadowed_pump(), an_observation(at(1), Mode.MAX), at(1, 1)).state
    lifted = decide(state, OrderLifted(order_id="shadow-1"), at(2)).state
    end = lifted.orders[0].ends_at(lifted.pump_id)
    assert end is not None
    assert target_at(lifted, end - timedelta(seconds=1)).is_held
    decision = decide(lifted, an_observation(at(3), Mode.MAX), end + timedelta(minutes=60))
    (command,) = decision.starts
    assert (command.mode, command.setting) == (Mode.LOW, state.heating.lever.baseline)


def test_who_opts_out_or_retires_in_shadow_mode_is_not_written_to_either() -> None:
    state = decide(a_shadowed_pump(), an_observation(at(1), Mode.MAX), at(1, 1)).state
    left = decide(state, SteeringConsent(opted_out=True), at(1, 5))
    assert (left.starts, target_at(left.state, at(1, 6)).is_held) == ((), True)
    retired = decide(state, RetireRequested(), at(1, 5))
    assert (retired.starts, retired.state.retired) == ((), True)
