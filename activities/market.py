"""Activities that bring prices and weather in: fetched, judged, stored as a version or quarantined."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.steered import steered_now
from domain.base import Value
from domain.clock import SteeringClock
from domain.planning.estimate import LOOK_BACK, estimated_prices, flat_prices
from domain.ports import DocumentRefused, NotPublished, PriceSource, SeriesStore, WeatherSource
from domain.slots import bounds_of


class FetchPrices(Value):
    """A market day's prices."""

    clock: SteeringClock
    price_area: str
    tz: str
    day: date


class FetchWeather(Value):
    """A forecast for slots."""

    clock: SteeringClock
    price_area: str
    cell: str
    first_slot: datetime
    slots: int


class NewestPrices(Value):
    """Prices of a market day that the market does not give."""

    clock: SteeringClock
    price_area: str
    tz: str
    day: date


class MarketActivities:
    """Prices and weather into versioned series."""

    def __init__(self, prices: PriceSource, weather: WeatherSource, series: SeriesStore) -> None:
        self._prices = prices
        self._weather = weather
        self._series = series

    @activity.defn
    async def fetch_prices(self, given: FetchPrices) -> int:
        """Fetch, judge and store; returns the version. "Not published yet" is expected and retried without alarm.

        A refused document that a person released has the version it was given then.
        """
        now, tz = steered_now(given.clock), ZoneInfo(given.tz)
        try:
            return await brought_in(self._prices, self._series, given.price_area, given.day, tz, now)
        except NotPublished as error:
            raise _not_published(error) from error
        except DocumentRefused as error:
            raise ApplicationError(str(error), type="DocumentRefused") from error

    @activity.defn
    async def fetch_weather(self, given: FetchWeather) -> int:
        """Fetch, judge and store a forecast; returns the version."""
        now = steered_now(given.clock)
        try:
            series = await self._weather.weather(given.price_area, given.cell, given.first_slot, given.slots)
        except NotPublished as error:
            raise _not_published(error) from error
        except DocumentRefused as error:
            await self._series.quarantine("weather", error.origin, str(error), now())
            raise ApplicationError(str(error), type="DocumentRefused") from error
        return await self._series.store_weather(series, now())

    @activity.defn
    async def newest_prices(self, given: NewestPrices) -> int:
        """The last good version that covers the day, or an estimate from the days before it, or one flat price.

        For when the market stays silent.
        """
        start, end = bounds_of(given.day, given.tz)
        version = await self._series.newest_prices(given.price_area, start, end)
        if version is not None:
            return version
        known = await self._series.published_days(given.price_area, start - LOOK_BACK, start)
        estimate = estimated_prices(known, given.day, given.tz)
        if estimate is None:
            estimate = flat_prices(known, given.price_area, given.day, given.tz)
        return await self._series.store_prices(estimate, steered_now(given.clock)())


async def brought_in(
    prices: PriceSource, store: SeriesStore, price_area: str, day: date, tz: ZoneInfo, now: Callable[[], datetime]
) -> int:
    """Ask for a day's prices and store them; returns the version.

    Raises `NotPublished`, and `DocumentRefused` for what is in quarantine now and was not released by a person.
    """
    try:
        series = await prices.prices(price_area, day, tz)
    except DocumentRefused as error:
        released = await store.quarantine("price", error.origin, str(error), now(), error.series)
        if released is None:
            raise
        return released
    return await store.store_prices(series, now())


def _not_published(error: NotPublished) -> ApplicationError:
    return ApplicationError(str(error), type="NotPublished", category=ApplicationErrorCategory.BENIGN)
