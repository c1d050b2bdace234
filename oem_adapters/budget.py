"""The call budget that a vendor grants, as its answers tell it.

Protects: when a cloud has said that nothing is left, nothing is sent until its window ends, for clouds block those who
go on asking; and the last part of a window is kept for urgent calls.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from domain.oem.errors import RateLimited
from domain.oem.quota import Quota, QuotaScope, reserve_of

_UNTOLD_WAIT = timedelta(minutes=1)
"""How long to wait after a 429 that names no time, where no quota is known either."""
_LONGEST_UNTOLD_WAIT = timedelta(hours=1)
"""A sliding window of a day opens again bit by bit: it is tried sooner than it ends."""
_SHORTEST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(days=1)
"""Beyond this a reset is a misread unit (milliseconds, a date), not a window: daily grants are the longest known."""
_LONGEST_REST = timedelta(hours=1)
"""Beyond this a failing cloud only guesses when it will be well; a person's override is not held up by a guess."""
_SAME_WINDOW = timedelta(seconds=10)
"""Two answers of one window name its end this far apart: ours is counted from when the call began."""

_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


def refused_until(headers: Mapping[str, str], now: datetime, quotas: Sequence[Quota] = ()) -> datetime:
    """When a 429 with these headers may be repeated, in steered time: a fleet's world counts its windows in it.

    Where it names no time, the shortest window of the vendor's quotas is waited for.
    """
    untold = min([_LONGEST_UNTOLD_WAIT, *(quota.window for quota in quotas)]) if quotas else _UNTOLD_WAIT
    told = _seconds(headers, "ratelimit-reset") or _retry_after(headers, now) or untold
    return now + min(max(told, _SHORTEST_WAIT), _LONGEST_WAIT)


def resting_until(status: int, headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Before when a cloud that is not available (503) asks not to be tried, in steered time; None where it does not."""
    told = _retry_after(headers, now) if status == httpx.codes.SERVICE_UNAVAILABLE else None
    return now + min(told, _LONGEST_REST) if told else None


def quotas_named(headers: Mapping[str, str], declared: Sequence[Quota] = ()) -> tuple[Quota, ...]:
    """The quotas that an answer names, each with its window.

    Three dialects: `RateLimit-Limit: 25, 25;w=60`, `RateLimit-Policy: "default";q=25;w=60` (or `25;w=60`), and
    `X-RateLimit-Limit-day: 200`. A bare `RateLimit-Limit: 25` has the window of the vendor's quota where it has one
    only, and says nothing otherwise.
    """
    calls: dict[timedelta, int] = {}
    for unit, window in _UNITS.items():
        if (count := _count(headers, f"x-ratelimit-limit-{unit}")) is not None:
            calls[window] = count
    for name in ("ratelimit-limit", "ratelimit-policy"):
        for item in headers.get(name, "").split(","):
            count, seconds = _policy(item)
            if count is not None and seconds is not None:
                calls[timedelta(seconds=seconds)] = count
    bare = _count(headers, "ratelimit-limit")
    if bare is not None and not calls and len(declared) == 1:
        calls[declared[0].window] = bare
    return tuple(Quota(calls=count, window=window) for window, count in calls.items() if count)


@dataclass
class _Window:
    """What is known of one account's window."""

    closed_until: datetime | None = None
    """Set by a 429: until then not even urgent calls go."""
    ends_at: datetime | None = None
    limit: int | None = None
    left: int | None = None
    """As the answers told; the calls in flight are not subtracted."""
    in_flight: int = 0

    @property
    def reserve(self) -> int:
        return reserve_of(self.limit or 0)


class Spending:
    """One call that left; unless its answer says more, it has cost one of what was left."""

    def __init__(self, window: _Window) -> None:
        self._window = window
        self._told = False

    def learn(self, headers: Mapping[str, str], now: datetime) -> None:
        """Take over what the call's answer says of the budget; `now` is when the call began."""
        window, left, reset = self._window, _count(headers, "ratelimit-remaining"), _seconds(headers, "ratelimit-reset")
        window.limit = _count(headers, "ratelimit-limit") or window.limit
        if left is None or not reset:
            return
        self._told = True
        ends_at = now + min(reset, _LONGEST_WAIT)
        if window.ends_at is None or window.left is None or ends_at > window.ends_at + _SAME_WINDOW:
            window.left, window.ends_at = left, ends_at
        elif ends_at >= window.ends_at - _SAME_WINDOW:
            # Answers overtake each other; in one window the lowest count is the newest.
            window.left, window.ends_at = min(left, window.left), max(ends_at, window.ends_at)

    def not_counted(self) -> None:
        """The call cost this account nothing."""
        self._told = True

    def end(self) -> None:
        self._window.in_flight -= 1
        if not self._told and self._window.left is not None:
            self._window.left -= 1


class CallBudget:
    """What is left in each account's current window, or in that of all accounts where the vendor counts them together.

    Kept in this process only: it saves calls that are sure to be refused; what all workers spend is counted elsewhere.
    """

    def __init__(self, quotas: Sequence[Quota] = ()) -> None:
        self._quotas = quotas
        self._windows: dict[str, _Window] = {}
        self._declared: dict[str, Sequence[Quota]] = {}

    def declare(self, account_id: str, quotas: Sequence[Quota]) -> None:
        """What an account was connected with, before its first call."""
        self._declared[account_id] = quotas

    def check(self, account_id: str, what: str, now: datetime, urgent: bool = False) -> None:
        """Raises RateLimited where the account's window is used up, or what is left of it is not for routine calls.

        Calls in flight count as spent: their answers, which would tell, are not here yet.
        """
        window = self._window(account_id)
        if window.closed_until is not None:
            if now < window.closed_until:
                raise _used_up(account_id, what, window.closed_until)
            window.closed_until = None
        if window.ends_at is not None and now >= window.ends_at:
            window.ends_at = window.left = None
        if window.ends_at is None or window.left is None:
            return
        free = window.left - window.in_flight
        if free <= 0:
            raise _used_up(account_id, what, window.ends_at)
        if not urgent and free <= window.reserve:
            raise RateLimited(
                f"{what} was not sent: what is left of the call budget of account {account_id} is for urgent calls.",
                window.ends_at,
            )

    @contextmanager
    def spend(self, account_id: str, what: str, now: datetime, urgent: bool = False) -> Iterator[Spending]:
        """One call: raises as `check` before it, and counts it in flight while it lasts."""
        self.check(account_id, what, now, urgent)
        window = self._window(account_id)
        spending = Spending(window)
        window.in_flight += 1
        try:
            yield spending
        finally:
            spending.end()

    def refused(self, account_id: str, what: str, headers: Mapping[str, str], now: datetime) -> RateLimited:
        """The error for a 429, remembered for the calls that follow."""
        until = refused_until(headers, now, self._quotas)
        self.close(account_id, until)
        return RateLimited(f"{what} was refused: the call budget of account {account_id} is used up (429).", until)

    def close(self, account_id: str, until: datetime) -> None:
        """Send nothing until then."""
        self._window(account_id).closed_until = until

    def _window(self, account_id: str) -> _Window:
        quotas = self._declared.get(account_id) or self._quotas
        is_shared = any(quota.scope is QuotaScope.CLIENT for quota in quotas)
        return self._windows.setdefault("" if is_shared else account_id, _Window())


def left_named(headers: Mapping[str, str]) -> dict[timedelta, int]:
    """What an answer says is left of each window that it names."""
    told = {window: _count(headers, f"x-ratelimit-remaining-{unit}") for unit, window in _UNITS.items()}
    return {window: count for window, count in told.items() if count is not None}


def _used_up(account_id: str, what: str, until: datetime) -> RateLimited:
    return RateLimited(f"{what} was not sent: the call budget of account {account_id} is used up.", until)


def _count(headers: Mapping[str, str], name: str) -> int | None:
    """A header's number of calls; what may follow it ("25, 25;w=60") is left aside."""
    told = headers.get(name, "").partition(",")[0].partition(";")[0].strip()
    return int(told) if told.isascii() and told.isdigit() else None


def _policy(item: str) -> tuple[int | None, int | None]:
    """Calls and seconds of one item of a quota header; None for what it does not name."""
    first, *rest = (part.strip() for part in item.split(";"))
    fields = dict(part.split("=", 1) for part in rest if part.count("=") == 1)
    count = fields.get("q", first)
    return _whole(count), _whole(fields.get("w", ""))


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 10**9 else None


def _seconds(headers: Mapping[str, str], name: str) -> timedelta | None:
    """A header in seconds; None where it is absent or no number."""
    try:
        told = float(headers[name])
    except (KeyError, ValueError):
        return None
    return timedelta(seconds=told) if 0 <= told < 1e9 else None


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """`Retry-After` (RFC 9110, 10.2.3) in seconds or as a date, which is on the clock of the answer's own `Date`."""
    until = _date(headers, "retry-after")
    if until is None:
        return _seconds(headers, "retry-after")
    return max(until - (_date(headers, "date") or now), timedelta())


def _date(headers: Mapping[str, str], name: str) -> datetime | None:
    """A header as a moment; None where it is absent or no date."""
    try:
        told = parsedate_to_datetime(headers[name])
    except (KeyError, ValueError, OverflowError):
        return None
    return told if told.tzinfo is not None else told.replace(tzinfo=UTC)  # "-0000": UTC from who names no zone
