"""What the cloud counts of a unit's electricity by the day.

Protects: keys and types are those of answers to the vendor's own client; a day of which nothing was heard is 0.
"""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simulator.homes.counted import days_back, used
from simulator.homes.history import History

PROPERTY = "energyUsage"
STEP_KWH = 0.0005
LONGEST_DAYS = 31
_DATE = "%Y%m%d"


def energy_profile() -> dict[str, Any]:
    """Which energies can be asked for."""
    return {"resultCode": "0000", "result": {"property": [PROPERTY]}}


def span_asked(start: str, end: str) -> tuple[date, date]:
    """The days of a question; raises ValueError."""
    first, last = (datetime.strptime(told, _DATE).date() for told in (start, end))  # noqa: DTZ007 -- dates alone
    if not timedelta() <= last - first < timedelta(days=LONGEST_DAYS):
        raise ValueError("the span is not one of these")
    return first, last


def usage_of(history: History, span: tuple[date, date], tz: ZoneInfo, at_s: float) -> dict[str, Any]:
    """Watt-hours of each day, as known at a moment."""
    days = [span[0] + timedelta(days=n) for n in range((span[1] - span[0]).days + 1)]
    spans = [days_back(day, tz, 1)[0] for day in days]
    kwh = used(history, spans, at_s, STEP_KWH)
    data = [
        {PROPERTY: round(sum(both) * 1000.0, 1), "usedDate": day.strftime(_DATE)}
        for day, both in zip(days, kwh, strict=True)
    ]
    return {"resultCode": "0000", "result": {"dataList": data, "property": [PROPERTY]}}
