"""Prices and weather over HTTP from any source of the registry: asked for, read, judged.

Protects: not yet published, down and wrong stay three different errors, whatever the source.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from random import SystemRandom
from zoneinfo import ZoneInfo

import httpx

from domain.planning.series import WeatherSeries, WholesalePrices
from domain.slots import SLOT, market_day_bounds
from market.areas import area_of, place_of
from market.errors import NotYetPublished, SourceUnavailable
from market.http import Answers, address_of, get_document, shown
from market.judging.prices import judge_day
from market.judging.scale import MARKET_LIMITS, MarketLimits
from market.judging.weather import judge_weather, needed_slots
from market.registry import price_format, weather_format
from market.rows import Question

DEFAULT_PRICE_SOURCE = "energy-charts"
DEFAULT_WEATHER_SOURCE = "open-meteo"
DEFAULT_AREA = "DE-LU"

Known = Callable[[str, datetime, datetime], Awaitable[WholesalePrices | None]]
"""The newest stored prices of a price area that cover [start, end), or None."""


class HttpPrices:
    """One price source: the public service, or a server that speaks its format. A `domain.ports.PriceSource`."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str | None = None,
        name: str = DEFAULT_PRICE_SOURCE,
        key: str | None = None,
        known: Known | None = None,
        limits: MarketLimits = MARKET_LIMITS,
    ) -> None:
        self._client = client
        self._format = price_format(name)
        self._base_url = base_url if base_url is not None else self._format.url or ""
        self._key = key
        self._known = known
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
        document = replace(self._format.read(raw, shown(url), area), raw_sha256=sha256(raw).hexdigest())
        yesterday = await self._day_before(price_area, day, tz)
        return judge_day(document, price_area, day, tz, over_range=True, limits=self._limits, yesterday=yesterday)

    async def _day_before(self, price_area: str, day: date, tz: ZoneInfo) -> WholesalePrices | None:
        """The prices of the day before, cut out of a stored series."""
        if self._known is None:
            return None
        start, end = market_day_bounds(day - timedelta(days=1), tz)
        found = await self._known(price_area, start, end)
        if found is None:
            return None
        first, last = (start - found.start) // SLOT, (end - found.start) // SLOT
        return found.model_copy(update={"start": start, "price_eur_per_mwh": found.price_eur_per_mwh[first:last]})


class HttpWeather:
    """One weather source: the public service, or a server that speaks its format. A `domain.ports.WeatherSource`."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str | None = None,
        name: str = DEFAULT_WEATHER_SOURCE,
        contact: str | None = None,
        jitter_s: float | None = None,
    ) -> None:
        """`contact` (a web page or an address) stands in the User-Agent; `jitter_s` None takes the source's own."""
        self._client = client
        self._format = weather_format(name)
        self._base_url = self._format.url if base_url is None else base_url
        self._contact = contact
        self._jitter_s = self._format.jitter_s if jitter_s is None else jitter_s
        self._answers = Answers()

    async def weather(self, price_area: str, cell: str, first_slot: datetime, slots: int) -> WeatherSeries:
        """A forecast for these slots; raises `BadDocument` (also for a cell outside the area) or `SourceUnavailable`.

        `LookupError` for a price area that is not known.
        """
        area = area_of(price_area)
        latitude, longitude = place_of(cell, area)
        need = needed_slots(first_slot, slots)
        question = self._identified(self._format.question(latitude, longitude, need.start, need.stop))
        url = address_of(self._base_url, question.path, question.params)
        raw = self._answers.fresh(url)
        if raw is None:
            # Workers that plan on the same minute would otherwise ask on the same second.
            await asyncio.sleep(SystemRandom().uniform(0, self._jitter_s))
            raw = await get_document(self._client, url, question, self._answers)
        if raw is None:
            raise SourceUnavailable(f"{shown(url)} has no forecast there; check the source's base URL.")
        return judge_weather(self._format.read(raw, shown(url)), cell, need, area)

    def _identified(self, question: Question) -> Question:
        """The request with a User-Agent that says who asks; raises `SourceUnavailable` where a contact is missing."""
        if self._format.needs_contact and not self._contact:
            raise SourceUnavailable(
                f"{self._format.name} needs a contact in the User-Agent; set HEATSTEER_CONTACT or use another source."
            )
        agent = f"heatsteer/{version('heatsteer')}" + (f" ({self._contact})" if self._contact else "")
        return replace(question, headers={"User-Agent": agent} | question.headers)
