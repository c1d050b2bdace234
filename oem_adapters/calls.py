"""What is told of each call to a vendor: whether its cloud is well, and what it cost.

Protects: only calls that left are told; a trouble of ours (credentials, budget, a wrong request) never looks like the
cloud's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx

from domain.oem.calls import CallFate, CallListener, CallMade
from domain.oem.errors import NotExecutable, OemError, Offline, RateLimited, Rejected
from domain.oem.quota import Quota
from oem_adapters.budget import quotas_named

_REFUSALS = (NotExecutable, Offline, Rejected)
"""Words on one unit or one request, whatever the status says: the cloud is well."""
_NOTHING_LEFT_US = (httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)
"""Failures of our own, before a connection was tried: they say nothing of the vendor."""


@dataclass(frozen=True)
class CallBook:
    """Tells a listener, where there is one, of one vendor's calls."""

    oem: str
    quotas: Sequence[Quota] = ()
    """As the vendor publishes them: an answer may name a number and leave the window to be known."""
    listener: CallListener | None = None

    def answered(
        self,
        account_id: str,
        at: datetime,
        fate: CallFate,
        is_write: bool = False,
        headers: Mapping[str, str] | None = None,
        took_s: float | None = None,
    ) -> None:
        """A call got an answer after `took_s` wall seconds; `headers` only where they speak of this account's grant."""
        quotas = quotas_named(headers, self.quotas) if headers is not None else ()
        self._tell(account_id, at, fate, is_write, quotas, took_s)

    def failed(self, account_id: str, at: datetime, error: Exception, is_write: bool = False) -> None:
        """A call got no answer, or none that could be read; told unless it never left."""
        if not isinstance(error, _NOTHING_LEFT_US):
            self._tell(account_id, at, CallFate.TRANSPORT, is_write, ())

    def _tell(
        self,
        account_id: str,
        at: datetime,
        fate: CallFate,
        is_write: bool,
        quotas: tuple[Quota, ...],
        took_s: float | None = None,
    ) -> None:
        if self.listener is None:
            return
        self.listener(
            CallMade(
                oem=self.oem,
                account_id=account_id,
                at=at,
                fate=fate,
                is_write=is_write,
                quotas=quotas,
                took_s=took_s,
            )
        )


def fate_of(status: int, told: OemError | None = None) -> CallFate:
    """What an answer says: by the vendor's own words where they are known, else by its status.

    A 401 that ends in a renewed token is a refusal like any other.
    """
    if 200 <= status < 300:
        return CallFate.OK
    if isinstance(told, RateLimited) or (told is None and status == httpx.codes.TOO_MANY_REQUESTS):
        return CallFate.BUDGET
    if isinstance(told, _REFUSALS) or 400 <= status < 500:
        return CallFate.REFUSED
    return CallFate.SERVER  # 5xx, and answers that are none of an API's, such as a redirect to a maintenance page
