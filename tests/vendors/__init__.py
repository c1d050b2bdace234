"""Vendors that exist in tests only: each a folder, found by entry points as any installed vendor's package is."""

from importlib.metadata import distributions
from pathlib import Path

from oem_adapters.registry import ENTRY_POINTS
from oem_adapters.vendor import Vendor

FOLDER = Path(__file__).parent
"""On a process's PYTHONPATH it registers them there."""


def vendors_of_tests() -> dict[str, Vendor]:
    """They by name, for a process whose registry shall not know them."""
    found = [
        entry.load()
        for distribution in distributions(path=[str(FOLDER)])
        for entry in distribution.entry_points
        if entry.group == ENTRY_POINTS
    ]
    return {vendor.manifest.oem: vendor for vendor in found}
