"""Steered time inside an activity, and retries that wait in steered time.

Protects: an activity's idea of now is right in production, in a sped-up run and under time skipping alike, because it
starts from the server's stamp of the attempt and adds what the monotonic clock counted since.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from domain.clock import SteeringClock


def steered_now(clock: SteeringClock) -> Callable[[], datetime]:
    """A steered clock for this attempt; call it as often as needed."""
    started = activity.info().started_time
    begun = time.monotonic()

    def now() -> datetime:
        return clock.steered(started + timedelta(seconds=time.monotonic() - begun))

    return now


def not_yet(reason: str, delay: timedelta, clock: SteeringClock) -> ApplicationError:
    """An expected "come back in `delay`" (steered): no alarm, no failure metric."""
    return ApplicationError(
        reason,
        type="NotYet",
        next_retry_delay=max(clock.wall_duration(delay), timedelta(milliseconds=1)),
        category=ApplicationErrorCategory.BENIGN,
    )
