"""PostgreSQL as a child process: made once per data directory, served on a loopback port with a random password.

Protects: the password is never on a command line, in a log or in an environment of the server; a data directory whose
server was killed starts again; nobody but us talks to it.
"""

import asyncio
import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import psutil

from embedded.children import Child, Launch
from embedded.errors import StackError
from embedded.postgres_home import PostgresHome, discard, make_data_directory, prepare
from embedded.serving import LOOPBACK, start_serving
from embedded.stack_file import with_password, write_private

OWNER: Final = "heatsteer"
"""The role and the database."""
READY_TIMEOUT_S = 30.0
STOP_GRACE_S = 10.0
"""A fast shutdown writes one checkpoint."""
CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""Without a valid LC_ALL PostgreSQL on macOS starts threads and then refuses to run."""
COMMON_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "150",  # a worker of all vendors opens up to 70, each command of a person some more
    "password_encryption": "scram-sha-256",
    "logging_collector": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
EPHEMERAL_SETTINGS = {
    # This database is never used after a crash, so nothing is done for that case.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
    "io_method": "sync",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running PostgreSQL."""

    child: Child
    url: str
    """Without the password."""
    home: PostgresHome
    ephemeral: bool

    @property
    def url_with_password(self) -> str:
        return with_password(self.url, self.home.password)

    async def stop(self) -> None:
        """Fast shutdown; an ephemeral database is removed with all its files."""
        await self.child.stop()
        if self.ephemeral:
            await asyncio.to_thread(discard, self.home.password_file.parent)


async def start_postgres(folder: Path, *, ephemeral: bool, hold: int | None = None) -> Postgres:
    """Make the database of the stack in `folder` where there is none, start it, and wait until it answers.

    Raises StackError when it cannot be made or does not come up.
    """
    home = await asyncio.to_thread(prepare, folder, ephemeral=ephemeral)
    log = folder / "logs" / "postgres.log"
    if not home.data.exists():
        await _make(home, log, ephemeral=ephemeral, hold=hold)
    _forget_dead_postmaster(home.data)
    child, (port,) = await start_serving(
        lambda ports: _server(home, log, ports[0], ephemeral=ephemeral, hold=hold),
        lambda ports: _has_database(home, ports[0]),
        ports=1,
        timeout_s=READY_TIMEOUT_S,
    )
    url = f"postgresql://{OWNER}@{LOOPBACK}:{port}/{OWNER}"
    return Postgres(child=child, url=url, home=home, ephemeral=ephemeral)


async def _make(home: PostgresHome, log: Path, *, ephemeral: bool, hold: int | None) -> None:
    """Run initdb. The directory gets its name when it is complete, so a killed attempt leaves nothing half made."""
    unfinished = home.data.with_name("data.unfinished")
    make_data_directory(unfinished, home.account)
    # initdb takes the password from a file; it must be able to read it as the user it runs as.
    secret = unfinished.with_name("password.initdb")
    write_private(secret, home.password)
    if home.account is not None:
        shutil.chown(secret, home.account.uid, home.account.gid)
    program = home.install / "bin" / "initdb"
    options = ["--username", OWNER, "--pwfile", secret, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    options += ["--no-sync"] if ephemeral else []
    try:
        child = await Child.start(
            Launch(
                name="PostgreSQL's initdb",
                argv=tuple(map(str, (program, "--pgdata", unfinished, *options))),
                log=log,
                env=CLEAN_ENVIRONMENT,
                account=home.account,
                hold=hold,
            )
        )
        try:
            code = await child.wait()
        finally:
            await child.stop()
        if code != 0:
            raise StackError(child.obituary())
    finally:
        secret.unlink(missing_ok=True)
    unfinished.rename(home.data)


def _server(home: PostgresHome, log: Path, port: int, *, ephemeral: bool, hold: int | None) -> Launch:
    settings = COMMON_SETTINGS | {"port": str(port)} | (EPHEMERAL_SETTINGS if ephemeral else {})
    argv = [str(home.install / "bin" / "postgres"), "-D", str(home.data)]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    return Launch(
        name="PostgreSQL",
        argv=tuple(argv),
        log=log,
        env=CLEAN_ENVIRONMENT,
        stop_signal="INT",
        grace_s=STOP_GRACE_S,
        account=home.account,
        hold=hold,
    )


async def _has_database(home: PostgresHome, port: int) -> bool:
    """Whether the server answers; makes our database in it where it is missing."""
    try:
        connection = await asyncpg.connect(
            host=LOOPBACK,
            port=port,
            user=OWNER,
            password=home.password,
            database="postgres",
            ssl=False,
            timeout=5,
        )
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
        return False
    except asyncpg.InvalidPasswordError as reason:
        raise StackError(
            f"the database in {home.data} does not accept the password in {home.password_file}: "
            "restore that file, or remove the folder to begin anew"
        ) from reason
    try:
        with contextlib.suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f"CREATE DATABASE {OWNER}")
    finally:
        await connection.close()
    return True


def _forget_dead_postmaster(data: Path) -> None:
    """Remove a killed server's pid file where its id now belongs to somebody else.

    PostgreSQL forgets a dead id by itself, but takes any living process with that id (after a restart of the machine
    ids come again) for a server that still runs. We hold the folder's lock; and should a server live on in spite of
    it, the shared memory it keeps attached makes the new one refuse.
    """
    pid_file = data / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().splitlines()[0])
        try:
            ours = str(data) in psutil.Process(pid).cmdline()
        except psutil.Error:
            ours = False
        if not ours:
            pid_file.unlink()
