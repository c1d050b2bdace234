"""Reading meters before a settlement: whose houses are asked for, for which days, and what is kept of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from activities.house_meters import MeterActivities, MetersRead, ReadMeters
from domain.planning.house_load import MeterReadings, MetersAsked
from tests.activities.ports import CLOCK, Directory, an_attempt
from tests.builders import MIDNIGHT

LAST = date(2026, 3, 29)
"""Of 23 hours."""


@dataclass
class Kept:
    """A `MeterLog`, and a `MeterSource` with one answer."""

    answer: MetersAsked
    asked: list[tuple[str, Sequence[str], datetime, datetime]] = field(default_factory=list)
    stored: list[MeterReadings] = field(default_factory=list)

    async def readings(self, price_area: str, pump_ids: Sequence[str], start: datetime, end: datetime) -> MetersAsked:
        self.asked.append((price_area, tuple(pump_ids), start, end))
        return self.answer

    async def store(self, readings: Sequence[MeterReadings], received_at: datetime) -> int:
        self.stored += readings
        return len(readings)


async def read(kept: Kept, *, with_source: bool = True) -> MetersRead:
    acts = MeterActivities(
        kept, Directory("p-0001", "p-0002"), kept if with_source else None, lambda _: "Europe/Berlin"
    )
    given = ReadMeters(clock=CLOCK, price_area="DE-LU", first_day=LAST - timedelta(days=7), last_day=LAST)
    return await an_attempt().run(acts.read_meters, given)


async def test_an_areas_homes_are_asked_for_whole_local_days_and_what_is_missing_is_handed_on() -> None:
    one = MeterReadings(pump_id="p-0001", source="a test", start=MIDNIGHT, kwh=(0.5,), raw_sha256="a" * 64)
    kept = Kept(MetersAsked(readings=(one, one), problems=("meters of p-0002: it is down",)))
    assert await read(kept) == MetersRead(houses=1, new=2, problems=("meters of p-0002: it is down",))
    ((area, pumps, start, end),) = kept.asked
    assert (area, pumps) == ("DE-LU", ("p-0001", "p-0002"))
    assert end - start == timedelta(days=8) - timedelta(hours=1)
    assert kept.stored == [one, one]


async def test_without_a_service_nothing_is_asked() -> None:
    kept = Kept(MetersAsked())
    assert await read(kept, with_source=False) == MetersRead()
    assert kept.asked == []
