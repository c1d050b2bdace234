"""Documents for tests, made here."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from domain.slots import market_day_slots


def a_day_of_prices(day: date = date(2026, 1, 15)) -> dict[str, Any]:
    """A sound Energy-Charts document of one market day: cheap nights, two dear peaks."""
    slots = market_day_slots(day, ZoneInfo("Europe/Berlin"))
    price = [70.25 + 60 * (28 <= i % 96 < 40) + 80 * (68 <= i % 96 < 80) + (i % 7) for i in range(len(slots))]
    return {
        "license_info": "made for a test",
        "unix_seconds": [int(slot.timestamp()) for slot in slots],
        "price": price,
        "unit": "EUR / MWh",
        "deprecated": False,
    }
