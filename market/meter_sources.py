"""Where whole-house readings come from: a file, or an address that serves one.

Protects: a source that is down is an error with a sentence, and one bad interval leaves nothing half taken over.
"""

from pathlib import Path

import httpx

from domain.planning.house_load import MeterReadings
from market.errors import NotYetPublished
from market.files import read_file
from market.http import address_of, get_document, shown
from market.meter_rows import readings_of
from market.registry import meter_format
from market.rows import Question


async def meter_readings(place: str, name: str, http: httpx.AsyncClient) -> list[MeterReadings]:
    """The readings at an http address or in a file, in a format by its name; raises `BadDocument`,
    `NotPublished`, or `LookupError` for a format that is not known."""
    known = meter_format(name)
    if place.startswith(("http://", "https://")):
        url = address_of(place, "", {})
        raw = await get_document(http, url, Question("", {}))
        if raw is None:
            raise NotYetPublished(f"{shown(url)} has no readings yet; ask again later.")
        return readings_of(raw, shown(url), known)
    return readings_of(read_file(Path(place)), Path(place).name, known)
