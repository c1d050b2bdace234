"""Fleet plans in the ledger: one revision for a run, stored part by part, whatever attempt comes first."""

import asyncio
from collections.abc import Mapping
from functools import partial

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.modes import Mode
from domain.planning.fleet_plan import PlanOutline
from domain.planning.price_plan import PricePlan
from domain.planning.scope import Scope
from domain.planning.shards import Part, Shard, SolvedPart
from domain.steering.orders import Order, OrderKind
from ledger.models import FleetPlan, PlanPart, PlanShard, Pump, PumpPlan
from ledger.plans import LedgerPlans
from ledger.pumps import LedgerPumps
from ledger.queries.history import LedgerHistory, LedgerOrders
from ledger.queries.plans import LedgerPlanQueries
from ledger.queries.reports import LedgerReports
from ledger.series import LedgerSeries
from tests.builders import a_plan, at
from tests.ledger.builders import a_result, count, enrol_pumps, prices, until, weather

pytestmark = pytest.mark.servers

PUMPS = ("p-0001", "p-0002", "p-0003")


async def outline(engine: AsyncEngine) -> PlanOutline:
    version = await LedgerSeries(engine).store_prices(prices(), at(1))
    return PlanOutline(price_area="DE-LU", price_version=version, first_slot=at(6), slots=40, until=at(16), pumps=3)


async def part(engine: AsyncEngine, *pump_ids: str, grid_area: str = "feeder-1") -> Part:
    version = await LedgerSeries(engine).store_weather(weather(), at(1))
    scope = Scope(price_area="DE-LU", grid_area=grid_area, weather_cell="50.0,10.0", tariff="spot")
    return Part(scope=scope, pump_ids=pump_ids, cap_kw=4.5, weather_version=version)


async def shards(engine: AsyncEngine) -> tuple[Shard, Shard]:
    two = (await part(engine, "p-0001"), await part(engine, "p-0002", grid_area="feeder-2"))
    return Shard(number=0, parts=two), Shard(number=1, parts=(await part(engine, "p-0003"),))


def solved(asked: Part, cost_eur: float = 10.0) -> SolvedPart:
    return SolvedPart(
        asked=asked,
        pumps=len(asked.pump_ids),
        cold_snap_pumps=1,
        certificate=a_result(cost_eur).certificate,
        price_eur_per_mwh=(80.0,) * 40,
        cap_price_eur_per_mwh=(0.0,) * 40,
        neutral_load_kw=(2.0,) * 40,
        power_kw=dict.fromkeys(asked.pump_ids, (1.5,) * 40),
        pumps_by_mode={Mode.LOW: (len(asked.pump_ids),) * 40},
    )


def plans_of(asked: Part, revision: int) -> Mapping[str, PricePlan]:
    return {pump_id: a_plan(revision, {(6, 8): Mode.MAX}) for pump_id in asked.pump_ids}


async def an_open_plan(engine: AsyncEngine, key: str = "run-1") -> int:
    return await LedgerPlans(engine).open_plan(key, await outline(engine), await shards(engine), at(13))


async def store(engine: AsyncEngine, revision: int, shard: Shard, place: int, cost_eur: float = 10.0) -> bool:
    asked = shard.parts[place]
    solution = solved(asked, cost_eur)
    return await LedgerPlans(engine).store_part(
        revision, shard.number, place, solution, plans_of(asked, revision), at(13)
    )


async def test_the_same_run_never_makes_two_revisions_and_keeps_the_shards_it_began_with(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    plans = LedgerPlans(engine)
    first = await an_open_plan(engine)
    later = await plans.open_plan("run-1", await outline(engine), (await shards(engine))[:1], at(14))
    other = await an_open_plan(engine, "run-2")
    assert later == first < other
    assert await plans.shard_count(first) == 2
    assert await plans.shard(first, 1) == (await shards(engine))[1]
    assert await plans.outline(first) == await outline(engine)
    assert await count(engine, FleetPlan) == 2
    with pytest.raises(LookupError, match="plan revision 1 has no shard 7"):
        await plans.shard(first, 7)


async def test_a_plan_keeps_the_power_it_expects_of_each_pump_and_of_an_area(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    revision, queries = await an_open_plan(engine), LedgerPlanQueries(engine)
    first, _ = await shards(engine)
    await store(engine, revision, first, 0)
    of_pump = await queries.newest_of_pump("p-0001")
    assert of_pump is not None
    assert of_pump["power_kw"] == [1.5] * 40
    (part_of_area,) = await queries.parts(revision)
    assert part_of_area["load_kw"] == [1.5] * 40
    assert part_of_area["pumps_by_mode"] == {"LOW": [1] * 40}
    assert part_of_area["price_eur_per_mwh"] == [80.0] * 40


async def test_attempts_that_overlap_get_one_revision_and_store_a_part_once(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    first, _ = await shards(engine)
    async with engine.connect() as holding:
        # The first attempt stands still before its end, as one does whose worker is believed dead.
        await holding.execute(text("LOCK TABLE plan_shards IN ACCESS EXCLUSIVE MODE"))
        opening = [asyncio.create_task(an_open_plan(engine)) for _ in range(3)]
        await until(partial(standing_still, engine, len(opening)))
        await holding.rollback()
    (revision,) = set(await asyncio.gather(*opening))
    async with engine.connect() as holding:
        await holding.execute(text("LOCK TABLE pump_plans IN ACCESS EXCLUSIVE MODE"))
        storing = [asyncio.create_task(store(engine, revision, first, 0, 10.0 + n)) for n in range(3)]
        await until(partial(standing_still, engine, len(storing)))
        await holding.rollback()
    assert sorted(await asyncio.gather(*storing)) == [False, False, True]
    assert await count(engine, PlanPart) == 1
    assert await count(engine, PumpPlan) == 1


async def standing_still(engine: AsyncEngine, number: int) -> bool:
    """Whether so many connections to this database wait for another one."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with engine.connect() as connection:
        return int(await connection.scalar(query) or 0) == number


async def test_a_part_whose_plans_cannot_be_stored_is_not_stored_at_all(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    revision = await an_open_plan(engine)
    asked = (await shards(engine))[0].parts[0]
    nobody = {"p-9999": a_plan(revision)}
    with pytest.raises(Exception, match="violates foreign key constraint"):
        await LedgerPlans(engine).store_part(revision, 0, 0, solved(asked), nobody, at(13))
    assert await LedgerPlans(engine).stored_parts(revision, 0) == {}


async def test_a_partial_plan_says_what_is_there_and_which_shard_failed_why(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    plans, reports = LedgerPlans(engine), LedgerReports(engine)
    revision = await an_open_plan(engine)
    assert await reports.newest_plan() is None, "nothing is solved yet"
    first, _ = await shards(engine)
    assert await store(engine, revision, first, 0, 10.0)
    assert await store(engine, revision, first, 1, 11.0)
    assert not await store(engine, revision, first, 1, 99.0)
    assert await plans.stored_parts(revision, 0) == {0: 1, 1: 1}
    await plans.note_delivered(revision, 0, 2)
    await plans.close_plan(revision, {1: "not solved: nothing is finite here"}, at(14))
    figures = await plans.figures(revision)
    assert (figures.pumps, figures.cold_snap_pumps) == (2, 2)
    assert figures.certificate is not None
    assert (figures.certificate.cost_eur, figures.certificate.lower_bound_eur) == (21.0, 20.0)
    newest = await reports.newest_plan()
    assert newest is not None
    assert (newest["revision"], newest["pumps"], newest["closed_at"]) == (revision, 3, at(14))
    assert newest["certificate"]["cost_eur"] == 21.0
    async with engine.connect() as connection:
        query = select(PlanShard.shard, PlanShard.delivered, PlanShard.failure).order_by(PlanShard.shard)
        assert [tuple(row) for row in await connection.execute(query)] == [
            (0, 2, None),
            (1, None, "not solved: nothing is finite here"),
        ]


async def test_the_plans_of_a_shard_come_in_pages_ordered_by_pump_and_know_their_weather(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    plans = LedgerPlans(engine)
    revision = await an_open_plan(engine)
    first, second = await shards(engine)
    for shard, place in ((first, 0), (first, 1), (second, 0)):
        await store(engine, revision, shard, place)
    expected = a_plan(revision, {(6, 8): Mode.MAX})
    assert await plans.price_plans(revision, 0, "", 1) == [("p-0001", expected)]
    assert [pump for pump, _ in await plans.price_plans(revision, 0, "p-0001", 5)] == ["p-0002"]
    assert await plans.price_plans(revision, 0, "p-0002", 5) == []
    assert [pump for pump, _ in await plans.price_plans(revision, 0, "", 5, ["p-0002", "p-0003"])] == ["p-0002"]
    assert [pump for pump, _ in await plans.price_plans(revision, 1, "", 5)] == ["p-0003"]
    (made,) = await LedgerHistory(engine).plans("p-0003", at(20))
    assert (made["revision"], made["weather_version"]) == (revision, second.parts[0].weather_version)


async def test_price_areas_and_their_pumps_are_those_of_steered_enrolments(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    pumps = LedgerPumps(engine)
    profile = await pumps.profile("p-0002")
    moved = profile.enrolment.model_copy(update={"price_area": "AT", "weather_cell": "48.0,13.0"})
    changed = profile.model_copy(update={"enrolment": moved}).model_dump(mode="json")
    async with engine.begin() as connection:
        await connection.execute(update(Pump).where(Pump.pump_id == "p-0002").values(profile=changed))
    await pumps.mark_retired("p-0003", at(3))
    found = {area.price_area: (area.weather_cells, area.oems, area.pumps) for area in await pumps.price_areas()}
    assert found == {"AT": (("48.0,13.0",), ("nibe",), 1), "DE-LU": (("50.0,10.0",), ("nibe",), 1)}
    assert await pumps.enrolments("AT") == [moved]
    assert [p.enrolment.pump_id for p in await pumps.profiles(["p-0001", "p-0003", "p-0002"])] == ["p-0001", "p-0002"]


async def test_a_pump_that_another_system_steers_takes_no_part_in_planning_until_it_is_cut_over(
    engine: AsyncEngine,
) -> None:
    await enrol_pumps(engine, *PUMPS)
    pumps, orders = LedgerPumps(engine), LedgerOrders(engine)
    shadow = Order(
        order_id="shadow-1", kind=OrderKind.SHADOW, scope="pump:p-0002", since=at(0), who="onboarding", why="theirs"
    )
    await orders.give(shadow, at(0))
    await orders.give(shadow.model_copy(update={"order_id": "o-1", "kind": OrderKind.STOP, "scope": "all"}), at(0))

    async def planned() -> tuple[list[str], list[int]]:
        enrolments = await pumps.enrolments("DE-LU")
        return [e.pump_id for e in enrolments], [area.pumps for area in await pumps.price_areas()]

    assert await planned() == (["p-0001", "p-0003"], [2])
    await orders.lift("shadow-1", at(2))
    assert await planned() == (list(PUMPS), [3])
    assert len(await pumps.active()) == len(PUMPS), "it is observed all the while"


async def test_the_newest_plan_of_every_day_still_ahead_is_found_and_previews_are_none(
    engine: AsyncEngine,
) -> None:
    plans, today = LedgerPlans(engine), await outline(engine)
    tomorrow = today.model_copy(update={"first_slot": at(24), "slots": 96, "until": at(48)})
    await plans.open_plan("today", today, (), at(5))
    newer = today.model_copy(update={"first_slot": at(8), "slots": 32})
    await plans.open_plan("today again", newer, (), at(7))
    await plans.open_plan("tomorrow", tomorrow, (), at(7))
    await plans.open_plan("preview", newer.model_copy(update={"is_preview": True}), (), at(8))
    found = {one.end: (one, made_at) for one, made_at in await plans.newest_outlines(at(9))}
    assert found == {at(16): (newer, at(7)), at(48): (tomorrow, at(7))}
    assert [one.end for one, _ in await plans.newest_outlines(at(16))] == [at(48)]
