"""Savings in the ledger: experiments, reported energy, settled home-days and claims.

Protects: what was reported stays as it was reported, garbage included; a home-day is one row, whose revision counts how
often it came out differently.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.commands.command import Authority
from domain.modes import Circuit, Mode
from domain.oem.readings import Reading
from domain.savings.claim import Claim
from domain.savings.energy import CounterReading, EnergyCourse, PowerSample, Reported, Total
from domain.savings.experiment import Experiment
from domain.savings.home_day import HomeDay
from domain.savings.ports import DayEvidence
from domain.slots import SLOT
from ledger.models import ClaimRow, EnergyReport, ExperimentRow, HomeDayRow, JournalRow, ObservationRow

BEFORE = timedelta(days=1)
"""Of reports and decisions before a day: a counter's last reading, the mode in force at its start, a copied day."""
AFTER = timedelta(hours=2)
"""Of counters after a day: the reading that ends its last slot."""
OURS = frozenset({Authority.PLAN.value, Authority.NEUTRAL.value})
ROWS = 1000
"""Reports stored in one statement."""


class LedgerSavings:
    """`domain.savings.ports.SettlementStore` on PostgreSQL, and what people read of it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def begin_experiment(self, experiment: Experiment, at: datetime) -> None:
        """From its first day on it replaces the one that ran before."""
        row = {"begins": experiment.begins, "body": experiment.model_dump(mode="json"), "given_at": at}
        async with self._engine.begin() as connection:
            await connection.execute(insert(ExperimentRow).values(row))

    async def experiment_on(self, day: date) -> Experiment | None:
        """The experiment that runs on a local day; None for none."""
        newest = select(ExperimentRow.body).where(ExperimentRow.begins <= day)
        async with self._engine.connect() as connection:
            body = await connection.scalar(
                newest.order_by(ExperimentRow.begins.desc(), ExperimentRow.id.desc()).limit(1)
            )
        return None if body is None else Experiment.model_validate(body)

    async def store_reports(self, pump_id: str, reported: Reported, received_at: datetime) -> int:
        """Append what meters and vendors reported; the same report once. Returns how many were new."""
        shared = {"pump_id": pump_id, "received_at": received_at}
        rows: list[dict[str, Any]] = [
            {"starts_at": start, "at": at, "kwh": kwh, "is_of_vendor": is_of_vendor} | shared
            for is_of_vendor, counters, totals in (
                (False, reported.counters, reported.totals),
                (True, reported.own_counters, reported.own_totals),
            )
            for start, at, kwh in (
                *((None, one.at, one.kwh) for one in counters),
                *((one.start, one.end, one.kwh) for one in totals),
            )
        ]
        stored = 0
        async with self._engine.begin() as connection:
            for start in range(0, len(rows), ROWS):
                statement = insert(EnergyReport).values(rows[start : start + ROWS]).on_conflict_do_nothing()
                stored += len((await connection.execute(statement.returning(EnergyReport.id))).all())
        return stored

    async def vendor_reported_at(self, pump_ids: Sequence[str]) -> dict[str, datetime]:
        """When the newest report of each unit's vendor was received; a unit without any is missing."""
        table = EnergyReport
        query = select(table.pump_id, func.max(table.received_at).label("received_at")).where(
            table.pump_id.in_(pump_ids), table.is_of_vendor
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.group_by(table.pump_id))
            return {row.pump_id: row.received_at for row in rows}

    async def evidence(self, pump_ids: Sequence[str], slots: Sequence[datetime]) -> Mapping[str, DayEvidence]:
        """What is known of each pump's slots, reports of the day before included; a pump without any is missing."""
        start, end = slots[0] - BEFORE, slots[-1] + SLOT
        power: dict[str, list[PowerSample]] = {}
        rooms: dict[str, list[tuple[datetime, float]]] = {}
        outdoor: dict[str, list[tuple[datetime, float]]] = {}
        async with self._engine.connect() as connection:
            reported = await _reported(connection, pump_ids, slots[0], end)
            for row in await _readings(connection, pump_ids, slots[0], end):
                reading = Reading.model_validate(row.reading)
                if reading.power_w is not None:
                    power.setdefault(row.pump_id, []).append(PowerSample(at=reading.as_of, watt=reading.power_w))
                if reading.room_c is not None:
                    rooms.setdefault(row.pump_id, []).append((reading.as_of, reading.room_c))
                if reading.outdoor_c is not None:
                    outdoor.setdefault(row.pump_id, []).append((reading.as_of, reading.outdoor_c))
            modes, others = await _modes(connection, pump_ids, start, slots[0], end)
        known = reported.keys() | power.keys() | rooms.keys() | outdoor.keys() | modes.keys()
        return {
            pump_id: DayEvidence(
                reported=reported.get(pump_id, Reported()).model_copy(update={"power": tuple(power.get(pump_id, ()))}),
                rooms=tuple(rooms.get(pump_id, ())),
                modes=tuple(modes.get(pump_id, ())),
                outdoor=tuple(outdoor.get(pump_id, ())),
                is_ours=pump_id not in others,
            )
            for pump_id in known
        }

    async def keep(self, settled: Sequence[tuple[HomeDay, EnergyCourse]], at: datetime) -> int:
        """Store home-days in place of what was; returns how many changed."""
        if not settled:
            return 0
        rows = [
            {
                "pump_id": day.pump_id,
                "day": day.day,
                "price_area": day.price_area,
                "body": day.model_dump(mode="json"),
                "energy": energy.model_dump(mode="json"),
                "revision": 1,
                "settled_at": at,
            }
            for day, energy in settled
        ]
        statement = insert(HomeDayRow).values(rows)
        new = statement.excluded
        kept = statement.on_conflict_do_update(
            index_elements=["pump_id", "day"],
            set_={name: new[name] for name in ("price_area", "body", "energy", "settled_at")}
            | {"revision": HomeDayRow.revision + 1},
            where=or_(HomeDayRow.body != new.body, HomeDayRow.energy != new.energy),
        )
        async with self._engine.begin() as connection:
            return len((await connection.execute(kept.returning(HomeDayRow.pump_id))).all())

    async def home_days(self, price_area: str, first: date, last: date) -> Sequence[HomeDay]:
        """The settled home-days of an area from one day to another, both included."""
        table = HomeDayRow
        query = select(table.body).where(table.price_area == price_area, table.day.between(first, last))
        async with self._engine.connect() as connection:
            rows = await connection.scalars(query.order_by(table.day, table.pump_id))
            return [HomeDay.model_validate(body) for body in rows]

    async def settled(self, first: date, last: date) -> Sequence[tuple[HomeDay, EnergyCourse, int]]:
        """Every settled home-day of these days with its energy and revision, by day and pump."""
        table = HomeDayRow
        query = select(table.body, table.energy, table.revision).where(table.day.between(first, last))
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(table.day, table.pump_id))
            return [
                (HomeDay.model_validate(row.body), EnergyCourse.model_validate(row.energy), row.revision)
                for row in rows
            ]

    async def keep_claim(self, claim: Claim, at: datetime) -> None:
        """Store a claim in place of the one on the same days."""
        row = {name: getattr(claim, name) for name in ("price_area", "first_day", "last_day")}
        statement = insert(ClaimRow).values(row | {"body": claim.model_dump(mode="json"), "estimated_at": at})
        kept = statement.on_conflict_do_update(
            index_elements=["price_area", "first_day", "last_day"],
            set_={"body": statement.excluded.body, "estimated_at": statement.excluded.estimated_at},
        )
        async with self._engine.begin() as connection:
            await connection.execute(kept)

    async def claims(self, first: date, last: date) -> Sequence[Claim]:
        """For each price area the claim on the longest span that lies within these days, newest last day first."""
        table = ClaimRow
        span = func.row_number().over(
            partition_by=table.price_area, order_by=(table.last_day.desc(), table.first_day.asc())
        )
        ranked = select(table.body, table.price_area, span.label("place")).where(
            table.first_day >= first, table.last_day <= last
        )
        ranked_rows = ranked.subquery()
        query = select(ranked_rows.c.body).where(ranked_rows.c.place == 1).order_by(ranked_rows.c.price_area)
        async with self._engine.connect() as connection:
            return [Claim.model_validate(body) for body in await connection.scalars(query)]


async def _reported(
    connection: AsyncConnection, pump_ids: Sequence[str], day: datetime, end: datetime
) -> dict[str, Reported]:
    """Reports on [day, end) by pump, with counters from `BEFORE` it and until `AFTER` it, in the order received."""
    table = EnergyReport
    query = select(table.pump_id, table.starts_at, table.at, table.kwh, table.is_of_vendor).where(
        table.pump_id.in_(pump_ids), table.at >= day - BEFORE, table.at <= end + AFTER
    )
    found: dict[str, dict[str, list[CounterReading | Total]]] = {}
    for row in await connection.execute(query.order_by(table.id)):
        of_pump = found.setdefault(row.pump_id, {})
        if row.starts_at is None:
            name = "own_counters" if row.is_of_vendor else "counters"
            of_pump.setdefault(name, []).append(CounterReading(at=row.at, kwh=row.kwh))
        elif row.starts_at >= day and row.at <= end:
            name = "own_totals" if row.is_of_vendor else "totals"
            of_pump.setdefault(name, []).append(Total(start=row.starts_at, end=row.at, kwh=row.kwh))
    return {pump_id: Reported.model_validate(of_pump) for pump_id, of_pump in found.items()}


async def _readings(
    connection: AsyncConnection, pump_ids: Sequence[str], start: datetime, end: datetime
) -> Sequence[Any]:
    table = ObservationRow
    query = select(table.pump_id, table.reading).where(
        table.pump_id.in_(pump_ids), table.as_of >= start, table.as_of < end
    )
    return (await connection.execute(query.order_by(table.as_of))).all()


async def _modes(
    connection: AsyncConnection, pump_ids: Sequence[str], start: datetime, day: datetime, end: datetime
) -> tuple[dict[str, list[tuple[datetime, Mode]]], set[str]]:
    """Targets of the heating from `start` on; and the pumps that anybody but us held at a time in [day, end)."""
    table = JournalRow
    query = select(table.pump_id, table.at, table.mode, table.authority).where(
        table.pump_id.in_(pump_ids),
        table.circuit == Circuit.HEATING.value,
        table.at >= start,
        table.at < end,
    )
    found: dict[str, list[tuple[datetime, Mode]]] = {}
    others: set[str] = set()
    for row in await connection.execute(query.order_by(table.at, table.number)):
        found.setdefault(row.pump_id, []).append((row.at, Mode(row.mode)))
        if row.at < day:
            others.discard(row.pump_id)  # what it held before counts only if it holds still
        if row.authority not in OURS:
            others.add(row.pump_id)
    return found, others
