"""Houses in the ledger: observations come summed up by slot, and every version of what was learned stays."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.learning import HouseLearning
from activities.plan_requests import RequestSources
from domain.homes.learned import Fitted, HouseRecord, LearnedHouse, ObservedSlot, Source
from domain.modes import Circuit
from domain.oem.readings import Busy, Reading
from domain.planning.fleet_plan import PlanOutline, PumpForPlanning
from domain.planning.scope import scope_of
from domain.planning.series import WeatherSeries
from domain.planning.shards import Part
from domain.slots import SLOT
from ledger.houses import LedgerHouses
from ledger.journal import LedgerJournal
from ledger.observations import LedgerObservations
from ledger.pumps import LedgerPumps
from ledger.series import LedgerSeries
from market.tariff_files import tariffs_in
from optimizer.house import house_of
from optimizer.learning import learn, with_the_fleet
from tests.activities.ports import InForce
from tests.builders import MIDNIGHT, OFFSET, at
from tests.ledger.builders import enrol_pumps, prices
from tests.ledger.test_journal import a_life
from tests.optimizer.test_learning import HELD_C, a_past, a_true_house

pytestmark = pytest.mark.servers


def a_reading(minute: float, room_c: float | None, power_w: float | None = None, busy: Busy | None = None) -> Reading:
    return Reading(as_of=at(0, minute), lever=OFFSET, setting=0.0, room_c=room_c, power_w=power_w, busy=busy)


async def test_observations_are_summed_up_by_slot_and_a_charging_tank_is_no_heating(engine: AsyncEngine) -> None:
    await LedgerObservations(engine).store(
        [
            ("p-0001", a_reading(1, 21.0, 1000)),
            ("p-0001", a_reading(9, 21.5, 2400, Busy.HOT_WATER)),
            ("p-0001", a_reading(20, None, 600)),
            ("p-0001", a_reading(31, None)),
            ("p-0001", a_reading(60, 22.0)),
            ("p-0002", a_reading(1, 19.0)),
        ],
        at(2),
    )
    found = await LedgerHouses(engine).observed(["p-0001"], MIDNIGHT, at(1))
    assert found == {
        "p-0001": [
            ObservedSlot(MIDNIGHT, 21.25, 500.0, on_water=True),
            ObservedSlot(at(0, 15), None, 600.0, on_water=False),
        ]
    }


async def test_the_newest_version_is_planned_with_and_the_others_stay(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    houses = LedgerHouses(engine)
    factor = Fitted(value=0.7, low=0.5, high=0.9)
    first = LearnedHouse(pump_id="p-0001", learned_at=at(24), since=MIDNIGHT, room_days=7, power_days=0)
    second = first.model_copy(
        update={"learned_at": at(24) + timedelta(days=7), "rooms": Source.LEARNED, "capacity": factor}
    )
    assert await houses.keep([first]) == 1
    assert await houses.keep([second, first]) == 1
    assert await houses.keep([]) == 0
    assert await houses.newest(["p-0001", "p-0002"]) == {"p-0001": second}
    assert await houses.versions("p-0001") == [second, first]


def a_forecast(record: HouseRecord, day: slice, start: datetime) -> WeatherSeries:
    outdoor, sun = tuple(record.outdoor_c[day]), tuple(record.sun_w_per_m2[day])
    return WeatherSeries(cell="50.0,10.0", source="test", start=start, outdoor_c=outdoor, radiation_w_per_m2=sun)


async def store_past(engine: AsyncEngine, record: HouseRecord) -> None:
    """The observations, decisions and forecasts behind a record, one reading a slot."""
    slots = [record.start + n * SLOT for n in range(len(record.modes))]
    rows = zip(slots, record.room_c, record.heating_kw, strict=True)
    readings = [
        Reading(
            as_of=slot + timedelta(minutes=10),
            lever=OFFSET,
            setting=0.0,
            room_c=room_c,
            power_w=None if kw is None else 1000 * kw,
            busy=Busy.HOT_WATER if n == 7 else None,
        )
        for n, (slot, room_c, kw) in enumerate(rows)
    ]
    await LedgerObservations(engine).store([("p-0001", reading) for reading in readings], slots[-1])
    template = next(entry for entry in a_life() if entry.circuit is Circuit.HEATING)
    changes = [n for n in range(len(slots)) if n == 0 or record.modes[n] is not record.modes[n - 1]]
    await LedgerJournal(engine).append(
        [
            template.model_copy(
                update={
                    "number": number,
                    "at": slots[n],
                    "standing": None,
                    "decided": template.decided.model_copy(update={"mode": record.modes[n]}),
                }
            )
            for number, n in enumerate(changes, start=1)
        ]
    )
    for first in range(0, len(slots), 96):
        await LedgerSeries(engine).store_weather(
            a_forecast(record, slice(first, first + 96), slots[first]), slots[first]
        )  # fmt: skip


async def test_what_clouds_showed_of_a_house_becomes_what_its_next_plan_is_made_with(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    (profile,) = await LedgerPumps(engine).profiles(["p-0001"])
    pump = PumpForPlanning(profile=profile, room_c=HELD_C)
    true = a_true_house(pump, capacity=0.6, power_scale=1.25)
    record = a_past(true, seed=1)
    await store_past(engine, record)
    end = record.start + len(record.modes) * SLOT
    houses, series = LedgerHouses(engine), LedgerSeries(engine)
    learning = HouseLearning(houses, houses, series, learn, with_the_fleet)
    assert await learning.learn_batch([profile], end, end) == 1
    sources = RequestSources(
        series, LedgerPumps(engine), InForce(), LedgerObservations(engine), tariffs_in(), houses=houses
    )
    price_version = await series.store_prices(prices(end), end)
    weather = await series.store_weather(a_forecast(record, slice(-96, None), end), end)
    outline = PlanOutline(
        price_area="DE-LU", price_version=price_version, first_slot=end, slots=96, until=end + 96 * SLOT, pumps=1
    )  # fmt: skip
    part = Part(scope=scope_of(profile.enrolment), pump_ids=("p-0001",), weather_version=weather)
    (planned,) = (await sources.request(outline, part, 10.0, end)).pumps
    assert planned.learned is not None
    assert (planned.learned.rooms, planned.learned.power) == (Source.LEARNED, Source.LEARNED)
    house = house_of(planned)
    assert house.capacity_kwh_per_k == pytest.approx(true.capacity_kwh_per_k, rel=0.25)
    assert house.power_scale == pytest.approx(1.25, abs=0.1)
    assert house.room_held_c == pytest.approx(HELD_C, abs=0.2)
