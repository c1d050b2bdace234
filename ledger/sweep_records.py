"""What the sweep remembers and asks of the ledger: reads of pumps, newest commands, readings, grants, breakers.

Protects: what a pump was told is remembered for as long as the pump is steered; latencies come from the same
append-only lines that anybody can join again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, Values, column, func, select, true, values
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.commands.command import CommandState, EventKind
from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.readings import Reading
from domain.steering.sweep_policy import Expected, Reported, WatchRecord
from ledger.models import (
    CommandEventRow,
    CommandRow,
    ObservationRow,
    PumpWatch,
)
from ledger.oem.vendors import paces_of

_COLUMNS = {"pump_id", "looked_at", "as_of", "is_silent"}
"""Fields of a record with a column of their own; the others share one document."""
_LEVELS = {Circuit.HEATING: [mode.value for mode in Mode], Circuit.HOT_WATER: [mode.value for mode in HotWaterMode]}
_NOTES = (EventKind.DRIFTED, EventKind.TOUCHED)


@dataclass(frozen=True)
class Latency:
    """How long a step took over all commands that made it, in steered seconds."""

    commands: int
    p50_s: float
    p90_s: float
    p99_s: float


class LedgerSweepRecords:
    """`domain.ports.WatchLog` and `BreakerView` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def records(self, pump_ids: Sequence[str]) -> dict[str, WatchRecord]:
        """What is remembered of each pump that was ever read."""
        table = PumpWatch
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(table.pump_id, table.looked_at, table.as_of, table.is_silent, table.told).where(
                    table.pump_id.in_(pump_ids)
                )
            )
            return {row.pump_id: _record(row) for row in rows}

    async def keep(self, records: Sequence[WatchRecord]) -> None:
        """Remember, in place of what was; an older read never replaces a newer one."""
        if not records:
            return
        rows = [
            record.model_dump(include=_COLUMNS) | {"told": record.model_dump(mode="json", exclude=_COLUMNS)}
            for record in sorted(records, key=lambda r: r.pump_id)  # one order for all workers: no deadlock
        ]
        statement = insert(PumpWatch).values(rows)
        fresh = {name: getattr(statement.excluded, name) for name in ("looked_at", "as_of", "is_silent", "told")}
        async with self._engine.begin() as connection:
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["pump_id"], set_=fresh, where=PumpWatch.looked_at <= statement.excluded.looked_at
                )
            )

    async def expected(self, pump_ids: Sequence[str]) -> dict[str, tuple[Expected, ...]]:
        """The newest command of each circuit with its state, and what its workflow noted of the lever since."""
        if not pump_ids:
            return {}
        found: dict[str, tuple[Expected, ...]] = {}
        async with self._engine.connect() as connection:
            for circuit in Circuit:
                newest = await _newest(connection, pump_ids, circuit)
                lines = await _lines(connection, [row.command_id for row in newest])
                for row in newest:
                    told = lines.get(row.command_id)
                    if told:
                        one = _expected(row, circuit, told)
                        found[row.pump_id] = (*found.get(row.pump_id, ()), one)
        return found

    async def readings(self, pump_ids: Sequence[str], since: datetime) -> dict[str, list[Reading]]:
        """Readings by pump stamped from then on, oldest first."""
        table = ObservationRow
        found: dict[str, list[Reading]] = {}
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(table.pump_id, table.reading)
                .where(table.pump_id.in_(pump_ids), table.as_of >= since)
                .order_by(table.as_of)
            )
            for row in rows:
                found.setdefault(row.pump_id, []).append(Reading.model_validate(row.reading))
        return found

    async def grants(self, oem: str) -> dict[str, float]:
        """Calls a steered minute that each account of the vendor's steered pumps may make on average."""
        async with self._engine.connect() as connection:
            return await paces_of(connection, oem)

    async def latencies(self, since: datetime | None = None) -> dict[str, Latency]:
        """Steered seconds from step to step of all commands (decided from `since` on): `decided-accepted`,
        `accepted-applied`, `applied-effective` and `decided-applied`. A step that no command made is missing."""
        event = CommandEventRow
        at = {
            kind: func.min(event.at).filter(event.kind == kind.value).label(kind.value)
            for kind in (EventKind.ACCEPTED, EventKind.APPLIED, EventKind.EFFECTIVE)
        }
        lives = select(CommandRow.decided_at, *at.values()).join(event, event.command_id == CommandRow.command_id)
        if since is not None:
            lives = lives.where(CommandRow.decided_at >= since)
        life = lives.group_by(CommandRow.command_id, CommandRow.decided_at).subquery()
        steps = {
            "decided-accepted": life.c.accepted - life.c.decided_at,
            "accepted-applied": life.c.applied - life.c.accepted,
            "applied-effective": life.c.effective - life.c.applied,
            "decided-applied": life.c.applied - life.c.decided_at,
        }
        found: dict[str, Latency] = {}
        async with self._engine.connect() as connection:
            for name, span in steps.items():
                took_s = func.extract("epoch", span)
                ranks = [func.percentile_cont(p).within_group(took_s) for p in (0.5, 0.9, 0.99)]
                row = (await connection.execute(select(func.count(took_s), *ranks).select_from(life))).one()
                if row[0]:
                    found[name] = Latency(row[0], *(float(seconds) for seconds in row[1:]))
        return found


def _record(row: Any) -> WatchRecord:
    columns = {name: getattr(row, name) for name in _COLUMNS}
    kept = row.told if "told" in row.told else {"told": Reported()}
    return WatchRecord.model_validate(columns | kept)


def _ids(pump_ids: Sequence[str]) -> Values:
    return values(column("pump_id", String), name="asked").data([(pump_id,) for pump_id in pump_ids])


async def _newest(connection: AsyncConnection, pump_ids: Sequence[str], circuit: Circuit) -> Sequence[Any]:
    """The newest command of a circuit of each pump, by the index on a pump's numbers."""
    asked = _ids(pump_ids)
    newest = (
        select(CommandRow.command_id, CommandRow.mode, CommandRow.expires_at, CommandRow.lever, CommandRow.setting)
        .where(CommandRow.pump_id == asked.c.pump_id, CommandRow.mode.in_(_LEVELS[circuit]))
        .order_by(CommandRow.seq.desc())
        .limit(1)
        .lateral("newest")
    )
    found = (newest.c.command_id, newest.c.mode, newest.c.expires_at, newest.c.lever, newest.c.setting)
    query = select(asked.c.pump_id, *found)
    return (await connection.execute(query.select_from(asked.join(newest, true())))).all()


async def _lines(connection: AsyncConnection, command_ids: Sequence[str]) -> dict[str, list[Any]]:
    event = CommandEventRow
    query = (
        select(event.command_id, event.kind, event.at, event.lever, event.setting)
        .where(event.command_id.in_(command_ids))
        .order_by(event.at, event.id)
    )
    lines: dict[str, list[Any]] = {}
    for row in await connection.execute(query):
        lines.setdefault(row.command_id, []).append(row)
    return lines


def _expected(row: Any, circuit: Circuit, lines: Sequence[Any]) -> Expected:
    """Fold a command's lines, oldest first, into what is expected of its circuit."""
    states = [(state, line) for line in lines if (state := EventKind(line.kind).state) is not None]
    state, newest = states[-1] if states else (CommandState.PLANNED, lines[-1])
    sent = [line for line in lines if line.kind == EventKind.SENT]
    notes = [line for line in lines if EventKind(line.kind) in _NOTES and line.setting is not None]
    noted = max(notes, key=lambda note: note.at, default=None)
    return Expected(
        circuit=circuit,
        command_id=row.command_id,
        mode=Mode(row.mode) if circuit is Circuit.HEATING else HotWaterMode(row.mode),
        state=state,
        at=newest.at,
        expires_at=row.expires_at,
        sent_at=sent[0].at if sent else None,
        written_at=sent[-1].at if sent else None,
        lever=row.lever,
        setting=row.setting,
        noted_setting=noted.setting if noted is not None else None,
        noted_at=noted.at if noted is not None else None,
    )
