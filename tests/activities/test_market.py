"""Prices and weather on their way in: stored as versions, quarantined, or awaited without alarm."""

from collections.abc import Callable, Coroutine
from datetime import date
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.market import FetchPrices, FetchWeather, MarketActivities, NewestPrices
from domain.planning.series import Basis
from domain.ports import DocumentRefused, NotPublished
from tests.activities.ports import CLOCK, Market, Series, an_attempt
from tests.builders import MIDNIGHT, at
from tests.ledger.builders import prices, weather

PRICES = FetchPrices(clock=CLOCK, price_area="DE-LU", tz="Europe/Berlin", day=date(2026, 1, 15))
WEATHER = FetchWeather(clock=CLOCK, price_area="DE-LU", cell="50.0,10.0", first_slot=MIDNIGHT, slots=96)


def both(activities: MarketActivities) -> list[tuple[Callable[[Any], Coroutine[Any, Any, int]], Any]]:
    return [(activities.fetch_prices, PRICES), (activities.fetch_weather, WEATHER)]


async def test_prices_and_weather_are_stored_with_the_steered_time_they_came_at() -> None:
    series = Series()
    activities = MarketActivities(Market(prices()), Market(weather()), series)
    assert await an_attempt().run(activities.fetch_prices, PRICES) == 1
    assert await an_attempt().run(activities.fetch_weather, WEATHER) == 1
    ((stored, stored_at),) = series.price_versions
    assert stored == prices()
    assert at(6) <= stored_at < at(7)
    assert series.weather_versions[0][0] == weather()
    assert series.quarantined == []


async def test_a_refused_document_is_quarantined_and_nothing_of_it_is_stored() -> None:
    series = Series()
    refused = Market(DocumentRefused("the page lacks slot 10:00; ask again.", "http://market.invalid/price"))
    activities = MarketActivities(refused, refused, series)
    for fetch, given in both(activities):
        with pytest.raises(ApplicationError, match="lacks slot 10:00") as failure:
            await an_attempt().run(fetch, given)
        assert failure.value.type == "DocumentRefused"
        assert failure.value.category is not ApplicationErrorCategory.BENIGN, "somebody should look at this"
        assert not failure.value.non_retryable, "the next answer may be good"
    assert [line[:3] for line in series.quarantined] == [
        (kind, "http://market.invalid/price", "the page lacks slot 10:00; ask again.") for kind in ("price", "weather")
    ]
    assert series.price_versions == []
    assert series.weather_versions == []


async def test_a_suspected_day_that_a_person_released_is_planned_with() -> None:
    series = Series()
    series.released = 12
    refused = Market(DocumentRefused("the page is like yesterday.", "http://market.invalid/price", prices()))
    activities = MarketActivities(refused, refused, series)
    assert await an_attempt().run(activities.fetch_prices, PRICES) == 12


async def test_what_is_not_published_yet_is_awaited_without_alarm() -> None:
    series = Series()
    early = Market(NotPublished("no prices for 2026-01-15 yet"))
    activities = MarketActivities(early, early, series)
    for fetch, given in both(activities):
        with pytest.raises(ApplicationError, match="yet") as failure:
            await an_attempt().run(fetch, given)
        assert failure.value.type == "NotPublished"
        assert failure.value.category is ApplicationErrorCategory.BENIGN
        assert not failure.value.non_retryable
    assert series.quarantined == []


async def test_the_last_good_prices_are_asked_of_the_ledger_before_any_estimate() -> None:
    series = Series()
    activities = MarketActivities(Market(prices()), Market(weather()), series)
    wanted = NewestPrices(clock=CLOCK, price_area="DE-LU", tz="UTC", day=date(2026, 1, 15))
    await series.store_prices(prices(), at(1))
    assert await an_attempt().run(activities.newest_prices, wanted) == 1


async def test_a_silent_market_of_which_too_little_is_known_gets_one_flat_price_that_says_so() -> None:
    series = Series()
    await series.store_prices(prices(start=at(-24), level=60.0), at(-24))
    activities = MarketActivities(Market(prices()), Market(weather()), series)
    wanted = NewestPrices(clock=CLOCK, price_area="DE-LU", tz="UTC", day=date(2026, 1, 15))
    assert await an_attempt().run(activities.newest_prices, wanted) == 2
    flat, _ = series.price_versions[-1]
    assert (flat.basis, flat.start, flat.price_eur_per_mwh) == (Basis.FLAT, MIDNIGHT, (71.88,) * 96)
    assert flat.price_area == "DE-LU"


async def test_a_silent_market_is_estimated_from_the_days_before_and_marked_as_such() -> None:
    series = Series()
    for days in (1, 2, 3):
        await series.store_prices(prices(start=at(-24 * days), level=80.0 - days), at(-24 * days))
    activities = MarketActivities(Market(prices()), Market(weather()), series)
    wanted = NewestPrices(clock=CLOCK, price_area="DE-LU", tz="UTC", day=date(2026, 1, 15))
    assert await an_attempt().run(activities.newest_prices, wanted) == 4
    estimate, stored_at = series.price_versions[-1]
    assert (estimate.basis, estimate.start, len(estimate.price_eur_per_mwh)) == (Basis.ESTIMATED, MIDNIGHT, 96)
    assert at(6) <= stored_at < at(7)
