"""Kills a running stack's workers in turn, as a crash would, and starts a new one in each one's place at once.

Protects: a kill is a SIGKILL of the worker's own process by its id, and is never taken for an accident of the stack.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from embedded.children import Child
from embedded.stack import Stack

SLOWEST_START_S = 10.0
"""Wall time within which a new worker has taken its place, on a busy machine too."""


def roles(oems: Iterable[str]) -> tuple[str, ...]:
    """Worker processes of a run in which none is killed."""
    *steering, planner = single_roles(oems)
    return ",".join(steering), planner


def single_roles(oems: Iterable[str]) -> tuple[str, ...]:
    """A process for each role where workers are killed, so that one role dies at a time."""
    return ("pumps", *(f"oem:{oem}" for oem in oems), "planner")


class Killer:
    """Kills one worker every so often of steered time, round robin over those that run."""

    def __init__(self, stack: Stack, every: timedelta | None, start: datetime, end: datetime) -> None:
        self._stack = stack
        self._every = every
        self._next = start + every if every is not None else None
        self._end = end
        self.done: list[tuple[datetime, str]] = []

    async def look(self, now: datetime) -> None:
        """Kill where it is time to; one at a time, however late this is called."""
        if self._next is None or self._every is None or not self._next <= now < self._end:
            return
        while self._next <= now:
            self._next += self._every
        workers = self._stack.workers
        worker = workers[len(self.done) % len(workers)]
        worker.kill()
        self.done.append((now, role_of(worker)))
        await self._stack.restart(worker)


def role_of(worker: Child) -> str:
    """The role that a worker was started for, or several by commas."""
    argv = worker.launch.argv
    return argv[argv.index("--role") + 1]
