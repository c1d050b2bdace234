"""The weather of one cell: what is forecast, and the truth that deviates from it a little.

Protects: forecast = truth + a small smooth seeded error at every moment, inside and outside a given file,
without a jump at the file's edges.
"""

import json
import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from simulator.seeded import bell, share, smooth

HOUR_S = 3600.0
DAY_S = 86400.0
_ERROR_K = 0.8
_EDGE_S = 12 * HOUR_S


@dataclass(frozen=True)
class Series:
    """Values at increasing moments (Unix seconds), read by straight lines."""

    at_s: tuple[float, ...]
    values: tuple[float, ...]

    def covers(self, moment_s: float) -> bool:
        return bool(self.at_s) and self.at_s[0] <= moment_s <= self.at_s[-1]

    def value(self, moment_s: float) -> float:
        """The value at a covered moment; beyond the ends the last one holds."""
        right = bisect_right(self.at_s, moment_s)
        if right == 0:
            return self.values[0]
        if right == len(self.at_s):
            return self.values[-1]
        left_s, right_s = self.at_s[right - 1], self.at_s[right]
        weight = (moment_s - left_s) / (right_s - left_s)
        return self.values[right - 1] * (1.0 - weight) + self.values[right] * weight


@dataclass(frozen=True)
class WeatherFile:
    """An Open-Meteo answer: temperatures at the hour, radiation as the mean of the hour before."""

    temperature_c: Series
    radiation_w_m2: Series
    """Means, placed in the middle of their hour."""
    verbatim: dict[str, dict[int, float]]
    """The file's own numbers by variable and Unix second of their stamp."""


def read_weather_file(path: Path) -> WeatherFile:
    """Read an Open-Meteo answer with hourly values; raises ValueError with a sentence."""
    try:
        answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        hourly = answer["hourly"]
        zone = timezone(timedelta(seconds=int(answer.get("utc_offset_seconds", 0))))
        stamps = [_stamp_s(moment, zone) for moment in hourly["time"]]
        columns = {name: hourly[name] for name in ("temperature_2m", "shortwave_radiation")}
    except (OSError, json.JSONDecodeError, KeyError, TypeError, ValueError) as broken:
        raise ValueError(f"{path} is not an Open-Meteo answer with hourly values: {broken!r}") from broken
    known = {
        name: {stamp: float(value) for stamp, value in zip(stamps, column, strict=True) if value is not None}
        for name, column in columns.items()
    }
    if not known["temperature_2m"] or not known["shortwave_radiation"]:
        raise ValueError(f"{path} holds no hourly temperatures or no radiation")
    warm, sun = known["temperature_2m"], known["shortwave_radiation"]
    return WeatherFile(
        Series(tuple(float(stamp) for stamp in warm), tuple(warm.values())),
        Series(tuple(stamp - HOUR_S / 2 for stamp in sun), tuple(sun.values())),
        known,
    )


def _stamp_s(moment: object, zone: timezone) -> int:
    """Unix seconds of a stamp; naive text is local time at the answer's one fixed offset, never a DST zone."""
    if isinstance(moment, int):
        return moment
    parsed = datetime.fromisoformat(str(moment))
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).timestamp())


class Weather:
    """Forecast and truth of temperature (degrees C) and global radiation (W/m2, horizontal)."""

    def __init__(
        self, seed: int, latitude: float = 50.0, longitude: float = 10.0, file: WeatherFile | None = None
    ) -> None:
        self._seed = seed
        self._sin_latitude = math.sin(math.radians(latitude))
        self._cos_latitude = math.cos(math.radians(latitude))
        self._longitude = longitude
        self.file = file
        self._day = lru_cache(maxsize=64)(self._draw_day)

    def truth(self, moment_s: float) -> tuple[float, float]:
        """Outdoor temperature and radiation as they really are."""
        error_k = _ERROR_K * smooth(moment_s / (6 * HOUR_S), self._seed, "forecast-error")
        dimming = 1.0 + 0.12 * smooth(moment_s / (2 * HOUR_S), self._seed, "cloud-error")
        return self.forecast_temperature_c(moment_s) - error_k, self.forecast_radiation_w_m2(moment_s) * dimming

    def forecast_temperature_c(self, moment_s: float) -> float:
        """What the forecast says, at a moment."""
        generated = self._generated_temperature_c(moment_s)
        if self.file is None:
            return generated
        series = self.file.temperature_c
        if series.covers(moment_s):
            return series.value(moment_s)
        # Outside the file the generated weather is bent towards the file's last value, so that no front is invented.
        edge_s = series.at_s[0] if moment_s < series.at_s[0] else series.at_s[-1]
        bend_k = series.value(edge_s) - self._generated_temperature_c(edge_s)
        return generated + bend_k * math.exp(-abs(moment_s - edge_s) / (2 * _EDGE_S))

    def forecast_radiation_w_m2(self, moment_s: float) -> float:
        """What the forecast says, at a moment."""
        if self.file is not None and self.file.radiation_w_m2.covers(moment_s):
            return self.file.radiation_w_m2.value(moment_s)
        return self._generated_radiation_w_m2(moment_s)

    def forecast_radiation_mean_w_m2(self, start_s: float, end_s: float) -> float:
        """Mean of the forecast radiation over a span, as Open-Meteo gives it for the span before a stamp."""
        steps = max(1, int((end_s - start_s) // 900))
        width_s = (end_s - start_s) / steps
        return sum(self.forecast_radiation_w_m2(start_s + (i + 0.5) * width_s) for i in range(steps)) / steps

    def _generated_temperature_c(self, moment_s: float) -> float:
        """Climatology near 50 N, a wave of several days, and a daily swing that clouds flatten."""
        days = moment_s / DAY_S
        season = math.cos(2 * math.pi * (days - 17.5) / 365.2425)  # +1 in mid January (day 0 is 1 January 1970)
        wave_k = 1.6 * smooth(days / 2.5, self._seed, "front") + 1.0 * smooth(days / 9.0, self._seed, "mass")
        noon = days + self._longitude / 360.0
        swing_k = self._day(int(noon))[0] * (1 - noon % 1) + self._day(int(noon) + 1)[0] * (noon % 1)
        return 10.0 - 8.0 * season + wave_k + swing_k * math.cos(2 * math.pi * (noon - 14.5 / 24.0))

    def _generated_radiation_w_m2(self, moment_s: float) -> float:
        """Clear sky after Haurwitz, dimmed by cloud cover after Kasten and Czeplak."""
        days = moment_s / DAY_S
        declination = math.radians(-23.44) * math.cos(2 * math.pi * (days + 10.0) / 365.2425)
        hour_angle = 2 * math.pi * (days + self._longitude / 360.0 - 0.5)
        height = self._sin_latitude * math.sin(declination)
        height += self._cos_latitude * math.cos(declination) * math.cos(hour_angle)
        if height <= 0.01:
            return 0.0
        drift = 0.15 * smooth(moment_s / (2 * HOUR_S), self._seed, "cloud")
        cover = max(0.0, min(1.0, self._day(int(days))[1] + drift))
        return float(1098.0 * height * math.exp(-0.057 / height) * (1.0 - 0.75 * cover**3.4))

    def _draw_day(self, day: int) -> tuple[float, float]:
        """Half of the daily swing in K and the cloud cover of a day."""
        season = math.cos(2 * math.pi * (day - 17.5) / 365.2425)
        cover = min(1.0, max(0.0, 0.62 + 0.16 * season + 0.3 * bell(self._seed, "cover", day)))
        swing_k = (3.6 - 1.4 * season) * (1.25 - 0.75 * cover)
        return swing_k * (0.85 + 0.3 * share(self._seed, "swing", day)), cover


def instant(moment_s: float) -> datetime:
    """A Unix second as an aware datetime."""
    return datetime.fromtimestamp(moment_s, tz=UTC)
