"""The weather's truth and its forecast: plausible, close to each other, without jumps, and true to a file."""

import json
import math
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from simulator.physics.weather import HOUR_S, Weather, read_weather_file

JANUARY = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
JULY = datetime(2026, 7, 1, tzinfo=UTC).timestamp()


def a_file(folder: Path, temperatures: list[float | None]) -> Path:
    file = folder / "weather.json"
    hours = {
        "time": [f"2026-01-15T{hour:02d}:00" for hour in range(len(temperatures))],
        "temperature_2m": temperatures,
        "shortwave_radiation": [100.0 * max(0, 4 - abs(hour - 12)) for hour in range(len(temperatures))],
    }
    file.write_text(json.dumps({"utc_offset_seconds": 3600, "timezone": "Europe/Berlin", "hourly": hours}))
    return file


def test_the_forecast_misses_the_truth_by_about_0_7_kelvin() -> None:
    weather = Weather(3)
    errors = [
        weather.forecast_temperature_c(JANUARY + hour * HOUR_S) - weather.truth(JANUARY + hour * HOUR_S)[0]
        for hour in range(24 * 60)
    ]
    rms = math.sqrt(sum(error * error for error in errors) / len(errors))
    assert 0.5 < rms < 0.9
    assert max(abs(b - a) for a, b in pairwise(errors)) < 1.2


def test_winters_are_cold_and_dark_and_summers_warm_and_bright() -> None:
    means = {}
    for name, start in (("winter", JANUARY), ("summer", JULY)):
        truths = [
            weather.truth(start + hour * HOUR_S) for weather in map(Weather, range(5)) for hour in range(0, 1440, 5)
        ]
        means[name] = [sum(column) / len(truths) for column in zip(*truths, strict=True)]
    assert 0 < means["winter"][0] < 4
    assert 15 < means["summer"][0] < 21
    assert 15 < means["winter"][1] < 60 < 150 < means["summer"][1] < 300


def test_nights_are_dark_and_afternoons_warmer_than_mornings() -> None:
    weather = Weather(4)
    warmer = 0
    for day in range(60):
        midnight = JANUARY + day * 24 * HOUR_S
        assert weather.truth(midnight)[1] == 0.0
        warmer += weather.truth(midnight + 14 * HOUR_S)[0] > weather.truth(midnight + 5 * HOUR_S)[0]
    assert warmer > 45


def test_a_files_hours_are_local_at_its_own_offset(tmp_path: Path) -> None:
    weather = Weather(3, file=read_weather_file(a_file(tmp_path, [float(hour) for hour in range(24)])))
    at_10_utc = datetime(2026, 1, 15, 10, tzinfo=UTC).timestamp()
    assert weather.forecast_temperature_c(at_10_utc) == 11.0
    assert weather.forecast_temperature_c(at_10_utc + 900) == 11.25
    assert abs(weather.truth(at_10_utc)[0] - 11.0) < 3.0
    # Radiation at 12:00 local is the mean of the hour before: it belongs to 11:30 local, 10:30 UTC.
    assert weather.forecast_radiation_w_m2(at_10_utc + 1800) == 400.0


def test_weather_does_not_jump_at_the_edges_of_a_file(tmp_path: Path) -> None:
    weather = Weather(3, file=read_weather_file(a_file(tmp_path, [-9.0] * 24)))
    start = datetime(2026, 1, 13, tzinfo=UTC).timestamp()
    values = [weather.truth(start + quarter * 900)[0] for quarter in range(96 * 5)]
    assert max(abs(b - a) for a, b in pairwise(values)) < 0.8


def test_holes_in_a_file_are_bridged(tmp_path: Path) -> None:
    weather = Weather(3, file=read_weather_file(a_file(tmp_path, [0.0, None, 4.0, 4.0])))
    assert weather.forecast_temperature_c(datetime(2026, 1, 15, tzinfo=UTC).timestamp()) == 2.0


@pytest.mark.parametrize("text", ["", "{}", '{"hourly": {"time": ["2026-01-15T00:00"], "temperature_2m": [1.0]}}'])
def test_a_file_that_is_no_weather_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "weather.json"
    file.write_text(text)
    with pytest.raises(ValueError, match="Open-Meteo"):
        read_weather_file(file)
