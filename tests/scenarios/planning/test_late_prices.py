"""Late prices and intraday ones on the real stack: a plan made without them is renewed within minutes."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from application.planning.plans import PlanView, show_plan
from domain.planning.intraday import LaterPrices, Market
from domain.planning.series import Basis
from domain.slots import SLOT, bounds_of
from ledger.models import FleetPlan
from tests.feeds import serving
from tests.ledger.builders import prices
from tests.scenarios.planning.test_planning import BERLIN, DAY, HOURS, everybody_follows
from tests.scenarios.planning.test_planning_scope import two_markets
from tests.world import a_world
from workflows.area_planning import AreaPlanning
from workflows.contracts import PLANNER_QUEUE, SPED_UP, AreaPlanningInput, PlanningInput
from workflows.price_watch import start_price_watch

pytestmark = pytest.mark.servers

AT_MOST = timedelta(minutes=5)


async def test_a_plan_on_flat_prices_is_renewed_within_five_minutes_of_the_real_ones_arrival(tmp_path: Path) -> None:
    feeds = two_markets()
    feeds.silent.add("DE-LU")
    places = {1: {"weather_cell": "50.0,10.0"}}
    with serving(feeds) as url:
        async with a_world(tmp_path, pumps=1, speed=30, places=places) as world:
            world.extra = {**world.extra, "HEATSTEER_PRICE_URL": url, "HEATSTEER_WEATHER_URL": url}
            await world.start_workers("planner")
            access, pump = world.access, world.pump(1)
            start, end = bounds_of(DAY, BERLIN.key)
            slots = int((end - start) / timedelta(minutes=15))
            flat = prices(start, slots).model_copy(update={"basis": Basis.FLAT, "price_eur_per_mwh": (80.0,) * slots})
            version = await access.ledger.series.store_prices(flat, world.now())
            planning = PlanningInput(clock=access.clock, budget_s=1.0, patience=SPED_UP)
            (area,) = await access.ledger.pumps.price_areas()
            given = AreaPlanningInput(planning=planning, area=area, tz=BERLIN.key, day=DAY, price_version=version)
            run = AreaPlanning.run
            planned = await access.client.execute_workflow(run, given, id="first", task_queue=PLANNER_QUEUE)
            assert planned.reason == "prices are flat: the market was silent"
            view = await show_plan(access, "DE-LU")
            assert isinstance(view, PlanView)
            assert view.price_basis == "flat"
            await everybody_follows(world, [pump], planned.revision)

            await start_price_watch(access.client, planning)
            await world.until(lambda: feeds.asked.count("DE-LU") >= 1, within=HOURS)
            arrived_at = world.now()
            feeds.silent.clear()
            assert planned.revision is not None
            await everybody_follows(world, [pump], planned.revision + 1)
            async with access.ledger.engine.connect() as connection:
                query = select(FleetPlan.created_at, FleetPlan.price_version).order_by(FleetPlan.revision.desc())
                newest = (await connection.execute(query.limit(1))).one()
            assert newest.created_at - arrived_at <= AT_MOST
            assert (await access.ledger.series.prices(newest.price_version)).basis is Basis.PUBLISHED

            noon = LaterPrices(
                price_area="DE-LU",
                market=Market.INTRADAY,
                source="as the test says",
                start=start + 48 * SLOT,
                price_eur_per_mwh=(700.0,) * 8 + (-200.0,) * 8,
            )
            (laid_over,) = await access.ledger.series.store_later(noon, world.now())
            said_at = world.now()
            await everybody_follows(world, [pump], planned.revision + 2)
            async with access.ledger.engine.connect() as connection:
                again = (await connection.execute(query.limit(1))).one()
            assert again.price_version == laid_over
            assert again.created_at - said_at <= AT_MOST
