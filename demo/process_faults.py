"""Faults of our own processes, by switches that stand beside those of the simulated world.

Protects: the switches alone say what is broken, so that whoever can set the world's faults sets these as well and takes
them back; a hung process is woken before the stack is stopped.
"""

import asyncio
import contextlib
import math
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import NoReturn, Self

from demo.kills import role_of
from demo.stage import Stage
from embedded.children import Child


async def _nobody() -> None:
    pass


class ProcessFaults:
    """Does to a stage's processes what its world's switches say; an async context manager that serves the figures.

    `told` is awaited whenever other addresses serve metrics: before a worker is scaled away, and after one or the
    figures' server started.
    """

    def __init__(self, staged: Stage, told: Callable[[], Awaitable[None]] = _nobody) -> None:
        self._staged = staged
        self._stack = staged.stack
        self._told = told
        self._figures = contextlib.AsyncExitStack()
        self._is_serving = False
        self._hung: set[int] = set()
        self._lost: list[str] = []
        """Roles whose workers were scaled away."""

    async def __aenter__(self) -> Self:
        await self._serve()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang([])
        await self._figures.aclose()

    async def follow(self, every_s: float) -> NoReturn:
        """Look every so many seconds of the wall, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(every_s)

    async def look(self) -> None:
        """Break and mend as the switches stand now."""
        await self.obey(await self._staged.world.faults())

    async def obey(self, rates: Mapping[str, float]) -> None:
        """Break and mend as these rates say; a fault that is not named is mended."""
        workers = sorted(self._stack.workers, key=lambda worker: role_of(worker) != "planner")
        self._hang(_share_of(workers, rates.get("hung-worker", 0.0)))
        await self._lose(rates.get("lost-worker", 0.0))
        if rates.get("no-figures", 0.0) > 0:
            await self._figures.aclose()
            self._is_serving = False
        elif not self._is_serving:
            await self._serve()
            await self._told()

    def _hang(self, wanted: Sequence[Child]) -> None:
        """Leave these hanging and no others; one that was started anew meanwhile runs already."""
        pids = {worker.pid for worker in wanted if worker.running}
        ours = {worker.pid for worker in self._stack.workers if worker.running}
        for signum, some in ((signal.SIGSTOP, pids - self._hung), (signal.SIGCONT, (self._hung & ours) - pids)):
            for pid in some:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signum)
        self._hung = pids

    async def _lose(self, rate: float) -> None:
        alone = {role_of(worker): worker for worker in self._stack.workers if _serves_one_vendor(role_of(worker))}
        wanted = _share_of(sorted({*alone, *self._lost}), rate)
        for role in [role for role in wanted if role in alone]:
            self._stack.unset_metrics(alone[role])
            await self._told()
            await self._stack.end_worker(alone[role])
            self._lost.append(role)
        for role in [role for role in self._lost if role not in wanted]:
            self._lost.remove(role)
            await self._staged.start_worker(role)
            await self._told()

    async def _serve(self) -> None:
        self._is_serving = True
        await self._figures.enter_async_context(self._staged.serving_metrics())


def _share_of[T](some: Sequence[T], rate: float) -> Sequence[T]:
    """The first of them: a share rounded up."""
    return some[: math.ceil(rate * len(some))]


def _serves_one_vendor(role: str) -> bool:
    return role.startswith("oem:") and "," not in role
