"""The registry is where a vendor's name becomes an adapter."""

from pathlib import Path

import httpx
import pytest
import yaml

import oem_adapters
from domain.oem.ports import BulkReader, OemAdapter
from oem_adapters.registry import UnknownOem, build_adapter, known_oems, manifest_of
from tests.oem_adapters.vault import VaultInMemory

PACKAGE = Path(oem_adapters.__path__[0])


@pytest.mark.parametrize("oem", known_oems())
async def test_every_known_vendor_has_an_adapter_of_its_name(oem: str, client: httpx.AsyncClient) -> None:
    adapter: OemAdapter = build_adapter(oem, client, VaultInMemory("http://127.0.0.1:1"))
    assert adapter.oem == oem
    assert adapter.timing.usual_delay < adapter.timing.longest_in_flight < adapter.timing.reading_max_age
    assert adapter.timing.reads_accounts is isinstance(adapter, BulkReader), "what a fleet's calls are reckoned by"
    manifest = manifest_of(oem)
    assert manifest.oem == oem
    assert manifest.api_url.startswith("https://")


async def test_an_unknown_vendor_is_named_with_those_there_are(client: httpx.AsyncClient) -> None:
    with pytest.raises(UnknownOem) as raised:
        build_adapter("nibbles", client, VaultInMemory("http://127.0.0.1:1"))
    assert str(raised.value) == f"There is no adapter for 'nibbles'; known are: {', '.join(known_oems())}."


VOCABULARY = ("__init__", "adapter", "client", "manifest", "mapping", "models", "quirks")


@pytest.mark.parametrize("folder", sorted(path.parent for path in PACKAGE.glob("*/__init__.py")), ids=lambda p: p.name)
def test_every_vendors_folder_has_the_same_files(folder: Path) -> None:
    assert {f"{name}.py" for name in VOCABULARY} <= {path.name for path in folder.glob("*.py")}
    assert (folder / "README.md").is_file()
    rules = yaml.safe_load((folder / "quality.yaml").read_text())["rules"]
    assert set(rules.values()) <= {"done", "todo", "exempt"}
    assert manifest_of(folder.name).oem == folder.name
