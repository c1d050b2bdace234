"""The prices and the weather of a season on quarter-hours, and the places that a country's mean weather is spread to.

Prices: any answer of a price source that `market` reads, or its CSV (`start_utc,price_eur_mwh`). Weather: an answer of
Open-Meteo, which is lived in at its one place; or CSV by the hour, `start_utc,temperature_2m_c` with
`direct_radiation_w_m2` or `global_radiation_w_m2`, taken for the mean of a country: that is milder than any place in
it, so places stray further from the season's mean than it does.

Invariant: a day without a price or weather for one of its slots is an error that names it, never a guess.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from domain.slots import SLOT, market_day_bounds
from market.areas import area_of
from market.checking import recognised
from market.documents import finite_number
from market.errors import BadDocument
from market.files import read_file
from market.rows import PriceDocument

TZ = ZoneInfo("Europe/Berlin")
PRICE_AREA = "DE-LU"
HOUR_S = 3600
LATITUDE_DEG, LONGITUDE_DEG = 50.0, 10.0
SOLAR_CONSTANT_W_M2 = 1361.0
DIFFUSE_SHARE = 0.2
"""Diffuse light as a share of what arrives above the atmosphere, where a file holds direct radiation only."""
TEMPERATURE, DIRECT, GLOBAL = "temperature_2m_c", "direct_radiation_w_m2", "global_radiation_w_m2"


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


@dataclass(frozen=True)
class Local:
    """A place and its weather, as an answer of Open-Meteo with hourly values (the simulator's form)."""

    place: str
    weather: str


def days_from(first: date, count: int) -> list[tuple[datetime, datetime]]:
    """Bounds of market days, UTC."""
    return [market_day_bounds(first + timedelta(days=i), TZ) for i in range(count)]


def prices_of(file: Path, start: datetime, end: datetime) -> list[float]:
    """EUR/MWh of the slots from `start` to `end`; raises SeriesError."""
    try:
        raw = read_file(file)
        found = recognised(raw, str(file))
        document = found.read(raw, str(file), area_of(PRICE_AREA))
    except BadDocument as error:
        raise SeriesError(str(error)) from error
    on_slots = _on_slots(document, start, end)
    slots = [start + n * SLOT for n in range((end - start) // SLOT)]
    missing = [slot for slot in slots if slot not in on_slots]
    if missing:
        raise SeriesError(
            f"{file} holds no price for {missing[0]:%F %H:%M} UTC ({len(missing)} of {len(slots)} quarter-hours "
            f"from {start:%F} to {end:%F} are missing): give other days (--start, --days) or another file"
        )
    return [on_slots[slot] for slot in slots]


def _on_slots(document: PriceDocument, start: datetime, end: datetime) -> dict[datetime, float]:
    """Prices by slot; a row holds until the next, for an hour at most."""
    starts = sorted({row.start_s for row in document.rows})
    next_s = dict(pairwise(starts))
    found: dict[datetime, float] = {}
    for row in document.rows:
        price = finite_number(row.price)
        if price is None:
            continue
        lasts_s = row.step_s or min(HOUR_S, next_s.get(row.start_s, row.start_s + HOUR_S) - row.start_s)
        for slot_s in range(row.start_s, row.start_s + lasts_s, int(SLOT.total_seconds())):
            slot = datetime.fromtimestamp(slot_s, tz=UTC)
            if not start <= slot < end:
                continue
            if found.setdefault(slot, price) != price:
                raise SeriesError(f"{document.origin} holds two prices for {slot:%F %H:%M} UTC: give a file with one")
    return found


def weather_of(file: Path, start: datetime, end: datetime) -> list[Local]:
    """The places that are lived in and their weather; raises SeriesError."""
    try:
        raw = read_file(file)
    except BadDocument as error:
        raise SeriesError(str(error)) from error
    if raw.lstrip().startswith(b"{"):
        return [_one_place(file, raw, start, end)]
    rows = list(_rows(file, raw, start - timedelta(days=4), end + timedelta(days=2)))
    _must_cover(file, [moment for moment, _ in rows], start, end)
    return [Local(place.name, _spread(rows, place)) for place in PLACES]


def _one_place(file: Path, raw: bytes, start: datetime, end: datetime) -> Local:
    try:
        answer = json.loads(raw)
        offset_s, hourly = int(answer.get("utc_offset_seconds", 0)), answer["hourly"]
        moments = [_moment(stamp, offset_s) for stamp in hourly["time"]]
        columns = [hourly["temperature_2m"], hourly["shortwave_radiation"]]
        name = f"{float(answer['latitude']):.2f}, {float(answer['longitude']):.2f}"
        whole = [
            moment for moment, *values in zip(moments, *columns, strict=True) if None not in values
        ]  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise SeriesError(f"{file} is no answer of Open-Meteo with hourly values ({broken!r}): give one") from broken
    _must_cover(file, whole, start, end)
    return Local(name, raw.decode())


def _moment(stamp: object, offset_s: int) -> datetime:
    if isinstance(stamp, int):
        return datetime.fromtimestamp(stamp, tz=UTC)
    read = datetime.fromisoformat(str(stamp))
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC) - timedelta(seconds=offset_s)


def _must_cover(file: Path, moments: Sequence[datetime], start: datetime, end: datetime) -> None:
    wanted = {start + timedelta(hours=n) for n in range(int((end - start) / timedelta(hours=1)) + 1)}
    missing = sorted(wanted - set(moments))
    if missing:
        raise SeriesError(
            f"{file} holds no weather for {missing[0]:%F %H:%M} UTC ({len(missing)} of {len(wanted)} hours "
            f"from {start:%F} to {end:%F} are missing): give other days (--start, --days) or another file"
        )


def _rows(file: Path, raw: bytes, start: datetime, end: datetime) -> Iterator[tuple[datetime, tuple[float, float]]]:
    """Temperature, and radiation on a level surface, by the hour."""
    try:
        for row in csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))):
            moment = datetime.fromisoformat(row["start_utc"]).astimezone(UTC)
            if not start <= moment < end:
                continue
            if GLOBAL in row:
                sun = float(row[GLOBAL])
            else:
                sun = float(row[DIRECT]) + DIFFUSE_SHARE * _above_the_air_w_m2(int(moment.timestamp()) - HOUR_S // 2)
            yield moment, (float(row[TEMPERATURE]), sun)
    except (KeyError, ValueError, TypeError) as broken:
        raise SeriesError(
            f"{file} is no table of weather by the hour ({broken!r}): the columns start_utc, {TEMPERATURE} and "
            f"{DIRECT} or {GLOBAL} are needed"
        ) from broken


def _spread(rows: Sequence[tuple[datetime, tuple[float, float]]], place: Place) -> str:
    temperature = np.array([values[0] for _, values in rows])
    mean = temperature.mean()
    hourly = {
        "time": [int(moment.timestamp()) for moment, _ in rows],
        "temperature_2m": (mean - place.colder_k + place.wider * (temperature - mean)).tolist(),
        "shortwave_radiation": [values[1] for _, values in rows],
    }
    return json.dumps({"hourly": hourly})


def _above_the_air_w_m2(moment_s: int) -> float:
    """Radiation on a level surface above the atmosphere: the solar constant times the sine of the sun's height."""
    days = moment_s / 86400
    declination = math.radians(-23.44) * math.cos(2 * math.pi * (days + 10) / 365.2425)
    hour_angle = 2 * math.pi * (days + LONGITUDE_DEG / 360 - 0.5)
    latitude = math.radians(LATITUDE_DEG)
    height = math.sin(latitude) * math.sin(declination)
    height += math.cos(latitude) * math.cos(declination) * math.cos(hour_angle)
    return SOLAR_CONSTANT_W_M2 * max(height, 0.0)
