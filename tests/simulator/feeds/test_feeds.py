"""The fake price and weather services: shape, strictness, what is published when, and files verbatim."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from simulator.app import build_app
from simulator.config import ConfigError
from simulator.homes.fleet import SimulatedFleet
from tests.simulator.builders import DAY, EPOCH, ManualClock
from tests.simulator.conftest import MakeFleet

BERLIN = ZoneInfo("Europe/Berlin")
PLACE = {"latitude": "50.0", "longitude": "10.0"}


async def ask(fleet: SimulatedFleet, path: str, **query: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=build_app(fleet, asyncio.Event()))
    async with httpx.AsyncClient(transport=transport, base_url="http://far-side") as client:
        return await client.get(path, params=query)


async def prices(fleet: SimulatedFleet, start: date, end: date | None = None) -> httpx.Response:
    return await ask(fleet, "/price", bzn="DE-LU", start=start.isoformat(), end=(end or start).isoformat())


@pytest.mark.parametrize(("day", "rows"), [("2026-03-29", 92), ("2026-01-15", 96), ("2025-10-26", 100)])
async def test_a_market_day_has_92_96_or_100_prices(make_fleet: MakeFleet, day: str, rows: int) -> None:
    clock = ManualClock(datetime(2026, 6, 1, 12, tzinfo=UTC))
    answer = (await prices(make_fleet(clock, pumps=1), date.fromisoformat(day))).json()
    assert list(answer) == ["license_info", "unix_seconds", "price", "unit", "deprecated"]
    assert len(answer["unix_seconds"]) == len(answer["price"]) == rows
    first = datetime.fromtimestamp(answer["unix_seconds"][0], tz=BERLIN)
    assert (first.date().isoformat(), first.hour, first.minute) == (day, 0, 0)
    assert {b - a for a, b in pairwise(answer["unix_seconds"])} == {900}
    assert answer["license_info"] == "synthetic: heatsteer generator, seed 7"
    assert (answer["unit"], answer["deprecated"]) == ("EUR / MWh", False)


async def test_winter_prices_have_two_peaks_and_a_plausible_spread(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(ManualClock(datetime(2026, 3, 1, tzinfo=UTC)), pumps=1)
    for number in range(12):
        day = date(2026, 1, 5) + timedelta(days=number)
        listed = (await prices(fleet, day)).json()["price"]
        mean, spread = sum(listed) / 96, max(listed) - min(listed)
        hourly = [sum(listed[4 * hour : 4 * hour + 4]) / 4 for hour in range(24)]
        if day.weekday() < 5:
            assert 85 < mean < 120
            assert 90 < spread < 170
        assert max(hourly[6:10]) > hourly[3] + 20
        assert max(hourly[16:20]) > hourly[12] + 20


async def test_tomorrow_is_published_at_12_57_local(make_fleet: MakeFleet) -> None:
    clock = ManualClock(datetime(2026, 2, 10, 11, 56, tzinfo=UTC))
    fleet = make_fleet(clock, pumps=1)
    today, tomorrow = date(2026, 2, 10), date(2026, 2, 11)
    assert (await prices(fleet, tomorrow)).status_code == 404
    assert len((await prices(fleet, today, tomorrow)).json()["price"]) == 96
    clock.forward(minutes=1)
    assert len((await prices(fleet, tomorrow)).json()["price"]) == 96
    assert len((await prices(fleet, today, tomorrow)).json()["price"]) == 192
    assert (await prices(fleet, date(2026, 2, 12))).status_code == 404


async def test_prices_and_forecasts_can_fail_and_come_back(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(ManualClock(EPOCH + timedelta(hours=1)), pumps=1)

    async def answers() -> tuple[int, int]:
        forecast = await ask(fleet, "/v1/forecast", **PLACE, hourly="temperature_2m")
        return (await prices(fleet, DAY)).status_code, forecast.status_code

    fleet.switchboard.dice.set_rates({"no-prices": 1.0, "no-weather": 1.0})
    assert await answers() == (404, 503)
    fleet.switchboard.dice.set_rates({"no-prices": 0.0, "no-weather": 0.0})
    assert await answers() == (200, 200)


async def test_the_demos_own_day_is_published_from_the_start(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(ManualClock(EPOCH - timedelta(hours=10)), pumps=1)
    assert len((await prices(fleet, DAY)).json()["price"]) == 96


async def test_price_questions_that_make_no_sense_are_refused(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(pumps=1)
    assert (await ask(fleet, "/price", bzn="XX", start="2026-01-15", end="2026-01-15")).status_code == 404
    for query in (
        {"bzn": "DE-LU", "start": "yesterday"},
        {"bzn": "DE-LU", "start": "2026-01-15", "end": "2026-01-14"},
        {"bzn": "DE-LU", "begin": "2026-01-15"},
    ):
        assert (await ask(fleet, "/price", **query)).status_code == 400


async def test_a_price_file_is_served_verbatim_for_its_day(make_fleet: MakeFleet, tmp_path: Path) -> None:
    start = int(datetime(2026, 1, 14, 23, tzinfo=UTC).timestamp())
    rows = {"unix_seconds": [start + 3600 * n for n in range(24)], "price": [None, *(float(n) for n in range(23))]}
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(rows | {"license_info": "from a file", "unit": "EUR / MWh"}))
    fleet = make_fleet(ManualClock(EPOCH + timedelta(days=1, hours=14)), prices_file=file, pumps=1)
    answer = (await prices(fleet, DAY)).json()
    assert {key: answer[key] for key in rows} == rows
    assert answer["license_info"] == "from a file"
    longer = (await prices(fleet, DAY, DAY + timedelta(days=1))).json()
    assert longer["price"][:24] == rows["price"]
    assert len(longer["price"]) == 24 + 96
    assert longer["license_info"].startswith("synthetic")


def test_a_price_file_that_is_none_is_refused_with_a_sentence(make_fleet: MakeFleet, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"unix_seconds": [1, 2], "price": [1.0]}')
    with pytest.raises(ConfigError, match="not an Energy-Charts price answer"):
        build_app(make_fleet(prices_file=file, pumps=1), asyncio.Event())


async def test_real_prices_are_served_verbatim(make_fleet: MakeFleet, real_data: Path) -> None:
    for name in ("2024-12-12", "2026-03-29", "2025-10-26"):
        file = real_data / "prices" / "energy_charts_days" / f"{name}.json"
        kept: dict[str, Any] = json.loads(file.read_text())
        day = date.fromisoformat(name)
        fleet = make_fleet(ManualClock(datetime(2026, 6, 1, tzinfo=UTC)), prices_file=file, pumps=1, day=day)
        answer = (await prices(fleet, day)).json()
        assert answer["unix_seconds"] == kept["unix_seconds"]
        assert answer["price"] == kept["price"]
        assert answer["license_info"] == kept["license_info"]


async def test_a_forecast_has_the_blocks_asked_for(make_fleet: MakeFleet) -> None:
    query = PLACE | {
        "hourly": "temperature_2m",
        "minutely_15": "temperature_2m,shortwave_radiation",
        "start_date": "2026-01-15",
        "end_date": "2026-01-16",
        "timezone": "UTC",
        "timeformat": "unixtime",
    }
    answer = (await ask(make_fleet(pumps=1), "/v1/forecast", **query)).json()
    assert (answer["utc_offset_seconds"], answer["timezone"]) == (0, "GMT")
    assert len(answer["hourly"]["time"]) == len(answer["hourly"]["temperature_2m"]) == 48
    assert set(answer["hourly"]) == {"time", "temperature_2m"}
    assert len(answer["minutely_15"]["shortwave_radiation"]) == 192
    assert answer["minutely_15"]["time"][0] == int(datetime(2026, 1, 15, tzinfo=UTC).timestamp())
    assert answer["minutely_15"]["temperature_2m"][::4] == answer["hourly"]["temperature_2m"]
    assert answer["minutely_15_units"] == {
        "time": "unixtime",
        "temperature_2m": "°C",
        "shortwave_radiation": "W/m²",
    }


async def test_a_forecast_runs_from_past_days_to_forecast_days(make_fleet: MakeFleet) -> None:
    query = PLACE | {"hourly": "temperature_2m", "past_days": "1", "forecast_days": "2"}
    answer = (await ask(make_fleet(pumps=1), "/v1/forecast", **query)).json()
    assert len(answer["hourly"]["time"]) == 72
    assert answer["hourly"]["time"][0] == "2026-01-13T00:00"
    assert "minutely_15" not in answer


@pytest.mark.parametrize(
    "wrong",
    [
        {"hourly": "temperature_3m"},
        {"latitude": "95"},
        {"latitude": "50,51"},
        {"timezone": "Europe/Berlin"},
        {"timeformat": "unix"},
        {"forecast_days": "17"},
        {"start_date": "2026-01-15"},
        {"start_date": "2026-01-15", "end_date": "2026-01-14"},
        {"start_date": "2026-01-15", "end_date": "2027-01-14"},
        {"start_date": "2026-01-15", "end_date": "2026-01-15", "forecast_days": "2"},
        {"wind": "yes"},
    ],
)
async def test_forecast_questions_that_make_no_sense_are_refused_with_a_reason(
    make_fleet: MakeFleet, wrong: dict[str, str]
) -> None:
    answer = await ask(make_fleet(pumps=1), "/v1/forecast", **(PLACE | {"hourly": "temperature_2m"} | wrong))
    assert answer.status_code == 400
    assert answer.json()["error"] is True
    assert answer.json()["reason"]


async def test_real_weather_is_forecast_verbatim(make_fleet: MakeFleet, real_data: Path) -> None:
    file = real_data / "weather" / "weatherforecast_openmeteo_1.json"
    kept = json.loads(file.read_text())
    epoch = datetime(2026, 3, 2, 23, tzinfo=UTC)
    fleet = make_fleet(ManualClock(epoch), weather_file=file, pumps=1)
    query = PLACE | {
        "hourly": "temperature_2m,shortwave_radiation",
        "start_date": "2026-03-01",
        "end_date": "2026-03-05",
        "timeformat": "unixtime",
    }
    answer = (await ask(fleet, "/v1/forecast", **query)).json()["hourly"]
    served = dict(zip(answer["time"], answer["temperature_2m"], strict=True))
    sun = dict(zip(answer["time"], answer["shortwave_radiation"], strict=True))
    offset = timedelta(seconds=kept["utc_offset_seconds"])
    assert offset == timedelta(hours=1)
    for naive, warm, bright in zip(
        kept["hourly"]["time"],
        kept["hourly"]["temperature_2m"],
        kept["hourly"]["shortwave_radiation"],
        strict=True,
    ):
        at = int((datetime.fromisoformat(naive).replace(tzinfo=UTC) - offset).timestamp())
        assert (served[at], sun[at]) == (warm, bright)
