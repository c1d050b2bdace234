"""The migrations make exactly the tables that the models speak of."""

import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import make_url

import ledger.database
from ledger.database import engine_for, migrate
from ledger.models import Base

pytestmark = pytest.mark.servers


def alembic_for(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(ledger.database.__file__).parent / "migrations"))
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    config.attributes["database_url"] = url.render_as_string(hide_password=False)
    return config


async def tables_in(database_url: str) -> set[str]:
    engine = engine_for(database_url)
    async with engine.connect() as connection:
        names = await connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        found = set(names.all())
    await engine.dispose()
    return found


async def test_a_migrated_ledger_differs_in_nothing_from_the_models(database: str) -> None:
    await asyncio.to_thread(command.check, alembic_for(database))
    assert await tables_in(database) == {*Base.metadata.tables, "alembic_version"}


async def test_a_migration_may_be_repeated(empty_database: str) -> None:
    await migrate(empty_database)
    once = await tables_in(empty_database)
    await migrate(empty_database)
    assert await tables_in(empty_database) == once >= {*Base.metadata.tables}


async def test_a_migration_can_be_taken_back_and_made_again(database: str) -> None:
    await asyncio.to_thread(command.downgrade, alembic_for(database), "base")
    assert await tables_in(database) == {"alembic_version"}
    await migrate(database)
    await asyncio.to_thread(command.check, alembic_for(database))
