"""Prices and weather by version: the same content keeps its number."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.planning.intraday import LaterPrices, Market
from domain.planning.series import Basis, Provenance, WholesalePrices
from domain.slots import SLOT
from ledger.models import PriceVersion
from ledger.queries.prices import LedgerPriceQueries
from ledger.series import LedgerSeries
from market.areas import AREAS
from tests.builders import MIDNIGHT, at
from tests.ledger.builders import count, prices, weather

pytestmark = pytest.mark.servers


async def test_the_same_content_keeps_its_version_and_other_content_gets_another(engine: AsyncEngine) -> None:
    series = LedgerSeries(engine)
    first = await series.store_prices(prices(), at(1))
    assert await series.store_prices(prices(), at(5)) == first
    second = await series.store_prices(prices(level=81.0), at(6))
    assert second > first
    assert await series.prices(first) == prices()
    assert await series.prices(second) == prices(level=81.0)
    cold = await series.store_weather(weather(), at(1))
    assert await series.store_weather(weather(), at(2)) == cold
    assert await series.weather(cold) == weather()


async def test_a_series_stored_by_many_at_once_is_one_version(engine: AsyncEngine) -> None:
    versions = await asyncio.gather(*(LedgerSeries(engine).store_prices(prices(), at(1)) for _ in range(6)))
    assert len(set(versions)) == 1
    assert await count(engine, PriceVersion) == 1


async def test_a_version_that_is_not_there_is_a_sentence(engine: AsyncEngine) -> None:
    with pytest.raises(LookupError, match="no version 7 in price_versions"):
        await LedgerSeries(engine).prices(7)


async def test_the_newest_prices_are_those_that_cover_the_whole_time(engine: AsyncEngine) -> None:
    series = LedgerSeries(engine)
    day = timedelta(days=1)
    old = await series.store_prices(prices(), at(1))
    new = await series.store_prices(prices(level=99.0), at(2))
    await series.store_prices(prices(slots=95), at(3))
    shifted = await series.store_prices(prices(start=MIDNIGHT + SLOT), at(3))
    other_area = prices().model_copy(update={"price_area": "AT"})
    await series.store_prices(other_area, at(4))
    assert new > old
    assert await series.newest_prices("DE-LU", MIDNIGHT, MIDNIGHT + day) == new
    assert await series.newest_prices("DE-LU", at(3), at(4)) == shifted
    assert await series.newest_prices("DE-LU", MIDNIGHT, MIDNIGHT + day + 2 * SLOT) is None
    assert await series.newest_prices("DE-LU", MIDNIGHT - SLOT, at(4)) is None
    assert await series.newest_prices("FR", MIDNIGHT, at(4)) is None


async def test_documents_that_were_not_believed_are_listed_newest_first(engine: AsyncEngine) -> None:
    series = LedgerSeries(engine)
    for number in range(3):
        await series.quarantine("price", f"file-{number}", f"reason {number}", at(number))
    newest, before = await LedgerPriceQueries(engine).quarantined(limit=2)
    assert (newest["kind"], newest["origin"], newest["reason"]) == ("price", "file-2", "reason 2")
    assert (newest["received_at"], newest["about"], newest["released_version"]) == (at(2), None, None)
    assert before["origin"] == "file-1"


async def test_a_document_refused_again_stands_there_once_and_is_released_once(engine: AsyncEngine) -> None:
    series, queries = LedgerSeries(engine), LedgerPriceQueries(engine)
    for hour in (1, 2):
        assert await series.quarantine("price", "a page", "is like yesterday", at(hour), prices()) is None
    (row,) = await queries.quarantined()
    assert (row["received_at"], row["about"]["source"]) == (at(1), "as the test says")
    assert "price_eur_per_mwh" not in row["about"]
    held = await queries.quarantined_document(row["id"])
    assert held is not None
    assert WholesalePrices.model_validate(held["series"]) == prices()
    assert await series.newest_prices("DE-LU", MIDNIGHT, at(24)) is None, "a suspected day plans nothing"
    version = await series.release(row["id"], prices(), at(3))
    assert await series.newest_prices("DE-LU", MIDNIGHT, at(24)) == version
    assert await series.quarantine("price", "a page", "is like yesterday", at(4), prices()) == version
    assert await series.quarantine("price", "a page", "is like yesterday", at(4), prices(level=9.0)) is None


async def test_versions_are_told_apart_by_the_document_they_came_from(engine: AsyncEngine) -> None:
    series = LedgerSeries(engine)
    about = Provenance(raw_sha256="a" * 64, published_at=at(-12), currency="SEK", verdicts=("Converted.",))
    first = await series.store_prices(prices(), at(1))
    second = await series.store_prices(prices().model_copy(update={"provenance": about}), at(2))
    assert second > first
    newest, before = await LedgerPriceQueries(engine).versions("DE-LU", MIDNIGHT, at(24), 10)
    assert (newest["version"], newest["stored_at"], before["version"]) == (second, at(2), first)
    assert Provenance.model_validate(newest["about"]["provenance"]) == about
    assert await LedgerPriceQueries(engine).versions("DE-LU", at(24), at(48), 10) == []
    assert await LedgerPriceQueries(engine).versions("AT", None, None, 10) == []


async def test_a_source_that_goes_back_to_prices_it_had_corrected_is_believed(engine: AsyncEngine) -> None:
    series = LedgerSeries(engine)
    first = await series.store_prices(prices(), at(1))
    corrected = await series.store_prices(prices(level=90.0), at(2))
    assert await series.newest_prices("DE-LU", MIDNIGHT, at(24)) == corrected
    assert await series.store_prices(prices(), at(3)) == first
    assert await series.newest_prices("DE-LU", MIDNIGHT, at(24)) == first
    assert (await series.published_days("DE-LU", MIDNIGHT, at(24))) == [prices()]
    found = await series.newest_of_areas(["DE-LU"], MIDNIGHT, at(24))
    assert found["DE-LU"] == (first, prices())


async def test_a_source_that_repeats_itself_does_not_override_what_a_person_loaded(engine: AsyncEngine) -> None:
    series = LedgerSeries(engine)
    first = await series.store_prices(prices(), at(1))
    loaded = await series.store_prices(prices(level=70.0), at(2), by_person=True)
    assert await series.store_prices(prices(), at(3)) == first
    assert await series.newest_prices("DE-LU", MIDNIGHT, at(24)) == loaded
    corrected = await series.store_prices(prices(level=75.0), at(4))
    assert await series.newest_prices("DE-LU", MIDNIGHT, at(24)) == corrected, "the market said something new"
    assert await series.store_prices(prices(level=70.0), at(5), by_person=True) == loaded
    assert await series.newest_prices("DE-LU", MIDNIGHT, at(24)) == loaded


async def test_intraday_prices_lie_over_the_newest_auction_and_over_its_correction(engine: AsyncEngine) -> None:
    series = LedgerSeries(engine)
    later = LaterPrices(
        price_area="DE-LU", market=Market.INTRADAY, source="test", start=at(10), price_eur_per_mwh=(500.0, None, 510.0)
    )
    with pytest.raises(LookupError, match="no day-ahead prices of DE-LU"):
        await series.store_later(later, at(1))
    first = await series.store_prices(prices(), at(1))
    (over,) = await series.store_later(later, at(2))
    assert await series.newest_prices("DE-LU", MIDNIGHT, at(24)) == over > first
    assert await series.store_later(later, at(3)) == [over]
    assert await series.store_prices(prices(), at(4)) == first
    assert await series.newest_prices("DE-LU", MIDNIGHT, at(24)) == over, "a source that repeats itself hides nothing"
    await series.store_prices(prices(level=90.0), at(5))
    newest = await series.newest_prices("DE-LU", MIDNIGHT, at(24))
    assert newest is not None
    found = await series.prices(newest)
    assert found.price_eur_per_mwh == prices(level=90.0).price_eur_per_mwh
    assert (found.newest_eur_per_mwh[40], found.newest_eur_per_mwh[42]) == (500.0, 510.0)
    assert await series.published_days("DE-LU", MIDNIGHT, at(24)) == [prices(level=90.0)], "estimates know auctions"
    listed = await LedgerPriceQueries(engine).versions("DE-LU", None, None, 10)
    assert all("later_eur_per_mwh" not in one["about"] for one in listed)


async def test_an_estimate_never_stands_in_for_what_was_published(engine: AsyncEngine) -> None:
    series = LedgerSeries(engine)
    published = await series.store_prices(prices(), at(1))
    await series.store_prices(prices(level=70.0).model_copy(update={"basis": Basis.ESTIMATED}), at(2))
    assert await series.newest_prices("DE-LU", MIDNIGHT, at(24)) == published


async def test_the_published_days_before_a_day_are_read_in_one_query_each_in_its_newest_version(
    engine: AsyncEngine,
) -> None:
    series = LedgerSeries(engine)
    for day, level in ((-3, 1.0), (-2, 2.0), (-2, 3.0), (-1, 4.0), (0, 5.0)):
        await series.store_prices(prices(start=at(24 * day), level=level), at(24 * day))
    await series.store_prices(prices(start=at(-24)).model_copy(update={"basis": Basis.ESTIMATED}), at(1))
    with counted_queries(engine) as queries:
        found = await series.published_days("DE-LU", at(-48), MIDNIGHT)
    assert [(one.start, one.price_eur_per_mwh[0]) for one in found] == [(at(-48), 3.0), (at(-24), 4.0)]
    assert len(queries) == 1


async def test_a_year_of_quarter_hours_of_twenty_areas_is_stored_and_read_in_one_query_each(
    engine: AsyncEngine,
) -> None:
    series, slots, areas = LedgerSeries(engine), 365 * 96, sorted(AREAS)[:20]
    year = [
        WholesalePrices(
            price_area=area,
            source="as the test says",
            resolution_min=15,
            start=MIDNIGHT,
            price_eur_per_mwh=tuple(float(number + slot % 96) for slot in range(slots)),
        )
        for number, area in enumerate(areas)
    ]
    with counted_queries(engine) as queries:
        versions = await series.store_all_prices(year, at(1))
        assert len(set(versions)) == 20
        assert queries.pop().startswith("INSERT INTO price_versions")
        assert not queries
        found = await series.newest_of_areas(areas, MIDNIGHT, MIDNIGHT + slots * SLOT)
        assert queries.pop().startswith("SELECT DISTINCT ON")
        assert not queries
    assert [found[area] for area in areas] == list(zip(versions, year, strict=True))


async def test_a_version_is_read_once_however_many_parts_of_a_plan_ask_for_it(engine: AsyncEngine) -> None:
    series = LedgerSeries(engine)
    version, cold = await series.store_prices(prices(), at(1)), await series.store_weather(weather(), at(1))
    with counted_queries(engine) as queries:
        await asyncio.gather(*(series.prices(version) for _ in range(5)))
        await asyncio.gather(*(series.weather(cold) for _ in range(5)))
    assert len(queries) == 2


@contextmanager
def counted_queries(engine: AsyncEngine) -> Iterator[list[str]]:
    """The statements that reach the database."""
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", hear)
    yield said
    event.remove(engine.sync_engine, "before_cursor_execute", hear)


async def test_the_newest_weather_of_a_cell_covers_the_whole_time(engine: AsyncEngine) -> None:
    series = LedgerSeries(engine)
    await series.store_weather(weather(start=MIDNIGHT), at(1))
    warmer = weather(start=MIDNIGHT).model_copy(update={"outdoor_c": (5.0,) * 96})
    await series.store_weather(warmer, at(2))
    assert await series.newest_weather("50.0,10.0", at(3), at(24)) == warmer
    assert await series.newest_weather("50.0,10.0", at(-1), at(24)) is None
    assert await series.newest_weather("48.0,13.0", at(3), at(24)) is None
