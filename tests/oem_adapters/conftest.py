"""What the adapters' tests share: a cloud on loopback, a vault and an HTTP client."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from domain.oem.calls import CallMade
from domain.oem.units import PumpAddress
from oem_adapters.nibe.adapter import NibeMyUplink
from oem_adapters.nibe.manifest import MANIFEST
from oem_adapters.timeouts import WallTimeouts
from tests.oem_adapters.loopback import Loopback, running_cloud
from tests.oem_adapters.vault import VaultInMemory, a_token

NOW = datetime(2026, 1, 21, 6, 0, tzinfo=UTC)
TLS = ssl.create_default_context()
"""Made once: making one takes longer than most of these tests."""
A_MANIFEST = MANIFEST.model_copy(
    update={"authentication": MANIFEST.authentication.model_copy(update={"scopes": ("READ", "WRITE")})}
)
"""Of any vendor with client credentials."""
SHORT = WallTimeouts(connect_s=0.5, answer_s=0.3, whole_s=0.6)
PATIENT = WallTimeouts(connect_s=5, answer_s=10, whole_s=15)
"""For what is not about patience: many calls at once take long on a busy machine."""


@pytest.fixture
async def cloud() -> AsyncIterator[Loopback]:
    async with running_cloud() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=TLS) as opened:
        yield opened


@pytest.fixture
def vault(cloud: Loopback) -> VaultInMemory:
    filled = VaultInMemory(cloud.base_url)
    filled.tokens["account-1"] = a_token()
    return filled


@pytest.fixture
def pump() -> PumpAddress:
    return PumpAddress(pump_id="pump-1", oem="nibe", account_id="account-1", vendor_ref="sys-1/dev%2F1")


@pytest.fixture
def calls() -> list[CallMade]:
    """What `nibe` told of its calls."""
    return []


@pytest.fixture
def nibe(client: httpx.AsyncClient, vault: VaultInMemory, calls: list[CallMade]) -> NibeMyUplink:
    return NibeMyUplink(client, vault, SHORT, calls.append)
