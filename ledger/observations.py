"""Observations in the ledger, one partition a day.

Protects: a reading is stored once by pump and stamp, however often it was fetched.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.oem.cloud import Reading
from ledger.models import ObservationDay, ObservationRow


class LedgerObservations:
    """`domain.ports.ObservationLog` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._days: set[date] = set()

    async def store(self, observations: Sequence[tuple[str, Reading]], seen_at: datetime) -> None:
        """Append readings by pump; one with the same stamp is stored once."""
        if not observations:
            return
        for day in {reading.as_of.astimezone(UTC).date() for _, reading in observations} - self._days:
            await self._make_partition(day)
        rows = [
            {
                "pump_id": pump_id,
                "as_of": reading.as_of,
                "seen_at": seen_at,
                "reading": reading.model_dump(mode="json"),
            }
            for pump_id, reading in observations
        ]
        async with self._engine.begin() as connection:
            await connection.execute(insert(ObservationRow).values(rows).on_conflict_do_nothing())

    async def _make_partition(self, day: date) -> None:
        """Make the day's partition; the row in `observation_days` is the lock between workers."""
        async with self._engine.begin() as connection:
            statement = insert(ObservationDay).values(day=day).on_conflict_do_nothing().returning(ObservationDay.day)
            if (await connection.execute(statement)).scalar_one_or_none() is not None:
                name = f"observations_{day:%Y%m%d}"
                await connection.execute(
                    text(
                        f"CREATE TABLE {name} PARTITION OF observations "
                        f"FOR VALUES FROM ('{day} 00:00+00') TO ('{day + timedelta(days=1)} 00:00+00')"
                    )
                )
        self._days.add(day)

    async def newest(self, pump_ids: Sequence[str]) -> dict[str, Reading]:
        """The newest reading of each pump that has one."""
        table = ObservationRow
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(table.pump_id, table.reading)
                .where(table.pump_id.in_(pump_ids))
                .ext(distinct_on(table.pump_id))
                .order_by(table.pump_id, table.as_of.desc())
            )
            return {row.pump_id: Reading.model_validate(row.reading) for row in rows}
