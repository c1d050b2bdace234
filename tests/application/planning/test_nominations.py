"""Which load curves can have been nominated."""

from datetime import UTC, date, datetime, timedelta

import pytest

from application.errors import Refused
from application.planning.nominations import _judge, gate_closure
from domain.slots import SLOT, bounds_of
from tests.domain.planning.test_load_curve import a_curve, a_scenario

DAY = date(2026, 1, 15)
BOUNDS = bounds_of(DAY, "Europe/Berlin")
WHOLE = a_curve(a_scenario("base", *(4.0,) * 96))


def test_the_gate_closes_at_noon_of_the_day_before_in_summer_and_winter() -> None:
    assert gate_closure(DAY) == datetime(2026, 1, 14, 11, tzinfo=UTC)
    assert gate_closure(date(2026, 7, 15)) == datetime(2026, 7, 14, 10, tzinfo=UTC)


def test_a_whole_day_known_at_gate_closure_can_have_been_nominated_however_late_that_is_noted() -> None:
    _judge(3, WHOLE.model_copy(update={"made_at": gate_closure(DAY)}), BOUNDS)


def test_a_curve_that_was_made_after_gate_closure_cannot_and_both_times_are_named() -> None:
    late = WHOLE.model_copy(update={"made_at": gate_closure(DAY) + timedelta(minutes=5)})
    with pytest.raises(Refused, match=r"load curve 3 was made at 2026-01-14 12:05, after gate closure .* 12:00"):
        _judge(3, late, BOUNDS)


def test_part_of_a_day_cannot() -> None:
    rest = WHOLE.model_copy(update={"made_at": gate_closure(DAY), "slots": WHOLE.slots[1:]})
    with pytest.raises(Refused, match="load curve 3 covers 95 of the 96 quarter-hours of 2026-01-15"):
        _judge(3, rest, BOUNDS)
    assert rest.slots[0].start == BOUNDS[0] + SLOT
