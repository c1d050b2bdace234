"""Folders for stacks, and the promise that no test leaves a process behind."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.patience import Patience


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder any user can enter. Pytest's own are closed to others, which for root moves the database elsewhere."""
    place = Path(tempfile.mkdtemp(prefix="heatsteer-test-"))
    place.chmod(0o711)
    yield place / "stack"
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    assert gone_within([process.pid for process in left], 1), left


def gone_within(pids: list[int], seconds: float) -> bool:
    """Whether all these processes end within so many seconds of an idle machine; a zombie has ended."""
    patience = Patience(seconds)
    while not patience.is_over:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
