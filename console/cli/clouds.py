"""How a command reaches vendors' clouds: their manifests at the addresses that the settings name, and their adapters.

Protects: the calls that a command makes are counted in the ledger like those of workers: they cost the same grant.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

from application.access import Access
from application.errors import ErrorCode, Refused
from domain.oem.calls import CallListener
from domain.oem.manifest import Manifest
from domain.oem.ports import OemAdapter
from ledger.oem.calls import CallCounter
from oem_adapters.registry import UnknownOem, build_adapter, known_oems, manifest_of
from worker_environment import Settings, settings_from_environment


@dataclass(frozen=True)
class Clouds:
    """Vendors' clouds over one client."""

    access: Access
    settings: Settings
    http: httpx.AsyncClient
    on_call: CallListener

    def manifest(self, oem: str) -> Manifest:
        """A vendor at the address that the settings name; raises Refused for an unknown one."""
        return manifest_at(oem, self.settings)

    def adapter(self, oem: str) -> OemAdapter:
        """A vendor's adapter; raises Refused for an unknown one."""
        self.manifest(oem)
        return build_adapter(oem, self.http, self.access.ledger.vault, self.settings.timeouts(), self.on_call)


def manifest_at(oem: str, settings: Settings) -> Manifest:
    """A vendor at the address that the settings name; raises Refused for an unknown or unofficial one."""
    try:
        manifest = manifest_of(oem)
    except UnknownOem as error:
        known = list(known_oems())
        raise Refused(ErrorCode.UNKNOWN_VENDOR, str(error).removesuffix("."), oem=oem, known=known) from error
    if not manifest.is_official and oem not in settings.unofficial_oems.replace(" ", "").split(","):
        raise Refused(
            ErrorCode.UNOFFICIAL_VENDOR,
            f"{manifest.title} does not offer its API to others and may close it: to use it all the same, set "
            f"HEATSTEER_UNOFFICIAL_OEMS={oem} and read oem_adapters/{oem}/README.md",
            oem=oem,
        )
    url = settings.oem_urls.get(oem)
    return manifest if url is None else manifest.at(url)


@contextlib.asynccontextmanager
async def clouds(access: Access) -> AsyncIterator[Clouds]:
    """Open clients to the vendors of a running heatsteer."""
    calls = CallCounter(access.ledger.vendors)
    async with calls.running(), httpx.AsyncClient() as http:
        yield Clouds(access, settings_from_environment(), http, calls)
