"""Orders: given or lifted twice they change nothing, and what they held comes back staggered."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.commands.command import Authority, CommandState
from domain.modes import Mode
from domain.steering.arbitration import target_at
from domain.steering.decide import decide
from domain.steering.orders import LONGEST_LIMIT, STAGGER, Order, OrderKind, problem_with_order, stagger
from domain.steering.pump_state import CommandSettled, Drift, FailedTarget, OrderGiven, OrderLifted, PumpState, Woke
from tests.builders import a_plan, a_state, an_outcome, at, started


def a_stop(name: str = "s1", until: datetime | None = None, revision: int | None = None) -> Order:
    return Order(
        order_id=name,
        kind=OrderKind.STOP,
        scope="all",
        revision=revision,
        since=at(1),
        until=until,
        who="operator",
        why="drill",
    )


def on_plan(**given: Any) -> PumpState:
    return a_state(plans=(a_plan(1, {(0, 24): Mode.MIN}),), settled=Mode.MIN, **given)


def test_a_stop_brings_a_steered_pump_to_neutral_at_once() -> None:
    command = started(decide(on_plan(), OrderGiven(order=a_stop()), at(1)))
    assert command is not None
    assert command.mode is Mode.LOW


def test_giving_an_order_twice_is_giving_it_once() -> None:
    once = decide(on_plan(), OrderGiven(order=a_stop()), at(1)).state
    assert decide(once, OrderGiven(order=a_stop()), at(1)).state == once


def test_lifting_twice_keeps_the_first_moment() -> None:
    given = decide(on_plan(), OrderGiven(order=a_stop()), at(1)).state
    once = decide(given, OrderLifted(order_id="s1"), at(2)).state
    assert decide(once, OrderLifted(order_id="s1"), at(2, 1)).state.orders == once.orders


def test_lifting_an_unknown_order_changes_no_other_and_keeps_it_from_coming_later() -> None:
    given = decide(on_plan(), OrderGiven(order=a_stop()), at(1)).state
    lifted = decide(given, OrderLifted(order_id="another"), at(2)).state
    assert lifted.orders == given.orders
    late = decide(lifted, OrderGiven(order=a_stop().model_copy(update={"order_id": "another"})), at(3)).state
    assert late.orders == given.orders


def test_an_order_that_was_given_and_lifted_does_not_stand_again_when_it_is_told_again() -> None:
    given = decide(on_plan(), OrderGiven(order=a_stop()), at(1)).state
    lifted = decide(given, OrderLifted(order_id="s1"), at(2)).state
    forgotten = decide(lifted, Woke(), at(4)).state
    assert forgotten.orders == ()
    assert decide(forgotten, OrderGiven(order=a_stop()), at(5)).state.orders == ()


def test_a_pump_comes_back_after_its_own_share_of_the_stagger_and_forgets_the_order() -> None:
    state = decide(on_plan(), OrderGiven(order=a_stop()), at(1)).state
    state = decide(state, OrderLifted(), at(2)).state
    back = at(2) + stagger(state.pump_id)
    assert target_at(state, back - timedelta(seconds=1)).mode is Mode.LOW
    assert target_at(state, back).mode is Mode.MIN
    assert decide(state, OrderLifted(), back).state.orders == ()


def test_a_fleet_comes_back_spread_over_the_stagger() -> None:
    shares = [stagger(f"p-{n:04d}") / STAGGER for n in range(1000)]
    tenths = [sum(int(10 * share) == tenth for share in shares) for tenth in range(10)]
    assert all(0 <= share < 1 for share in shares)
    assert min(tenths) >= 60
    assert max(tenths) <= 140


def test_a_stop_of_one_revision_leaves_others_running() -> None:
    state = on_plan(orders=(a_stop(revision=7),))
    assert target_at(state, at(1)).mode is Mode.MIN
    assert target_at(on_plan(orders=(a_stop(revision=1),)), at(1)).mode is Mode.LOW


@pytest.mark.parametrize(
    "waiting",
    [
        {"failed": FailedTarget(mode=Mode.LOW, count=4, retry_at=at(5), reason="ignored", authority=Authority.NEUTRAL)},
        {"drift": Drift(level=Mode.MIN, count=4, at=at(0.5), retry_at=at(24))},
    ],
)
def test_a_stop_does_not_wait_for_a_back_off(waiting: dict[str, Any]) -> None:
    command = started(decide(on_plan(**waiting), OrderGiven(order=a_stop()), at(1)))
    assert command is not None
    assert command.mode is Mode.LOW


def test_a_stop_in_the_middle_of_a_command_cancels_it_and_then_reverts() -> None:
    state = a_state(plans=(a_plan(1, {(1, 6): Mode.MIN}),))
    first = decide(state, OrderLifted(), at(1, 10))
    command = started(first)
    assert command is not None
    stopped = decide(first.state, OrderGiven(order=a_stop()), at(1, 11))
    assert len(stopped.cancels) == 1
    ended = an_outcome(command.command_id, CommandState.SUPERSEDED, at(1, 12))
    revert = started(decide(stopped.state, CommandSettled(outcome=ended), at(1, 12)))
    assert revert is not None
    assert revert.mode is Mode.LOW


@pytest.mark.parametrize("given", [{"cap": None}, {"cap": Mode.MID}, {"until": None}])
def test_a_limit_needs_a_cap_that_limits_and_an_end(given: dict[str, Any]) -> None:
    whole = {
        "order_id": "l",
        "kind": OrderKind.LIMIT,
        "scope": "all",
        "cap": Mode.LOW,
        "since": at(0),
        "until": at(2),
        "who": "grid",
        "why": "dimming",
    }
    assert Order.model_validate(whole).highest is Mode.LOW
    with pytest.raises(ValidationError):
        Order.model_validate(whole | given)


def test_an_order_that_ended_or_a_limit_without_measure_is_refused_in_a_sentence() -> None:
    past = problem_with_order(a_stop(until=at(1)), at(2))
    assert past is not None
    assert "past" in past
    long = Order(
        order_id="l", kind=OrderKind.LIMIT, scope="all", cap=Mode.LOW, since=at(0), until=at(26), who="g", why="d"
    )
    problem = problem_with_order(long, at(1))
    assert problem is not None
    assert f"{LONGEST_LIMIT.total_seconds() / 3600:.0f} hours" in problem
