"""The breaker of a vendor: when its cloud is left alone, how it is tried again, and how fast its queue may run.

Protects: only a cloud that does not answer or fails on its own account opens it, never one account's credentials, a
used-up budget or a refusal; a cloud that comes back is never met by everything that was held.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import Field

from domain.base import Instant, Value
from domain.oem.calls import CallFate

FAILURES = frozenset({CallFate.TRANSPORT, CallFate.SERVER})
SIGNS_OF_LIFE = frozenset({CallFate.OK, CallFate.REFUSED})
"""Budget and credentials are neither: a gateway refuses for them whether or not the cloud behind it works."""

MINUTE = timedelta(minutes=1)

BURST_WINDOW = timedelta(minutes=2)
"""Besides the minute that runs: long enough to see a fleet fail, short enough to open within three minutes."""
BURST_FAILURES = 5
"""Fewer than this happen in a healthy cloud's bad second."""
BURST_SHARE = 0.6
"""A cloud that fails less often still carries more commands through than a trickle would."""

SILENCE = timedelta(minutes=2)
"""A small fleet makes too few calls for a burst: nothing but failures for whole minutes so long counts too."""
SILENCE_FAILURES = 3

OPEN_FOR = timedelta(minutes=1)
"""How long a breaker stays open at least; doubled by each further opening within the memory below."""
OPEN_FOR_MOST = timedelta(minutes=15)
"""A command's useful time is two hours: even a flapping cloud is tried some times in it."""
OPENINGS_REMEMBERED = timedelta(hours=1)

FIRST_PROBE_AFTER = timedelta(minutes=2)
"""A cloud that was just found down is left alone for so long: what was handed out before its queue slowed down must not
be a burst."""

HALF_OPEN_FOR = timedelta(minutes=2)
"""Two minutes without trouble at a quarter of the rate: what was held has begun to flow by then."""
HALF_OPEN_SHARE = 0.25
TOLERATED_SHARE = 0.1
"""A large fleet loses single answers on its best day; in a small one any failure is more than this."""

HEADROOM = 0.8
"""Of the vendor's grant: an attempt may need a second call, and sweeps and people want theirs."""
TRICKLE_PER_MIN = 0.5
"""Attempts a minute while open. One costs one call of a cloud that is down and at most four of one that is back (a 401,
a token, a look-up, the write), so that two calls a minute are not exceeded on average even then."""
UNKNOWN_GRANT_PER_MIN = 20.0
"""Calls a minute taken as granted where neither the vendor's manifest nor its answers name a quota."""

WINDOW = timedelta(minutes=11)
"""How far back the rule looks."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class BreakerState(StrEnum):
    """Whether a vendor's cloud is called."""

    CLOSED = "closed"
    """As fast as the vendor grants."""
    OPEN = "open"
    """A trickle, urgent commands first: each call is a probe."""
    HALF_OPEN = "half-open"
    HELD = "held"
    """A person stopped everything, until a person releases it."""


class Breaker(Value):
    """A vendor's breaker now."""

    state: BreakerState = BreakerState.CLOSED
    since: Instant
    reason: str = ""
    openings: tuple[Instant, ...] = ()
    """When it opened lately, oldest first."""


class CallsInMinute(Value):
    """What became of a vendor's calls that began in one steered minute."""

    minute: Instant
    counts: dict[CallFate, int] = Field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Calls that speak against the cloud."""
        return sum(n for fate, n in self.counts.items() if fate in FAILURES)

    @property
    def alive(self) -> int:
        """Calls that speak for it."""
        return sum(n for fate, n in self.counts.items() if fate in SIGNS_OF_LIFE)


class _Tally(Value):
    failed: int
    alive: int

    @property
    def share(self) -> float:
        return self.failed / max(1, self.failed + self.alive)

    def __str__(self) -> str:
        return f"{self.failed} of {self.failed + self.alive} calls failed"


def minute_of(moment: datetime) -> datetime:
    """The minute a moment lies in."""
    return moment.replace(second=0, microsecond=0)


def next_state(breaker: Breaker, window: Sequence[CallsInMinute], now: datetime) -> Breaker:
    """What the breaker becomes; the same value where nothing changes.

    `window` holds the vendor's calls since `now - WINDOW` at least, in any order, minutes without calls left out.
    """
    match breaker.state:
        case BreakerState.CLOSED:
            return _opened(breaker, why, now) if (why := _why_open(breaker, window, now)) else breaker
        case BreakerState.OPEN:
            return (
                _changed(breaker, BreakerState.HALF_OPEN, why, now)
                if (why := _why_try(breaker, window, now))
                else breaker
            )
        case BreakerState.HALF_OPEN:
            return _judged(breaker, window, now)
        case BreakerState.HELD:
            return breaker


def rate_per_min(breaker: Breaker, granted_per_min: float | None) -> float:
    """Attempts a steered minute that the vendor's queue may start.

    `granted_per_min`: calls that all accounts in use may make for a while; None where the vendor has no quota that is
    known, or none is in use yet.
    """
    whole = (UNKNOWN_GRANT_PER_MIN if granted_per_min is None else granted_per_min) * HEADROOM
    trickle = min(TRICKLE_PER_MIN, whole)
    match breaker.state:
        case BreakerState.CLOSED:
            return whole
        case BreakerState.HALF_OPEN:
            return max(whole * HALF_OPEN_SHARE, trickle)
        case BreakerState.OPEN:
            return trickle
        case BreakerState.HELD:
            return 0.0


def left_alone_until(breaker: Breaker | None, now: datetime) -> datetime | None:
    """Until when nobody may call the vendor at all; None where calls are the queue's business."""
    match breaker:
        case Breaker(state=BreakerState.HELD):
            return now + FIRST_PROBE_AFTER
        case Breaker(state=BreakerState.OPEN, since=since) if now < since + FIRST_PROBE_AFTER:
            return since + FIRST_PROBE_AFTER
        case _:
            return None


def held(breaker: Breaker, who: str, why: str, now: datetime) -> Breaker:
    """A person stops all calls to the vendor; raises ValueError with a sentence where they are stopped already."""
    if breaker.state is BreakerState.HELD:
        raise ValueError(f"it is held already: {breaker.reason}")
    return _changed(breaker, BreakerState.HELD, f"held by {who}: {why}", now)


def released(breaker: Breaker, who: str, why: str, now: datetime) -> Breaker:
    """A person lets calls through again, slowly, for much has been held; ValueError where nobody holds it."""
    if breaker.state is not BreakerState.HELD:
        raise ValueError(f"it is not held but {breaker.state.value}")
    return _changed(breaker, BreakerState.HALF_OPEN, f"released by {who}: {why}", now)


def _why_open(breaker: Breaker, window: Sequence[CallsInMinute], now: datetime) -> str:
    this_minute = minute_of(now)
    since = minute_of(breaker.since)
    lately = _tally(window, max(since, this_minute - BURST_WINDOW))
    if lately.failed >= BURST_FAILURES and lately.share >= BURST_SHARE:
        return f"{lately} in {BURST_WINDOW // MINUTE} minutes"
    streak = _failing_lately([m for m in window if m.minute >= since])
    failed = sum(m.failed for m in streak)
    # One bad minute and quiet ever since is no news of now: it must have failed again, and lately.
    lasts = len(streak) > 1 and streak[0].minute <= this_minute - SILENCE <= streak[-1].minute
    if failed >= SILENCE_FAILURES and lasts:
        return f"nothing but {failed} failed calls since {streak[0].minute:%H:%M} UTC"
    return ""


def _why_try(breaker: Breaker, window: Sequence[CallsInMinute], now: datetime) -> str:
    if now < breaker.since + _open_for(breaker):
        return ""
    # The opening's own minute is left out: calls from before it opened lie in it.
    later = sorted((m for m in window if m.minute > minute_of(breaker.since)), key=lambda m: m.minute)
    asked = [m for m in later if m.alive or m.failed]
    # A whole minute must be good, and all after it: a token that is given just before its call fails is no recovery.
    ended = [m for m in asked if m.minute + MINUTE <= now]
    if not ended or ended[-1].failed or any(m.failed for m in asked[len(ended) :]):
        return ""
    return "a probe was answered"


def _judged(breaker: Breaker, window: Sequence[CallsInMinute], now: datetime) -> Breaker:
    tried = _tally(window, minute_of(breaker.since))
    if tried.failed and tried.share > TOLERATED_SHARE:
        return _opened(breaker, f"{tried} when it was tried again", now)
    if tried.alive and now >= breaker.since + HALF_OPEN_FOR:
        return _changed(breaker, BreakerState.CLOSED, f"{tried} in {(now - breaker.since) // MINUTE} minutes", now)
    return breaker


def _open_for(breaker: Breaker) -> timedelta:
    doubled: int = 2 ** max(0, min(len(breaker.openings) - 1, 10))
    return min(OPEN_FOR * doubled, OPEN_FOR_MOST)


def _opened(breaker: Breaker, why: str, now: datetime) -> Breaker:
    return _changed(breaker, BreakerState.OPEN, why, now, (*breaker.openings, now))


def _changed(
    breaker: Breaker, state: BreakerState, why: str, now: datetime, openings: tuple[datetime, ...] | None = None
) -> Breaker:
    known = breaker.openings if openings is None else openings
    lately = tuple(moment for moment in known if moment > now - OPENINGS_REMEMBERED)
    return Breaker(state=state, since=now, reason=why, openings=lately)


def _failing_lately(window: Sequence[CallsInMinute]) -> list[CallsInMinute]:
    """The minutes with failures since the last one with a sign of life, oldest first."""
    alive = [m.minute for m in window if m.alive]
    return sorted((m for m in window if m.failed and m.minute > max(alive, default=_LONG_AGO)), key=lambda m: m.minute)


def _tally(window: Sequence[CallsInMinute], since: datetime) -> _Tally:
    counted = [m for m in window if m.minute >= since]
    return _Tally(failed=sum(m.failed for m in counted), alive=sum(m.alive for m in counted))
