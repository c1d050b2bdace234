"""Documents as the sources send them, whole and good until a test breaks them.

Protects: a test shows only what is wrong with its document.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.planning.series import WeatherSeries, WholesalePrices
from domain.slots import market_day_bounds
from market.areas import area_of
from market.errors import BadDocument
from market.judging.prices import judge_day
from market.judging.scale import MARKET_LIMITS, MarketLimits
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


def a_wavy_day(slots: int = 96, level: float = 80.0, seed: int = 0) -> list[float]:
    """Prices to the cent that differ from slot to slot, with a morning and an evening peak."""
    waves = [math.sin(row / slots * 4 * math.pi + seed) for row in range(slots)]
    noise = [(row * 37 + seed * 11) % 97 / 10 + 0.01 for row in range(slots)]
    return [round(level * (1 + wave / 2) + extra, 2) for wave, extra in zip(waves, noise, strict=True)]


def an_entsoe_series(
    start: str,
    end: str,
    points: Mapping[int, object],
    *,
    resolution: str = "PT15M",
    sequence: int | None = 1,
    curve: str = "A03",
    eic: str = "10Y1001A1001A82H",
    currency: str = "EUR",
    unit: str = "MWH",
) -> str:
    """One TimeSeries of one period, as ENTSO-E writes it."""
    name = "classificationSequence_AttributeInstanceComponent.position"
    position = "" if sequence is None else f"<{name}>{sequence}</{name}>"
    shown = "".join(
        f"<Point><position>{at}</position><price.amount>{price}</price.amount></Point>" for at, price in points.items()
    )
    return (
        "<TimeSeries><mRID>1</mRID><auction.type>A01</auction.type><businessType>A62</businessType>"
        f'<in_Domain.mRID codingScheme="A01">{eic}</in_Domain.mRID>'
        f'<out_Domain.mRID codingScheme="A01">{eic}</out_Domain.mRID>'
        "<contract_MarketAgreement.type>A01</contract_MarketAgreement.type>"
        f"<currency_Unit.name>{currency}</currency_Unit.name><price_Measure_Unit.name>{unit}</price_Measure_Unit.name>"
        f"{position}<curveType>{curve}</curveType><Period><timeInterval><start>{start}</start><end>{end}</end>"
        f"</timeInterval><resolution>{resolution}</resolution>{shown}</Period></TimeSeries>"
    )


def an_entsoe_document(*series: str) -> bytes:
    """A whole answer of the series."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3">'
        f"<mRID>x</mRID><type>A44</type>{''.join(series)}</Publication_MarketDocument>"
    ).encode()


def an_acknowledgement(code: str, text: str) -> bytes:
    """What ENTSO-E answers where it has nothing, or does not understand."""
    return (
        '<?xml version="1.0"?><Acknowledgement_MarketDocument '
        'xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">'
        f"<mRID>y</mRID><Reason><code>{code}</code><text>{text}</text></Reason></Acknowledgement_MarketDocument>"
    ).encode()


def a_nord_pool_document(
    prices: list[Any], area: str = "SE3", state: str = "Final", currency: str = "EUR", rate: object = 1
) -> Json:
    """A market day (2026-03-03) of quarter-hours as Nord Pool writes it."""
    stamps = [f"{MIDNIGHT + row * timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}" for row in range(len(prices) + 1)]
    return {
        "deliveryDateCET": "2026-03-03",
        "version": 3,
        "updatedAt": "2026-03-02T12:15:03.8832404Z",
        "deliveryAreas": [area],
        "market": "DayAhead",
        "multiAreaEntries": [
            {"deliveryStart": start, "deliveryEnd": end, "entryPerArea": {area: price}}
            for start, end, price in zip(stamps, stamps[1:], prices, strict=False)
        ],
        "currency": currency,
        "exchangeRate": rate,
        "areaStates": [{"state": state, "areas": [area]}],
        "areaAverages": [],
    }


def an_energi_data_document(prices: list[Any], area: str = "DK1", start: datetime = MIDNIGHT) -> Json:
    """Quarter-hours as Energi Data Service writes them: newest first, naive UTC."""
    records = [
        {
            "TimeUTC": f"{start + row * timedelta(minutes=15):%Y-%m-%dT%H:%M:%S}",
            "TimeDK": f"{(start + row * timedelta(minutes=15)).astimezone(BERLIN):%Y-%m-%dT%H:%M:%S}",
            "PriceArea": area,
            "DayAheadPriceEUR": price,
            "DayAheadPriceDKK": None if price is None else price * 7.46,
        }
        for row, price in enumerate(prices)
    ]
    return {"total": len(records), "limit": 0, "dataset": "DayAheadPrices", "records": records[::-1]}


def a_met_forecast(start: datetime = MIDNIGHT, hours: int = 40, later: int = 8, cloud_pct: Any = 50.0) -> Json:
    """Oslo as MET Norway forecasts it: hours, then six-hour steps; temperatures rise by 0.2 K an hour from 1.0."""
    stamps = [start + timedelta(hours=n) for n in range(hours)]
    edge = stamps[-1] + timedelta(hours=6 - stamps[-1].hour % 6)
    stamps += [edge + timedelta(hours=6 * n) for n in range(later)]
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [10.75, 59.91, 3]},
        "properties": {
            "meta": {"units": {"air_temperature": "celsius"}},
            "timeseries": [
                {
                    "time": f"{stamp:%Y-%m-%dT%H:%M:%SZ}",
                    "data": {
                        "instant": {
                            "details": {
                                "air_temperature": round(1 + (stamp - start) / timedelta(hours=5), 2),
                                "cloud_area_fraction": cloud_pct,
                            }
                        }
                    },
                }
                for stamp in stamps
            ],
        },
    }


def judged(source: str, body: bytes, price_area: str, day: date = DAY, **options: Any) -> WholesalePrices:
    """A document of any source, read and judged."""
    area = area_of(price_area)
    return judge_day(price_format(source).read(body, "x", area), price_area, day, area.tz, **options)
