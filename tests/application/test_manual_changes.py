"""Settings made by hand, read back: they hold as the pump's own workflow let them hold."""

import pytest

from application.manual_changes import Touch, holds_of
from domain.modes import Circuit, HotWaterMode
from domain.steering.decide import decide
from domain.steering.observations import touched
from domain.steering.pump_state import CircuitState, SeenLever, Woke
from tests.builders import a_state, at

HANDS = [
    Touch(at(0), Circuit.HEATING, 7.5),
    Touch(at(1), Circuit.HOT_WATER, 2.0),
    Touch(at(2), Circuit.HEATING, -1.0),
    Touch(at(23), Circuit.HEATING, 4.0),
    Touch(at(25), Circuit.HOT_WATER, 0.0),
    Touch(at(48), Circuit.HEATING, 5.0),
    Touch(at(80), Circuit.HEATING, 6.0),
]


@pytest.mark.parametrize("hour", [0, 3, 5, 9, 12, 24, 26.5, 47, 49, 73, 81, 84])
def test_what_is_read_back_of_hands_at_the_unit_is_what_its_workflow_made_of_them(hour: float) -> None:
    state = a_state(hot_water=CircuitState(settled=HotWaterMode.NORMAL))
    for hand in (hand for hand in HANDS if hand.at <= at(hour)):
        state = decide(state, Woke(), hand.at).state
        state, _ = touched(state, SeenLever(circuit=hand.circuit, level=None, setting=hand.setting), hand.at)
    state = decide(state, Woke(), at(hour)).state
    known = [hand for hand in HANDS if hand.at <= at(hour)]
    assert tuple(o for o in holds_of(known, ()) if o.until > at(hour)) == state.overrides


def test_a_hold_is_over_once_a_person_ends_it_or_all_of_the_pump_and_not_by_an_end_before_it() -> None:
    heating, water, *_ = HANDS

    def ends(which: str | None, hour: float) -> list[float]:
        holds = holds_of([heating, water], [(at(hour), which)])
        return [(hold.until - at(0)).total_seconds() / 3600 for hold in holds]

    assert ends("touch-heating-20260115T000000", 3) == [3, 9]
    assert ends(None, 3) == [3, 3]
    assert ends(None, 0.5) == [0.5, 9]
    assert ends("o-1", 3) == [4, 9]
