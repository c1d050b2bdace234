"""Regrets in the ledger, and the plans that they are about, as those were made.

Protects: what a plan expected is read from what was stored with it; a day worked out again replaces what was.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.planning.scope import Scope
from domain.savings.regret import PlannedDay, Regret
from domain.slots import SLOT, SLOT_HOURS
from ledger.models import FleetPlan, PlanPart, PumpPlan, RegretRow

PUMPS = 200
"""Whose plans are read at a time: each holds a number for every slot."""


class LedgerRegrets:
    """`domain.savings.regret.RegretStore` on PostgreSQL, and what reports read of it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def planned_days(self, pump_ids: Sequence[str], slots: Sequence[datetime]) -> Mapping[str, PlannedDay]:
        """What plans expected of each pump on these slots; a pump without any is missing."""
        found: dict[str, PlannedDay] = {}
        for first in range(0, len(pump_ids), PUMPS):
            by_pump: dict[str, list[Any]] = {}
            async with self._engine.connect() as connection:
                for row in await connection.execute(_plans(pump_ids[first : first + PUMPS], slots)):
                    by_pump.setdefault(row.pump_id, []).append(row)
            found |= {pump_id: _planned_day(rows, slots) for pump_id, rows in by_pump.items()}
        return found

    async def keep_regrets(self, regrets: Sequence[Regret], at: datetime) -> None:
        """Store them in place of those of the same scope and day."""
        if not regrets:
            return
        rows = [
            {"day": one.day, "scope": _key(one.scope), "body": one.model_dump(mode="json"), "settled_at": at}
            for one in regrets
        ]
        statement = insert(RegretRow).values(rows)
        kept = statement.on_conflict_do_update(
            index_elements=["day", "scope"],
            set_={"body": statement.excluded.body, "settled_at": statement.excluded.settled_at},
        )
        async with self._engine.begin() as connection:
            await connection.execute(kept)

    async def regrets(self, first: date, last: date) -> Sequence[Regret]:
        """Those of these days, by day and scope."""
        query = select(RegretRow.body).where(RegretRow.day.between(first, last))
        async with self._engine.connect() as connection:
            rows = await connection.scalars(query.order_by(RegretRow.day, RegretRow.scope))
            return [Regret.model_validate(body) for body in rows]


def _key(scope: Scope) -> str:
    return json.dumps(scope.model_dump(mode="json"), sort_keys=True)


def _plans(pump_ids: Sequence[str], slots: Sequence[datetime]) -> Any:
    """Every plan that these pumps were made for any of the slots, oldest first."""
    of_pump = and_(
        PlanPart.revision == PumpPlan.revision, PlanPart.shard == PumpPlan.shard, PlanPart.part == PumpPlan.part
    )
    return (
        select(
            PumpPlan.pump_id,
            PumpPlan.power_kw,
            PlanPart.price_eur_per_mwh,
            PlanPart.cap_kw,
            PlanPart.revision,
            PlanPart.shard,
            PlanPart.part,
            PlanPart.solved_at,
            FleetPlan.first_slot,
            FleetPlan.until,
        )
        .join(FleetPlan, FleetPlan.revision == PumpPlan.revision)
        .join(PlanPart, of_pump)
        .where(
            PumpPlan.pump_id.in_(pump_ids),
            FleetPlan.is_preview.is_(False),
            FleetPlan.first_slot <= slots[-1],
            FleetPlan.until > slots[0],
        )
        .order_by(PumpPlan.pump_id, PumpPlan.revision)
    )


def _planned_day(plans: Sequence[Any], slots: Sequence[datetime]) -> PlannedDay:
    """In each slot the newest plan that was there before it began."""
    kwh = cost = 0.0
    covered = 0
    last = plans[-1]
    for slot in slots:
        in_force = [plan for plan in plans if plan.solved_at <= slot and plan.first_slot <= slot < plan.until]
        if not in_force:
            continue
        last = in_force[-1]
        n = (slot - last.first_slot) // SLOT
        if n >= len(last.power_kw):
            continue
        used = last.power_kw[n] * SLOT_HOURS
        kwh, cost, covered = kwh + used, cost + used * last.price_eur_per_mwh[n] / 1000, covered + 1
    part = f"{last.revision}/{last.shard}/{last.part}"
    return PlannedDay(kwh=kwh, cost_eur=cost, slots=covered, part=part, cap_kw=last.cap_kw)
