"""The guard's activities: when a watch ends, what rate is set, and that it is a rate and nothing else."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.guard import ApplyBreaker, FindBreaker, GuardActivities, WatchVendor, per_wall_s
from activities.pumps import ApplyCommand, PumpActivities
from domain.oem.breaker import HEADROOM, TRICKLE_PER_MIN, WINDOW, Breaker, BreakerState, CallsInMinute
from domain.oem.calls import CallFate
from domain.oem.errors import AuthExpired
from tests.activities.ports import CLOCK, SPEED, Cloud, Commands, Desk, Directory, Journal, Observations, an_attempt
from tests.builders import a_command, a_reading, at
from tests.patience import HANG_S

NOW = at(6)
GRANT = 25
CLOSED = Breaker(since=at(5), reason="as the test says")


class Books:
    """`domain.ports.VendorRepository` in memory."""

    def __init__(self, known: Breaker | None = None, granted: int | None = GRANT) -> None:
        self.known = known
        self.granted = granted
        self.failures = 0
        """Calls that fail in the minute that is looked at."""
        self.looked = asyncio.Semaphore(0)
        self.noted: list[tuple[Breaker, float]] = []

    async def window(self, oem: str, since: datetime) -> Sequence[CallsInMinute]:
        self.looked.release()
        return [CallsInMinute(minute=since + WINDOW, counts={CallFate.SERVER: self.failures})]

    async def burst_per_min(self, oem: str) -> float | None:
        return self.granted

    async def newest_breaker(self, oem: str, now: datetime) -> Breaker | None:
        return self.known

    async def note_breaker(self, oem: str, breaker: Breaker, rate: float) -> None:
        self.noted.append((breaker, rate))


class Rates:
    """`domain.ports.QueueRates` in memory; it can be set, as the port has it, and not unset."""

    def __init__(self, rate: float | None = None) -> None:
        self.set: list[tuple[float, str]] = []
        self._rate = rate

    async def set_rate(self, oem: str, per_wall_s: float, reason: str) -> None:
        self.set.append((per_wall_s, reason))
        self._rate = per_wall_s

    async def rate(self, oem: str) -> float | None:
        return self._rate


def a_watch(breaker: Breaker = CLOSED, rate_per_min: float = GRANT * HEADROOM) -> WatchVendor:
    return WatchVendor(
        clock=CLOCK,
        oem="nibe",
        breaker=breaker,
        rate_per_min=rate_per_min,
        look_every=timedelta(seconds=1),
        watch_for=timedelta(hours=6),
    )


RIGHT = per_wall_s(GRANT * HEADROOM, CLOCK)


async def watched(env: ActivityEnvironment, books: Books, rates: Rates, given: WatchVendor | None = None) -> Breaker:
    return await asyncio.wait_for(env.run(GuardActivities(books, rates).watch_vendor, given or a_watch()), HANG_S)


async def test_a_watch_goes_on_while_nothing_changes_and_ends_when_the_breaker_does() -> None:
    books, env = Books(), an_attempt()
    watching = asyncio.create_task(watched(env, books, Rates(RIGHT)))
    for _ in range(3):
        await books.looked.acquire()
    assert not watching.done()
    books.failures = 9
    assert (await watching).state is BreakerState.OPEN


async def test_a_watch_beats_so_that_a_lost_worker_is_noticed() -> None:
    books, env, beats = Books(), an_attempt(), asyncio.Event()
    env.on_heartbeat = lambda *_: beats.set()
    watching = asyncio.create_task(watched(env, books, Rates(RIGHT)))
    await asyncio.wait_for(beats.wait(), HANG_S)
    books.failures = 9
    await watching


async def test_a_watch_ends_with_the_same_breaker_when_the_grant_moved_the_rate() -> None:
    assert await watched(an_attempt(), Books(granted=3 * GRANT), Rates(RIGHT)) == CLOSED


@pytest.mark.parametrize("rate", [None, RIGHT * 2, 0.0])
async def test_a_rate_that_somebody_else_changed_or_unset_is_put_right(rate: float | None) -> None:
    assert await watched(an_attempt(), Books(), Rates(rate)) == CLOSED


async def test_a_watch_ends_when_its_time_is_over() -> None:
    given = a_watch().model_copy(update={"watch_for": timedelta()})
    assert await watched(an_attempt(), Books(), Rates(RIGHT), given) == CLOSED


async def test_a_worker_that_leaves_does_not_wait_for_a_watch_of_hours() -> None:
    books, env = Books(), an_attempt()
    watching = asyncio.create_task(watched(env, books, Rates(RIGHT)))
    await books.looked.acquire()
    env.worker_shutdown()
    with pytest.raises(ApplicationError) as left:
        await watching
    assert left.value.type == "NotYet"
    assert left.value.next_retry_delay == timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("state", "per_min"),
    [
        (BreakerState.CLOSED, GRANT * HEADROOM),
        (BreakerState.HALF_OPEN, GRANT * HEADROOM / 4),
        (BreakerState.OPEN, TRICKLE_PER_MIN),
        (BreakerState.HELD, 0.0),
    ],
)
async def test_every_state_sets_its_rate_in_wall_seconds_with_its_reason(state: BreakerState, per_min: float) -> None:
    books, rates = Books(), Rates()
    breaker = Breaker(state=state, since=at(5), reason="as the test says")
    given = ApplyBreaker(clock=CLOCK, oem="nibe", breaker=breaker)
    assert await an_attempt().run(GuardActivities(books, rates).apply_breaker, given) == per_min
    ((per_wall, reason),) = rates.set
    assert per_wall == pytest.approx(per_min * SPEED / 60)
    assert reason == f"breaker {state.value}: as the test says"
    assert books.noted == [(breaker, per_min)]


async def test_a_guard_begins_with_what_is_written_down_or_closed() -> None:
    given = FindBreaker(clock=CLOCK, oem="nibe")
    known = Breaker(state=BreakerState.HELD, since=at(2), reason="held by operator: works at the vendor's")
    assert await an_attempt().run(GuardActivities(Books(known), Rates()).find_breaker, given) == known
    found = await an_attempt().run(GuardActivities(Books(), Rates()).find_breaker, given)
    assert found.state is BreakerState.CLOSED
    assert abs(found.since - NOW) < timedelta(minutes=10)


async def test_credentials_that_are_refused_ask_a_person_and_the_command_waits() -> None:
    desk = Desk()
    cloud = Cloud(a_reading(0.0, NOW), failing={"p-0001": AuthExpired("the consent was withdrawn")})
    activities = PumpActivities(
        Commands(), Journal(), Directory("p-0001"), Observations(), {"nibe": cloud}, vendors=desk
    )
    env = an_attempt()
    env.info = replace(env.info, start_to_close_timeout=timedelta(seconds=30))
    with pytest.raises(ApplicationError) as waits:
        await env.run(activities.apply_command, ApplyCommand(clock=CLOCK, command=a_command(decided=6)))
    assert desk.asked == [("nibe-main", "the consent was withdrawn")]
    delay = waits.value.next_retry_delay
    assert delay is not None
    assert timedelta(minutes=10) <= delay * SPEED <= timedelta(minutes=13)
