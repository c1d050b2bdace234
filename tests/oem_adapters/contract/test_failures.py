"""The contract of `OemAdapter`, kept by every known vendor's adapter against its fake cloud: failures."""

import asyncio
import contextlib
from datetime import timedelta

import httpx
import pytest

from domain.oem.calls import CallFate, CallMade
from domain.oem.errors import AuthExpired, OemError, Offline, RateLimited, Unavailable
from domain.oem.lever import LeverName
from domain.oem.ports import OemAdapter
from domain.oem.units import Capability, PumpAddress
from tests.oem_adapters.contract.vendors import (
    HASTY,
    PATIENT,
    PUBLISHED,
    VENDORS,
    Units,
    a_vault,
    build_adapter,
    each_lever,
    fake_cloud,
    other_setting,
    ranges,
    whose_first_token_needs_nobody,
    whose_tokens_are_renewed,
)
from tests.oem_adapters.vault import VaultInMemory, a_token
from tests.oem_adapters.world import CONSENTED, TOKEN_LIFE_S, World

pytestmark = pytest.mark.servers


def settled(capability: Capability, lever: LeverName) -> float:
    """The setting that the unit has, or the nearest that can be written."""
    offered = ranges(capability)[lever]
    return offered.nearest(offered.baseline)


@each_lever
async def test_a_used_up_budget_says_when_to_come_back(
    oem: str,
    lever: LeverName,
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
        shortest = min(quota.window for quota in VENDORS[oem].manifest.quotas)
        assert now < raised.value.retry_at <= world.now() + shortest
        sent.clear()
        with pytest.raises(RateLimited):
            await adapter.read(pump, lever, now)
        assert sent == []
    await adapter.read(pump, lever, max(world.now(), raised.value.retry_at))


@each_lever
async def test_a_failing_cloud_is_unavailable(
    lever: LeverName, units: Units, adapter: OemAdapter, world: World
) -> None:
    pump, capability = units[lever]
    with world.faulty(http_500=1.0):
        for call in (
            adapter.read(pump, lever, world.now()),
            adapter.write(pump, lever, settled(capability, lever), world.now()),
            adapter.connections(pump.account_id, world.now()),
        ):
            with pytest.raises(Unavailable):
                await call


@each_lever
async def test_a_write_without_an_answer_may_have_been_taken(
    oem: str,
    lever: LeverName,
    units: Units,
    client: httpx.AsyncClient,
    vault: VaultInMemory,
    world: World,
) -> None:
    pump, capability = units[lever]
    hasty = build_adapter(oem, client, vault, HASTY)
    await hasty.capability(pump, world.now())
    with world.faulty(timeout=1.0), pytest.raises(Unavailable) as raised:
        await hasty.write(pump, lever, settled(capability, lever), world.now())
    assert raised.value.maybe_taken


async def test_a_cut_connection_is_a_lost_answer(units: Units, adapter: OemAdapter, world: World) -> None:
    lever, (pump, capability) = next(iter(units.items()))
    with world.faulty(timeout=1.0), pytest.raises(Unavailable) as raised:
        await adapter.write(pump, lever, settled(capability, lever), world.now())
    assert raised.value.maybe_taken


@whose_tokens_are_renewed
async def test_an_expired_token_is_renewed_unnoticed(
    units: Units, adapter: OemAdapter, vault: VaultInMemory, world: World
) -> None:
    lever, (pump, _) = next(iter(units.items()))
    await adapter.read(pump, lever, world.now())
    before = len(vault.events)
    await asyncio.sleep(world.wall_s(timedelta(seconds=TOKEN_LIFE_S)))
    await asyncio.gather(*(adapter.read(pump, lever, world.now()) for _ in range(4)))
    assert len(vault.events) == before + 1


@whose_tokens_are_renewed
async def test_a_consented_refresh_token_outlives_its_access_tokens(
    units: Units, adapter: OemAdapter, vault: VaultInMemory, world: World
) -> None:
    lever, (pump, _) = next(iter(units.items()))
    vault.tokens[pump.account_id] = a_token("dead", CONSENTED)
    for _ in range(3):
        await adapter.read(pump, lever, world.now())
        kept = vault.tokens[pump.account_id].refresh_token
        assert kept is not None
        vault.tokens[pump.account_id] = a_token("dead", kept.get_secret_value())


async def test_a_cloud_that_accepts_no_token_needs_a_person(units: Units, adapter: OemAdapter, world: World) -> None:
    lever, (pump, _) = next(iter(units.items()))
    with world.faulty(expired_token=1.0), pytest.raises(AuthExpired):
        await adapter.read(pump, lever, world.now())


async def test_wrong_credentials_need_a_person(
    oem: str, client: httpx.AsyncClient, pumps: list[PumpAddress], world: World
) -> None:
    wrong = a_vault(oem, world, with_wrong_credentials=True)
    with pytest.raises(AuthExpired):
        await build_adapter(oem, client, wrong).connections(pumps[0].account_id, world.now())


async def test_a_disconnected_unit_is_offline_once_its_reading_is_old(
    units: Units, adapter: OemAdapter, world: World
) -> None:
    with world.faulty(offline=1.0):
        for lever, (pump, _) in units.items():
            with contextlib.suppress(Offline):  # still fresh: a flag alone may be a flicker, a refusal is none
                await adapter.read(pump, lever, world.now())
        await asyncio.sleep(world.wall_s(adapter.timing.reading_max_age + 2 * PUBLISHED))
        for lever, (pump, _) in units.items():
            with pytest.raises(Offline):
                await adapter.read(pump, lever, world.now())
            with pytest.raises(Offline):
                await adapter.observe(pump, lever, world.now())
        account_id = next(iter(units.values()))[0].account_id
        assert set((await adapter.connections(account_id, world.now())).values()) == {False}
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
                now_set = settled(capability, lever)
                setting = other_setting(ranges(capability)[lever], now_set) if turn % 2 else now_set
                for call in (
                    hasty.read(pump, lever, world.now()),
                    hasty.observe(pump, lever, world.now()),
                    hasty.write(pump, lever, setting, world.now()),
                ):
                    try:
                        await call
                        outcomes.add("fine")
                    except OemError as error:
                        outcomes.add(type(error).__name__)
                        if isinstance(error, RateLimited):
                            # Until then the adapter sends nothing, and nothing else could come out.
                            await asyncio.sleep(max(0.0, world.wall_s(error.retry_at - world.now())))
    assert {"fine", "Unavailable"} <= outcomes


@pytest.mark.parametrize("kind", ["http-500", "refuse"])
async def test_a_cloud_that_is_down_may_have_taken_a_write(
    oem: str, kind: str, client: httpx.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with fake_cloud(oem, tmp_path_factory.mktemp("down"), pumps=1, speed=1) as down:
        told, error = await written_while_down(oem, kind, client, down, keeps_token=True)
    assert error.maybe_taken
    assert [(call.fate, call.is_write) for call in told] == [(FATES[kind], True)]


@pytest.mark.parametrize("kind", ["http-500", "refuse"])
@whose_first_token_needs_nobody
async def test_a_cloud_that_is_down_is_no_matter_of_credentials(
    oem: str, kind: str, client: httpx.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with fake_cloud(oem, tmp_path_factory.mktemp("down"), pumps=1, speed=1) as down:
        told, error = await written_while_down(oem, kind, client, down, keeps_token=False)
    assert not error.maybe_taken
    assert [(call.fate, call.is_write) for call in told] == [(FATES[kind], False)]


FATES = {"http-500": CallFate.SERVER, "refuse": CallFate.TRANSPORT}


async def written_while_down(
    oem: str, kind: str, client: httpx.AsyncClient, down: World, *, keeps_token: bool
) -> tuple[list[CallMade], Unavailable]:
    """The calls and the error of a write in an outage, with a token from before or without any."""
    (pump,) = down.pumps(oem)
    vault = a_vault(oem, down)
    told: list[CallMade] = []
    adapter = build_adapter(oem, client, vault, PATIENT, on_call=told.append)
    capability = await adapter.capability(pump, down.now())
    lever = capability.heating.name
    down.fail_from_now_on(oem, kind)
    told.clear()
    if not keeps_token:
        vault.tokens.clear()
    with pytest.raises(Unavailable) as raised:
        await adapter.write(pump, lever, settled(capability, lever), down.now())
    return told, raised.value
