"""The breaker: what opens it, what never does, and how it closes again."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.oem.breaker import (
    HALF_OPEN_FOR,
    HALF_OPEN_SHARE,
    HEADROOM,
    MINUTE,
    OPEN_FOR,
    OPEN_FOR_MOST,
    OPENINGS_REMEMBERED,
    TRICKLE_PER_MIN,
    UNKNOWN_GRANT_PER_MIN,
    Breaker,
    BreakerState,
    CallsInMinute,
    held,
    next_state,
    rate_per_min,
    released,
)
from domain.oem.calls import CallFate
from tests.builders import at

NOON = at(12)


def calls(minutes_ago: int, **counts: int) -> CallsInMinute:
    """Calls by fate in the minute that began so long before noon."""
    by_fate = {CallFate(fate): n for fate, n in counts.items()}
    return CallsInMinute(minute=NOON - minutes_ago * MINUTE, counts=by_fate)


def a_breaker(state: BreakerState = BreakerState.CLOSED, minutes: float = 60, *openings: datetime) -> Breaker:
    """A breaker in a state for so many minutes."""
    since = NOON - minutes * MINUTE
    if state is BreakerState.OPEN and not openings:
        openings = (since,)
    return Breaker(state=state, since=since, openings=openings)


def state_after(breaker: Breaker, *window: CallsInMinute, now: datetime = NOON) -> BreakerState:
    return next_state(breaker, window, now).state


@pytest.mark.parametrize("fate", ["transport", "server"])
def test_a_cloud_that_fails_most_of_many_calls_is_left_alone(fate: str) -> None:
    assert state_after(a_breaker(), calls(0, ok=2, **{fate: 3})) is BreakerState.CLOSED, "five failures are needed"
    assert state_after(a_breaker(), calls(0, ok=4, **{fate: 5})) is BreakerState.CLOSED, "and most calls"
    opened = next_state(a_breaker(), [calls(1, **{fate: 2}), calls(0, ok=2, **{fate: 3})], NOON)
    assert opened.state is BreakerState.OPEN
    assert opened.since == NOON
    assert opened.openings == (NOON,)
    assert opened.reason == "5 of 7 calls failed in 2 minutes"


def test_failures_of_long_ago_do_not_open_it() -> None:
    assert state_after(a_breaker(), calls(3, server=50)) is BreakerState.CLOSED
    assert state_after(a_breaker(), calls(9, server=50), calls(8, server=50)) is BreakerState.CLOSED


@pytest.mark.parametrize("fate", ["budget", "credentials", "refused"])
def test_a_used_up_budget_bad_credentials_and_refusals_never_open_it(fate: str) -> None:
    window = [calls(ago, **{fate: 40}) for ago in range(10)]
    assert state_after(a_breaker(), *window) is BreakerState.CLOSED


def test_a_budget_that_is_used_up_does_not_hide_a_cloud_that_fails() -> None:
    assert state_after(a_breaker(), calls(0, budget=40, credentials=5, server=5)) is BreakerState.OPEN


def test_a_small_fleet_opens_it_by_nothing_but_failures_for_whole_minutes() -> None:
    assert state_after(a_breaker(), calls(2, transport=1), calls(1, transport=1)) is BreakerState.CLOSED
    assert state_after(a_breaker(), calls(1, transport=2), calls(0, transport=1)) is BreakerState.CLOSED
    silent = [calls(2, transport=1), calls(1, transport=1), calls(0, transport=1)]
    assert state_after(a_breaker(), *silent) is BreakerState.OPEN
    assert state_after(a_breaker(), calls(5, ok=9), *silent) is BreakerState.OPEN
    assert state_after(a_breaker(), *silent, calls(1, ok=1)) is BreakerState.CLOSED


@pytest.mark.parametrize("per_min", [1, 2, 5, 20, 200])
@pytest.mark.parametrize("begins_s", [0, 20, 59])
def test_an_outage_opens_it_within_three_minutes_whatever_the_size_of_the_fleet(per_min: int, begins_s: int) -> None:
    begins = NOON + timedelta(seconds=begins_s)
    breaker = a_breaker()
    for second in range(0, 181, 5):
        now = begins + timedelta(seconds=second)
        window = [
            CallsInMinute(minute=minute, counts=_fates(minute, begins, now, per_min))
            for minute in (NOON + m * MINUTE for m in range(-11, 5))
            if minute <= now
        ]
        breaker = next_state(breaker, window, now)
    assert breaker.state is BreakerState.OPEN


def _fates(minute: datetime, begins: datetime, now: datetime, per_min: int) -> dict[CallFate, int]:
    """Evenly spread calls of a minute up to `now`: good ones before the outage, failing ones in it."""
    moments = [minute + MINUTE * (n + 0.5) / per_min for n in range(per_min)]
    made = [moment for moment in moments if moment <= now]
    good = sum(moment < begins for moment in made)
    return {CallFate.OK: good, CallFate.TRANSPORT: len(made) - good}


def test_an_open_one_is_tried_again_after_a_whole_minute_of_answers() -> None:
    opened = a_breaker(BreakerState.OPEN, 5)
    assert state_after(opened, calls(0, ok=1)) is BreakerState.OPEN, "the minute is not over"
    assert state_after(opened, calls(1, ok=1)) is BreakerState.HALF_OPEN
    assert state_after(opened, calls(1, refused=1)) is BreakerState.HALF_OPEN
    assert state_after(opened, calls(1, ok=1, server=1)) is BreakerState.OPEN, "a token given is not a call answered"
    assert state_after(opened, calls(1, ok=1), calls(0, server=1)) is BreakerState.OPEN
    assert state_after(opened, calls(2, ok=1), calls(1, server=1)) is BreakerState.OPEN
    assert state_after(opened, calls(1, budget=1, credentials=1)) is BreakerState.OPEN


def test_answers_from_before_it_opened_are_no_probe() -> None:
    assert state_after(a_breaker(BreakerState.OPEN, 1.5), calls(2, ok=9)) is BreakerState.OPEN


def test_silence_is_no_recovery() -> None:
    assert state_after(a_breaker(BreakerState.OPEN, 120)) is BreakerState.OPEN
    assert state_after(a_breaker(BreakerState.HALF_OPEN, 120)) is BreakerState.HALF_OPEN


def test_a_half_open_one_closes_after_two_minutes_without_trouble() -> None:
    assert state_after(a_breaker(BreakerState.HALF_OPEN, 1), calls(0, ok=9)) is BreakerState.HALF_OPEN
    assert state_after(a_breaker(BreakerState.HALF_OPEN, 2)) is BreakerState.HALF_OPEN, "nobody asked"
    assert state_after(a_breaker(BreakerState.HALF_OPEN, 2), calls(0, ok=1)) is BreakerState.CLOSED
    assert state_after(a_breaker(BreakerState.HALF_OPEN, 2), calls(0, ok=20, server=2)) is BreakerState.CLOSED


def test_a_half_open_one_opens_again_on_failure() -> None:
    assert state_after(a_breaker(BreakerState.HALF_OPEN, 0.5), calls(0, server=1)) is BreakerState.OPEN
    assert state_after(a_breaker(BreakerState.HALF_OPEN, 1), calls(0, ok=20, server=3)) is BreakerState.OPEN


def test_the_more_often_it_opened_lately_the_longer_it_stays_open() -> None:
    def stays(openings: int) -> timedelta:
        opened = Breaker(state=BreakerState.OPEN, since=NOON, openings=(NOON,) * openings)
        for minutes in range(60):
            now = NOON + minutes * MINUTE
            if state_after(opened, calls(1 - minutes, ok=1), now=now) is not BreakerState.OPEN:
                return now - NOON
        raise AssertionError("it stays open for ever")

    assert stays(1) <= OPEN_FOR + MINUTE
    assert stays(2) < stays(3) < stays(4)
    assert stays(5) == stays(50) == OPEN_FOR_MOST


def test_openings_are_forgotten_after_a_while() -> None:
    long_ago, lately = NOON - OPENINGS_REMEMBERED - MINUTE, NOON - OPENINGS_REMEMBERED + MINUTE
    again = next_state(a_breaker(BreakerState.CLOSED, 30, long_ago, lately), [calls(0, server=9)], NOON)
    assert again.openings == (lately, NOON)


def test_a_persons_hold_stops_everything_and_ends_by_a_person_only() -> None:
    stopped = held(a_breaker(), "operator", "the vendor asked for it", NOON)
    assert stopped.state is BreakerState.HELD
    assert stopped.reason == "held by operator: the vendor asked for it"
    assert rate_per_min(stopped, 25) == 0
    assert next_state(stopped, [calls(0, ok=9)], NOON + timedelta(days=9)) is stopped
    with pytest.raises(ValueError, match="held already"):
        held(stopped, "operator", "again", NOON)
    going = released(stopped, "operator", "they are ready", NOON)
    assert going.state is BreakerState.HALF_OPEN, "much has been held: slowly first"
    with pytest.raises(ValueError, match="not held but half-open"):
        released(going, "operator", "again", NOON)


def test_the_rate_follows_the_grant_and_the_state() -> None:
    assert rate_per_min(a_breaker(), 100) == 100 * HEADROOM
    assert rate_per_min(a_breaker(), None) == UNKNOWN_GRANT_PER_MIN * HEADROOM
    assert rate_per_min(a_breaker(BreakerState.HALF_OPEN), 100) == 100 * HEADROOM * HALF_OPEN_SHARE
    assert rate_per_min(a_breaker(BreakerState.OPEN), 100_000) == TRICKLE_PER_MIN
    assert rate_per_min(a_breaker(BreakerState.HALF_OPEN), 1) == TRICKLE_PER_MIN, "never slower than open"


@pytest.mark.parametrize("state", [BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN])
def test_no_state_of_a_breaker_is_faster_than_a_small_daily_quota_allows(state: BreakerState) -> None:
    two_hundred_a_day = 200 / 1440
    assert 0 < rate_per_min(a_breaker(state), two_hundred_a_day) <= two_hundred_a_day * HEADROOM


counts = st.dictionaries(st.sampled_from(CallFate), st.integers(0, 30), max_size=4)
windows = st.lists(st.tuples(st.integers(0, 11), counts), max_size=8, unique_by=lambda m: m[0])
breakers = st.builds(a_breaker, st.sampled_from(BreakerState), st.floats(0, 90))


def steps_of(window: list[tuple[int, dict[CallFate, int]]]) -> list[CallsInMinute]:
    return [CallsInMinute(minute=NOON - ago * MINUTE, counts=by_fate) for ago, by_fate in window]


@given(breakers, windows)
def test_it_never_opens_without_a_failure_and_never_closes_but_through_half_open(
    breaker: Breaker, window: list[tuple[int, dict[CallFate, int]]]
) -> None:
    becomes = next_state(breaker, steps_of(window), NOON)
    failures = sum(n for _, c in window for fate, n in c.items() if fate in (CallFate.TRANSPORT, CallFate.SERVER))
    if becomes.state is BreakerState.OPEN and breaker.state is not BreakerState.OPEN:
        assert failures
    if becomes.state is BreakerState.CLOSED and breaker.state is not BreakerState.CLOSED:
        assert breaker.state is BreakerState.HALF_OPEN
        assert NOON - breaker.since >= HALF_OPEN_FOR
    if becomes.state is breaker.state:
        assert becomes is breaker
    assert Breaker.model_validate_json(becomes.model_dump_json()) == becomes


@given(breakers, windows, st.randoms())
def test_the_order_of_the_minutes_does_not_matter(
    breaker: Breaker, window: list[tuple[int, dict[CallFate, int]]], random: Random
) -> None:
    in_order = steps_of(window)
    shuffled = list(in_order)
    random.shuffle(shuffled)
    assert next_state(breaker, shuffled, NOON) == next_state(breaker, in_order, NOON)
