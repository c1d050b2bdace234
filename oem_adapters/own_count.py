"""What this process has spent of a vendor's quotas, for as long as the vendor's answers do not say what is left.

Protects: callers that set out together, before any of them has an answer, never spend more than the vendor grants.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from domain.oem.quota import Quota, QuotaScope, in_force


class OwnCount:
    """Calls of sliding windows, by whom the vendor counts together."""

    def __init__(self, declared: Sequence[Quota]) -> None:
        self._declared = declared
        self._named: dict[str, tuple[Quota, ...]] = {}
        self._spent: defaultdict[tuple[str, str], deque[datetime]] = defaultdict(deque)
        self._standing_at: datetime | None = None

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

    def take_back(self, account_id: str, what: str, now: datetime) -> None:
        """A call that was counted did not leave, or cost nothing."""
        for key in self._keys(account_id, what):
            if now in self._spent[key]:
                self._spent[key].remove(now)

    def opens_at(self, account_id: str, what: str, now: datetime, kept: Callable[[int], int]) -> datetime | None:
        """When a call may leave that may not leave now; None where it may.

        `kept`: how much of a quota of so many calls is not for this one.
        """
        found = [
            opens
            for quota in self._quotas(account_id)
            if (opens := self._opens_at(quota, account_id, what, now, kept(quota.calls))) is not None
        ]
        return max(found, default=None)

    def _opens_at(self, quota: Quota, account_id: str, what: str, now: datetime, kept: int) -> datetime | None:
        spent = self._spent[_key(quota, account_id, what)]
        within = sorted(at for at in spent if at > now - quota.window)
        too_many = len(within) - max(quota.calls - kept, 1) + 1
        return within[too_many - 1] + quota.window if too_many > 0 else None

    def _quotas(self, account_id: str) -> tuple[Quota, ...]:
        return in_force(self._declared, self._named.get(account_id, ()))

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
