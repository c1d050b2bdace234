"""Forecasts by hand: asked of the sources and stored as versions, and shown.

Protects: a forecast that a person asks for is judged and kept as one that a planning run asks for.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Failed, Refused
from domain.planning.series import WeatherSeries
from domain.ports import DocumentRefused, NotPublished
from domain.slots import SLOT


@dataclass(frozen=True)
class WeatherShown:
    """A version of a cell's forecast."""

    version: int
    stored_at: datetime
    series: WeatherSeries


async def fetch(access: Access, cell: str, ask: Callable[[], Awaitable[WeatherSeries]], by: Actor) -> int:
    """Store what `ask` gets as a version; a refused document is quarantined. Raises Refused or Failed."""

    async def do() -> int:
        try:
            series = await ask()
        except DocumentRefused as error:
            await access.ledger.series.quarantine("weather", error.origin, str(error), access.now())
            raise Refused(ErrorCode.DOCUMENT_REFUSED, str(error), origin=error.origin) from error
        except NotPublished as error:
            raise Failed(ErrorCode.NOT_PUBLISHED, str(error), price_area=cell) from error
        return await access.ledger.series.store_weather(series, access.now())

    return await audited(access, "fetch-weather", cell, by, {}, do)


async def show(access: Access, cell: str, start: datetime, end: datetime) -> WeatherShown:
    """The newest forecast of a cell for [start, end), cut to it; raises Refused where there is none."""
    found = await access.ledger.price_queries.newest_weather(cell, start, end)
    if found is None:
        cells = sorted({cell for area in await access.ledger.pumps.price_areas() for cell in area.weather_cells})
        sentence = (
            f"no forecast of {cell} covers {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC: "
            f"`heatsteer weather fetch` asks for one; cells of enrolled homes are {', '.join(cells) or 'none'}"
        )
        raise Refused(ErrorCode.UNKNOWN_SCOPE, sentence, kind="weather", name=cell, known=cells)
    series = WeatherSeries.model_validate(found["series"]).cut(start, (end - start) // SLOT)
    return WeatherShown(found["version"], found["stored_at"], series)
