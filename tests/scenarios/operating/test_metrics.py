"""A planned and steered pump under Prometheus's eyes: the whole catalogue is exposed, and nothing beside it."""

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.metrics_core import Metric as Family

from application.planning.schedule import create_schedule, plan_day, wait_for_plan
from domain.modes import Mode
from domain.planning.scope import GridCaps
from embedded.stack_file import find_stack
from telemetry.catalogue import CATALOGUE, FLEET_METRICS, WORKER_METRICS
from tests.telemetry.exposition import as_catalogued, names, scraped, value
from tests.world import TestWorld, a_world
from workflows.contracts import SPED_UP, PlanningInput

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

BERLIN, DAY = ZoneInfo("Europe/Berlin"), date(2026, 1, 15)


async def test_every_metric_of_the_catalogue_is_exposed_by_a_run_and_nothing_outside_it(tmp_path: Path) -> None:
    async with a_world(tmp_path / "stack", pumps=1, workers=()) as world:
        stage = replace(world.stage, staging=replace(world.stage.staging, with_metrics=True))
        for role in ("pumps,oem:nibe", "planner"):
            await stage.start_worker(role)
        async with stage.serving_metrics():
            await a_planned_and_raised_pump(world)
            served = served_by(world)
            assert len(served) == 5, "two workers with two addresses each, and the fleet"
            fleet = await a_fleet_with(world, served["fleet"], "heatsteer_commands_verified_ratio")
            temporal = [f for n, address in served.items() if n.endswith("-temporal") for f in await families(address)]
            workers = [f for n, address in served.items() if is_a_workers(n) for f in await families(address)]
    assert names(fleet) == {metric.name for metric in FLEET_METRICS}
    assert names(workers) == {metric.name for metric in WORKER_METRICS}
    assert as_catalogued([*fleet, *workers], CATALOGUE)
    applied = {"oem": "nibe", "stage": "applied"}
    assert sum(value([f], "heatsteer_command_latency_seconds_count", applied) or 0 for f in workers) >= 1
    assert value(fleet, "heatsteer_commands_verified_ratio", {"oem": "nibe"}) == 1
    assert "temporal_activity_schedule_to_start_latency_seconds" in names(temporal)


async def a_planned_and_raised_pump(world: TestWorld) -> None:
    pump, client = world.pump(1), world.access.client
    await world.plan(pump, Mode.MID)
    given = PlanningInput(clock=world.access.clock, caps=GridCaps(), budget_s=1.0, patience=SPED_UP)
    await create_schedule(client, given, BERLIN, paused=True)
    await plan_day(client, DAY, BERLIN)
    assert (await wait_for_plan(client, DAY, BERLIN, patience_s=90)).revisions
    await world.settles(pump, Mode.MID)


def served_by(world: TestWorld) -> dict[str, str]:
    """Where `stack.json` says that metrics are."""
    found = find_stack(world.stack.folder)
    assert found is not None
    return found.file.metrics


def is_a_workers(name: str) -> bool:
    return name != "fleet" and not name.endswith("-temporal")


async def families(address: str) -> list[Family]:
    return await asyncio.to_thread(scraped, address)


async def a_fleet_with(world: TestWorld, address: str, name: str) -> list[Family]:
    """The fleet's figures once they hold a metric."""

    async def read() -> list[Family]:
        found = await families(address)
        return found if name in names(found) else []

    found: list[Family] = await world.until(read)
    return found
