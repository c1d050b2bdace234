"""Whole-house load in the ledger: versions, a home's base load, and a month's peaks."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.planning.house_load import MeterReadings
from domain.planning.power_charge import Peak
from ledger.energy.house_loads import LedgerHouseLoads
from ledger.models import HouseLoadRow
from ledger.savings import LedgerSavings
from tests.builders import MIDNIGHT, at
from tests.ledger.builders import enrol_pumps
from tests.ledger.savings.test_savings import DAY, a_home_day

pytestmark = pytest.mark.servers


def readings(kwh: float, sha: str, slots: int = 96) -> MeterReadings:
    return MeterReadings(pump_id="p-0001", source="a test", start=MIDNIGHT, kwh=(kwh,) * slots, raw_sha256=sha * 64)


async def test_a_later_version_counts_where_it_speaks_and_the_same_document_is_kept_once(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    houses = LedgerHouseLoads(engine)
    assert await houses.store([readings(0.5, "a")], at(25)) == 1
    assert await houses.store([readings(0.5, "a")], at(26)) == 0
    assert await houses.store([readings(1.0, "b", slots=4)], at(27)) == 1
    loads = await houses.loads_kw(["p-0001", "p-0002"], at(0), at(2))
    assert loads.keys() == {"p-0001"}
    assert list(loads["p-0001"].values()) == [4.0] * 4 + [2.0] * 4


async def test_only_what_differs_is_a_new_version_and_a_source_that_goes_back_is_believed(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    houses = LedgerHouseLoads(engine)
    assert await houses.store([readings(0.5, "a", slots=4)], at(25)) == 1
    longer = readings(0.5, "b", slots=8)
    assert await houses.store([longer], at(26)) == 1
    corrected = longer.model_copy(update={"kwh": (0.5, 2.0, 0.5, 0.5, 0.5, 2.0, 2.0, 0.5), "raw_sha256": "c" * 64})
    assert await houses.store([corrected], at(27)) == 2, "a slot, and two beside each other"
    assert await houses.store([longer], at(28)) == 2, "back to what it said before"
    assert await houses.store([longer], at(29)) == 0
    async with engine.connect() as connection:
        rows = await connection.execute(select(HouseLoadRow.starts_at, HouseLoadRow.kwh).order_by(HouseLoadRow.version))
        stored = [(at_, tuple(kwh)) for at_, kwh in rows.all()]
    assert stored[1] == (at(1), (0.5,) * 4), "the hour that was not known"
    assert stored[2:4] == [(at(0, 15), (2.0,)), (at(1, 15), (2.0, 2.0))]
    loads = await houses.loads_kw(["p-0001"], at(0), at(2))
    assert set(loads["p-0001"].values()) == {2.0}


async def test_the_base_load_of_a_home_is_its_meter_less_what_its_pump_was_settled_at(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    houses = LedgerHouseLoads(engine)
    await houses.store([readings(0.5, "a")], at(25))
    assert await houses.base_kw(["p-0001"], at(30)) == {}
    await LedgerSavings(engine).keep([a_home_day()], at(30))
    base = (await houses.base_kw(["p-0001"], at(30)))["p-0001"]
    assert base == pytest.approx(dict.fromkeys(range(24), 1.2))


async def test_a_months_peaks_are_those_of_its_settled_days_and_metered_only_if_all_are(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    savings, houses = LedgerSavings(engine), LedgerHouseLoads(engine)
    day, energy = a_home_day()
    peaks = tuple(Peak(at=at(9, 0) + timedelta(days=n), kw=4.0) for n in (0, 1))
    for n, metered in enumerate((True, False)):
        update = {"day": DAY + timedelta(days=n), "peaks": (peaks[n],), "is_house_metered": metered}
        await savings.keep([(day.model_copy(update=update), energy)], at(60))
    month = (await houses.month_peaks(["p-0001"], DAY, DAY))["p-0001"]
    assert (month.peaks, month.is_metered) == (peaks[:1], True)
    month = (await houses.month_peaks(["p-0001"], DAY, DAY + timedelta(days=5)))["p-0001"]
    assert (set(month.peaks), month.is_metered) == (set(peaks), False)
