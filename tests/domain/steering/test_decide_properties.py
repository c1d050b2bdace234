"""`decide` under every order, repetition and outcome: what must hold whatever happens."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands.command import Authority, Command, CommandState
from domain.modes import Mode
from domain.steering.decide import decide
from domain.steering.overrides import OverrideSource
from domain.steering.pump_state import (
    CommandSettled,
    Event,
    OverrideEnded,
    OverrideRequested,
    PlanArrived,
    PumpState,
    RetireRequested,
    Woke,
)
from domain.steering.reconcile import MIN_PAUSE, MIN_RUN
from tests.builders import MIDNIGHT, a_state, an_observation, an_outcome, an_override, plan_of

modes = st.sampled_from(list(Mode))
plans = st.builds(plan_of, st.integers(1, 6), st.lists(modes, min_size=1, max_size=96))
ends = st.sampled_from(
    [
        CommandState.APPLIED,
        CommandState.IGNORED,
        CommandState.REJECTED,
        CommandState.EXPIRED,
        CommandState.UNVERIFIED,
        CommandState.SUPERSEDED,
    ]
)


@dataclass
class Pump:
    """A pump whose one open command ends when the test says so."""

    state: PumpState = field(default_factory=a_state)
    now: datetime = MIDNIGHT
    wake_at: datetime | None = None
    in_flight: list[Command] = field(default_factory=list)
    started: list[Command] = field(default_factory=list)

    def meet(self, event: Event) -> None:
        decision = decide(self.state, event, self.now)
        assert PumpState.model_validate_json(decision.state.model_dump_json()) == decision.state
        assert decision.wake_at is None or decision.wake_at > self.now
        self.state, self.wake_at = decision.state, decision.wake_at
        for command in decision.starts:
            self.in_flight.append(command)
            self.started.append(command)
        assert len(self.in_flight) <= 1, "two writes in flight for one lever"
        assert (self.state.heating.open is not None) == bool(self.in_flight)

    def finish(self, end: CommandState, seen: Mode | None) -> None:
        if self.in_flight:
            command = self.in_flight.pop()
            self.meet(CommandSettled(outcome=an_outcome(command.command_id, end, self.now, seen)))


steps = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 180)),
    st.tuples(st.just("plan"), plans),
    st.tuples(st.just("end"), st.tuples(ends, st.one_of(st.none(), modes))),
    st.tuples(st.just("override"), st.tuples(modes, st.integers(1, 300), st.sampled_from(list(OverrideSource)))),
    st.tuples(st.just("end-override"), st.none()),
    st.tuples(st.just("observed"), st.one_of(st.none(), modes)),
    st.tuples(st.just("retire"), st.none()),
)


def act(pump: Pump, step: tuple[str, Any], n: int) -> None:
    match step:
        case ("wait", int(minutes)):
            pump.now += timedelta(minutes=minutes)
            pump.meet(Woke())
        case ("plan", plan):
            pump.meet(PlanArrived(plan=plan))
        case ("end", (end, seen)):
            pump.finish(end, seen)
        case ("override", (mode, minutes, kind)):
            hours = (pump.now - MIDNIGHT) / timedelta(hours=1)
            target = an_override(mode, hours, hours + minutes / 60, kind=kind, override_id=f"o{n}")
            pump.meet(OverrideRequested(override=target))
        case ("end-override", _):
            pump.meet(OverrideEnded())
        case ("observed", mode):
            pump.meet(an_observation(pump.now, mode))
        case ("retire", _):
            pump.meet(RetireRequested())


@given(st.lists(plans, min_size=1, max_size=6), st.randoms(use_true_random=False), st.data())
@settings(max_examples=150, deadline=None)
def test_any_order_and_repetition_of_plan_arrivals_ends_in_the_highest_revision(arrivals, rng, data) -> None:  # type: ignore[no-untyped-def]
    unique = {p.revision: p for p in arrivals}
    shuffled = [*unique.values(), *data.draw(st.lists(st.sampled_from(list(unique.values())), max_size=6))]
    rng.shuffle(shuffled)
    pump = Pump()
    for plan in shuffled:
        pump.meet(PlanArrived(plan=plan))
    assert pump.state.plan == unique[max(unique)]


@given(st.lists(steps, max_size=60))
@settings(max_examples=300, deadline=None)
def test_one_write_in_flight_wake_ahead_and_states_that_survive_json_whatever_happens(story) -> None:  # type: ignore[no-untyped-def]
    pump = Pump()
    for n, step in enumerate(story):
        act(pump, step, n)


@given(st.lists(steps, max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_plan_made_change_comes_inside_the_dwell_of_the_plan_s_last(story) -> None:  # type: ignore[no-untyped-def]
    pump = Pump()
    for n, step in enumerate(story):
        act(pump, step, n)
    for earlier, later in zip(pump.started, pump.started[1:], strict=False):
        if earlier.mode is later.mode:
            continue
        since = _run_start(pump.started, earlier)
        if earlier.authority is Authority.PLAN and later.authority is Authority.PLAN:
            keep = MIN_RUN if earlier.mode in (Mode.MID, Mode.MAX) else MIN_PAUSE
            assert later.decided_at - since >= keep


def _run_start(started: list[Command], command: Command) -> datetime:
    """When the mode that `command` holds was first decided, repetitions counted as one."""
    index = started.index(command)
    while index > 0 and started[index - 1].mode is command.mode:
        index -= 1
    return started[index].decided_at


@given(st.lists(steps, max_size=40))
@settings(max_examples=200, deadline=None)
def test_with_no_more_news_every_pump_ends_neutral(story) -> None:  # type: ignore[no-untyped-def]
    pump = Pump()
    for n, step in enumerate(story):
        act(pump, step, n)
    for _ in range(400):
        if pump.in_flight:
            pump.finish(CommandState.APPLIED, None)
        elif pump.wake_at is not None:
            pump.now = pump.wake_at
            pump.meet(Woke())
        else:
            break
    assert pump.state.heating.settled is Mode.LOW
    assert not pump.in_flight
