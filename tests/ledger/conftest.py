"""A real PostgreSQL for the ledger's tests: one server for all of them, a fresh and migrated database for each."""

import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import pytest
import pytest_asyncio
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from embedded.postgres import Postgres, start_postgres
from ledger.database import engine_for, migrate

TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A folder any user can enter: pytest's own are closed to the user that a database of root runs as."""
    folder = Path(tempfile.mkdtemp(prefix="heatsteer-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(place: Path) -> AsyncIterator[Postgres]:
    """PostgreSQL with one migrated database that the tests' own are copied from."""
    postgres = await start_postgres(place / "stack", ephemeral=True)
    try:
        await _order(postgres, f"CREATE DATABASE {TEMPLATE}")
        await migrate(_named(postgres, TEMPLATE))
        yield postgres
    finally:
        await postgres.stop()


@pytest_asyncio.fixture
async def empty_database(server: Postgres) -> AsyncIterator[str]:
    """Where to reach a database that nobody migrated."""
    async for url in _database(server, "template1"):
        yield url


@pytest_asyncio.fixture
async def database(server: Postgres) -> AsyncIterator[str]:
    """Where to reach a migrated database of this test's own."""
    async for url in _database(server, TEMPLATE):
        yield url


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    """Connections to this test's database."""
    engine = engine_for(database)
    yield engine
    await engine.dispose()


async def _database(server: Postgres, template: str) -> AsyncIterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    await _order(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _named(server, name)
    await _order(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _order(server: Postgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url_with_password)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _named(server: Postgres, database: str) -> str:
    return make_url(server.url_with_password).set(database=database).render_as_string(hide_password=False)
