"""Load curves in the ledger, and the load planned for their days since."""

from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.slots import SLOT
from ledger.load_curves import LedgerLoadCurves
from ledger.models import PumpPlan
from ledger.plans import LedgerPlans
from tests.builders import at
from tests.domain.planning.test_load_curve import a_curve, a_scenario
from tests.ledger.builders import enrol_pumps
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
