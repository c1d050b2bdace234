"""One stack per folder, by a lock the kernel drops.

Protects: two stacks never share a folder, and no dead one blocks it. The lock is held by the stack's process and by
the supervisor of every child, so it is free exactly when the last process of the stack is gone. Never unlock it
explicitly: that would unlock it for the supervisors too.
"""

import asyncio
import fcntl
import os
import time
from pathlib import Path
from typing import Self

import psutil

from embedded.errors import StackError

LOCK_NAME = "lock"
SETTLE_S = 20.0
"""How long the next start waits for the supervisors of a dead stack: longer than any child's grace."""
RETRY_S = 0.05


class FolderLock:
    """The lock on a stack's folder, held until `close`. Take it with `FolderLock.take`."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    async def take(cls, folder: Path) -> Self:
        """Take the lock, waiting while a dead stack's children are still ending.

        Raises StackError when a living stack holds it.
        """
        path = folder / LOCK_NAME
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await _acquire(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return cls(descriptor)

    def close(self) -> None:
        """Let go, once every child is gone."""
        os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)


async def _acquire(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + SETTLE_S
    while not _locked(descriptor, fcntl.LOCK_EX):
        if owner := _living_owner(path):
            raise StackError(
                f"a stack already runs in {path.parent} (process {owner}): stop it first, or choose another folder"
            )
        if time.monotonic() > deadline:
            raise StackError(
                f"children of an earlier stack in {path.parent} have not ended after {SETTLE_S:g} s: "
                "end them, or choose another folder"
            )
        await asyncio.sleep(RETRY_S)


def owner_of(folder: Path) -> int | None:
    """The process id of the living stack that holds the folder, or None.

    Checks the lock and not only the id, which may long belong to another process.
    """
    path = folder / LOCK_NAME
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        # A shared lock, held for a moment: a stack that starts right now simply tries again.
        return None if _locked(descriptor, fcntl.LOCK_SH) else _living_owner(path)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _living_owner(path: Path) -> int | None:
    """The process named in the lock file, unless it is dead; a zombie is."""
    try:
        owner = int(path.read_text())
        return None if psutil.Process(owner).status() == psutil.STATUS_ZOMBIE else owner
    except (OSError, ValueError, psutil.Error):
        return None
