"""Prices, weather and plans by version: the same content keeps its number, and a plan can be looked up again."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.modes import Mode
from domain.planning.price_plan import PricePlan
from domain.slots import SLOT
from ledger.models import FleetPlan, PriceVersion, PumpPlan
from ledger.reports import LedgerReports
from ledger.series import LedgerPlans, LedgerSeries
from tests.builders import MIDNIGHT, a_plan, at
from tests.ledger.builders import a_request, a_result, count, enrol_pumps, prices, until, weather

pytestmark = pytest.mark.servers


def shares(revision: int) -> dict[str, PricePlan]:
    return {"p-0001": a_plan(revision, {(6, 8): Mode.MAX}), "p-0002": a_plan(revision)}


async def stored_versions(engine: AsyncEngine) -> tuple[int, int]:
    series = LedgerSeries(engine)
    return await series.store_prices(prices(), at(1)), await series.store_weather(weather(), at(1))


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


async def test_the_same_run_never_makes_two_revisions(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    versions = await stored_versions(engine)
    plans = LedgerPlans(engine)
    first = await plans.store_plan("run-1", a_request(), *versions, a_result(10.0), shares, at(13))
    again = await plans.store_plan("run-1", a_request(), *versions, a_result(99.0), shares, at(14))
    other = await plans.store_plan("run-2", a_request(), *versions, a_result(11.0), shares, at(15))
    assert again == first < other
    assert await count(engine, FleetPlan) == 2
    assert await count(engine, PumpPlan) == 4
    newest = await LedgerReports(engine).newest_plan()
    assert newest is not None
    assert (newest["revision"], newest["certificate"]["cost_eur"]) == (other, 11.0)


async def test_attempts_of_one_run_that_overlap_get_one_revision(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    versions = await stored_versions(engine)

    async def attempt() -> int:
        return await LedgerPlans(engine).store_plan("run-1", a_request(), *versions, a_result(), shares, at(13))

    async with engine.connect() as holding:
        # The first attempt stands still before its end, as one does whose worker is believed dead.
        await holding.execute(text("LOCK TABLE pump_plans IN ACCESS EXCLUSIVE MODE"))
        attempts = [asyncio.create_task(attempt()) for _ in range(3)]
        await until(partial(standing_still, engine, len(attempts)))
        await holding.rollback()
    revisions = await asyncio.gather(*attempts)
    assert len(set(revisions)) == 1
    assert await count(engine, FleetPlan) == 1
    assert await count(engine, PumpPlan) == 2


async def standing_still(engine: AsyncEngine, number: int) -> bool:
    """Whether so many connections to this database wait for another one."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with engine.connect() as connection:
        return int(await connection.scalar(query) or 0) == number


async def test_a_plan_whose_shares_cannot_be_stored_is_not_stored_at_all(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    versions = await stored_versions(engine)

    def broken(revision: int) -> dict[str, PricePlan]:
        raise ValueError(f"no share in {revision}")

    with pytest.raises(ValueError, match="no share"):
        await LedgerPlans(engine).store_plan("run-1", a_request(), *versions, a_result(), broken, at(13))
    assert await count(engine, FleetPlan) == 0


async def test_the_shares_of_a_revision_come_in_pages_ordered_by_pump(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    plans = LedgerPlans(engine)
    revision = await plans.store_plan("run-1", a_request(), *await stored_versions(engine), a_result(), shares, at(13))
    first = await plans.price_plans(revision, "", 1)
    assert first == [("p-0001", shares(revision)["p-0001"])]
    assert [pump for pump, _ in await plans.price_plans(revision, "p-0001", 5)] == ["p-0002"]
    assert await plans.price_plans(revision, "p-0002", 5) == []
    assert await plans.price_plans(revision + 1, "", 5) == []
