"""One call to a vendor as its breaker and its budget see it.

Protects: what became of a call is told in words that mean the same at every vendor.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.base import Instant, Value
from domain.oem.quota import Quota


class CallFate(StrEnum):
    """What became of one call to a vendor, as far as the vendor's health and our budget are concerned."""

    OK = "ok"
    TRANSPORT = "transport"
    """No connection, no answer, or an answer cut off."""
    SERVER = "server"
    """The cloud failed on its own account (5xx)."""
    BUDGET = "budget"
    """Refused for the call budget (429)."""
    CREDENTIALS = "credentials"
    REFUSED = "refused"
    """Any other refusal, offline pumps included: the cloud is well."""


class CallMade(Value):
    """One call to a vendor, for its breaker and its budget."""

    oem: str
    account_id: str
    at: Instant
    fate: CallFate
    is_write: bool = False
    quotas: tuple[Quota, ...] = ()
    """The quotas that the answer named."""
    took_s: Annotated[float, Field(ge=0)] | None = None
    """Wall seconds until the whole answer was there; None where there was none."""


CallListener = Callable[[CallMade], None]
"""Receives every call to a vendor; must not wait."""
