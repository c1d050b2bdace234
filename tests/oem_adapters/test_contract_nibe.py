"""The contract of `OemAdapter`, kept by every known vendor's adapter against the simulator's fake cloud."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from domain.modes import Lever
from domain.oem import (
    AuthExpired,
    Capability,
    OemError,
    Offline,
    PumpAddress,
    RateLimited,
    Reading,
    Rejected,
    Unavailable,
)
from domain.ports import OemAdapter
from oem_adapters.registry import build_adapter, known_oems
from oem_adapters.settings import nearest_allowed
from oem_adapters.timeouts import WallTimeouts
from tests.oem_adapters.conftest import TLS
from tests.oem_adapters.vault import VaultInMemory, a_token
from tests.oem_adapters.world import CONSENTED, TOKEN_LIFE_S, World, running_world

pytestmark = pytest.mark.servers

type Units = dict[Lever, tuple[PumpAddress, Capability]]

SPEED = 1200.0
PATIENT = WallTimeouts(connect_s=5, answer_s=10, whole_s=15)
HASTY = WallTimeouts(connect_s=1, answer_s=0.4, whole_s=0.8)
PUBLISHED = timedelta(minutes=1)
"""How often a unit of the fake cloud tells its state."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("world"), pumps=12, speed=SPEED) as running:
        yield running


@pytest.fixture(params=known_oems())
def oem(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pumps(world: World, oem: str) -> list[PumpAddress]:
    found = world.pumps(oem)
    assert found, f"the simulator has no fake cloud of {oem}"
    return found


@pytest.fixture
def vault(world: World) -> VaultInMemory:
    return VaultInMemory(world.url, world.client_id, world.client_secret)


@pytest.fixture
async def sent() -> list[httpx.Request]:
    """Every request that left."""
    return []


@pytest.fixture
async def client(sent: list[httpx.Request]) -> AsyncIterator[httpx.AsyncClient]:
    async def note(request: httpx.Request) -> None:
        sent.append(request)

    async with httpx.AsyncClient(verify=TLS, event_hooks={"request": [note]}) as opened:
        yield opened


@pytest.fixture
def adapter(oem: str, client: httpx.AsyncClient, vault: VaultInMemory) -> OemAdapter:
    return build_adapter(oem, client, vault, PATIENT)


@pytest.fixture(scope="module")
def units_found() -> dict[str, Units]:
    """Asking every pump takes a while, so it is done once; settings may have changed since."""
    return {}


@pytest.fixture
async def units(
    oem: str, units_found: dict[str, Units], adapter: OemAdapter, pumps: list[PumpAddress], world: World
) -> Units:
    """One pump of every lever there is, with what it can do."""
    found = units_found.setdefault(oem, {})
    for pump in pumps:
        if set(found) == set(Lever):
            break
        capability = await adapter.capability(pump, world.now())
        found.setdefault(capability.lever, (pump, capability))
    return found


async def seen(
    adapter: OemAdapter, pump: PumpAddress, lever: Lever, setting: float, world: World, written_at: datetime
) -> Reading:
    """Look as a worker does: first after the usual delay, then again until the write can no longer land."""
    await asyncio.sleep(world.wall_s(adapter.timing.usual_delay))
    while True:
        now = world.now()
        reading = await adapter.read(pump, lever, now)
        if reading.setting == setting or reading.as_of >= written_at + adapter.timing.longest_in_flight:
            return reading
        await asyncio.sleep(world.wall_s(adapter.timing.look_again))


def other_setting(capability: Capability, current: float) -> float:
    """Something the unit takes that is not its setting now."""
    higher = nearest_allowed(capability, current + max(1.0, capability.step))
    return higher if higher != current else nearest_allowed(capability, current - max(1.0, capability.step))


async def test_discovery_finds_every_unit_over_all_pages(
    oem: str, client: httpx.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_world(tmp_path_factory.mktemp("large"), pumps=101, speed=1) as large:
        vault = VaultInMemory(large.url, large.client_id, large.client_secret)
        enrolled = large.pumps(oem)
        found = await build_adapter(oem, client, vault, PATIENT).discover(enrolled[0].account_id, large.now())
    assert {(p.vendor_system_id, p.vendor_device_id) for p in found} == {
        (p.vendor_system_id, p.vendor_device_id) for p in enrolled
    }
    assert len(found) == 101
    assert all(pump.model and pump.connected for pump in found)


async def test_both_levers_are_offered_with_range_step_and_setting(
    units: Units, adapter: OemAdapter, world: World
) -> None:
    assert set(units) == set(Lever)
    for lever, (pump, _) in units.items():
        capability = await adapter.capability(pump, world.now())
        assert capability.lever is lever
        assert world.truth(pump.pump_id)["lever"] == lever
        assert capability.minimum <= capability.current <= capability.maximum
        assert capability.step > 0
        assert nearest_allowed(capability, capability.current) == capability.current


async def test_a_reading_tells_what_is_so(units: Units, adapter: OemAdapter, world: World) -> None:
    for lever, (pump, capability) in units.items():
        now = world.now()
        reading = await adapter.read(pump, lever, now)
        truth = world.truth(pump.pump_id)
        assert now - reading.as_of < adapter.timing.reading_max_age
        assert reading.setting == truth["setting"]
        assert (reading.room_c is not None) == capability.has_room_sensor
        assert reading.room_c is None or abs(reading.room_c - truth["room_c"]) < 2.0
        assert reading.outdoor_c is not None
        assert reading.supply_c is not None


@pytest.mark.parametrize("slow_apply", [0.0, 1.0])
@pytest.mark.parametrize("lever", list(Lever))
async def test_a_write_is_obeyed_and_seen_in_time(
    lever: Lever,
    slow_apply: float,
    units: Units,
    adapter: OemAdapter,
    world: World,
) -> None:
    pump, capability = units[lever]
    wish = other_setting(capability, world.truth(pump.pump_id)["setting"])
    with world.faulty(slow_apply=slow_apply):
        written_at = world.now()
        await adapter.write(pump, lever, wish, written_at)
        reading = await seen(adapter, pump, lever, wish, world, written_at)
    assert reading.setting == wish
    assert reading.as_of >= written_at
    assert world.truth(pump.pump_id)["setting"] == wish


@pytest.mark.parametrize("lever", list(Lever))
async def test_a_write_that_is_accepted_and_ignored_is_not_seen(
    lever: Lever, units: Units, adapter: OemAdapter, world: World
) -> None:
    pump, capability = units[lever]
    await asyncio.sleep(world.wall_s(adapter.timing.longest_in_flight))  # another test's write may still be on its way
    before = (await adapter.read(pump, lever, world.now())).setting
    assert before is not None
    wish = other_setting(capability, before)
    with world.faulty(silent_ignore=1.0):
        written_at = world.now()
        await adapter.write(pump, lever, wish, written_at)
        reading = await seen(adapter, pump, lever, wish, world, written_at)
    assert reading.setting == before


@pytest.mark.parametrize("lever", list(Lever))
async def test_the_same_setting_written_twice_is_harmless(
    lever: Lever, units: Units, adapter: OemAdapter, world: World
) -> None:
    pump, capability = units[lever]
    for _ in range(2):
        await adapter.write(pump, lever, nearest_allowed(capability, capability.current), world.now())


@pytest.mark.parametrize("lever", list(Lever))
async def test_what_the_unit_does_not_take_is_refused_before_anything_is_sent(
    lever: Lever,
    units: Units,
    adapter: OemAdapter,
    world: World,
    sent: list[httpx.Request],
) -> None:
    pump, _ = units[lever]
    capability = await adapter.capability(pump, world.now())
    sent.clear()
    wrong = (capability.minimum - capability.step, capability.maximum + 1.0, capability.current + capability.step / 3)
    for setting in wrong:
        with pytest.raises(Rejected):
            await adapter.write(pump, lever, setting, world.now())
    assert sent == []


@pytest.mark.parametrize("lever", list(Lever))
async def test_a_used_up_budget_says_when_to_come_back(
    lever: Lever,
    units: Units,
    adapter: OemAdapter,
    world: World,
    sent: list[httpx.Request],
) -> None:
    pump, _ = units[lever]
    with world.faulty(rate_limit=1.0):
        now = world.now()
        with pytest.raises(RateLimited) as raised:
            await adapter.read(pump, lever, now)
        assert timedelta(0) < raised.value.retry_at - now <= timedelta(minutes=1)
        sent.clear()
        with pytest.raises(RateLimited):
            await adapter.read(pump, lever, now)
        assert sent == []
    await adapter.read(pump, lever, max(world.now(), raised.value.retry_at))


@pytest.mark.parametrize("lever", list(Lever))
async def test_a_failing_cloud_is_unavailable(lever: Lever, units: Units, adapter: OemAdapter, world: World) -> None:
    pump, capability = units[lever]
    with world.faulty(http_500=1.0):
        for call in (
            adapter.read(pump, lever, world.now()),
            adapter.write(pump, lever, capability.current, world.now()),
            adapter.discover(pump.account_id, world.now()),
        ):
            with pytest.raises(Unavailable):
                await call


@pytest.mark.parametrize("lever", list(Lever))
async def test_a_write_without_an_answer_may_have_been_taken(
    oem: str,
    lever: Lever,
    units: Units,
    client: httpx.AsyncClient,
    vault: VaultInMemory,
    world: World,
) -> None:
    pump, capability = units[lever]
    hasty = build_adapter(oem, client, vault, HASTY)
    await hasty.capability(pump, world.now())
    with world.faulty(timeout=1.0), pytest.raises(Unavailable) as raised:
        await hasty.write(pump, lever, capability.current, world.now())
    assert raised.value.maybe_taken


async def test_a_cut_connection_is_a_lost_answer(units: Units, adapter: OemAdapter, world: World) -> None:
    pump, capability = units[Lever.HEATING_OFFSET]
    with world.faulty(timeout=1.0), pytest.raises(Unavailable) as raised:
        await adapter.write(pump, Lever.HEATING_OFFSET, capability.current, world.now())
    assert raised.value.maybe_taken


async def test_an_expired_token_is_renewed_unnoticed(
    units: Units, adapter: OemAdapter, vault: VaultInMemory, world: World
) -> None:
    pump, _ = units[Lever.HEATING_OFFSET]
    await adapter.read(pump, Lever.HEATING_OFFSET, world.now())
    before = len(vault.events)
    await asyncio.sleep(world.wall_s(timedelta(seconds=TOKEN_LIFE_S)))
    await asyncio.gather(*(adapter.read(pump, Lever.HEATING_OFFSET, world.now()) for _ in range(4)))
    assert len(vault.events) == before + 1


async def test_a_consented_refresh_token_outlives_its_access_tokens(
    units: Units, adapter: OemAdapter, vault: VaultInMemory, world: World
) -> None:
    pump, _ = units[Lever.ROOM_SETPOINT]
    vault.tokens[pump.account_id] = a_token("dead", CONSENTED)
    for _ in range(3):
        await adapter.read(pump, Lever.ROOM_SETPOINT, world.now())
        kept = vault.tokens[pump.account_id].refresh_token
        assert kept is not None
        vault.tokens[pump.account_id] = a_token("dead", kept.get_secret_value())


async def test_a_cloud_that_accepts_no_token_needs_a_person(units: Units, adapter: OemAdapter, world: World) -> None:
    pump, _ = units[Lever.HEATING_OFFSET]
    with world.faulty(expired_token=1.0), pytest.raises(AuthExpired):
        await adapter.read(pump, Lever.HEATING_OFFSET, world.now())


async def test_wrong_credentials_need_a_person(
    oem: str, client: httpx.AsyncClient, pumps: list[PumpAddress], world: World
) -> None:
    wrong = VaultInMemory(world.url, world.client_id, "wrong")
    with pytest.raises(AuthExpired, match="invalid_client"):
        await build_adapter(oem, client, wrong).discover(pumps[0].account_id, world.now())


async def test_a_disconnected_unit_is_offline_once_its_reading_is_old(
    units: Units, adapter: OemAdapter, world: World
) -> None:
    with world.faulty(offline=1.0):
        for lever, (pump, _) in units.items():
            await adapter.read(pump, lever, world.now())  # still fresh: the flag alone may be a flicker
        await asyncio.sleep(world.wall_s(adapter.timing.reading_max_age + 2 * PUBLISHED))
        for lever, (pump, _) in units.items():
            with pytest.raises(Offline):
                await adapter.read(pump, lever, world.now())
        found = await adapter.discover(next(iter(units.values()))[0].account_id, world.now())
        assert not any(pump.connected for pump in found)
    await asyncio.sleep(world.wall_s(2 * PUBLISHED))
    for lever, (pump, _) in units.items():
        await adapter.read(pump, lever, world.now())


async def test_nothing_but_the_closed_set_leaves_an_adapter(
    units: Units,
    oem: str,
    client: httpx.AsyncClient,
    vault: VaultInMemory,
    world: World,
) -> None:
    hasty = build_adapter(oem, client, vault, HASTY)
    outcomes: set[str] = set()
    with world.faulty(rate_limit=0.1, http_500=0.2, expired_token=0.2, timeout=0.05, stale_read=0.3, offline=0.2):
        for turn in range(12):
            for lever, (pump, capability) in units.items():
                setting = other_setting(capability, capability.current) if turn % 2 else capability.current
                for call in (hasty.read(pump, lever, world.now()), hasty.write(pump, lever, setting, world.now())):
                    try:
                        await call
                        outcomes.add("fine")
                    except OemError as error:
                        outcomes.add(type(error).__name__)
    assert {"fine", "Unavailable"} <= outcomes
