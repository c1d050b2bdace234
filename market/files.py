"""Price and weather documents from files, in the sources' own formats.

Protects: a file is judged exactly as an answer of its source is; a missing or odd one is a sentence.
"""

import stat
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from domain.planning.series import WeatherSeries, WholesalePrices
from market import energy_charts, open_meteo
from market.documents import MAX_DOCUMENT_BYTES, too_large
from market.errors import refused
from market.quality import MARKET_LIMITS, MarketLimits


def load_price_file(
    path: Path,
    zone: str,
    tz: ZoneInfo,
    day: date | None = None,
    limits: MarketLimits = MARKET_LIMITS,
) -> WholesalePrices:
    """The market day in an Energy-Charts file; `day` None takes the day of its first row. Raises `BadDocument`."""
    raw, origin = _read(path), str(path)
    of_day = day if day is not None else energy_charts.day_of(raw, origin, tz)
    source = f"{energy_charts.SOURCE} file {path.name}"
    return energy_charts.parse_prices(raw, origin, zone, of_day, tz, source, limits=limits)


def load_weather_file(
    path: Path,
    cell: str,
    first_slot: datetime,
    slots: int,
    zone: str = open_meteo.DEFAULT_ZONE,
) -> WeatherSeries:
    """The weather for these slots in an Open-Meteo file; raises `BadDocument`."""
    source = f"{open_meteo.SOURCE} file {path.name}"
    return open_meteo.parse_weather(_read(path), str(path), cell, first_slot, slots, zone, source)


def _read(path: Path) -> bytes:
    origin = str(path)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise refused(origin, "is a directory", "give a file")
        if not stat.S_ISREG(found.st_mode):
            # A pipe would block for ever and a device never end.
            raise refused(origin, "is not a regular file", "give a file")
        if found.st_size > MAX_DOCUMENT_BYTES:
            raise too_large(origin)
        return path.read_bytes()
    except FileNotFoundError:
        raise refused(origin, "does not exist", "check the path") from None
    except OSError as error:
        raise refused(origin, f"cannot be read ({error.strerror})", "check the path and its permissions") from None
    except ValueError:
        raise refused(repr(origin), "is no path", "check it") from None
