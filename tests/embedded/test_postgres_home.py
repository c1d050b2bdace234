"""PostgreSQL as root: an unprivileged user, also where that user can reach neither the folder nor the package."""

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import pytest

from embedded import postgres_home
from embedded.errors import StackError
from embedded.postgres import Postgres, start_postgres
from embedded.postgres_home import installed, prepare
from tests.embedded.conftest import gone_within

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run PostgreSQL as somebody else")


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder only we can enter."""
    place = tmp_path / "closed"
    place.mkdir(mode=0o700)
    return place / "stack"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place for a lasting database of root's, kept out of /var for the test."""
    place = Path(tempfile.mkdtemp(prefix="heatsteer-test-"))
    place.chmod(0o711)
    monkeypatch.setattr(postgres_home, "PERSISTENT_ELSEWHERE", place)
    yield place
    shutil.rmtree(place)


def hide(install: Path, place: Path) -> Path:
    """The package's PostgreSQL, copied as it lies to a place only we can enter."""
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__", "pginstall")
    shutil.copytree(package, place / package.name, ignore=unneeded)
    if libraries.is_dir():
        shutil.copytree(libraries, place / libraries.name)
    return place / package.name / install.name


async def word_in(postgres: Postgres, statement: str) -> str:
    connection = await asyncpg.connect(postgres.url_with_password)
    try:
        return str(await connection.fetchval(statement))
    finally:
        await connection.close()


@as_root
@pytest.mark.servers
async def test_a_lasting_database_under_a_closed_folder_lives_elsewhere_and_is_found_again(
    closed: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = hide(installed(), closed.parent)
    monkeypatch.setattr(postgres_home, "installed", lambda: hidden)
    first = await start_postgres(closed, ephemeral=False)
    assert first.home.data.is_relative_to(elsewhere)
    assert first.home.install.is_relative_to(elsewhere)
    assert first.home.data.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert await word_in(first, "CREATE TABLE t AS SELECT 'kept' AS w") == "None"
    first.child.kill()
    await first.child.wait()
    second = await start_postgres(closed, ephemeral=False)
    assert await word_in(second, "SELECT w FROM t") == "kept"
    await second.stop()
    assert second.home == first.home
    shutil.rmtree(first.home.data.parent)
    with pytest.raises(StackError, match=r"which is gone: remove .* to begin anew"):
        prepare(closed, ephemeral=False)


@as_root
@pytest.mark.servers
async def test_a_passing_database_under_a_closed_folder_leaves_nothing_elsewhere(closed: Path) -> None:
    postgres = await start_postgres(closed, ephemeral=True)
    away = postgres.home.elsewhere
    assert away is not None
    assert await word_in(postgres, "SELECT 'here'") == "here"
    await postgres.stop()
    assert not away.exists()
    assert not (closed / "postgres").exists()
    assert [log.name for log in (closed / "logs").iterdir()] == ["postgres.log"]


@as_root
def test_the_permissions_of_a_closed_folder_are_not_touched(closed: Path) -> None:
    home = prepare(closed, ephemeral=True)
    assert closed.parent.stat().st_mode & 0o777 == 0o700
    postgres_home.discard(closed / "postgres")
    assert home.elsewhere is not None
    assert not home.elsewhere.exists()


def test_a_lost_password_is_told_before_the_server_is_asked(folder: Path) -> None:
    home = prepare(folder, ephemeral=False)
    home.data.mkdir()
    home.password_file.unlink()
    with pytest.raises(StackError, match=r"the password of the database .* is gone .* restore it, or remove"):
        prepare(folder, ephemeral=False)


@pytest.mark.servers
async def test_a_pid_file_whose_id_now_belongs_to_somebody_else_does_not_hinder(folder: Path) -> None:
    postgres = await start_postgres(folder, ephemeral=False)
    postgres.child.kill()
    assert await postgres.child.wait() == 128 + signal.SIGKILL
    assert gone_within([postgres.child.pid], 2)
    pid_file = postgres.home.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    if postgres.home.account is not None:
        shutil.chown(pid_file, postgres.home.account.uid, postgres.home.account.gid)
    again = await start_postgres(folder, ephemeral=False)
    assert await word_in(again, "SELECT 'up'") == "up"
    await again.stop()


@pytest.mark.servers
async def test_a_wrong_password_file_is_told_at_once(folder: Path) -> None:
    postgres = await start_postgres(folder, ephemeral=False)
    await postgres.stop()
    postgres.home.password_file.write_text("another")
    with pytest.raises(StackError, match="does not accept the password"):
        await start_postgres(folder, ephemeral=False)
