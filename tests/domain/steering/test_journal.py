"""The journal: replayed, it says of any moment what the pump had decided then and why."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands.command import Authority, CommandOutcome, CommandState
from domain.homes.comfort import ComfortBand
from domain.homes.site import Site
from domain.modes import Circuit, Mode
from domain.oem.readings import Condition
from domain.steering.arbitration import target_at
from domain.steering.decide import COOL_RETRY, READ_ONLY_RETRY, decide
from domain.steering.journal import JournalEntry, as_of
from domain.steering.journalling import bounds_in_force, standing_of
from domain.steering.orders import OrderKind
from domain.steering.pump_state import (
    MOST_WAITING,
    ComfortChanged,
    CommandSettled,
    Event,
    Kept,
    Observed,
    OrderGiven,
    OrderLifted,
    OverrideRequested,
    PlanArrived,
    PumpState,
    SteeringConsent,
    Woke,
)
from domain.steering.target import Bound, BoundKind
from tests.builders import MIDNIGHT, a_plan, a_state, an_observation, an_outcome, an_override, at, plan_of, started
from tests.domain.steering.test_bounds import an_order

HOME = Site(band=ComfortBand(room_min_c=21.0, room_max_c=23.5))
"""May be set back, by plans and by people."""


class Recorded:
    """A pump that lives, its journal as the ledger would hold it, and its state after each event."""

    def __init__(self) -> None:
        self.now: datetime = MIDNIGHT
        self.state: PumpState = a_state(site=HOME)
        self.stored: list[JournalEntry] = []
        self.states: list[tuple[datetime, PumpState]] = []
        self.wake_at: datetime | None = None
        self.meet(Woke())

    def meet(self, event: Event) -> None:
        decision = decide(self.state, event, self.now)
        self.state, self.wake_at = decision.state, decision.wake_at
        self.states.append((self.now, self.state))

    def wait(self, minutes: int) -> None:
        """As its workflow does: awake whenever it asked to be."""
        until = self.now + timedelta(minutes=minutes)
        while self.wake_at is not None and self.wake_at <= until:
            self.now = self.wake_at
            self.meet(Woke())
        self.now = until

    def settle(self, **found: Any) -> None:
        opened = self.state.heating.open
        if opened is not None:
            self.store()
            outcome = CommandOutcome(command_id=opened.command.command_id, at=self.now, **found)
            self.meet(CommandSettled(outcome=outcome))

    def store(self) -> None:
        """An activity carries what waits to the ledger."""
        self.stored += self.state.journal
        self.meet(Kept(keys=tuple(entry.key for entry in self.state.journal)))

    @property
    def journal(self) -> list[JournalEntry]:
        return [*self.stored, *self.state.journal]

    def at(self, moment: datetime) -> PumpState:
        return next(state for since, state in reversed(self.states) if since <= moment)


modes = st.sampled_from(list(Mode))
steps = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 200)),
    st.tuples(st.just("plan"), st.builds(plan_of, st.integers(1, 6), st.lists(modes, min_size=1, max_size=96))),
    st.tuples(st.just("override"), st.tuples(modes, st.integers(5, 300))),
    st.tuples(st.just("room"), st.sampled_from([19.8, 20.0, 20.1, 20.2, 20.5])),
    st.tuples(st.just("condition"), st.sampled_from([Condition.NORMAL, Condition.AWAY, Condition.EXTERNAL])),
    st.tuples(st.just("by hand"), st.sampled_from([4.0, 6.0])),
    st.tuples(st.just("applied"), st.none()),
    st.tuples(st.just("too cool"), st.none()),
    st.tuples(st.just("read-only"), st.none()),
    st.tuples(st.just("ignored"), st.none()),
    st.tuples(st.just("limit"), st.integers(1, 8)),
    st.tuples(st.just("lift"), st.none()),
    st.tuples(st.just("consent"), st.booleans()),
    st.tuples(st.just("store"), st.none()),
)


def act(pump: Recorded, step: tuple[str, Any], n: int) -> None:  # noqa: C901 -- one line a kind
    hours = (pump.now - MIDNIGHT) / timedelta(hours=1)
    match step:
        case ("wait", int(minutes)):
            pump.wait(minutes)
        case ("plan", plan):
            pump.meet(PlanArrived(plan=plan))
        case ("override", (mode, minutes)):
            wished = an_override(mode, hours, hours + minutes / 60, override_id=f"o{n}")
            pump.meet(OverrideRequested(override=wished))
        case ("room", room_c):
            pump.meet(Observed(as_of=pump.now, room_c=room_c))
        case ("condition", condition):
            pump.meet(Observed(as_of=pump.now, condition=condition))
        case ("by hand", setting):
            pump.meet(an_observation(pump.now, None, setting))
        case ("applied", _):
            pump.settle(state=CommandState.APPLIED)
        case ("too cool", _):
            pump.settle(state=CommandState.SUPERSEDED, is_too_cool=True)
        case ("read-only", _):
            pump.settle(state=CommandState.REJECTED, is_read_only=True)
        case ("ignored", _):
            pump.settle(state=CommandState.IGNORED)
        case ("limit", hours_left):
            order = an_order(OrderKind.LIMIT, Mode.LOW, hours + hours_left).model_copy(update={"order_id": f"l{n}"})
            pump.meet(OrderGiven(order=order))
        case ("lift", _):
            pump.meet(OrderLifted())
        case ("consent", opted_out):
            pump.meet(SteeringConsent(opted_out=opted_out))
        case ("store", _):
            pump.store()


@given(st.lists(steps, max_size=60), st.lists(st.floats(0, 1), min_size=100, max_size=100))
@settings(max_examples=150, deadline=None)
def test_replayed_it_tells_of_any_moment_what_the_pump_itself_held_then(script, moments) -> None:  # type: ignore[no-untyped-def]
    pump = Recorded()
    for n, step in enumerate(script):
        pump.wait(1)
        act(pump, step, n)
    pump.wait(60)
    for share in moments:
        moment = MIDNIGHT + share * (pump.now - MIDNIGHT)
        then, told = pump.at(moment), as_of(pump.journal, moment)
        for circuit, _ in then.circuits:
            decided = told.decided[circuit].decided
            assert decided.target == target_at(then, moment, circuit)
            told_bounds = decided.in_force(moment)
            waits = tuple(bound for bound in told_bounds if bound.kind in WAITS)
            assert told_bounds == (*bounds_in_force(then, moment, circuit), *waits)
            assert len(waits) <= 1
        assert told.standing == standing_of(then)


WAITS = (BoundKind.DWELL, BoundKind.DAILY_CHANGES, BoundKind.BACK_OFF)


@given(st.lists(steps, max_size=40))
@settings(max_examples=80, deadline=None)
def test_no_entry_repeats_the_one_before_it_and_numbers_have_no_gap(script) -> None:  # type: ignore[no-untyped-def]
    pump = Recorded()
    for n, step in enumerate(script):
        pump.wait(1)
        act(pump, step, n)
    assert [entry.number for entry in pump.journal] == list(range(1, len(pump.journal) + 1))
    for earlier, later in zip(pump.journal, pump.journal[1:], strict=False):
        assert later.decided != earlier.decided or later.standing is not None
        assert later.at >= earlier.at


def heating_bounds(state: PumpState, moment: datetime) -> tuple[Bound, ...]:
    return as_of(state.journal, moment).decided[Circuit.HEATING].decided.bounds


def test_a_room_that_is_above_its_floor_but_not_clearly_is_still_told_as_cold() -> None:
    state = decide(a_state(site=HOME), PlanArrived(plan=a_plan(1, {(0, 8): Mode.MIN})), at(0)).state
    state = decide(state, Observed(as_of=at(1), room_c=19.9), at(1)).state
    state = decide(state, Observed(as_of=at(2), room_c=20.1), at(2)).state
    assert BoundKind.ROOM_FLOOR in {bound.kind for bound in heating_bounds(state, at(2.5))}
    state = decide(state, Observed(as_of=at(3), room_c=20.4), at(3)).state
    assert BoundKind.ROOM_FLOOR not in {bound.kind for bound in heating_bounds(state, at(3.5))}


def test_a_set_back_that_waits_for_a_warmer_room_is_told_with_its_end() -> None:
    planned = decide(a_state(site=HOME), PlanArrived(plan=a_plan(1, {(0, 8): Mode.MIN})), at(1))
    command = started(planned)
    assert command is not None
    cool = an_outcome(command.command_id, CommandState.SUPERSEDED, at(1.1), Mode.LOW)
    state = decide(planned.state, CommandSettled(outcome=cool.model_copy(update={"is_too_cool": True})), at(1.1)).state
    told = as_of(state.journal, at(1.5)).decided[Circuit.HEATING].decided
    assert (told.target.mode, told.target.authority) == (Mode.LOW, Authority.NEUTRAL)
    assert Bound(kind=BoundKind.COOL_DOWN, until=at(1.1) + COOL_RETRY) in told.bounds


def test_a_unit_whose_remote_control_is_off_is_told_with_the_next_try() -> None:
    planned = decide(a_state(site=HOME), PlanArrived(plan=a_plan(1, {(0, 8): Mode.MID})), at(1))
    command = started(planned)
    assert command is not None
    refused = an_outcome(command.command_id, CommandState.REJECTED, at(1.1)).model_copy(update={"is_read_only": True})
    state = decide(planned.state, CommandSettled(outcome=refused), at(1.1)).state
    told = as_of(state.journal, at(1.5)).decided[Circuit.HEATING].decided
    assert told.target.authority is Authority.OUTSIDE
    assert Bound(kind=BoundKind.READ_ONLY, until=at(1.1) + READ_ONLY_RETRY) in told.bounds


def test_a_plan_s_step_that_waits_for_the_dwell_is_told_with_its_end() -> None:
    state = decide(a_state(site=HOME), PlanArrived(plan=a_plan(1, {(0, 2): Mode.MID})), at(1)).state
    opened = state.heating.open
    assert opened is not None
    applied = an_outcome(opened.command.command_id, CommandState.APPLIED, at(1.05))
    state = decide(state, CommandSettled(outcome=applied), at(1.05)).state
    state = decide(state, PlanArrived(plan=a_plan(2, {(0, 2): Mode.LOW})), at(1.2)).state
    assert Bound(kind=BoundKind.DWELL, until=at(2)) in heating_bounds(state, at(1.5))


def test_what_a_person_said_is_not_kept_waiting_and_a_plan_s_edges_are() -> None:
    state = decide(a_state(site=HOME), Woke(), at(0)).state
    assert not state.owes_ledger
    assert not decide(state, PlanArrived(plan=a_plan(1, {(5, 8): Mode.MIN})), at(1)).state.owes_ledger
    wider = ComfortBand(room_min_c=19.0, room_max_c=24.0)
    assert decide(state, ComfortChanged(band=wider), at(1)).state.owes_ledger
    assert decide(state, SteeringConsent(opted_out=True), at(1)).state.owes_ledger


def test_entries_that_wait_are_few() -> None:
    state = decide(a_state(site=HOME), Woke(), at(0)).state
    n = 0
    while not state.owes_ledger:
        n += 1
        seen = Observed(as_of=at(n), condition=Condition.AWAY if n % 2 else Condition.NORMAL)
        state = decide(state, seen, at(n)).state
    assert len(state.journal) == MOST_WAITING
