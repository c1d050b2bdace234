"""What an operator reads of a pump: each alert when it is true, the worst first, and the page that says why."""

from datetime import timedelta

import pytest

from domain.commands.command import CommandState
from domain.homes.comfort import ComfortBand
from domain.homes.site import Site
from domain.modes import Mode
from domain.steering.decide import decide
from domain.steering.observations import OFFLINE_AFTER
from domain.steering.orders import Order, OrderKind
from domain.steering.overrides import OverrideKind, OverrideSource
from domain.steering.pump_state import (
    MOST_DRIFTS,
    CommandSettled,
    Drift,
    Observed,
    OverrideRequested,
    PlanArrived,
    PumpState,
    RetryRequested,
    Woke,
)
from domain.steering.watch import Watch
from tests.builders import a_plan, a_state, an_outcome, an_override, at, started
from workflows.operator_view import Alert, alert_of, details_of

BLACKOUT = Order(
    order_id="o-1", kind=OrderKind.BLACKOUT, scope="all", since=at(0), who="operator", why="the feeder is down"
)
FALLEN = Drift(level=Mode.LOW, count=MOST_DRIFTS + 1, at=at(0), retry_at=at(24))
BY_HAND = an_override(Mode.LOW, 0, 4, source=OverrideSource.HOUSEHOLD).model_copy(
    update={"kind": OverrideKind.THERMOSTAT}
)


@pytest.mark.parametrize(
    ("state", "alert"),
    [
        (a_state(), Alert.NONE),
        (a_state(overrides=(BY_HAND,)), Alert.TOUCHED),
        (a_state(overrides=(BY_HAND,), orders=(BLACKOUT,)), Alert.HELD),
        (a_state(orders=(BLACKOUT,), settled=None), Alert.UNVERIFIED),
        (a_state(watch=Watch(read_only_until=at(20)), settled=None), Alert.READ_ONLY),
        (a_state(watch=Watch(read_only_until=at(0))), Alert.NONE),
        (a_state(drift=FALLEN, watch=Watch(silent_since=at(-2))), Alert.DRIFTING),
        (a_state(drift=FALLEN, watch=Watch(is_cold=True)), Alert.COLD),
        (a_state(watch=Watch(competing_until=at(2))), Alert.COMPETING),
        (a_state(watch=Watch(competing_until=at(1))), Alert.NONE),
    ],
)
def test_an_alert_is_the_worst_of_what_is_so(state: PumpState, alert: Alert) -> None:
    assert alert_of(state, at(1)) is alert


def test_a_silence_becomes_an_alert_by_itself_when_it_has_lasted_an_hour() -> None:
    decision = decide(a_state(), Observed(as_of=at(1), silent=True), at(1, 35))
    assert alert_of(decision.state, at(1, 35)) is Alert.NONE
    assert decision.wake_at == at(1) + OFFLINE_AFTER
    woken = decide(decision.state, Woke(), decision.wake_at)
    assert alert_of(woken.state, decision.wake_at) is Alert.OFFLINE
    assert woken.wake_at is None, "once is enough"
    heard = decide(woken.state, Observed(as_of=at(3)), at(3))
    assert alert_of(heard.state, at(3)) is Alert.NONE


def test_a_target_whose_time_ran_out_is_a_dead_letter_until_it_is_obeyed_whatever_its_retries_end_in() -> None:
    decision = decide(a_state(), OverrideRequested(override=an_override(Mode.MAX, 0, 12)), at(0))
    for hours, ends, alert in (
        (2, CommandState.EXPIRED, Alert.DEAD_LETTER),
        (4, CommandState.IGNORED, Alert.DEAD_LETTER),
        (6, CommandState.APPLIED, Alert.NONE),
    ):
        command = started(decision)
        assert command is not None
        outcome = an_outcome(command.command_id, ends, at(hours), Mode.LOW)
        state = decide(decision.state, CommandSettled(outcome=outcome), at(hours)).state
        assert alert_of(state, at(hours)) is alert
        decision = decide(state, Woke(), at(hours) + timedelta(hours=1))


@pytest.mark.parametrize(("band_min_c", "is_said"), [(20.5, True), (18.0, False)])
def test_a_cold_snap_is_said_also_where_it_bends_no_target_and_only_where_it_forbids_something(
    band_min_c: float, is_said: bool
) -> None:
    plan = a_plan(1, {(0, 24): Mode.MAX}).model_copy(update={"floor": Mode.LOW})
    site = Site(band=ComfortBand(room_min_c=band_min_c))
    assert ("cold snap" in details_of(a_state(plans=(plan,), site=site), at(6))) is is_said


def test_what_fails_twice_is_unreached_and_a_persons_retry_starts_afresh() -> None:
    decision = decide(a_state(), PlanArrived(plan=a_plan(1, {(0, 24): Mode.MAX})), at(0, 20))
    for hours, alert in ((1, Alert.NONE), (2, Alert.UNREACHED)):
        command = started(decision)
        assert command is not None
        outcome = an_outcome(command.command_id, CommandState.IGNORED, at(hours), Mode.LOW)
        state = decide(decision.state, CommandSettled(outcome=outcome), at(hours)).state
        assert alert_of(state, at(hours)) is alert
        assert "failed" in details_of(state, at(hours))
        decision = decide(state, Woke(), at(hours, 45))
    assert alert_of(decide(state, RetryRequested(), at(3)).state, at(3)) is Alert.NONE
