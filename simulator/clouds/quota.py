"""Call budgets, counted in windows; how a vendor words them is its own dialect.

Protects: time before the epoch costs nothing, and what is left is known after every call.
"""

from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """What is left of one budget after a request was counted."""

    limit: int
    remaining: int
    reset_s: float
    """Seconds until there is a full budget again."""
    allowed: bool = True


class FixedWindow:
    """Counts requests per client in windows that follow each other from the epoch on."""

    def __init__(self, limit: int, window_s: float, epoch_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._epoch_s = epoch_s
        self._window = -1
        self._used: dict[str, int] = {}

    def count(self, client: str, now_s: float) -> Allowance:
        """Count one request of a client."""
        since_s = now_s - self._epoch_s
        if since_s <= 0:
            return Allowance(self._limit, self._limit, self._window_s)
        window = int(since_s // self._window_s)
        if window != self._window:
            self._window, self._used = window, {}
        used = self._used[client] = self._used.get(client, 0) + 1
        reset_s = (window + 1) * self._window_s - since_s
        return Allowance(self._limit, self._limit - used, reset_s, used <= self._limit)


class SlidingWindow:
    """Counts requests per client in the window that ends now; refused ones count as well."""

    def __init__(self, limit: int, window_s: float, epoch_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._epoch_s = epoch_s
        self._counted: defaultdict[str, deque[float]] = defaultdict(deque)

    def count(self, client: str, now_s: float) -> Allowance:
        """Count one request of a client; `reset_s` is when the first one is allowed again if none comes meanwhile."""
        if now_s <= self._epoch_s:
            return Allowance(self._limit, self._limit, 0.0)
        counted = self._counted[client]
        while counted and counted[0] <= now_s - self._window_s:
            counted.popleft()
        counted.append(now_s)
        used = len(counted)
        frees_s = counted[max(0, used - self._limit)] + self._window_s
        return Allowance(self._limit, max(0, self._limit - used), max(0.0, frees_s - now_s), used <= self._limit)


class OpenedWindow:
    """Counts requests per client in windows that the client's first call opens; a spent one blocks until its end."""

    def __init__(self, limit: int, window_s: float, epoch_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._epoch_s = epoch_s
        self._opened: dict[str, tuple[float, int]] = {}

    def count(self, client: str, now_s: float) -> Allowance:
        """Count one request of a client."""
        if now_s <= self._epoch_s:
            return Allowance(self._limit, self._limit, self._window_s)
        opened_s, used = self._opened.get(client, (now_s, 0))
        if now_s >= opened_s + self._window_s:
            opened_s, used = now_s, 0
        self._opened[client] = (opened_s, used + 1)
        return Allowance(self._limit, self._limit - used - 1, opened_s + self._window_s - now_s, used < self._limit)
