"""The backtest, on a season made up for the test: small, but with every part of the real one."""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from backtest import figures
from backtest import play as play_module
from backtest.controllers import CONTROLLERS
from backtest.life import Played
from backtest.play import Task, play
from backtest.season import PLACES, SeriesError, days_from, prices_of, weather_of
from console.cli.main import _main
from tests.demo.files import a_day_of_prices

START = datetime(2024, 11, 26, tzinfo=UTC)
HOURS = 24 * 10


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Hourly prices with two peaks a day, and cold hours."""
    folder = tmp_path_factory.mktemp("season")
    prices, weather = folder / "prices.csv", folder / "weather.csv"
    stamps = [(START + timedelta(hours=h)).strftime("%Y-%m-%dT%H:%MZ") for h in range(HOURS)]
    hour = np.arange(HOURS) % 24
    price = 100 + 90 * (np.isin(hour, (7, 8, 17, 18, 19))) - 60 * np.isin(hour, (2, 3, 12, 13))
    with prices.open("w", newline="") as file:
        csv.writer(file).writerows([("start_utc", "price_eur_mwh"), *zip(stamps, price.tolist(), strict=True)])
    cold = (2 + 3 * np.sin((hour - 9) / 24 * 2 * np.pi)).tolist()
    sun = (200.0 * np.isin(hour, (10, 11, 12, 13))).tolist()
    head = ("start_utc", "temperature_2m_c", "direct_radiation_w_m2")
    with weather.open("w", newline="") as file:
        csv.writer(file).writerows([head, *zip(stamps, cold, sun, strict=True)])
    return prices, weather


def run(capsys: pytest.CaptureFixture[str], weather: Path, *more: str) -> dict[str, object]:
    given = ["backtest", "--start", "2024-12-01", "--days", "1", "--houses", "2", "--workers", "1", "--json"]
    assert _main([*given, "--weather", str(weather), *more]) == 0
    told = capsys.readouterr()
    assert "days of all places: 2 of 2" in told.err
    found = json.loads(told.out)
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_five_controllers_live_the_same_days_and_a_constant_price_saves_only_energy(
    capsys: pytest.CaptureFixture[str], season: tuple[Path, Path], tmp_path: Path
) -> None:
    found = run(capsys, season[1], "--constant-price", "80", "--out", str(tmp_path / "out"))
    controllers = found["controllers"]
    assert isinstance(controllers, dict)
    assert list(controllers) == ["curve", "flat", "threshold", "plan", "perfect"]
    assert controllers["threshold"] == controllers["curve"], "no hour is cheaper than another"
    assert controllers["plan"] == controllers["curve"]
    assert controllers["flat"]["mean_room_c"] < controllers["curve"]["mean_room_c"] - 0.1
    assert found["saved_eur"] == pytest.approx(float(str(found["saved_kwh"])) * 0.08, abs=0.01)
    assert found["houses"] == 2
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == found
    page = (tmp_path / "out" / "report.html").read_text()
    assert "A usual day" in page
    assert "http" not in page, "a page that needs nothing from any network"


@pytest.mark.slow
def test_houses_that_nobody_moves_take_about_the_energy_around_freezing_that_a_plan_expects(
    monkeypatch: pytest.MonkeyPatch, season: tuple[Path, Path]
) -> None:
    monkeypatch.setattr(play_module, "CONTROLLERS", {"plan": CONTROLLERS["plan"]})
    _, weather = season
    off_pct = []
    for number in (1, 2):
        (start, end), *_ = days_from(date(2024, 12, 1), 1)
        local = weather_of(weather, start, end)[number]
        task = Task(local, number, [80.0] * 96, date(2024, 12, 1), days=1, houses=16, seed=1)
        off_pct.append(figures.of_forecasts(play(task)["plan"])["forecast_power_error_pct"])
    mean_pct = np.mean(np.array(off_pct, dtype=float))
    assert abs(mean_pct) < 5.0, "known by class; without circulating pumps, defrosts and rods it is -10 %"


def test_hourly_prices_are_spread_over_quarters_and_a_missing_hour_is_named(season: tuple[Path, Path]) -> None:
    (start, end), *_ = days_from(date(2024, 12, 1), 1)
    prices = prices_of(season[0], start, end)
    assert len(prices) == 96
    assert prices[32:36] == [190.0] * 4, "two hours' local time after 07:00 UTC"
    with pytest.raises(SeriesError, match=r"no price for 2024-12-06 00:00 UTC \(92 of 96"):
        prices_of(season[0], start + timedelta(days=5), end + timedelta(days=5))


def test_prices_are_read_as_a_source_sends_them(tmp_path: Path) -> None:
    answer = a_day_of_prices(date(2024, 12, 1))
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(answer))
    (start, end), *_ = days_from(date(2024, 12, 1), 1)
    assert prices_of(file, start, end) == answer["price"]
    file.write_text("a,b\n1,2\n")
    with pytest.raises(SeriesError, match="looks like no format that is known"):
        prices_of(file, start, end)


def test_two_prices_for_one_slot_are_no_series(season: tuple[Path, Path], tmp_path: Path) -> None:
    (start, end), *_ = days_from(date(2024, 12, 1), 1)
    file = tmp_path / "twice.csv"
    file.write_text(season[0].read_text() + "2024-12-01T05:00Z,1\n")
    with pytest.raises(SeriesError, match="two prices for 2024-12-01 05:00 UTC"):
        prices_of(file, start, end)


def test_a_place_strays_further_from_the_mean_than_the_country(season: tuple[Path, Path]) -> None:
    (start, end), *_ = days_from(date(2024, 12, 1), 1)
    places = weather_of(season[1], start, end)
    assert [local.place for local in places] == [place.name for place in PLACES]
    hourly = [json.loads(local.weather)["hourly"] for local in places]
    lowest = [min(one["temperature_2m"]) for one in hourly]
    assert lowest == sorted(lowest, reverse=True)
    assert min(min(one["shortwave_radiation"]) for one in hourly) >= 0


def test_an_answer_for_coordinates_is_one_place_and_must_cover_the_days(tmp_path: Path) -> None:
    (start, end), *_ = days_from(date(2024, 12, 1), 1)
    hours = [(start + timedelta(hours=n)).strftime("%Y-%m-%dT%H:%M") for n in range(26)]
    answer = {
        "latitude": 59.9, "longitude": 10.7, "utc_offset_seconds": 0,
        "hourly": {"time": hours, "temperature_2m": [1.0] * 26, "shortwave_radiation": [0.0] * 26},
    }  # fmt: skip
    file = tmp_path / "oslo.json"
    file.write_text(json.dumps(answer))
    (local,) = weather_of(file, start, end)
    assert local.place == "59.90, 10.70"
    answer["hourly"]["temperature_2m"][5] = None  # type: ignore[index]
    file.write_text(json.dumps(answer))
    with pytest.raises(SeriesError, match=r"no weather for 2024-12-01 04:00 UTC \(1 of 25"):
        weather_of(file, start, end)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--start", "2024-12-01"], "give --prices FILE or --constant-price"),
        (["--start", "yesterday", "--constant-price", "80"], "--start yesterday: is no date"),
        (["--start", "2025-06-01", "--constant-price", "80"], "no weather for 2025-05-31 22:00 UTC"),
    ],
)
def test_what_cannot_be_played_is_said_before_anything_is(
    capsys: pytest.CaptureFixture[str], season: tuple[Path, Path], given: list[str], said: str
) -> None:
    assert _main(["backtest", "--weather", str(season[1]), *given]) == 2
    assert said in capsys.readouterr().err


def played(cost_share: float, room_c: float, houses: int = 6) -> Played:
    """Houses of different sizes over two slots at 100 EUR/MWh."""
    size = np.arange(1.0, houses + 1)
    kwh, none = np.outer(size, [1.0, 1.0]) * cost_share, np.zeros(houses)
    room, unknown = np.full((houses, 2), room_c), np.full((houses, 2), np.nan)
    tank = np.zeros((houses, 2))
    return Played(
        np.full(2, 100.0), kwh, tank, unknown, room, unknown, none, none, none, none, none, kwh.max(axis=1),
        np.ones((houses, 2), dtype=np.int8), np.full((houses, 2), 20.0),
    )  # fmt: skip


def test_what_a_colder_room_saves_is_no_gain() -> None:
    curve, flat = played(1.0, 21.0), played(0.9, 20.0)
    per_kelvin = figures.per_kelvin_share(flat, curve)
    assert per_kelvin == pytest.approx(0.1)
    assert figures.gains_eur(played(0.95, 20.5), curve, per_kelvin) == pytest.approx(np.zeros(6), abs=1e-12)
    better = figures.gains_eur(played(0.95, 21.0), curve, per_kelvin)
    assert better == pytest.approx(0.05 * figures.costs_eur(curve))
    arms = figures.two_unsteered_arms(curve, 1)
    assert arms["low"] <= 0 <= arms["high"]
    interval = figures.interval(better, 1)
    assert interval["low"] < interval["mean"] < interval["high"]
