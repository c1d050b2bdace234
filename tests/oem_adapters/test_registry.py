"""The registry is where a vendor's name becomes an adapter."""

import httpx
import pytest

from domain.ports import OemAdapter
from oem_adapters.registry import UnknownOem, build_adapter, known_oems, manifest_of
from tests.oem_adapters.vault import VaultInMemory


@pytest.mark.parametrize("oem", known_oems())
async def test_every_known_vendor_has_an_adapter_of_its_name(oem: str, client: httpx.AsyncClient) -> None:
    adapter: OemAdapter = build_adapter(oem, client, VaultInMemory("http://127.0.0.1:1"))
    assert adapter.oem == oem
    assert adapter.timing.usual_delay < adapter.timing.longest_in_flight < adapter.timing.reading_max_age
    manifest = manifest_of(oem)
    assert manifest.oem == oem
    assert manifest.api_url.startswith("https://")


async def test_an_unknown_vendor_is_named_with_those_there_are(client: httpx.AsyncClient) -> None:
    with pytest.raises(UnknownOem) as raised:
        build_adapter("nibbles", client, VaultInMemory("http://127.0.0.1:1"))
    assert str(raised.value) == f"There is no adapter for 'nibbles'; known are: {', '.join(known_oems())}."
