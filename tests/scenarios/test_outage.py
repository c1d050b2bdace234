"""A vendor's cloud is down: its guard leaves it alone, and brings everybody back without a rush."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from domain.breaker import Breaker, BreakerState, rate_per_min
from domain.credentials import AccountCredentials
from domain.modes import Mode
from domain.plans import ModeSegment, PricePlan
from tests.builders import MIDNIGHT, an_override
from tests.world import TestWorld, a_world
from worker import ServerRates
from workflows.contracts import SPED_UP, GuardStatus, Hold, guard_workflow_id
from workflows.heat_pump import HeatPumpWorkflow
from workflows.oem_guard import OemGuard, start_guard

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

MINUTE = timedelta(minutes=1)


async def guarded(world: TestWorld) -> WorkflowHandle[Any, Any]:
    """A guard that watches."""
    await start_guard(world.access.client, world.access.clock, "nibe", SPED_UP)
    await start_guard(world.access.client, world.access.clock, "nibe", SPED_UP)
    guard = world.access.client.get_workflow_handle(guard_workflow_id("nibe"))
    await world.until(partial(is_at, world, BreakerState.CLOSED))
    return guard


async def breaker(world: TestWorld) -> Breaker | None:
    return await world.access.ledger.vendors.newest_breaker("nibe", world.now())


async def is_at(world: TestWorld, *states: BreakerState) -> bool:
    known = await breaker(world)
    return known is not None and known.state in states


async def outage(world: TestWorld, length: timedelta) -> datetime:
    """The vendor's cloud is down from now on; returns until when."""
    starts = world.now()
    body = {"oem": "nibe", "starts": starts.isoformat(), "ends": (starts + length).isoformat(), "kind": "http-500"}
    async with httpx.AsyncClient() as http:
        (await http.post(f"{world.world.url}/_world/outage", json=body)).raise_for_status()
    return starts + length


async def calls(world: TestWorld, start: datetime, end: datetime) -> dict[datetime, int]:
    """Calls that reached the vendor, by steered minute."""
    query = {"start": start.isoformat(), "end": end.isoformat()}
    async with httpx.AsyncClient() as http:
        told = (await http.get(f"{world.world.url}/_world/calls", params=query)).raise_for_status().json()
    minutes = (datetime.fromisoformat(minute) for minute in told["minutes"])
    return dict(zip(minutes, told["calls"], strict=True))


async def wish(world: TestWorld, mode: Mode, *pumps: str) -> None:
    hours = (world.now() - MIDNIGHT) / timedelta(hours=1)
    for pump in pumps:
        wished = an_override(mode, hours, hours + 12)
        await world.handle(pump).execute_update(HeatPumpWorkflow.request_override, wished)


def plan_of_now(world: TestWorld, revision: int, mode: Mode) -> PricePlan:
    """One mode for hours, due at once."""
    start, end = world.now() - timedelta(minutes=15), world.now() + timedelta(hours=8)
    return PricePlan(
        revision=revision,
        segments=(ModeSegment(start=start, end=end, mode=mode),),
        first_slot=start,
        valid_until=end,
    )


async def are_in(world: TestWorld, modes: Mapping[str, Mode]) -> bool:
    """Whether every pump truly is in its mode, and knows it."""
    for pump, mode in modes.items():
        heating = (await world.status(pump)).state.heating
        profile = await world.access.ledger.pumps.profile(pump)
        if heating.open is not None or heating.settled is not mode:
            return False
        if world.setting(pump) != profile.heating.setting_for(mode):
            return False
    return True


async def lengths(world: TestWorld, pumps: Sequence[str]) -> list[int]:
    return [(await world.handle(pump).describe()).history_length for pump in pumps]


async def test_an_outage_opens_the_breaker_and_its_end_brings_all_pumps_back_urgent_ones_first(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=6) as world:
        await guarded(world)
        pumps = [world.pump(n) for n in range(1, 7)]
        await wish(world, Mode.MIN, *pumps[:2])
        await world.until(partial(are_in, world, dict.fromkeys(pumps[:2], Mode.MIN)))

        began = world.now()
        ends = await outage(world, 30 * MINUTE)
        await wish(world, Mode.MAX, *pumps[:4])
        for pump in pumps[4:]:
            await world.send(pump, plan_of_now(world, 1, Mode.MAX))
        await world.until(partial(is_at, world, BreakerState.OPEN))
        opened = await breaker(world)
        assert opened is not None
        assert opened.since - began <= 3 * MINUTE, opened
        before = await lengths(world, pumps)

        await world.until(lambda: world.now() > ends, within=40 * MINUTE)
        assert await is_at(world, BreakerState.OPEN)
        after = await lengths(world, pumps)
        print("LEN", before, after)
        assert all(b - a <= 20 for a, b in zip(before, after, strict=True))
        tries = await calls(world, opened.since + MINUTE, ends)
        print("TRIES", tries.values())
        assert sum(tries.values()) >= 8, "probes must reach the vendor"
        assert max(tries.values()) <= 2

        wished = dict.fromkeys(pumps, Mode.MAX)
        await world.until(partial(is_at, world, BreakerState.CLOSED), within=20 * MINUTE)
        await world.until(partial(are_in, world, wished), within=ends + 15 * MINUTE - world.now())
        print("BACK", world.now() - ends)
        rows = await world.access.ledger.vendors.status(world.now())
        print(rows)
        print("CALLS", [n for n in (await calls(world, ends, world.now())).values()])
        print(
            [
                (r["at"], r["pump"], r["cause"])
                for r in world.truth()
                if r["kind"] == "request" and r["at"] >= ends.isoformat()
            ]
        )
        from sqlalchemy import text

        async with world.access.ledger.engine.connect() as c:
            for r in await c.execute(text("select state, at, rate_per_min, reason from oem_breakers order by id")):
                print(r)
