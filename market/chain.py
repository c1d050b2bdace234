"""Several sources behind one port: the second where the first has nothing, and both against each other where both have.

Protects: one source's fault reaches neither a plan nor stops it while another source has the day.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import combinations
from zoneinfo import ZoneInfo

import httpx

from domain.planning.series import WeatherSeries, WholesalePrices
from domain.ports import DocumentRefused, NotPublished, PriceSource, WeatherSource
from market.errors import BadDocument, NotYetPublished, SourceUnavailable
from market.fetching import HttpPrices, HttpWeather, Known
from market.judging.comparison import compare
from market.registry import price_formats, weather_formats

OnRefused = Callable[[DocumentRefused], Awaitable[None]]
"""Is told of a document that was refused although the day could be had elsewhere."""

ANY_AREA = ""


class PriceChain:
    """The sources of each price area in order of preference. A `domain.ports.PriceSource`."""

    def __init__(self, sources: Mapping[str, Sequence[PriceSource]], on_refused: OnRefused | None = None) -> None:
        """`sources` by price area; `ANY_AREA` is for every area that is not named."""
        self._sources = sources
        self._on_refused = on_refused

    async def prices(self, price_area: str, day: date, tz: ZoneInfo) -> WholesalePrices:
        """The day as two sources agree on it, or as the only one that has it.

        Raises `BadDocument` where sources disagree and nothing shows whose fault it is, `NotYetPublished` where none
        has it; with one source its own error.
        """
        found: list[WholesalePrices] = []
        failed: list[DocumentRefused | NotPublished] = []
        for source in self._sources.get(price_area, self._sources.get(ANY_AREA, ())):
            try:
                series = await source.prices(price_area, day, tz)
            except (DocumentRefused, NotPublished) as error:
                failed.append(error)
                continue
            agreeing = next((known for known in found if compare(known, series) is None), None)
            found.append(series)
            if agreeing is not None:
                return await self._settled(agreeing, found, failed)
        if not found:
            raise await self._none(price_area, day, failed)
        return await self._settled(_trusted(found), found, failed)

    async def _settled(
        self,
        chosen: WholesalePrices,
        found: Sequence[WholesalePrices],
        failed: Sequence[DocumentRefused | NotPublished],
    ) -> WholesalePrices:
        """The chosen series, after telling of every document that was refused beside it."""
        for error in failed:
            if isinstance(error, DocumentRefused):
                await self._tell(error)
        for other in found:
            difference = compare(chosen, other)
            if difference is not None:
                what = f"{chosen.source} and {other.source} {difference.what}."
                await self._tell(BadDocument(what, other.source, other))
        return chosen

    async def _none(
        self, price_area: str, day: date, failed: Sequence[DocumentRefused | NotPublished]
    ) -> DocumentRefused | NotPublished:
        """The error for a day that no source has; a refusal where every source was refused."""
        if len(failed) == 1:
            return failed[0]
        waiting = [error for error in failed if isinstance(error, NotPublished)]
        if not failed:
            return SourceUnavailable(f"price area {price_area} has no price source; configure one.")
        what = " ".join(str(error) for error in failed)
        if not waiting:
            return BadDocument(what, failed[0].origin if isinstance(failed[0], DocumentRefused) else price_area)
        for error in failed:
            if isinstance(error, DocumentRefused):
                await self._tell(error)
        return NotYetPublished(f"no source has the prices of {price_area} for {day}: {what}")

    async def _tell(self, error: DocumentRefused) -> None:
        if self._on_refused is not None:
            await self._on_refused(error)


def _trusted(found: Sequence[WholesalePrices]) -> WholesalePrices:
    """The only series, or the first that no difference shows to be at fault; raises `BadDocument` where none is."""
    trusted = list(found)
    for one, other in combinations(found, 2):
        difference = compare(one, other)
        if difference is None:
            continue
        trusted = [series for series in trusted if series is not difference.at_fault]
        if difference.at_fault is None or not trusted:
            what = f"{one.source} and {other.source} {difference.what}; compare them and release the right one."
            raise BadDocument(what, one.source, one)
    return trusted[0]


class WeatherChain:
    """Weather sources in order of preference. A `domain.ports.WeatherSource`."""

    def __init__(self, sources: Sequence[WeatherSource], on_refused: OnRefused | None = None) -> None:
        self._sources = sources
        self._on_refused = on_refused

    async def weather(self, price_area: str, cell: str, first_slot: datetime, slots: int) -> WeatherSeries:
        """The forecast of the first source that has one; raises the first source's error where none has."""
        failed: list[DocumentRefused | NotPublished] = []
        for source in self._sources:
            try:
                series = await source.weather(price_area, cell, first_slot, slots)
            except (DocumentRefused, NotPublished) as error:
                failed.append(error)
                continue
            for refusal in failed:
                if isinstance(refusal, DocumentRefused) and self._on_refused is not None:
                    await self._on_refused(refusal)
            return series
        raise failed[0] if failed else SourceUnavailable("there is no weather source; configure one.")


def chosen_sources(text: str) -> dict[str, tuple[str, ...]]:
    """Price sources by price area out of "energy-charts, entsoe; DK1 = energi-data-service, nord-pool".

    What stands without an area is for all that are not named. Raises `ValueError` with a sentence.
    """
    chosen: dict[str, tuple[str, ...]] = {}
    known = sorted(name for name, found in price_formats().items() if found.url is not None)
    for part in filter(None, (part.strip() for part in text.split(";"))):
        price_area, equals, names = part.rpartition("=")
        chosen[price_area.strip() if equals else ANY_AREA] = _names(names, known, "price")
    if ANY_AREA not in chosen:
        raise ValueError("no price source for areas that are not named: begin with its name, such as energy-charts")
    return chosen


def chosen_weather_sources(text: str) -> tuple[str, ...]:
    """Weather sources out of "open-meteo, met-norway"; raises `ValueError` with a sentence."""
    return _names(text, sorted(weather_formats()), "weather")


def _names(text: str, known: Sequence[str], kind: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    wrong = next((name for name in names if name not in known), None)
    if wrong is not None or not names or len(set(names)) < len(names):
        what = f"{wrong!r} is not a {kind} source" if wrong else f"{text.strip()!r} names none, or one twice"
        raise ValueError(f"{what}; {kind} sources are {', '.join(known)}")
    return names


def price_chain(
    client: httpx.AsyncClient,
    sources: str,
    urls: Mapping[str, str],
    keys: Mapping[str, str],
    known: Known | None = None,
    on_refused: OnRefused | None = None,
) -> PriceChain:
    """The chain that settings ask for; `urls` and `keys` by source. Raises `ValueError` as `chosen_sources`."""
    chosen = chosen_sources(sources)
    names = {name for of_area in chosen.values() for name in of_area}
    built = {name: HttpPrices(client, urls.get(name), name, keys.get(name), known) for name in names}
    return PriceChain({area: [built[name] for name in of_area] for area, of_area in chosen.items()}, on_refused)


def weather_chain(
    client: httpx.AsyncClient,
    sources: str,
    urls: Mapping[str, str],
    contact: str | None = None,
    on_refused: OnRefused | None = None,
) -> WeatherChain:
    """The chain that settings ask for; `urls` by source. Raises `ValueError` as `chosen_weather_sources`."""
    names = chosen_weather_sources(sources)
    return WeatherChain([HttpWeather(client, urls.get(name), name, contact) for name in names], on_refused)
