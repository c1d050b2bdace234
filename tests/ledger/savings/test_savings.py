"""Savings in the ledger: reports as they came, home-days once, experiments by day, claims by span."""

from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.oem.readings import Reading
from domain.savings.claim import Claim
from domain.savings.energy import CounterReading, EnergyCourse, Evidence, Reported, Total
from domain.savings.experiment import Experiment
from domain.savings.home_day import HomeDay
from domain.slots import SLOT
from ledger.observations import LedgerObservations
from ledger.savings import LedgerSavings
from tests.builders import MIDNIGHT, OFFSET, at
from tests.ledger.builders import enrol_pumps

pytestmark = pytest.mark.servers

DAY = date(2026, 1, 15)
SLOTS = tuple(MIDNIGHT + n * SLOT for n in range(96))


def a_home_day(cost_eur: float = 2.0, pump_id: str = "p-0001") -> tuple[HomeDay, EnergyCourse]:
    energy = EnergyCourse(start=MIDNIGHT, kwh=(0.2,) * 96, evidence=(Evidence.METER,) * 96)
    return HomeDay(
        pump_id=pump_id,
        price_area="DE-LU",
        day=DAY,
        arm=None,
        kwh=19.2,
        cost_eur=cost_eur,
        flat_cost_eur=2.0,
        expected_eur=2.0,
        unsteered_eur=2.1,
        room_c=21.0,
        outdoor_c=1.0,
        kelvin_hours=0.0,
        evidence={Evidence.METER: 19.2},
        excluded={},
        price_version=1,
    ), energy


async def test_a_home_day_is_one_row_and_its_revision_counts_how_often_it_came_out_differently(
    engine: AsyncEngine,
) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    savings = LedgerSavings(engine)
    both = [a_home_day(), a_home_day(pump_id="p-0002")]
    assert await savings.keep(both, at(30)) == 2
    assert await savings.keep(both, at(31)) == 0
    assert await savings.keep([a_home_day(cost_eur=1.5), both[1]], at(32)) == 1
    kept = await savings.settled(DAY, DAY)
    assert [(day.pump_id, day.cost_eur, revision) for day, _, revision in kept] == [
        ("p-0001", 1.5, 2),
        ("p-0002", 2.0, 1),
    ]
    assert await savings.home_days("DE-LU", DAY, DAY) == [day for day, _, _ in kept]


async def test_what_a_vendor_counted_is_kept_apart_from_a_meter_s_figures(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    savings = LedgerSavings(engine)
    meter, own = CounterReading(at=at(5), kwh=10_450.0), CounterReading(at=at(5), kwh=812.0)
    day = Total(start=MIDNIGHT, end=at(24), kwh=12.6)
    reported = Reported(counters=(meter,), own_counters=(own,), totals=(day,), own_totals=(day,))
    assert await savings.store_reports("p-0001", reported, at(30)) == 4
    assert await savings.store_reports("p-0001", reported, at(31)) == 0
    assert (await savings.evidence(["p-0001"], SLOTS))["p-0001"].reported == reported
    await savings.store_reports("p-0002", Reported(counters=(meter,)), at(32))
    assert await savings.vendor_reported_at(["p-0001", "p-0002"]) == {"p-0001": at(30)}


async def test_reports_are_kept_as_they_came_and_the_same_one_once(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    savings = LedgerSavings(engine)
    counters = tuple(CounterReading(at=at(n), kwh=100.0 - n) for n in range(4))
    total = Total(start=MIDNIGHT, end=at(24), kwh=-3.0)
    reported = Reported(counters=counters, totals=(total,))
    assert await savings.store_reports("p-0001", reported, at(30)) == 5
    assert await savings.store_reports("p-0001", reported, at(31)) == 0
    reading = Reading(as_of=at(5), lever=OFFSET, setting=0.0, room_c=20.5, power_w=900.0)
    await LedgerObservations(engine).store([("p-0001", reading)], at(5))
    found = (await savings.evidence(["p-0001", "p-0002"], SLOTS))["p-0001"]
    assert found.reported.counters == counters
    assert found.reported.totals == (total,)
    assert [(sample.at, sample.watt) for sample in found.reported.power] == [(at(5), 900.0)]
    assert found.rooms == ((at(5), 20.5),)


async def test_the_experiment_of_a_day_is_the_one_that_began_last(engine: AsyncEngine) -> None:
    savings = LedgerSavings(engine)
    assert await savings.experiment_on(DAY) is None
    first = Experiment(seed=1, begins=DAY)
    later = Experiment(seed=2, begins=DAY + timedelta(days=28), holdout_share=0, switchback_share=0)
    await savings.begin_experiment(later, at(0))
    await savings.begin_experiment(first, at(1))
    assert await savings.experiment_on(DAY - timedelta(days=1)) is None
    assert await savings.experiment_on(DAY + timedelta(days=27)) == first
    assert await savings.experiment_on(DAY + timedelta(days=28)) == later


async def test_a_claim_replaces_the_one_on_the_same_days_and_the_longest_is_shown(engine: AsyncEngine) -> None:
    savings = LedgerSavings(engine)

    def claim(last: date, homes: int) -> Claim:
        return Claim(
            price_area="DE-LU",
            first_day=DAY.replace(day=1),
            last_day=last,
            homes=homes,
            steered_home_days=0,
            left_out={},
            excluded={},
            per_home_day_eur=None,
        )

    await savings.keep_claim(claim(DAY, 3), at(0))
    await savings.keep_claim(claim(DAY, 4), at(1))
    await savings.keep_claim(claim(DAY + timedelta(days=1), 5), at(2))
    assert [one.homes for one in await savings.claims(DAY.replace(day=1), DAY)] == [4]
    assert [one.homes for one in await savings.claims(DAY.replace(day=1), date(2026, 1, 31))] == [5]
