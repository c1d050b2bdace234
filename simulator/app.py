"""The process: all fakes behind one server on loopback, and the task that keeps the world on the clock.

Protects: the port is announced only once it answers; a stop by signal keeps the state and ends with 0.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Coroutine, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from simulator.config import SimulatorConfig
from simulator.market_feed import MarketFeed
from simulator.myuplink import MyUplink
from simulator.weather_feed import WeatherFeed
from simulator.wire import CuttableProtocol
from simulator.world import World, write_atomically
from simulator.world_acts import WorldActs
from simulator.world_api import WorldApi

TICK_S = 0.02
SAVE_EVERY_S = 30.0
_ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def build_app(world: World, stopping: asyncio.Event) -> Starlette:
    """All endpoints over one world."""
    vendor, market = MyUplink(world, stopping), MarketFeed(world)
    weather, window, acts = WeatherFeed(world), WorldApi(world), WorldActs(world)
    return Starlette(
        routes=[
            Route("/oauth/token", vendor.token, methods=["POST"]),
            Route("/v2/{path:path}", vendor.answer, methods=_ANY),
            Route("/price", market.price, methods=["GET"]),
            Route("/v1/forecast", weather.forecast, methods=["GET"]),
            Route("/_world/health", window.health, methods=["GET"]),
            Route("/_world/now", window.now, methods=["GET"]),
            Route("/_world/enrolment", window.enrolment, methods=["GET"]),
            Route("/_world/summary", window.summary, methods=["GET"]),
            Route("/_world/calls", window.calls, methods=["GET"]),
            Route("/_world/household", acts.household, methods=["POST"]),
            Route("/_world/drift", acts.drift, methods=["POST"]),
            Route("/_world/condition", acts.condition, methods=["POST"]),
            Route("/_world/outage", acts.outage, methods=["POST"]),
            Route("/_world/faults", acts.faults, methods=["GET", "POST"]),
        ]
    )


class Server(uvicorn.Server):
    """uvicorn without its signal handling: it would end the process by the signal it caught."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(config: SimulatorConfig) -> None:
    """Run until SIGTERM or SIGINT; a failure of the world's own ends it too, and is raised."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    config.ready_file.unlink(missing_ok=True)
    world = World(config)
    world.advance()
    with socket.create_server(("127.0.0.1", config.port)) as listener:
        server = Server(_server_settings(world, stopping))
        work = (
            _keep_time(world),
            _keep_state(world),
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
            world.close()
    for failure in ended:
        if isinstance(failure, Exception):
            raise failure


def _server_settings(world: World, stopping: asyncio.Event) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(world, stopping),
        http=CuttableProtocol,
        log_level="error",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )


async def _or_stop(work: Coroutine[None, None, None], stopping: asyncio.Event) -> None:
    """A world whose clock stood still unnoticed would lie about everything: a failed task stops the process."""
    try:
        await work
    except Exception:
        stopping.set()
        raise


async def _keep_time(world: World) -> None:
    while True:
        world.advance()
        await asyncio.sleep(TICK_S)


async def _keep_state(world: World) -> None:
    while True:
        await asyncio.sleep(SAVE_EVERY_S)
        world.save()


async def _stop_when_asked(server: Server, stopping: asyncio.Event) -> None:
    await stopping.wait()
    server.should_exit = True


async def _announce(server: Server, config: SimulatorConfig, port: int) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag, not an event
        await asyncio.sleep(0.01)
    ready = {"port": port, "pid": os.getpid(), "url": f"http://127.0.0.1:{port}"}
    write_atomically(config.ready_file, json.dumps(ready))
