"""Load curves in the ledger, which of them were nominated, and the load that was planned for their days since.

Protects: a curve is never changed, another one for the same day is a version of its own, and what was nominated stays
in the history when something else takes its place.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import RowMapping, and_, delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.planning.load_curve import DeviationPrices, ExpectedLoad, LoadCurve, NominatedPower, Nomination
from domain.planning.shards import Shard
from domain.slots import SLOT
from ledger.models import FleetPlan, LoadCurveRow, NominationRow, PlanPart, PlanShard, PumpPlan


class LedgerLoadCurves:
    """Curves by version, which of them were nominated, and what became of their days."""

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

    async def curve(self, version: int) -> LoadCurve | None:
        """A stored version; None where there is none."""
        async with self._engine.connect() as connection:
            body = await connection.scalar(select(LoadCurveRow.body).where(LoadCurveRow.version == version))
        return None if body is None else LoadCurve.model_validate(body)

    async def nominate(
        self, curve: LoadCurve, version: int, prices: DeviationPrices, day: tuple[datetime, datetime], at: datetime
    ) -> int:
        """This version was nominated for a market day (its start and end); takes the place of what stood before."""
        given = {
            "curve": version,
            "up_eur_per_mwh": prices.up_eur_per_mwh,
            "down_eur_per_mwh": prices.down_eur_per_mwh,
        }
        return await self._append(curve.area, curve.price_area, day, at, given)

    async def withdraw(self, nomination: Nomination, day: tuple[datetime, datetime], at: datetime) -> int:
        """Nothing is nominated of its area for that day any more."""
        return await self._append(nomination.area, nomination.price_area, day, at, {})

    async def _append(
        self, area: str, price_area: str, day: tuple[datetime, datetime], at: datetime, given: Mapping[str, object]
    ) -> int:
        row = {"area": area, "price_area": price_area, "starts_at": day[0], "ends_at": day[1], "given_at": at, **given}
        async with self._engine.begin() as connection:
            number = await connection.scalar(insert(NominationRow).values(row).returning(NominationRow.number))
        assert number is not None
        return int(number)

    async def nominations(self, price_area: str, first_slot: datetime) -> Sequence[Nomination]:
        """What stands for the market day of a slot, of the price area and its grid areas: the newest of each."""
        row = NominationRow
        query = (
            select(*row.__table__.columns, LoadCurveRow.body)
            .outerjoin(LoadCurveRow, LoadCurveRow.version == row.curve)
            .where(row.price_area == price_area, row.starts_at <= first_slot, row.ends_at > first_slot)
            .order_by(row.number)
        )
        async with self._engine.connect() as connection:
            newest = {found.area: found._mapping for found in await connection.execute(query)}
        return [_nomination(found) for found in newest.values() if found["curve"] is not None]

    async def expected_loads(self, nomination: Nomination) -> Sequence[ExpectedLoad]:
        """What its load curve was planned from: the parts of its preview."""
        part, shard = PlanPart, PlanShard
        query = (
            select(part.part, part.load_kw, part.grid_area, shard.body)
            .join(shard, and_(shard.revision == part.revision, shard.shard == part.shard))
            .where(part.revision == nomination.revision)
            .order_by(part.shard, part.part)
        )
        async with self._engine.connect() as connection:
            return [
                ExpectedLoad(pump_ids=Shard.model_validate(row.body).parts[row.part].pump_ids, load_kw=row.load_kw)
                for row in await connection.execute(query)
                if nomination.area in (nomination.price_area, row.grid_area)
            ]

    async def forget_pumps(self, revisions: Sequence[int]) -> None:
        """Drop the single pumps' plans of previews; their parts and loads stay. A plan that was given out is kept."""
        previews = select(FleetPlan.revision).where(FleetPlan.revision.in_(revisions), FleetPlan.is_preview)
        async with self._engine.begin() as connection:
            await connection.execute(delete(PumpPlan).where(PumpPlan.revision.in_(previews)))


def _nomination(row: RowMapping) -> Nomination:
    curve = LoadCurve.model_validate(row["body"])
    prices = DeviationPrices(up_eur_per_mwh=row["up_eur_per_mwh"], down_eur_per_mwh=row["down_eur_per_mwh"])
    power = tuple(slot.steered_kw for slot in curve.slots)
    return Nomination(
        number=row["number"],
        area=row["area"],
        price_area=row["price_area"],
        first_slot=row["starts_at"],
        power=NominatedPower(power_kw=power, prices=prices, curve=row["curve"]),
        revision=curve.base.revision,
        given_at=row["given_at"],
    )
