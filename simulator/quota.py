"""The vendor's call budget: so many requests per client and steered minute.

Protects: every answer says what is left; time before the epoch costs nothing.
"""

import math
from dataclasses import dataclass

WINDOW_S = 60.0


@dataclass(frozen=True)
class Allowance:
    """What is left after a request was counted."""

    limit: int
    remaining: int
    reset_s: float
    allowed: bool = True

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.remaining)),
            "RateLimit-Reset": str(math.ceil(self.reset_s)),
        }


class Quota:
    """Counts requests per client in fixed windows from the epoch on."""

    def __init__(self, limit: int, epoch_s: float) -> None:
        self._limit = limit
        self._epoch_s = epoch_s
        self._window = -1
        self._used: dict[str, int] = {}

    def count(self, client: str, now_s: float) -> Allowance:
        """Count one request of a client."""
        since_s = now_s - self._epoch_s
        if since_s <= 0:
            return Allowance(self._limit, self._limit, WINDOW_S)
        window = int(since_s // WINDOW_S)
        if window != self._window:
            self._window, self._used = window, {}
        used = self._used[client] = self._used.get(client, 0) + 1
        return Allowance(self._limit, self._limit - used, (window + 1) * WINDOW_S - since_s, used <= self._limit)
