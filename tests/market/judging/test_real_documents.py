"""Real documents: every extreme day the market had is believed, as it was, and its mistaken copies are not.

Protects: the rules of judgement are measured against what really happens.
"""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from domain.slots import market_day_slots
from market.errors import BadDocument
from market.files import load_price_file, load_weather_file
from tests.market.builders import BERLIN, parse_prices, raw, verdict

# day: slots, resolution in minutes, lowest and highest price
REAL_DAYS = {
    "2022-12-31": (96, 60, -3.78, 0.63),
    "2023-07-02": (96, 60, -500.0, 94.9),
    "2024-03-31": (92, 60, 1.03, 117.29),
    "2024-10-27": (100, 60, 39.99, 148.3),
    "2024-12-11": (96, 60, 106.17, 445.08),
    "2024-12-12": (96, 60, 107.35, 936.28),
    "2025-03-30": (92, 60, -26.07, 61.71),
    "2025-09-30": (96, 60, 86.04, 357.77),
    "2025-10-01": (96, 15, 61.37, 408.5),
    "2025-10-21": (96, 15, 16.49, 144.12),
    "2025-10-26": (100, 15, -1.05, 49.34),
    "2026-03-02": (96, 15, 14.89, 292.36),
    "2026-03-03": (96, 15, 21.56, 246.4),
    "2026-03-04": (96, 15, 25.12, 429.36),
    "2026-03-29": (92, 15, -2.81, 125.88),
}


def price_file(real_data: Path, day: str) -> Path:
    return real_data / "prices" / "energy_charts_days" / f"{day}.json"


def rows_of(path: Path) -> dict[datetime, float]:
    with path.open(newline="") as lines:
        return {
            datetime.fromisoformat(row["start_utc"]).astimezone(UTC): float(row["price_eur_mwh"])
            for row in csv.DictReader(lines)
        }


@pytest.mark.parametrize("day", REAL_DAYS)
def test_every_real_day_is_read_with_its_slots_and_extremes(real_data: Path, day: str) -> None:
    slots, resolution_min, lowest, highest = REAL_DAYS[day]
    series = load_price_file(price_file(real_data, day), "DE-LU", BERLIN)
    assert series.start == market_day_slots(date.fromisoformat(day), BERLIN)[0]
    assert len(series.price_eur_per_mwh) == slots
    assert series.resolution_min == resolution_min
    assert (min(series.price_eur_per_mwh), max(series.price_eur_per_mwh)) == (lowest, highest)
    assert series.source == f"energy-charts file {day}.json"


def test_no_real_day_is_left_out_here(real_data: Path) -> None:
    folder = price_file(real_data, "any").parent
    assert sorted(path.stem for path in folder.glob("*.json")) == sorted(REAL_DAYS)


@pytest.mark.parametrize("factor", [0.001, 1000.0])
@pytest.mark.parametrize("day", REAL_DAYS)
def test_every_real_day_in_the_wrong_unit_is_refused(real_data: Path, day: str, factor: float) -> None:
    document = json.loads(price_file(real_data, day).read_bytes())
    document["price"] = [round(price * factor, 5) for price in document["price"]]
    parse = raw(document)
    assert "1000" in verdict(lambda: parse_prices(parse, "x", "DE-LU", date.fromisoformat(day), BERLIN))


@pytest.mark.parametrize("day", ["2025-10-01", "2025-10-26", "2026-03-03", "2026-03-29"])
def test_a_second_publication_of_the_same_day_says_the_same(real_data: Path, day: str) -> None:
    published = rows_of(real_data / "prices" / "de_lu_day_ahead_15min_2025-10-01_2026-03-31.csv")
    series = load_price_file(price_file(real_data, day), "DE-LU", BERLIN)
    expected = [published[slot] for slot in market_day_slots(date.fromisoformat(day), BERLIN)]
    assert series.price_eur_per_mwh == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "name", ["de_lu_day_ahead_15min_2025-10-01_2026-03-31.csv", "de_lu_day_ahead_hourly_2021-12-01_2025-09-30.csv"]
)
def test_no_whole_day_of_more_than_four_years_is_refused(real_data: Path, name: str) -> None:
    days: dict[date, dict[int, float]] = {}
    for start, price in rows_of(real_data / "prices" / name).items():
        days.setdefault(start.astimezone(BERLIN).date(), {})[int(start.timestamp())] = price
    refused = []
    for day, rows in sorted(days.items())[1:-1]:
        document = {"unix_seconds": list(rows), "price": list(rows.values()), "unit": "EUR / MWh"}
        try:
            parse_prices(raw(document), "csv", "DE-LU", day, BERLIN)
        except BadDocument as refusal:
            refused.append(str(refusal))
    assert refused == []
    assert len(days) > 180


def test_a_real_forecast_in_naive_local_times_joins_with_the_prices(real_data: Path) -> None:
    prices = load_price_file(price_file(real_data, "2026-03-03"), "DE-LU", BERLIN)
    path = real_data / "weather" / "weatherforecast_openmeteo_1.json"
    weather = load_weather_file(path, "50.0,10.0", prices.start, 96)
    assert weather.start == prices.start
    assert len(weather.outdoor_c) == len(weather.radiation_w_per_m2) == len(prices.price_eur_per_mwh)
    hourly = json.loads(path.read_bytes())["hourly"]
    row = hourly["time"].index("2026-03-03T12:00")
    before, after = hourly["temperature_2m"][row : row + 2]
    assert weather.outdoor_c[48] == pytest.approx(before * 7 / 8 + after / 8)
    assert weather.radiation_w_per_m2[48] == hourly["shortwave_radiation"][row + 1]
    assert max(weather.radiation_w_per_m2[:20]) == 0.0, "the sun does not shine at night"


def test_a_real_forecast_does_not_cover_the_last_hour_of_its_last_day(real_data: Path) -> None:
    path = real_data / "weather" / "weatherforecast_openmeteo_1.json"
    start = market_day_slots(date(2026, 3, 4), BERLIN)[0]
    assert "covers 2026-03-02 00:00 (2026-03-01 23:00 UTC) to 2026-03-04 23:00 (2026-03-04 22:00 UTC)" in verdict(
        lambda: load_weather_file(path, "50.0,10.0", start, 96)
    )
    assert len(load_weather_file(path, "50.0,10.0", start, 92).outdoor_c) == 92


def test_a_document_of_another_service_is_refused(real_data: Path) -> None:
    bright_sky = real_data / "weather" / "weatherforecast_brightsky_1.json"
    start = market_day_slots(date(2024, 10, 27), BERLIN)[0]
    assert 'has no "latitude"' in verdict(lambda: load_weather_file(bright_sky, "50.0,10.0", start, 96))
    nord_pool = next((real_data / "prices" / "nordpool").glob("*.json"))
    assert 'has no column "unix_seconds"' in verdict(lambda: load_price_file(nord_pool, "DE-LU", BERLIN))
