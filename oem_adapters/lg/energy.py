"""What the cloud says of a unit's electricity by the day.

Protects: a day is one that is over and whose date the cloud names; 0 is no day of a unit that is switched on, which
uses hundreds of watt-hours on standby, but one of which nothing was heard.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.oem.energy import EnergyCircuit, EnergyKind, EnergyReading
from oem_adapters.lg.models import Document, number_of

USAGE = "energyUsage"
"""Watt-hours of the whole device, by the vendor's own client."""
DAYS = 7
"""Asked for in one call: a day on which nobody could ask is told by the next."""
STEP_KWH = 0.001
_DATE = "%Y%m%d"


def counts(profile: Document) -> bool:
    """Whether the cloud counts the unit's electricity."""
    return USAGE in _list(profile, "property")


def span_of(tz: ZoneInfo, now: datetime) -> tuple[str, str]:
    """First and last of the days that are asked for, as the cloud writes them."""
    today = now.astimezone(tz).date()
    return (today - timedelta(days=DAYS)).strftime(_DATE), (today - timedelta(days=1)).strftime(_DATE)


def energy_of(usage: Document, tz: ZoneInfo, now: datetime) -> list[EnergyReading]:
    """Days before today on the home's clock, oldest first."""
    today = now.astimezone(tz).date()
    found: dict[date, EnergyReading] = {}
    for entry in _list(usage, "dataList"):
        day, watt_hours = _day(entry), number_of(entry.get(USAGE)) if isinstance(entry, dict) else None
        if day is None or watt_hours is None or watt_hours == 0 or day >= today:
            continue
        start, end = (datetime.combine(one, time(), tz) for one in (day, day + timedelta(days=1)))
        kwh = {EnergyCircuit.UNIT: watt_hours / 1000}
        found[day] = EnergyReading(kind=EnergyKind.TOTAL, start=start, end=end, kwh=kwh, step_kwh=STEP_KWH)
    return [found[day] for day in sorted(found)]


def _day(entry: Any) -> date | None:
    told = entry.get("usedDate") if isinstance(entry, dict) else None
    try:
        return datetime.strptime(told, _DATE).date() if isinstance(told, str) else None  # noqa: DTZ007 -- a date alone
    except ValueError:
        return None


def _list(document: Document, name: str) -> Sequence[Any]:
    result = document.resources.get("result")
    told = result.get(name) if isinstance(result, dict) else None
    return told if isinstance(told, list) else []
