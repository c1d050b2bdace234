"""What is spent of a vendor's quotas: by all our workers, call by call, and by others as far as answers tell.

Protects: callers that set out together, before any of them has an answer, never spend more than the vendor grants,
whatever process they are in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from domain.oem.credentials import AccountCredentials
from domain.oem.errors import RateLimited
from domain.oem.quota import Quota, in_force, reserve_of
from domain.oem.spending import CallClaims

_UNUSED_SHARE = 0.1


@dataclass
class _Lot:
    """Calls that were counted together and have not left yet."""

    at: datetime
    left: int


@dataclass
class Counted:
    """One call that was counted: where, and when."""

    counters: list[tuple[Quota, str]] = field(default_factory=list)
    at: datetime | None = None
    """None where the clock stood, and nothing was counted."""
    within: dict[timedelta, int] = field(default_factory=dict)
    """Calls of all our workers in each window."""


class SharedCount:
    """Counts one vendor's calls in what all workers share, by whom the vendor counts together."""

    def __init__(self, oem: str, published: Sequence[Quota], claims: CallClaims) -> None:
        self._oem = oem
        self._published = published
        self._claims = claims
        self._named: dict[str, tuple[Quota, ...]] = {}
        self._began_at: datetime | None = None
        self._others: dict[str, tuple[int, datetime]] = {}
        """By counter: calls of others than our workers, and when the last of them has left the window."""
        self._lots: dict[str, _Lot] = {}

    def learn(self, account_id: str, named: Sequence[Quota]) -> None:
        """Take over the quotas that an answer names."""
        if named:
            self._named[account_id] = in_force(self._named.get(account_id, ()), named)

    def learn_left(self, counted: Counted, left: Mapping[timedelta, int]) -> None:
        """Take over what a call's answer says is left of windows that slide; such a window never begins anew."""
        for quota, counter in counted.counters:
            within = counted.within.get(quota.window)
            if quota.slides and quota.window in left and counted.at is not None and within is not None:
                others = quota.calls - left[quota.window] - within
                self._others[counter] = max(0, others), counted.at + quota.window

    async def spend(self, account: AccountCredentials, what: str, now: datetime, urgent: bool) -> Counted:
        """Count a call; raises RateLimited where a window is used up, or what is left of it is not for routine calls.

        A fleet's clock stands before its time runs, and no window would ever end: what a process spends then is not
        counted, its first call aside.
        """
        counted = Counted()
        if now == self._began_at:
            return counted
        self._began_at = self._began_at or now
        counted.at = now
        for quota in self._quotas(account):
            counter = quota.counter(self._oem, account.client_id, account.account_id, what)
            opens_at = await self._claim(quota, counter, now, urgent, counted)
            if opens_at is not None:
                await self.take_back(counted)
                raise RateLimited(
                    f"{what} was not sent: the call budget of account {account.account_id} is used up, or what is left "
                    "of it is for urgent calls.",
                    opens_at,
                )
            counted.counters.append((quota, counter))
        return counted

    async def take_back(self, counted: Counted, *, has_arrived: bool = False) -> None:
        """A call that was counted cost nothing: it never left, or was refused as a stranger's.

        Where refused calls use a quota up, the latter stays counted.
        """
        if counted.at is None or (has_arrived and any(quota.slides for quota, _ in counted.counters)):
            return
        for quota, counter in counted.counters:
            if quota.lot == 1:  # the rest of a lot stands for it elsewhere
                await self._claims.take_back(counter, counted.at)
        counted.counters.clear()

    async def _claim(
        self, quota: Quota, counter: str, now: datetime, urgent: bool, counted: Counted
    ) -> datetime | None:
        size, lot = quota.lot, self._lots.get(counter)
        if lot is not None and lot.left > 0 and now - lot.at < quota.window / 24:
            lot.left -= 1
            return None
        others, until = self._others.get(counter, (0, now))
        most = max(quota.calls - _kept(quota, urgent), 1) - (others if now < until else 0)
        claim = await self._claims.claim(counter, quota.window, most // size, now)
        counted.within[quota.window] = claim.within * size
        if claim.opens_at is None and size > 1:
            self._lots[counter] = _Lot(now, size - 1)
        return claim.opens_at

    def _quotas(self, account: AccountCredentials) -> tuple[Quota, ...]:
        return in_force(account.quotas or tuple(self._published), self._named.get(account.account_id, ()))


def _kept(quota: Quota, urgent: bool) -> int:
    """Calls of a window that are not for this one.

    Of a window that slides a part is left alone by all: refused calls lengthen the wait, and clocks differ.
    """
    never = ceil(quota.calls * _UNUSED_SHARE) if quota.slides else 0
    return never if urgent else max(never, reserve_of(quota.calls))
