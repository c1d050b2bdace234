"""Regrets in the ledger, and what plans expected when they were made."""

from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.modes import Mode
from domain.planning.fleet_plan import PlanOutline
from domain.planning.scope import Scope
from domain.planning.shards import Part, Shard, SolvedPart
from domain.savings.regret import Hindsight, Outcome, Regret
from domain.slots import SLOT
from ledger.plans import LedgerPlans
from ledger.regrets import LedgerRegrets
from ledger.series import LedgerSeries
from tests.builders import MIDNIGHT, a_plan, at
from tests.ledger.builders import a_result, enrol_pumps, prices, weather

pytestmark = pytest.mark.servers

SLOTS = tuple(MIDNIGHT + n * SLOT for n in range(96))
SCOPE = Scope(price_area="DE-LU", grid_area="feeder-1", weather_cell="50.0,10.0", tariff="spot")


async def a_stored_plan(
    engine: AsyncEngine, key: str, solved_h: float, power_kw: float, price: float, is_preview: bool = False
) -> None:
    """A plan of the whole day, made some hours after midnight, from its next slot on."""
    series, plans = LedgerSeries(engine), LedgerPlans(engine)
    begins = max(MIDNIGHT, at(0) + timedelta(hours=solved_h))
    slots = (MIDNIGHT + timedelta(hours=24) - begins) // SLOT
    part = Part(
        scope=SCOPE, pump_ids=("p-0001",), cap_kw=4.5, weather_version=await series.store_weather(weather(), at(0))
    )
    outline = PlanOutline(
        price_area="DE-LU",
        price_version=await series.store_prices(prices(), at(0)),
        first_slot=begins,
        slots=slots,
        until=MIDNIGHT + timedelta(hours=24),
        pumps=1,
        is_preview=is_preview,
    )
    made = MIDNIGHT + timedelta(hours=solved_h)
    revision = await plans.open_plan(key, outline, [Shard(number=0, parts=(part,))], made)
    solved = SolvedPart(
        asked=part,
        pumps=1,
        cold_snap_pumps=0,
        certificate=a_result().certificate,
        price_eur_per_mwh=(price,) * slots,
        cap_price_eur_per_mwh=(0.0,) * slots,
        neutral_load_kw=(power_kw,) * slots,
        power_kw={"p-0001": (power_kw,) * slots},
        pumps_by_mode={Mode.LOW: (1,) * slots},
    )
    await plans.store_part(revision, 0, 0, solved, {"p-0001": a_plan()}, made)


async def test_in_each_slot_the_newest_plan_made_before_it_counts_and_no_preview_does(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    await a_stored_plan(engine, "evening", -8, power_kw=1.0, price=100.0)
    await a_stored_plan(engine, "noon", 12, power_kw=2.0, price=50.0)
    await a_stored_plan(engine, "preview", 18, power_kw=9.0, price=900.0, is_preview=True)
    found = await LedgerRegrets(engine).planned_days(["p-0001", "p-0002"], SLOTS)
    assert found.keys() == {"p-0001"}
    planned = found["p-0001"]
    assert planned.kwh == pytest.approx(12 * 1.0 + 12 * 2.0)
    assert planned.cost_eur == pytest.approx(12 * 0.1 + 24 * 0.05)
    assert (planned.slots, planned.cap_kw) == (96, 4.5)


async def test_a_plan_that_begins_in_the_course_of_the_day_leaves_the_morning_unplanned(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    await a_stored_plan(engine, "noon", 12, power_kw=2.0, price=50.0)
    assert (await LedgerRegrets(engine).planned_days(["p-0001"], SLOTS))["p-0001"].slots == 48


async def test_a_regret_worked_out_again_replaces_the_one_of_its_scope_and_day(engine: AsyncEngine) -> None:
    regrets, day = LedgerRegrets(engine), date(2026, 1, 15)
    some = Outcome(kwh=1.0, cost_eur=1.0, objective_eur=1.0)

    def a_regret(homes: int, **of: object) -> Regret:
        return Regret(
            day=day,
            scope=SCOPE.model_copy(update=of),
            homes=homes,
            left_out=0,
            planned=some,
            hindsight=Hindsight(done=some, foresight=some, neutral=some),
            settled=some,
            modelled_kwh=0.0,
            price_version=1,
            outdoor_measured=1.0,
        )

    await regrets.keep_regrets([a_regret(3), a_regret(4, tariff="flat")], at(30))
    await regrets.keep_regrets([a_regret(5)], at(31))
    assert {one.scope.tariff: one.homes for one in await regrets.regrets(day, day)} == {"spot": 5, "flat": 4}
    assert not await regrets.regrets(day + timedelta(days=1), day + timedelta(days=9))
