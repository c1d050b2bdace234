"""The command log of the system that steers while we observe.

Protects: a line counts once, however often its log is imported.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.modes import Mode
from domain.shadow.audit import OtherCommand
from ledger.models import ShadowCommand

LINES_AT_A_TIME = 2000


class LedgerShadow:
    """What other systems commanded."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep(self, commands: Sequence[OtherCommand]) -> int:
        """Keep what is not there yet, all or nothing; returns how many."""
        new = 0
        rows = [command.model_dump() | {"mode": command.mode.value} for command in commands]
        async with self._engine.begin() as connection:
            for first in range(0, len(rows), LINES_AT_A_TIME):
                some = insert(ShadowCommand).values(rows[first : first + LINES_AT_A_TIME])
                kept = await connection.scalars(some.on_conflict_do_nothing().returning(ShadowCommand.pump_id))
                new += len(kept.all())
        return new

    async def commands(self, since: datetime | None = None) -> Sequence[OtherCommand]:
        """Every command from then on, by pump and time."""
        table = ShadowCommand
        query = select(table.pump_id, table.at, table.mode, table.status, table.setting)
        if since is not None:
            query = query.where(table.at >= since)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(table.pump_id, table.at))
            return [
                OtherCommand(
                    pump_id=row.pump_id, at=row.at, mode=Mode(row.mode), status=row.status, setting=row.setting
                )
                for row in rows
            ]
