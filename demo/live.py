"""`heatsteer up --no-simulator`: the embedded stack at wall time for real clouds, prices and weather.

Protects: a folder belongs to real homes or to simulated ones and never to both; what is enrolled stays enrolled over
restarts.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from application.access import Access
from application.namespace import register_search_attributes
from application.standing_work import start_standing_work
from demo.errors import OtherKindOfWorld
from demo.kills import roles
from demo.stage import environment, prepare
from demo.up import TZ, WORLD_FILE, kept_clock
from demo.watching import serving_figures, start_watched_worker
from domain.planning.scope import GridCaps
from embedded.stack import Stack, StackOptions
from oem_adapters.registry import known_oems
from worker_environment import connect_temporal, open_ledger, settings_from_environment

LIVE_FILE = "real-homes"
"""Marks a folder whose homes are real."""


def claim(folder: Path, *, live: bool) -> None:
    """Make a folder one of real homes, or of simulated ones; raises OtherKindOfWorld where it is the other."""
    mark, other = (LIVE_FILE, WORLD_FILE) if live else (WORLD_FILE, LIVE_FILE)
    if (folder / other).exists():
        raise OtherKindOfWorld(folder, is_live=not live)
    if live:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / mark).touch()


async def run_live(folder: Path, on_ready: Callable[[int, str], None]) -> None:
    """Run until interrupted; `on_ready` gets the number of pumps steered and the address of the Web UI."""
    async with Stack(StackOptions(folder=folder, ephemeral=False)) as stack:
        clock = kept_clock(stack.folder, lead=timedelta())
        stack.set_clock(clock)
        variables = await prepare(stack)
        with environment(variables):
            client, settings = await connect_temporal(), settings_from_environment()
            await register_search_attributes(client)  # before any worker starts
            async with open_ledger(settings) as ledger:
                access = Access(client, ledger, clock, stack.temporal.ui_url)
                keys = {"HEATSTEER_SECRET_KEYS": variables["HEATSTEER_SECRET_KEYS"]}
                for role in roles(known_oems()):
                    await start_watched_worker(stack, role, keys)
                await start_standing_work(access, known_oems(), TZ, GridCaps())
                async with serving_figures(stack, access):
                    on_ready(len(await ledger.pumps.active()), stack.temporal.ui_url)
                    await stack.guard(asyncio.Event().wait())
