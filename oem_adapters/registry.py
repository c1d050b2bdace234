"""Which vendors there are, and their adapters: the only module that names a concrete one.

Protects: adding a vendor is one folder and one line here; nobody else branches on a vendor's name.
"""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from domain.oem.credentials import TokenVault
from domain.ports import CallListener, OemAdapter
from oem_adapters.nibe_myuplink.adapter import NibeMyUplink
from oem_adapters.timeouts import WallTimeouts


@dataclass(frozen=True)
class _Vendor:
    base_url: str
    build: Callable[[httpx.AsyncClient, TokenVault, WallTimeouts, CallListener | None], OemAdapter]


_VENDORS: dict[str, _Vendor] = {
    "nibe": _Vendor(base_url="https://api.myuplink.com", build=NibeMyUplink),
}


class UnknownOem(LookupError):
    """No adapter has this name. The message is one sentence that lists those there are."""


def known_oems() -> tuple[str, ...]:
    """The vendors' names, sorted."""
    return tuple(sorted(_VENDORS))


def default_base_url(oem: str) -> str:
    """Where a vendor's public cloud is; an account's credentials may name another address."""
    return _vendor(oem).base_url


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


def _vendor(oem: str) -> _Vendor:
    try:
        return _VENDORS[oem]
    except KeyError:
        raise UnknownOem(f"There is no adapter for {oem!r}; known are: {', '.join(known_oems())}.") from None
