"""Weather as Open-Meteo forecasts it: outdoor temperature and radiation on slots, from bytes or the network.

Protects: every slot's weather lies between two published values of the right place; nothing is extrapolated.

A temperature is of the very moment it is stamped with. A slot's mean is taken at the slot's middle, linearly between
the rows around it. Radiation is the mean over the hour (or quarter-hour) that ENDS at its stamp, so a slot takes the
value of the first row at or after its end, unchanged: the energy of the hour is kept. Either way rows t0..tn cover the
time from t0 to tn, and no more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx

from domain.planning.series import WeatherSeries
from market.areas import Area, area_of, place_of
from market.documents import (
    Document,
    clip,
    column,
    finite_number,
    kind_of,
    named,
    read_object,
    same_length,
    source_text,
)
from market.errors import SourceUnavailable, refused
from market.http import address_of, get_document, reason_of, shown
from market.local_times import instants_of
from market.time_axis import HOUR_S, SLOT_S, judge_even, judge_order, step_of

OPEN_METEO_URL = "https://api.open-meteo.com"
SOURCE = "open-meteo"
DEFAULT_ZONE = "DE-LU"
BLOCKS = {"minutely_15": SLOT_S, "hourly": HOUR_S}
"""Blocks by preference, with the seconds between their rows."""


@dataclass(frozen=True)
class Quantity:
    """A column we use: its name, the spellings of its unit, and what is possible."""

    name: str
    unit: str
    spellings: frozenset[str]
    lowest: float
    highest: float


TEMPERATURE = Quantity("temperature_2m", "°C", frozenset({"°c", "c", "celsius"}), -60.0, 60.0)
RADIATION = Quantity("shortwave_radiation", "W/m²", frozenset({"w/m²", "w/m2", "w/m^2"}), 0.0, 1500.0)
# Radiation beyond the sun's own 1361 W/m2 occurs for minutes at the edges of clouds, never as a mean of 1500.


@dataclass(frozen=True)
class _Rows:
    """One quantity's rows, evenly spaced."""

    quantity: Quantity
    start_s: int
    step_s: int
    values: list[object]
    origin: str
    tz: ZoneInfo

    def at(self, index: int) -> float:
        """The row's value; raises `BadDocument` where it is null, no number or impossible."""
        stamp = named(self.start_s + index * self.step_s, self.tz)
        value, quantity = self.values[index], self.quantity
        number = finite_number(value)
        if number is None:
            raise refused(self.origin, f"holds {kind_of(value)} as {quantity.name} of {stamp}", "fetch it again")
        if not quantity.lowest <= number <= quantity.highest:
            raise refused(
                self.origin,
                f"has {number:g} {quantity.unit} as {quantity.name} of {stamp}, "
                f"outside {quantity.lowest:g} to {quantity.highest:g}",
                "check its unit and the row",
            )
        return number

    def mean_between_moments(self, slot_s: int) -> float:
        """Mean over a slot of values that hold at a moment."""
        since = slot_s + SLOT_S // 2 - self.start_s
        index, share = since // self.step_s, (since % self.step_s) / self.step_s
        return (1 - share) * self.at(index) + share * self.at(index + 1)

    def mean_until_stamp(self, slot_s: int) -> float:
        """Mean over a slot of values that are means up to their stamp."""
        return self.at((slot_s - self.start_s) // self.step_s + 1)


def parse_weather(
    raw: bytes,
    origin: str,
    cell: str,
    first_slot: datetime,
    slots: int,
    zone: str = DEFAULT_ZONE,
    source: str | None = None,
) -> WeatherSeries:
    """Weather for [first_slot, first_slot + slots); raises `BadDocument`.

    `first_slot` is aware and on a slot's edge; both the cell and the document's place must lie in the price area.
    """
    first_s = int(first_slot.timestamp())
    if first_s % SLOT_S or slots < 1:
        raise ValueError(f"weather is asked for whole slots, not for {slots} from {first_slot.isoformat()}")
    area = area_of(zone)
    place_of(cell, area)
    document = read_object(raw, origin)
    _judge_place(document, origin, area)
    need = range(first_s, first_s + slots * SLOT_S, SLOT_S)
    temperature = _rows_of(document, TEMPERATURE, need, origin, area.tz)
    radiation = _rows_of(document, RADIATION, need, origin, area.tz)
    return WeatherSeries(
        cell=cell,
        source=source_text(document, source or SOURCE),
        start=first_slot,
        outdoor_c=_over(need, temperature.mean_between_moments),
        radiation_w_per_m2=_over(need, radiation.mean_until_stamp),
    )


def _over(need: range, mean: Callable[[int], float]) -> tuple[float, ...]:
    return tuple(mean(slot_s) for slot_s in need)


def _judge_place(document: Document, origin: str, area: Area) -> None:
    place: list[float] = []
    for key in ("latitude", "longitude"):
        degrees = finite_number(document.get(key))
        if degrees is None:
            what = f'holds {kind_of(document[key])} as "{key}"' if key in document else f'has no "{key}"'
            raise refused(origin, what, "give the forecast of one place")
        place.append(degrees)
    if not area.holds(*place):
        raise refused(
            origin,
            f"is of latitude {place[0]:g}, longitude {place[1]:g}, outside price area {area.zone} ({area.box})",
            "fetch the forecast of a place in the area",
        )


def _rows_of(document: Document, quantity: Quantity, need: range, origin: str, tz: ZoneInfo) -> _Rows:
    """The quantity's judged rows out of the finest block that has them; raises `BadDocument`."""
    for name, step_s in BLOCKS.items():
        block = document.get(name)
        if not isinstance(block, dict) or _is_void(block.get(quantity.name)):
            continue
        times = column(block, "time", origin, name)
        values = column(block, quantity.name, origin, name)
        same_length(origin, f"{name}.time", len(times), f"{name}.{quantity.name}", values)
        _judge_unit(document, name, quantity, origin)
        instants = instants_of(times, document, f"{name}.time", origin)
        _judge_axis(instants, step_s, name, origin, tz)
        _judge_cover(instants, need, origin, tz)
        return _Rows(quantity, instants[0], step_s, values, origin, tz)
    raise refused(
        origin,
        f'has no column "{quantity.name}" with values in "minutely_15" or "hourly"',
        f"fetch it with hourly={TEMPERATURE.name},{RADIATION.name}",
    )


def _is_void(values: object) -> bool:
    # The service sends a quarter-hourly column of nulls where it has none for the place.
    return values is None or (isinstance(values, list) and all(value is None for value in values))


def _judge_unit(document: Document, block: str, quantity: Quantity, origin: str) -> None:
    units = document.get(f"{block}_units")
    unit = units.get(quantity.name) if isinstance(units, dict) else None
    if unit is None:
        raise refused(
            origin, f'does not say the unit of {quantity.name} ("{block}_units")', f"{quantity.unit} is needed"
        )
    if not isinstance(unit, str) or "".join(unit.split()).casefold() not in quantity.spellings:
        found = repr(clip(unit)) if isinstance(unit, str) else kind_of(unit)
        raise refused(
            origin,
            f"gives {quantity.name} in {found}",
            f"{quantity.unit} is needed, so fetch it without a unit option",
        )


def _judge_axis(instants: Sequence[int], step_s: int, block: str, origin: str, tz: ZoneInfo) -> None:
    judge_order(instants, origin, tz)
    found_s = step_of(instants, origin)
    if len(instants) > 1 and found_s != step_s:
        raise refused(
            origin,
            f'has steps of {found_s // 60} minutes in "{block}"',
            f"{step_s // 60} are needed, so fetch it again",
        )
    judge_even(instants, step_s, origin, tz)


def _judge_cover(instants: Sequence[int], need: range, origin: str, tz: ZoneInfo) -> None:
    start_s, end_s = need.start, need.stop
    if instants[0] > start_s or instants[-1] < end_s:
        raise refused(
            origin,
            f"covers {named(instants[0], tz)} to {named(instants[-1], tz)}, "
            f"while {named(start_s, tz)} to {named(end_s, tz)} is needed",
            "fetch the days around it too, as the last hour needs the row after it",
        )


class OpenMeteoSource:
    """Forecasts over HTTP: the live service, or a server that speaks its format. A `domain.ports.WeatherSource`.

    Raises `LookupError` for a price area that is not known.
    """

    def __init__(self, client: httpx.AsyncClient, base_url: str = OPEN_METEO_URL) -> None:
        self._client = client
        self._base_url = base_url

    async def weather(self, price_area: str, cell: str, first_slot: datetime, slots: int) -> WeatherSeries:
        """A forecast for a cell of a price area; raises `BadDocument` (also for a cell outside it) or
        `SourceUnavailable`.
        """
        latitude, longitude = place_of(cell, area_of(price_area))
        wanted = f"{TEMPERATURE.name},{RADIATION.name}"
        first_s = int(first_slot.timestamp())
        params = {
            "latitude": f"{latitude:g}",
            "longitude": f"{longitude:g}",
            "minutely_15": wanted,
            "hourly": wanted,
            "start_date": _utc_day(first_s),
            # The end itself, not the last slot: its row closes the last slot. It can be the next day's first.
            "end_date": _utc_day(first_s + slots * SLOT_S + HOUR_S),
            # Naive local times are ambiguous when clocks change; this asks for none.
            "timezone": "UTC",
            "timeformat": "unixtime",
        }
        url = address_of(self._base_url, "/v1/forecast", params)
        raw = await get_document(self._client, url)
        if raw is None:
            raise SourceUnavailable(f"{shown(url)} has no forecast there; check the source's base URL.")
        document = read_object(raw, shown(url))
        if document.get("error") is True:
            reason = reason_of(raw, shown(url)) or "no reason given"
            raise SourceUnavailable(f"{shown(url)} answered with an error ({reason}); ask again later.")
        return parse_weather(raw, shown(url), cell, first_slot, slots, price_area)

    fetch = weather


def _utc_day(instant_s: int) -> str:
    return datetime.fromtimestamp(instant_s, tz=UTC).date().isoformat()
