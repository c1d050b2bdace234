"""The call budget that a vendor grants, as its answers tell it.

Protects: when a cloud has said that nothing is left, nothing is sent until its window ends; clouds block those who go
on asking.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.oem import RateLimited

_UNTOLD_WINDOW = timedelta(seconds=60)
"""How long to wait after a 429 that names no time: the length of the known per-minute windows."""
_SHORTEST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(days=1)
"""Beyond this a reset is a misread unit (milliseconds, a date), not a window: daily grants are the longest known."""


def refused_until(headers: Mapping[str, str], now: datetime) -> datetime:
    """When a 429 with these headers may be repeated, in steered time: a fleet's world counts its windows in it."""
    told = _seconds(headers, "ratelimit-reset") or _seconds(headers, "retry-after") or _UNTOLD_WINDOW
    return now + min(max(told, _SHORTEST_WAIT), _LONGEST_WAIT)


class CallBudget:
    """What is left in each account's current window.

    Kept in this process only: it saves calls that are sure to be refused; the grant itself is shared elsewhere.
    """

    def __init__(self) -> None:
        self._closed_until: dict[str, datetime] = {}

    def check(self, account_id: str, what: str, now: datetime) -> None:
        """Raises RateLimited while the account's window is known to be used up."""
        until = self._closed_until.get(account_id)
        if until is None:
            return
        if now < until:
            raise RateLimited(f"{what} was not sent: the call budget of account {account_id} is used up.", until)
        del self._closed_until[account_id]

    def learn(self, account_id: str, headers: Mapping[str, str], now: datetime) -> None:
        """Remember what an answer says of the budget."""
        left, reset = _seconds(headers, "ratelimit-remaining"), _seconds(headers, "ratelimit-reset")
        if left == timedelta(0) and reset is not None and reset > timedelta(0):
            self._closed_until[account_id] = now + min(reset, _LONGEST_WAIT)

    def refused(self, account_id: str, what: str, headers: Mapping[str, str], now: datetime) -> RateLimited:
        """The error for a 429, remembered for the calls that follow."""
        until = refused_until(headers, now)
        self._closed_until[account_id] = until
        return RateLimited(f"{what} was refused: the call budget of account {account_id} is used up (429).", until)


def _seconds(headers: Mapping[str, str], name: str) -> timedelta | None:
    """A header in seconds; None where it is absent or no number (`Retry-After` may be a date on the vendor's wall)."""
    try:
        told = float(headers[name])
    except (KeyError, ValueError):
        return None
    return timedelta(seconds=told) if 0 <= told < 1e9 else None
