"""What a unit counts of its electricity: two-hour slots of two days, days of two weeks, months of two years.

Protects: whole kWh as a counter ticks, so that a slot may be off by one and no day is; what lies ahead is null.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from simulator.homes.counted import midnight, used
from simulator.homes.history import History

STEP_KWH = 1.0
type Lists = dict[str, list[int | None]]


def consumption_of(history: History, at_s: float, tz: ZoneInfo) -> tuple[Lists, Lists]:
    """Lists for heating and for hot water as of a moment."""
    today = datetime.fromtimestamp(at_s, tz).date()
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    slots = [datetime.combine(day, time(2 * n), tz).timestamp() for day in (yesterday, today) for n in range(12)]
    monday = today - timedelta(days=today.weekday() + 7)
    starts = {
        "d": [*slots, midnight(tomorrow, tz)],
        "w": [midnight(monday + timedelta(days=n), tz) for n in range(15)],
        "m": [midnight(date(today.year - 1 + n // 12, n % 12 + 1, 1), tz) for n in range(25)],
    }
    both: tuple[Lists, Lists] = ({}, {})
    for name, moments in starts.items():
        numbers = _numbers(history, moments, at_s)
        for part in (0, 1):
            both[part][name] = [None if known is None else known[part] for known in numbers]
    return both


def _numbers(history: History, moments: Sequence[float], at_s: float) -> list[tuple[int, int] | None]:
    spans = [(start, end) for start, end in pairwise(moments) if start <= at_s]
    kwh = used(history, spans, at_s, STEP_KWH)
    ahead = len(moments) - 1 - len(spans)
    return [*((round(heating), round(water)) for heating, water in kwh), *([None] * ahead)]


def without_any(like: Lists) -> Lists:
    """Lists of a mode that is never used."""
    return {name: [None if known is None else 0 for known in numbers] for name, numbers in like.items()}
