"""What binds a plan binds at once: limits, floors, lost power and people wait for no dwell, no count and no memory."""

from datetime import datetime, timedelta

import pytest

from domain.commands.command import Authority, CommandState
from domain.homes.site import HomeShare, Site
from domain.modes import Circuit, HotWaterMode, Level, Mode
from domain.oem.readings import Condition
from domain.planning.price_plan import HotWaterSegment, PricePlan, jitter
from domain.steering.arbitration import target_at
from domain.steering.decide import KEPT_PLANS, decide
from domain.steering.orders import Order, OrderKind
from domain.steering.overrides import OverrideKind, asked_of
from domain.steering.pump_state import (
    CommandSettled,
    Decision,
    Observed,
    OrderGiven,
    OverrideRequested,
    PlanArrived,
    PumpState,
    RetireRequested,
    RetryRequested,
    SeenLever,
    SteeringConsent,
    Woke,
)
from domain.steering.reconcile import RETIRE_UNSEEN_AFTER
from tests.builders import a_circuit, a_plan, a_state, an_observation, an_outcome, an_override, at, started

EDGE = jitter("p-0001")


def an_order(kind: OrderKind, cap: Mode | None = None, until: float = 9) -> Order:
    return Order(
        order_id="o1", kind=kind, scope="all", cap=cap, since=at(0), until=at(until), who="operator", why="drill"
    )


def obeyed(decision: Decision, after: timedelta = timedelta(minutes=4)) -> PumpState:
    command = decision.starts[0]
    ended = an_outcome(command.command_id, CommandState.APPLIED, command.decided_at + after)
    return decide(decision.state, CommandSettled(outcome=ended), ended.at).state


def raised_a_moment_ago(then: Mode) -> PumpState:
    """In MAX by a plan since 01:06; a newer one says something else from now on, and the dwell still holds."""
    state = a_state(plans=(a_plan(1, {(1, 24): Mode.MAX}),), hot_water=a_circuit(HotWaterMode.NORMAL))
    state = obeyed(decide(state, Woke(), at(1) + EDGE))
    replanned = decide(state, PlanArrived(plan=a_plan(2, {(1, 24): then})), at(1, 12))
    assert replanned.starts == ()
    return replanned.state


@pytest.mark.parametrize(
    ("kind", "cap", "then"),
    [
        (OrderKind.LIMIT, Mode.LOW, Mode.LOW),
        (OrderKind.LIMIT, Mode.MIN, Mode.MIN),
        (OrderKind.BACKUP, None, Mode.MIN),
    ],
)
def test_a_limit_that_the_newest_plan_agrees_with_does_not_wait_for_the_dwell_of_the_older(
    kind: OrderKind, cap: Mode | None, then: Mode
) -> None:
    given = decide(raised_a_moment_ago(then), OrderGiven(order=an_order(kind, cap)), at(1, 13))
    heating = next(command for command in given.starts if command.circuit is Circuit.HEATING)
    assert (heating.mode, heating.authority) == (then, Authority.LIMITED)


def test_a_limit_is_followed_also_when_the_day_s_changes_are_used_up() -> None:
    changes = tuple(at(0, 5 * n) for n in range(8))
    last = raised_a_moment_ago(Mode.MIN)
    state = last.with_circuit(Circuit.HEATING, last.heating.model_copy(update={"plan_changes": changes}))
    limited = decide(state, OrderGiven(order=an_order(OrderKind.LIMIT, Mode.MIN)), at(3))
    assert {command.mode for command in limited.starts} >= {Mode.MIN}


def test_a_blackout_takes_back_what_a_plan_has_under_way_also_inside_a_dwell() -> None:
    state = a_state(plans=(a_plan(1, {(1, 24): Mode.MAX}),))
    opened = decide(state, Woke(), at(1) + EDGE)
    replanned = decide(opened.state, PlanArrived(plan=a_plan(2, {(1, 24): Mode.MIN})), at(1, 12))
    dark = decide(replanned.state, OrderGiven(order=an_order(OrderKind.BLACKOUT)), at(1, 20))
    assert dark.cancels == (Circuit.HEATING,)


def a_day_of(mode: HotWaterMode) -> PricePlan:
    whole = HotWaterSegment(start=at(0), end=at(24), mode=mode)
    return a_plan(1).model_copy(update={"hot_water": (whole,)})


def water(level: HotWaterMode | None, setting: float, minutes: float, tank_c: float | None = None) -> Observed:
    seen = SeenLever(circuit=Circuit.HOT_WATER, setting=setting)
    return Observed(as_of=at(0, minutes), levers=(seen,), hot_water_c=tank_c)


def test_a_cold_tank_that_a_plan_holds_back_is_let_go_at_once() -> None:
    state = a_state(plans=(a_day_of(HotWaterMode.HOLD),), hot_water=a_circuit(HotWaterMode.NORMAL))
    held = obeyed(decide(state, Woke(), at(0, 1) + EDGE))
    cold = decide(held, water(HotWaterMode.HOLD, 0.0, 12, tank_c=30.0), at(0, 12))
    assert [command.mode for command in cold.starts] == [HotWaterMode.NORMAL]


def test_no_tank_is_boosted_under_a_grid_limit_however_cold_it_is() -> None:
    state = a_state(plans=(a_day_of(HotWaterMode.BOOST),), hot_water=a_circuit(HotWaterMode.NORMAL))
    cold = decide(state, water(HotWaterMode.NORMAL, 1.0, 1, tank_c=30.0), at(0, 1)).state
    limited = decide(cold, OrderGiven(order=an_order(OrderKind.LIMIT, Mode.LOW)), at(1)).state
    assert target_at(limited, at(1), Circuit.HOT_WATER).mode is HotWaterMode.NORMAL


@pytest.mark.parametrize("condition", [Condition.AWAY, Condition.OFF, Condition.INSTALLER, Condition.EXTERNAL])
def test_a_home_that_left_is_not_written_over_whoever_sets_its_pump(condition: Condition) -> None:
    state = decide(a_state(), SteeringConsent(opted_out=True), at(1)).state
    for hour in range(2, 12):
        seen = decide(state, an_observation(at(hour), None, -5.0, condition=condition), at(hour))
        assert seen.starts == ()
        state = seen.state


def test_a_home_that_left_and_picks_one_of_our_settings_is_not_taken_for_a_drift() -> None:
    state = obeyed(decide(a_state(settled=Mode.MAX), SteeringConsent(opted_out=True), at(1)))
    for hour in (5, 12, 20, 30):
        seen = decide(state, an_observation(at(hour), Mode.MAX if hour == 5 else Mode.LOW, 3.0), at(hour))
        assert seen.starts == ()
        state = seen.state
    assert state.heating.lever.baseline == 3.0


def test_another_controller_s_setting_is_nobody_s_baseline() -> None:
    state = a_state(settled=Mode.MAX, plans=(a_plan(1, {(0, 24): Mode.MAX}),))
    restoring = decide(state, an_observation(at(2), Mode.MAX, 3.0, condition=Condition.EXTERNAL), at(2))
    command = started(restoring)
    assert command is not None
    found = an_outcome(command.command_id, CommandState.SUPERSEDED, at(2, 5))
    ended = decide(restoring.state, CommandSettled(outcome=found.model_copy(update={"foreign_setting": 6.0})), at(2, 5))
    assert (ended.state.heating.lever.baseline, ended.state.heating.baseline_at) == (0.0, None)


def test_what_a_person_gave_up_is_given_up_until_the_target_changes_and_no_longer() -> None:
    plan = a_plan(1, {(0, 3): Mode.MAX, (8, 12): Mode.MAX})
    failing = decide(a_state(plans=(plan,)), Woke(), at(0, 30))
    command = started(failing)
    assert command is not None
    died = an_outcome(command.command_id, CommandState.EXPIRED, at(2, 30), seen=Mode.LOW)
    state = decide(failing.state, CommandSettled(outcome=died), at(2, 30)).state
    state = decide(state, RetryRequested(give_up=True), at(2, 31)).state
    assert decide(state, Woke(), at(2, 50)).starts == ()
    state = decide(state, Woke(), at(3) + EDGE).state
    again = decide(state, Woke(), at(8) + EDGE)
    assert [command.mode for command in again.starts] == [Mode.MAX]


@pytest.mark.parametrize("back", ["a person's override", "a retry", "seen"])
def test_remote_control_that_is_back_is_used_at_once(back: str) -> None:
    state = a_state(plans=(a_plan(1, {(0, 24): Mode.MAX}),))
    command = started(decide(state, Woke(), at(1)))
    assert command is not None
    refused = an_outcome(command.command_id, CommandState.REJECTED, at(1, 1)).model_copy(update={"is_read_only": True})
    state = decide(decide(state, Woke(), at(1)).state, CommandSettled(outcome=refused), at(1, 1)).state
    assert target_at(state, at(2)).is_held
    if back == "seen":
        off = an_observation(at(2), Mode.LOW, 0.0, condition=Condition.REMOTE_DISABLED)
        state = decide(state, off, at(2)).state
        tried = decide(state, an_observation(at(2, 15), Mode.LOW, 0.0), at(2, 15))
    elif back == "a retry":
        tried = decide(state, RetryRequested(), at(2))
    else:
        tried = decide(state, OverrideRequested(override=an_override(Mode.MAX, 2, 6)), at(2))
    assert [command.mode for command in tried.starts] == [Mode.MAX]


def test_an_override_stamped_by_a_clock_that_is_ahead_does_not_outrank_later_ones() -> None:
    ahead = an_override(Mode.MAX, start=48, until=60)
    state = decide(a_state(), OverrideRequested(override=ahead), at(1)).state
    later = an_override(Mode.MIN, start=2, until=20)
    assert target_at(decide(state, OverrideRequested(override=later), at(2)).state, at(2)).mode is Mode.MIN


def test_a_silent_pump_that_was_last_seen_raised_is_let_go_after_a_day_and_that_is_written_down() -> None:
    silent = decide(a_state(settled=Mode.MAX), Observed(as_of=at(1), silent=True), at(1)).state
    decision, tries = decide(silent, RetireRequested(), at(2)), 0
    while not decision.state.retired:
        if opened := decision.state.heating.open:
            tries += 1
            ended = an_outcome(opened.command.command_id, CommandState.EXPIRED, opened.command.expires_at)
            decision = decide(decision.state, CommandSettled(outcome=ended), ended.at)
        else:
            assert decision.wake_at is not None
            assert decision.wake_at < at(1) + RETIRE_UNSEEN_AFTER + timedelta(hours=3)
            decision = decide(decision.state, Woke(), decision.wake_at)
    assert 1 <= tries <= 13
    assert "heating in" in decision.state.outbox[-1].reason


def test_a_hand_on_the_hot_water_does_not_end_what_is_asked_of_the_heating() -> None:
    state = a_state(hot_water=a_circuit(HotWaterMode.NORMAL, settled_at=at(0)))
    mode, hot_water = asked_of(OverrideKind.EMERGENCY)
    emergency = an_override(mode, 0, 20).model_copy(update={"kind": OverrideKind.EMERGENCY, "hot_water": hot_water})
    state = obeyed(decide(state, OverrideRequested(override=emergency), at(0, 5)))
    touched = decide(state, water(None, 4.0, 60), at(1))
    wished: dict[Circuit, Level] = {c: target_at(touched.state, at(1), c).mode for c, _ in touched.state.circuits}
    assert wished == {Circuit.HEATING: Mode.MAX, Circuit.HOT_WATER: HotWaterMode.NORMAL}
    tank = touched.state.hot_water
    assert tank is not None
    assert tank.lever.baseline == 4.0


def test_revisions_for_parts_of_tomorrow_never_drop_what_holds_today() -> None:
    state = decide(a_state(), PlanArrived(plan=a_plan(1, {(0, 24): Mode.MAX})), at(0)).state
    for revision in range(2, 3 + KEPT_PLANS):
        part = a_plan(revision).model_copy(update={"first_slot": at(24 + revision), "valid_until": at(48)})
        state = decide(state, PlanArrived(plan=part), at(1)).state
    assert len(state.plans) == KEPT_PLANS
    assert target_at(state, at(2)).mode is Mode.MAX


def test_a_plan_keeps_a_run_that_began_late_for_its_hour() -> None:
    state = a_state(plans=(a_plan(1, {(1, 2): Mode.MAX, (2, 24): Mode.MIN}),))
    late = obeyed(decide(state, Woke(), at(1) + EDGE), timedelta(minutes=50))
    assert decide(late, Woke(), at(2) + EDGE).starts == ()
    due = decide(late, Woke(), at(2, 45))
    assert [command.mode for command in due.starts] == [Mode.MIN]


def test_an_emergency_does_not_wait_in_the_line_of_what_a_plan_began() -> None:
    opened = decide(a_state(plans=(a_plan(1, {(1, 24): Mode.MAX}),)), Woke(), at(1) + EDGE)
    mode, hot_water = asked_of(OverrideKind.EMERGENCY)
    emergency = an_override(mode, 1, 20).model_copy(update={"kind": OverrideKind.EMERGENCY, "hot_water": hot_water})
    asked = decide(opened.state, OverrideRequested(override=emergency), at(1, 8))
    assert asked.cancels == (Circuit.HEATING,)
    ended = an_outcome(opened.starts[0].command_id, CommandState.SUPERSEDED, at(1, 9))
    again = decide(asked.state, CommandSettled(outcome=ended), at(1, 9))
    assert [(c.mode, c.authority) for c in again.starts] == [(Mode.MAX, Authority.OVERRIDE)]
    boost = an_override(Mode.MAX, 1, 20)
    assert decide(opened.state, OverrideRequested(override=boost), at(1, 8)).cancels == ()


@pytest.mark.parametrize(
    ("wished", "until"),
    [(Mode.LOW, at(2, 20)), (Mode.MAX, at(0, 30))],
    ids=["neutral with and without it", "raised once it comes"],
)
def test_a_command_is_worth_writing_until_its_target_truly_changes(wished: Mode, until: datetime) -> None:
    """The pump's turn within its home comes at half past midnight."""
    home = HomeShare(home_id="h", pumps=2, rank=1, raised_at_once=1)
    assert not home.has_turn(at(0, 20))
    assert home.has_turn(at(0, 30))
    state = a_state(site=Site(home=home), settled=Mode.MID)
    command = started(decide(state, OverrideRequested(override=an_override(wished, 0.3, 8)), at(0, 20)))
    assert command is not None
    assert (command.mode, command.expires_at) == (Mode.LOW, until)
