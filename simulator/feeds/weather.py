"""The fake Open-Meteo forecast endpoint over the simulator's own forecast.

Protects: the shape and the strictness of the real service (columns, units, refusals with a reason), and a
file's numbers verbatim for the hours it covers. Temperatures are of the moment, radiation is the mean of the
span before the stamp.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from simulator.clouds.wire import Answer, query_of
from simulator.homes.fleet import SimulatedFleet
from simulator.physics.weather import instant

_UTC = ZoneInfo("UTC")
_KNOWN = frozenset(
    (
        *("latitude", "longitude", "hourly", "minutely_15", "timezone", "timeformat"),
        *("start_date", "end_date", "forecast_days", "past_days"),
    )
)
_UNITS = {"temperature_2m": "°C", "shortwave_radiation": "W/m²"}
_BLOCKS = {"minutely_15": 900, "hourly": 3600}
_MOST_PAST, _MOST_AHEAD = 92, 16
_LONGEST_DAYS = 400


class BadQuery(Exception):
    """The service refuses; the message is its reason."""


class WeatherFeed:
    """GET /v1/forecast"""

    def __init__(self, fleet: SimulatedFleet) -> None:
        self._fleet = fleet

    async def forecast(self, request: Request) -> Response:
        """Columns of the asked variables in the asked blocks."""
        dice = self._fleet.switchboard.dice
        if dice.strikes("no-weather", "weather", dice.next_request("weather"), self._fleet.now_s()):
            return Answer({"error": True, "reason": "the model run is not there yet"}, 503)
        try:
            return Answer(self._answer(query_of(request, _KNOWN)))
        except (BadQuery, ValueError) as refusal:
            return Answer({"error": True, "reason": str(refusal)}, 400)

    def _answer(self, query: dict[str, str]) -> dict[str, Any]:
        latitude = _coordinate(query, "latitude", 90.0)
        longitude = _coordinate(query, "longitude", 180.0)
        blocks = {block: _variables(query[block]) for block in _BLOCKS if block in query}
        if query.get("timezone", "GMT") not in ("GMT", "UTC"):
            raise BadQuery("Invalid timezone: this service answers in GMT only")
        stamp = _stamp_style(query.get("timeformat", "iso8601"))
        first, last = self._days(query)
        answer: dict[str, Any] = {
            "latitude": round(latitude * 16) / 16,
            "longitude": round(longitude * 16) / 16,
            "generationtime_ms": 0.1,
            "utc_offset_seconds": 0,
            "timezone": "GMT",
            "timezone_abbreviation": "GMT",
            "elevation": 291.0,
        }
        start_s = datetime.combine(first, time_of_day(), _UTC).timestamp()
        end_s = datetime.combine(last + timedelta(days=1), time_of_day(), _UTC).timestamp()
        for block, names in blocks.items():
            step_s = _BLOCKS[block]
            moments = range(int(start_s), int(end_s), step_s)
            answer[f"{block}_units"] = {"time": query.get("timeformat", "iso8601")}
            answer[f"{block}_units"] |= {name: _UNITS[name] for name in names}
            answer[block] = {"time": [stamp(moment) for moment in moments]}
            answer[block] |= {name: [self.value(name, moment, step_s) for moment in moments] for name in names}
        return answer

    def value(self, name: str, moment_s: int, step_s: int) -> float:
        """One value as the service gives it."""
        weather = self._fleet.weather
        if step_s == 3600 and weather.file is not None:
            known = weather.file.verbatim[name].get(moment_s)
            if known is not None:
                return known
        if name == "temperature_2m":
            return round(weather.forecast_temperature_c(moment_s), 1)
        return round(weather.forecast_radiation_mean_w_m2(moment_s - step_s, moment_s), 1)

    def _days(self, query: dict[str, str]) -> tuple[date, date]:
        """First and last day asked for, in UTC."""
        today = instant(self._fleet.now_s()).date()
        if "start_date" in query or "end_date" in query:
            if {"forecast_days", "past_days"} & set(query):
                raise BadQuery("Parameter 'start_date' and 'forecast_days' are mutually exclusive")
            if not {"start_date", "end_date"} <= set(query):
                raise BadQuery("Both 'start_date' and 'end_date' must be set")
            first, last = _day(query, "start_date"), _day(query, "end_date")
            latest = max(today, self._fleet.config.day) + timedelta(days=_MOST_AHEAD)
            if last > latest:
                raise BadQuery(f"Parameter 'end_date' is out of allowed range, which ends {latest}")
            if not 0 <= (last - first).days <= _LONGEST_DAYS:
                raise BadQuery("'end_date' must not lie before 'start_date' or more than 400 days after it")
            return first, last
        ahead = _count(query, "forecast_days", 7, _MOST_AHEAD)
        return today - timedelta(days=_count(query, "past_days", 0, _MOST_PAST)), today + timedelta(days=ahead - 1)


def _coordinate(query: dict[str, str], name: str, most: float) -> float:
    if name not in query:
        raise BadQuery(f"Parameter '{name}' is required")
    try:
        value = float(query[name])
    except ValueError:
        raise BadQuery(f"Parameter '{name}' is not one number") from None
    if not -most <= value <= most:
        raise BadQuery(f"Parameter '{name}' must be in range of -{most:g} to {most:g}°. Given: {value}.")
    return value


def _variables(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in _UNITS:
            raise BadQuery(f"Cannot initialize variable from invalid String value {name}")
    return names


def _stamp_style(text: str) -> Callable[[int], int | str]:
    if text == "unixtime":
        return lambda moment_s: moment_s
    if text == "iso8601":
        return lambda moment_s: instant(moment_s).strftime("%Y-%m-%dT%H:%M")
    raise BadQuery(f"Cannot initialize timeformat from invalid String value {text}")


def _day(query: dict[str, str], name: str) -> date:
    try:
        return date.fromisoformat(query[name])
    except ValueError:
        raise BadQuery(f"Invalid date format in '{name}': it must be YYYY-MM-DD") from None


def _count(query: dict[str, str], name: str, usual: int, most: int) -> int:
    try:
        value = int(query.get(name, usual))
    except ValueError:
        raise BadQuery(f"Parameter '{name}' is not a whole number") from None
    if not 0 <= value <= most:
        raise BadQuery(f"Parameter '{name}' is out of allowed range from 0 to {most}")
    return value
