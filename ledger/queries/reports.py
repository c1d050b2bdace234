"""What people and reports read of the ledger: counts, trails and newest states.

Protects: figures in reports come from the same append-only rows that anybody can join again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import CommandState, EventKind
from domain.modes import Circuit, HotWaterMode, Mode, neutral_of
from domain.planning.fleet_plan import Certificate, merged
from domain.planning.price_plan import PricePlan
from ledger.models import AuditRow, CommandEventRow, CommandRow, FleetPlan, PlanPart, Pump, PumpPlan

_STATES = [state.value for state in CommandState]
_LEVELS = {
    Circuit.HEATING: [mode.value for mode in Mode],
    Circuit.HOT_WATER: [mode.value for mode in HotWaterMode],
}


class LedgerReports:
    """Read-only questions, and the one audit trail."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def audit(self, at: datetime, who: str, why: str, act: str, subject: str, detail: dict[str, Any]) -> None:
        """Append who did what and why."""
        row = {"at": at, "who": who, "why": why, "act": act, "subject": subject, "detail": detail}
        async with self._engine.begin() as connection:
            await connection.execute(insert(AuditRow).values(row))

    async def audit_trail(self, act: str | None = None) -> Sequence[dict[str, Any]]:
        """Every changing act, oldest first."""
        query = select(AuditRow.at, AuditRow.who, AuditRow.why, AuditRow.act, AuditRow.subject, AuditRow.detail)
        if act is not None:
            query = query.where(AuditRow.act == act)
        return await self._rows(query.order_by(AuditRow.id))

    async def states(self) -> dict[str, int]:
        """How many commands are in each state; a command is in the newest state its events name."""
        newest = (
            select(CommandEventRow.command_id, CommandEventRow.kind)
            .where(CommandEventRow.kind.in_(_STATES))
            .ext(distinct_on(CommandEventRow.command_id))
            .order_by(CommandEventRow.command_id, CommandEventRow.at.desc(), CommandEventRow.id.desc())
            .subquery()
        )
        rows = await self._rows(select(newest.c.kind, func.count().label("count")).group_by(newest.c.kind))
        return {row["kind"]: row["count"] for row in rows}

    async def ended(self, start: datetime, end: datetime) -> dict[str, int]:
        """How many commands that were decided in [start, end) are in each state."""
        event, command = CommandEventRow, CommandRow
        newest = (
            select(event.command_id, event.kind)
            .join(command, command.command_id == event.command_id)
            .where(event.kind.in_(_STATES), command.decided_at >= start, command.decided_at < end)
            .ext(distinct_on(event.command_id))
            .order_by(event.command_id, event.at.desc(), event.id.desc())
            .subquery()
        )
        rows = await self._rows(select(newest.c.kind, func.count().label("count")).group_by(newest.c.kind))
        return {row["kind"]: row["count"] for row in rows}

    async def newest_plan(self) -> dict[str, Any] | None:
        """The newest fleet plan of which anything was solved, with the certificate of all its parts together.

        `weather_version` is that of the first part; a plan over several weather cells has one for each.
        """
        plan, part = FleetPlan, PlanPart
        newest = (
            select(func.max(part.revision))
            .join(plan, plan.revision == part.revision)
            .where(plan.is_preview.is_(False))
            .scalar_subquery()
        )
        rows = await self._rows(
            select(
                plan.revision,
                plan.price_area,
                plan.price_version,
                plan.first_slot,
                plan.slots,
                plan.pumps,
                plan.created_at,
                plan.closed_at,
                part.weather_version,
                part.certificate,
            )
            .join(part, part.revision == plan.revision)
            .where(plan.revision == newest)
            .order_by(part.shard, part.part)
        )
        if not rows:
            return None
        whole = merged([Certificate.model_validate(row["certificate"]) for row in rows])
        return dict(rows[0]) | {"certificate": whole.model_dump(mode="json")}

    async def price_plans(self) -> dict[str, list[tuple[datetime, PricePlan]]]:
        """Every price plan of every pump with the time it was made, by revision."""
        rows = await self._rows(
            select(PumpPlan.pump_id, FleetPlan.created_at, PumpPlan.plan)
            .join(FleetPlan, FleetPlan.revision == PumpPlan.revision)
            .where(FleetPlan.is_preview.is_(False))
            .order_by(PumpPlan.pump_id, PumpPlan.revision)
        )
        plans: dict[str, list[tuple[datetime, PricePlan]]] = {}
        for row in rows:
            plans.setdefault(row["pump_id"], []).append((row["created_at"], PricePlan.model_validate(row["plan"])))
        return plans

    async def pumps(self) -> Sequence[dict[str, Any]]:
        """Every pump ever enrolled, with the newest command of its heating, and its newest target for hot water."""
        heating, water = _newest_of(Circuit.HEATING), _newest_of(Circuit.HOT_WATER)
        query = (
            select(
                Pump.pump_id,
                Pump.oem,
                Pump.profile,
                Pump.enrolled_at,
                Pump.retired_at,
                heating.c.command_id,
                heating.c.mode,
                heating.c.authority,
                water.c.mode.label("hot_water"),
            )
            .join(heating, heating.c.pump_id == Pump.pump_id, isouter=True)
            .join(water, water.c.pump_id == Pump.pump_id, isouter=True)
            .order_by(Pump.pump_id)
        )
        return await self._rows(query)

    async def modes_seen(self, circuit: Circuit = Circuit.HEATING) -> dict[str, str]:
        """The level each pump was last seen in, "unknown" where its newest ended command was not seen obeyed.

        A pump never commanded is absent: it is on its own control. One that drifted since is unknown; one that a
        person set by hand since is neutral, on that person's setting.
        """
        event, command = CommandEventRow, CommandRow
        ends = [s.value for s in CommandState if s.is_settled and s is not CommandState.SUPERSEDED]
        notes = [EventKind.DRIFTED.value, EventKind.TOUCHED.value]
        query = (
            select(event.pump_id, event.kind, command.mode)
            .join(command, command.command_id == event.command_id)
            .where(event.kind.in_([*ends, *notes]), command.mode.in_(_LEVELS[circuit]))
            .ext(distinct_on(event.pump_id))
            .order_by(event.pump_id, command.seq.desc(), event.id.desc())
        )
        return {row["pump_id"]: _seen(row["kind"], row["mode"], circuit) for row in await self._rows(query)}

    async def trail(self, pump_id: str, limit: int = 40) -> Sequence[dict[str, Any]]:
        """The newest command events of one pump with the words of their commands, newest first."""
        event, command = CommandEventRow, CommandRow
        query = (
            select(
                event.at,
                event.command_id,
                event.kind,
                command.mode,
                command.authority,
                event.write_no,
                event.lever,
                event.setting,
                event.reason,
            )
            .join(command, command.command_id == event.command_id, isouter=True)
            .where(event.pump_id == pump_id)
            .order_by(event.id.desc())
            .limit(limit)
        )
        return await self._rows(query)

    async def _rows(self, query: Any) -> Sequence[dict[str, Any]]:
        async with self._engine.connect() as connection:
            return [dict(row._mapping) for row in await connection.execute(query)]


def _newest_of(circuit: Circuit) -> Any:
    return (
        select(CommandRow.pump_id, CommandRow.command_id, CommandRow.mode, CommandRow.authority)
        .where(CommandRow.mode.in_(_LEVELS[circuit]))
        .ext(distinct_on(CommandRow.pump_id))
        .order_by(CommandRow.pump_id, CommandRow.seq.desc())
        .subquery()
    )


def _seen(kind: str, mode: str, circuit: Circuit) -> str:
    if kind == EventKind.TOUCHED.value:
        return neutral_of(circuit).value
    return mode if kind in (CommandState.APPLIED.value, CommandState.EFFECTIVE.value) else "unknown"
