"""Settling days: what is known becomes euros, late news changes them, and garbage never does silently."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest

from activities.settlement import DaySettled, MakeClaim, SettleDay, SettlementActivities
from domain.homes.panels import Panels
from domain.homes.settlement import Benefit, Settlement
from domain.planning.series import WeatherSeries, WholesalePrices
from domain.savings.claim import Claim
from domain.savings.energy import CounterReading, EnergyCourse, Evidence, Flag, Reported, Total
from domain.savings.experiment import Experiment
from domain.savings.home_day import HomeDay, LeftOut
from domain.savings.ports import DayEvidence
from domain.slots import SLOT
from market.tariff_files import tariffs_in
from optimizer import expected_energy
from tests.activities.ports import CLOCK, Directory, Series, an_attempt
from tests.builders import MIDNIGHT

DAY = date(2026, 1, 14)
"""The day before the clock of these tests begins."""
START = MIDNIGHT - timedelta(days=1, hours=1)
"""Local midnight."""
PUMP = "p-0001"
AREA = "DE-LU"


@dataclass
class Store:
    """`domain.savings.ports.SettlementStore` in memory."""

    known: dict[str, DayEvidence] = field(default_factory=dict)
    experiment: Experiment | None = None
    kept: dict[tuple[str, date], tuple[HomeDay, EnergyCourse]] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)

    async def experiment_on(self, day: date) -> Experiment | None:
        return self.experiment

    async def evidence(self, pump_ids: Sequence[str], slots: Sequence[datetime]) -> Mapping[str, DayEvidence]:
        return {pump: known for pump, known in self.known.items() if pump in pump_ids}

    async def keep(self, settled: Sequence[tuple[HomeDay, EnergyCourse]], at: datetime) -> int:
        new = {(day.pump_id, day.day): (day, energy) for day, energy in settled}
        changed = sum(self.kept.get(key) != value for key, value in new.items())
        self.kept |= new
        return changed

    async def home_days(self, price_area: str, first: date, last: date) -> Sequence[HomeDay]:
        return [day for day, _ in self.kept.values() if first <= day.day <= last]

    async def keep_claim(self, claim: Claim, at: datetime) -> None:
        self.claims.append(claim)


def counters(kwh_per_hour: float, hours: int = 24) -> DayEvidence:
    readings = (CounterReading(at=START + timedelta(hours=n), kwh=100 + kwh_per_hour * n) for n in range(hours + 1))
    return DayEvidence(reported=Reported(counters=tuple(readings)))


async def a_series(price: float = 100.0) -> Series:
    series = Series()
    prices = tuple(price + (50 if n < 48 else -50) for n in range(96))
    await series.store_prices(
        WholesalePrices(price_area=AREA, source="test", resolution_min=15, start=START, price_eur_per_mwh=prices),
        MIDNIGHT,
    )
    cold = WeatherSeries(
        cell="50.0,10.0", source="test", start=START, outdoor_c=(0.0,) * 96, radiation_w_per_m2=(0.0,) * 96
    )
    await series.store_weather(cold, MIDNIGHT)
    return series


def no_claim(price_area: str, days: Sequence[HomeDay]) -> Claim:
    return Claim(
        price_area=price_area,
        first_day=min(day.day for day in days),
        last_day=DAY,
        homes=1,
        steered_home_days=1,
        left_out={},
        excluded={},
        per_home_day_eur=None,
        reason="as the test says",
    )


async def settled(store: Store, series: Series | None = None, directory: Directory | None = None) -> DaySettled:
    acts = SettlementActivities(
        store,
        directory or Directory(PUMP),
        series or await a_series(),
        tariffs_in(),
        expected_energy,
        no_claim,
        lambda _: "Europe/Berlin",
    )
    return await an_attempt().run(acts.settle_day, SettleDay(clock=CLOCK, price_area=AREA, day=DAY))


async def test_a_metered_day_costs_what_its_slots_cost_and_says_what_it_rests_on() -> None:
    store = Store({PUMP: counters(1.0)})
    assert await settled(store) == DaySettled(pumps=1, settled=1, changed=1)
    day, energy = store.kept[PUMP, DAY]
    assert day.kwh == pytest.approx(24)
    assert day.cost_eur == pytest.approx(12 * 0.15 + 12 * 0.05)
    assert day.flat_cost_eur == pytest.approx(24 * 0.1)
    assert day.evidence == {Evidence.METER: pytest.approx(24)}
    assert set(energy.evidence) == {Evidence.METER}


async def test_what_the_own_roof_gave_is_counted_at_what_feeding_it_in_would_have_earned_and_said() -> None:
    directory, series = Directory(PUMP), await a_series()
    (profile,) = directory.pumps
    panels = Panels(kwp=10.0, feed_in_eur_per_mwh=20.0, house_kw=0.0)
    enrolment = profile.enrolment.model_copy(update={"panels": panels})
    directory.pumps = [profile.model_copy(update={"enrolment": enrolment})]
    noon = tuple(300.0 if 44 <= n < 52 else 0.0 for n in range(96))
    ((cold, stored_at),) = series.weather_versions
    series.weather_versions = [(cold.model_copy(update={"radiation_w_per_m2": noon}), stored_at)]
    store = Store({PUMP: counters(1.0)})
    await settled(store, series, directory)
    day = store.kept[PUMP, DAY][0]
    assert day.own_sun_kwh == pytest.approx(2.0)
    assert day.cost_eur == pytest.approx(12 * 0.15 + 12 * 0.05 - (0.15 - 0.02) - (0.05 - 0.02))


async def test_settling_again_changes_nothing_until_a_late_reading_or_a_revised_price_comes() -> None:
    store, series = Store({PUMP: counters(1.0, hours=12)}), await a_series()
    await settled(store, series)
    assert (await settled(store, series)).changed == 0
    store.known[PUMP] = counters(1.0)
    assert (await settled(store, series)).changed == 1
    revised = await a_series(price=200.0)
    assert (await settled(store, revised)).changed == 1
    assert store.kept[PUMP, DAY][0].cost_eur == pytest.approx(12 * 0.25 + 12 * 0.15)


async def test_garbage_is_counted_and_the_day_costs_what_it_cost_without_it() -> None:
    clean = Store({PUMP: counters(1.0)})
    await settled(clean)
    negative = CounterReading(at=START + timedelta(hours=3, minutes=30), kwh=-5.0)
    tomorrow = CounterReading(at=MIDNIGHT + timedelta(days=1), kwh=130.0)
    wild = (*counters(1.0).reported.counters, negative, tomorrow)
    dirty = Store({PUMP: DayEvidence(reported=Reported(counters=wild))})
    await settled(dirty)
    before, after = clean.kept[PUMP, DAY][0], dirty.kept[PUMP, DAY][0]
    assert after.excluded == {Flag.NEGATIVE: 1, Flag.FUTURE: 1}
    assert after.cost_eur == before.cost_eur


async def test_a_vendor_s_day_is_settled_and_its_garbage_is_counted_and_changes_no_euro() -> None:
    end = START + timedelta(days=1)
    day = Total(start=START, end=end, kwh=20.0)
    garbage = (
        Total(start=START, end=end, kwh=-3.0),
        Total(start=START, end=end, kwh=2_000.0),
        Total(start=end, end=end + timedelta(days=1), kwh=18.0),
    )
    clean = Store({PUMP: DayEvidence(reported=Reported(own_totals=(day,)))})
    dirty = Store({PUMP: DayEvidence(reported=Reported(own_totals=(day, *garbage)))})
    await settled(clean)
    await settled(dirty)
    before, after = clean.kept[PUMP, DAY][0], dirty.kept[PUMP, DAY][0]
    assert before.evidence == {Evidence.TOTAL: pytest.approx(20.0, abs=96 * 0.00001)}, "slots are rounded"
    assert after.excluded == {Flag.NEGATIVE: 1, Flag.TOO_HIGH: 1, Flag.FUTURE: 1}
    assert after.cost_eur == before.cost_eur


async def test_a_day_of_which_nothing_was_measured_is_settled_by_the_model_and_not_compared() -> None:
    store = Store(experiment=Experiment(seed=1, begins=DAY))
    await settled(store)
    day, _ = store.kept[PUMP, DAY]
    assert day.evidence.keys() == {Evidence.MODEL}
    assert day.kwh > 0
    assert day.left_out is LeftOut.MODELLED


async def test_a_home_that_nobody_may_move_is_not_compared() -> None:
    store = Store({PUMP: counters(1.0)}, Experiment(seed=1, begins=DAY))
    directory = Directory(PUMP)
    (profile,) = directory.pumps
    billed = {"settlement": Settlement.PROFILE, "benefit": Benefit.SUPPLIER}
    enrolment = profile.enrolment.model_copy(update=billed)
    directory.pumps = [profile.model_copy(update={"enrolment": enrolment})]
    await settled(store, directory=directory)
    assert store.kept[PUMP, DAY][0].left_out is LeftOut.NOT_STEERABLE


async def test_without_prices_nothing_is_settled_and_the_reason_is_said() -> None:
    store = Store({PUMP: counters(1.0)})
    found = await settled(store, Series())
    assert (found.settled, found.reason) == (0, f"no prices of {DAY} are published yet")
    assert not store.kept


async def test_the_heat_that_a_day_borrowed_is_settled_in_its_counterfactual() -> None:
    even = Store({PUMP: counters(1.0).model_copy(update={"rooms": _rooms(21.0, 21.0)})})
    colder = Store({PUMP: counters(1.0).model_copy(update={"rooms": _rooms(21.5, 20.5)})})
    await settled(even)
    await settled(colder)
    assert colder.kept[PUMP, DAY][0].unsteered_eur > even.kept[PUMP, DAY][0].unsteered_eur


async def test_what_a_day_is_expected_to_cost_does_not_know_the_room_that_steering_made() -> None:
    usual = Store({PUMP: counters(1.0).model_copy(update={"rooms": _rooms(21.0, 21.0)})})
    warmer = Store({PUMP: counters(1.0).model_copy(update={"rooms": _rooms(21.5, 21.5)})})
    await settled(usual)
    await settled(warmer)
    assert warmer.kept[PUMP, DAY][0].room_c == 21.5
    assert warmer.kept[PUMP, DAY][0].expected_eur == usual.kept[PUMP, DAY][0].expected_eur > 0


def _rooms(first_c: float, last_c: float) -> tuple[tuple[datetime, float], ...]:
    return (START + SLOT, first_c), (START + timedelta(hours=23), last_c)


async def test_a_claim_is_stored_for_the_days_it_was_asked_for() -> None:
    store = Store({PUMP: counters(1.0)})
    await settled(store)
    acts = SettlementActivities(
        store, Directory(PUMP), await a_series(), tariffs_in(), expected_energy, no_claim, lambda _: "Europe/Berlin"
    )
    first = DAY.replace(day=1)
    given = MakeClaim(clock=CLOCK, price_area=AREA, first_day=first, last_day=DAY)
    claim = await an_attempt().run(acts.claim_savings, given)
    assert claim is not None
    assert (claim.first_day, claim.last_day) == (first, DAY)
    assert store.claims == [claim]
