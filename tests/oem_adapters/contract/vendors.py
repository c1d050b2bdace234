"""What the contract's tests ask of a vendor, and how they look at a unit.

Protects: a vendor that is known and whose levers are not named here fails at collection, not silently.
"""

import asyncio
from datetime import datetime, timedelta

import pytest

from domain.modes import Circuit
from domain.oem.cloud import Capability, PumpAddress, Reading
from domain.oem.lever import Lever, LeverName
from domain.ports import OemAdapter
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, ROOM_SETPOINT
from oem_adapters.registry import known_oems
from oem_adapters.timeouts import WallTimeouts
from tests.oem_adapters.world import World

PATIENT = WallTimeouts(connect_s=5, answer_s=10, whole_s=15)
HASTY = WallTimeouts(connect_s=1, answer_s=0.4, whole_s=0.8)
PUBLISHED = timedelta(minutes=1)
"""How often a unit of the fake cloud tells its state."""

OFFERED: dict[str, tuple[LeverName, ...]] = {
    "nibe": (HEATING_OFFSET.name, ROOM_SETPOINT.name, HOT_WATER_COMFORT.name),
}
"""The levers that a vendor's units offer, each unit some of them."""

each_lever = pytest.mark.parametrize(
    ("oem", "lever"), [(oem, lever) for oem in known_oems() for lever in OFFERED[oem]], indirect=["oem"]
)

type Units = dict[LeverName, tuple[PumpAddress, Capability]]
"""One unit for every lever, with what it can do."""


def ranges(capability: Capability) -> dict[LeverName, Lever]:
    """Every lever of a unit."""
    found = [capability.lever(circuit) for circuit in Circuit]
    return {lever.name: lever for lever in found if lever is not None}


def other_setting(lever: Lever, current: float) -> float:
    """Something the lever takes that is not its setting now."""
    higher = lever.nearest(current + max(1.0, lever.step))
    return higher if higher != current else lever.nearest(current - max(1.0, lever.step))


async def all_landed(adapter: OemAdapter, world: World) -> None:
    """Wait until no write of another test is on its way any more, and units have told what they made of them."""
    await asyncio.sleep(world.wall_s(adapter.timing.longest_in_flight + 2 * PUBLISHED))


async def seen(
    adapter: OemAdapter, pump: PumpAddress, lever: LeverName, setting: float, world: World, written_at: datetime
) -> Reading:
    """Look as a worker does: first after the usual delay, then again until the write can no longer land."""
    await asyncio.sleep(world.wall_s(adapter.timing.usual_delay))
    while True:
        now = world.now()
        reading = await adapter.read(pump, lever, now)
        if reading.setting == setting or reading.as_of >= written_at + adapter.timing.longest_in_flight:
            return reading
        await asyncio.sleep(world.wall_s(adapter.timing.look_again))
