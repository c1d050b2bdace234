"""Price and weather documents from files, in the sources' own formats.

Protects: a file is judged exactly as an answer of its source is; one that cannot be read is an error with a sentence.
"""

import stat
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from domain.planning.series import WeatherSeries, WholesalePrices
from market.areas import area_of
from market.documents import MAX_DOCUMENT_BYTES, too_large
from market.errors import refused
from market.fetching import DEFAULT_AREA, DEFAULT_PRICE_SOURCE, DEFAULT_WEATHER_SOURCE
from market.judging.prices import day_of, judge_day
from market.judging.scale import MARKET_LIMITS, MarketLimits
from market.judging.weather import judge_weather, needed_slots
from market.registry import price_format, weather_format


def load_price_file(
    path: Path,
    price_area: str,
    tz: ZoneInfo,
    day: date | None = None,
    limits: MarketLimits = MARKET_LIMITS,
    source: str = DEFAULT_PRICE_SOURCE,
) -> WholesalePrices:
    """The market day in a file; `day` None takes the day of its first row. Raises `BadDocument`."""
    raw = read_file(path)
    document = price_format(source).read(raw, str(path), area_of(price_area))
    named = _of_file(document.source, source, path)
    document = replace(document, source=named, raw_sha256=sha256(raw).hexdigest())
    return judge_day(document, price_area, day or day_of(document, tz), tz, limits=limits)


def load_weather_file(
    path: Path,
    cell: str,
    first_slot: datetime,
    slots: int,
    price_area: str = DEFAULT_AREA,
    source: str = DEFAULT_WEATHER_SOURCE,
) -> WeatherSeries:
    """The weather for these slots in a file; raises `BadDocument`."""
    document = weather_format(source).read(read_file(path), str(path))
    document = replace(document, source=_of_file(document.source, source, path))
    return judge_weather(document, cell, needed_slots(first_slot, slots), area_of(price_area))


def _of_file(text: str, source: str, path: Path) -> str:
    return text.replace(source, f"{source} file {path.name}", 1)


def read_file(path: Path) -> bytes:
    """The bytes of a file; raises `BadDocument` for what cannot or should not be read."""
    origin = str(path)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise refused(origin, "is a directory", "give a file")
        if not stat.S_ISREG(found.st_mode):
            # Reading a pipe would block for ever, and a device may never end.
            raise refused(origin, "is not a regular file", "give a file")
        if found.st_size > MAX_DOCUMENT_BYTES:
            raise too_large(origin)
        return path.read_bytes()
    except FileNotFoundError:
        raise refused(origin, "does not exist", "check the path") from None
    except OSError as error:
        raise refused(origin, f"cannot be read ({error.strerror})", "check the path and its permissions") from None
    except ValueError:
        raise refused(repr(origin), "is not a path", "check it") from None
