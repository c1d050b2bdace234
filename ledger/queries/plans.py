"""Plans as people ask for them: the newest of an area with its shards and parts, and the newest of a pump.

Protects: what is shown of a plan is what was stored with it, previews only where they are asked for.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.planning.fleet_plan import Refusal
from ledger.models import FleetPlan, PlanPart, PlanRefusal, PlanShard, PlanSubmission, PumpPlan

_OUTLINE = (
    FleetPlan.revision,
    FleetPlan.price_area,
    FleetPlan.price_version,
    FleetPlan.first_slot,
    FleetPlan.slots,
    FleetPlan.until,
    FleetPlan.pumps,
    FleetPlan.is_preview,
    FleetPlan.submission,
    PlanSubmission.planned_by,
    FleetPlan.created_at,
    FleetPlan.closed_at,
)
_OF_PLAN = PlanSubmission.submission == FleetPlan.submission
_PART = (
    PlanPart.shard,
    PlanPart.part,
    PlanPart.grid_area,
    PlanPart.weather_cell,
    PlanPart.weather_version,
    PlanPart.tariff,
    PlanPart.pumps,
    PlanPart.cold_snap_pumps,
    PlanPart.cap_kw,
    PlanPart.nominated,
    PlanPart.certificate,
    PlanPart.price_eur_per_mwh,
    PlanPart.cap_price_eur_per_mwh,
    PlanPart.load_kw,
    PlanPart.neutral_load_kw,
    PlanPart.pumps_by_mode,
)


class LedgerPlanQueries:
    """Read-only questions about plans."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def newest_of_area(self, name: str) -> dict[str, Any] | None:
        """The newest plan of a price area or of a grid area that pumps were given."""
        in_area = or_(FleetPlan.price_area == name, PlanPart.grid_area == name)
        query = (
            select(*_OUTLINE)
            .join(PlanPart, PlanPart.revision == FleetPlan.revision)
            .outerjoin(PlanSubmission, _OF_PLAN)
            .where(in_area, FleetPlan.is_preview.is_(False))
            .order_by(FleetPlan.revision.desc())
            .limit(1)
        )
        return next(iter(await self._rows(query)), None)

    async def revision(self, revision: int) -> dict[str, Any] | None:
        """A plan by its revision, previews included."""
        query = select(*_OUTLINE).outerjoin(PlanSubmission, _OF_PLAN).where(FleetPlan.revision == revision)
        return next(iter(await self._rows(query)), None)

    async def taken(self, submission: str) -> dict[str, Any] | None:
        """The plan that a submission became; None where it was not taken."""
        query = select(*_OUTLINE).outerjoin(PlanSubmission, _OF_PLAN).where(FleetPlan.submission == submission)
        return next(iter(await self._rows(query.where(FleetPlan.is_preview.is_(False)))), None)

    async def refusals(self, revision: int) -> Sequence[Refusal]:
        """What of a submitted plan was refused under a revision, in the order of judging."""
        table = PlanRefusal
        query = select(table.subject, table.slot, table.problem, table.way_out).where(table.revision == revision)
        return [Refusal.model_validate(row) for row in await self._rows(query.order_by(table.id))]

    async def parts(self, revision: int) -> Sequence[dict[str, Any]]:
        """What was solved of a plan."""
        query = select(*_PART).where(PlanPart.revision == revision).order_by(PlanPart.shard, PlanPart.part)
        return await self._rows(query)

    async def shards(self, revision: int) -> Sequence[dict[str, Any]]:
        """How far each shard of a plan is."""
        columns = (PlanShard.shard, PlanShard.pumps, PlanShard.delivered, PlanShard.failure)
        return await self._rows(select(*columns).where(PlanShard.revision == revision).order_by(PlanShard.shard))

    async def newest_of_pump(self, pump_id: str) -> dict[str, Any] | None:
        """The newest plan a pump was made, with the outline of its revision and the figures of its part."""
        of_pump = and_(
            PlanPart.revision == PumpPlan.revision, PlanPart.shard == PumpPlan.shard, PlanPart.part == PumpPlan.part
        )
        figures = (
            PlanPart.grid_area,
            PlanPart.weather_cell,
            PlanPart.weather_version,
            PlanPart.tariff,
            PlanPart.cap_kw,
            PlanPart.price_eur_per_mwh,
            PlanPart.cap_price_eur_per_mwh,
        )
        outline = (FleetPlan.revision, FleetPlan.price_area, FleetPlan.price_version, PlanSubmission.planned_by)
        query = (
            select(PumpPlan.plan, PumpPlan.power_kw, *outline, FleetPlan.created_at, *figures)
            .join(FleetPlan, FleetPlan.revision == PumpPlan.revision)
            .join(PlanPart, of_pump)
            .outerjoin(PlanSubmission, _OF_PLAN)
            .where(PumpPlan.pump_id == pump_id, FleetPlan.is_preview.is_(False))
            .order_by(PumpPlan.revision.desc())
            .limit(1)
        )
        return next(iter(await self._rows(query)), None)

    async def _rows(self, query: Any) -> Sequence[dict[str, Any]]:
        async with self._engine.connect() as connection:
            return [dict(row._mapping) for row in await connection.execute(query)]
