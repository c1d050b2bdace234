"""Learning with the settled day: who is due, what a record holds, and that one bad house costs the others nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from activities.learning import DAY, LOOK_BACK, HouseLearning, record_of
from activities.regret import Regrets
from activities.settlement import SettleDay, SettlementActivities
from domain.homes.enrolment import PumpProfile
from domain.homes.learned import Fitted, HouseRecord, LearnedHouse, ObservedSlot, Source
from domain.modes import Mode
from domain.planning.series import WeatherSeries
from domain.slots import SLOT
from market.tariff_files import tariffs_in
from optimizer import expected_energy
from tests.activities.ports import CLOCK, Directory, an_attempt
from tests.activities.test_regret import PLANNED, Foresight, Plans
from tests.activities.test_settlement import AREA, START, Store, a_series, no_claim
from tests.activities.test_settlement import DAY as SETTLED_DAY

END = START + DAY
BEGIN = END - LOOK_BACK
WEATHER = {BEGIN + n * SLOT: (1.0, 50.0) for n in range(LOOK_BACK // SLOT)}


def slots_seen(days: int, on_water: bool = True) -> list[ObservedSlot]:
    first = END - days * DAY
    return [ObservedSlot(first + n * SLOT, 21.0, 800.0, on_water and n == 5) for n in range(days * 96) if n % 7]


def test_a_record_holds_whole_days_with_gaps_as_gaps_and_the_modes_that_held() -> None:
    modes = [(BEGIN - SLOT, Mode.MIN), (END - DAY, Mode.MAX)]
    record = record_of(slots_seen(8), modes, WEATHER, BEGIN, END)
    assert record is not None
    assert (record.start, record.days) == (END - 8 * DAY, 8)
    assert record.room_c[:2] == [None, 21.0]
    assert record.heating_kw[1] == pytest.approx(0.8)
    assert [record.modes[0], record.modes[-96], record.modes[-97]] == [Mode.MIN, Mode.MAX, Mode.MIN]
    assert record.outdoor_c[0] == 1.0


def test_too_short_a_past_is_no_record_and_power_that_holds_the_tank_is_none_of_heating() -> None:
    assert record_of(slots_seen(6), (), WEATHER, BEGIN, END) is None
    assert record_of((), (), WEATHER, BEGIN, END) is None
    record = record_of(slots_seen(8, on_water=False), (), WEATHER, BEGIN, END)
    assert record is not None
    assert set(record.heating_kw) == {None}


def test_a_slot_without_weather_counts_as_not_observed() -> None:
    known = {slot: pair for slot, pair in WEATHER.items() if slot != END - SLOT}
    record = record_of(slots_seen(8), (), known, BEGIN, END)
    assert record is not None
    assert record.room_c[-1] is None
    assert record.outdoor_c[-1] == 1.0


@dataclass
class Houses:
    """`ObservedHouses` and `LearnedHouses` in memory."""

    days: int = 10
    kept: list[LearnedHouse] = field(default_factory=list)

    async def observed(
        self, pump_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[ObservedSlot]]:
        return {pump: slots_seen(self.days) for pump in pump_ids}

    async def modes(
        self, pump_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[tuple[datetime, Mode]]]:
        return {}

    async def newest(self, pump_ids: Sequence[str]) -> Mapping[str, LearnedHouse]:
        return {one.pump_id: one for one in self.kept if one.pump_id in pump_ids}

    async def keep(self, learned: Sequence[LearnedHouse]) -> int:
        self.kept += learned
        return len(learned)


def a_learned(profile: PumpProfile, record: HouseRecord, now: datetime) -> LearnedHouse:
    if profile.enrolment.pump_id == "p-bad":
        raise ValueError("numbers that nobody thought of")
    return LearnedHouse(
        pump_id=profile.enrolment.pump_id, learned_at=now, since=record.start, room_days=10, power_days=0
    )


async def settle(
    houses: Houses, *pump_ids: str, clock_day_later: int = 0, store: Store | None = None, regrets: Plans | None = None
) -> Foresight:
    """Settle a day; returns what it was planned again with."""
    foresee = Foresight()
    series = await a_series()
    before = WeatherSeries(
        cell="50.0,10.0",
        source="test",
        start=BEGIN,
        outdoor_c=(0.0,) * (27 * 96),
        radiation_w_per_m2=(0.0,) * (27 * 96),
    )
    await series.store_weather(before, END)
    learning = HouseLearning(houses, houses, series, a_learned, list)
    acts = SettlementActivities(
        store or Store(),
        Directory(*pump_ids),
        series,
        tariffs_in(),
        expected_energy,
        no_claim,
        lambda _: "Europe/Berlin",
        None if regrets is None else Regrets(regrets, series, foresee),
        learning=learning,
    )
    given = SettleDay(clock=CLOCK, price_area=AREA, day=SETTLED_DAY - timedelta(days=clock_day_later))
    await an_attempt().run(acts.settle_day, given)
    return foresee


async def test_a_settled_day_teaches_every_house_once_a_week_and_a_bad_one_costs_the_others_nothing() -> None:
    houses = Houses()
    await settle(houses, "p-0001", "p-bad", "p-0002")
    assert [one.pump_id for one in houses.kept] == ["p-0001", "p-0002"]
    await settle(houses, "p-0001", "p-0002")
    assert len(houses.kept) == 2
    early = houses.kept[0].model_copy(update={"learned_at": houses.kept[0].learned_at - timedelta(days=7)})
    houses.kept = [early]
    await settle(houses, "p-0001")
    assert len(houses.kept) == 2


async def test_an_older_day_that_is_settled_again_teaches_nothing() -> None:
    houses = Houses()
    await settle(houses, "p-0001", clock_day_later=3)
    assert houses.kept == []


async def test_what_was_learned_of_a_house_counts_where_nothing_was_measured_and_not_in_what_compares_arms() -> None:
    thrifty = LearnedHouse(
        pump_id="p-0001",
        learned_at=END,
        since=BEGIN,
        room_days=10,
        power_days=10,
        power=Source.LEARNED,
        power_scale=Fitted(value=0.5, low=0.4, high=0.6),
    )
    by_class, as_learned = Store(), Store()
    await settle(Houses(), "p-0001", store=by_class)
    known = Plans({"p-0001": PLANNED})
    foresee = await settle(Houses(kept=[thrifty]), "p-0001", store=as_learned, regrets=known)
    (usual, _), (learned, _) = by_class.kept["p-0001", SETTLED_DAY], as_learned.kept["p-0001", SETTLED_DAY]
    assert 0.5 * usual.kwh < learned.kwh < 0.7 * usual.kwh, "what it draws at rest was not learned"
    assert learned.expected_eur == usual.expected_eur
    assert foresee.asked[0].pumps[0].learned == thrifty
