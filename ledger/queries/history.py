"""What people ask of the past: a pump's story around a moment, letters that could not be delivered, standing orders.

Protects: an answer about the past comes from rows that were written down then, never from what holds now.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import aliased

from domain.commands.command import EventKind
from domain.modes import HotWaterMode, Mode
from domain.oem.readings import Reading
from domain.planning.price_plan import PricePlan
from domain.steering.orders import Order
from ledger.models import (
    AccountAsk,
    AuditRow,
    BreakerRow,
    CommandEventRow,
    CommandRow,
    FleetPlan,
    ObservationRow,
    OemCallCount,
    OrderRow,
    PlanPart,
    PlanSubmission,
    Pump,
    PumpPlan,
    PumpWatch,
)

DISCARD = "discard-letter"
"""The audited act that takes a letter out of the list."""
_PART_OF_PUMP = and_(
    PlanPart.revision == PumpPlan.revision, PlanPart.shard == PumpPlan.shard, PlanPart.part == PumpPlan.part
)
_HEATING = [mode.value for mode in Mode]
_WATER = [mode.value for mode in HotWaterMode]
_OBEYED = [EventKind.APPLIED.value, EventKind.EFFECTIVE.value]


class LedgerHistory:
    """Read-only questions about what was."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def events(self, pump_id: str, start: datetime, end: datetime) -> Sequence[dict[str, Any]]:
        """A pump's command lines in [start, end], with the words of their commands, oldest first."""
        event, command = CommandEventRow, CommandRow
        query = (
            select(
                event.at,
                event.command_id.label("command"),
                event.kind,
                command.mode,
                command.authority,
                command.revision,
                event.write_no,
                event.setting,
                event.reason,
            )
            .join(command, command.command_id == event.command_id, isouter=True)
            .where(event.pump_id == pump_id, event.at.between(start, end))
            .order_by(event.at, event.id)
        )
        return await self._rows(query)

    async def newest_commands(self, pump_id: str, moment: datetime) -> Sequence[dict[str, Any]]:
        """Of each circuit the newest command decided by `moment`, with its lines up to then, oldest first."""
        found = []
        for levels in (_HEATING, _WATER):
            newest = (
                select(CommandRow)
                .where(CommandRow.pump_id == pump_id, CommandRow.mode.in_(levels), CommandRow.decided_at <= moment)
                .order_by(CommandRow.seq.desc())
                .limit(1)
            )
            for row in await self._rows(newest.with_only_columns(*CommandRow.__table__.columns)):
                lines = await self._rows(
                    select(CommandEventRow.at, CommandEventRow.kind, CommandEventRow.setting, CommandEventRow.reason)
                    .where(CommandEventRow.command_id == row["command_id"], CommandEventRow.at <= moment)
                    .order_by(CommandEventRow.at, CommandEventRow.id)
                )
                found.append({**row, "lines": lines})
        return found

    async def readings(self, pump_id: str, start: datetime, end: datetime) -> Sequence[Reading]:
        """What the cloud reported of a pump with a stamp in [start, end], oldest first."""
        table = ObservationRow
        rows = await self._rows(
            select(table.reading).where(table.pump_id == pump_id, table.as_of.between(start, end)).order_by(table.as_of)
        )
        return [Reading.model_validate(row["reading"]) for row in rows]

    async def plans(self, pump_id: str, moment: datetime) -> Sequence[dict[str, Any]]:
        """The price plans that a pump had been made by `moment`, by revision, with what each was made from."""
        rows = await self._rows(
            select(
                PumpPlan.revision,
                PumpPlan.plan,
                FleetPlan.created_at,
                FleetPlan.price_version,
                FleetPlan.first_slot,
                PlanSubmission.planned_by,
                PlanPart.weather_version,
                PlanPart.tariff,
                PlanPart.price_eur_per_mwh.label("home_eur_per_mwh"),
            )
            .join(FleetPlan, FleetPlan.revision == PumpPlan.revision)
            .join(PlanPart, _PART_OF_PUMP)
            .outerjoin(PlanSubmission, PlanSubmission.submission == FleetPlan.submission)
            .where(PumpPlan.pump_id == pump_id, FleetPlan.created_at <= moment, FleetPlan.is_preview.is_(False))
            .order_by(PumpPlan.revision.desc())
            .limit(8)
        )
        return [{**row, "plan": PricePlan.model_validate(row["plan"])} for row in reversed(rows)]

    async def enrolled(self, pump_id: str) -> dict[str, Any]:
        """When a pump was enrolled and retired; an empty dict for one that never was."""
        rows = await self._rows(select(Pump.enrolled_at, Pump.retired_at).where(Pump.pump_id == pump_id))
        return rows[0] if rows else {}

    async def acts(self, pump_id: str) -> Sequence[dict[str, Any]]:
        """Every audited act on a pump, refusals included, oldest first."""
        table = AuditRow
        return await self._rows(
            select(table.at, table.who, table.why, table.act, table.subject, table.detail)
            .where(table.subject == pump_id)
            .order_by(table.id)
        )

    async def breaker(self, oem: str, moment: datetime) -> dict[str, Any] | None:
        """How a vendor's breaker stood at `moment`; None where it never moved."""
        table = BreakerRow
        rows = await self._rows(
            select(table.state, table.at, table.rate_per_min, table.reason)
            .where(table.oem == oem, table.at <= moment)
            .order_by(table.at.desc(), table.id.desc())
            .limit(1)
        )
        return rows[0] if rows else None

    async def calls(self, account_id: str, start: datetime, end: datetime) -> dict[str, int]:
        """Calls of an account in [start, end) by their fate."""
        table = OemCallCount
        rows = await self._rows(
            select(table.fate, func.sum(table.calls).label("calls"))
            .where(table.account_id == account_id, table.minute >= start, table.minute < end)
            .group_by(table.fate)
        )
        return {row["fate"]: int(row["calls"]) for row in rows}

    async def with_revision(self, revision: int) -> set[str]:
        """Pumps that were made a price plan of a revision."""
        rows = await self._rows(select(PumpPlan.pump_id).where(PumpPlan.revision == revision))
        return {row["pump_id"] for row in rows}

    async def newest_by_circuit(self) -> Sequence[dict[str, Any]]:
        """The newest command of each pump's circuits and the newest state or note written down of it."""
        event, command = CommandEventRow, CommandRow
        is_water = command.mode.in_(_WATER)
        kinds = [k.value for k in EventKind if k.state is not None or k in (EventKind.DRIFTED, EventKind.TOUCHED)]
        return await self._rows(
            select(
                command.pump_id, command.command_id, command.mode, command.authority, event.kind, event.at, event.reason
            )
            .join(event, and_(event.command_id == command.command_id, event.kind.in_(kinds)), isouter=True)
            .ext(distinct_on(command.pump_id, is_water))
            .order_by(command.pump_id, is_water, command.seq.desc(), event.id.desc())
        )

    async def dead_letters(self) -> Sequence[dict[str, Any]]:
        """Commands that ran out of time while still due, that no newer one of their circuit made up for, and that
        nobody discarded; newest first. With what their cloud last said, and what is known of account and pump."""
        letter, command, later = CommandEventRow, CommandRow, aliased(CommandRow)
        obeyed, said = aliased(CommandEventRow), aliased(CommandEventRow)
        same_circuit = later.mode.in_(_WATER) == command.mode.in_(_WATER)
        made_up_for = exists().where(
            later.pump_id == command.pump_id,
            later.seq >= command.seq,
            same_circuit,
            obeyed.command_id == later.command_id,
            obeyed.kind.in_(_OBEYED),
        )
        refused = aliased(AuditRow)
        was_refused = exists().where(
            refused.act == f"{DISCARD}:refused", refused.detail["ref"].astext == AuditRow.detail["ref"].astext
        )
        discarded = exists().where(
            AuditRow.act == DISCARD, AuditRow.detail["command"].astext == command.command_id, ~was_refused
        )
        refusal = (
            select(said.reason)
            .where(said.command_id == command.command_id, said.kind == EventKind.WRITE_REFUSED.value)
            .order_by(said.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        return await self._rows(
            select(
                command.command_id,
                command.pump_id,
                command.mode,
                command.authority,
                command.revision,
                command.seq,
                letter.at,
                letter.reason,
                refusal.label("refusal"),
                Pump.oem,
                Pump.account_id,
                AccountAsk.reason.label("ask"),
                PumpWatch.is_silent,
            )
            .join(command, command.command_id == letter.command_id)
            .join(Pump, Pump.pump_id == command.pump_id)
            .join(
                AccountAsk,
                and_(AccountAsk.account_id == Pump.account_id, AccountAsk.solved_at.is_(None)),
                isouter=True,
            )
            .join(PumpWatch, PumpWatch.pump_id == command.pump_id, isouter=True)
            .where(
                letter.kind == EventKind.DEAD_LETTERED.value,
                Pump.retired_at.is_(None),
                ~made_up_for,
                ~discarded,
            )
            .order_by(letter.at.desc(), letter.id.desc())
        )

    async def _rows(self, query: Any) -> Sequence[dict[str, Any]]:
        async with self._engine.connect() as connection:
            return [dict(row._mapping) for row in await connection.execute(query)]


class LedgerOrders:
    """Orders as given: written down before any pump hears of them, for pumps that come later and for who asks."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def give(self, order: Order, at: datetime) -> None:
        """Keep an order; one that is there already is left as it is."""
        row = {"order_id": order.order_id, "body": order.model_dump(mode="json"), "given_at": at}
        async with self._engine.begin() as connection:
            await connection.execute(insert(OrderRow).values(row).on_conflict_do_nothing())

    async def lift(self, order_id: str, at: datetime) -> None:
        """No pump stands under it any more; the first time counts."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(OrderRow).where(OrderRow.order_id == order_id, OrderRow.lifted_at.is_(None)).values(lifted_at=at)
            )

    async def standing(self, now: datetime) -> Sequence[Order]:
        """What is neither lifted nor past its end, oldest first."""
        return [order for order in await self.given() if order.lifted_at is None and not _is_past(order, now)]

    async def given(self, since: datetime | None = None) -> Sequence[Order]:
        """Every order, those lifted or ended before `since` left out, oldest first; with when it was lifted."""
        query = select(OrderRow.body, OrderRow.lifted_at).order_by(OrderRow.given_at, OrderRow.order_id)
        if since is not None:
            query = query.where(or_(OrderRow.lifted_at.is_(None), OrderRow.lifted_at >= since))
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        orders = [Order.model_validate(row.body).model_copy(update={"lifted_at": row.lifted_at}) for row in rows]
        return [order for order in orders if since is None or not _is_past(order, since)]


def _is_past(order: Order, moment: datetime) -> bool:
    return order.until is not None and order.until <= moment
