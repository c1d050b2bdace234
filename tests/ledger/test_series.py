"""Prices and weather by version: the same content keeps its number."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.slots import SLOT
from ledger.models import PriceVersion
from ledger.series import LedgerSeries
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
    newest, before = await series.quarantined(limit=2)
    assert newest == {"kind": "price", "origin": "file-2", "reason": "reason 2", "received_at": at(2)}
    assert before["origin"] == "file-1"
