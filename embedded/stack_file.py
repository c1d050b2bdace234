"""`stack.json`: how other commands reach a running embedded stack.

Protects: nobody reads half a file, nobody but the owner reads it at all, a dead stack is never taken for a living one,
and the database password is not in it but in a file of its own.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from domain.base import Instant, Value
from domain.clock import SteeringClock
from embedded.errors import StackError
from embedded.folder_lock import owner_of

STACK_FILE_NAME = "stack.json"
KEY_FILE = "secret-keys"
"""In the stack's folder: the keys that seal its vendor secrets, readable by the owner only."""


class ChildRecord(Value):
    """One child process of the stack."""

    name: str
    pid: int
    born: float
    """Start of the process in seconds of the epoch; tells it from a later process with the same id."""
    log: Path


class StackFile(Value):
    """What `stack.json` says."""

    version: Literal[1] = 1
    folder: Path
    owner_pid: int
    started_at: Instant
    clock: SteeringClock | None
    """None until the stack's owner has decided when steered time begins."""
    temporal_address: str
    temporal_namespace: str
    ui_url: str
    database_url: str
    """Without the password; `database_url_with_password` puts it in."""
    database_password_file: Path
    simulator_url: str | None
    children: tuple[ChildRecord, ...]
    metrics: dict[str, str] = Field(default_factory=dict)
    """Where metrics are served, host:port by the name of who serves them."""

    def database_url_with_password(self) -> str:
        """The whole URL, a secret: never log it, never put it on a command line."""
        try:
            password = self.database_password_file.read_text().strip()
        except OSError as reason:
            raise StackError(
                f"cannot read the database password in {self.database_password_file} ({reason.strerror}): "
                "run as the user who started the stack"
            ) from reason
        return with_password(self.database_url, password)

    def environment(self) -> Mapping[str, str]:
        """The variables that lead a worker or a command to this stack."""
        return {
            "DATABASE_URL": self.database_url_with_password(),
            "TEMPORAL_ADDRESS": self.temporal_address,
            "TEMPORAL_NAMESPACE": self.temporal_namespace,
        }


class FoundStack(Value):
    """A stack file that was found, and whether its stack still lives."""

    file: StackFile
    running: bool


def with_password(database_url: str, password: str) -> str:
    """`scheme://user@host/name` with the password put in; passwords here are URL-safe by construction."""
    return database_url.replace("@", f":{password}@", 1)


def write_stack_file(file: StackFile) -> Path:
    """Write `stack.json` into the stack's folder, all or nothing, readable by the owner only."""
    path = file.folder / STACK_FILE_NAME
    write_private(path, file.model_dump_json(indent=2) + "\n")
    return path


def remove_stack_file(folder: Path) -> None:
    """Remove `stack.json`, if there is one."""
    (folder / STACK_FILE_NAME).unlink(missing_ok=True)


def find_stack(folder: Path) -> FoundStack | None:
    """The stack of a folder, or None when there is none.

    `running` is false when its process is gone, however it went. Raises StackError for a file that cannot be read.
    """
    path = folder / STACK_FILE_NAME
    try:
        file = StackFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as reason:
        raise StackError(f"cannot read {path} ({reason.strerror}): run as the user who started the stack") from reason
    except ValidationError as reason:
        raise StackError(f"{path} is not a stack file of this version: remove it") from reason
    return FoundStack(file=file, running=owner_of(folder) == file.owner_pid)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, so that a reader sees the old text or the new, never a part."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    fresh.replace(path)
