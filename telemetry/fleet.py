"""The fleet's figures as Prometheus reads them, and the loop that keeps them fresh.

Protects: figures that could not be read for a while are not exposed at all: a missing figure is noticed, a frozen one
is believed.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from domain.fleet_figures import AreaFigures, FleetFigures, VendorFigures
from domain.oem.breaker import BreakerState
from telemetry import catalogue
from telemetry.catalogue import Metric
from telemetry.serving import serving

log = structlog.get_logger(__name__)

ReadFigures = Callable[[], Awaitable[FleetFigures]]
Sample = tuple[Metric, tuple[str, ...], float | None]
"""A value that is None is left out."""

STALE_READS = 4
"""So many times the usual distance between two reads, figures are shown; beyond, they are old."""
LEAST_SHOWN_S = 30.0
WH_PER_KWH = 1000


class FleetCollector(Collector):
    """Exposes the newest figures; reads happen elsewhere, so a scrape never waits for the ledger."""

    def __init__(self, shown_for_s: float, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """`shown_for_s`: wall seconds for which figures are shown after they were read."""
        self._shown_for_s = shown_for_s
        self._monotonic_s = monotonic_s
        self._newest: tuple[FleetFigures, float, float] | None = None
        self._failures = 0

    def show(self, figures: FleetFigures, took_s: float) -> None:
        """Expose these from now on; reading them took so many wall seconds."""
        self._newest = figures, took_s, self._monotonic_s()

    def failed(self) -> None:
        """Count a read that failed."""
        self._failures += 1

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Every family, with the samples that are known."""
        samples: list[Sample] = [(catalogue.READ_FAILURES, (), self._failures)]
        newest = self._newest
        if newest is not None and self._monotonic_s() - newest[2] <= self._shown_for_s:
            samples += [(catalogue.READ_SECONDS, (), newest[1]), *samples_of(newest[0])]
        families = {metric: _family(metric) for metric in catalogue.FLEET_METRICS}
        for metric, labels, value in samples:
            if value is not None:
                families[metric].add_metric(labels, value)
        yield from families.values()


def samples_of(figures: FleetFigures) -> Iterator[Sample]:
    """Everything that figures say."""
    for vendor in figures.vendors:
        yield from _of_vendor(vendor)
    for area in figures.areas:
        yield from _of_area(area)
    yield catalogue.WEATHER_AGE, (), figures.weather_age_s
    for kind in ("price", "weather", *sorted(figures.quarantined.keys() - {"price", "weather"})):
        yield catalogue.QUARANTINED, (kind,), figures.quarantined.get(kind, 0)
    yield from _each(catalogue.PUMPS_BY_AUTHORITY, figures.authorities)
    yield from _each(catalogue.PUMPS_BY_ALERT, figures.alerts)
    for queue in figures.queues:
        yield catalogue.QUEUE_BACKLOG, (queue.queue, queue.kind), queue.backlog
        yield catalogue.QUEUE_AGE, (queue.queue, queue.kind), queue.age_s


def _of_vendor(vendor: VendorFigures) -> Iterator[Sample]:
    oem = vendor.oem
    yield from _each(catalogue.PUMPS, vendor.modes, oem)
    yield from _each(catalogue.COMMANDS_24H, {state.value: n for state, n in vendor.commands_24h.items()}, oem)
    yield catalogue.PUMPS_OFFLINE, (oem,), vendor.offline
    yield catalogue.VERIFIED_SHARE, (oem,), vendor.verified_share
    yield from _each(catalogue.NOTES_24H, {"drifted": vendor.drifted_24h, "touched": vendor.touched_24h}, oem)
    yield catalogue.DEAD_LETTERS, (oem,), vendor.dead_letters
    yield catalogue.ACCOUNTS_WAITING, (oem,), vendor.accounts_waiting
    if vendor.breaker is not None:
        yield from _each(catalogue.BREAKER, {state.value: state.value == vendor.breaker for state in BreakerState}, oem)
    yield catalogue.QUOTA_USED, (oem,), vendor.quota_used
    yield catalogue.BEYOND_QUOTA, (oem,), vendor.beyond_quota
    yield catalogue.DRIFT_FOUND_WITHIN, (oem,), vendor.drift_found_within_s
    yield catalogue.ROOMS_READ, (oem,), vendor.rooms_read
    yield catalogue.ROOMS_BELOW_FLOOR, (oem,), vendor.rooms_below_floor
    yield catalogue.ROOM_LOWEST, (oem,), vendor.room_lowest_c
    yield catalogue.ROOM_MEAN, (oem,), vendor.room_mean_c


def _of_area(area: AreaFigures) -> Iterator[Sample]:
    name = area.price_area
    yield catalogue.PRICES_AGE, (name,), area.prices_age_s
    yield catalogue.PRICES_LEFT, (name,), area.prices_remaining_s
    yield catalogue.PRICE_NOW, (name,), area.price_eur_per_mwh
    plan = area.plan
    if plan is None:
        return
    yield catalogue.PLAN_AGE, (name,), plan.age_s
    yield catalogue.PLAN_LEFT, (name,), plan.remaining_s
    pumps = {"wanted": plan.wanted, "planned": plan.planned, "delivered": plan.delivered}
    yield from _each(catalogue.PLAN_PUMPS, pumps, name)
    yield from _each(catalogue.PLAN_GAP, {"cost": plan.gap, "gain": plan.gap_of_gain}, name)
    costs = {"plan": plan.cost_eur, "neutral": plan.neutral_cost_eur, "bound": plan.lower_bound_eur}
    yield from _each(catalogue.PLAN_COST, costs, name)
    yield catalogue.PLAN_OVERFLOW, (name,), plan.overflow_kwh * WH_PER_KWH
    yield catalogue.PLAN_KELVIN_HOURS, (name,), plan.kelvin_hours
    yield catalogue.PLAN_SOLVE, (name,), plan.solve_s


def _each[Number: (int, float)](metric: Metric, values: dict[str, Number], *labels: str) -> Iterable[Sample]:
    return [(metric, (*labels, name), float(value)) for name, value in values.items()]


def _family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=metric.labels)


@contextlib.asynccontextmanager
async def serving_fleet(read: ReadFigures, address: str, every_s: float) -> AsyncIterator[str | None]:
    """Read the figures every so many wall seconds and serve them; yields as `telemetry.serving.serving` does."""
    collector = FleetCollector(max(LEAST_SHOWN_S, STALE_READS * every_s))
    registry = CollectorRegistry()
    registry.register(collector)
    with serving(registry, address) as bound:
        reading = asyncio.create_task(_keep_reading(read, collector, every_s)) if bound is not None else None
        try:
            yield bound
        finally:
            if reading is not None:
                reading.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reading


async def _keep_reading(read: ReadFigures, collector: FleetCollector, every_s: float) -> None:
    was_failing = False
    while True:
        begun = time.monotonic()
        try:
            figures = await read()
        except Exception as error:  # noqa: BLE001 -- whatever a read raises, the next one may succeed
            collector.failed()
            if not was_failing:
                log.warning("fleet figures not read", error=type(error).__name__)
            was_failing = True
        else:
            collector.show(figures, time.monotonic() - begun)
            was_failing = False
        await asyncio.sleep(every_s)
