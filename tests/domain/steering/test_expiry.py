"""A setting that expires by itself is renewed in time or lapses when it may, and its end is never taken for a drift."""

import itertools
from datetime import datetime, timedelta

import pytest

from domain.commands.command import CommandOutcome, CommandState
from domain.modes import Circuit, Mode
from domain.oem.lever import Lever
from domain.steering.decide import decide
from domain.steering.expiry import LAPSE_SEEN_AFTER, RENEWED_AHEAD
from domain.steering.overrides import OverrideKind
from domain.steering.pump_state import CommandSettled, Decision, Observed, PumpState, SeenLever, Woke
from oem_adapters.nibe.manifest import HEATING_OFFSET
from tests.builders import a_lever, a_plan, a_state, an_observation, at, started

LIFE = timedelta(hours=3)


def expiring(life: timedelta | None) -> Lever:
    """The usual lever, with settings that fall back after `life`."""
    stuck = HEATING_OFFSET.stuck if life is None else None
    return a_lever(HEATING_OFFSET.model_copy(update={"expires_after": life, "stuck": stuck}))


def in_mode(hours: float = 6, mode: Mode = Mode.MAX, life: timedelta | None = LIFE) -> PumpState:
    """A pump that follows a plan's mode from hour 1 on, written at 01:06 and seen at 01:09 (its edge has a jitter)."""
    state = a_state(lever=expiring(life), plans=(a_plan(1, {(1, 1 + hours): mode}),))
    return applied(decide(state, Woke(), at(1, 5)), at(1, 6), at(1, 9)).state


def applied(decision: Decision, written_at: datetime | None, when: datetime) -> Decision:
    command = started(decision)
    assert command is not None
    outcome = CommandOutcome(command_id=command.command_id, state=CommandState.APPLIED, at=when, written_at=written_at)
    return decide(decision.state, CommandSettled(outcome=outcome), when)


def test_a_setting_is_written_again_before_it_expires_as_long_as_it_is_wanted() -> None:
    state, writes = in_mode(), []
    when: datetime | None = decide(state, Woke(), at(1, 10)).wake_at
    while when is not None and when < at(7):
        decision = decide(state, Woke(), when)
        command = started(decision)
        if command is None:
            state, when = decision.state, decision.wake_at
            continue
        assert (command.mode, command.renews) == (Mode.MAX, True)
        writes.append(when)
        state = applied(decision, when + timedelta(minutes=1), when + timedelta(minutes=4)).state
        when = decide(state, Woke(), when + timedelta(minutes=5)).wake_at
    assert writes[0] == at(1, 6) + LIFE - RENEWED_AHEAD
    assert all(later - earlier <= LIFE for earlier, later in itertools.pairwise(writes))
    assert len(writes) == 2
    assert state.heating.plan_changes[1:] == (), "a renewal is no change of the plan"


def test_a_setting_that_stays_is_never_renewed() -> None:
    state = in_mode(hours=20, life=None)
    assert state.heating.written is None
    for hour in range(2, 20):
        assert started(decide(state, Woke(), at(hour))) is None


def test_what_is_not_wanted_any_longer_than_it_lasts_is_not_renewed() -> None:
    state = in_mode(hours=2.9)
    decision = decide(state, Woke(), at(3, 40))
    assert started(decision) is None
    assert decision.wake_at is not None


def test_what_expires_at_a_plan_s_edge_lapses_without_a_write() -> None:
    state = in_mode(hours=2.9)
    edge = decide(state, Woke(), at(3, 40)).wake_at
    assert edge is not None
    assert timedelta() < at(1, 6) + LIFE - edge < timedelta(minutes=10)
    waiting = decide(state, Woke(), edge)
    assert started(waiting) is None
    assert waiting.wake_at == at(1, 6) + LIFE + LAPSE_SEEN_AFTER
    seen = decide(waiting.state, an_observation(at(4, 8), Mode.LOW, 0.0), at(4, 8)).state
    assert (seen.heating.settled, seen.heating.drift) == (Mode.LOW, None)
    assert started(decide(seen, Woke(), at(4, 14))) is None


def test_a_lapse_that_is_not_seen_is_made_sure_of() -> None:
    decision = decide(in_mode(hours=2.9), Woke(), at(4, 14))
    command = started(decision)
    assert command is not None
    assert command.mode is Mode.LOW


def test_a_setting_that_is_reverted_long_before_it_expires_is_written() -> None:
    command = started(decide(in_mode(hours=1.5), Woke(), at(2, 50)))
    assert command is not None
    assert (command.mode, command.renews) == (Mode.LOW, False)


def test_the_household_s_own_setting_after_the_expiry_is_no_drift_and_what_is_wanted_is_written_again() -> None:
    state = in_mode().model_copy(update={"outbox": ()})
    decision = decide(state, an_observation(at(4, 7), Mode.LOW, 0.0), at(4, 7))
    assert decision.state.heating.drift is None
    assert decision.state.heating.baseline_at is None
    command = started(decision)
    assert command is not None
    assert (command.mode, command.renews) == (Mode.MAX, False)
    assert [line.kind.value for line in decision.state.outbox] == ["planned"]


def test_the_household_s_own_setting_before_the_expiry_is_a_drift_as_on_any_lever() -> None:
    decision = decide(in_mode(), an_observation(at(3, 30), Mode.LOW, 0.0), at(3, 30))
    assert decision.state.heating.drift is not None


@pytest.mark.parametrize("found_by", ["a command that had nothing to write", "an observation"])
def test_a_setting_of_which_nobody_knows_when_it_was_written_is_renewed_at_once(found_by: str) -> None:
    state = a_state(lever=expiring(LIFE), settled=None, plans=(a_plan(1, {(1, 7): Mode.MAX}),))
    if found_by == "an observation":
        decision = decide(state, an_observation(at(1, 6), Mode.MAX, 3.0), at(1, 6))
    else:
        decision = applied(decide(state, Woke(), at(1, 5)), None, at(1, 8))
    command = started(decision)
    assert command is not None
    assert (command.mode, command.renews) == (Mode.MAX, True)


def test_what_a_state_knows_of_an_expiry_survives_a_restart() -> None:
    state = in_mode()
    assert PumpState.model_validate_json(state.model_dump_json()) == state


def seen_at(state: PumpState, when: datetime, setting: float, ends_at: datetime | None = None) -> Decision:
    lever = SeenLever(circuit=Circuit.HEATING, setting=setting, ends_at=ends_at)
    return decide(state, Observed(as_of=when, levers=(lever,)), when)


def holds(state: PumpState) -> list[datetime]:
    return [o.until for o in state.overrides if o.kind is OverrideKind.THERMOSTAT]


def a_quiet_pump() -> PumpState:
    """In neutral, with a plan that raises from hour 5 on."""
    state = a_state(lever=expiring(LIFE), plans=(a_plan(1, {(5, 9): Mode.MAX}),))
    return seen_at(state, at(1), 0.0).state


@pytest.mark.parametrize("setting", [4.5, 3.0], ids=["none of ours", "as our MAX would be"])
def test_what_a_person_sets_for_a_while_holds_for_that_while_and_becomes_no_baseline(setting: float) -> None:
    state = seen_at(a_quiet_pump(), at(4), setting, ends_at=at(7)).state
    assert state.heating.lever.baseline == 0.0
    assert holds(state) == [at(7)]
    for minutes in range(5, 175, 10):
        again = seen_at(state, at(4) + timedelta(minutes=minutes), setting, at(7))
        assert again.starts == ()
        state = again.state
    assert len(state.touches) == 1
    assert holds(state) == [at(7)]


def test_the_end_of_a_persons_temporary_setting_is_no_second_change_of_theirs() -> None:
    state = seen_at(a_quiet_pump(), at(4), 4.5, ends_at=at(7)).state
    after = seen_at(state, at(7, 5), 0.0)
    assert len(after.state.touches) == 1
    assert after.state.heating.lever.baseline == 0.0
    assert after.state.heating.temporary is None
    command = started(after)
    assert command is not None
    assert (command.mode, command.setting) == (Mode.MAX, 3.0), "the plan goes on, on the household's own setting"


def test_a_person_who_ends_their_temporary_setting_early_holds_nothing_any_more() -> None:
    state = seen_at(a_quiet_pump(), at(4), 4.5, ends_at=at(9)).state
    after = seen_at(state, at(6), 0.0)
    assert holds(after.state) == []
    assert started(after) is not None


def test_a_temporary_setting_that_is_prolonged_holds_until_its_new_end() -> None:
    state = seen_at(a_quiet_pump(), at(4), 4.5, ends_at=at(7)).state
    state = seen_at(state, at(6), 4.5, ends_at=at(9)).state
    assert max(holds(state)) == at(9)
    assert state.heating.lever.baseline == 0.0


def test_a_setting_that_stays_on_such_a_lever_is_a_new_baseline() -> None:
    state = seen_at(a_quiet_pump(), at(4), 4.5).state
    assert (state.heating.lever.baseline, state.heating.temporary) == (4.5, None)


def test_a_lasting_change_during_a_temporary_one_is_a_change_of_its_own() -> None:
    state = seen_at(a_quiet_pump(), at(4), 4.5, ends_at=at(7)).state
    state = seen_at(state, at(5), 1.5).state
    assert (state.heating.lever.baseline, state.heating.temporary, len(state.touches)) == (1.5, None, 2)


def test_what_a_write_found_to_be_set_for_a_while_becomes_no_baseline_either() -> None:
    decision = decide(a_quiet_pump(), Woke(), at(5, 5))
    command = started(decision)
    assert command is not None
    found = CommandOutcome(
        command_id=command.command_id,
        state=CommandState.SUPERSEDED,
        at=at(5, 9),
        foreign_setting=4.5,
        foreign_ends_at=at(7),
    )
    state = decide(decision.state, CommandSettled(outcome=found), at(5, 9)).state
    assert (state.heating.lever.baseline, holds(state)) == (0.0, [at(7)])
