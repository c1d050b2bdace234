"""Activities that bring prices and weather in: fetched, judged, stored as a version or quarantined."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.steered import steered_now
from domain.base import Value
from domain.clock import SteeringClock
from domain.ports import DocumentRefused, NotPublished, PriceSource, SeriesStore, WeatherSource


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
    """Stored prices that cover a time."""

    price_area: str
    start: datetime
    end: datetime


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
        """The last good version that covers the time, for when the market stays silent."""
        return await self._series.newest_prices(given.price_area, given.start, given.end)


def _not_published(error: NotPublished) -> ApplicationError:
    return ApplicationError(str(error), type="NotPublished", category=ApplicationErrorCategory.BENIGN)
