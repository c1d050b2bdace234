"""Observations in the ledger, one partition a day.

Protects: a reading is stored once by pump and stamp, however often it was fetched.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.oem.readings import Reading
from ledger.models import ObservationRow
from ledger.partitions import DayPartitions


class LedgerObservations:
    """`domain.ports.ObservationLog` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._partitions = DayPartitions(engine, ObservationRow.__tablename__)

    async def store(self, observations: Sequence[tuple[str, Reading]], seen_at: datetime) -> None:
        """Append readings by pump; one with the same stamp is stored once."""
        if not observations:
            return
        await self._partitions.prepare(reading.as_of for _, reading in observations)
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
