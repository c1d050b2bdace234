"""How often a planning run asks the ledger for series: once for each, however many parts the plan has."""

from collections import Counter

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.plan_requests import RequestSources
from activities.planning import OpenPlan, PlanningActivities
from domain.planning.scope import GridCaps
from ledger.series import LedgerSeries
from market.tariff_files import tariffs_in
from tests.activities.ports import CLOCK, Deliveries, Directory, InForce, Observations, Plans, an_attempt
from tests.activities.test_planning import Asked, solving, spread, tz_of
from tests.builders import at
from tests.ledger.builders import prices, weather
from tests.ledger.planning.test_series import counted_queries

pytestmark = pytest.mark.servers


async def test_a_planning_run_makes_one_query_per_series(engine: AsyncEngine) -> None:
    series, plans, asked = LedgerSeries(engine), Plans(), Asked()
    pumps = [f"p-{n:04}" for n in range(1, 13)]
    feeders = {pump.replace("-", "_"): {"grid_area": f"feeder-{n % 4}"} for n, pump in enumerate(pumps)}
    sources = RequestSources(series, spread(Directory(*pumps), **feeders), InForce(), Observations(None), tariffs_in())
    activities = PlanningActivities(sources, plans, asked, Deliveries(), tz_of)
    await series.store_weather(weather(start=at(-24), slots=24 * 4 + 30), at(-24))
    given = OpenPlan(
        clock=CLOCK,
        key="run-1",
        price_area="DE-LU",
        price_version=await series.store_prices(prices(), at(1)),
        weather_versions={"50.0,10.0": await series.store_weather(weather(), at(1))},
        first_slot=at(6, 15),
        slots=40,
        until=at(10, 15),
        caps=GridCaps(share=0.5),
        most_pumps=3,
    )
    with counted_queries(engine) as queries:
        opened = await an_attempt().run(activities.open_plan, given)
        for shard in range(opened.shards):
            await an_attempt().run(activities.solve_shard, solving(shard))
    assert len(asked.requests) == opened.shards == 4, "a part for each feeder"
    assert all(len(request.weather.outdoor_c) == 96 + 40 for request in asked.requests), "the day before is in each"
    asked_for = Counter("prices" if "FROM price_versions" in query else "weather" for query in queries)
    assert asked_for == {"prices": 1, "weather": 2}, "the forecast, and what was forecast of the day before"
