"""Calls that were spent of vendors' quotas, counted before each leaves and by all workers together.

Protects: callers that set out together, in one process or in several, never spend more than a vendor grants.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from domain.base import Instant, Value
from domain.oem.credentials import TokenVault


class Claim(Value):
    """One call that was asked for."""

    within: int
    """Calls in the window that ends with it, itself included where it was counted."""
    opens_at: Instant | None = None
    """None where it was counted and may leave; else when it may be asked for again."""


class CallClaims(Protocol):
    """Where calls are counted, shared by all workers."""

    async def claim(self, counter: str, window: timedelta, most: int, at: datetime) -> Claim:
        """Count a call of this moment (steered), unless `most` lie within the window that ends with it already."""
        ...

    async def take_back(self, counter: str, at: datetime) -> None:
        """A call that was counted at this moment cost nothing; harmless where none was."""
        ...


class SharedAccounts(TokenVault, CallClaims, Protocol):
    """What all workers share of vendor accounts: their secrets, and the calls that were spent."""


def claim_among(calls: Sequence[datetime], window: timedelta, most: int, at: datetime) -> Claim:
    """Whether a call of this moment may join those counted before."""
    within = sorted(call for call in calls if call > at - window)
    too_many = len(within) - most + 1
    if too_many <= 0:
        return Claim(within=len(within) + 1)
    # Where others than our workers use the quota up, it is unknown when their calls leave the window.
    opens_at = within[too_many - 1] + window if too_many <= len(within) else at + window / 24
    return Claim(within=len(within), opens_at=opens_at)
