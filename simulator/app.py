"""The process: all fakes behind one server on loopback, and the task that keeps the fleet on the clock.

Protects: the port is announced only once it answers; a stop by signal keeps the state and ends with 0.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from simulator.clouds.wire import CuttableProtocol
from simulator.config import SimulatorConfig
from simulator.control.actions import FleetActions
from simulator.control.pages import FleetPages
from simulator.feeds.market import MarketFeed
from simulator.feeds.weather import WeatherFeed
from simulator.homes.fleet import SimulatedFleet
from simulator.homes.state_file import write_atomically
from simulator.vendors.registry import VENDORS, chosen

TICK_S = 0.02
SAVE_EVERY_S = 30.0


def build_fleet(config: SimulatorConfig, wall: Callable[[], datetime] | None = None) -> SimulatedFleet:
    """The fleet of a configuration; raises ConfigError."""
    return SimulatedFleet(config, [vendor.make for vendor in chosen(config)], wall)


def build_app(fleet: SimulatedFleet, stopping: asyncio.Event) -> Starlette:
    """All endpoints over one fleet. Vendors share a host: their paths do not meet, which is checked."""
    market, weather = MarketFeed(fleet), WeatherFeed(fleet)
    pages, actions = FleetPages(fleet), FleetActions(fleet, VENDORS)
    clouds = [vendor.cloud(vendor.make, fleet, stopping) for vendor in chosen(fleet.config)]
    of_clouds = [route for cloud in clouds for route in cloud.routes()]
    paths = [route.path for route in of_clouds]
    assert len(set(paths)) == len(paths), f"two vendors answer at one path: {paths}"
    return Starlette(
        routes=[
            Route("/price", market.price, methods=["GET"]),
            Route("/v1/forecast", weather.forecast, methods=["GET"]),
            Route("/_world/health", pages.health, methods=["GET"]),
            Route("/_world/now", pages.now, methods=["GET"]),
            Route("/_world/enrolment", pages.enrolment, methods=["GET"]),
            Route("/_world/summary", pages.summary, methods=["GET"]),
            Route("/_world/calls", pages.calls, methods=["GET"]),
            Route("/_world/household", actions.household, methods=["POST"]),
            Route("/_world/drift", actions.drift, methods=["POST"]),
            Route("/_world/condition", actions.condition, methods=["POST"]),
            Route("/_world/outage", actions.outage, methods=["POST"]),
            Route("/_world/faults", actions.faults, methods=["GET", "POST"]),
            *of_clouds,
        ]
    )


class Server(uvicorn.Server):
    """uvicorn without its signal handling: it would end the process by the signal it caught."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(config: SimulatorConfig) -> None:
    """Run until SIGTERM or SIGINT; a failure of its own ends it too, and is raised."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    config.ready_file.unlink(missing_ok=True)
    fleet = build_fleet(config)
    fleet.advance()
    with socket.create_server(("127.0.0.1", config.port)) as listener:
        server = Server(_server_settings(fleet, stopping))
        work = (
            _keep_time(fleet),
            _keep_state(fleet),
            _stop_when_asked(server, stopping),
            _announce(server, config, listener.getsockname()[1]),
        )
        tasks = [asyncio.create_task(_or_stop(part, stopping)) for part in work]
        try:
            await server.serve(sockets=[listener])
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            config.ready_file.unlink(missing_ok=True)
            fleet.close()
    for failure in ended:
        if isinstance(failure, Exception):
            raise failure


def _server_settings(fleet: SimulatedFleet, stopping: asyncio.Event) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(fleet, stopping),
        http=CuttableProtocol,
        log_level="error",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )


async def _or_stop(work: Coroutine[None, None, None], stopping: asyncio.Event) -> None:
    """A fleet whose clock stood still unnoticed would lie about everything: a failed task stops the process."""
    try:
        await work
    except Exception:
        stopping.set()
        raise


async def _keep_time(fleet: SimulatedFleet) -> None:
    while True:
        fleet.advance()
        await asyncio.sleep(TICK_S)


async def _keep_state(fleet: SimulatedFleet) -> None:
    while True:
        await asyncio.sleep(SAVE_EVERY_S)
        fleet.save()


async def _stop_when_asked(server: Server, stopping: asyncio.Event) -> None:
    await stopping.wait()
    server.should_exit = True


async def _announce(server: Server, config: SimulatorConfig, port: int) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag, not an event
        await asyncio.sleep(0.01)
    ready = {"port": port, "pid": os.getpid(), "url": f"http://127.0.0.1:{port}"}
    write_atomically(config.ready_file, json.dumps(ready))
