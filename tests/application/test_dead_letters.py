"""Retries of dead letters are spread over time, and raise no more power at once than is allowed."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.errors import Refused
from application.steering.dead_letters import (
    RAISED_AT_MOST_KW,
    RAISED_WINDOW,
    RETRIED_OVER,
    DeadLetter,
    safely_spread,
    spread,
)
from tests.builders import at


def letters(number: int) -> list[DeadLetter]:
    return [
        DeadLetter(
            command=f"p-{n:04d}-c00001",
            pump=f"p-{n:04d}",
            circuit="heating",
            target="MAX",
            authority="plan",
            since=at(0),
            times=1,
            reason="as the test says",
            owner="operator",
            ids=(f"p-{n:04d}-c00001",),
        )
        for n in range(number)
    ]


def kw_of(found: list[DeadLetter], kw: list[float]) -> dict[str, float]:
    return {letter.command: power for letter, power in zip(found, kw, strict=True)}


def test_without_a_limit_retries_are_spread_evenly_and_begin_at_once() -> None:
    found = letters(5)
    schedule = spread(found, kw_of(found, [2.0] * 5), timedelta(minutes=10), None)
    assert [due.after for due in schedule] == [timedelta(minutes=2 * n) for n in range(5)]
    assert [due.letter for due in schedule] == found


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5, 3.0]), min_size=1, max_size=30), st.integers(0, 20))
def test_no_five_minutes_raise_more_than_the_limit_and_nobody_is_forgotten(kw: list[float], over_min: int) -> None:
    found = letters(len(kw))
    schedule = spread(found, kw_of(found, kw), timedelta(minutes=over_min), 4.0)
    assert [due.letter for due in schedule] == found
    for due in schedule:
        together = [d.raised_kw for d in schedule if due.after - RAISED_WINDOW < d.after <= due.after]
        assert sum(together) <= 4.0


def test_a_pump_that_alone_is_more_than_the_limit_is_named() -> None:
    found = letters(1)
    with pytest.raises(Refused, match="p-0000 alone takes"):
        spread(found, kw_of(found, [5.0]), timedelta(), 4.0)


def test_retries_that_nobody_limited_never_begin_at_once_nor_raise_a_street() -> None:
    found = letters(40)
    schedule = safely_spread(found, kw_of(found, [3.0] * 40), None, None)
    assert [due.letter for due in schedule] == found
    assert schedule[1].after > timedelta()
    assert schedule[-1].after > RETRIED_OVER
    for due in schedule:
        together = [d.raised_kw for d in schedule if due.after - RAISED_WINDOW < d.after <= due.after]
        assert sum(together) <= RAISED_AT_MOST_KW


def test_safe_limits_delay_no_single_letter_and_refuse_no_big_pump() -> None:
    (due,) = safely_spread(found := letters(1), kw_of(found, [RAISED_AT_MOST_KW + 5]), None, None)
    assert due.after == timedelta()


def test_given_limits_widen_the_safe_ones() -> None:
    found = letters(12)
    schedule = safely_spread(found, kw_of(found, [3.0] * 12), timedelta(), 100.0)
    assert {due.after for due in schedule} == {timedelta()}
