"""A vendor's name stands in its adapter, its fake, its tests and its documents, and nowhere else.

Protects: nothing branches on a vendor; a new one is its own folders and one line in a registry.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from oem_adapters.registry import vendors
from oem_adapters.vendor import Vendor
from tests.vendors import vendors_of_tests

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = {"var", "build", "dist", "__pycache__"}
KINDS = {".py", ".toml", ".yml", ".yaml", ".sql", ".ini", ".sh"}
DOCUMENTS = ("docs/", "ops/", "docker-compose.yml", "pyproject.toml")
"""What operators read and deploy by, and the import rule that protects the folders; prose is no branch."""
SHORT = 3
REGISTRIES = ("simulator/vendors/registry.py",)


def own_places(oem: str) -> tuple[str, ...]:
    """Where a registered vendor may be named."""
    return (f"oem_adapters/{oem}/", f"simulator/vendors/{oem}/", "tests/", *DOCUMENTS, *REGISTRIES)


def own_places_in_tests(oem: str) -> tuple[str, ...]:
    """Where a vendor of tests may be named."""
    named = ("tests/vendors/heatsteer_test_vendors-0.dist-info/", "tests/scenarios/steering/test_another_vendor.py")
    return (f"tests/vendors/{oem}/", *named, "docs/")


@cache
def sources() -> Mapping[str, str]:
    """The text of every source and settings file of the project, in lower case, by its path."""
    found: dict[str, str] = {}
    for folder, inner, names in ROOT.walk():
        inner[:] = [name for name in inner if name not in SKIPPED and not name.startswith(".")]
        for path in (folder / name for name in names):
            if path.suffix in KINDS:
                found[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8").casefold()
    return found


def named_in(vendor: Vendor) -> list[str]:
    """The files that name the vendor in any of its words."""
    words = {vendor.manifest.oem, *vendor.manifest.title.casefold().split()}
    # A short name is part of many a word: it must stand by itself.
    patterns = [
        re.compile(word if len(word) > SHORT else rf"(?<![a-z]){word}(?![a-z])") for word in map(re.escape, words)
    ]
    return sorted(path for path, text in sources().items() if any(pattern.search(text) for pattern in patterns))


@pytest.mark.parametrize("oem", vendors())
def test_a_registered_vendor_is_named_in_its_own_places_only(oem: str) -> None:
    found = named_in(vendors()[oem])
    assert found, "its own folder names it"
    assert [path for path in found if not path.startswith(own_places(oem))] == []


@pytest.mark.parametrize("oem", vendors_of_tests())
def test_a_vendor_of_tests_is_named_by_no_other_folder(oem: str) -> None:
    found = named_in(vendors_of_tests()[oem])
    assert [path for path in found if not path.startswith(own_places_in_tests(oem))] == []


def test_a_registry_names_a_vendor_on_its_import_and_its_own_line_only() -> None:
    for registry in REGISTRIES:
        lines = (ROOT / registry).read_text().splitlines()
        for oem in vendors():
            naming = [line for line in lines if re.search(rf"\b{oem}", line, re.IGNORECASE)]
            assert all(line.startswith(("from ", "_VENDORS = ", "    Vendor(")) for line in naming), naming
