"""Fleet plans in the ledger: opened whole, then stored shard by shard and part by part.

Protects: the same run never makes two revisions and the same part is never stored twice, whatever attempt comes
first; a plan names the versions it was made from.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import exists, func, select, true, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.planning.fleet_plan import Certificate, PlanFigures, PlanOutline, Refusal, merged
from domain.planning.price_plan import ModeSegment, PricePlan
from domain.planning.shards import Shard, SolvedPart
from domain.slots import SLOT
from domain.submission import SubmittedPlan
from ledger.models import (
    FleetPlan,
    PlanPart,
    PlanRefusal,
    PlanShard,
    PlanSubmission,
    PumpPlan,
    SubmittedSchedule,
)


class LedgerPlans:
    """`domain.ports.PlanStore` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open_plan(
        self, key: str, outline: PlanOutline, shards: Sequence[Shard], at: datetime, refused: Sequence[Refusal] = ()
    ) -> int:
        """Store what is to be solved under the next revision; the same `key` keeps the revision and shards it has.

        `refused` is what of a submitted plan no shard can take.
        """
        row = {"key": key, "created_at": at, **outline.model_dump()}
        async with self._engine.begin() as connection:
            # An attempt given up for dead may still be storing: the key decides whose revision and shards count.
            statement = insert(FleetPlan).values(row).on_conflict_do_nothing(index_elements=["key"])
            made = await connection.scalar(statement.returning(FleetPlan.revision))
            if made is None:
                return (await connection.scalars(select(FleetPlan.revision).where(FleetPlan.key == key))).one()
            revision = int(made)
            rows = [
                {
                    "revision": revision,
                    "shard": shard.number,
                    "pumps": shard.pumps,
                    "body": shard.model_dump(mode="json"),
                }
                for shard in shards
            ]
            if rows:
                await connection.execute(insert(PlanShard), rows)
            await _refuse(connection, revision, refused)
            return revision

    async def outline(self, revision: int) -> PlanOutline:
        """What a revision is of; `LookupError` where there is none."""
        columns = [getattr(FleetPlan, name) for name in PlanOutline.model_fields]
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(*columns).where(FleetPlan.revision == revision))).one_or_none()
        if row is None:
            raise LookupError(f"there is no plan revision {revision}")
        return PlanOutline.model_validate(dict(row._mapping))

    async def newest_outlines(self, after: datetime) -> Sequence[tuple[PlanOutline, datetime]]:
        """Our newest plan of each price area and horizon's end that reaches beyond `after`, and when it was made."""
        columns = [getattr(FleetPlan, name) for name in PlanOutline.model_fields]
        query = select(FleetPlan.created_at, *columns).where(
            FleetPlan.first_slot + FleetPlan.slots * SLOT > after,
            FleetPlan.is_preview.is_(False),
            FleetPlan.submission.is_(None),
        )
        newest: dict[tuple[str, datetime], tuple[PlanOutline, datetime]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(query.order_by(FleetPlan.revision)):
                outline = PlanOutline.model_validate({name: getattr(row, name) for name in PlanOutline.model_fields})
                newest[outline.price_area, outline.end] = (outline, row.created_at)
        return list(newest.values())

    async def shard(self, revision: int, number: int) -> Shard:
        """What one shard of a revision holds; `LookupError` where there is none."""
        query = select(PlanShard.body).where(PlanShard.revision == revision, PlanShard.shard == number)
        async with self._engine.connect() as connection:
            body = await connection.scalar(query)
        if body is None:
            raise LookupError(f"plan revision {revision} has no shard {number}")
        return Shard.model_validate(body)

    async def shard_count(self, revision: int) -> int:
        """How many shards a revision has."""
        query = select(func.count()).select_from(PlanShard).where(PlanShard.revision == revision)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) or 0

    async def stored_parts(self, revision: int, shard: int) -> Mapping[int, int]:
        """The pumps planned in each part of a shard that was solved and stored, by the part's place."""
        query = select(PlanPart.part, PlanPart.pumps).where(PlanPart.revision == revision, PlanPart.shard == shard)
        async with self._engine.connect() as connection:
            return {row.part: row.pumps for row in await connection.execute(query)}

    async def store_part(
        self,
        revision: int,
        shard: int,
        place: int,
        solved: SolvedPart,
        plans: Mapping[str, PricePlan],
        at: datetime,
    ) -> bool:
        """Store a solved part with its pumps' plans; False where it was stored before (that one stays)."""
        key = {"revision": revision, "shard": shard, "part": place}
        scope = solved.asked.scope
        row = key | {
            "grid_area": scope.grid_area,
            "weather_cell": scope.weather_cell,
            "tariff": scope.tariff,
            "weather_version": solved.asked.weather_version,
            "pumps": solved.pumps,
            "cold_snap_pumps": solved.cold_snap_pumps,
            "cap_kw": solved.asked.cap_kw,
            "nominated": None if (named := solved.asked.nominated) is None else named.model_dump(mode="json"),
            "certificate": solved.certificate.model_dump(mode="json"),
            "price_eur_per_mwh": [round(price, 4) for price in solved.price_eur_per_mwh],
            "cap_price_eur_per_mwh": list(solved.cap_price_eur_per_mwh),
            "load_kw": [round(load, 3) for load in solved.load_kw],
            "neutral_load_kw": [round(load, 3) for load in solved.neutral_load_kw],
            "pumps_by_mode": {mode.value: list(counts) for mode, counts in solved.pumps_by_mode.items()},
            "solved_at": at,
        }
        async with self._engine.begin() as connection:
            statement = insert(PlanPart).values(row).on_conflict_do_nothing().returning(PlanPart.part)
            if (await connection.execute(statement)).scalar_one_or_none() is None:
                return False
            rows = [
                key
                | {
                    "pump_id": pump_id,
                    "plan": plan.model_dump(mode="json"),
                    "power_kw": [round(power, 3) for power in solved.power_kw.get(pump_id, ())],
                }
                for pump_id, plan in plans.items()
            ]
            if rows:
                await connection.execute(insert(PumpPlan), rows)
            await _refuse(connection, revision, solved.refused)
            return True

    async def price_plans(
        self, revision: int, shard: int, after: str, limit: int, among: Sequence[str] | None = None
    ) -> Sequence[tuple[str, PricePlan]]:
        """The price plans of a shard for pumps after an id, ordered by id; of all its pumps, or of those `among`."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(PumpPlan.pump_id, PumpPlan.plan)
                .where(PumpPlan.revision == revision, PumpPlan.shard == shard, PumpPlan.pump_id > after)
                .where(true() if among is None else PumpPlan.pump_id.in_(among))
                .order_by(PumpPlan.pump_id)
                .limit(limit)
            )
            return [(row.pump_id, PricePlan.model_validate(row.plan)) for row in rows]

    async def note_delivered(self, revision: int, shard: int, pumps: int) -> None:
        """So many pumps of a shard took their plan."""
        where = (PlanShard.revision == revision, PlanShard.shard == shard)
        async with self._engine.begin() as connection:
            await connection.execute(update(PlanShard).where(*where).values(delivered=pumps))

    async def close_plan(self, revision: int, failed: Mapping[int, str], at: datetime) -> None:
        """Nothing more comes of a revision; these shards failed, for these reasons."""
        async with self._engine.begin() as connection:
            for shard, reason in failed.items():
                where = (PlanShard.revision == revision, PlanShard.shard == shard)
                await connection.execute(update(PlanShard).where(*where).values(failure=reason))
            await connection.execute(update(FleetPlan).where(FleetPlan.revision == revision).values(closed_at=at))

    async def figures(self, revision: int) -> PlanFigures:
        """What was solved of a revision, summed up."""
        part = PlanPart
        query = select(part.pumps, part.cold_snap_pumps, part.certificate).where(part.revision == revision)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(part.shard, part.part))).all()
        certificates = [Certificate.model_validate(row.certificate) for row in rows]
        return PlanFigures(
            pumps=sum(row.pumps for row in rows),
            cold_snap_pumps=sum(row.cold_snap_pumps for row in rows),
            certificate=merged(certificates) if certificates else None,
        )

    async def store_submission(self, plan: SubmittedPlan, planned_by: str, at: datetime) -> None:
        """Keep a plan that somebody else made, under its own key; the same one once, as submitted when it was taken."""
        row = {
            "submission": plan.key,
            "price_area": plan.price_area,
            "day": plan.day,
            "planned_by": planned_by,
            "submitted_at": at,
        }
        schedules = [
            {
                "submission": plan.key,
                "pump_id": pump_id,
                "segments": [segment.model_dump(mode="json") for segment in segments],
            }
            for pump_id, segments in plan.pumps.items()
        ]
        async with self._engine.begin() as connection:
            taken = exists().where(FleetPlan.submission == plan.key, FleetPlan.is_preview.is_(False))
            statement = insert(PlanSubmission).values(row)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["submission"], set_=row, where=~taken)
            )
            await connection.execute(insert(SubmittedSchedule).on_conflict_do_nothing(), schedules)

    async def submitted(self, submission: str) -> Sequence[str]:
        """The pumps that a submitted plan speaks of, ordered by id."""
        table = SubmittedSchedule
        async with self._engine.connect() as connection:
            query = select(table.pump_id).where(table.submission == submission).order_by(table.pump_id)
            return (await connection.scalars(query)).all()

    async def submitted_schedules(
        self, submission: str, pump_ids: Sequence[str]
    ) -> Mapping[str, tuple[ModeSegment, ...]]:
        """What a submitted plan asks of those of these pumps that it speaks of."""
        table = SubmittedSchedule
        query = select(table.pump_id, table.segments).where(table.submission == submission, table.pump_id.in_(pump_ids))
        async with self._engine.connect() as connection:
            return {
                row.pump_id: tuple(ModeSegment.model_validate(segment) for segment in row.segments)
                for row in await connection.execute(query)
            }

    async def standing_plans(self, pump_ids: Sequence[str], start: datetime, end: datetime) -> Mapping[str, PricePlan]:
        """The newest plan that each of these pumps was given for some slot of [start, end); missing for none."""
        query = (
            select(PumpPlan.pump_id, PumpPlan.plan)
            .join(FleetPlan, FleetPlan.revision == PumpPlan.revision)
            .where(PumpPlan.pump_id.in_(pump_ids), FleetPlan.is_preview.is_(False))
            .where(FleetPlan.first_slot < end, FleetPlan.until > start)
            .ext(distinct_on(PumpPlan.pump_id))
            .order_by(PumpPlan.pump_id, PumpPlan.revision.desc())
        )
        async with self._engine.connect() as connection:
            return {row.pump_id: PricePlan.model_validate(row.plan) for row in await connection.execute(query)}

    async def take_submission(self, revision: int, *, despite_refusals: bool) -> bool:
        """Make a judged submission a plan; False, and it stays a preview, where it is not to be taken.

        It is not where something of it was refused (unless `despite_refusals`), where no pump is left, and where the
        same submission was taken under another revision.
        """
        plan = FleetPlan
        async with self._engine.begin() as connection:
            submission = select(plan.submission).where(plan.revision == revision).scalar_subquery()
            # Whoever takes the same submission under another revision waits here.
            await connection.execute(
                select(PlanSubmission.submission).where(PlanSubmission.submission == submission).with_for_update()
            )
            other = select(plan.revision).where(
                plan.submission == submission, plan.revision != revision, plan.is_preview.is_(False)
            )
            is_whole = ~exists().where(PlanRefusal.revision == revision)
            statement = (
                update(plan)
                .where(plan.revision == revision, ~other.exists(), exists().where(PumpPlan.revision == revision))
                .where(true() if despite_refusals else is_whole)
                .values(is_preview=False)
            )
            return (await connection.execute(statement.returning(plan.revision))).scalar_one_or_none() is not None


async def _refuse(connection: AsyncConnection, revision: int, refused: Sequence[Refusal]) -> None:
    if refused:
        await connection.execute(insert(PlanRefusal), [{"revision": revision, **one.model_dump()} for one in refused])
