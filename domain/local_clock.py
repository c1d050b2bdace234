"""Local times as people say them, and the moments they mean, also in the nights when the clocks change.

Protects: a time said in the autumn hour that comes twice means the nearest one, never a day off; one that the spring
skips means the moment of the skip.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def moments_of(local: datetime, tz: ZoneInfo) -> tuple[datetime, ...]:
    """UTC moments at which a clock in the zone shows this time, in order: one, or two in autumn's repeated hour.

    A time that the clocks skip in spring is the moment at which they skip it.
    """
    first, second = (local.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return (first,)
    if first < second:
        return (first, second)
    return (_change_between(second, first, tz),)


def next_time(clock: time, now: datetime, tz: ZoneInfo) -> datetime:
    """The first moment after now at which clocks show this time of day."""
    return next(moment for moment in _around(clock, now, tz) if moment > now)


def last_time(clock: time, now: datetime, tz: ZoneInfo) -> datetime:
    """The last moment up to now at which clocks showed this time of day."""
    return next(moment for moment in reversed(_around(clock, now, tz)) if moment <= now)


def _around(clock: time, now: datetime, tz: ZoneInfo) -> Sequence[datetime]:
    today: date = now.astimezone(tz).date()
    days = [today + timedelta(days=n) for n in (-1, 0, 1)]
    return [moment for day in days for moment in moments_of(datetime.combine(day, clock), tz)]


def _change_between(before: datetime, after: datetime, tz: ZoneInfo) -> datetime:
    """The moment, to the second, between two at which the zone's offset changes."""
    offset = before.astimezone(tz).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(tz).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
