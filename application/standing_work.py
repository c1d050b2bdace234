"""Starts what steers by itself from then on: each vendor's guard and sweep, the daily Schedules, the watch over prices.

Protects: all of it can be started again at every start of a stack; what runs or is there is left as it is.
"""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from application.access import Access
from application.planning.schedule import create_schedule, create_settlement_schedule
from domain.planning.scope import GridCaps
from workflows.contracts import Patience, PlanningInput, SettlementInput, patience_at
from workflows.observation_sweep import start_sweep
from workflows.oem_guard import start_guard
from workflows.price_watch import start_price_watch


async def start_watchers(access: Access, patience: Patience, oems: Iterable[str]) -> None:
    """Start these vendors' guards and sweeps. One that runs is left alone."""
    for oem in oems:
        await start_guard(access.client, access.clock, oem, patience)
        await start_sweep(access.client, access.clock, oem, patience)


async def start_standing_work(access: Access, oems: Iterable[str], tz: ZoneInfo, caps: GridCaps) -> None:
    """Everything of a fleet at wall time; `tz` is the market's. Needs search attributes, and no worker yet."""
    patience = patience_at(access.clock.speed)
    await start_watchers(access, patience, oems)
    given = PlanningInput(clock=access.clock, caps=caps, patience=patience)
    await create_schedule(access.client, given, tz, paused=False)
    await create_settlement_schedule(access.client, SettlementInput(clock=access.clock, patience=patience), tz)
    await start_price_watch(access.client, given)
