"""Documents as the sources send them, whole and good until a test breaks them.

Protects: a test shows only what is wrong with its document.
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.planning.series import WeatherSeries, WholesalePrices
from domain.slots import market_day_bounds
from market.areas import area_of
from market.errors import BadDocument
from market.judging.prices import MARKET_LIMITS, MarketLimits, judge_day
from market.judging.weather import judge_weather, needed_slots
from market.registry import price_format, weather_format

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 3, 3)
MIDNIGHT = datetime(2026, 3, 2, 23, tzinfo=UTC)
CELL = "52.52,13.41"

type Json = dict[str, Any]


def a_price_document(
    day: date = DAY, step_s: int = 900, price: Callable[[int], float] = lambda row: round(80.17 + 1.03 * row, 2)
) -> Json:
    """A whole market day of rising prices in the wire format of Energy-Charts."""
    start, end = market_day_bounds(day, BERLIN)
    times = list(range(int(start.timestamp()), int(end.timestamp()), step_s))
    return {
        "license_info": "CC BY 4.0 (creativecommons.org/licenses/by/4.0) from Bundesnetzagentur | SMARD.de",
        "unix_seconds": times,
        "price": [price(row) for row in range(len(times))],
        "unit": "EUR / MWh",
        "deprecated": False,
    }


def a_weather_document(start: datetime = MIDNIGHT, rows: int = 25, block: str = "hourly", step_s: int = 3600) -> Json:
    """Temperatures rising by 0.4 a row from 2.0, radiation by 10 from 100, in the wire format of Open-Meteo."""
    first_s = int(start.timestamp())
    return {
        "latitude": 52.52,
        "longitude": 13.419998,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "elevation": 38.0,
        f"{block}_units": {"time": "unixtime", "temperature_2m": "°C", "shortwave_radiation": "W/m²"},
        block: {
            "time": [first_s + row * step_s for row in range(rows)],
            "temperature_2m": [round(2.0 + 0.4 * row, 1) for row in range(rows)],
            "shortwave_radiation": [100.0 + 10.0 * row for row in range(rows)],
        },
    }


def raw(document: object) -> bytes:
    """The document as bytes on the wire."""
    return json.dumps(document, ensure_ascii=False).encode()


def verdict(parse: Callable[[], object]) -> str:
    """The one sentence a document is refused with."""
    with pytest.raises(BadDocument) as refusal:
        parse()
    sentence = str(refusal.value)
    assert sentence.startswith(refusal.value.origin)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "; " in sentence, "the way out is missing"
    return sentence


def parse_prices(
    body: bytes, origin: str, price_area: str, day: date, tz: ZoneInfo, limits: MarketLimits = MARKET_LIMITS
) -> WholesalePrices:
    """An Energy-Charts document, read and judged."""
    document = price_format("energy-charts").read(body, origin, area_of(price_area))
    return judge_day(document, price_area, day, tz, limits=limits)


def parse_weather(body: bytes, origin: str, cell: str, first_slot: datetime, slots: int) -> WeatherSeries:
    """An Open-Meteo document, read and judged."""
    need = needed_slots(first_slot, slots)
    return judge_weather(weather_format("open-meteo").read(body, origin), cell, need, area_of("DE-LU"))
