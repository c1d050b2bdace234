"""Day partitions of tables that grow with every pump and every hour.

Protects: a partition is made once, whichever worker is first, and before the first row of its day.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.models import PartitionDay


class DayPartitions:
    """Makes the partitions of one table."""

    def __init__(self, engine: AsyncEngine, table: str) -> None:
        self._engine = engine
        self._table = table
        self._days: set[date] = set()

    async def prepare(self, moments: Iterable[datetime]) -> None:
        """Make the partitions that rows of these moments need."""
        for day in sorted({moment.astimezone(UTC).date() for moment in moments} - self._days):
            await self._make(day)
            self._days.add(day)

    async def _make(self, day: date) -> None:
        """Make one; its row in `partition_days` is the lock between workers."""
        row = {"table_name": self._table, "day": day}
        async with self._engine.begin() as connection:
            statement = insert(PartitionDay).values(row).on_conflict_do_nothing().returning(PartitionDay.day)
            if (await connection.execute(statement)).scalar_one_or_none() is not None:
                await connection.execute(
                    text(
                        f"CREATE TABLE {self._table}_{day:%Y%m%d} PARTITION OF {self._table} "
                        f"FOR VALUES FROM ('{day} 00:00+00') TO ('{day + timedelta(days=1)} 00:00+00')"
                    )
                )
