"""Observation on the real stack: who moves a lever away from what was commanded is found, told once, and dealt with."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio.api.enums.v1 import EventType

from domain.modes import Mode
from domain.plans import ModeSegment, PricePlan
from tests.world import TestWorld, a_world
from workflows.contracts import SPED_UP
from workflows.observation_sweep import start_sweep

pytestmark = pytest.mark.servers

FOUND_WITHIN = timedelta(minutes=25)
"""A pass of a quarter of an hour, a minute or two until the cloud shows it, and a busy machine's seconds."""


def a_day_of(world: TestWorld, mode: Mode) -> PricePlan:
    start = world.now() - timedelta(minutes=15)
    end = start + timedelta(hours=12)
    return PricePlan(
        revision=1, segments=(ModeSegment(start=start, end=end, mode=mode),), first_slot=start, valid_until=end
    )


async def post(world: TestWorld, act: str, **body: Any) -> None:
    async with httpx.AsyncClient() as http:
        (await http.post(f"{world.world.url}/_world/{act}", json=body)).raise_for_status()


async def is_in(world: TestWorld, pump: str, mode: Mode) -> bool:
    state = (await world.status(pump)).state
    return state.heating.settled is mode and not state.has_open


async def has(world: TestWorld, pump: str, kind: str) -> Any:
    return next((e for e in await world.events(pump) if e["event"] == kind), None)


async def signals(world: TestWorld, pump: str) -> int:
    """How often the pump was told of an observation."""
    history = await world.handle(pump).fetch_history()
    return sum(
        event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
        and event.workflow_execution_signaled_event_attributes.signal_name == "observed"
        for event in history.events
    )


async def looked_at(world: TestWorld, pump: str, after: datetime) -> bool:
    record = (await world.access.ledger.watching.records([pump])).get(pump)
    return record is not None and record.looked_at > after


async def test_a_lever_that_fell_back_is_found_within_a_pass_told_once_and_steered_back(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=3, speed=120) as world:
        await start_sweep(world.access.client, world.access.clock, "nibe", SPED_UP)
        pumps = [world.pump(n) for n in (1, 2, 3)]
        for pump in pumps:
            await world.send(pump, a_day_of(world, Mode.MAX))
        for pump in pumps:
            await world.until(partial(is_in, world, pump, Mode.MAX))
            await world.until(partial(looked_at, world, pump, world.now()))
        fallen = pumps[0]
        setup = (await world.access.ledger.pumps.profile(fallen)).heating
        away_at = world.now()
        await post(world, "drift", pump=fallen, value=setup.baseline)
        assert world.setting(fallen) == setup.baseline
        drifted = await world.until(partial(has, world, fallen, "drifted"), within=timedelta(minutes=40))
        assert away_at < drifted["at"] <= away_at + FOUND_WITHIN
        await world.until(lambda: world.setting(fallen) == setup.setting_for(Mode.MAX))
        await world.until(partial(is_in, world, fallen, Mode.MAX))
        await world.until(partial(looked_at, world, fallen, world.now()))
        assert [await signals(world, pump) for pump in pumps] == [1, 0, 0], "what is as commanded is no news"


async def test_a_person_at_the_unit_is_found_within_a_pass_and_wins(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1, speed=120) as world:
        pump = world.pump(1)
        await start_sweep(world.access.client, world.access.clock, "nibe", SPED_UP)
        await world.send(pump, a_day_of(world, Mode.MAX))
        await world.until(partial(is_in, world, pump, Mode.MAX))
        setup = (await world.access.ledger.pumps.profile(pump)).heating
        theirs = setup.baseline + 2  # between the modes' settings, so that nothing of ours explains it
        assert setup.level_of(theirs) is None
        turned_at = world.now()
        await post(world, "household", pump=pump, lever=setup.lever.value, value=theirs)

        async def is_taken_over() -> bool:
            return (await world.access.ledger.pumps.profile(pump)).heating.baseline == theirs

        await world.until(is_taken_over, within=timedelta(minutes=40))
        assert world.now() <= turned_at + FOUND_WITHIN
        await world.until(partial(looked_at, world, pump, world.now() + timedelta(minutes=15)))
        assert world.setting(pump) == theirs
        assert await signals(world, pump) == 1


async def test_a_raised_pump_is_written_down_as_effective_with_the_numbers_that_show_it(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=6, speed=360) as world:
        await start_sweep(world.access.client, world.access.clock, "nibe", SPED_UP)
        pumps = [world.pump(n) for n in range(1, 7)]
        await world.until(partial(looked_at, world, pumps[0], world.now() + timedelta(minutes=50)), timedelta(hours=2))
        for pump in pumps:
            await world.send(pump, a_day_of(world, Mode.MAX))

        async def first_effect() -> Any:
            found = [event for pump in pumps if (event := await has(world, pump, "effective"))]
            return found[0] if found else None

        event = await world.until(first_effect, timedelta(hours=3))
        assert "supply" in event["reason"]
        assert " -> " in event["reason"]
        latencies = await world.access.ledger.watching.latencies()
        assert 60 <= latencies["accepted-applied"].p50_s <= 1200
        assert latencies["applied-effective"].commands >= 1
