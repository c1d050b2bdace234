"""Activities of a vendor's guard: watch its calls until something changes, and set its queue's rate.

Protects: the rate is always set to a figure and never unset, which would release everything that was held at once; what
is set is written down; a rate that somebody else changed is put right.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from temporalio import activity

from activities.steered import not_yet, steered_now
from domain.base import Value
from domain.clock import SteeringClock
from domain.oem.breaker import WINDOW, Breaker, minute_of, next_state, rate_per_min
from domain.ports import QueueRates, VendorRepository

log = structlog.get_logger(__name__)

SHORTEST_LOOK_S = 0.2
"""Wall seconds between checks at least: a sped-up run must not spend itself on checking."""
LONGEST_LOOK_S = 10.0
RATES_COMPARED_EVERY = timedelta(minutes=1)
"""Steered: how often the server is asked whether the rate is still ours."""
NOTEWORTHY = 0.1
"""A grant that moved the rate by less is let be until the next change."""


class FindBreaker(Value):
    """The breaker to begin with."""

    clock: SteeringClock
    oem: str


class ApplyBreaker(Value):
    """Make the vendor's queue run as its breaker says."""

    clock: SteeringClock
    oem: str
    breaker: Breaker


class WatchVendor(Value):
    """Look at the vendor's calls until its breaker changes, or for so long."""

    clock: SteeringClock
    oem: str
    breaker: Breaker
    rate_per_min: float
    """As applied."""
    look_every: timedelta
    """Steered."""
    watch_for: timedelta
    """Steered."""


class GuardActivities:
    """Find, watch, apply."""

    def __init__(self, vendors: VendorRepository, rates: QueueRates) -> None:
        self._vendors = vendors
        self._rates = rates

    @activity.defn
    async def find_breaker(self, given: FindBreaker) -> Breaker:
        """The vendor's breaker as last written down; closed where none was."""
        now = steered_now(given.clock)()
        known = await self._vendors.newest_breaker(given.oem, now)
        return known or Breaker(since=now, reason="watched from now on")

    @activity.defn
    async def apply_breaker(self, given: ApplyBreaker) -> float:
        """Set the queue's rate, write it down, and return it (attempts a steered minute)."""
        rate = rate_per_min(given.breaker, await self._vendors.burst_per_min(given.oem))
        reason = f"breaker {given.breaker.state.value}: {given.breaker.reason}"
        # Written down first: attempts that were handed out before the rate takes hold read it and stay away.
        await self._vendors.note_breaker(given.oem, given.breaker, rate)
        await self._rates.set_rate(given.oem, per_wall_s(rate, given.clock), reason)
        log.info("vendor's rate set", oem=given.oem, state=given.breaker.state.value, rate_per_min=rate)
        return rate

    @activity.defn
    async def watch_vendor(self, given: WatchVendor) -> Breaker:
        """What the breaker becomes; the same one where it is only to be applied again, or its time is over."""
        watch = _Watch(given, self._vendors, self._rates, steered_now(given.clock))
        pause_s = given.clock.wall_duration(given.look_every).total_seconds()
        pause_s = min(max(pause_s, SHORTEST_LOOK_S), LONGEST_LOOK_S)
        while True:
            if (found := await watch.look()) is not None:
                return found
            activity.heartbeat()
            # A worker that leaves must not wait for a watch of hours; another one takes it over at once.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(activity.wait_for_worker_shutdown(), pause_s)
                raise not_yet("this worker leaves", timedelta(), given.clock)


class _Watch:
    """One attempt at watching."""

    def __init__(
        self, given: WatchVendor, vendors: VendorRepository, rates: QueueRates, now: Callable[[], datetime]
    ) -> None:
        self._given = given
        self._vendors = vendors
        self._rates = rates
        self._now = now
        self._until = now() + given.watch_for
        self._compare_at = now()

    async def look(self) -> Breaker | None:
        """The breaker, where it changed or is to be applied again."""
        given, now = self._given, self._now()
        window = await self._vendors.window(given.oem, minute_of(now - WINDOW))
        found = next_state(given.breaker, window, now)
        if found != given.breaker:
            log.info("breaker changes", oem=given.oem, state=found.state.value, reason=found.reason)
            return found
        wished = rate_per_min(given.breaker, await self._vendors.burst_per_min(given.oem))
        if abs(wished - given.rate_per_min) > NOTEWORTHY * given.rate_per_min or now >= self._until:
            return given.breaker
        return given.breaker if await self._was_changed(now) else None

    async def _was_changed(self, now: datetime) -> bool:
        """Whether somebody else set or unset the rate."""
        if now < self._compare_at:
            return False
        self._compare_at = now + RATES_COMPARED_EVERY
        expected = per_wall_s(self._given.rate_per_min, self._given.clock)
        actual = await self._rates.rate(self._given.oem)
        if actual is not None and abs(actual - expected) <= 1e-3 * expected:
            return False
        log.warning("vendor's rate was changed", oem=self._given.oem, expected=expected, actual=actual)
        return True


def per_wall_s(per_min: float, clock: SteeringClock) -> float:
    """A rate per steered minute as the server counts it."""
    return per_min * clock.speed / 60
