"""What was spent of a vendor's quotas: by this process, call by call, and by others as far as answers tell.

Protects: callers that set out together, before any of them has an answer, never spend more than the vendor grants.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from domain.oem.quota import Quota, QuotaScope, in_force


class OwnCount:
    """Calls of sliding windows, by whom the vendor counts together."""

    def __init__(self, published: Sequence[Quota]) -> None:
        self._published = published
        self._declared: dict[str, tuple[Quota, ...]] = {}
        self._named: dict[str, tuple[Quota, ...]] = {}
        self._spent: defaultdict[tuple[str, str], deque[datetime]] = defaultdict(deque)
        self._standing_at: datetime | None = None
        self._others: dict[tuple[tuple[str, str], timedelta], tuple[int, datetime]] = {}
        """Calls of other processes in a window, and when the last of them has left it."""

    def declare(self, account_id: str, quotas: Sequence[Quota]) -> None:
        """What an account was connected with, in place of what the vendor publishes."""
        if quotas:
            self._declared[account_id] = tuple(quotas)

    def is_shared(self, account_id: str) -> bool:
        """Whether an account's calls are counted together with those of others."""
        return any(quota.scope is QuotaScope.CLIENT for quota in self._quotas(account_id))

    def learn_left(self, account_id: str, what: str, left: Mapping[timedelta, int], now: datetime) -> None:
        """Take over what an answer says is left of windows that slide; such a window never begins anew."""
        for quota in self._quotas(account_id):
            if quota.slides and quota.window in left:
                key = _key(quota, account_id, what)
                others = quota.calls - left[quota.window] - len(self._within(quota, key, now))
                self._others[key, quota.window] = max(0, others), now + quota.window

    def learn(self, account_id: str, named: Sequence[Quota]) -> None:
        """Take over the quotas that an answer names."""
        if named:
            self._named[account_id] = in_force(self._named.get(account_id, ()), named)

    def spend(self, account_id: str, what: str, now: datetime) -> None:
        """Count a call.

        A fleet's clock stands before its time runs, and no window would ever end: what is spent then is not counted.
        """
        self._standing_at = self._standing_at or now
        if now == self._standing_at:
            return
        longest = max((quota.window for quota in self._quotas(account_id)), default=timedelta())
        for key in self._keys(account_id, what):
            spent = self._spent[key]
            spent.append(now)
            while spent[0] <= now - longest:
                spent.popleft()

    def take_back(self, account_id: str, what: str, now: datetime, *, has_arrived: bool) -> None:
        """A call that was counted cost nothing: it never arrived, or was refused as a stranger's.

        Where refused calls use a quota up, the latter stays counted.
        """
        if has_arrived and any(quota.slides for quota in self._quotas(account_id)):
            return
        for key in self._keys(account_id, what):
            if now in self._spent[key]:
                self._spent[key].remove(now)

    def opens_at(self, account_id: str, what: str, now: datetime, kept: Callable[[Quota], int]) -> datetime | None:
        """When a call may leave that may not leave now; None where it may. `kept`: how much is not for this call."""
        found = [
            opens
            for quota in self._quotas(account_id)
            if (opens := self._opens_at(quota, account_id, what, now, kept(quota))) is not None
        ]
        return max(found, default=None)

    def _opens_at(self, quota: Quota, account_id: str, what: str, now: datetime, kept: int) -> datetime | None:
        key = _key(quota, account_id, what)
        within = self._within(quota, key, now)
        others, until = self._others.get((key, quota.window), (0, now))
        too_many = len(within) + (others if now < until else 0) - max(quota.calls - kept, 1) + 1
        if too_many <= 0:
            return None
        return within[too_many - 1] + quota.window if too_many <= len(within) else max(until, now + quota.window / 24)

    def _within(self, quota: Quota, key: tuple[str, str], now: datetime) -> list[datetime]:
        return sorted(at for at in self._spent[key] if at > now - quota.window)

    def _quotas(self, account_id: str) -> tuple[Quota, ...]:
        declared = self._declared.get(account_id, tuple(self._published))
        return in_force(declared, self._named.get(account_id, ()))

    def _keys(self, account_id: str, what: str) -> set[tuple[str, str]]:
        return {_key(quota, account_id, what) for quota in self._quotas(account_id)}


def _key(quota: Quota, account_id: str, what: str) -> tuple[str, str]:
    match quota.scope:
        case QuotaScope.CLIENT:
            return "", ""
        case QuotaScope.ACCOUNT:
            return account_id, ""
        case QuotaScope.ENDPOINT:
            return account_id, what
