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


LONGEST_HOLD_S = 90
"""Wall seconds after which the server ends a session that holds a lock and says nothing: longer than any attempt."""
_OF_A_VANISHED_HOST = {
    "idle_session_timeout": f"{LONGEST_HOLD_S}s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


def engine_for(database_url: str, pool_size: int = 20) -> AsyncEngine:
    """An engine for a `postgresql://` URL, whatever driver it names. Its errors never tell what was to be stored."""
    return _engine(database_url, pool_size, {})


def locks_for(database_url: str, pool_size: int = 20) -> AsyncEngine:
    """As `engine_for`, for locks held by a session: they end with a host that vanished, not hours after it."""
    return _engine(database_url, pool_size, _OF_A_VANISHED_HOST)


def _engine(database_url: str, pool_size: int, server_settings: dict[str, str]) -> AsyncEngine:
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=10,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"server_settings": server_settings},
    )


def _alembic(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    url = make_url(database_url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    config.attributes["database_url"] = url
    return config


async def migrate(database_url: str) -> None:
    """Bring the ledger's tables to the newest revision; safe to repeat."""
    await asyncio.to_thread(command.upgrade, _alembic(database_url), "head")
