"""How many calls reached the vendors' clouds, minute by minute of steered time.

Protects: every call is counted whatever became of it, and the count stays small however long the simulator runs.
"""

from typing import Any

MINUTE_S = 60
KEPT_MINUTES = 14 * 1440
_SAVED_MINUTES = 3 * 1440


class CallCounter:
    """Counts of the newest fourteen days; minutes are Unix seconds / 60."""

    def __init__(self) -> None:
        self._minutes: dict[int, list[int]] = {}

    def count(self, now_s: float, *, write: bool, outage: bool) -> None:
        """Count one call."""
        minute = int(now_s // MINUTE_S)
        counts = self._minutes.get(minute)
        if counts is None:
            counts = self._minutes[minute] = [0, 0, 0]
            while len(self._minutes) > 1 and next(iter(self._minutes)) <= minute - KEPT_MINUTES:
                del self._minutes[next(iter(self._minutes))]
        counts[0] += 1
        counts[1] += write
        counts[2] += outage

    def get(self, minute: int) -> list[int]:
        """Calls, writes among them, and calls in an outage among them."""
        return self._minutes.get(minute, [0, 0, 0])

    def to_json(self) -> dict[str, list[int]]:
        return {str(minute): counts for minute, counts in list(self._minutes.items())[-_SAVED_MINUTES:]}

    def restore(self, kept: dict[str, Any]) -> None:
        self._minutes = {int(minute): list(counts) for minute, counts in kept.items()}
