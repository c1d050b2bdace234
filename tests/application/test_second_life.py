"""A pump whose workflow is started anew: it knows what people had said and what the sweep had reported before."""

from application.fleet.starting import last_reported
from domain.commands.command import Authority
from domain.homes.comfort import ComfortBand
from domain.modes import Circuit
from domain.oem.readings import Condition
from domain.steering.arbitration import target_at
from domain.steering.decide import decide
from domain.steering.journal import as_of
from domain.steering.journalling import restored
from domain.steering.pump_state import (
    ComfortChanged,
    Event,
    OverrideEnded,
    OverrideRequested,
    PumpState,
    RetireRequested,
    SteeringConsent,
)
from domain.steering.sweep_policy import Reported, WatchRecord
from domain.steering.watch import Watch
from tests.builders import a_state, an_observation, an_override, at


def second_life(*events: tuple[float, Event], now: float) -> PumpState:
    """The state of a new workflow after these events in the life of the one before."""
    state = a_state()
    for hours, event in events:
        state = decide(state, event, at(hours)).state
    standing = as_of(state.journal, at(now)).standing
    assert standing is not None
    return restored(a_state(settled=None), standing, at(now))


def test_what_the_sweep_had_reported_is_known_to_the_next_life() -> None:
    told = Reported(condition=Condition.INSTALLER, is_cold=True)
    record = WatchRecord(pump_id="p-0001", looked_at=at(5), as_of=at(4), told=told)
    watch = last_reported(record, Watch(cool_until=at(6)))
    assert (watch.condition, watch.is_cold, watch.silent_since) == (Condition.INSTALLER, True, None)
    assert watch.cool_until == at(6)


def test_a_silence_that_was_reported_goes_on() -> None:
    record = WatchRecord(pump_id="p-0001", looked_at=at(5), as_of=at(4), told=Reported(silent=True))
    assert last_reported(record, Watch()).silent_since == at(4)


def test_a_pump_that_was_never_looked_at_is_known_as_the_journal_says() -> None:
    assert last_reported(None, Watch()) == Watch()


def test_a_manual_change_still_holds_and_makes_the_next_hold_longer() -> None:
    changes = [(hours, an_observation(at(hours), None, setting)) for hours, setting in ((0, 7.5), (30, 4.5))]
    state = second_life(*changes, now=33)
    target = target_at(state, at(33))
    assert (target.authority, target.until) == (Authority.OUTSIDE, at(34))
    assert state.touches == (at(30),)
    assert state.heating.lever.baseline == 4.5
    assert state.heating.baseline_at == at(30)


def test_a_manual_change_that_the_household_had_ended_holds_no_more() -> None:
    state = second_life((0, an_observation(at(0), None, 7.5)), (2, OverrideEnded()), now=3)
    assert (state.overrides, state.touches) == ((), (at(0),))


def test_what_people_asked_for_stands_until_it_ends() -> None:
    wished = an_override(until=8)
    wider = ComfortBand(room_min_c=18.0, room_max_c=25.0)
    lived: list[tuple[float, Event]] = [
        (1, OverrideRequested(override=wished)),
        (2, ComfortChanged(band=wider)),
        (3, SteeringConsent(opted_out=True)),
    ]
    state = second_life(*lived, now=4)
    assert (state.overrides, state.site.band, state.opted_out) == ((wished,), wider, True)
    assert second_life(*lived, now=9).overrides == ()
    assert state.circuit(Circuit.HEATING) is not None


def test_a_pump_that_was_leaving_goes_on_leaving() -> None:
    state = second_life((1, RetireRequested()), now=2)
    assert (state.retiring, state.retired) == (True, False)
    assert target_at(state, at(2)).authority is Authority.OPTED_OUT
