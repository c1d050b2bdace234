"""Activities that bring prices and weather in: fetched, judged, stored as a version or quarantined."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.steered import steered_now
from domain.base import Value
from domain.clock import SteeringClock
from domain.planning.estimate import LOOK_BACK, estimated_prices
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
        now = steered_now(given.clock)
        try:
            series = await self._prices.prices(given.price_area, given.day, ZoneInfo(given.tz))
        except NotPublished as error:
            raise _not_published(error) from error
        except DocumentRefused as error:
            released = await self._series.quarantine("price", error.origin, str(error), now(), error.series)
            if released is not None:
                return released
            raise ApplicationError(str(error), type="DocumentRefused") from error
        return await self._series.store_prices(series, now())

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
    async def newest_prices(self, given: NewestPrices) -> int | None:
        """The last good version that covers the day, or an estimate from the days before it; None where neither is.

        For when the market stays silent.
        """
        start, end = bounds_of(given.day, given.tz)
        version = await self._series.newest_prices(given.price_area, start, end)
        if version is not None:
            return version
        known = await self._series.published_days(given.price_area, start - LOOK_BACK, start)
        estimate = estimated_prices(known, given.day, given.tz)
        if estimate is None:
            return None
        return await self._series.store_prices(estimate, steered_now(given.clock)())


def _not_published(error: NotPublished) -> ApplicationError:
    return ApplicationError(str(error), type="NotPublished", category=ApplicationErrorCategory.BENIGN)
