"""Open-Meteo: temperature and radiation as columns of quarter-hours and hours.

Protects: only the units we ask for are accepted; a document of several places or of an error is never a forecast.
Wire format: {"latitude": .., "hourly": {"time": [..], "temperature_2m": [..]}, "hourly_units": {..}, ..}.
"""

from datetime import UTC, datetime

from market.areas import HOUR_S, SLOT_S
from market.documents import (
    Document,
    clip,
    column,
    finite_number,
    kind_of,
    read_object,
    same_length,
    source_text,
)
from market.errors import BadDocument, SourceUnavailable, refused
from market.http import reason_of
from market.local_times import instants_of
from market.rows import RADIATION, TEMPERATURE, Quantity, Question, WeatherColumn, WeatherDocument

COLUMNS = {"temperature_2m": TEMPERATURE, "shortwave_radiation": RADIATION}
SPELLINGS = {
    TEMPERATURE.name: frozenset({"°c", "c", "celsius"}),
    RADIATION.name: frozenset({"w/m²", "w/m2", "w/m^2"}),
}
BLOCKS = {"minutely_15": SLOT_S, "hourly": HOUR_S}
"""Blocks by preference, with the seconds between their rows."""
WANTED = ",".join(COLUMNS)


class OpenMeteo:
    """The public service, no key for non-commercial use. A `market.rows.WeatherFormat`."""

    name = "open-meteo"
    url = "https://api.open-meteo.com"
    needs_contact = False
    jitter_s = 0.0

    def question(self, latitude: float, longitude: float, start_s: int, end_s: int) -> Question:
        """The request for a forecast that covers [start_s, end_s]."""
        return Question(
            "/v1/forecast",
            {
                "latitude": f"{latitude:g}",
                "longitude": f"{longitude:g}",
                "minutely_15": WANTED,
                "hourly": WANTED,
                "start_date": _utc_day(start_s),
                # Beyond the end: the row that closes the last slot can be the next day's first.
                "end_date": _utc_day(end_s + HOUR_S),
                # Naive local times are ambiguous when clocks change; this asks for none.
                "timezone": "UTC",
                "timeformat": "unixtime",
            },
        )

    def read(self, raw: bytes, origin: str) -> WeatherDocument:
        """The columns of an answer; raises `BadDocument`, or `SourceUnavailable` where the answer is an error."""
        document = read_object(raw, origin)
        if document.get("error") is True:
            reason = reason_of(raw, origin) or "no reason given"
            raise SourceUnavailable(f"{origin} answered with an error ({reason}); ask again later.")
        latitude, longitude = _degrees(document, "latitude", origin), _degrees(document, "longitude", origin)
        columns = [column for name in COLUMNS for column in _columns(document, name, origin)]
        return WeatherDocument(origin, source_text(document, self.name), latitude, longitude, tuple(columns))


FORMAT = OpenMeteo()


def _columns(document: Document, name: str, origin: str) -> list[WeatherColumn]:
    """The columns of a quantity that can be read, the finest first; raises `BadDocument` where there is none.

    A block that cannot be read is no reason to refuse a document whose other block is whole.
    """
    columns: list[WeatherColumn] = []
    faults: list[BadDocument] = []
    for block, step_s in BLOCKS.items():
        if not _has_values(document.get(block), name):
            continue
        try:
            columns.append(_column(document, block, step_s, name, COLUMNS[name], origin))
        except BadDocument as fault:
            faults.append(fault)
    if columns:
        return columns
    if faults:
        raise faults[0]
    raise refused(
        origin,
        f'has no column "{name}" with values in "minutely_15" or "hourly"',
        f"fetch it with hourly={WANTED}",
    )


def _degrees(document: Document, key: str, origin: str) -> float:
    degrees = finite_number(document.get(key))
    if degrees is None:
        what = f'holds {kind_of(document[key])} as "{key}"' if key in document else f'has no "{key}"'
        raise refused(origin, what, "give the forecast of one place")
    return degrees


def _has_values(block: object, name: str) -> bool:
    # The service sends a quarter-hourly column of nulls where it has none for the place.
    if not isinstance(block, dict) or block.get(name) is None:
        return False
    values = block[name]
    return not isinstance(values, list) or any(value is not None for value in values)


def _column(
    document: Document, block_name: str, step_s: int, name: str, quantity: Quantity, origin: str
) -> WeatherColumn:
    block = document[block_name]
    assert isinstance(block, dict)
    times = column(block, "time", origin, block_name)
    values = column(block, name, origin, block_name)
    same_length(origin, f"{block_name}.time", len(times), f"{block_name}.{name}", values)
    _check_unit(document, block_name, name, quantity, origin)
    stamps_s = instants_of(times, document, f"{block_name}.time", origin)
    return WeatherColumn(quantity, name, block_name, step_s, quantity == RADIATION, stamps_s, values)


def _check_unit(document: Document, block: str, name: str, quantity: Quantity, origin: str) -> None:
    units = document.get(f"{block}_units")
    unit = units.get(name) if isinstance(units, dict) else None
    if unit is None:
        raise refused(origin, f'does not say the unit of {name} ("{block}_units")', f"{quantity.unit} is needed")
    if not isinstance(unit, str) or "".join(unit.split()).casefold() not in SPELLINGS[quantity.name]:
        found = repr(clip(unit)) if isinstance(unit, str) else kind_of(unit)
        raise refused(
            origin,
            f"gives {name} in {found}",
            f"{quantity.unit} is needed, so fetch it without a unit option",
        )


def _utc_day(instant_s: int) -> str:
    return datetime.fromtimestamp(instant_s, tz=UTC).date().isoformat()
