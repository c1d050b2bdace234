"""What the ledger knows of the fleet at one moment, in figures: vendors, plans, prices, weather.

Protects: figures come from the same rows that commands and reports read; a figure nobody knows is None.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Double, Float, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import CommandState, EventKind
from domain.homes.comfort import ComfortBand
from domain.homes.site import FLOOR_BELOW_BAND_K, LOWEST_FLOOR_C, floor_c
from ledger.models import (
    CommandEventRow,
    CommandRow,
    FleetPlan,
    ObservationRow,
    PlanPart,
    PriceVersion,
    Pump,
    PumpWatch,
    QuarantinedDocument,
    WeatherVersion,
)

DAY = timedelta(hours=24)
ROOM_MAX_AGE = timedelta(hours=3)
"""An older room reading says nothing of the room now."""


@dataclass(frozen=True)
class Rooms:
    """Newest room readings of a vendor's pumps."""

    read: int = 0
    below_floor: int = 0
    lowest_c: float | None = None
    mean_c: float | None = None


@dataclass(frozen=True)
class SeriesTimes:
    """When a series was last stored and how far it reaches."""

    stored_at: datetime
    ends_at: datetime


class LedgerFleet:
    """Read-only questions over all pumps, each answered by one query, or two."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def steered(self) -> Mapping[str, str]:
        """The vendor of every steered pump."""
        rows = await self._rows(select(Pump.pump_id, Pump.oem).where(Pump.retired_at.is_(None)))
        return {row.pump_id: row.oem for row in rows}

    async def offline(self) -> Mapping[str, int]:
        """Steered pumps that their cloud is silent on, by vendor."""
        rows = await self._rows(
            select(Pump.oem, func.count().label("pumps"))
            .join(PumpWatch, PumpWatch.pump_id == Pump.pump_id)
            .where(Pump.retired_at.is_(None), PumpWatch.is_silent)
            .group_by(Pump.oem)
        )
        return {row.oem: row.pumps for row in rows}

    async def commands(self, now: datetime) -> Mapping[str, dict[CommandState, int]]:
        """Commands decided within a day before `now`, by vendor and the newest state their events name."""
        event, command = CommandEventRow, CommandRow
        newest = (
            select(event.command_id, event.pump_id, event.kind)
            .join(command, command.command_id == event.command_id)
            .where(command.decided_at > now - DAY, event.kind.in_([state.value for state in CommandState]))
            .ext(distinct_on(event.command_id))
            .order_by(event.command_id, event.at.desc(), event.id.desc())
            .subquery()
        )
        rows = await self._rows(
            select(Pump.oem, newest.c.kind, func.count().label("commands"))
            .join(newest, newest.c.pump_id == Pump.pump_id)
            .group_by(Pump.oem, newest.c.kind)
        )
        found: defaultdict[str, dict[CommandState, int]] = defaultdict(dict)
        for row in rows:
            found[row.oem][CommandState(row.kind)] = row.commands
        return found

    async def notes(self, now: datetime) -> Mapping[tuple[str, EventKind], int]:
        """Drifts and manual changes seen within a day before `now`, by vendor and kind."""
        event = CommandEventRow
        kinds = [EventKind.DRIFTED.value, EventKind.TOUCHED.value]
        rows = await self._rows(
            select(Pump.oem, event.kind, func.count().label("notes"))
            .join(Pump, Pump.pump_id == event.pump_id)
            .where(event.kind.in_(kinds), event.at > now - DAY)
            .group_by(Pump.oem, event.kind)
        )
        return {(row.oem, EventKind(row.kind)): row.notes for row in rows}

    async def rooms(self, now: datetime) -> Mapping[str, Rooms]:
        """The newest room readings of steered pumps, by vendor; the floor follows from the household's band of now."""
        table = ObservationRow
        room = cast(table.reading["room_c"].astext, Double)
        newest = (
            select(table.pump_id, room.label("room_c"))
            .where(table.as_of > now - ROOM_MAX_AGE, table.as_of <= now + ROOM_MAX_AGE)
            .ext(distinct_on(table.pump_id))
            .order_by(table.pump_id, table.as_of.desc())
            .subquery()
        )
        band = Pump.profile["enrolment"]["band"]
        floor = func.greatest(LOWEST_FLOOR_C, cast(band["room_min_c"].astext, Double) - FLOOR_BELOW_BAND_K)
        has_week = band["week"].astext.is_not(None)
        steered = Pump.retired_at.is_(None)
        rows = await self._rows(
            select(
                Pump.oem,
                func.count(newest.c.room_c).label("read"),
                func.count().filter(newest.c.room_c < floor, ~has_week).label("below_floor"),
                func.min(newest.c.room_c).label("lowest_c"),
                cast(func.avg(newest.c.room_c), Float).label("mean_c"),
            )
            .join(newest, newest.c.pump_id == Pump.pump_id)
            .where(steered)
            .group_by(Pump.oem)
        )
        by_week = await self._rows(
            select(Pump.oem, newest.c.room_c, band.label("band"))
            .join(newest, newest.c.pump_id == Pump.pump_id)
            .where(steered, has_week, newest.c.room_c.is_not(None))
        )
        too_cold = Counter(r.oem for r in by_week if r.room_c < floor_c(ComfortBand.model_validate(r.band), now))
        return {r.oem: Rooms(r.read, r.below_floor + too_cold[r.oem], r.lowest_c, r.mean_c) for r in rows}

    async def price_times(self) -> Mapping[str, SeriesTimes]:
        """Of every price area that ever had prices."""
        table = PriceVersion
        times = (func.max(table.stored_at).label("stored_at"), func.max(table.ends_at).label("ends_at"))
        rows = await self._rows(select(table.price_area, *times).group_by(table.price_area))
        return {row.price_area: SeriesTimes(row.stored_at, row.ends_at) for row in rows}

    async def plans_end(self) -> Mapping[str, datetime]:
        """The latest end of any plan of ours that pumps were given, by price area.

        A submitted plan may speak of one pump alone, and does not stand for a day that was not planned.
        """
        plan = FleetPlan
        query = (
            select(plan.price_area, func.max(plan.until).label("until"))
            .join(PlanPart, PlanPart.revision == plan.revision)
            .where(plan.is_preview.is_(False), plan.submission.is_(None))
            .group_by(plan.price_area)
        )
        return {row.price_area: row.until for row in await self._rows(query)}

    async def weather_stored(self) -> datetime | None:
        """When the newest forecast of a cell with steered pumps was stored, of the cell where that is longest ago."""
        table, cell = WeatherVersion, Pump.profile["enrolment"]["weather_cell"].astext
        cells = select(cell.label("cell")).where(Pump.retired_at.is_(None)).distinct().subquery()
        newest = (
            select(func.max(table.stored_at).label("stored_at"))
            .join(cells, cells.c.cell == table.cell)
            .group_by(table.cell)
            .subquery()
        )
        async with self._engine.connect() as connection:
            stored_at: datetime | None = await connection.scalar(select(func.min(newest.c.stored_at)))
        return stored_at

    async def quarantined(self) -> Mapping[str, int]:
        """Documents that were ever not believed, by kind."""
        table = QuarantinedDocument
        rows = await self._rows(select(table.kind, func.count().label("documents")).group_by(table.kind))
        return Counter({row.kind: row.documents for row in rows})

    async def _rows(self, query: Any) -> Sequence[Any]:
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).all()
