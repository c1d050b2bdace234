"""Whole-house load in the ledger: readings as they came, the newest version of each slot, and a month's peaks.

Protects: a correction replaces nothing; it is a later version, and what was settled by an earlier one can be found.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.planning.house_load import BASE_FROM_DAYS, MeterReadings, MonthPeaks
from domain.savings.energy import EnergyCourse
from domain.savings.home_day import HomeDay
from domain.slots import SLOT, SLOT_HOURS
from ledger.models import HomeDayRow, HouseLoadRow

LONGEST = timedelta(days=40)
"""A document that begins earlier before a stretch than this does not reach into it."""


class LedgerHouseLoads:
    """`HouseLoads` and `MeterLog` of `domain.planning.house_load` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def store(self, readings: Sequence[MeterReadings], received_at: datetime) -> int:
        """See `MeterLog.store`. A source that goes back to what it said earlier is believed."""
        if not readings:
            return 0
        start = min(one.start for one in readings)
        end = max(one.start + len(one.kwh) * SLOT for one in readings)
        known = await self.loads_kw(sorted({one.pump_id for one in readings}), start, end)
        changed = [part for one in readings for part in one.where(_differs(one, known.get(one.pump_id, {})))]
        rows = [
            {
                "pump_id": one.pump_id,
                "source": one.source,
                "starts_at": one.start,
                "kwh": list(one.kwh),
                "raw_sha256": one.raw_sha256,
                "received_at": received_at,
            }
            for one in changed
        ]
        if rows:
            async with self._engine.begin() as connection:
                await connection.execute(insert(HouseLoadRow).values(rows))
        return len(rows)

    async def loads_kw(
        self, pump_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Mapping[datetime, float]]:
        """See `HouseLoads.loads_kw`."""
        table = HouseLoadRow
        query = select(table.pump_id, table.starts_at, table.kwh).where(
            table.pump_id.in_(pump_ids), table.starts_at >= start - LONGEST, table.starts_at < end
        )
        found: dict[str, dict[datetime, float]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(query.order_by(table.version)):
                known = {row.starts_at + n * SLOT: kwh / SLOT_HOURS for n, kwh in enumerate(row.kwh)}
                here = {slot: kw for slot, kw in known.items() if start <= slot < end}
                if here:
                    found.setdefault(row.pump_id, {}).update(here)
        return found

    async def base_kw(self, pump_ids: Sequence[str], before: datetime) -> Mapping[str, Mapping[int, float]]:
        """See `HouseLoads.base_kw`."""
        start = before - timedelta(days=BASE_FROM_DAYS)
        loads = await self.loads_kw(pump_ids, start, before)
        if not loads:
            return {}
        query = select(HomeDayRow.pump_id, HomeDayRow.energy).where(
            HomeDayRow.pump_id.in_(loads), HomeDayRow.day.between(start.date() - timedelta(days=1), before.date())
        )
        sums: dict[str, dict[int, list[float]]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(query):
                course, metered = EnergyCourse.model_validate(row.energy), loads[row.pump_id]
                for n, kwh in enumerate(course.kwh):
                    house_kw = metered.get(slot := course.start + n * SLOT)
                    if house_kw is not None:
                        beside = max(0.0, house_kw - kwh / SLOT_HOURS)
                        sums.setdefault(row.pump_id, {}).setdefault(slot.hour, []).append(beside)
        return {pump: {hour: sum(kws) / len(kws) for hour, kws in hours.items()} for pump, hours in sums.items()}

    async def month_peaks(self, pump_ids: Sequence[str], first: date, last: date) -> Mapping[str, MonthPeaks]:
        """See `HouseLoads.month_peaks`."""
        query = select(HomeDayRow.body).where(HomeDayRow.pump_id.in_(pump_ids), HomeDayRow.day.between(first, last))
        found: dict[str, list[HomeDay]] = {}
        async with self._engine.connect() as connection:
            for body in await connection.scalars(query):
                day = HomeDay.model_validate(body)
                if day.peaks:
                    found.setdefault(day.pump_id, []).append(day)
        return {
            pump: MonthPeaks(
                peaks=tuple(peak for day in days for peak in day.peaks),
                is_metered=all(day.is_house_metered for day in days),
            )
            for pump, days in found.items()
        }


def _differs(one: MeterReadings, known: Mapping[datetime, float]) -> list[bool]:
    """By slot, whether a reading says something new."""
    return [known.get(one.start + n * SLOT) != kwh / SLOT_HOURS for n, kwh in enumerate(one.kwh)]
