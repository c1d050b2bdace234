"""MET Norway's Locationforecast: temperature and cloud cover by the hour, later every six hours; no radiation.

Protects: the service's terms (a User-Agent with a contact, few decimals, no request on the full hour); radiation made
from cloud cover says so in the series' source.
Wire format: GeoJSON Feature, {"geometry": {"coordinates": [lon, lat, m]}, "properties": {"timeseries": [{"time": "..Z",
"data": {"instant": {"details": {"air_temperature": 1.2, "cloud_area_fraction": 80.0}}}}]}}.

Radiation is the clear sky's by Haurwitz (1945), 1098 sin(h) exp(-0.057 / sin(h)) W/m2 at a sun h above the horizon,
times 1 - 0.75 c^3.4 at a cloud cover c by Kasten and Czeplak (1980); the sun's place is Spencer's (1971).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from market.areas import HOUR_S
from market.documents import finite_number, kind_of, read_object
from market.errors import BadDocument, refused
from market.judging.time_axis import EARLIEST_S, LATEST_S
from market.rows import RADIATION, TEMPERATURE, Question, WeatherColumn, WeatherDocument

SIX_HOURS_S = 6 * HOUR_S
MOST_ROWS = 1000
"""Ten days by the hour are 240."""
LONGEST_STEP_S = 24 * HOUR_S
STEPS_S = {"the hours": HOUR_S, "the six-hour steps": SIX_HOURS_S}
SAMPLES_PER_HOUR = 4


class MetNorway:
    """The public service; free, with terms. A `market.rows.WeatherFormat`."""

    name = "met-norway"
    url = "https://api.met.no"
    needs_contact = True
    jitter_s = 30.0

    def question(self, latitude: float, longitude: float, start_s: int, end_s: int) -> Question:  # noqa: ARG002
        """The request for a place's whole forecast; the service takes no times."""
        # A hundredth of a degree is a kilometre: homes of one neighbourhood ask for the same answer.
        place = {"lat": f"{latitude:.2f}", "lon": f"{longitude:.2f}"}
        return Question("/weatherapi/locationforecast/2.0/compact", place)

    def read(self, raw: bytes, origin: str) -> WeatherDocument:
        """The columns of an answer; raises `BadDocument`."""
        document = read_object(raw, origin)
        longitude, latitude = _place(document, origin)
        rows = _rows(document, origin)
        temperatures = [_temperature(rows, block, step_s) for block, step_s in STEPS_S.items()]
        radiation = _radiation(rows, latitude, longitude)
        columns = tuple(column for column in (*temperatures, radiation) if column.stamps_s)
        if {column.quantity for column in columns} != {TEMPERATURE, RADIATION}:
            raise refused(origin, "has no forecast by the hour", "fetch it again")
        source = f"{self.name} (radiation estimated from cloud cover)"
        return WeatherDocument(origin, source, latitude, longitude, columns)


FORMAT = MetNorway()


@dataclass(frozen=True)
class _Row:
    """One stamp of the forecast; raw values, None where there is none."""

    stamp_s: int
    temperature: object
    cloud_pct: float | None


def _place(document: dict[str, object], origin: str) -> tuple[float, float]:
    """Longitude and latitude."""
    geometry = document.get("geometry")
    found = geometry.get("coordinates") if isinstance(geometry, dict) else None
    degrees = [finite_number(value) for value in found[:2]] if isinstance(found, list) else []
    if len(degrees) != 2 or degrees[0] is None or degrees[1] is None:
        raise refused(origin, 'does not say its place ("geometry")', "give the forecast of one place")
    return degrees[0], degrees[1]


def _rows(document: dict[str, object], origin: str) -> list[_Row]:
    properties = document.get("properties")
    series = properties.get("timeseries") if isinstance(properties, dict) else None
    if not isinstance(series, list) or not 2 <= len(series) <= MOST_ROWS:
        raise refused(origin, 'has no forecast in "timeseries"', "fetch it again")
    rows = [_row(entry, number, origin) for number, entry in enumerate(series, 1)]
    for before, after in pairwise(rows):
        if after.stamp_s <= before.stamp_s:
            raise refused(origin, 'has times that do not ascend in "timeseries"', "fetch it again")
        if after.stamp_s - before.stamp_s > LONGEST_STEP_S:
            raise refused(origin, 'has a gap of more than a day in "timeseries"', "fetch it again")
    return rows


def _row(entry: object, number: int, origin: str) -> _Row:
    text = entry.get("time") if isinstance(entry, dict) else None
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        stamp_s = int(moment.timestamp()) if moment is not None and moment.tzinfo is not None else -1
    except (ValueError, OverflowError):
        stamp_s = -1
    if not EARLIEST_S <= stamp_s < LATEST_S or stamp_s % HOUR_S:
        raise refused(origin, f'holds {kind_of(text)} as "time" of row {number}', "a full hour in UTC is needed")
    details = _details(entry, number, origin)
    cloud_pct = finite_number(details.get("cloud_area_fraction"))
    return _Row(
        stamp_s, details.get("air_temperature"), cloud_pct if cloud_pct is not None and 0 <= cloud_pct <= 100 else None
    )


def _details(entry: object, number: int, origin: str) -> dict[str, object]:
    found: object = entry
    for key in ("data", "instant", "details"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise BadDocument(f'{origin} has no "data.instant.details" in row {number}; fetch it again.', origin)
    return found


def _temperature(rows: Sequence[_Row], block: str, step_s: int) -> WeatherColumn:
    """The first unbroken stretch of temperatures of a step; later rows are further apart."""
    on_grid = [row for row in rows if row.stamp_s % step_s == 0]
    count = 1
    while count < len(on_grid) and on_grid[count].stamp_s - on_grid[count - 1].stamp_s == step_s:
        count += 1
    kept = on_grid[:count] if count > 1 else []
    stamps, values = [row.stamp_s for row in kept], [row.temperature for row in kept]
    return WeatherColumn(TEMPERATURE, "air_temperature", block, step_s, False, stamps, values)


def _radiation(rows: Sequence[_Row], latitude: float, longitude: float) -> WeatherColumn:
    """Hourly means from cloud cover, which is taken linearly between rows; None where a row has no cloud cover."""
    stamps: list[int] = []
    values: list[object] = []
    for before, after in pairwise(rows):
        for end_s in range(before.stamp_s + HOUR_S, after.stamp_s + 1, HOUR_S):
            share = (end_s - HOUR_S // 2 - before.stamp_s) / (after.stamp_s - before.stamp_s)
            stamps.append(end_s)
            if before.cloud_pct is None or after.cloud_pct is None:
                values.append(None)
                continue
            cloud = ((1 - share) * before.cloud_pct + share * after.cloud_pct) / 100
            clear = _clear_sky_w_per_m2(end_s - HOUR_S, latitude, longitude)
            values.append(round(clear * (1 - 0.75 * cloud**3.4), 1))
    # The hour before the first row has no cloud cover: its stamp only says where the first hour begins.
    first = [rows[0].stamp_s] if stamps else []
    return WeatherColumn(
        RADIATION, "radiation from cloud_area_fraction", "the hours", HOUR_S, True, first + stamps, [None, *values]
    )


def _clear_sky_w_per_m2(start_s: int, latitude: float, longitude: float) -> float:
    """Mean of an hour of clear sky."""
    samples = [start_s + HOUR_S * (2 * n + 1) // (2 * SAMPLES_PER_HOUR) for n in range(SAMPLES_PER_HOUR)]
    heights = [_sine_of_sun(sample_s, latitude, longitude) for sample_s in samples]
    return sum(1098 * h * math.exp(-0.057 / h) for h in heights if h > 0.01) / SAMPLES_PER_HOUR


def _sine_of_sun(instant_s: int, latitude: float, longitude: float) -> float:
    """Sine of the sun's height above the horizon."""
    moment = datetime.fromtimestamp(instant_s, tz=UTC)
    hours = moment.hour + moment.minute / 60 + moment.second / 3600
    year = 2 * math.pi * (moment.timetuple().tm_yday - 1 + hours / 24) / 365
    declination = (
        0.006918 - 0.399912 * math.cos(year) + 0.070257 * math.sin(year) - 0.006758 * math.cos(2 * year)
        + 0.000907 * math.sin(2 * year) - 0.002697 * math.cos(3 * year) + 0.00148 * math.sin(3 * year)
    )  # fmt: skip
    equation_min = 229.18 * (
        0.000075 + 0.001868 * math.cos(year) - 0.032077 * math.sin(year)
        - 0.014615 * math.cos(2 * year) - 0.040849 * math.sin(2 * year)
    )  # fmt: skip
    hour_angle = math.radians(15 * (hours + longitude / 15 + equation_min / 60 - 12))
    place = math.radians(latitude)
    return math.sin(place) * math.sin(declination) + math.cos(place) * math.cos(declination) * math.cos(hour_angle)
