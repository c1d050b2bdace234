"""The journal in the ledger: what every pump decided, one partition a day, and the profile that follows from it.

Protects: an entry is stored once however often an activity repeats, and never changed; a profile shows the baselines
and the band that the pump itself last decided upon.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit
from domain.ports import JournalListener
from domain.steering.journal import JournalEntry, JournalView, Standing
from ledger.models import JournalRow, Pump
from ledger.partitions import DayPartitions


class LedgerJournal:
    """`domain.ports.Journal` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine, on_entry: JournalListener | None = None) -> None:
        """`on_entry` receives every entry that was not stored before, after its commit."""
        self._engine = engine
        self._on_entry = on_entry
        self._partitions = DayPartitions(engine, JournalRow.__tablename__)

    async def append(self, entries: Sequence[JournalEntry]) -> None:
        """Store entries; one that is there already is left as it is."""
        if not entries:
            return
        await self._partitions.prepare(entry.at for entry in entries)
        async with self._engine.begin() as connection:
            rows = [_row(entry) for entry in entries]
            new = (
                insert(JournalRow)
                .values(rows)
                .on_conflict_do_nothing()
                .returning(JournalRow.pump_id, JournalRow.number)
            )
            stored = {(row.pump_id, row.number) for row in await connection.execute(new)}
            for pump_id in sorted({entry.pump_id for entry in entries if entry.standing is not None}):
                await _project(connection, pump_id)
        if self._on_entry is not None:
            for entry in entries:
                if (entry.pump_id, entry.number) in stored:
                    self._on_entry(entry)

    async def newest_number(self, pump_id: str) -> int:
        """The number of the pump's newest entry; 0 where it has none."""
        async with self._engine.connect() as connection:
            newest = await connection.scalar(select(func.max(JournalRow.number)).where(JournalRow.pump_id == pump_id))
        return newest or 0

    async def as_of(self, pump_id: str, moment: datetime) -> JournalView:
        """What the pump had decided, and stood under, at a moment."""
        before = select(JournalRow).where(JournalRow.pump_id == pump_id, JournalRow.at <= moment)
        newest = before.order_by(JournalRow.at.desc(), JournalRow.number.desc()).limit(1)
        decided: dict[Circuit, JournalEntry] = {}
        for circuit in Circuit:
            for entry in await self._entries(newest.where(JournalRow.circuit == circuit.value)):
                decided[circuit] = entry
        standing = await self._entries(newest.where(JournalRow.standing.is_not(None)))
        return JournalView(decided=decided, standing=standing[0].standing if standing else None)

    async def between(self, pump_id: str, start: datetime, end: datetime) -> Sequence[JournalEntry]:
        """A pump's entries in [start, end], oldest first."""
        query = select(JournalRow).where(JournalRow.pump_id == pump_id, JournalRow.at.between(start, end))
        return await self._entries(query.order_by(JournalRow.at, JournalRow.number))

    async def by_pump(self) -> Mapping[str, Sequence[JournalEntry]]:
        """Every entry of every pump, oldest first: for the report of a run."""
        found: dict[str, list[JournalEntry]] = {}
        query = select(JournalRow).order_by(JournalRow.pump_id, JournalRow.at, JournalRow.number)
        for entry in await self._entries(query):
            found.setdefault(entry.pump_id, []).append(entry)
        return found

    async def has_after(self, pump_id: str, moment: datetime) -> bool:
        """Whether an entry of a later moment is stored; with it all earlier ones are, for they travel in order."""
        query = select(JournalRow.number).where(JournalRow.pump_id == pump_id, JournalRow.at > moment).limit(1)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None

    async def _entries(self, query: Select[Any]) -> list[JournalEntry]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.with_only_columns(*JournalRow.__table__.columns))
            return [_entry(dict(row._mapping)) for row in rows]


async def _project(connection: AsyncConnection, pump_id: str) -> None:
    """Bring the pump's profile to the baselines and the comfort band of its newest entry, whichever was stored last."""
    newest = (
        select(JournalRow.standing)
        .where(JournalRow.pump_id == pump_id, JournalRow.standing.is_not(None))
        .order_by(JournalRow.at.desc(), JournalRow.number.desc())
        .limit(1)
    )
    known = await connection.scalar(select(Pump.profile).where(Pump.pump_id == pump_id).with_for_update())
    if known is None:
        return
    profile = PumpProfile.model_validate(known)
    standing = Standing.model_validate(await connection.scalar(newest))
    changed = profile.model_copy(update={"enrolment": profile.enrolment.model_copy(update={"band": standing.band})})
    for circuit, baseline in standing.baselines.items():
        changed = changed.rebased(circuit, baseline.setting)
    if changed != profile:
        document = changed.model_dump(mode="json")
        await connection.execute(update(Pump).where(Pump.pump_id == pump_id).values(profile=document))


_TARGET = ("mode", "authority", "until", "revision", "is_held", "is_urgent", "reason")


def _row(entry: JournalEntry) -> dict[str, Any]:
    decided = entry.decided
    return {
        "pump_id": entry.pump_id,
        "number": entry.number,
        "at": entry.at,
        "event": entry.event,
        "circuit": entry.circuit.value,
        "lever": decided.lever,
        "setting": decided.setting,
        "baseline": decided.baseline,
        "bounds": [bound.model_dump(mode="json") for bound in decided.bounds],
        "standing": entry.standing.model_dump(mode="json") if entry.standing is not None else None,
    } | {name: getattr(decided.target, name) for name in _TARGET}


def _entry(row: Mapping[str, Any]) -> JournalEntry:
    decided = {
        "target": {name: row[name] for name in _TARGET},
    } | {name: row[name] for name in ("lever", "setting", "baseline", "bounds")}
    head = {name: row[name] for name in ("pump_id", "number", "at", "event", "circuit")}
    standing = None if row["standing"] is None else Standing.model_validate(row["standing"])
    return JournalEntry.model_validate(head | {"decided": decided, "standing": standing})
