"""Commands in the ledger: their events, what is known of their writes, and the lock around a write.

Protects: an event is written once however often an activity repeats; a worker that lost its place can never write after
a newer command did.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.commands.command import Authority, Command, CommandEvent, CommandState, EventKind
from domain.commands.verification import Answer, Progress, WriteRecord
from domain.modes import Mode
from domain.ports import DecisionListener, RecordedDecision, Recorder
from ledger.models import CommandEventRow, CommandRow, Pump

LOOK_BACK = 3
"""Earlier commands searched for a write that may have been taken; refused ones cannot matter."""
_ANSWERS = {
    EventKind.ACCEPTED: Answer.ACCEPTED,
    EventKind.WRITE_REFUSED: Answer.REFUSED,
    EventKind.WRITE_LOST: Answer.LOST,
}


class LedgerCommands:
    """`domain.ports.CommandLog` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine, fences: AsyncEngine, on_decision: DecisionListener | None = None) -> None:
        """`fences` has a pool of its own: a lock is held while the same activity needs another connection.

        `on_decision` is told of every event that was not recorded before, after its commit.
        """
        self._engine = engine
        self._fences = fences
        self._on_decision = on_decision

    async def begin(self, command: Command, outbox: Sequence[CommandEvent]) -> None:
        """Write down a command and what its pump decided before it."""
        async with self._engine.begin() as connection:
            new = await _append(connection, outbox, command)
        self._announce(new)

    async def record(self, events: Sequence[CommandEvent]) -> None:
        """Append events; a line that is there already is left as it is."""
        async with self._engine.begin() as connection:
            new = await _append(connection, events)
        self._announce(new)

    def _announce(self, decisions: Sequence[RecordedDecision]) -> None:
        if self._on_decision is not None:
            for decision in decisions:
                self._on_decision(decision)

    async def newest_seq(self, pump_id: str) -> int:
        """The number of the pump's newest command; 0 where it has had none."""
        async with self._engine.connect() as connection:
            newest = await connection.scalar(select(func.max(CommandRow.seq)).where(CommandRow.pump_id == pump_id))
        return newest or 0

    async def newest_note(self, pump_id: str) -> int:
        """The number of the newest line that was noted of the pump beside its commands; 0 where there is none."""
        notes = [EventKind.DRIFTED.value, EventKind.TOUCHED.value, EventKind.REFUSED.value]
        query = select(func.max(CommandEventRow.write_no)).where(
            CommandEventRow.pump_id == pump_id, CommandEventRow.kind.in_(notes)
        )
        async with self._engine.connect() as connection:
            return await connection.scalar(query) or 0

    async def heating_in_force(self, pump_ids: Sequence[str]) -> dict[str, tuple[Mode, datetime]]:
        """The mode of each pump's newest ended heating command where that was seen obeyed, and when it was decided."""
        event, command = CommandEventRow, CommandRow
        ends = [s.value for s in CommandState if s.is_settled and s is not CommandState.SUPERSEDED]
        query = (
            select(event.pump_id, event.kind, command.mode, command.decided_at)
            .join(command, command.command_id == event.command_id)
            .where(event.kind.in_(ends), command.mode.in_([mode.value for mode in Mode]))
            .where(event.pump_id.in_(pump_ids))
            .ext(distinct_on(event.pump_id))
            .order_by(event.pump_id, command.seq.desc(), event.id.desc())
        )
        seen = (CommandState.APPLIED.value, CommandState.EFFECTIVE.value)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return {row.pump_id: (Mode(row.mode), row.decided_at) for row in rows if row.kind in seen}

    async def progress(self, command: Command) -> Progress:
        """What is known of a command's writes, and of the newest earlier write on the same lever."""
        async with self._engine.connect() as connection:
            own = await _events(connection, CommandEventRow.command_id == command.command_id)
            *others, before = (None, *await self._writes_before(connection, command))
        ended = next(
            (kind.state for kind in (EventKind(r.kind) for r in own) if kind.state and kind.state.is_settled), None
        )
        return Progress(
            writes=_writes(own), before=before, others=tuple(w for w in others if w is not None), ended=ended
        )

    async def _writes_before(self, connection: AsyncConnection, command: Command) -> tuple[WriteRecord, ...]:
        """Writes of earlier commands that may have been taken, oldest first."""
        newest = (
            select(CommandEventRow.command_id)
            .join(CommandRow, CommandRow.command_id == CommandEventRow.command_id)
            .where(
                CommandEventRow.pump_id == command.pump_id,
                CommandEventRow.lever == command.lever,
                CommandEventRow.kind == EventKind.SENT.value,
                CommandRow.seq < command.seq,
            )
            .group_by(CommandEventRow.command_id)
            .order_by(func.max(CommandEventRow.id).desc())
            .limit(LOOK_BACK)
        )
        taken: list[WriteRecord] = []
        for command_id in reversed((await connection.scalars(newest)).all()):
            writes = _writes(await _events(connection, CommandEventRow.command_id == command_id))
            taken += [write for write in writes if write.answer is not Answer.REFUSED]
        return tuple(taken)

    @asynccontextmanager
    async def fence(self, command: Command) -> AsyncIterator[Recorder | None]:
        """Hold the lever's lock in an own connection; yields how to write lines down in it, None for an older command.

        Who lost the connection lost the lock, and can write nothing down in it: a write to the vendor that is first
        written down so is never made by somebody whose lock another holds.
        """
        key = f"{command.pump_id}/{command.lever}"
        async with self._fences.connect() as connection:
            await connection.execute(select(func.pg_advisory_lock(func.hashtextextended(key, 0))))
            try:
                levels = type(command.mode)
                newest = await connection.scalar(
                    select(func.max(CommandRow.seq)).where(
                        CommandRow.pump_id == command.pump_id, CommandRow.mode.in_([level.value for level in levels])
                    )
                )
                await connection.commit()

                async def record(events: Sequence[CommandEvent]) -> None:
                    new = await _append(connection, events)
                    await connection.commit()
                    self._announce(new)

                yield record if newest is None or newest <= command.seq else None
            finally:
                if not connection.invalidated:  # else the lock is gone with its session
                    await connection.execute(select(func.pg_advisory_unlock(func.hashtextextended(key, 0))))
                    await connection.commit()


_KEPT = set(CommandRow.__table__.columns.keys())
"""The rest of a command only whoever carries it out needs."""


def _row(command: Command) -> dict[str, Any]:
    words = {"mode": command.mode.value, "authority": command.authority.value}
    return command.model_dump(mode="python", include=_KEPT) | words


async def _append(
    connection: AsyncConnection, events: Sequence[CommandEvent], *begun: Command
) -> Sequence[RecordedDecision]:
    """Append what is not there yet, and return it."""
    told = {one.command_id: one for one in (*begun, *(event.command for event in events)) if one is not None}
    # In one order: the attempts at a pump's two levers write down the same lines, and would wait for each other.
    for command in sorted(told.values(), key=lambda one: one.seq):
        await connection.execute(insert(CommandRow).values(_row(command)).on_conflict_do_nothing())
    if not events:
        return []
    rows = [event.model_dump(mode="python", exclude={"command"}) | {"kind": event.kind.value} for event in events]
    table = CommandEventRow
    new = (
        insert(table)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(table.command_id, table.pump_id, table.kind, table.write_no)
        .cte("new")
    )
    query = (
        select(new, Pump.oem, CommandRow.authority, CommandRow.decided_at)
        .join_from(new, Pump, Pump.pump_id == new.c.pump_id, isouter=True)
        .join(CommandRow, CommandRow.command_id == new.c.command_id, isouter=True)
    )
    added = {(row.command_id, row.kind, row.write_no): row for row in await connection.execute(query)}
    decisions = []
    for event in events:
        row = added.pop((event.command_id, event.kind.value, event.write_no), None)
        if row is not None:
            authority = Authority(row.authority) if row.authority is not None else None
            decisions.append(RecordedDecision(event=event, oem=row.oem, authority=authority, decided_at=row.decided_at))
    return decisions


async def _events(connection: AsyncConnection, condition: Any) -> Sequence[Any]:
    table = CommandEventRow
    query = select(table.kind, table.write_no, table.at, table.setting).where(condition).order_by(table.id)
    return (await connection.execute(query)).all()


def _writes(rows: Sequence[Any]) -> tuple[WriteRecord, ...]:
    """Fold events into writes; one that was sent and never answered counts as lost."""
    writes: dict[int, WriteRecord] = {}
    for row in rows:
        kind = EventKind(row.kind)
        if kind is EventKind.SENT:
            writes[row.write_no] = WriteRecord(
                write_no=row.write_no, at=row.at, setting=row.setting, answer=Answer.LOST
            )
        elif row.write_no in writes and kind in _ANSWERS:
            writes[row.write_no] = writes[row.write_no].model_copy(update={"answer": _ANSWERS[kind]})
        elif row.write_no in writes and kind is EventKind.WRITE_IGNORED:
            writes[row.write_no] = writes[row.write_no].model_copy(update={"ignored": True})
    return tuple(writes[n] for n in sorted(writes))
