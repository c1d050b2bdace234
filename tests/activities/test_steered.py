"""Steered time inside an attempt, and delays that are steered too."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from temporalio.exceptions import ApplicationErrorCategory

from activities.steered import not_yet, steered_now
from tests.activities.ports import CLOCK, SPEED, WALL, an_attempt
from tests.builders import at


def test_now_begins_at_the_servers_stamp_and_runs_with_the_clocks_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic_s = 1000.0
    monkeypatch.setattr("activities.steered.time", SimpleNamespace(monotonic=lambda: monotonic_s))

    def an_hour_of_seconds() -> None:
        nonlocal monotonic_s
        now = steered_now(CLOCK)
        assert now() == at(6) == CLOCK.steered(WALL)
        monotonic_s += 10
        assert now() == at(6) + timedelta(seconds=10 * SPEED)

    an_attempt().run(an_hour_of_seconds)


@pytest.mark.parametrize("speed", [1.0, 60.0, 720.0])
def test_coming_back_later_is_benign_and_waits_in_steered_time(speed: float) -> None:
    clock = CLOCK.model_copy(update={"speed": speed})
    later = not_yet("accepted, not seen yet", timedelta(minutes=12), clock)
    assert later.next_retry_delay == timedelta(minutes=12) / speed
    assert later.category is ApplicationErrorCategory.BENIGN
    assert later.type == "NotYet"
    assert later.message == "accepted, not seen yet"
    assert not later.non_retryable


def test_no_delay_is_still_one_that_the_server_takes_for_a_delay() -> None:
    # A delay of zero means "none given": the retry policy's own interval would be used instead.
    for delay in (timedelta(), timedelta(microseconds=3), timedelta(seconds=-5)):
        assert not_yet("at once", delay, CLOCK).next_retry_delay == timedelta(milliseconds=1)
