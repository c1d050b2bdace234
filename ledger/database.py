"""Connections to the ledger and its migrations.

Protects: a command's lock lives in a connection, so it dies with the worker that held it.
"""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

MIGRATIONS = Path(__file__).parent / "migrations"


def engine_for(database_url: str, pool_size: int = 20) -> AsyncEngine:
    """An engine for a `postgresql://` URL, whatever driver it names."""
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    return create_async_engine(url, pool_size=pool_size, max_overflow=10, pool_pre_ping=True)


def _alembic(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    url = make_url(database_url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    config.attributes["database_url"] = url
    return config


async def migrate(database_url: str) -> None:
    """Bring the ledger's tables to the newest revision; safe to repeat."""
    await asyncio.to_thread(command.upgrade, _alembic(database_url), "head")
