"""Supervised child processes, each with a log file and a sentence for its early death.

Protects: every process of a stack is started here, so every one of them is stopped when the stack ends or dies.
A child's supervisor stops when its stdin is closed; the kernel does the same when we die, so there is one way to stop,
used every day.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, Self

import psutil

from embedded import child_supervisor
from embedded.errors import StackError

PROBE_EVERY_S = 0.025
STRAY_END_S = 5.0
LOG_TAIL_LINES = 6
LOG_TAIL_BYTES = 1_000_000
CRASH = ("panic:", "fatal error:")
LOG_KEEP_BYTES = 5_000_000
"""A log longer than this at the child's start is moved to `.1`, so that a stack used for months keeps at most two."""

Probe = Callable[[], Awaitable[bool]]
"""Answers whether the child is ready; false, not an error, while it is still starting."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's user a child runs as, when we are root and it must not be."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one child; kept, so that the same child can be started again."""

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] | None = field(default=None, repr=False)
    """The whole environment; None inherits ours. Not shown: it may carry secrets."""
    stop_signal: Literal["INT", "TERM"] = "TERM"
    grace_s: float = 5.0
    account: Account | None = None
    hold: int | None = None
    """A descriptor the supervisor keeps open as long as the child lives: the folder's lock."""


class Child:
    """One running child. Make it with `Child.start`."""

    def __init__(self, launch: Launch, process: asyncio.subprocess.Process, pid: int, logged_before: int) -> None:
        self.launch = launch
        self.pid = pid
        """The child itself, not its supervisor; 0 when it could not be executed."""
        self.leash_pid = process.pid
        self.born = _born(pid)
        self.asked_to_end = False
        self.exited: asyncio.Task[int] = asyncio.create_task(self._reap(process), name=f"exit of {launch.name}")
        self._process = process
        self._logged_before = logged_before

    @property
    def name(self) -> str:
        return self.launch.name

    @property
    def running(self) -> bool:
        return not self.exited.done()

    @classmethod
    async def start(cls, launch: Launch) -> Self:
        """Start the child; returns as soon as it is executed, or is known not to be."""
        # Shielded: a start that is cancelled half-way would kill the supervisor, not the child it has just made.
        starting = asyncio.create_task(cls._start(launch))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # By callback, because a second cancellation may interrupt the waiting but not this.
            starting.add_done_callback(_let_go_of_started)
            await asyncio.wait({starting})
            if starting.exception() is None:
                await starting.result().wait()
            raise

    @classmethod
    async def _start(cls, launch: Launch) -> Self:
        with _open_log(launch.log) as log:
            logged_before = log.tell()
            process = await asyncio.create_subprocess_exec(
                *_leash_command(launch),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=None if launch.env is None else dict(launch.env),
                pass_fds=() if launch.hold is None else (launch.hold,),
                start_new_session=True,
            )
        assert process.stdout is not None
        line = await process.stdout.readline()
        return cls(launch, process, int(line or b"0"), logged_before)

    async def wait(self) -> int:
        """The child's exit code, 128 + n when signal n ended it."""
        return await asyncio.shield(self.exited)

    async def wait_ready(self, probe: Probe, timeout_s: float) -> None:
        """Wait until `probe` says yes.

        Raises StackError as soon as the child has died, or after `timeout_s`; the sentence carries its last log lines.
        """
        probing = asyncio.create_task(_until(probe), name=f"readiness of {self.name}")
        try:
            await asyncio.wait({probing, self.exited}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if probing.done():
                await probing
            elif self.exited.done():
                raise StackError(self.obituary())
            else:
                raise StackError(f"{self.name} was not ready within {timeout_s:g} s; {self._last_words()}")
        finally:
            probing.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await probing

    async def stop(self) -> int:
        """Stop the child in order: its stop signal, and SIGKILL after its grace."""
        self.let_go()
        return await self.wait()

    def let_go(self) -> None:
        """Have the supervisor stop the child, without waiting for it."""
        self.asked_to_end = True
        assert self._process.stdin is not None
        self._process.stdin.close()

    def kill(self) -> None:
        """SIGKILL the child itself, with no grace and no farewell, as a crash would."""
        self.asked_to_end = True
        self._kill_group()

    def obituary(self) -> str:
        """One sentence on a child that ended by itself."""
        return f"{self.name} ended {_how(self.exited.result())}; {self._last_words()}"

    def log_tail(self) -> str:
        """The last lines this run of the child wrote to its log, led by the line with which a Go program crashed."""
        with self.launch.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._logged_before, size - LOG_TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        last = lines[-LOG_TAIL_LINES:]
        # A crash of the Temporal server is followed by hundreds of lines of stack.
        crash = [line for line in lines[:-LOG_TAIL_LINES] if line.startswith(CRASH)][:1]
        return " | ".join(line.strip() for line in (*crash, *last) if line.strip())

    def _last_words(self) -> str:
        tail = self.log_tail()
        return f"see {self.launch.log}" + (f", which ends: {tail}" if tail else ", which is empty")

    async def _reap(self, process: asyncio.subprocess.Process) -> int:
        code = await process.wait()
        if code < 0:
            # Somebody killed the supervisor; the child would now be nobody's.
            self._kill_group()
            return 128 - code
        return code

    def _kill_group(self) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


def _let_go_of_started(starting: asyncio.Task[Child]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().let_go()


def end_stray(pid: int, born: float) -> bool:
    """Kill the process `pid` if it is still the one born at `born`; a recycled id is left alone. Waits for its end."""
    if not pid or not _running(pid, born):
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + STRAY_END_S
    # A zombie has ended; whether its new parent ever collects it is not our affair.
    while _running(pid, born) and time.monotonic() < deadline:
        time.sleep(PROBE_EVERY_S)
    return True


def _born(pid: int) -> float:
    """Start of a process in seconds of the epoch, to tell it from a later one with the same id; 0 when it is gone."""
    try:
        return round(psutil.Process(pid).create_time(), 2)
    except psutil.Error:
        return 0.0


def _running(pid: int, born: float) -> bool:
    try:
        return _born(pid) == born and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


async def _until(probe: Probe) -> None:
    while not await probe():  # noqa: ASYNC110 - another process, there is no event to wait for
        await asyncio.sleep(PROBE_EVERY_S)


def _leash_command(launch: Launch) -> list[str]:
    # By path and without site-packages: a supervisor must start fast and depend on nothing.
    command = [sys.executable, "-I", "-S", str(Path(child_supervisor.__file__).resolve())]
    command += ["--stop-signal", launch.stop_signal, "--grace", f"{launch.grace_s:g}"]
    if launch.account is not None:
        command += ["--user", str(launch.account.uid), "--group", str(launch.account.gid)]
    if launch.hold is not None:
        command += ["--hold", str(launch.hold)]
    return [*command, "--", *launch.argv]


def _open_log(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_KEEP_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    # Nobody but the owner: a log may quote a home's id or a path.
    log = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    log.seek(0, os.SEEK_END)
    return log


def _how(code: int) -> str:
    if code > 128:
        with contextlib.suppress(ValueError):
            return f"by {signal.Signals(code - 128).name}"
    return f"with exit code {code}"
