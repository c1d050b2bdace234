"""Several sources of one area: fallback, comparison, and whose fault a difference is.

Protects: a plan is made from what two sources agree on or the only one has, and every refusal beside it is told.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.planning.series import WeatherSeries, WholesalePrices
from domain.ports import DocumentRefused, NotPublished
from market.chain import ANY_AREA, PriceChain, WeatherChain, chosen_sources, chosen_weather_sources, price_chain
from market.errors import BadDocument, NotYetPublished, SourceUnavailable
from market.fetching import HttpPrices
from market.judging.comparison import compare
from tests.market.builders import (
    BERLIN,
    CELL,
    DAY,
    MIDNIGHT,
    a_nord_pool_document,
    a_price_document,
    a_wavy_day,
    raw,
)
from tests.market.fake_server import Server, a_client, serving

PRICES = a_wavy_day()
DOWN = SourceUnavailable("it is down; ask again later.")
BAD = BadDocument("x is wrong; fetch it again.", "x")
LATE = NotYetPublished("not yet; ask again later.")


def series(prices: Sequence[float], source: str = "one", resolution_min: int = 15) -> WholesalePrices:
    return WholesalePrices(
        price_area="DE-LU",
        source=source,
        resolution_min=resolution_min,
        start=MIDNIGHT,
        price_eur_per_mwh=tuple(prices),
    )


class Source:
    """A source that always says the same."""

    def __init__(self, said: WholesalePrices | DocumentRefused | NotPublished) -> None:
        self.said = said
        self.asked = 0

    async def prices(self, price_area: str, day: date, tz: ZoneInfo) -> WholesalePrices:
        self.asked += 1
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


class Told:
    """What was refused on the way."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    async def __call__(self, error: DocumentRefused) -> None:
        self.sentences.append(str(error))


async def settled(*said: WholesalePrices | DocumentRefused | NotPublished, told: Told | None = None) -> WholesalePrices:
    return await PriceChain({ANY_AREA: [Source(one) for one in said]}, told).prices("DE-LU", DAY, BERLIN)


@pytest.mark.parametrize("first", [DOWN, LATE, BAD])
async def test_the_second_source_helps_out_where_the_first_has_nothing(first: DocumentRefused | NotPublished) -> None:
    told = Told()
    assert (await settled(first, series(PRICES, "two"), told=told)).source == "two"
    assert told.sentences == ([str(BAD)] if first is BAD else [])


async def test_two_sources_that_agree_to_the_cent_give_the_first() -> None:
    close = [price + 0.02 for price in PRICES]
    assert (await settled(series(PRICES), series(close, "two"))).source == "one"


async def test_a_third_source_is_asked_only_where_two_differ_and_the_majority_counts() -> None:
    other = [price + 9 for price in PRICES]
    third = Source(series(PRICES, "three"))
    told = Told()
    chain = PriceChain({ANY_AREA: [Source(series(other)), Source(series(PRICES, "two")), third]}, told)
    assert (await chain.prices("DE-LU", DAY, BERLIN)).source == "two"
    assert told.sentences == [
        f"two and one differ in 96 of 96 slots, first at 2026-03-02 23:00 UTC with {PRICES[0]:g} and {other[0]:g}."
    ]
    agreeing = PriceChain({ANY_AREA: [Source(series(PRICES)), Source(series(PRICES)), third]})
    await agreeing.prices("DE-LU", DAY, BERLIN)
    assert third.asked == 1


@pytest.mark.parametrize("faulty_first", [True, False])
async def test_zeros_where_the_other_source_has_prices_are_the_zeros_fault(faulty_first: bool) -> None:
    zeros = series([0.0] * 8 + PRICES[8:], "zeros")
    pair = (zeros, series(PRICES, "good"))
    assert (await settled(*(pair if faulty_first else pair[::-1]))).source == "good"


async def test_a_difference_that_shows_no_fault_refuses_both() -> None:
    with pytest.raises(BadDocument, match="one and two differ in 1 of 96 slots, first at 2026-03-03 01:00 UTC"):
        await settled(series(PRICES), series([*PRICES[:8], PRICES[8] + 30, *PRICES[9:]], "two"))


async def test_a_day_that_no_source_has_says_what_each_said() -> None:
    with pytest.raises(NotYetPublished, match=r"no source has .*it is down.*not yet"):
        await settled(DOWN, LATE)
    with pytest.raises(BadDocument, match=r"x is wrong.*x is wrong"):
        await settled(BAD, BAD)
    told = Told()
    with pytest.raises(NotYetPublished):
        await settled(BAD, LATE, told=told)
    assert told.sentences == [str(BAD)]
    with pytest.raises(SourceUnavailable, match=r"^it is down"):
        await settled(DOWN)


def difference(one: Sequence[float], other: Sequence[float], resolution_min: int = 15) -> str:
    found = compare(series(one), series(other, "two", resolution_min))
    assert found is not None
    return found.what


def test_a_difference_is_named_by_its_cause() -> None:
    assert difference(PRICES, [price * 10 for price in PRICES]) == "differ by a factor of 10"
    assert difference([price * 1000 for price in PRICES], PRICES) == "differ by a factor of 1000"
    later, earlier = [*PRICES[92:], *PRICES[:92]], [*PRICES[4:], *PRICES[:4]]
    assert difference(PRICES, later) == "differ by an hour: the second has every price an hour later"
    assert difference(PRICES, earlier).endswith("an hour earlier")


def test_hours_are_compared_with_the_means_of_quarters_and_first_quarters_are_found_out() -> None:
    hours = [PRICES[n : n + 4] for n in range(0, 96, 4)]
    means = [round(sum(hour) / 4, 2) for hour in hours for _ in hour]
    firsts = [hour[0] for hour in hours for _ in hour]
    assert compare(series(PRICES), series(means, "two", 60)) is None
    found = compare(series(PRICES), series(firsts, "two", 60))
    assert found is not None
    assert found.what == "differ: the hours of two are the first quarters of one, not their means"
    assert found.at_fault is not None
    assert found.at_fault.source == "two"


def test_settings_choose_sources_by_area() -> None:
    assert chosen_sources("energy-charts") == {ANY_AREA: ("energy-charts",)}
    assert chosen_sources("energy-charts, entsoe; DK1 = energi-data-service,nord-pool") == {
        ANY_AREA: ("energy-charts", "entsoe"),
        "DK1": ("energi-data-service", "nord-pool"),
    }
    assert chosen_weather_sources("open-meteo,met-norway") == ("open-meteo", "met-norway")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "no price source for areas that are not named"),
        ("DK1=nord-pool", "no price source for areas that are not named"),
        ("crystal-ball", "'crystal-ball' is not a price source; price sources are energi-data-service"),
        ("csv-table", "'csv-table' is not a price source"),
        ("nord-pool; SE3=", "names none"),
        ("nord-pool,nord-pool", "or one twice"),
    ],
)
def test_settings_that_name_no_source_are_refused(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        chosen_sources(text)


async def test_a_chain_of_settings_asks_each_source_in_its_own_format() -> None:
    with serving() as charts, serving() as nord_pool:
        charts.status = 503
        nord_pool.body = raw(a_nord_pool_document(list(PRICES), "GER"))
        urls = {"energy-charts": charts.base_url, "nord-pool": nord_pool.base_url}
        async with a_client() as client:
            chain = price_chain(client, "energy-charts, nord-pool", urls, {})
            found = await chain.prices("DE-LU", DAY, BERLIN)
    assert (found.source, found.price_eur_per_mwh) == ("nord-pool", tuple(PRICES))


async def test_a_day_is_judged_against_the_stored_day_before(server: Server) -> None:
    asked = []

    async def stored(price_area: str, start: object, end: object) -> WholesalePrices:
        asked.append((price_area, start, end))
        longer = [5.0] * 4 + PRICES + [6.0] * 4
        before = MIDNIGHT - timedelta(days=1, hours=1)
        return series(longer).model_copy(update={"start": before})

    server.body = raw(a_price_document(price=lambda row: PRICES[row]))
    async with a_client() as client:
        with pytest.raises(BadDocument, match="repeats the day before in 96 of 96 slots"):
            await HttpPrices(client, server.base_url, known=stored).prices("DE-LU", DAY, BERLIN)
    assert asked == [("DE-LU", MIDNIGHT - timedelta(days=1), MIDNIGHT)]


class Forecast:
    """A weather source that always says the same."""

    def __init__(self, said: WeatherSeries | DocumentRefused | NotPublished) -> None:
        self.said = said

    async def weather(self, price_area: str, cell: str, first_slot: object, slots: int) -> WeatherSeries:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


async def test_the_second_forecast_helps_out_and_the_firsts_error_stands_where_none_has_one() -> None:
    mild = WeatherSeries(cell=CELL, source="two", start=MIDNIGHT, outdoor_c=(8.0,), radiation_w_per_m2=(0.0,))
    told = Told()
    chain = WeatherChain([Forecast(BAD), Forecast(mild)], told)
    assert (await chain.weather("DE-LU", CELL, MIDNIGHT, 1)).source == "two"
    assert told.sentences == [str(BAD)]
    with pytest.raises(BadDocument):
        await WeatherChain([Forecast(BAD), Forecast(DOWN)]).weather("DE-LU", CELL, MIDNIGHT, 1)
