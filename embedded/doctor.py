"""What this machine needs to run a stack, checked one by one, each with the way out.

Protects: a person learns what is missing before something starts and fails. Nothing here prints; the console does.
"""

import importlib.util
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import StackError
from embedded.postgres_home import installed
from embedded.serving import LOOPBACK, free_ports
from embedded.stack_file import find_stack
from embedded.temporal_server import temporal_version

OLDEST_PYTHON = (3, 12)
FREE_DISK_MIN_GB = 1.0
"""A fresh database takes 40 MB; a fleet's first weeks some hundred."""
OPEN_FILES_MIN = 1024
PACKAGES = ("temporalio", "asyncpg", "sqlalchemy", "alembic", "pydantic", "httpx", "pulp", "highspy", "numpy", "typer")


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check."""

    name: str
    ok: bool
    detail: str
    way_out: str = ""
    """What to do about it; empty when it is well."""


def checks(folder: Path) -> list[Check]:
    """Check everything a stack in `folder` needs. Starts no server and changes nothing."""
    return [
        _python(),
        _packages(),
        _program("Temporal server", temporal_version),
        _program("PostgreSQL", postgres_version),
        _loopback(),
        _disk(folder),
        _open_files(),
        _stack(folder),
    ]


def postgres_version() -> str:
    """What PostgreSQL says of its version. Raises StackError when it does not run."""
    program = installed() / "bin" / "postgres"
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as reason:
        raise StackError(f"{program} does not run ({reason}): run `make setup` again") from reason
    return answer.stdout.strip()


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info[:2] >= OLDEST_PYTHON
    return Check("Python", ok, version, "" if ok else "install Python 3.13 or 3.12 and run `make setup`")


def _packages() -> Check:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        return Check("packages", False, f"missing: {', '.join(missing)}", "run `make setup`")
    return Check("packages", True, f"{len(PACKAGES)} found")


def _program(name: str, version: Callable[[], str]) -> Check:
    try:
        return Check(name, True, version())
    except StackError as reason:
        detail, _, way_out = str(reason).rpartition(": ")
        return Check(name, False, detail, way_out)


def _loopback() -> Check:
    try:
        free_ports(3)
    except OSError as reason:
        return Check("ports", False, f"cannot bind {LOOPBACK} ({reason.strerror})", "allow loopback connections")
    return Check("ports", True, f"{LOOPBACK} can be bound")


def _disk(folder: Path) -> Check:
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    free_gb = shutil.disk_usage(existing).free / 1e9
    if not os.access(existing, os.W_OK):
        return Check("folder", False, f"{existing} cannot be written", "choose another folder")
    ok = free_gb >= FREE_DISK_MIN_GB
    return Check("folder", ok, f"{free_gb:.1f} GB free in {existing}", "" if ok else "free some space")


def _open_files() -> Check:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    ok = soft == resource.RLIM_INFINITY or soft >= OPEN_FILES_MIN
    detail = "unlimited" if soft == resource.RLIM_INFINITY else f"{soft} allowed"
    return Check("open files", ok, detail, "" if ok else f"run `ulimit -n {OPEN_FILES_MIN}` first")


def _stack(folder: Path) -> Check:
    try:
        found = find_stack(folder)
    except StackError as reason:
        detail, _, way_out = str(reason).rpartition(": ")
        return Check("stack", False, detail, way_out)
    if found is None:
        return Check("stack", True, f"none in {folder}")
    if found.running:
        return Check("stack", True, f"runs in {folder} (process {found.file.owner_pid}), UI at {found.file.ui_url}")
    return Check("stack", True, f"one in {folder} ended without farewell; the next start tidies up")
