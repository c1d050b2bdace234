"""A market day is settled on the real servers: planned, metered late, settled again, and reported."""

import json
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from application.audit_log import Actor
from application.planning.schedule import create_schedule, plan_day, wait_for_plan
from application.savings.energy_file import import_energy, read_energy
from application.savings.experiments import begin_experiment
from application.savings.report import make_report
from application.savings.settling import settle_by_hand
from console.cli.reports.page import page_of
from domain.planning.scope import GridCaps
from domain.savings.energy import Evidence, Flag
from domain.slots import SLOT, market_day_bounds
from ledger.models import HouseLoadRow
from market.tariff_files import tariffs_in
from tests.meter_service import TOKEN, serving_meters
from tests.world import a_world
from workflows.contracts import SPED_UP, PlanningInput

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

BERLIN, DAY = ZoneInfo("Europe/Berlin"), date(2026, 1, 15)
CLERK = Actor("clerk", "the meters were read")


HOURS = 4
"""Of the day that are over and metered; the rest of it rests on the model until more comes in."""


def a_meter_file(pump: str, wild_kwh: float = 0.0) -> str:
    """A counter that rises by 1 kWh an hour, and by so much more in the last one."""
    start = market_day_bounds(DAY, BERLIN)[0]
    rises = [(start + timedelta(hours=n), 500 + n + (wild_kwh if n == HOURS else 0)) for n in range(HOURS + 1)]
    return "\n".join(["time,pump,kwh", *(f"{at.isoformat()},{pump},{kwh}" for at, kwh in rises)])


async def test_a_day_is_settled_again_when_its_meter_is_read_late_and_the_report_shows_both(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1, workers=("pumps,oem:nibe", "planner"), speed=720) as world:
        access, pump = world.access, world.pump(1)
        given = PlanningInput(clock=access.clock, caps=GridCaps(), budget_s=1.0, patience=SPED_UP)
        await create_schedule(access.client, given, BERLIN, paused=True)
        await plan_day(access.client, DAY, BERLIN)
        assert (await wait_for_plan(access.client, DAY, BERLIN, patience_s=90)).revisions
        metered = market_day_bounds(DAY, BERLIN)[0] + timedelta(hours=HOURS)
        await world.until(lambda: access.now() > metered, timedelta(hours=HOURS))
        (first,) = (await settle_by_hand(access, DAY, 0, CLERK)).areas
        assert (first.pumps, first.settled, first.changed) == (1, 1, 1)
        (again,) = (await settle_by_hand(access, DAY, 0, CLERK)).areas
        assert again.changed <= 1, "only observations that came in meanwhile may change it"

        await import_energy(access, read_energy(a_meter_file(pump), {pump}), CLERK)
        await import_energy(access, read_energy(a_meter_file(pump, wild_kwh=80.0), {pump}), CLERK)
        (late,) = (await settle_by_hand(access, DAY, 0, CLERK)).areas
        assert late.changed == 1
        report = await make_report(access, DAY, DAY, tariffs_in(), lambda _: BERLIN)
        (home,) = report.homes
        assert report.evidence_kwh[Evidence.METER] == pytest.approx(HOURS - 1)
        assert report.excluded[Flag.DUPLICATE] == 1
        assert report.excluded[Flag.TOO_HIGH] == 1
        assert report.revised_home_days == 1
        assert home.cost_eur > 0
        (claim,) = report.claims
        assert claim.per_home_day_eur is None
        page = page_of(report, BERLIN)
        assert pump in page
        assert "No interval can be claimed" in page

        today = access.now().astimezone(BERLIN).date()
        drawn = await begin_experiment(
            access, CLERK, seed=4, begins=None, today=today, holdout_share=0.1, switchback_share=0.2, block_days=7
        )
        assert await access.ledger.savings.experiment_on(drawn.begins) == drawn


async def test_meters_are_read_before_a_day_is_settled_and_a_dead_service_is_named_and_stalls_nothing(
    tmp_path: Path,
) -> None:
    start, end = market_day_bounds(DAY, BERLIN)
    with serving_meters() as service:
        async with a_world(tmp_path, pumps=2, workers=("pumps,oem:nibe",), speed=720) as world:
            access, metered = world.access, world.pump(1)
            world.extra = {
                **world.extra,
                "HEATSTEER_METER_URLS": json.dumps({"DE-LU": service.of_area}),
                "HEATSTEER_METER_KEYS": json.dumps({"DE-LU": TOKEN}),
            }
            await world.start_workers("planner")
            given = PlanningInput(clock=access.clock, caps=GridCaps(), budget_s=1.0, patience=SPED_UP)
            await create_schedule(access.client, given, BERLIN, paused=True)
            await plan_day(access.client, DAY, BERLIN)
            assert (await wait_for_plan(access.client, DAY, BERLIN, patience_s=90)).revisions
            await world.until(lambda: access.now() > start + timedelta(hours=HOURS), timedelta(hours=HOURS))

            async def versions() -> int:
                async with access.ledger.engine.connect() as connection:
                    return await connection.scalar(select(func.count()).select_from(HouseLoadRow)) or 0

            service.is_down = True
            (first,) = (await settle_by_hand(access, DAY, 1, CLERK)).areas
            assert first.settled == 2
            assert "meters of DE-LU: http://127.0.0.1" in first.reason
            assert "answered 503" in first.reason
            service.is_down = False
            service.kwh[metered] = {start + n * SLOT: 0.5 for n in range(48)}
            (read,) = (await settle_by_hand(access, DAY, 0, CLERK)).areas
            assert (read.settled, read.reason) == (2, "")
            days = {day.pump_id: day for day, _, _ in await access.ledger.savings.settled(DAY, DAY)}
            assert {pump: day.is_house_metered for pump, day in days.items()} == {metered: True, world.pump(2): False}
            assert await versions() == 1
            await settle_by_hand(access, DAY, 0, CLERK)
            assert await versions() == 1, "the same readings change nothing"
            service.kwh[metered] |= {start + n * SLOT: 0.25 for n in range(40, 96)}
            await settle_by_hand(access, DAY, 0, CLERK)
            loads = (await access.ledger.house_loads.loads_kw([metered], start, end))[metered]
            assert [loads[start + n * SLOT] for n in (39, 40, 95)] == [2.0, 1.0, 1.0], (
                "late and corrected readings count"
            )
            assert await versions() == 2
