"""What happens at once: deliveries in any order, twice, and over continue-as-new end in the same place."""

import random
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands.command import Command, CommandState
from domain.modes import Circuit, Mode
from domain.steering.decide import decide
from domain.steering.orders import Order, OrderKind
from domain.steering.overrides import Override, OverrideKind, OverrideSource, asked_of
from domain.steering.pump_state import (
    CommandSettled,
    Event,
    Kept,
    OrderGiven,
    OrderLifted,
    OverrideRequested,
    PlanArrived,
    PumpState,
    RetireRequested,
    Woke,
)
from tests.builders import a_plan, a_state, an_observation, an_outcome, at

START = at(3)


class Race:
    """A pump and its commands, each of which ends when the race says so."""

    def __init__(self, state: PumpState, *, through_json: bool) -> None:
        self.state, self.through_json = state, through_json
        self.now: datetime = START
        self.open: dict[Circuit, Command] = {}
        self.wake_at: datetime | None = None
        self.said: set[str] = set()
        self.kept: set[str] = set()

    def meet(self, event: Event) -> None:
        decision = decide(self.state, event, self.now)
        self.state, self.wake_at = decision.state, decision.wake_at
        self.said |= {line.key for line in self.state.outbox}
        for command in decision.starts:
            assert command.circuit not in self.open, "two commands open on one lever"
            self.open[command.circuit] = command
        if self.through_json:
            self.state = PumpState.model_validate_json(self.state.model_dump_json())

    def settle(self, end: CommandState = CommandState.APPLIED) -> None:
        for circuit in tuple(self.open):
            command = self.open.pop(circuit)
            had = self.state.circuit(circuit)
            assert had is not None
            assert had.open is not None
            self.kept |= set(had.open.handed)
            self.meet(CommandSettled(outcome=an_outcome(command.command_id, end, self.now)))

    def calm_down(self) -> None:
        for _ in range(60):
            self.now += timedelta(minutes=2)
            self.settle()
            if not self.open and self.state.outbox:
                keys = tuple(line.key for line in self.state.outbox)
                self.kept |= set(keys)
                self.meet(Kept(keys=keys))
            if not self.open and (self.wake_at is None or self.wake_at > START + timedelta(hours=2)):
                return
            if not self.open and self.wake_at is not None:
                self.now = max(self.now, self.wake_at)
                self.meet(Woke())
        raise AssertionError("it never became calm")


def an_emergency() -> Override:
    mode, hot_water = asked_of(OverrideKind.EMERGENCY)
    return Override(
        override_id="emergency",
        source=OverrideSource.HOUSEHOLD,
        kind=OverrideKind.EMERGENCY,
        mode=mode,
        hot_water=hot_water,
        requested_at=at(2),
        until=at(12),
        who="resident",
        why="a baby",
    )


def a_stop() -> Order:
    return Order(order_id="s", kind=OrderKind.STOP, scope="all", since=at(2), who="operator", why="drill")


NEWS: dict[str, Event] = {
    "plan": PlanArrived(plan=a_plan(4, {(0, 24): Mode.MIN})),
    "older plan": PlanArrived(plan=a_plan(3, {(0, 24): Mode.MAX})),
    "emergency": OverrideRequested(override=an_emergency()),
    "stop": OrderGiven(order=a_stop()),
    "drift": an_observation(at(2, 59), Mode.MID, 1.0),
    "retire": RetireRequested(),
}


def expected(names: set[str]) -> Mode:
    """The winner by decision 25."""
    if "retire" in names:
        return Mode.LOW
    if "emergency" in names:
        return Mode.MAX
    if "stop" in names:
        return Mode.LOW
    return Mode.MIN if "plan" in names else Mode.MAX if "older plan" in names else Mode.LOW


@given(st.sets(st.sampled_from(sorted(NEWS)), min_size=1), st.integers(0, 2**32), st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_comes_at_once_in_whatever_order_ends_where_precedence_says(
    names: set[str], seed: int, through_json: bool
) -> None:
    luck = random.Random(seed)
    arrivals = [*sorted(names), *luck.sample(sorted(names), k=luck.randrange(len(names) + 1))]
    luck.shuffle(arrivals)
    if "retire" in names:
        # What comes after a retirement is refused; nothing of it may bring the pump back.
        arrivals.append("emergency")
    race = Race(a_state(), through_json=through_json)
    for name in arrivals:
        race.meet(NEWS[name])
        if luck.random() < 0.4:
            race.settle(luck.choice([CommandState.APPLIED, CommandState.SUPERSEDED]))
    race.calm_down()
    assert race.state.heating.settled is expected(names)
    assert race.state.retired is ("retire" in names)


@given(st.lists(st.sampled_from(sorted(NEWS)), min_size=1, max_size=8), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_every_line_that_was_ever_said_reaches_the_ledger(names: list[str], seed: int) -> None:
    luck = random.Random(seed)
    race = Race(a_state(), through_json=True)
    for name in names:
        race.meet(NEWS[name])
        if luck.random() < 0.5:
            race.settle(CommandState.APPLIED)
    race.calm_down()
    if not race.state.retired:
        assert race.state.outbox == ()
        assert race.kept >= race.said


@given(st.permutations(["stop", "lift", "plan"]))
def test_an_order_that_was_lifted_leaves_the_plan_in_force_after_the_stagger_in_whatever_order(
    order: list[str],
) -> None:
    race = Race(a_state(), through_json=False)
    for name in order:
        race.meet(OrderLifted(order_id="s") if name == "lift" else NEWS[name])
        race.settle()
    race.now = START + timedelta(hours=1)
    race.meet(Woke())
    race.now += timedelta(minutes=2)
    race.settle()
    assert race.state.heating.settled is Mode.MIN
