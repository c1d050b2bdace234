"""The features by which a unit tells its electricity: lists of days, weeks, months and years, and their summaries.

Protects: the numbers are what the house used, in whole tenths, and the shapes are those of real answers.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from simulator.homes.counted import days_back, midnight, used
from simulator.homes.history import History
from simulator.vendors.viessmann.feature import Feature, number, text

STEP_KWH = 0.1
DAYS, WEEKS, MONTHS, YEARS = 8, 5, 13, 2
_BASE = "heating.power.consumption"
_KWH = "kilowattHour"


def consumption_of(history: History, at_s: float, tz: ZoneInfo) -> list[Feature]:
    """What the unit had counted at a moment, for heating, hot water and both; it does not cool."""
    today = datetime.fromtimestamp(at_s, tz).date()
    spans = {
        "day": days_back(today, tz, DAYS),
        "week": _between([today - timedelta(days=today.weekday() + 7 * (n - 1)) for n in range(WEEKS + 1)], tz),
        "month": _between([_months_before(today, n - 1) for n in range(MONTHS + 1)], tz),
        "year": _between([date(today.year - n + 1, 1, 1) for n in range(YEARS + 1)], tz),
    }
    whole = used(history, [span for many in spans.values() for span in many], at_s, STEP_KWH)
    lists: dict[str, Sequence[tuple[float, float]]] = {}
    for name, many in spans.items():
        lists[name], whole = whole[: len(many)], whole[len(many) :]
    seven = lists["day"][:7]
    found = [Feature(f"{_BASE}.cooling", {}, is_enabled=False), _summary("cooling", [0.0] * 6)]
    for name, part in (("heating", 0), ("dhw", 1)):
        found.append(_feature(name, {key: [both[part] for both in many] for key, many in lists.items()}, at_s))
        months, years = lists["month"], lists["year"]
        ends = (lists["day"][0], months[0], years[0], months[1], _sum(seven), years[1])
        found.append(_summary(name, [both[part] for both in ends]))
    found.append(_feature("total", {key: [sum(both) for both in many] for key, many in lists.items()}, at_s))
    return found


def _sum(many: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(both[0] for both in many), sum(both[1] for both in many)


def _between(firsts: Sequence[date], tz: ZoneInfo) -> list[tuple[float, float]]:
    """Spans between days, the newest first."""
    moments = [midnight(day, tz) for day in firsts]
    return [(start, end) for end, start in pairwise(moments)]


def _months_before(day: date, months: int) -> date:
    number_of_month = day.year * 12 + day.month - 1 - months
    return date(number_of_month // 12, number_of_month % 12 + 1, 1)


def _feature(name: str, lists: dict[str, list[float]], at_s: float) -> Feature:
    read_at = datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    properties = {}
    for key, values in lists.items():
        properties[key] = {"type": "array", "unit": _KWH, "value": [round(value, 1) for value in values]}
        properties[f"{key}ValueReadAt"] = text(read_at)
    return Feature(f"{_BASE}.{name}", properties)


def _summary(name: str, values: Sequence[float]) -> Feature:
    keys = ("currentDay", "currentMonth", "currentYear", "lastMonth", "lastSevenDays", "lastYear")
    shown = {key: number(round(value, 1), _KWH) for key, value in zip(keys, values, strict=True)}
    return Feature(f"{_BASE}.summary.{name}", shown)
