"""Prices and weather over HTTP from any source of the registry: asked for, read, judged.

Protects: not yet published, down and wrong stay three different errors, whatever the source.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import httpx

from domain.planning.series import WeatherSeries, WholesalePrices
from market.areas import area_of, place_of
from market.errors import NotYetPublished, SourceUnavailable
from market.http import address_of, get_document, shown
from market.judging.prices import judge_day
from market.judging.scale import MARKET_LIMITS, MarketLimits
from market.judging.weather import judge_weather, needed_slots
from market.registry import price_format, weather_format

DEFAULT_PRICE_SOURCE = "energy-charts"
DEFAULT_WEATHER_SOURCE = "open-meteo"
DEFAULT_AREA = "DE-LU"


class HttpPrices:
    """One price source: the public service, or a server that speaks its format. A `domain.ports.PriceSource`."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str | None = None,
        name: str = DEFAULT_PRICE_SOURCE,
        key: str | None = None,
        limits: MarketLimits = MARKET_LIMITS,
    ) -> None:
        self._client = client
        self._format = price_format(name)
        self._base_url = base_url if base_url is not None else self._format.url or ""
        self._key = key
        self._limits = limits

    async def prices(self, price_area: str, day: date, tz: ZoneInfo) -> WholesalePrices:
        """A whole market day; raises `BadDocument`, `NotYetPublished`, `SourceUnavailable`.

        `LookupError` for a price area that is not known.
        """
        area = area_of(price_area)
        question = self._format.question(area, day, self._key)
        url = address_of(self._base_url, question.path, question.params)
        raw = await get_document(self._client, url, question)
        if raw is None:
            raise NotYetPublished(f"{shown(url)} has no prices of {price_area} for {day} yet; ask again later.")
        document = self._format.read(raw, shown(url), area)
        return judge_day(document, price_area, day, tz, over_range=True, limits=self._limits)


class HttpWeather:
    """One weather source: the public service, or a server that speaks its format. A `domain.ports.WeatherSource`."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str | None = None,
        name: str = DEFAULT_WEATHER_SOURCE,
    ) -> None:
        self._client = client
        self._format = weather_format(name)
        self._base_url = self._format.url if base_url is None else base_url

    async def weather(self, price_area: str, cell: str, first_slot: datetime, slots: int) -> WeatherSeries:
        """A forecast for these slots; raises `BadDocument` (also for a cell outside the area) or `SourceUnavailable`.

        `LookupError` for a price area that is not known.
        """
        area = area_of(price_area)
        latitude, longitude = place_of(cell, area)
        need = needed_slots(first_slot, slots)
        question = self._format.question(latitude, longitude, need.start, need.stop)
        url = address_of(self._base_url, question.path, question.params)
        raw = await get_document(self._client, url, question)
        if raw is None:
            raise SourceUnavailable(f"{shown(url)} has no forecast there; check the source's base URL.")
        return judge_weather(self._format.read(raw, shown(url)), cell, need, area)
