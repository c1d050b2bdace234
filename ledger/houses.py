"""What was observed of houses, by slot, and what was learned from it, version by version.

Protects: a version stays as it was learned; what was observed is summed up by slot before it leaves the database.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Double, and_, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.homes.learned import LearnedHouse, ObservedSlot
from domain.modes import Circuit, Mode
from domain.oem.readings import Busy
from domain.slots import SLOT
from ledger.models import HouseModelRow, JournalRow, ObservationRow

BEFORE = timedelta(days=1)
"""A mode in force at the start was decided within it: pumps decide anew at least once a day."""


class LedgerHouses:
    """`domain.homes.learned.LearnedHouses` and `ObservedHouses` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def observed(
        self, pump_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[ObservedSlot]]:
        """What was observed of each pump in [start, end), one row a slot with observations, oldest first."""
        table, reading = ObservationRow, ObservationRow.reading
        slot = func.date_bin(SLOT, table.as_of, start).label("slot")
        on_water = reading["busy"].astext == Busy.HOT_WATER.value
        power_w = cast(reading["power_w"].astext, Double)
        query = (
            select(
                table.pump_id,
                slot,
                func.avg(cast(reading["room_c"].astext, Double)).label("room_c"),
                func.avg(case((and_(on_water, power_w.is_not(None)), literal(0.0)), else_=power_w)).label("heating_w"),
                func.bool_or(func.coalesce(on_water, False)).label("on_water"),
            )
            .where(
                table.pump_id.in_(pump_ids),
                table.as_of >= start,
                table.as_of < end,
                or_(reading["room_c"].astext.is_not(None), reading["power_w"].astext.is_not(None)),
            )
            .group_by(table.pump_id, slot)
            .order_by(table.pump_id, slot)
        )
        found: dict[str, list[ObservedSlot]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(query):
                found.setdefault(row.pump_id, []).append(
                    ObservedSlot(row.slot, row.room_c, row.heating_w, bool(row.on_water))
                )
        return found

    async def modes(
        self, pump_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[tuple[datetime, Mode]]]:
        """The pumps' targets from their decision on, oldest first, those of the day before `start` included."""
        table = JournalRow
        query = select(table.pump_id, table.at, table.mode).where(
            table.pump_id.in_(pump_ids),
            table.circuit == Circuit.HEATING.value,
            table.at >= start - BEFORE,
            table.at < end,
        )
        found: dict[str, list[tuple[datetime, Mode]]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(query.order_by(table.at, table.number)):
                found.setdefault(row.pump_id, []).append((row.at, Mode(row.mode)))
        return found

    async def newest(self, pump_ids: Sequence[str]) -> Mapping[str, LearnedHouse]:
        """The newest version of each pump that has one."""
        table = HouseModelRow
        query = (
            select(table.pump_id, table.body)
            .where(table.pump_id.in_(pump_ids))
            .ext(distinct_on(table.pump_id))
            .order_by(table.pump_id, table.learned_at.desc())
        )
        async with self._engine.connect() as connection:
            return {row.pump_id: LearnedHouse.model_validate(row.body) for row in await connection.execute(query)}

    async def versions(self, pump_id: str, limit: int = 12) -> Sequence[LearnedHouse]:
        """The newest versions of a pump, newest first."""
        table = HouseModelRow
        query = select(table.body).where(table.pump_id == pump_id).order_by(table.learned_at.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return [LearnedHouse.model_validate(body) for body in await connection.scalars(query)]

    async def keep(self, learned: Sequence[LearnedHouse]) -> int:
        """Append versions; one of the same moment is stored once. Returns how many were new."""
        if not learned:
            return 0
        rows = [
            {"pump_id": one.pump_id, "learned_at": one.learned_at, "body": one.model_dump(mode="json")}
            for one in learned
        ]
        statement = insert(HouseModelRow).values(rows).on_conflict_do_nothing()
        async with self._engine.begin() as connection:
            return len((await connection.execute(statement.returning(HouseModelRow.pump_id))).all())
