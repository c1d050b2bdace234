"""What the report of a run reads of the ledger: every line with the words that join it to the truth, and what was seen.

Protects: a report rests on append-only rows alone, so that anybody can make it again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Double, and_, case, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import CommandState, EventKind
from domain.modes import Circuit, HotWaterMode, Mode
from domain.steering.orders import Order
from ledger.models import BaselineRow, BreakerRow, CommandEventRow, CommandRow, ObservationRow, OrderRow

_BY_MODE = {mode.value: Circuit.HEATING.value for mode in Mode} | {
    mode.value: Circuit.HOT_WATER.value for mode in HotWaterMode
}
_OF_A_LEVER = (EventKind.DRIFTED.value, EventKind.TOUCHED.value)


class LedgerRuns:
    """Read-only questions over a whole run."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def command_lines(self) -> list[dict[str, Any]]:
        """Every event of every command with the command's own words, in the order they were written down.

        `circuit` is what the line is about, None for a line about the pump; `recorded_at` is wall time.
        """
        event, command, baseline = CommandEventRow, CommandRow, BaselineRow
        query = (
            select(
                event.at,
                event.pump_id.label("pump"),
                event.command_id.label("command"),
                event.kind.label("event"),
                command.mode,
                command.authority,
                command.revision,
                command.decided_at,
                command.expires_at,
                event.write_no,
                event.lever,
                event.setting,
                event.reason,
                event.recorded_at,
                baseline.circuit,
            )
            .join(command, command.command_id == event.command_id, isouter=True)
            .join(
                baseline,
                and_(
                    event.kind == EventKind.TOUCHED.value,
                    baseline.pump_id == event.pump_id,
                    baseline.at == event.at,
                    baseline.setting == event.setting,
                ),
                isouter=True,
            )
            .ext(distinct_on(event.id))
            .order_by(event.id)
        )
        return [line | {"circuit": _circuit_of(line)} for line in await self._rows(query)]

    async def breakers(self) -> Sequence[dict[str, Any]]:
        """Every change of every vendor's breaker, oldest first."""
        row = BreakerRow
        return await self._rows(select(row.oem, row.state, row.at, row.rate_per_min, row.reason).order_by(row.id))

    async def breakers_now(self) -> Mapping[str, str]:
        """The newest state of each vendor's breaker; a vendor whose breaker never moved is absent."""
        row = BreakerRow
        query = select(row.oem, row.state).ext(distinct_on(row.oem)).order_by(row.oem, row.id.desc())
        return {found["oem"]: found["state"] for found in await self._rows(query)}

    async def orders(self) -> list[tuple[datetime, Order]]:
        """Every order with the time it was given, as it stands now."""
        rows = await self._rows(
            select(OrderRow.given_at, OrderRow.lifted_at, OrderRow.body).order_by(OrderRow.given_at)
        )
        given = []
        for row in rows:
            order = Order.model_validate(row["body"])
            given.append((row["given_at"], order.model_copy(update={"lifted_at": row["lifted_at"]})))
        return given

    async def coolest(self) -> Sequence[dict[str, Any]]:
        """What was seen of rooms and tanks, by pump in the order of seeing: pump, seen_at, room_c, hot_water_c."""
        row = ObservationRow
        room_c = cast(row.reading["room_c"].astext, Double).label("room_c")
        water_c = cast(row.reading["hot_water_c"].astext, Double).label("hot_water_c")
        return await self._rows(
            select(row.pump_id.label("pump"), row.seen_at, room_c, water_c).order_by(row.pump_id, row.as_of)
        )

    async def heating_seen(self) -> Mapping[str, str]:
        """The mode each pump's heating was last seen in; absent where it was never commanded or not seen to obey."""
        event, command = CommandEventRow, CommandRow
        ends = [s.value for s in CommandState if s.is_settled and s is not CommandState.SUPERSEDED]
        seen = case(
            (event.kind.in_([CommandState.APPLIED.value, CommandState.EFFECTIVE.value]), command.mode), else_=None
        )
        query = (
            select(event.pump_id, func.coalesce(seen, "unknown").label("mode"))
            .join(command, command.command_id == event.command_id)
            .where(event.kind.in_(ends), command.mode.in_([mode.value for mode in Mode]))
            .ext(distinct_on(event.pump_id))
            .order_by(event.pump_id, command.seq.desc(), event.id.desc())
        )
        return {row["pump_id"]: row["mode"] for row in await self._rows(query)}

    async def _rows(self, query: Any) -> Sequence[dict[str, Any]]:
        async with self._engine.connect() as connection:
            return [dict(row._mapping) for row in await connection.execute(query)]


def _circuit_of(line: Mapping[str, Any]) -> str | None:
    """The baseline that a line made names its circuit, or its command's mode does."""
    known = line["circuit"] or _BY_MODE.get(line["mode"] or "")
    # Before a pump's first command nothing else tells; what falls back or is turned by hand is mostly the heating.
    return known or (Circuit.HEATING.value if line["event"] in _OF_A_LEVER else None)
