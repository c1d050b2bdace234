"""Slots and market days: quarter-hours identified by their UTC start, 92, 96 or 100 to a market day.

Protects: local time never identifies a slot, so a DST day neither loses nor repeats one.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SLOT = timedelta(minutes=15)
SLOT_HOURS = 0.25


def market_day_bounds(day: date, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """UTC start and end of a market day: local midnight to local midnight."""
    start = datetime.combine(day, time(), tzinfo=tz).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), tzinfo=tz).astimezone(UTC)
    return start, end


def delivery_day(scheduled: datetime, tz: str) -> date:
    """The market day that a planning run scheduled at this time is for: the local day after."""
    return scheduled.astimezone(ZoneInfo(tz)).date() + timedelta(days=1)


def bounds_of(day: date, tz: str) -> tuple[datetime, datetime]:
    """`market_day_bounds` by the time zone's name, for callers that may not hold a ZoneInfo (a sandboxed workflow)."""
    return market_day_bounds(day, ZoneInfo(tz))


def slots_between(start: datetime, end: datetime) -> tuple[datetime, ...]:
    """UTC starts of the slots in [start, end); `start` must lie on a slot's edge."""
    count = max(0, -((start - end) // SLOT))
    return tuple(start + i * SLOT for i in range(count))


def market_day_slots(day: date, tz: ZoneInfo) -> tuple[datetime, ...]:
    """UTC starts of a market day's 92, 96 or 100 slots."""
    return slots_between(*market_day_bounds(day, tz))


def slot_start(moment: datetime) -> datetime:
    """UTC start of the slot that holds `moment`."""
    seconds = int(moment.timestamp()) // 900 * 900
    return datetime.fromtimestamp(seconds, tz=UTC)
