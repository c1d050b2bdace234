"""`stack.json` and the folder's lock: who runs here, and who only did."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.clock import SteeringClock
from embedded import stack_file
from embedded.errors import StackError
from embedded.folder_lock import FolderLock, owner_of
from embedded.stack_file import StackFile, find_stack, remove_stack_file, write_stack_file

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)


def a_file(folder: Path) -> StackFile:
    password_file = folder / "password"
    stack_file.write_private(password_file, "geheim\n")
    return StackFile(
        folder=folder,
        owner_pid=os.getpid(),
        started_at=NOON,
        clock=SteeringClock(epoch=NOON, start_wall=NOON, speed=720),
        temporal_address="127.0.0.1:7233",
        temporal_namespace="default",
        ui_url="http://127.0.0.1:8233",
        database_url="postgresql://heatsteer@127.0.0.1:5432/heatsteer",
        database_password_file=password_file,
        simulator_url=None,
        children=(),
    )


async def test_a_stack_is_found_as_it_was_written_while_its_lock_is_held(tmp_path: Path) -> None:
    lock = await FolderLock.take(tmp_path)
    file = a_file(tmp_path)
    write_stack_file(file)
    found = find_stack(tmp_path)
    assert found is not None
    assert found.file == file
    assert found.running
    lock.close()
    assert not found.file.folder.joinpath(".stack.json").exists()
    stale = find_stack(tmp_path)
    assert stale is not None
    assert not stale.running


def test_the_file_is_private_and_without_the_password(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    path = write_stack_file(file)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "geheim" not in path.read_text()
    assert file.database_url_with_password() == "postgresql://heatsteer:geheim@127.0.0.1:5432/heatsteer"
    assert file.environment()["TEMPORAL_ADDRESS"] == "127.0.0.1:7233"


def test_no_stack_is_no_error_and_removing_twice_neither(tmp_path: Path) -> None:
    assert find_stack(tmp_path / "nowhere") is None
    write_stack_file(a_file(tmp_path))
    remove_stack_file(tmp_path)
    remove_stack_file(tmp_path)
    assert find_stack(tmp_path) is None


def test_a_file_of_another_version_says_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"version": 99}')
    with pytest.raises(StackError, match="is not a stack file of this version: remove it"):
        find_stack(tmp_path)


def test_a_lost_password_file_says_who_may_read_it(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    file.database_password_file.unlink()
    with pytest.raises(StackError, match="cannot read the database password"):
        file.database_url_with_password()


async def test_a_second_lock_is_refused_with_the_owner_named(tmp_path: Path) -> None:
    lock = await FolderLock.take(tmp_path)
    with pytest.raises(StackError, match=rf"a stack already runs in .* \(process {os.getpid()}\): stop it first"):
        await FolderLock.take(tmp_path)
    assert owner_of(tmp_path) == os.getpid()
    lock.close()
    assert owner_of(tmp_path) is None


async def test_a_dead_stacks_lock_is_awaited_until_its_children_are_gone(tmp_path: Path) -> None:
    dying = await FolderLock.take(tmp_path)
    (tmp_path / "lock").write_text("999999999")  # an owner that does not exist; its supervisors still hold the lock
    assert owner_of(tmp_path) is None
    waiting = asyncio.create_task(FolderLock.take(tmp_path))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    os.close(dying.descriptor)
    (await waiting).close()
