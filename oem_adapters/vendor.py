"""What a vendor's folder gives to the registry."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from domain.oem.calls import CallListener
from domain.oem.manifest import Manifest
from domain.oem.ports import OemAdapter
from domain.oem.spending import SharedAccounts
from oem_adapters.timeouts import WallTimeouts

BuildAdapter = Callable[[httpx.AsyncClient, SharedAccounts, WallTimeouts, CallListener | None], OemAdapter]
"""An adapter over an injected client. The listener is told of every call that left."""


@dataclass(frozen=True)
class Vendor:
    """A manifest, and how its adapter is built."""

    manifest: Manifest
    build: BuildAdapter
