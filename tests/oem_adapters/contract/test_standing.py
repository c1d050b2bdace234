"""The contract of `OemAdapter`, kept by every known vendor's adapter: how a unit stands towards being steered."""

import asyncio

import httpx
import pytest

from domain.modes import Circuit
from domain.oem.errors import NotExecutable, Offline, Rejected
from domain.oem.ports import OemAdapter
from domain.oem.readings import Condition
from domain.oem.units import PumpAddress
from oem_adapters.failures import REMOTE_CONTROL_NOT_PERMITTED
from tests.oem_adapters.contract.vendors import (
    PATIENT,
    PUBLISHED,
    VENDORS,
    Units,
    build_adapter,
    other_setting,
    ranges,
)
from tests.oem_adapters.vault import VaultInMemory
from tests.oem_adapters.world import World

pytestmark = pytest.mark.servers


@pytest.mark.parametrize(
    "condition", [Condition.INSTALLER, Condition.OFF, Condition.AWAY, Condition.EXTERNAL, Condition.NORMAL]
)
async def test_a_condition_is_seen_on_every_family_by_readings_and_looks(
    oem: str,
    condition: Condition,
    units: Units,
    client: httpx.AsyncClient,
    vault: VaultInMemory,
    world: World,
) -> None:
    """A new adapter has nothing to remember of how a unit stood before."""
    reader, looker = build_adapter(oem, client, vault, PATIENT), build_adapter(oem, client, vault, PATIENT)
    with world.standing(condition, *{pump.pump_id for pump, _ in units.values()}):
        await asyncio.sleep(world.wall_s(2 * PUBLISHED))
        for lever, (pump, _) in units.items():
            for reading in (
                await reader.read(pump, lever, world.now()),
                await looker.observe(pump, lever, world.now()),
            ):
                manifest = VENDORS[oem].manifest
                if condition in manifest.conditions or condition in manifest.hidden:
                    assert reading.condition is (condition if condition in manifest.conditions else Condition.NORMAL)
                else:
                    assert reading.condition is not Condition.NORMAL
    await asyncio.sleep(world.wall_s(2 * PUBLISHED))


async def test_a_unit_whose_firmware_changes_is_seen_once_it_is_silent(
    oem: str, units: Units, client: httpx.AsyncClient, vault: VaultInMemory, world: World
) -> None:
    reader, looker = build_adapter(oem, client, vault, PATIENT), build_adapter(oem, client, vault, PATIENT)
    with world.standing(Condition.UPDATING, *{pump.pump_id for pump, _ in units.values()}):
        await asyncio.sleep(world.wall_s(reader.timing.reading_max_age + 2 * PUBLISHED))
        for lever, (pump, _) in units.items():
            for adapter_call in (reader.read, looker.observe):
                if Condition.UPDATING in VENDORS[oem].manifest.conditions:
                    assert (await adapter_call(pump, lever, world.now())).condition is Condition.UPDATING
                    continue
                with pytest.raises(Offline):
                    await adapter_call(pump, lever, world.now())
    await asyncio.sleep(world.wall_s(2 * PUBLISHED))


async def test_a_unit_that_may_only_be_read_says_so_when_it_is_written(
    units: Units, adapter: OemAdapter, world: World
) -> None:
    for lever, (pump, capability) in units.items():
        offered = ranges(capability)[lever]
        with world.standing(Condition.REMOTE_DISABLED, pump.pump_id):
            await asyncio.sleep(world.wall_s(2 * PUBLISHED))
            with pytest.raises((Rejected, NotExecutable)) as raised:
                await adapter.write(pump, lever, other_setting(offered, offered.baseline), world.now())
            await adapter.read(pump, lever, world.now())
        is_final = isinstance(raised.value, Rejected)
        assert is_final is str(raised.value).startswith(REMOTE_CONTROL_NOT_PERMITTED)


async def test_units_with_a_hot_water_lever_offer_it_beside_one_of_their_heating(
    adapter: OemAdapter, pumps: list[PumpAddress], world: World
) -> None:
    for pump in pumps:
        capability = await adapter.capability(pump, world.now())
        assert capability.heating.circuit is Circuit.HEATING
        if capability.hot_water is not None:
            assert capability.hot_water.circuit is Circuit.HOT_WATER
