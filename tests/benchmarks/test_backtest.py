"""The backtest, on a season made up for the test: small, but with every part of the real one."""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.backtest import figures
from benchmarks.backtest import play as play_module
from benchmarks.backtest.__main__ import main
from benchmarks.backtest.controllers import CONTROLLERS
from benchmarks.backtest.life import Played
from benchmarks.backtest.play import Task, play
from benchmarks.backtest.season import PLACES, SeriesError, days_from, prices_of, write_weather

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


def run(capsys: pytest.CaptureFixture[str], season: tuple[Path, Path], *more: str) -> dict[str, object]:
    prices, weather = season
    given = ["--from", "2024-12-01", "--days", "1", "--houses", "2", "--workers", "1", "--json"]
    assert main([*given, "--prices", str(prices), "--weather", str(weather), *more]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_five_controllers_live_the_same_days_and_a_constant_price_saves_only_energy(
    capsys: pytest.CaptureFixture[str], season: tuple[Path, Path]
) -> None:
    found = run(capsys, season, "--constant-price", "80")
    controllers = found["controllers"]
    assert isinstance(controllers, dict)
    assert list(controllers) == ["curve", "flat", "threshold", "plan", "perfect"]
    assert controllers["threshold"] == controllers["curve"], "no hour is cheaper than another"
    assert controllers["plan"] == controllers["curve"]
    assert controllers["flat"]["mean_room_c"] < controllers["curve"]["mean_room_c"] - 0.1
    assert found["saved_eur"] == pytest.approx(float(str(found["saved_kwh"])) * 0.08, abs=0.01)
    assert found["houses"] == 2


@pytest.mark.slow
def test_houses_that_nobody_moves_take_about_the_energy_around_freezing_that_a_plan_expects(
    monkeypatch: pytest.MonkeyPatch, season: tuple[Path, Path]
) -> None:
    monkeypatch.setattr(play_module, "CONTROLLERS", {"plan": CONTROLLERS["plan"]})
    _, weather = season
    off_pct = []
    for number in (1, 2):
        task = Task(
            PLACES[number], number, None, constant_eur_per_mwh=80.0, fees_eur_per_mwh=0.0, weather=weather,
            first=date(2024, 12, 1), days=1, houses=16, seed=1,
        )  # fmt: skip
        off_pct.append(figures.of_forecasts(play(task)["plan"])["forecast_power_error_pct"])
    mean_pct = np.mean(np.array(off_pct, dtype=float))
    assert abs(mean_pct) < 5.0, "known by class; without circulating pumps, defrosts and rods it is -10 %"


def test_hourly_prices_are_spread_over_quarters_and_a_missing_hour_is_named(season: tuple[Path, Path]) -> None:
    (start, end), *_ = days_from(date(2024, 12, 1), 1)
    prices = prices_of(season[0], start, end)
    assert prices.resolution_min == 60
    assert len(prices.price_eur_per_mwh) == 96
    assert prices.price_eur_per_mwh[32:36] == (prices.price_eur_per_mwh[32],) * 4
    with pytest.raises(SeriesError, match="2024-12-06"):
        prices_of(season[0], start + timedelta(days=5), end + timedelta(days=5))


def test_a_place_strays_further_from_the_mean_than_the_country(season: tuple[Path, Path], tmp_path: Path) -> None:
    (start, end), *_ = days_from(date(2024, 12, 1), 1)
    lowest = []
    for place in PLACES:
        write_weather(season[1], place, start, end, tmp_path / "w.json")
        hourly = json.loads((tmp_path / "w.json").read_text())["hourly"]
        lowest.append(min(hourly["temperature_2m"]))
        assert min(hourly["shortwave_radiation"]) >= 0
    assert lowest == sorted(lowest, reverse=True)


def played(cost_share: float, room_c: float, houses: int = 6) -> Played:
    """Houses of different sizes over two slots at 100 EUR/MWh."""
    size = np.arange(1.0, houses + 1)
    kwh, none = np.outer(size, [1.0, 1.0]) * cost_share, np.zeros(houses)
    room, unknown = np.full((houses, 2), room_c), np.full((houses, 2), np.nan)
    tank = np.zeros((houses, 2))
    return Played(
        np.full(2, 100.0), kwh, tank, unknown, room, unknown, none, none, none, none, none, kwh.max(axis=1)
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
