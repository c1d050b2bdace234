"""What the contract's tests share: a fake cloud of every known vendor, and one unit for every lever."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from domain.oem.ports import OemAdapter
from domain.oem.units import PumpAddress
from tests.oem_adapters.conftest import TLS
from tests.oem_adapters.contract.vendors import VENDORS, Units, a_vault, build_adapter, fake_cloud, offered, ranges
from tests.oem_adapters.vault import VaultInMemory
from tests.oem_adapters.world import World

SPEED = 1200.0


@pytest.fixture(scope="module", params=VENDORS)
def oem(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def world(oem: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with fake_cloud(oem, tmp_path_factory.mktemp("world"), pumps=12, speed=SPEED) as running:
        yield running


@pytest.fixture
def pumps(world: World, oem: str) -> list[PumpAddress]:
    found = world.pumps(oem)
    assert found, f"the fake cloud of {oem} has no units"
    return found


@pytest.fixture
def vault(oem: str, world: World) -> VaultInMemory:
    return a_vault(oem, world)


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
    return build_adapter(oem, client, vault)


@pytest.fixture(scope="module")
def units_found() -> dict[str, Units]:
    """Asking every pump takes a while, so it is done once; settings may have changed since."""
    return {}


@pytest.fixture
async def units(
    oem: str, units_found: dict[str, Units], adapter: OemAdapter, pumps: list[PumpAddress], world: World
) -> Units:
    """One pump for every lever the vendor offers, with what it can do."""
    found = units_found.setdefault(oem, {})
    for pump in pumps:
        if len(found) == len(offered(oem)):
            break
        capability = await adapter.capability(pump, world.now())
        for lever in ranges(capability):
            found.setdefault(lever, (pump, capability))
    return found
