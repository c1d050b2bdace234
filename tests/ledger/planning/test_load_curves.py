"""Load curves in the ledger, and the load planned for their days since."""

from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.planning.load_curve import DeviationPrices, NominatedPower
from domain.slots import SLOT, bounds_of
from ledger.load_curves import LedgerLoadCurves
from ledger.models import NominationRow, PumpPlan
from ledger.plans import LedgerPlans
from ledger.queries.plans import LedgerPlanQueries
from tests.builders import at
from tests.domain.planning.test_load_curve import a_curve, a_scenario
from tests.ledger.builders import count, enrol_pumps
from tests.ledger.planning.test_plans import PUMPS, an_open_plan, outline, shards, store

pytestmark = pytest.mark.servers

DAY = date(2026, 1, 15)


async def test_a_later_curve_of_a_day_is_a_version_of_its_own_and_the_newest_counts(engine: AsyncEngine) -> None:
    curves = LedgerLoadCurves(engine)
    first = await curves.store(a_curve(a_scenario("base", 4.0)))
    newer = a_curve(a_scenario("base", 5.0))
    second = await curves.store(newer)
    assert second > first
    assert list(await curves.newest_by_day("feeder-1", DAY, DAY)) == [(second, newer)]
    assert not await curves.newest_by_day("feeder-2", DAY, DAY)


async def test_the_load_that_came_is_that_of_the_newest_plan_of_each_slot_and_of_no_preview(
    engine: AsyncEngine,
) -> None:
    await enrol_pumps(engine, *PUMPS)
    plans, curves = LedgerPlans(engine), LedgerLoadCurves(engine)
    revision = await an_open_plan(engine)
    first, second = await shards(engine)
    for shard, place in ((first, 0), (first, 1), (second, 0)):
        await store(engine, revision, shard, place)
    of = await outline(engine)
    start, end = of.first_slot, of.first_slot + 2 * SLOT
    assert await curves.planned_kw(of.price_area, start, end) == {start: 4.5, start + SLOT: 4.5}
    assert await curves.planned_kw("feeder-2", start, end) == {start: 1.5, start + SLOT: 1.5}
    preview = await plans.open_plan(
        "a preview", of.model_copy(update={"is_preview": True}), await shards(engine), at(14)
    )
    await store(engine, preview, first, 0)
    assert await curves.planned_kw(of.price_area, start, end) == {start: 4.5, start + SLOT: 4.5}
    await curves.forget_pumps([revision, preview])
    async with engine.connect() as connection:
        query = select(PumpPlan.revision, func.count()).group_by(PumpPlan.revision)
        left = {row[0]: row[1] for row in await connection.execute(query)}
    assert left == {revision: 3}, "a plan that was given out is kept, a preview's single pumps are not"


async def test_of_what_was_nominated_the_newest_of_each_area_counts_until_it_is_withdrawn_and_all_is_kept(
    engine: AsyncEngine,
) -> None:
    curves, day = LedgerLoadCurves(engine), bounds_of(DAY, "Europe/Berlin")
    low, high = (
        DeviationPrices(up_eur_per_mwh=20, down_eur_per_mwh=10),
        DeviationPrices(up_eur_per_mwh=90, down_eur_per_mwh=80),
    )
    first, newer = a_curve(a_scenario("base", 4.0, 6.0)), a_curve(a_scenario("base", 5.0, 7.0))
    versions = [await curves.store(curve) for curve in (first, newer)]
    other = newer.model_copy(update={"area": "feeder-2"})
    versions.append(await curves.store(other))
    await curves.nominate(first, versions[0], low, day, at(11))
    await curves.nominate(other, versions[2], low, day, at(11, 30))
    number = await curves.nominate(newer, versions[1], high, day, at(11, 45))
    assert not await curves.nominations("AT", day[0])
    assert not await curves.nominations("DE-LU", day[1]), "that is the next day"
    stand = {one.area: one for one in await curves.nominations("DE-LU", day[1] - SLOT)}
    assert set(stand) == {"feeder-1", "feeder-2"}
    one = stand["feeder-1"]
    assert (one.number, one.power.curve, one.power.prices, one.power.power_kw) == (
        number,
        versions[1],
        high,
        (5.0, 7.0),
    )
    assert (one.first_slot, one.given_at, one.energy_kwh) == (day[0], at(11, 45), 3.0)
    await curves.withdraw(one, day, at(12))
    assert [left.area for left in await curves.nominations("DE-LU", day[0])] == ["feeder-2"]
    assert await count(engine, NominationRow) == 4, "what stood before is still known"
    assert await curves.curve(versions[0]) == first
    assert await curves.curve(99) is None


async def test_what_a_curve_expected_of_its_pumps_is_that_of_its_previews_parts(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    curves, day = LedgerLoadCurves(engine), bounds_of(DAY, "Europe/Berlin")
    revision = await an_open_plan(engine)
    first, second = await shards(engine)
    for shard, place in ((first, 0), (first, 1), (second, 0)):
        await store(engine, revision, shard, place)
    prices = DeviationPrices(up_eur_per_mwh=20, down_eur_per_mwh=10)
    base = a_scenario("base", 4.0, 6.0).model_copy(update={"revision": revision})
    for area, pumps in (("DE-LU", ["p-0001", "p-0002", "p-0003"]), ("feeder-2", ["p-0002"])):
        curve = a_curve(base).model_copy(update={"area": area})
        await curves.nominate(curve, await curves.store(curve), prices, day, at(11))
        (one,) = [found for found in await curves.nominations("DE-LU", day[0]) if found.area == area]
        expected = await curves.expected_loads(one)
        assert [pump for load in expected for pump in load.pump_ids] == pumps
        assert {load.load_kw for load in expected} == {(1.5,) * 40}


async def test_a_part_keeps_what_it_was_to_draw(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    plans, prices = LedgerPlans(engine), DeviationPrices(up_eur_per_mwh=20, down_eur_per_mwh=10)
    named = NominatedPower(power_kw=(2.0,) * 40, prices=prices, curve=3)
    first, second = await shards(engine)
    bound = first.model_copy(update={"parts": (first.parts[0].model_copy(update={"nominated": named}), first.parts[1])})
    revision = await plans.open_plan("bound", await outline(engine), (bound, second), at(13))
    assert await plans.shard(revision, 0) == bound
    await store(engine, revision, bound, 0)
    await store(engine, revision, bound, 1)
    kept = [part["nominated"] for part in await LedgerPlanQueries(engine).parts(revision)]
    assert kept == [named.model_dump(mode="json"), None]
