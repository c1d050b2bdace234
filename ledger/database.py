"""Connections to the ledger and its migrations.

Protects: a command's lock lives in a connection, so it dies with the worker that held it.
"""

import asyncio
from pathlib import Path
from time import monotonic

from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

MIGRATIONS = Path(__file__).parent / "migrations"


LONGEST_HOLD_S = 90
"""Wall seconds after which the server ends a session that holds a lock and says nothing: longer than any attempt."""
ASKED_AFTER_S = 2.0
"""Wall seconds. A connection that was used more lately is not asked first whether it still answers: asking takes as
many round trips as most of what is done here, and whatever works here is tried again."""
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
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=10,
        hide_parameters=True,
        connect_args={"server_settings": server_settings},
    )
    _ask_the_idle(engine)
    return engine


def _ask_the_idle(engine: AsyncEngine) -> None:
    """Have a connection that nobody used for a while answer before it is given out; a dead one is replaced.

    As SQLAlchemy's own `pool_pre_ping`, which asks every time.
    """
    dialect = engine.sync_engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def _note(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["used_at_s"] = monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def _ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _given: object) -> None:
        used_at_s = record.info.get("used_at_s")
        if used_at_s is None or monotonic() - used_at_s < ASKED_AFTER_S:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            if not dialect.is_disconnect(error, connection, None):
                raise
            raise InvalidatePoolError("the database closed a connection that nobody used") from error


def _alembic(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    url = make_url(database_url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    config.attributes["database_url"] = url
    return config


async def migrate(database_url: str) -> None:
    """Bring the ledger's tables to the newest revision; safe to repeat."""
    await asyncio.to_thread(command.upgrade, _alembic(database_url), "head")
