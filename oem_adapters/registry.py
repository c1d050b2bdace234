"""Which vendors there are: the only module that names a concrete one.

Protects: adding a vendor is one folder and one line here, or one entry point of a package installed beside this one;
nobody branches on a vendor's name.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

import httpx

from domain.oem.credentials import TokenVault
from domain.oem.manifest import Manifest
from domain.ports import CallListener, OemAdapter
from oem_adapters.nibe import VENDOR as NIBE
from oem_adapters.timeouts import WallTimeouts
from oem_adapters.vendor import Vendor

OWN = (NIBE,)
ENTRY_POINTS = "heatsteer.vendors"
"""Entry points of this group name a `Vendor` each."""


class UnknownOem(LookupError):
    """No adapter has this name. The message is one sentence that lists those there are."""


@cache
def vendors() -> Mapping[str, Vendor]:
    """Every vendor by its name, sorted."""
    found = [*OWN, *(entry.load() for entry in entry_points(group=ENTRY_POINTS))]
    return {vendor.manifest.oem: vendor for vendor in sorted(found, key=lambda vendor: str(vendor.manifest.oem))}


def known_oems() -> tuple[str, ...]:
    """The vendors' names, sorted."""
    return tuple(vendors())


def manifest_of(oem: str) -> Manifest:
    """The vendor's manifest; raises UnknownOem."""
    return _vendor(oem).manifest


def build_adapter(
    oem: str,
    client: httpx.AsyncClient,
    vault: TokenVault,
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
