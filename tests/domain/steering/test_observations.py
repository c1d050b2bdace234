"""What an observation means: a person's hand, a drift, our own late write, a unit that is silent, a room too cold."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.commands.command import Authority, Command, CommandState, EventKind
from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.readings import Condition
from domain.steering.arbitration import target_at
from domain.steering.decide import decide
from domain.steering.observations import DRIFT_MEMORY, HANDED_OVER_FOR, TANK_FLOOR_C, TOUCH_HOLDS
from domain.steering.overrides import OverrideKind
from domain.steering.pump_state import (
    MOST_DRIFTS,
    CommandSettled,
    Decision,
    Drift,
    Observed,
    OpenCommand,
    PumpState,
    RetireRequested,
    SeenLever,
    Woke,
)
from domain.steering.reconcile import RETIRE_UNSEEN_AFTER
from domain.steering.watch import Watch
from tests.builders import a_circuit, a_command, a_plan, a_state, an_observation, an_outcome, at, started


def steered(**given: Any) -> PumpState:
    """On a plan that sets back all day, and there."""
    return a_state(plans=(a_plan(1, {(0, 48): Mode.MIN}, hours=48),), settled=Mode.MIN, settled_at=at(0), **given)


def see(state: PumpState, when: datetime, level: Mode | None, setting: float | None = None, **given: Any) -> Decision:
    return decide(state, an_observation(when, level, setting, **given), when)


def obeyed(decision: Decision, when: datetime) -> PumpState:
    command = started(decision)
    assert command is not None
    ended = an_outcome(command.command_id, CommandState.APPLIED, when)
    return decide(decision.state, CommandSettled(outcome=ended), when).state


def test_a_setting_that_nobody_of_ours_made_is_a_persons_and_stands_as_the_new_baseline() -> None:
    seen = see(steered(), at(2), None, 4.0)
    assert (seen.state.heating.lever.baseline, seen.state.heating.baseline_at) == (4.0, at(2))
    assert started(seen) is None
    target = target_at(seen.state, at(2))
    assert (target.mode, target.authority) == (Mode.LOW, Authority.OUTSIDE)
    assert target_at(seen.state, at(2) + TOUCH_HOLDS[0]).mode is Mode.MIN


def test_who_sets_it_again_and_again_is_left_alone_for_longer() -> None:
    state, held = steered(), []
    for n, setting in enumerate((4.0, 8.5, 3.0)):
        state = see(state, at(2 + n), None, setting).state
        held.append(max(o.until for o in state.overrides if o.kind is OverrideKind.THERMOSTAT) - at(2 + n))
    assert tuple(held) == TOUCH_HOLDS


def test_one_setting_by_hand_told_twice_is_one_touch() -> None:
    once = see(steered(), at(2), None, 4.0).state
    assert see(once, at(2), None, 4.0).state == once


def test_commands_after_a_touch_are_written_on_top_of_the_persons_setting() -> None:
    state = see(steered(), at(2), None, 4.0).state
    command = started(decide(state, Woke(), at(2) + TOUCH_HOLDS[0]))
    assert command is not None
    assert (command.mode, command.setting, command.baseline_at) == (Mode.MIN, 2.0, at(2))


def test_a_persons_setting_is_dated_by_the_picture_s_own_clock_too() -> None:
    seen = see(steered(), at(2), None, 4.0, stamp=at(2, 20)).state.heating
    assert (seen.baseline_at, seen.baseline_stamp) == (at(2), at(2, 20))


def test_a_setting_of_ours_that_falls_back_is_a_drift_and_steered_back_at_once() -> None:
    seen = see(steered(), at(2), Mode.LOW, 0.0)
    command = started(seen)
    assert command is not None
    assert command.mode is Mode.MIN
    assert [line.kind for line in seen.state.outbox][:1] == [EventKind.DRIFTED]


def test_the_same_setting_coming_back_after_we_corrected_it_is_somebody_who_insists() -> None:
    state = obeyed(see(steered(), at(2), Mode.LOW, 0.0), at(2, 5))
    seen = see(state, at(3), Mode.LOW, 0.0)
    assert started(seen) is None
    assert seen.state.heating.lever.baseline == 0.0
    assert seen.state.heating.baseline_at is not None


def test_a_pump_that_keeps_falling_to_one_setting_is_steered_back_at_growing_distance_then_handed_over() -> None:
    state, when, back = steered(), at(2), []
    for _ in range(MOST_DRIFTS + 1):
        seen = see(state, when, Mode.LOW, 0.0)
        fell_at, state = when, seen.state
        assert state.heating.drift is not None
        if state.heating.drift.is_handed_over:
            break
        for decision in [seen, *(decide(state, Woke(), fell_at + timedelta(minutes=n)) for n in range(1, 24 * 60))]:
            if decision.starts:
                when = decision.starts[0].decided_at
                break
        back.append(when - fell_at)
        when += timedelta(minutes=5)
        state = obeyed(decision, when)
        when += timedelta(minutes=20)
    assert back == sorted(back)
    assert len(back) == MOST_DRIFTS
    assert back[-1] >= 2 * back[-2] > timedelta()
    assert seen.starts == ()
    assert decide(state, Woke(), fell_at + HANDED_OVER_FOR / 2).starts == ()


def test_a_pump_that_keeps_drifting_is_handed_to_a_person() -> None:
    state, when = steered(), at(2)
    for level in (Mode.LOW, Mode.MID, Mode.MAX, Mode.LOW)[: MOST_DRIFTS + 1]:
        seen = see(state, when, level)
        state = seen.state
        drift = state.heating.drift
        assert drift is not None
        if drift.is_handed_over:
            break
        due = decide(state, Woke(), max(drift.retry_at, when + timedelta(seconds=1))) if not seen.starts else seen
        when = max(drift.retry_at, when) + timedelta(minutes=10)
        state = obeyed(due, when)
        when += timedelta(minutes=10)
    assert state.heating.drift is not None
    assert state.heating.drift.count == MOST_DRIFTS + 1
    assert decide(state, Woke(), when + HANDED_OVER_FOR / 2).starts == ()
    assert decide(state, Woke(), when + HANDED_OVER_FOR).starts != ()


def test_who_handed_over_a_pump_is_not_forgotten_because_nothing_moves_meanwhile() -> None:
    handed = Drift(level=Mode.MAX, count=MOST_DRIFTS + 1, at=at(2), retry_at=at(2) + HANDED_OVER_FOR)
    state = steered(drift=handed).with_circuit(Circuit.HEATING, a_circuit(Mode.MAX, settled_at=at(2), drift=handed))
    calm = see(state, at(2) + DRIFT_MEMORY + timedelta(minutes=1), Mode.MAX, 3.0)
    assert calm.starts == ()
    assert calm.state.heating.drift == handed
    after = see(calm.state, at(2) + HANDED_OVER_FOR + timedelta(minutes=1), Mode.MAX, 3.0)
    assert after.state.heating.drift is None


@pytest.mark.parametrize("condition", [Condition.NORMAL, Condition.AWAY, Condition.OFF, Condition.EXTERNAL])
def test_a_cold_home_that_something_keeps_setting_back_is_helped_once_an_hour(condition: Condition) -> None:
    handed = Drift(level=Mode.MIN, count=MOST_DRIFTS + 1, at=at(2), retry_at=at(2) + HANDED_OVER_FOR)
    fallen = a_state(settled=Mode.MIN, settled_at=at(2), drift=handed)
    warm = see(fallen, at(3, 30), Mode.MIN, -2.0, room_c=21.0)
    assert warm.starts == ()
    early = see(fallen, at(2, 30), Mode.MIN, -2.0, room_c=15.0, condition=condition)
    assert early.starts == ()
    assert early.wake_at == at(3)
    command = started(decide(early.state, Woke(), at(3)))
    assert command is not None
    assert command.mode is Mode.LOW


def test_a_silent_pump_is_not_let_go_as_it_was_last_seen_before_a_day_has_passed() -> None:
    silent = decide(a_state(settled_at=at(0)), Observed(as_of=at(1), silent=True), at(1, 35)).state
    asked = decide(silent, RetireRequested(), at(2))
    assert not asked.state.retired
    assert asked.wake_at == at(1) + RETIRE_UNSEEN_AFTER
    back = see(asked.state, at(3), Mode.MAX, 3.0)
    assert not back.state.retired
    assert started(back) is not None, "what fell to a raised setting meanwhile is put back first"
    assert obeyed(back, at(3, 5)).retired
    assert see(asked.state, at(3), Mode.LOW, 0.0).state.retired, "seen in neutral, it may go"
    gone = decide(asked.state, Woke(), at(1) + RETIRE_UNSEEN_AFTER)
    assert gone.state.retired, "a unit that is never seen again is no reason to wait for ever"


def test_a_calm_half_day_ends_the_story_of_a_drift() -> None:
    state = obeyed(see(steered(), at(2), Mode.LOW, 0.0), at(2, 5))
    calm = see(state, at(2) + DRIFT_MEMORY + timedelta(minutes=1), Mode.MIN, -2.0).state
    assert calm.heating.drift is None


def test_what_is_older_than_our_last_word_explains_nothing() -> None:
    state = steered().with_circuit(Circuit.HEATING, a_circuit(Mode.MIN, settled_at=at(3)))
    seen = decide(state, an_observation(at(2, 59), None, 4.0), at(3, 1))
    assert seen.state.heating.baseline_at is None
    assert seen.state.heating == state.heating


def test_a_picture_of_a_clock_that_is_ahead_told_twice_is_not_newer_than_what_was_done_about_it() -> None:
    ahead = timedelta(minutes=4)
    fallen = an_observation(at(2) + ahead, Mode.LOW, 0.0)
    state = obeyed(decide(steered(), fallen, at(2)), at(2, 3))
    again = decide(state, fallen, at(2, 15))
    assert again.state.heating.baseline_at is None
    assert again.starts == ()
    assert again.state.heating == state.heating
    real = decide(state, an_observation(at(2, 30) + ahead, Mode.LOW, 0.0), at(2, 30))
    assert real.state.heating.lever.baseline == 0.0
    assert real.state.heating.baseline_at is not None, "a new picture of the same clock is news"


@pytest.mark.parametrize(
    ("before_min", "is_news"),
    [(1, False), (-1, True), (60, True)],
    ids=["older than the evidence", "newer", "of a clock that was set"],
)
def test_a_clock_ahead_orders_its_own_pictures(before_min: int, *, is_news: bool) -> None:
    evidence = at(2, 3) + timedelta(minutes=120)
    command = started(see(steered(), at(2), Mode.LOW, 0.0))
    assert command is not None
    state = see(steered(), at(2), Mode.LOW, 0.0).state
    ended = an_outcome(command.command_id, CommandState.APPLIED, at(2, 3)).model_copy(update={"stamp": evidence})
    state = decide(state, CommandSettled(outcome=ended), at(2, 3)).state
    stamp = evidence - timedelta(minutes=before_min)
    seen = decide(state, an_observation(at(2, 4), None, 4.0, stamp=stamp), at(2, 4))
    assert seen.state.heating.lever.baseline == (4.0 if is_news else 0.0)
    assert (seen.state == state) is not is_news


def test_while_a_command_is_open_nobody_draws_conclusions() -> None:
    command: Command = a_command(Mode.MIN, decided=2)
    state = a_state(
        plans=(a_plan(1, {(0, 24): Mode.MIN}),), open=OpenCommand(command=command), last=command, last_seq=1
    )
    seen = see(state, at(2, 3), None, 4.0)
    assert seen.state.heating.baseline_at is None
    assert seen.state.heating == state.heating


def test_our_own_late_write_is_corrected_and_nobodys_hand() -> None:
    state = a_state(settled=None)
    late = see(state, at(1), Mode.MIN, -2.0)
    assert late.state.heating.baseline_at is None
    command = started(late)
    assert command is not None
    assert command.mode is Mode.LOW


@pytest.mark.parametrize("condition", [Condition.AWAY, Condition.EXTERNAL, Condition.INSTALLER, Condition.OFF])
def test_what_somebody_at_the_unit_sets_is_left_alone_while_they_are_there(condition: Condition) -> None:
    state = steered()
    for n in range(6):
        seen = see(state, at(2, 15 * n), None, 4.0, condition=condition)
        assert seen.starts == ()
        assert seen.state.heating.baseline_at is None
        state = seen.state


@pytest.mark.parametrize("condition", [Condition.AWAY, Condition.EXTERNAL, Condition.INSTALLER, Condition.OFF])
def test_one_of_our_settings_that_they_choose_after_neutral_is_theirs_at_every_look(condition: Condition) -> None:
    state = a_state(settled_at=at(0))
    for n in range(6):
        seen = see(state, at(2, 15 * n), Mode.MID, 1.0, condition=condition)
        assert seen.starts == ()
        state = seen.state
    gone = see(state, at(4), Mode.MID, 1.0)
    assert [command.mode for command in gone.starts] == [Mode.LOW], "what they leave behind is not what is wished"


def test_a_silent_pump_that_reports_again_is_given_the_newest_target_only() -> None:
    state = decide(a_state(settled_at=at(0)), Observed(as_of=at(1), silent=True), at(1)).state
    assert state.watch.silent_since == at(1)
    for hour, mode in ((2, Mode.MIN), (3, Mode.MID), (4, Mode.MAX)):
        state = decide(
            state.model_copy(update={"plans": (a_plan(hour, {(0, 24): mode}),)}), Woke(), at(1, 1)
        ).state.model_copy(update={"heating": state.heating})
    back = see(state, at(5), Mode.LOW, 0.0)
    assert back.state.watch.silent_since is None
    assert [command.mode for command in back.starts] == [Mode.MAX]


def test_news_of_silence_older_than_the_last_report_is_no_news() -> None:
    state = see(steered(), at(3), Mode.MIN, -2.0).state
    late = decide(state, Observed(as_of=at(2), silent=True), at(3, 1)).state
    assert late.watch.silent_since is None


def test_a_room_below_its_floor_ends_a_set_back_even_one_that_has_just_begun() -> None:
    begun = decide(a_state(plans=(a_plan(1, {(1, 6): Mode.MIN}),)), Woke(), at(1, 10))
    state = obeyed(begun, at(1, 12))
    cold = see(state, at(1, 14), Mode.MIN, -2.0, room_c=15.0)
    command = started(cold)
    assert command is not None
    assert command.mode is Mode.LOW


def test_a_cold_room_whose_setting_fell_to_a_set_back_waits_for_no_edge_of_a_plan() -> None:
    state = a_state(plans=(a_plan(1, {(0, 2.5): Mode.LOW, (2.5, 24): Mode.MAX}),))
    edge = target_at(state, at(2)).until
    assert edge is not None
    when = edge - timedelta(minutes=3)
    assert started(see(state, when, Mode.MIN, -2.0, room_c=21.0)) is None, "not worth it for so short a while"
    command = started(see(state, when, Mode.MIN, -2.0, room_c=15.0))
    assert command is not None
    assert command.mode is Mode.LOW


def test_a_set_back_under_way_is_cancelled_when_the_room_is_seen_too_cold() -> None:
    begun = decide(a_state(plans=(a_plan(1, {(1, 6): Mode.MIN}),)), Woke(), at(1, 10))
    cold = see(begun.state, at(1, 11), Mode.LOW, 0.0, room_c=15.0)
    assert cold.cancels == (Circuit.HEATING,)


def test_a_room_is_warm_again_only_a_little_above_its_floor() -> None:
    state = see(steered(), at(2), Mode.MIN, -2.0, room_c=18.9).state
    assert state.watch.is_cold
    state = see(state, at(3), Mode.MIN, -2.0, room_c=state.site.floor_c(at(3)) + 0.1).state
    assert state.watch.is_cold
    assert not see(state, at(4), Mode.MIN, -2.0, room_c=state.site.floor_c(at(4)) + 0.4).state.watch.is_cold


def test_a_cold_tank_is_not_held_back() -> None:
    hot_water = a_circuit(HotWaterMode.HOLD, settled_at=at(0))
    state = a_state(hot_water=hot_water, watch=Watch(as_of=at(1)))
    levers = (SeenLever(circuit=Circuit.HOT_WATER, setting=0.0),)
    seen = Observed(as_of=at(2), levers=levers, hot_water_c=TANK_FLOOR_C - 1)
    after = decide(state, seen, at(2))
    assert after.state.watch.is_tank_cold
    assert [command.mode for command in after.starts] == [HotWaterMode.NORMAL]
