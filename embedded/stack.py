"""The stack: one object that starts, watches and stops everything heatsteer needs on one machine.

Protects: start and stop have one order (databases first, workers last, and back), a child that dies is reported with
its last words instead of being waited for, and nothing survives the process that holds the stack.

    async with Stack(StackOptions(folder=folder, ephemeral=True)) as stack:
        ...                                    # migrations, with stack.environment()
        await stack.start_simulator({...})
        worker = await stack.start_worker("all", {})
        await stack.guard(steer_a_day(stack))  # fails at once when a child dies
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic_core import to_jsonable_python

from domain.clock import SteeringClock
from embedded.children import Child, Launch, end_stray
from embedded.errors import StackError
from embedded.folder_lock import FolderLock
from embedded.postgres import Postgres
from embedded.servers import Servers, StackOptions, start_servers
from embedded.stack_file import (
    ChildRecord,
    StackFile,
    find_stack,
    remove_stack_file,
    write_private,
    write_stack_file,
)
from embedded.temporal_server import TemporalServer

__all__ = ["Stack", "StackOptions"]

WORKER_GRACE_S = 10.0
"""Longer than a worker's own graceful shutdown, which lets a write to a vendor finish."""
SIMULATOR_GRACE_S = 5.0
SIMULATOR_READY_TIMEOUT_S = 30.0
OBITUARY_PATIENCE_S = 0.5


class Stack:
    """The running stack; an async context manager. Not to be shared between event loops."""

    def __init__(self, options: StackOptions) -> None:
        self.options = options
        self.folder = options.folder.absolute()
        self.clock: SteeringClock | None = None
        self.simulator: Mapping[str, Any] | None = None
        """What the simulator wrote into its ready file."""
        self._lock: FolderLock | None = None
        self._servers: Servers | None = None
        self._simulator: Child | None = None
        self._workers: list[Child] = []
        self._worker_count = 0
        self._metrics: dict[str, str] = {}
        self._started_at = datetime.now(UTC)
        self._death: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def postgres(self) -> Postgres:
        assert self._servers is not None, "the stack has not been started"
        return self._servers.postgres

    @property
    def temporal(self) -> TemporalServer:
        assert self._servers is not None, "the stack has not been started"
        return self._servers.temporal

    @property
    def simulator_child(self) -> Child:
        assert self._simulator is not None, "the simulator has not been started"
        return self._simulator

    @property
    def workers(self) -> tuple[Child, ...]:
        """The workers that have been started and not replaced, dead or alive."""
        return tuple(self._workers)

    @property
    def children(self) -> tuple[Child, ...]:
        """All children, in the order in which they are stopped."""
        simulator = () if self._simulator is None else (self._simulator,)
        servers = () if self._servers is None else (self.temporal.child, self.postgres.child)
        return (*self._workers, *simulator, *servers)

    def file(self) -> StackFile:
        """What `stack.json` says now."""
        return StackFile(
            folder=self.folder,
            owner_pid=os.getpid(),
            started_at=self._started_at,
            clock=self.clock,
            temporal_address=self.temporal.address,
            temporal_namespace=self.temporal.namespace,
            ui_url=self.temporal.ui_url,
            database_url=self.postgres.url,
            database_password_file=self.postgres.home.password_file,
            simulator_url=(self.simulator or {}).get("url"),
            children=tuple(
                ChildRecord(name=child.name, pid=child.pid, born=child.born, log=child.launch.log)
                for child in self.children
            ),
            metrics=dict(self._metrics),
        )

    def environment(self) -> dict[str, str]:
        """The variables that lead a process to this stack; with the database password, so never log them."""
        return dict(self.file().environment())

    def set_clock(self, clock: SteeringClock) -> None:
        """Decide when steered time begins; from now on `stack.json` says it."""
        self.clock = clock
        self._publish()

    def set_metrics(self, name: str, address: str) -> None:
        """Say in `stack.json` where somebody serves metrics."""
        self._metrics[name] = address
        self._publish()

    def unset_metrics(self, worker: Child) -> None:
        """Say in `stack.json` that a worker serves no metrics any more."""
        for name in [name for name in self._metrics if name == worker.name or name.startswith(f"{worker.name}-")]:
            del self._metrics[name]
        self._publish()

    async def start_simulator(
        self, config: Mapping[str, Any], *, argv: Sequence[str] | None = None
    ) -> Mapping[str, Any]:
        """Start the simulator with this configuration and wait until it serves.

        The configuration may hold whatever pydantic writes as JSON: clocks, dates, paths. `ready_file` is added to it:
        a JSON object, with at least `url`, that the simulator writes when it is ready and that is returned. `argv`
        replaces `python -m simulator`. A simulator that runs is stopped first. Raises StackError when it does not
        come up.
        """
        if self._simulator is not None:
            await self._simulator.stop()
        ready_file = self.folder / "simulator-ready.json"
        ready_file.unlink(missing_ok=True)
        config_file = self.folder / "simulator.json"
        write_private(config_file, json.dumps(to_jsonable_python({**config, "ready_file": ready_file}), indent=2))
        program = argv or (sys.executable, "-m", "simulator")
        self._simulator = await self._start_child(
            "the simulator", (*program, "--config", str(config_file)), "simulator.log", {}, SIMULATOR_GRACE_S
        )

        async def ready() -> bool:
            self.simulator = _read_json_object(ready_file)
            return self.simulator is not None

        await self._simulator.wait_ready(ready, SIMULATOR_READY_TIMEOUT_S)
        self._publish()
        assert self.simulator is not None
        return self.simulator

    async def start_worker(self, role: str, env: Mapping[str, str], *, argv: Sequence[str] | None = None) -> Child:
        """Start one more worker; several of one role may run.

        It inherits our environment without `TEMPORAL_*`, then `environment()`, then `env`. `argv` replaces
        `python -m worker`. Returns as soon as it is executed; use `Child.wait_ready` to wait for more.
        """
        self._worker_count += 1
        name = f"worker-{self._worker_count}-{role.replace(':', '-')}"
        program = argv or (sys.executable, "-m", "worker")
        worker = await self._start_child(
            name, (*program, "--role", role), f"{name}.log", {**self.environment(), **env}, WORKER_GRACE_S
        )
        self._workers.append(worker)
        self._publish()
        return worker

    async def restart(self, worker: Child) -> Child:
        """Start a worker again as it was, after stopping it if it still runs."""
        await worker.stop()
        fresh = await self._watched(worker.launch)
        self._workers[self._workers.index(worker)] = fresh
        self._publish()
        return fresh

    async def end_worker(self, worker: Child) -> None:
        """Stop a worker that nobody replaces."""
        await worker.stop()
        self._workers.remove(worker)
        self._publish()

    async def guard[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work`, but cancel it and raise StackError at once when a child dies that nobody asked to."""
        task = asyncio.create_task(work)
        death = asyncio.create_task(self.wait_for_death())
        try:
            await asyncio.wait((task, death), return_when=asyncio.FIRST_COMPLETED)
            if task.done() and task.exception() is not None:
                # A dead server fails the work a moment before its supervisor reports; the death is the better sentence.
                await asyncio.wait((death,), timeout=OBITUARY_PATIENCE_S)
            if death.done() and not (task.done() and task.exception() is None):
                raise StackError(death.result())
            return await task
        finally:
            for one in (task, death):
                one.cancel()
            await asyncio.gather(task, death, return_exceptions=True)

    async def wait_for_death(self) -> str:
        """The sentence on the first child that dies without being asked to; waits for it."""
        return await asyncio.shield(self._death)

    async def stop(self) -> None:
        """Stop what runs: workers, simulator, Temporal, PostgreSQL. May be called again."""
        try:
            await asyncio.gather(*(worker.stop() for worker in self._workers))
            if self._simulator is not None:
                await self._simulator.stop()
            if self._servers is not None:
                await self._servers.stop()
        finally:
            # A second Ctrl-C may have broken off the waiting above; then the supervisors end what is left.
            for child in self.children:
                child.let_go()
            if self._lock is not None:
                remove_stack_file(self.folder)
                self._lock.close()
                self._lock = None
            self._workers.clear()
            self._simulator = self._servers = None

    async def _start(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = await FolderLock.take(self.folder)
        except OSError as reason:
            raise StackError(
                f"cannot use the folder {self.folder} ({reason.strerror}): choose another one, "
                "or run as the user who made it"
            ) from reason
        await asyncio.to_thread(_end_strays, self.folder)
        self._servers = await start_servers(self.folder, self.options, self._lock.descriptor)
        for child in self.children:
            self._watch(child)
        self._publish()

    async def _start_child(
        self, name: str, argv: tuple[str, ...], log: str, env: Mapping[str, str], grace_s: float
    ) -> Child:
        assert self._lock is not None, "the stack has not been started"
        return await self._watched(
            Launch(
                name=name,
                argv=argv,
                log=self.folder / "logs" / log,
                env={**_inherited(), **env},
                grace_s=grace_s,
                hold=self._lock.descriptor,
            )
        )

    async def _watched(self, launch: Launch) -> Child:
        child = await Child.start(launch)
        self._watch(child)
        return child

    def _watch(self, child: Child) -> None:
        def ended(_: asyncio.Task[int]) -> None:
            if not child.asked_to_end and not self._death.done():
                self._death.set_result(child.obituary())

        child.exited.add_done_callback(ended)

    def _publish(self) -> None:
        write_stack_file(self.file())


def _end_strays(folder: Path) -> None:
    """End children of a dead stack whose supervisors were killed too.

    We hold the folder's lock, so nobody else owns them.
    """
    with contextlib.suppress(StackError):  # a file of another version names nobody we could be sure of
        if found := find_stack(folder):
            for child in found.file.children:
                end_stray(child.pid, child.born)
    remove_stack_file(folder)


def _inherited() -> dict[str, str]:
    """Our environment for a child, without a person's own Temporal settings: keys and certificates are not for here."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return own | {"TEMPORAL_CONFIG_FILE": os.devnull, "PYTHONUNBUFFERED": "1"}


def _read_json_object(path: Path) -> Mapping[str, Any] | None:
    """The object in the file; None while it is missing or only half written."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None
