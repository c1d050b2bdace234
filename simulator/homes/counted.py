"""Electrical energy as a unit counts it: whole steps of a counter that never runs back, over days of the home's clock.

Protects: what a vendor shows is the house's own energy, late by less than one step, and nothing is lost between days.
"""

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from simulator.homes.history import History

type Spans = Sequence[tuple[float, float]]
"""Beginnings and ends, Unix seconds."""


def used(history: History, spans: Spans, at_s: float, step_kwh: float) -> list[tuple[float, float]]:
    """Energy of spans as it was known at a moment, kWh: for heating, and for hot water."""
    moments = sorted({min(moment, at_s) for span in spans for moment in span})
    steps = [(_steps(heating, step_kwh), _steps(water, step_kwh)) for heating, water in history.counted(moments)]
    stood = dict(zip(moments, steps, strict=True))
    found = []
    for start, end in spans:
        before, after = stood[min(start, at_s)], stood[min(end, at_s)]
        found.append(((after[0] - before[0]) * step_kwh, (after[1] - before[1]) * step_kwh))
    return found


def _steps(kwh: float, step_kwh: float) -> int:
    return math.floor(kwh / step_kwh + 1e-6)


def midnight(day: date, tz: ZoneInfo) -> float:
    """When a day begins on the home's clock."""
    return datetime.combine(day, time(), tz).timestamp()


def days_back(today: date, tz: ZoneInfo, days: int) -> list[tuple[float, float]]:
    """So many days, today first."""
    firsts = [today - timedelta(days=n) for n in range(days)]
    return [(midnight(day, tz), midnight(day + timedelta(days=1), tz)) for day in firsts]
