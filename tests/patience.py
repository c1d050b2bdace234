"""How long tests wait, and how fast their steered time runs: by what the machine has to give, not by the wall alone.

Protects: a test that waits on a busy machine waits longer, and one that waits for something that never comes still ends
soon on an idle machine. A second that a process waits for a core is `speed` seconds of steered time, so worlds run
slower where processes queue.
"""

import os
import time

HANG_S = 60.0
"""Wall seconds after which something that takes milliseconds counts as hanging. Nothing is measured by it."""


WORLD_LOAD = 1.3
"""Runnable processes of one test's world on average; the load average knows of it only after a minute."""

IDLE_START_S = 2.0
"""Wall seconds in which the stack starts on the machine that the scenarios' speeds were chosen on."""

SLOWEST = 8.0
"""No world runs slower than its speed by more than this, or a test would outlast its time limit."""


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


def paced(speed: float, start_s: float = IDLE_START_S) -> float:
    """The speed at which steered time runs here and now where an idle machine would run it at `speed`.

    `start_s`: wall seconds that the stack took to start, which tell a slow machine from a busy one.
    """
    cores, worlds = os.cpu_count() or 1, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    queued_per_core = max(os.getloadavg()[0], worlds * WORLD_LOAD) / cores
    return speed / min(max(1.0, queued_per_core, start_s / IDLE_START_S), SLOWEST)
