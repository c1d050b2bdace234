"""What the contract's tests ask of a vendor, and how they look at a unit.

Protects: a vendor that is registered keeps the contract without a line here.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

import httpx
import pytest
import yaml

import oem_adapters
from domain.modes import Circuit
from domain.oem.calls import CallListener
from domain.oem.lever import Lever, LeverName
from domain.oem.manifest import AuthFlow
from domain.oem.ports import OemAdapter
from domain.oem.readings import Reading
from domain.oem.spending import SharedAccounts
from domain.oem.units import Capability, PumpAddress
from oem_adapters.registry import vendors
from oem_adapters.timeouts import WallTimeouts
from oem_adapters.vendor import Vendor
from simulator.homes.commissioning import draw_house
from simulator.vendors.registry import VENDORS as SIMULATED
from tests.oem_adapters.vault import VaultInMemory, a_token
from tests.oem_adapters.world import World, running_world
from tests.vendors import vendors_of_tests

PATIENT = WallTimeouts(connect_s=5, answer_s=10, whole_s=15)
HASTY = WallTimeouts(connect_s=1, answer_s=0.4, whole_s=0.8)
PUBLISHED = timedelta(minutes=1)
"""How often a unit of the fake cloud tells its state."""

VENDORS: Mapping[str, Vendor] = {**vendors(), **vendors_of_tests()}
"""Every vendor that keeps the contract: those of the registry, and those of tests."""


def fake_cloud(oem: str, folder: Path, pumps: int, speed: float) -> AbstractContextManager[World]:
    """A running fake cloud of a vendor: its own where its folder has one, else the simulator's."""
    if oem in vendors():
        return running_world(folder, pumps, speed, oem)
    running: Callable[[Path, int, float], AbstractContextManager[World]]
    running = import_module(f"tests.vendors.{oem}.fake").running
    return running(folder, pumps, speed)


def build_adapter(
    oem: str,
    client: httpx.AsyncClient,
    vault: SharedAccounts,
    timeouts: WallTimeouts = PATIENT,
    on_call: CallListener | None = None,
) -> OemAdapter:
    """As the registry's, for the vendors of tests too."""
    return VENDORS[oem].build(client, vault, timeouts, on_call)


def a_vault(oem: str, world: World, *, with_wrong_credentials: bool = False) -> VaultInMemory:
    """A vault with the accounts of a fake cloud, as a person's consent left them where the vendor asks for it."""
    secrets = ("nobody", "wrong") if with_wrong_credentials else (world.client_id, world.client_secret)
    vault = VaultInMemory(world.url, *secrets, VENDORS[oem].manifest)
    forget_access(oem, world, vault)
    return vault


def forget_access(oem: str, world: World, vault: VaultInMemory) -> None:
    """No account has a valid access token; consents stay."""
    vault.tokens.clear()
    if VENDORS[oem].manifest.authentication.flow in CONSENTED_FLOWS:
        accounts = {pump.account_id for pump in world.pumps(oem)}
        vault.tokens |= {account_id: a_token("dead", world.new_consent()) for account_id in accounts}


def a_pump(oem: str) -> PumpAddress:
    """A unit with a reference of the vendor's form, without a cloud behind it."""
    make = SIMULATED[oem].make if oem in SIMULATED else None
    ref = "a/1" if make is None else make.fit(7, draw_house(7, 0, make.equipment)).identity.vendor_ref
    return PumpAddress(pump_id="p-0001", oem=oem, account_id="account-1", vendor_ref=ref)


def pages_its_lists(oem: str) -> bool:
    """Whether a vendor's lists come in pages, by what its adapter says of itself."""
    quality = Path(oem_adapters.__path__[0]) / oem / "quality.yaml"
    return not quality.exists() or yaml.safe_load(quality.read_text())["rules"]["paging-and-duplicates"] != "exempt"


def offered(oem: str) -> tuple[LeverName, ...]:
    """The levers that a vendor's units offer, each unit some of them."""
    return tuple(spec.name for spec in VENDORS[oem].manifest.levers)


each_lever = pytest.mark.parametrize(
    ("oem", "lever"), [(oem, lever) for oem in VENDORS for lever in offered(oem)], indirect=["oem"]
)
CONSENTED_FLOWS = (AuthFlow.AUTHORIZATION_CODE, AuthFlow.AUTHORIZATION_CODE_PKCE)
whose_first_token_needs_nobody = pytest.mark.parametrize(
    "oem",
    [oem for oem, v in VENDORS.items() if v.manifest.authentication.flow is AuthFlow.CLIENT_CREDENTIALS],
    indirect=True,
)
whose_tokens_are_renewed = pytest.mark.parametrize(
    "oem",
    [oem for oem, v in VENDORS.items() if v.manifest.authentication.flow is not AuthFlow.ACCESS_TOKEN],
    indirect=True,
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
