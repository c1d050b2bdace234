"""`decide`: precedence, dwell, retries and what an operator can rely on, case by case."""

from datetime import timedelta

import pytest

from domain.commands.command import Authority, Command, CommandState, EventKind
from domain.modes import Circuit, Mode
from domain.planning.price_plan import MAX_JITTER, jitter
from domain.steering.arbitration import target_at
from domain.steering.decide import COOL_RETRY, FIRST_RETRY, NEXT_TURN, decide
from domain.steering.overrides import LONGEST_OVERRIDE, OverrideKind, OverrideSource
from domain.steering.pump_state import (
    CommandSettled,
    Decision,
    Kept,
    MessageRefused,
    Observed,
    OverrideEnded,
    OverrideRequested,
    PlanArrived,
    PumpState,
    RetireRequested,
    RetryRequested,
    Woke,
)
from domain.steering.reconcile import MAX_PLAN_CHANGES, MIN_RUN, RETIRE_UNSEEN_AFTER
from tests.builders import a_plan, a_state, an_observation, an_outcome, an_override, at, started

J = jitter("p-0001")


def settled(decision: Decision, state: CommandState, when_h: float, seen: Mode | None = None) -> Decision:
    """The open command of a decision ends so."""
    assert decision.state.heating.open is not None
    outcome = an_outcome(decision.state.heating.open.command.command_id, state, at(when_h), seen)
    return decide(decision.state, CommandSettled(outcome=outcome), at(when_h))


def the_start(decision: Decision) -> Command:
    command = started(decision)
    assert command is not None, "a command was to be started"
    return command


def on_plan(modes: dict[tuple[float, float], Mode], revision: int = 1) -> PumpState:
    return decide(a_state(), PlanArrived(plan=a_plan(revision, modes)), at(0)).state


def test_a_pump_without_news_stays_neutral_and_needs_no_call() -> None:
    decision = decide(a_state(), Woke(), at(0))
    assert started(decision) is None
    assert decision.wake_at is None
    assert target_at(decision.state, at(5)).authority is Authority.NEUTRAL


def test_a_plan_moves_the_pump_at_its_own_jittered_edge() -> None:
    state = on_plan({(6, 8): Mode.MAX})
    before = decide(state, Woke(), at(6) + J - timedelta(seconds=1))
    assert started(before) is None
    assert before.wake_at == at(6) + J
    after = decide(before.state, Woke(), at(6) + J)
    assert the_start(after).mode is Mode.MAX
    assert timedelta() <= J < MAX_JITTER


def test_a_command_never_outlives_the_target_it_serves() -> None:
    state = on_plan({(6, 7): Mode.MAX})
    decision = decide(state, Woke(), at(6, 10))
    assert the_start(decision).expires_at == at(7) + J


def test_a_late_plan_never_overwrites_a_newer_one() -> None:
    state = on_plan({(6, 8): Mode.MAX}, revision=2)
    decision = decide(state, PlanArrived(plan=a_plan(1, {(6, 8): Mode.MIN})), at(1))
    assert decision.state.plan == state.plan


def test_the_same_plan_twice_changes_nothing() -> None:
    state = on_plan({(0, 8): Mode.MAX})
    first = decide(state, Woke(), at(1))
    again = decide(first.state, PlanArrived(plan=a_plan(1, {(0, 8): Mode.MAX})), at(1))
    assert started(again) is None
    assert not again.cancels
    assert again.state == first.state


def test_a_newer_target_cancels_the_open_command_and_waits_for_its_end() -> None:
    opened = decide(on_plan({(0, 8): Mode.MAX}), Woke(), at(1))
    urgent = decide(opened.state, OverrideRequested(override=an_override(Mode.MIN, 1, 3)), at(1, 1))
    assert urgent.cancels
    assert started(urgent) is None
    repeated = decide(urgent.state, Woke(), at(1, 2))
    assert not repeated.cancels
    replaced = settled(repeated, CommandState.SUPERSEDED, 1.05)
    assert the_start(replaced).mode is Mode.MIN
    assert the_start(replaced).authority is Authority.OVERRIDE
    assert the_start(replaced).seq == 2


def test_a_target_that_returns_while_its_replacement_is_cancelled_is_written_again() -> None:
    opened = decide(on_plan({(0, 8): Mode.MAX}), Woke(), at(1))
    urgent = decide(opened.state, OverrideRequested(override=an_override(Mode.MIN, 1, 3)), at(1, 1))
    back = decide(urgent.state, OverrideEnded(), at(1, 2))
    replaced = settled(back, CommandState.SUPERSEDED, 1.05)
    assert the_start(replaced).mode is Mode.MAX


def test_an_override_outranks_the_plan_until_its_end_and_then_the_plan_returns() -> None:
    state = on_plan({(0, 8): Mode.MIN})
    state = settled(decide(state, Woke(), at(1)), CommandState.APPLIED, 1.1).state
    boosted = decide(state, OverrideRequested(override=an_override(Mode.MAX, 2, 3)), at(2))
    assert the_start(boosted).mode is Mode.MAX
    warm = settled(boosted, CommandState.APPLIED, 2.1)
    assert warm.wake_at == at(3)
    ended = decide(warm.state, Woke(), at(3))
    assert (the_start(ended).mode, the_start(ended).authority) == (Mode.MIN, Authority.PLAN)


def test_the_household_outranks_support_even_when_support_spoke_last() -> None:
    state = decide(a_state(), OverrideRequested(override=an_override(Mode.MAX, 0, 5)), at(0)).state
    support = an_override(Mode.MIN, 1, 5, source=OverrideSource.SUPPORT, override_id="support")
    state = decide(state, OverrideRequested(override=support), at(1)).state
    assert target_at(state, at(2)).mode is Mode.MAX


def test_the_same_override_asked_twice_is_one() -> None:
    target = an_override(Mode.MAX, 0, 5)
    once = decide(a_state(), OverrideRequested(override=target), at(0))
    twice = decide(once.state, OverrideRequested(override=target), at(0))
    assert twice.state.overrides == (target,)


@pytest.mark.parametrize("until", [-1.0, LONGEST_OVERRIDE / timedelta(hours=1) + 1])
def test_an_override_with_an_impossible_end_is_refused_visibly_and_the_pump_stays(until: float) -> None:
    decision = decide(a_state(), OverrideRequested(override=an_override(Mode.MAX, 0, until)), at(0))
    assert started(decision) is None
    assert decision.state.overrides == ()
    assert "give an end" in decision.state.refusal


def test_a_message_that_cannot_be_understood_is_shown_and_changes_nothing_else() -> None:
    state = on_plan({(0, 8): Mode.MAX})
    decision = decide(state, MessageRefused(reason="a plan was refused"), at(0))
    assert decision.state.refusal == "a plan was refused"
    assert decision.state.plan == state.plan


def test_a_plan_does_not_cut_a_raised_mode_short() -> None:
    state = settled(decide(on_plan({(1, 8): Mode.MAX}), Woke(), at(1) + J), CommandState.APPLIED, 1.2).state
    replanned = decide(state, PlanArrived(plan=a_plan(2, {(1, 8): Mode.MIN})), at(1, 30))
    assert started(replanned) is None
    due = at(1) + J + MIN_RUN
    assert replanned.wake_at == due
    later = decide(replanned.state, Woke(), due)
    assert the_start(later).mode is Mode.MIN


def test_people_are_not_bound_by_the_plan_s_dwell() -> None:
    state = settled(decide(on_plan({(1, 8): Mode.MAX}), Woke(), at(1) + J), CommandState.APPLIED, 1.2).state
    asked = decide(state, OverrideRequested(override=an_override(Mode.MIN, 1.3, 3)), at(1.3))
    assert the_start(asked).mode is Mode.MIN


def test_a_plan_makes_at_most_eight_changes_in_a_day_and_then_leaves_the_pump_neutral() -> None:
    modes = {(h, h + 1.0): Mode.MAX if h % 2 else Mode.MIN for h in map(float, range(20))}
    state = on_plan(modes)
    changes = 0
    for quarter in range(20 * 12):
        now = at(0, 5 * quarter)
        decision = decide(state, Woke(), now)
        if started(decision) is not None:
            changes += the_start(decision).mode is not Mode.LOW
            decision = settled(decision, CommandState.APPLIED, quarter / 12 + 0.05)
        state = decision.state
    assert changes == MAX_PLAN_CHANGES
    assert state.heating.settled is Mode.LOW


def test_a_target_that_failed_is_tried_again_later_and_later() -> None:
    decision = decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1))
    failed = settled(decision, CommandState.IGNORED, 1.5)
    assert started(failed) is None
    assert failed.wake_at == at(1.5) + FIRST_RETRY
    again = decide(failed.state, Woke(), at(1.5) + FIRST_RETRY)
    failed_again = settled(again, CommandState.UNVERIFIED, 2)
    assert failed_again.wake_at == at(2) + 2 * FIRST_RETRY


def test_a_command_that_never_got_to_be_written_has_the_next_turn_however_often_that_happened() -> None:
    decision = decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1))
    for hour in (3, 6, 9):
        decision = settled(decision, CommandState.EXPIRED, hour)
        assert started(decision) is None
        assert decision.wake_at == at(hour) + NEXT_TURN
        decision = decide(decision.state, Woke(), at(hour) + NEXT_TURN)
        assert the_start(decision).mode is Mode.MAX


@pytest.mark.parametrize("end", [CommandState.SUPERSEDED, CommandState.EXPIRED, CommandState.UNVERIFIED])
def test_a_target_that_is_given_up_while_it_is_tried_again_is_called_back(end: CommandState) -> None:
    died = settled(decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1)), CommandState.EXPIRED, 3, seen=Mode.LOW)
    again = decide(died.state, Woke(), at(3) + NEXT_TURN)
    assert the_start(again).mode is Mode.MAX
    given_up = decide(again.state, RetryRequested(give_up=True), at(3.1))
    assert given_up.cancels == (Circuit.HEATING,)
    assert decide(given_up.state, RetryRequested(give_up=True), at(3.1)).cancels == (), "asked to stop once"
    left = settled(given_up, end, 3.2, seen=Mode.LOW)
    assert EventKind.DEAD_LETTERED in {line.kind for line in died.state.outbox}
    assert EventKind.DEAD_LETTERED not in {line.kind for line in left.state.outbox}, "who gave it up is not told again"
    silent = decide(left.state, Observed(as_of=at(4), silent=True), at(4)).state
    back = decide(silent, an_observation(at(6), Mode.LOW, 0.0), at(6))
    assert back.starts == (), "that it reports again does not take back what a person said"
    assert started(decide(back.state, Woke(), at(12))) is None


def test_only_the_target_of_the_letter_is_given_up_and_never_neutral() -> None:
    died = settled(decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1)), CommandState.EXPIRED, 3, seen=Mode.LOW).state
    for mode in (Mode.MIN, Mode.LOW):
        assert decide(died, RetryRequested(give_up=True, mode=mode), at(3)).state == died
    assert decide(died, RetryRequested(give_up=True, mode=Mode.MAX), at(3)).state != died
    leaving = settled(decide(a_state(settled=Mode.MIN), Woke(), at(1)), CommandState.UNVERIFIED, 2, seen=Mode.MIN).state
    assert decide(leaving, RetryRequested(give_up=True), at(2)).state == leaving


def test_a_plan_waits_for_the_back_off_of_whoever_failed_to_bring_about_the_same_mode() -> None:
    state = on_plan({(0, 24): Mode.MAX}).model_copy(update={"overrides": (an_override(Mode.MAX, 0, 1.2),)})
    failed = settled(decide(state, Woke(), at(1)), CommandState.IGNORED, 1.15, seen=Mode.LOW)
    assert failed.state.heating.failed is not None
    retry_at = failed.state.heating.failed.retry_at
    assert retry_at is not None
    assert retry_at > at(1.2)
    planned = decide(failed.state, Woke(), at(1.2))
    assert (planned.starts, planned.wake_at) == ((), retry_at)
    command = the_start(decide(planned.state, Woke(), retry_at))
    assert (command.mode, command.authority) == (Mode.MAX, Authority.PLAN)
    wished = decide(planned.state, OverrideRequested(override=an_override(Mode.MAX, 1.25, 3)), at(1.25))
    assert the_start(wished).mode is Mode.MAX, "a person's new target waits for nobody"


def test_a_home_that_is_set_back_and_cold_is_helped_though_somebody_gave_the_target_up() -> None:
    state = a_state(settled=Mode.MIN, overrides=(an_override(Mode.MID, 0, 24),))
    died = settled(decide(state, Woke(), at(1)), CommandState.EXPIRED, 3, seen=Mode.MIN).state
    given_up = decide(died, RetryRequested(give_up=True), at(3)).state
    assert decide(given_up, Woke(), at(6)).starts == ()
    cold = decide(given_up, an_observation(at(7), Mode.MIN, -2.0, room_c=16.0), at(7))
    assert the_start(cold).mode is Mode.MID
    assert decide(cold.state, Woke(), at(7, 1)).cancels == ()


def test_a_room_too_cool_for_a_set_back_is_looked_at_again_in_an_hour_and_no_change_is_counted() -> None:
    decision = decide(on_plan({(0, 24): Mode.MIN}), Woke(), at(1))
    assert the_start(decision).begins_from_c == decision.state.site.set_back_from_c
    for hour in (2, 3, 4):
        ended = an_outcome(the_start(decision).command_id, CommandState.SUPERSEDED, at(hour), Mode.LOW)
        found = CommandSettled(outcome=ended.model_copy(update={"is_too_cool": True}))
        cool = decide(decision.state, found, at(hour))
        assert (cool.starts, cool.wake_at) == ((), at(hour) + COOL_RETRY)
        decision = decide(cool.state, Woke(), at(hour) + COOL_RETRY)
    assert len(decision.state.heating.plan_changes) == 1
    begun = settled(decision, CommandState.APPLIED, 5.2).state
    drifted = decide(begun, an_observation(at(6), Mode.LOW, 0.0), at(6))
    assert the_start(drifted).begins_from_c is not None, "what fell back begins anew"
    away = a_state(overrides=(an_override(Mode.MIN, 0, 200).model_copy(update={"kind": OverrideKind.VACATION}),))
    assert the_start(decide(away, Woke(), at(1))).begins_from_c is None


def test_a_silent_pump_has_no_next_turn_every_minute() -> None:
    state = decide(on_plan({(0, 24): Mode.MAX}), Observed(as_of=at(0, 30), silent=True), at(0, 30)).state
    state = decide(state, Woke(), at(1)).state
    failed = settled(decide(state, Woke(), at(1)), CommandState.EXPIRED, 3)
    assert failed.wake_at == at(3) + FIRST_RETRY


def test_a_unit_that_obeys_nothing_is_not_tried_anew_with_each_of_a_plan_s_modes() -> None:
    modes = {(h, h + 1.0): (Mode.MAX, Mode.MIN)[int(h) % 2] for h in map(float, range(24))}
    decision, tries = decide(on_plan(modes), Woke(), at(0, 20)), 0
    for quarter in range(2, 96):
        if decision.state.heating.open is not None:
            tries += 1
            end = CommandState.IGNORED if tries % 3 else CommandState.UNVERIFIED
            decision = settled(decision, end, quarter / 4 - 0.01, seen=Mode.LOW)
        decision = decide(decision.state, Woke(), at(quarter / 4))
    assert 8 < tries < 15, "four writes each, under sixty a day"
    held = decision.state
    asked = decide(held, OverrideRequested(override=an_override(Mode.MAX, 24, 3)), at(24))
    assert held.heating.open is not None or the_start(asked).mode is Mode.MAX, "a person does not wait"


def test_an_end_that_the_ledger_does_not_know_is_carried_there() -> None:
    decision = decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1))
    assert decision.state.heating.open is not None
    command = decision.state.heating.open.command
    outcome = an_outcome(command.command_id, CommandState.EXPIRED, at(2)).model_copy(update={"recorded": False})
    state = decide(decision.state, CommandSettled(outcome=outcome), at(2)).state
    assert [e.kind for e in state.outbox] == [EventKind.PLANNED, EventKind.EXPIRED, EventKind.DEAD_LETTERED]


def test_a_pump_seen_elsewhere_is_brought_back() -> None:
    state = settled(decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1)), CommandState.APPLIED, 1.1).state
    drifted = decide(state, an_observation(at(3), Mode.LOW), at(3))
    assert the_start(drifted).mode is Mode.MAX


def test_an_old_observation_is_no_news() -> None:
    state = settled(decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1)), CommandState.APPLIED, 1.1).state
    assert started(decide(state, an_observation(at(1), Mode.LOW), at(3))) is None


def test_a_retired_pump_is_first_brought_to_neutral_and_takes_no_plan_any_more() -> None:
    state = settled(decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1)), CommandState.APPLIED, 1.1).state
    leaving = decide(state, RetireRequested(), at(2))
    assert the_start(leaving).mode is Mode.LOW
    late = decide(leaving.state, PlanArrived(plan=a_plan(9, {(0, 24): Mode.MAX})), at(2, 1))
    assert "retired" in late.state.refusal
    gone = settled(late, CommandState.APPLIED, 2.1)
    assert gone.state.retired
    assert gone.wake_at is None


def test_a_pump_that_leaves_is_looked_at_once_more_but_not_for_ever() -> None:
    steered = settled(decide(on_plan({(0, 1): Mode.MAX}), Woke(), at(0, 30)), CommandState.APPLIED, 0.6).state
    neutral = settled(decide(steered, Woke(), at(2)), CommandState.APPLIED, 2.1).state
    leaving = decide(neutral, RetireRequested(), at(9))
    assert (the_start(leaving).mode, the_start(leaving).authority) == (Mode.LOW, Authority.OPTED_OUT)
    assert settled(leaving, CommandState.APPLIED, 9.1).state.retired
    gone = settled(leaving, CommandState.EXPIRED, 11)
    assert not gone.state.retired
    assert the_start(decide(gone.state, Woke(), at(11) + NEXT_TURN)).mode is Mode.LOW
    assert decide(gone.state, Woke(), at(9) + RETIRE_UNSEEN_AFTER).state.retired, "its cloud is gone: as last seen"
    moved = settled(leaving, CommandState.IGNORED, 9.2, seen=Mode.MAX).state
    assert not moved.retired
    never = decide(a_state(), RetireRequested(), at(9)).state
    assert never.retired, "nothing of ours ever moved it"


def test_at_a_plan_s_edge_what_has_run_out_ends_by_itself_and_what_has_not_is_called_back() -> None:
    open_ = decide(on_plan({(1, 3): Mode.MAX, (3, 8): Mode.MIN}), Woke(), at(1) + J)
    edge = decide(open_.state, Woke(), at(3) + J)
    assert (edge.cancels, edge.starts) == ((), ())
    assert the_start(settled(edge, CommandState.EXPIRED, 3.1, seen=Mode.LOW)).mode is Mode.MIN
    asked = decide(open_.state, OverrideRequested(override=an_override(Mode.MIN, 2, 3)), at(2))
    assert asked.cancels == (Circuit.HEATING,)
    stopped = decide(edge.state, OverrideRequested(override=an_override(Mode.LOW, 3, 6)), at(3, 3))
    assert stopped.cancels == (Circuit.HEATING,), "a person does not wait for its end"


def test_after_its_plan_ran_out_a_pump_goes_back_to_neutral() -> None:
    plan = a_plan(1, {(0, 6): Mode.MAX}, hours=6)
    state = settled(
        decide(decide(a_state(), PlanArrived(plan=plan), at(0)).state, Woke(), at(5)), CommandState.APPLIED, 5.1
    ).state
    over = decide(state, Woke(), at(6) + J)
    assert (the_start(over).mode, the_start(over).authority) == (Mode.LOW, Authority.NEUTRAL)


def test_a_target_that_fails_for_weeks_is_still_tried() -> None:
    decision = decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1))
    state = decide(decision.state, OverrideRequested(override=an_override(Mode.MIN, 1, 24 * 13)), at(1)).state
    hours = 1.0
    for _ in range(80):
        hours += 3
        decision = decide(state, Woke(), at(hours))
        state = settled(decision, CommandState.REJECTED, hours).state if decision.state.heating.open else decision.state
    assert state.heating.failed is not None
    assert state.heating.failed.count > 40


def test_tomorrow_s_plan_does_not_end_today_s() -> None:
    today = a_plan(1, {(18, 22): Mode.MAX})
    tomorrow = a_plan(2, {(26, 28): Mode.MIN}, hours=48).model_copy(update={"first_slot": at(24)})
    for arrivals in ((today, tomorrow), (tomorrow, today)):
        state = a_state()
        for plan in arrivals:
            state = decide(state, PlanArrived(plan=plan), at(13)).state
        assert target_at(state, at(20)).mode is Mode.MAX
        assert target_at(state, at(27)).mode is Mode.MIN
        assert target_at(state, at(22) + J).until == at(24) + J
        assert target_at(state, at(49)).authority is Authority.NEUTRAL


def test_a_newer_plan_takes_over_from_its_own_first_slot_on() -> None:
    state = on_plan({(0, 24): Mode.MAX})
    newer = a_plan(2, {(14, 24): Mode.MIN}).model_copy(update={"first_slot": at(14)})
    state = decide(state, PlanArrived(plan=newer), at(13, 50)).state
    assert target_at(state, at(13, 55)).mode is Mode.MAX
    assert target_at(state, at(14) + J).mode is Mode.MIN


def test_a_person_does_not_wait_for_a_plan_s_back_off() -> None:
    failed = settled(decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1)), CommandState.IGNORED, 1.5)
    asked = decide(failed.state, OverrideRequested(override=an_override(Mode.MAX, 1.5, 3)), at(1.5))
    assert the_start(asked).authority is Authority.OVERRIDE


def test_what_was_decided_stays_in_the_outbox_until_the_ledger_is_known_to_hold_it() -> None:
    decision = decide(on_plan({(0, 24): Mode.MAX}), Woke(), at(1))
    assert [e.kind for e in decision.state.outbox] == [EventKind.PLANNED]
    assert decision.state.outbox[0].command == started(decision)
    lost = settled(decision, CommandState.APPLIED, 1.1)
    assert lost.state.outbox == ()
    assert decision.state.heating.open is not None
    outcome = an_outcome(decision.state.heating.open.command.command_id, CommandState.SUPERSEDED, at(1.1))
    unseen = CommandSettled(outcome=outcome.model_copy(update={"recorded": False}))
    state = decide(decision.state, unseen, at(1.1)).state
    kinds = [e.kind for e in state.outbox]
    assert kinds[:2] == [EventKind.PLANNED, EventKind.SUPERSEDED]
    kept = decide(state, Kept(keys=tuple(e.key for e in state.outbox[:2])), at(1.2))
    assert [e.kind for e in kept.state.outbox] == kinds[2:]


def test_a_room_seen_below_its_floor_ends_a_set_back_inside_its_dwell_though_the_plan_wants_no_other_mode() -> None:
    state = settled(decide(on_plan({(1, 1.25): Mode.MIN}), Woke(), at(1) + J), CommandState.APPLIED, 1.15).state
    waiting = decide(state, Woke(), at(1.25) + J)
    assert started(waiting) is None, "else the dwell holds nothing here"
    cold = decide(waiting.state, an_observation(at(1.3) + J, Mode.MIN, room_c=18.0), at(1.3) + J)
    assert the_start(cold).mode is Mode.LOW
