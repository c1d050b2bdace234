"""The composition root: builds clients, adapters, sources and the planner, and runs workers by role.

    python worker.py --role all|pumps|oem:NAME|planner   (several, separated by commas)

Everything comes from the environment: TEMPORAL_* (address, namespace, TLS), DATABASE_URL and HEATSTEER_*.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import structlog
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.worker import Interceptor, UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.guard import GuardActivities
from activities.house_meters import MeterActivities
from activities.learning import HouseLearning
from activities.market import MarketActivities
from activities.observation_sweep import WatchActivities
from activities.plan_requests import RequestSources
from activities.planning import PlanningActivities
from activities.price_watch import PriceWatchActivities
from activities.pumps import PumpActivities
from activities.regret import Regrets
from activities.settlement import SettlementActivities
from activities.sweep_reporting import SweepPorts
from domain.oem.calls import CallMade
from domain.oem.ports import OemAdapter
from ledger.oem.calls import CallCounter
from ledger.repositories import LedgerNotReady, Repositories
from market.areas import area_of
from oem_adapters.registry import build_adapter, known_oems
from telemetry.counting import EventCounter
from telemetry.events import Listener, TelemetryEvent
from telemetry.hub import Telemetry
from telemetry.logs import log_event
from telemetry.runtime import temporal_runtime
from telemetry.serving import serving
from telemetry.temporal import TelemetryInterceptor
from worker_environment import (
    Settings,
    SetupError,
    configure_logging,
    connect_temporal,
    later_prices_of,
    leave,
    meters_of,
    open_ledger,
    price_sources_of,
    settings_from_environment,
    tariffs_of,
    weather_sources_of,
)
from workflows.area_planning import AreaPlanning
from workflows.contracts import PLANNER_QUEUE, PUMPS_QUEUE, SEARCH_ATTRIBUTES, oem_queue
from workflows.delivery import ServerRates, observation_delivery, plan_delivery
from workflows.fleet_planning import FleetPlanning
from workflows.heat_pump import HeatPumpWorkflow
from workflows.observation_sweep import ObservationSweep
from workflows.oem_guard import OemGuard
from workflows.price_watch import PriceWatch
from workflows.settlement import DailySettlement

if TYPE_CHECKING:
    from telemetry.tracing import Tracing

log = structlog.get_logger("worker")

GRACEFUL = timedelta(seconds=8)
"""A write to a vendor may finish when a worker is asked to stop."""


def workflow_runner(*, sandbox: bool) -> WorkflowRunner:
    """The sandbox with the pure packages passed through: a tenth of the memory, and determinism is still checked."""
    if not sandbox:
        return UnsandboxedWorkflowRunner()
    restrictions = SandboxRestrictions.default.with_passthrough_modules("domain", "activities", "workflows.contracts")
    return SandboxedWorkflowRunner(restrictions=restrictions)


async def require_search_attributes(client: Client) -> None:
    """Refuse to start where one is missing: an upsert of it would fail every pump's workflow task in a loop."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    missing = [key.name for key in SEARCH_ATTRIBUTES if key.name not in known]
    if missing:
        raise SetupError(
            f"the Temporal namespace {client.namespace} lacks the search attributes {', '.join(missing)}: "
            "run `heatsteer prepare`, which registers them and migrates the ledger"
        )


@dataclass(frozen=True)
class Connections:
    """What activities are built on."""

    client: Client
    settings: Settings
    ledger: Repositories
    http: httpx.AsyncClient
    telemetry: Telemetry
    tracing: "Tracing | None" = None

    @property
    def interceptors(self) -> list[Interceptor]:
        """Of every worker."""
        return [TelemetryInterceptor(self.telemetry), *([] if self.tracing is None else [self.tracing.interceptor])]

    def adapters(self, oems: Sequence[str]) -> Mapping[str, OemAdapter]:
        """One adapter per vendor."""
        timeouts, vault = self.settings.timeouts(), self.ledger.vault
        return {oem: build_adapter(oem, self.http, vault, timeouts=timeouts, on_call=self.telemetry) for oem in oems}

    def pump_activities(self, adapters: Mapping[str, OemAdapter]) -> PumpActivities:
        """Write, verify, observe, record."""
        ledger = self.ledger
        return PumpActivities(
            ledger.commands, ledger.journal, ledger.pumps, ledger.observations, adapters, vendors=ledger.vendors
        )

    def watch_activities(self, adapters: Mapping[str, OemAdapter]) -> WatchActivities:
        """The sweep."""
        ledger = self.ledger
        return WatchActivities(
            SweepPorts(
                pumps=ledger.pumps,
                observations=ledger.observations,
                watching=ledger.sweep_records,
                vendors=ledger.vendors,
                commands=ledger.commands,
                adapters=adapters,
                deliver=observation_delivery(self.client),
                energy=ledger.savings,
                home_tz_of=lambda price_area: area_of(price_area).home_tz.key,
            )
        )


def workers_for(role: str, world: Connections) -> list[Worker]:
    """The Temporal workers of a role; raises SetupError for an unknown one."""
    parts = {"pumps", "planner", *(f"oem:{oem}" for oem in known_oems())} if role == "all" else set(role.split(","))
    workers: list[Worker] = []
    vendors = sum(part.startswith("oem:") for part in parts)
    for part in sorted(parts):
        if part == "pumps":
            workers.append(_pumps_worker(world))
        elif part == "planner":
            workers.append(_planner_worker(world))
        elif part.startswith("oem:") and part[4:] in known_oems():
            workers.append(_oem_worker(world, part[4:], vendors))
        else:
            roles = ", ".join(["all", "pumps", "planner", *(f"oem:{oem}" for oem in known_oems())])
            raise SetupError(f"unknown role {part!r}: choose from {roles}")
    return workers


WORKFLOW_TASKS_AT_ONCE = 8
"""Workflow code runs under one interpreter lock: more at once end no sooner, and the time of each runs from when it was
taken. Of two hundred pumps that started together so many ran out of it that none came through; what waits with the
server loses nothing."""


def _pumps_worker(world: Connections) -> Worker:
    acts = world.pump_activities({})
    guard = GuardActivities(world.ledger.vendors, ServerRates(world.client))
    return Worker(
        world.client,
        task_queue=PUMPS_QUEUE,
        workflows=[HeatPumpWorkflow, OemGuard, ObservationSweep],
        activities=[
            acts.close_command,
            acts.store_decisions,
            acts.retire_pump,
            guard.find_breaker,
            guard.apply_breaker,
            guard.watch_vendor,
        ],
        workflow_runner=workflow_runner(sandbox=world.settings.sandbox),
        max_concurrent_workflow_tasks=WORKFLOW_TASKS_AT_ONCE,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=world.settings.sticky_s),
        graceful_shutdown_timeout=GRACEFUL,
        disable_eager_activity_execution=True,
        interceptors=world.interceptors,
    )


LEAST_AT_ONCE = 6
"""Of a vendor: its sweep keeps one for good, and one slow account must not hold up the others."""


def calls_at_once(of_process: int, vendors: int) -> int:
    """Activities of each vendor under way at once in a process of so many vendors.

    Together they have connections to the ledger for `of_process`: what begins beyond waits for one while its time runs.
    """
    return max(min(LEAST_AT_ONCE, of_process), of_process // max(vendors, 1))


def _oem_worker(world: Connections, oem: str, vendors: int) -> Worker:
    """The worker of one vendor among so many of its process."""
    adapters = world.adapters((oem,))  # one for all that is done here: what is left of a budget is known to all of it
    acts, watch = world.pump_activities(adapters), world.watch_activities(adapters)
    return Worker(
        world.client,
        task_queue=oem_queue(oem),
        activities=[acts.apply_command, acts.observe_fleet, watch.sweep_vendor],
        max_concurrent_activities=calls_at_once(world.settings.oem_concurrency, vendors),
        max_task_queue_activities_per_second=world.settings.oem_rate_per_s,
        graceful_shutdown_timeout=GRACEFUL,
        disable_eager_activity_execution=True,
        interceptors=world.interceptors,
    )


def _planner_worker(world: Connections) -> Worker:
    # Solver, compiler and statistics are a second and 60 MB that only a planner should pay.
    from optimizer import expected_energy
    from optimizer.hindsight import hindsight
    from optimizer.learning import learn, with_the_fleet
    from optimizer.planner import plan_fleet
    from optimizer.submitted import judge
    from savings.estimator import estimate

    settings, ledger = world.settings, world.ledger
    prices = price_sources_of(settings, world.http, ledger.series, lambda: datetime.now(UTC))
    market = MarketActivities(
        prices,
        weather_sources_of(settings, world.http, ledger.series, lambda: datetime.now(UTC)),
        ledger.series,
    )
    planning = PlanningActivities(
        RequestSources(
            ledger.series,
            ledger.pumps,
            ledger.commands,
            ledger.observations,
            tariffs_of(settings),
            ledger.savings,
            _tz_of,
            ledger.houses,
            ledger.house_loads,
            ledger.accounts,
        ),
        ledger.plans,
        lambda request: asyncio.to_thread(plan_fleet, request),  # the loop must go on heartbeating
        plan_delivery(world.client),
        _tz_of,
        lambda request, wanted, kept: asyncio.to_thread(judge, request, wanted, kept),
        ledger.load_curves,
    )
    settlement = SettlementActivities(
        ledger.savings,
        ledger.pumps,
        ledger.series,
        tariffs_of(settings),
        expected_energy,
        estimate,
        _tz_of,
        Regrets(ledger.regrets, ledger.series, lambda request, done: asyncio.to_thread(hindsight, request, done)),
        HouseLearning(ledger.houses, ledger.houses, ledger.series, learn, with_the_fleet),
        ledger.house_loads,
    )
    meters = MeterActivities(ledger.house_loads, ledger.pumps, meters_of(settings, world.http), _tz_of)
    watch = PriceWatchActivities(
        prices, ledger.series, ledger.plans, planning.find_areas, later_prices_of(settings, world.http)
    )
    return Worker(
        world.client,
        task_queue=PLANNER_QUEUE,
        workflows=[FleetPlanning, AreaPlanning, PriceWatch, DailySettlement],
        activities=[
            market.fetch_prices,
            market.fetch_weather,
            market.newest_prices,
            planning.find_areas,
            planning.open_plan,
            planning.solve_shard,
            planning.deliver_shard,
            planning.take_submission,
            planning.close_plan,
            meters.read_meters,
            settlement.settle_day,
            settlement.claim_savings,
            watch.watch_prices,
        ],
        workflow_runner=workflow_runner(sandbox=settings.sandbox),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=settings.sticky_s),
        graceful_shutdown_timeout=GRACEFUL,
        disable_eager_activity_execution=True,
        interceptors=world.interceptors,
    )


def _tz_of(price_area: str) -> str:
    return area_of(price_area).tz.key


def counting(calls: CallCounter) -> Listener:
    """The listener that counts vendor calls for breakers and quotas."""

    def count(event: TelemetryEvent) -> None:
        if isinstance(event, CallMade):
            calls(event)

    return count


@contextlib.asynccontextmanager
async def connected(settings: Settings, *listeners: Listener) -> AsyncIterator[Connections]:
    """Everything that workers are built on; raises SetupError for what is missing. `listeners` hear all telemetry."""
    client = await connect_temporal(temporal_runtime(settings.temporal_metrics_address))
    await require_search_attributes(client)
    async with contextlib.AsyncExitStack() as opened:
        hub = Telemetry()
        ledger = await opened.enter_async_context(open_ledger(settings, hub, hub))
        try:
            await ledger.check()
        except LedgerNotReady as error:
            raise SetupError(str(error)) from error
        calls = CallCounter(ledger.vendors)
        for listener in (log_event, counting(calls), *listeners):
            hub.subscribe(listener)
        if settings.metrics_address is not None:
            counter = EventCounter(known_oems())
            hub.subscribe(counter)
            opened.enter_context(serving(counter.registry, settings.metrics_address))
        await opened.enter_async_context(calls.running())
        transport: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport()
        traced = None if settings.traces is None else _traced(settings.traces, opened)
        if traced is not None:
            hub.subscribe(traced)
            traced.watch_database(ledger.engine)
            transport = traced.transport(transport)
        http = await opened.enter_async_context(httpx.AsyncClient(transport=transport))
        yield Connections(client, settings, ledger, http, hub, traced)


def _traced(destination: str, opened: contextlib.AsyncExitStack) -> "Tracing":
    from telemetry.tracing import tracing  # a third of a second and 15 MB that only who traces should pay

    try:
        return opened.enter_context(tracing(destination, "heatsteer-worker"))
    except (ValueError, OSError) as error:
        raise SetupError(f"HEATSTEER_TRACES: {error}") from error


async def run_workers(role: str, settings: Settings) -> None:
    """Run a role's workers until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with connected(settings) as world, contextlib.AsyncExitStack() as running:
        workers = workers_for(role, world)
        for worker in workers:
            await running.enter_async_context(worker)
        log.info("worker ready", role=role)
        await stop.wait()
        log.info("worker stopping", role=role)
        # All at once: one after the other, the last would take up new work in all the others' grace.
        await asyncio.gather(*(worker.shutdown() for worker in workers))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="worker", description="Runs heatsteer's Temporal workers.")
    parser.add_argument("--role", default="all", help="all, pumps, planner or oem:NAME; several with commas")
    given = parser.parse_args(argv)
    # Before anybody imports numpy: cores are kept busy by processes and the planner's own threads, and a library's
    # threads on small matrices only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        settings = settings_from_environment()
        configure_logging(settings.log_level.upper())
        asyncio.run(run_workers(given.role, settings))
    except SetupError as error:
        print(f"worker: {error}", file=sys.stderr)  # noqa: T201 -- the command's own error line
        return 2
    return 0


if __name__ == "__main__":
    leave(main())
