"""How long tests wait for what must happen: by what the machine had to give, and not by the wall clock alone.

Protects: a test that waits on a busy machine waits longer, and one that waits for something that never comes still ends
soon on an idle machine.
"""

import os
import time

HANG_S = 60.0
"""Wall seconds after which something that takes milliseconds counts as hanging. Nothing is measured by it."""


class Patience:
    """So many wall seconds of an idle machine; where processes queue for its cores, as much longer as they queue."""

    def __init__(self, idle_s: float) -> None:
        self._left_s = idle_s
        self._at = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the patience is spent; asked at every poll, and charged for the time since the last one."""
        now = time.monotonic()
        self._left_s -= (now - self._at) / slowdown()
        self._at = now
        return self._left_s <= 0


def slowdown() -> float:
    """By how much work takes longer than on an idle machine: runnable processes per core, this one's own included."""
    return 1.0 + os.getloadavg()[0] / (os.cpu_count() or 1)
