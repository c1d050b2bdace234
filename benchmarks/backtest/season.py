"""The real series of a season on quarter-hours, and the places that one country's mean weather is spread to.

Files are CSV: `start_utc,price_eur_mwh`, and `start_utc,temperature_2m_c,direct_radiation_w_m2` by the hour. The mean
of a country is milder than any place in it, so places stray further from the season's mean than it does.

Invariant: a day without a price or weather for one of its slots is an error that names it, never a guess.
"""

import csv
import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from domain.planning.series import WholesalePrices
from domain.slots import SLOT, market_day_bounds

TZ = ZoneInfo("Europe/Berlin")
PRICE_AREA = "DE-LU"
HOUR_S = 3600
LATITUDE_DEG, LONGITUDE_DEG = 50.0, 10.0
SOLAR_CONSTANT_W_M2 = 1361.0
DIFFUSE_SHARE = 0.2
"""Diffuse light as a share of what arrives above the atmosphere: the file holds direct radiation only."""


@dataclass(frozen=True)
class Place:
    """A weather cell."""

    name: str
    colder_k: float
    wider: float
    """Its temperature strays this many times as far from the season's mean as the country's."""


PLACES = (Place("coast", -1.0, 0.8), Place("plain", 0.0, 1.1), Place("hills", 2.0, 1.3), Place("alps", 4.0, 1.8))
"""In the winter of 2024/25 the last of them falls below -14 C where the country's mean stays above -5 C."""


class SeriesError(Exception):
    """A series does not hold what is asked of it. The message is one sentence."""


def prices_of(file: Path, start: datetime, end: datetime) -> WholesalePrices:
    """The prices of a file on the slots from `start` to `end`; raises SeriesError."""
    rows = {moment: float(row["price_eur_mwh"]) for moment, row in _rows(file, start - timedelta(hours=1), end)}
    slots = [start + i * SLOT for i in range((end - start) // SLOT)]
    on_slots = []
    for slot in slots:
        price = rows.get(slot, rows.get(slot.replace(minute=0)) if slot not in rows else None)
        if price is None:
            raise SeriesError(f"{file} holds no price for {slot:%F %H:%M} UTC")
        on_slots.append(price)
    return WholesalePrices(
        price_area=PRICE_AREA,
        source=f"file {file.name}",
        resolution_min=15 if any(moment.minute for moment in rows) else 60,
        start=start,
        price_eur_per_mwh=tuple(on_slots),
    )


def flat_prices(price_eur_per_mwh: float, start: datetime, end: datetime) -> WholesalePrices:
    """One price for every slot."""
    slots = (end - start) // SLOT
    return WholesalePrices(
        price_area=PRICE_AREA, source="constant", resolution_min=15, start=start,
        price_eur_per_mwh=(price_eur_per_mwh,) * slots,
    )  # fmt: skip


def write_weather(file: Path, place: Place, start: datetime, end: datetime, into: Path) -> None:
    """A place's weather as the simulator reads it (Open-Meteo's form); raises SeriesError."""
    rows = _rows(file, start - timedelta(days=4), end + timedelta(days=2))
    moments = [int(moment.timestamp()) for moment, _ in rows]
    if not moments or moments[0] > start.timestamp() or moments[-1] < end.timestamp():
        raise SeriesError(f"{file} does not cover {start:%F} to {end:%F}")
    temperature = np.array([float(row["temperature_2m_c"]) for _, row in rows])
    mean = temperature.mean()
    radiation = [
        float(row["direct_radiation_w_m2"]) + DIFFUSE_SHARE * _above_the_air_w_m2(moment - HOUR_S // 2)
        for moment, (_, row) in zip(moments, rows, strict=True)
    ]
    hourly = {
        "time": moments,
        "temperature_2m": (mean - place.colder_k + place.wider * (temperature - mean)).tolist(),
        "shortwave_radiation": radiation,
    }
    into.write_text(json.dumps({"hourly": hourly}), encoding="utf-8")


def days_from(first: date, count: int) -> list[tuple[datetime, datetime]]:
    """Bounds of market days, UTC."""
    return [market_day_bounds(first + timedelta(days=i), TZ) for i in range(count)]


def _rows(file: Path, start: datetime, end: datetime) -> list[tuple[datetime, dict[str, str]]]:
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            stamped = [
                (datetime.fromisoformat(row["start_utc"]).astimezone(UTC), row) for row in csv.DictReader(opened)
            ]
    except (OSError, KeyError, ValueError) as broken:
        raise SeriesError(f"{file} is no series with a column start_utc: {broken}") from broken
    return [(moment, row) for moment, row in stamped if start <= moment < end]


def _above_the_air_w_m2(moment_s: int) -> float:
    """Radiation on a level surface above the atmosphere: the solar constant times the sine of the sun's height."""
    days = moment_s / 86400
    declination = math.radians(-23.44) * math.cos(2 * math.pi * (days + 10) / 365.2425)
    hour_angle = 2 * math.pi * (days + LONGITUDE_DEG / 360 - 0.5)
    latitude = math.radians(LATITUDE_DEG)
    height = math.sin(latitude) * math.sin(declination)
    height += math.cos(latitude) * math.cos(declination) * math.cos(hour_angle)
    return SOLAR_CONSTANT_W_M2 * max(height, 0.0)
