"""Orders: given or lifted twice they change nothing, and what they held comes back staggered."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.commands.command import Authority, CommandState
from domain.modes import Circuit, HotWaterMode, Mode
from domain.planning.price_plan import HotWaterSegment
from domain.steering.arbitration import target_at
from domain.steering.decide import decide
from domain.steering.orders import LONGEST_LIMIT, STAGGER, Order, OrderKind, hours_under, problem_with_order, stagger
from domain.steering.pump_state import CommandSettled, Drift, FailedTarget, OrderGiven, OrderLifted, PumpState, Woke
from tests.builders import a_circuit, a_plan, a_state, an_outcome, at, started


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


def a_dimming(
    hours: tuple[float, float] = (1, 3), limit_kw: float = 4.2, lifted_at: datetime | None = None, name: str = "d1"
) -> Order:
    return Order(
        order_id=name,
        kind=OrderKind.SECTION_14A,
        scope="pump:p-0001",
        limit_kw=limit_kw,
        since=at(hours[0]),
        until=at(hours[1]),
        lifted_at=lifted_at,
        who="grid operator",
        why="a transformer",
    )


def test_while_the_grid_operator_dims_nothing_of_ours_raises_a_pump_and_nothing_sets_it_back() -> None:
    raised = a_state(plans=(a_plan(1, {(0, 24): Mode.MAX}),), settled=Mode.MAX)
    dimmed = decide(raised, OrderGiven(order=a_dimming()), at(1)).state
    target = target_at(dimmed, at(2))
    assert (target.mode, target.authority) == (Mode.LOW, Authority.LIMITED)
    assert target.reason == "section-14a to 4.2 kW (pump:p-0001)"
    assert target_at(dimmed, at(3) + STAGGER).mode is Mode.MAX
    set_back = decide(on_plan(), OrderGiven(order=a_dimming()), at(1)).state
    assert target_at(set_back, at(2)).mode is Mode.MIN, "a plan's own set-back draws less"


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (HotWaterMode.BOOST, HotWaterMode.NORMAL),
        (HotWaterMode.NORMAL, HotWaterMode.NORMAL),
        (HotWaterMode.HOLD, HotWaterMode.HOLD),
    ],
)
def test_a_dimmed_tank_is_not_boosted_and_keeps_its_own_step(asked: HotWaterMode, allowed: HotWaterMode) -> None:
    whole = HotWaterSegment(start=at(0), end=at(24), mode=asked)
    plan = a_plan(1).model_copy(update={"hot_water": (whole,)})
    state = a_state(plans=(plan,), hot_water=a_circuit(HotWaterMode.NORMAL))
    state = decide(state, OrderGiven(order=a_dimming()), at(1)).state
    assert target_at(state, at(2), Circuit.HOT_WATER).mode is allowed
    twice = decide(state, OrderGiven(order=a_dimming(name="d2")), at(1)).state
    assert target_at(twice, at(2), Circuit.HOT_WATER).mode is allowed, "of the area and of the pump at once"


def test_a_dimming_needs_its_power_at_least_the_laws_and_an_end_within_a_day() -> None:
    for wrong, why in (({"limit_kw": 4.1}, "4.2"), ({"limit_kw": None}, "in kW"), ({"until": None}, "needs an end")):
        with pytest.raises(ValidationError, match=why):
            Order.model_validate(a_dimming().model_dump() | wrong)
    with pytest.raises(ValidationError, match="nothing else has one"):
        Order.model_validate(a_stop().model_dump() | {"limit_kw": 5.0})
    assert problem_with_order(a_dimming((1, 24)), at(1)) is None
    assert "at most 24 hours" in (problem_with_order(a_dimming((1, 26)), at(1)) or "")


def test_hours_under_orders_are_counted_once_and_within_the_time_that_is_asked_for() -> None:
    orders = [a_dimming((1, 3)), a_dimming((2, 5)), a_dimming((8, 12), lifted_at=at(9)), a_dimming((20, 23))]
    assert hours_under(orders, at(0), at(24)) == 4 + 1 + 3
    assert hours_under(orders, at(2), at(21)) == 3 + 1 + 1
    assert hours_under([], at(0), at(24)) == 0
