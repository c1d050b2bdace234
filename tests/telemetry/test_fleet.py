"""The fleet's figures as Prometheus reads them: all of them, none that is old, none that nobody knows."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family

from domain.fleet_figures import FleetFigures
from telemetry.catalogue import FLEET_METRICS
from telemetry.fleet import FleetCollector, serving_fleet
from tests.telemetry.exposition import as_catalogued, exposed, names, scraped, value
from tests.telemetry.figures import a_fleet, a_vendor


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def shown(figures: FleetFigures) -> list[Family]:
    collector, registry = FleetCollector(60), CollectorRegistry()
    registry.register(collector)
    collector.show(figures, 0.5)
    return exposed(registry)


def test_every_figure_of_the_catalogue_is_exposed_and_nothing_else() -> None:
    families = shown(a_fleet())
    assert names(families) == {metric.name for metric in FLEET_METRICS}
    assert as_catalogued(families, FLEET_METRICS)


def test_figures_are_exposed_as_they_are() -> None:
    families, nibe = shown(a_fleet()), {"oem": "nibe"}
    assert value(families, "heatsteer_pumps", nibe | {"mode": "MAX"}) == 2
    assert value(families, "heatsteer_commands_verified_ratio", nibe) == 0.9
    assert value(families, "heatsteer_breaker_state", nibe | {"state": "closed"}) == 1
    assert value(families, "heatsteer_breaker_state", nibe | {"state": "open"}) == 0
    assert value(families, "heatsteer_plan_overflow_watt_hours", {"price_area": "DE-LU"}) == 500
    assert value(families, "heatsteer_price_euros_per_megawatt_hour", {"price_area": "DE-LU"}) == -4.5
    assert value(families, "heatsteer_documents_quarantined_total", {"kind": "weather"}) == 0


def test_what_nobody_knows_is_missing_and_not_zero() -> None:
    unknown = a_vendor(commands_24h={}, quota_used=None, breaker=None, room_mean_c=None)
    families = shown(a_fleet(vendors=(unknown,), areas=(), weather_age_s=None))
    missing = {
        "commands_verified_ratio",
        "quota_used_ratio",
        "breaker_state",
        "plan_age_seconds",
        "weather_age_seconds",
    }
    assert names(families) & {f"heatsteer_{name}" for name in missing} == set()
    assert value(families, "heatsteer_dead_letters", {"oem": "nibe"}) == 1


def test_figures_that_could_not_be_read_for_a_while_disappear() -> None:
    clock, registry = Clock(), CollectorRegistry()
    collector = FleetCollector(60, clock)
    registry.register(collector)
    collector.show(a_fleet(), 0.5)
    clock.now_s += 60
    assert "heatsteer_pumps" in names(exposed(registry))
    clock.now_s += 1
    collector.failed()
    families = exposed(registry)
    assert names(families) == {"heatsteer_fleet_read_failures_total"}
    assert value(families, "heatsteer_fleet_read_failures_total") == 1


async def test_they_are_read_again_and_again_and_a_read_that_fails_ends_nothing() -> None:
    reads = 0

    async def read() -> FleetFigures:
        nonlocal reads
        reads += 1
        if reads == 2:
            raise ConnectionError("the ledger is away")
        return a_fleet(vendors=(a_vendor(offline=reads),))

    async with serving_fleet(read, "127.0.0.1:0", 0.01) as address:
        assert address is not None
        while reads < 4:  # noqa: ASYNC110 -- what is waited for happens in the loop of reads
            await asyncio.sleep(0.01)
        families = await asyncio.to_thread(scraped, address)
    assert value(families, "heatsteer_fleet_read_failures_total") == 1
    assert (value(families, "heatsteer_pumps_offline", {"oem": "nibe"}) or 0) >= 3
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(scraped, address)
