"""Which vendors there are: every folder of this package, and every entry point of a package installed beside it.

Protects: adding a vendor edits no list, and nobody branches on a vendor's name.
"""

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

import httpx

import oem_adapters
from domain.oem.calls import CallListener
from domain.oem.manifest import Manifest
from domain.oem.ports import OemAdapter
from domain.oem.spending import SharedAccounts
from oem_adapters.timeouts import WallTimeouts
from oem_adapters.vendor import Vendor

ENTRY_POINTS = "heatsteer.vendors"
"""Entry points of this group name a `Vendor` each."""


class UnknownOem(LookupError):
    """No adapter has this name. The message is one sentence that lists those there are."""


@cache
def vendors() -> Mapping[str, Vendor]:
    """Every vendor by its name, sorted."""
    found = [*_own(), *(entry.load() for entry in entry_points(group=ENTRY_POINTS))]
    return {vendor.manifest.oem: vendor for vendor in sorted(found, key=lambda vendor: str(vendor.manifest.oem))}


def _own() -> Iterator[Vendor]:
    """The vendors of this package: each folder exports `VENDOR`."""
    for module in pkgutil.iter_modules(oem_adapters.__path__):
        if module.ispkg:
            yield import_module(f"{oem_adapters.__name__}.{module.name}").VENDOR


def known_oems() -> tuple[str, ...]:
    """The vendors' names, sorted."""
    return tuple(vendors())


def manifest_of(oem: str) -> Manifest:
    """The vendor's manifest; raises UnknownOem."""
    return _vendor(oem).manifest


def build_adapter(
    oem: str,
    client: httpx.AsyncClient,
    vault: SharedAccounts,
    timeouts: WallTimeouts | None = None,
    on_call: CallListener | None = None,
) -> OemAdapter:
    """The vendor's adapter over an injected client; raises UnknownOem.

    `on_call` is told of every call that left, with what became of it; one whose caller was cancelled is not told.
    """
    return _vendor(oem).build(client, vault, timeouts or WallTimeouts(), on_call)


def _vendor(oem: str) -> Vendor:
    try:
        return vendors()[oem]
    except KeyError:
        raise UnknownOem(f"There is no adapter for {oem!r}; known are: {', '.join(known_oems())}.") from None
