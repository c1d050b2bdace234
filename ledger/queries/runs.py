"""What the report of a run reads of the ledger: every line with the words that join it to the truth, and what was seen.

Protects: a report rests on append-only rows alone, so that anybody can make it again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import CommandState
from domain.modes import Circuit, HotWaterMode, Mode
from ledger.models import BreakerRow, CommandEventRow, CommandRow, OemCallCount, Pump

_BY_MODE = {mode.value: Circuit.HEATING.value for mode in Mode} | {
    mode.value: Circuit.HOT_WATER.value for mode in HotWaterMode
}


class LedgerRuns:
    """Read-only questions over a whole run."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def command_lines(self) -> list[dict[str, Any]]:
        """Every event of every command with the command's own words, in the order they were written down.

        `circuit` is what the line is about, None for a line about the pump; `recorded_at` is wall time.
        """
        event, command = CommandEventRow, CommandRow
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
                Pump.profile["hot_water"]["spec"]["name"].astext.label("water_lever"),
            )
            .join(Pump, Pump.pump_id == event.pump_id, isouter=True)
            .join(command, command.command_id == event.command_id, isouter=True)
            .order_by(event.id)
        )
        lines = [line | {"circuit": _circuit_of(line)} for line in await self._rows(query)]
        return [{name: value for name, value in line.items() if name != "water_lever"} for line in lines]

    async def breakers(self) -> Sequence[dict[str, Any]]:
        """Every change of every vendor's breaker, oldest first."""
        row = BreakerRow
        return await self._rows(select(row.oem, row.state, row.at, row.rate_per_min, row.reason).order_by(row.id))

    async def calls_by_account(self, start: datetime, end: datetime) -> Mapping[str, int]:
        """Calls of every account in [start, end), whatever became of them."""
        row = OemCallCount
        spent = func.sum(row.calls).label("calls")
        query = select(row.account_id, spent).where(row.minute >= start, row.minute < end).group_by(row.account_id)
        return {found["account_id"]: int(found["calls"]) for found in await self._rows(query)}

    async def breakers_now(self) -> Mapping[str, str]:
        """The newest state of each vendor's breaker; a vendor whose breaker never moved is absent."""
        row = BreakerRow
        query = select(row.oem, row.state).ext(distinct_on(row.oem)).order_by(row.oem, row.id.desc())
        return {found["oem"]: found["state"] for found in await self._rows(query)}

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
    """Its command's mode names the circuit, else its lever does."""
    if known := _BY_MODE.get(line["mode"] or ""):
        return known
    if line["lever"] is None:
        return None
    return Circuit.HOT_WATER.value if line["lever"] == line["water_lever"] else Circuit.HEATING.value
