"""Load curves in the ledger, and the load that was planned for their days since.

Protects: a curve is never changed; another one for the same day is a version of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.planning.load_curve import LoadCurve
from domain.slots import SLOT
from ledger.models import FleetPlan, LoadCurveRow, PlanPart, PumpPlan


class LedgerLoadCurves:
    """Curves by version, and what became of their days."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def store(self, curve: LoadCurve) -> int:
        """Store it under the next version."""
        row = {
            "area": curve.area,
            "day": curve.day,
            "made_at": curve.made_at,
            "body": curve.model_dump(mode="json"),
        }
        async with self._engine.begin() as connection:
            version = await connection.scalar(insert(LoadCurveRow).values(row).returning(LoadCurveRow.version))
        assert version is not None
        return int(version)

    async def newest_by_day(self, area: str, first: date, last: date) -> Sequence[tuple[int, LoadCurve]]:
        """The newest curve of each day from `first` to `last`, oldest day first, with its version."""
        table = LoadCurveRow
        query = select(table.version, table.day, table.body).where(table.area == area, table.day.between(first, last))
        newest: dict[date, tuple[int, LoadCurve]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(query.order_by(table.day, table.version)):
                newest[row.day] = (row.version, LoadCurve.model_validate(row.body))
        return list(newest.values())

    async def planned_kw(self, area: str, start: datetime, end: datetime) -> Mapping[datetime, float]:
        """What plans that pumps were given expect a grid area or price area to draw, by slot of [start, end).

        Of each slot the newest plan of it counts; submitted ones, which a curve knows nothing of, do not.
        """
        part = PlanPart
        query = (
            select(part.revision, part.load_kw, FleetPlan.first_slot)
            .join(FleetPlan, FleetPlan.revision == part.revision)
            .where(or_(FleetPlan.price_area == area, part.grid_area == area))
            .where(FleetPlan.is_preview.is_(False), FleetPlan.submission.is_(None))
            .where(FleetPlan.first_slot < end, FleetPlan.first_slot + FleetPlan.slots * SLOT > start)
        )
        by_slot: dict[datetime, tuple[int, float]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(query.order_by(part.revision, part.shard, part.part)):
                for n, load_kw in enumerate(row.load_kw):
                    slot = row.first_slot + n * SLOT
                    revision, so_far = by_slot.get(slot, (row.revision, 0.0))
                    by_slot[slot] = (row.revision, load_kw + (so_far if revision == row.revision else 0.0))
        return {slot: load_kw for slot, (_, load_kw) in by_slot.items() if start <= slot < end}

    async def forget_pumps(self, revisions: Sequence[int]) -> None:
        """Drop the single pumps' plans of previews; their parts and loads stay. A plan that was given out is kept."""
        previews = select(FleetPlan.revision).where(FleetPlan.revision.in_(revisions), FleetPlan.is_preview)
        async with self._engine.begin() as connection:
            await connection.execute(delete(PumpPlan).where(PumpPlan.revision.in_(previews)))
