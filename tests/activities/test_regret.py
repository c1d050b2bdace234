"""Regret of settled days: who is compared, what is known of the day, and that it costs settlement nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from activities.regret import Regrets, outdoor_that_came
from activities.settlement import DaySettled, SettleDay, SettlementActivities
from domain.modes import Mode
from domain.planning.fleet_plan import PlanningRequest
from domain.planning.series import WeatherSeries
from domain.savings.regret import Hindsight, PlannedDay, Regret
from domain.slots import SLOT
from market.tariff_files import tariffs_in
from optimizer import expected_energy
from optimizer.hindsight import hindsight
from tests.activities.ports import CLOCK, Directory, an_attempt
from tests.activities.test_settlement import AREA, DAY, START, Store, a_series, counters, no_claim

PLANNED = PlannedDay(kwh=20.0, cost_eur=1.9, slots=96, part="1/0/0", cap_kw=None)


@dataclass
class Plans:
    """`domain.savings.regret.RegretStore` in memory."""

    planned: dict[str, PlannedDay]
    kept: list[Regret] = field(default_factory=list)

    async def planned_days(self, pump_ids: Sequence[str], slots: Sequence[datetime]) -> Mapping[str, PlannedDay]:
        return {pump: plan for pump, plan in self.planned.items() if pump in pump_ids}

    async def keep_regrets(self, regrets: Sequence[Regret], at: datetime) -> None:
        self.kept += regrets


@dataclass
class Foresight:
    """The real model of a day that is over; keeps what it was asked."""

    asked: list[PlanningRequest] = field(default_factory=list)

    async def __call__(self, request: PlanningRequest, done: Mapping[str, Sequence[Mode]]) -> Hindsight:
        self.asked.append(request)
        return hindsight(request, done)


async def regrets_of(store: Store, plans: Plans, foresee: Foresight, *pumps: str) -> DaySettled:
    series = await a_series()
    acts = SettlementActivities(
        store,
        Directory(*pumps),
        series,
        tariffs_in(),
        expected_energy,
        no_claim,
        lambda _: "Europe/Berlin",
        Regrets(plans, series, foresee),
    )
    return await an_attempt().run(acts.settle_day, SettleDay(clock=CLOCK, price_area=AREA, day=DAY))


async def test_a_settled_day_is_planned_again_with_the_weather_and_the_room_that_it_began_with() -> None:
    outdoor = tuple((START + n * timedelta(hours=1), 4.0) for n in range(12))
    rooms = ((START + SLOT, 21.7), (START + timedelta(hours=9), 20.0))
    known = counters(1.0).model_copy(update={"outdoor": outdoor, "rooms": rooms})
    plans, foresee = Plans({"p-0001": PLANNED}), Foresight()
    await regrets_of(Store({"p-0001": known}), plans, foresee, "p-0001")
    (request,) = foresee.asked
    assert request.pumps[0].room_c == 21.7
    assert request.weather.cut(START, 96).outdoor_c == (4.0,) * 48 + (0.0,) * 48
    (regret,) = plans.kept
    assert (regret.homes, regret.left_out, regret.outdoor_measured) == (1, 0, 0.5)
    assert regret.planned.cost_eur == 1.9
    assert regret.settled.kwh == pytest.approx(24)
    assert regret.hindsight.done == regret.hindsight.neutral, "no decision was recorded: own control held"
    assert regret.modelled_kwh == 0


async def test_homes_that_others_held_or_that_had_no_plan_all_day_are_counted_and_not_compared() -> None:
    held = counters(1.0).model_copy(update={"is_ours": False})
    store = Store({"p-0001": counters(1.0), "p-0002": held, "p-0003": counters(1.0), "p-0004": counters(1.0)})
    plans = Plans({"p-0001": PLANNED, "p-0002": PLANNED, "p-0003": PLANNED.model_copy(update={"slots": 50})})
    await regrets_of(store, plans, Foresight(), "p-0001", "p-0002", "p-0003", "p-0004")
    (regret,) = plans.kept
    assert (regret.homes, regret.left_out) == (1, 3)
    assert regret.settled.kwh == pytest.approx(24)


async def test_a_day_that_came_out_the_same_is_not_planned_again() -> None:
    store, plans, foresee = Store({"p-0001": counters(1.0)}), Plans({"p-0001": PLANNED}), Foresight()
    await regrets_of(store, plans, foresee, "p-0001")
    await regrets_of(store, plans, foresee, "p-0001")
    assert len(foresee.asked) == 1


async def test_a_scope_that_cannot_be_planned_again_costs_settlement_nothing() -> None:
    class Broken(Foresight):
        async def __call__(self, request: PlanningRequest, done: Mapping[str, Sequence[Mode]]) -> Hindsight:
            raise ValueError("as the test says")

    plans = Plans({"p-0001": PLANNED})
    assert (await regrets_of(Store({"p-0001": counters(1.0)}), plans, Broken(), "p-0001")).settled == 1
    assert plans.kept == []


async def test_homes_under_a_limit_are_planned_again_under_their_share_of_it() -> None:
    limited = PLANNED.model_copy(update={"cap_kw": 3.0})
    store = Store({pump: counters(1.0) for pump in ("p-0001", "p-0002")})
    plans, foresee = Plans({"p-0001": limited, "p-0002": limited.model_copy(update={"slots": 5})}), Foresight()
    await regrets_of(store, plans, foresee, "p-0001", "p-0002")
    (request,) = foresee.asked
    assert request.cap_kw == pytest.approx(1.5), "the other home's share stays its own"


def test_what_units_measured_outdoors_takes_the_forecasts_place_for_an_hour() -> None:
    slots = [START + n * SLOT for n in range(96)]
    forecast = WeatherSeries(
        cell="50.0,10.0", source="test", start=START, outdoor_c=(1.0,) * 96, radiation_w_per_m2=(0.0,) * 96
    )
    readings = [(START, 3.0), (START, 5.0), (START + SLOT, 9.0)]
    came, measured = outdoor_that_came(forecast, slots, readings)
    assert came.outdoor_c[:6] == (4.0, 5.0, 5.0, 5.0, 9.0, 1.0)
    assert measured == 5 / 96
