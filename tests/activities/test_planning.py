"""Dividing, solving and delivering: shards from enrolment, requests from what is known, and a fan-out that resumes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import pytest
from temporalio.exceptions import ApplicationError

from activities import planning
from activities.plan_requests import RequestSources
from activities.planning import ClosePlan, DeliverShard, OpenPlan, PlanningActivities, SolveShard
from domain.homes.panels import Panels
from domain.homes.settlement import Benefit, Settlement
from domain.modes import Circuit, Mode
from domain.oem.readings import Reading
from domain.planning.fleet_plan import FleetPlanResult, PlannedPump, PlanningRequest
from domain.planning.load_curve import DeviationPrices, ExpectedLoad, NominatedPower, Nomination
from domain.planning.scope import GridCaps
from domain.ports import Planner
from domain.savings.experiment import Arm, Experiment
from market.tariff_files import tariffs_in
from tests.activities.ports import (
    CLOCK,
    Deliveries,
    Directory,
    InForce,
    Observations,
    Plans,
    Series,
    WorkerDied,
    an_attempt,
    heartbeats_of,
)
from tests.builders import MIDNIGHT, a_reading, at
from tests.ledger.builders import a_result, prices, weather


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "DELIVER_AGAIN_AFTER_S", 0.0)


FLEET = ("p-0001", "p-0002", "p-0003", "p-0004", "p-0005")
GIVEN = DeliverShard(revision=7, shard=3)


def activities_of(
    directory: Directory,
    plans: Plans,
    planner: Planner,
    deliveries: Deliveries | None = None,
    series: Series | None = None,
    in_force: InForce | None = None,
    readings: dict[str, Reading] | None = None,
) -> PlanningActivities:
    logs = in_force or InForce(), Observations(readings)
    sources = RequestSources(series or Series(), directory, *logs, tariffs_in())
    return PlanningActivities(sources, plans, planner, deliveries or Deliveries(), tz_of)


def tz_of(price_area: str) -> str:
    return {"DE-LU": "Europe/Berlin", "FI": "Europe/Helsinki"}[price_area]


def handing_out(deliveries: Deliveries) -> PlanningActivities:
    return activities_of(Directory(*FLEET), Plans(*FLEET), never, deliveries)


async def never(request: PlanningRequest) -> FleetPlanResult:
    raise AssertionError("nothing is solved here")


async def test_every_pump_is_handed_its_plan_and_only_takers_count() -> None:
    deliveries, env = Deliveries(retired=["p-0002", "p-0005"]), an_attempt()
    beats = heartbeats_of(env)
    assert await env.run(handing_out(deliveries).deliver_shard, GIVEN) == 3
    assert deliveries.reached == list(FLEET)
    assert beats == [("p-0001", 1, []), ("p-0002", 1, []), ("p-0003", 2, []), ("p-0004", 3, []), ("p-0005", 3, [])]


async def test_a_fan_out_goes_on_after_the_last_heartbeat_and_keeps_its_count() -> None:
    lost, env = Deliveries(retired=["p-0002"], dies_at="p-0004"), an_attempt()
    beats = heartbeats_of(env)
    with pytest.raises(WorkerDied):
        await env.run(handing_out(lost).deliver_shard, GIVEN)
    assert lost.reached == ["p-0001", "p-0002", "p-0003"]
    rest = Deliveries(retired=["p-0002"])
    assert await an_attempt(*beats[-1]).run(handing_out(rest).deliver_shard, GIVEN) == 4
    assert rest.reached == ["p-0004", "p-0005"]


async def test_a_pump_that_cannot_be_reached_does_not_cost_the_others_their_plan() -> None:
    deliveries, env = Deliveries(unreachable=["p-0001", "p-0003"]), an_attempt()
    beats = heartbeats_of(env)
    assert await env.run(handing_out(deliveries).deliver_shard, GIVEN) == 3
    assert deliveries.reached == ["p-0002", "p-0004", "p-0005"]
    assert beats[0][:2] == ("p-0001", 0), "the next attempt does not get stuck on it"


async def test_pumps_that_were_missed_while_the_server_was_away_are_told_after_the_others() -> None:
    deliveries, env = Deliveries(unreachable=["p-0001", "p-0003"], fails=3), an_attempt()
    beats = heartbeats_of(env)
    assert await env.run(handing_out(deliveries).deliver_shard, GIVEN) == 5
    assert deliveries.reached == ["p-0002", "p-0004", "p-0005", "p-0003", "p-0001"]
    # A worker that takes over in the middle still knows whom to tell again, and counts nobody twice.
    rest = Deliveries()
    assert await an_attempt("p-0005", 3, ["p-0001", "p-0003"]).run(handing_out(rest).deliver_shard, GIVEN) == 5
    assert rest.reached == ["p-0001", "p-0003"]
    assert beats[4] == ("p-0005", 3, ["p-0001", "p-0003"])


async def a_solver(request: PlanningRequest) -> FleetPlanResult:
    """Two hours of MAX, then LOW, for everybody."""
    modes = (Mode.MAX,) * 8 + (Mode.LOW,) * (request.slots - 8)
    pumps = tuple(
        PlannedPump(
            pump_id=p.profile.enrolment.pump_id,
            modes=modes,
            expected_room_c=(21.0,) * request.slots,
            expected_power_kw=(1.0,) * request.slots,
            steered=True,
        )
        for p in request.pumps
    )
    return a_result().model_copy(update={"pumps": pumps})


@dataclass
class Asked:
    """A planner that remembers what it was asked, and fails for the grid areas it is told."""

    failing: set[str] = field(default_factory=set)
    requests: list[PlanningRequest] = field(default_factory=list)

    async def __call__(self, request: PlanningRequest) -> FleetPlanResult:
        self.requests.append(request)
        if {p.profile.enrolment.grid_area for p in request.pumps} & self.failing:
            raise ValueError("nothing is finite here")
        return await a_solver(request)

    @property
    def areas(self) -> list[str]:
        return [request.pumps[0].profile.enrolment.grid_area for request in self.requests]


def spread(directory: Directory, **places: dict[str, str]) -> Directory:
    """Pumps enrolled elsewhere than the builders' usual place; `p_0001` for pump p-0001."""
    for index, profile in enumerate(directory.pumps):
        changed = places.get(profile.enrolment.pump_id.replace("-", "_"), {})
        enrolment = profile.enrolment.model_copy(update=changed)
        directory.pumps[index] = profile.model_copy(update={"enrolment": enrolment})
    return directory


async def opening(series: Series, caps: GridCaps | None = None, most_pumps: int = 2000) -> OpenPlan:
    return OpenPlan(
        clock=CLOCK,
        key="run-1",
        price_area="DE-LU",
        price_version=await series.store_prices(prices(), at(1)),
        weather_versions={"50.0,10.0": await series.store_weather(weather(), at(1))},
        first_slot=at(6, 15),
        slots=40,
        until=at(10, 15),
        caps=caps or GridCaps(share=0.5),
        most_pumps=most_pumps,
    )


def solving(shard: int = 0) -> SolveShard:
    return SolveShard(clock=CLOCK, revision=1, shard=shard, budget_s=10)


async def test_the_solver_gets_a_homes_own_surplus_for_its_slots_unless_the_supplier_is_to_save() -> None:
    series, plans, asked = Series(), Plans(), Asked()
    directory = Directory("p-0001", "p-0002", "p-0003")
    panels = Panels(kwp=8.0, feed_in_eur_per_mwh=80.0, house_kw=0.2)
    of_homes: list[dict[str, object]] = [{"panels": panels}, {"panels": panels, "benefit": Benefit.SUPPLIER}, {}]
    for index, changed in enumerate(of_homes):
        profile = directory.pumps[index]
        enrolment = profile.enrolment.model_copy(update=changed)
        directory.pumps[index] = profile.model_copy(update={"enrolment": enrolment})
    opening_now = await opening(series)
    ((forecast, stored_at),) = series.weather_versions
    series.weather_versions = [(forecast.model_copy(update={"radiation_w_per_m2": (200.0,) * 96}), stored_at)]
    activities = activities_of(directory, plans, asked, series=series)
    await an_attempt().run(activities.open_plan, opening_now)
    shards = await plans.shard_count(1)
    for shard in range(shards):
        await an_attempt().run(activities.solve_shard, solving(shard))
    suns = {pump.profile.enrolment.pump_id: pump.own_sun for request in asked.requests for pump in request.pumps}
    roof = suns["p-0001"]
    assert roof is not None
    assert (len(roof.surplus_kw), roof.feed_in_eur_per_mwh) == (40, 80.0)
    assert max(roof.surplus_kw) > 1.0
    assert (suns["p-0002"], suns["p-0003"]) == (None, None)


async def test_the_solver_gets_rooms_only_from_fresh_readings_and_series_cut_to_its_slots() -> None:
    series, plans, asked = Series(), Plans(), Asked()
    activities = activities_of(
        Directory("p-0001", "p-0002", "p-0003"),
        plans,
        asked,
        series=series,
        in_force=InForce({"p-0002": (Mode.MAX, at(5, 30))}),
        readings={"p-0001": a_reading(0.0, at(6)), "p-0002": a_reading(0.0, at(4, 30))},
    )
    opened = await an_attempt().run(activities.open_plan, await opening(series))
    assert (opened.revision, opened.shards, opened.pumps) == (1, 1, 3)
    assert await an_attempt().run(activities.solve_shard, solving()) == 3
    (request,) = asked.requests
    assert [pump.room_c for pump in request.pumps] == [21.0, None, None]
    assert [(pump.mode, pump.held_slots) for pump in request.pumps] == [(Mode.LOW, 96), (Mode.MAX, 3), (Mode.LOW, 96)]
    assert request.prices.start == request.weather.start == at(6, 15)
    assert request.prices.price_eur_per_mwh == prices().price_eur_per_mwh[25:65]
    assert len(request.weather.outdoor_c) == 40
    assert request.cap_kw == pytest.approx(0.5 * 3 * 8 / 2.5)
    assert request.budget_s == 10
    ((solved, shares),) = plans.parts.values()
    assert (solved.pumps, solved.certificate.cost_eur) == (3, 10.0)
    assert set(shares) == {"p-0001", "p-0002", "p-0003"}
    share = shares["p-0003"]
    assert (share.revision, share.valid_until) == (1, at(10, 15))
    assert share.level_at(Circuit.HEATING, at(6, 15)) is Mode.MAX
    assert share.level_at(Circuit.HEATING, at(8, 15)) is Mode.LOW
    assert share.level_at(Circuit.HEATING, MIDNIGHT) is Mode.LOW
    closed = await an_attempt().run(activities.close_plan, ClosePlan(clock=CLOCK, revision=1, failed={}))
    assert closed.certificate == solved.certificate
    assert plans.failed == {1: {}}


async def test_pumps_are_planned_by_tariff_and_settlement_and_who_earns_nothing_is_not_moved() -> None:
    series, plans, asked = Series(), Plans(), Asked()
    homes = spread(
        Directory("p-0001", "p-0002", "p-0003"),
        p_0002={"tariff": "de-module-3", "settlement": Settlement.HOUR},
        p_0003={"settlement": Settlement.PROFILE, "benefit": Benefit.SUPPLIER},
    )
    activities = activities_of(homes, plans, asked, series=series)
    await an_attempt().run(activities.open_plan, await opening(series))
    assert await an_attempt().run(activities.solve_shard, solving()) == 3
    paid = {r.pumps[0].profile.enrolment.pump_id: r.prices.price_eur_per_mwh for r in asked.requests}
    spot = prices().price_eur_per_mwh
    assert paid["p-0001"] == spot[25:65]
    assert set(paid["p-0003"]) == {sum(spot) / len(spot)}
    hour = (spot[24] + spot[25] + spot[26] + spot[27]) / 4
    fees = 18.0 + 86.2 + 20.5 + 13.2 + 29.46
    assert paid["p-0002"][0] == pytest.approx(1.19 * (hour + fees)), "an hour's mean, also of quarters before the plan"
    assert [r.pumps[0].may_move for r in asked.requests] == [True, True, False]
    kept = {pump: solved.price_eur_per_mwh for solved, shares in plans.parts.values() for pump in shares}
    assert kept == paid, "a plan keeps what its homes paid"


@dataclass
class Given:
    """`domain.ports.Nominations` of one nomination, of which a load curve expected everything of two pumps."""

    nomination: Nomination
    asked: list[tuple[str, datetime]] = field(default_factory=list)

    async def nominations(self, price_area: str, first_slot: datetime) -> Sequence[Nomination]:
        self.asked.append((price_area, first_slot))
        return [self.nomination]

    async def expected_loads(self, nomination: Nomination) -> Sequence[ExpectedLoad]:
        assert nomination == self.nomination
        return [ExpectedLoad(pump_ids=("p-0001", "p-0002"), load_kw=(6.0,) * 96)]


@pytest.mark.parametrize("keeps", [True, False])
async def test_the_solver_is_told_what_was_nominated_of_its_pumps_unless_that_is_still_to_be_found_out(
    keeps: bool,
) -> None:
    series, plans, asked = Series(), Plans(), Asked()
    power = NominatedPower(
        power_kw=tuple(float(n) for n in range(96)),
        prices=DeviationPrices(up_eur_per_mwh=60, down_eur_per_mwh=40),
        curve=5,
    )
    nomination = Nomination(
        number=1, area="DE-LU", price_area="DE-LU", first_slot=at(0), power=power, revision=9, given_at=at(0)
    )
    given, logs = Given(nomination), (InForce(), Observations(None))
    homes = spread(Directory("p-0001", "p-0002"), p_0002={"grid_area": "feeder-2"})
    sources = RequestSources(series, homes, *logs, tariffs_in())
    activities = PlanningActivities(sources, plans, asked, Deliveries(), tz_of, nominations=given)
    opens = (await opening(series)).model_copy(update={"keeps_nomination": keeps})
    await an_attempt().run(activities.open_plan, opens)
    await an_attempt().run(activities.solve_shard, solving())
    assert given.asked == ([("DE-LU", at(6, 15))] if keeps else [])
    told = [request.nominated for request in asked.requests]
    if keeps:
        half = tuple(n / 2 for n in range(25, 65))
        assert told == [power.model_copy(update={"power_kw": half})] * 2
    else:
        assert told == [None, None]


@dataclass(frozen=True)
class Drawn:
    """`domain.savings.ports.ExperimentLog` with one experiment."""

    experiment: Experiment

    async def experiment_on(self, day: date) -> Experiment | None:
        return self.experiment if day >= self.experiment.begins else None


@pytest.mark.parametrize(("begins", "are_left_out"), [(date(2026, 1, 15), True), (date(2026, 1, 16), False)])
async def test_who_is_drawn_neutral_for_the_day_is_planned_as_one_that_is_not_moved(
    begins: date, are_left_out: bool
) -> None:
    series, plans, asked = Series(), Plans(), Asked()
    experiment = Experiment(seed=5, begins=begins, holdout_share=0.5, switchback_share=0.0)
    sources = RequestSources(
        series, Directory(*FLEET), InForce(), Observations(None), tariffs_in(), Drawn(experiment), tz_of
    )
    activities = PlanningActivities(sources, plans, asked, Deliveries(), tz_of)
    await an_attempt().run(activities.open_plan, await opening(series))
    await an_attempt().run(activities.solve_shard, solving())
    left = {p.profile.enrolment.pump_id for request in asked.requests for p in request.pumps if not p.may_move}
    drawn = {pump for pump in FLEET if experiment.arm(pump, date(2026, 1, 15)) is Arm.NEUTRAL}
    assert left == drawn
    assert (0 < len(left) < len(FLEET)) is are_left_out


async def test_the_outdoor_air_of_the_day_before_is_handed_on_where_the_ledger_has_it() -> None:
    series, plans, asked = Series(), Plans(), Asked()
    activities = activities_of(Directory("p-0001"), plans, asked, series=series)
    given = await opening(series)
    yesterday = weather(start=at(-24), slots=24 * 4 + 30).model_copy(update={"outdoor_c": (4.0,) * 126})
    await series.store_weather(yesterday, at(-24))
    await an_attempt().run(activities.open_plan, given)
    await an_attempt().run(activities.solve_shard, solving())
    (request,) = asked.requests
    assert (request.first_slot, request.weather.start) == (at(6, 15), at(6, 15 - 24 * 60))
    assert request.weather.outdoor_c == (4.0,) * 96 + (-2.0,) * 40
    assert len(request.weather.radiation_w_per_m2) == 136


async def test_a_tariff_that_is_not_known_costs_its_own_pumps_their_plan_and_no_others() -> None:
    series, plans, asked = Series(), Plans(), Asked()
    homes = spread(Directory("p-0001", "p-0002"), p_0002={"tariff": "made-up"})
    activities = activities_of(homes, plans, asked, series=series)
    await an_attempt().run(activities.open_plan, await opening(series))
    with pytest.raises(ApplicationError, match="tariff 'made-up' is not known; known are de-flat-grid"):
        await an_attempt().run(activities.solve_shard, solving())
    assert {pump for _, shares in plans.parts.values() for pump in shares} == {"p-0001"}


async def test_a_part_that_cannot_be_solved_costs_the_others_nothing_and_is_all_that_is_tried_again() -> None:
    series, plans, asked = Series(), Plans(), Asked(failing={"feeder-2"})
    elsewhere = spread(Directory(*FLEET), p_0002={"grid_area": "feeder-2"}, p_0005={"grid_area": "feeder-3"})
    activities = activities_of(elsewhere, plans, asked, series=series)
    await an_attempt().run(activities.open_plan, await opening(series))
    with pytest.raises(ApplicationError, match=r"feeder-2 at 50\.0,10\.0: nothing is finite here"):
        await an_attempt().run(activities.solve_shard, solving())
    assert asked.areas == ["feeder-1", "feeder-2", "feeder-3"]
    assert {pump for _, shares in plans.parts.values() for pump in shares} == set(FLEET) - {"p-0002"}
    asked.failing.clear()
    assert await an_attempt().run(activities.solve_shard, solving()) == len(FLEET)
    assert asked.areas == ["feeder-1", "feeder-2", "feeder-3", "feeder-2"]


async def test_an_attempt_that_opens_a_plan_again_gets_the_shards_of_the_first() -> None:
    series, plans = Series(), Plans()
    given = await opening(series, most_pumps=2)
    first = activities_of(Directory(*FLEET), plans, never, series=series)
    later = activities_of(Directory(*FLEET, "p-0006"), plans, never, series=series)
    opened = await an_attempt().run(first.open_plan, given)
    assert await an_attempt().run(later.open_plan, given) == opened
    assert (opened.shards, opened.pumps) == (3, 5)


async def test_price_areas_come_from_enrolment_and_one_that_is_not_known_hides_no_other() -> None:
    directory = spread(
        Directory(*FLEET),
        p_0002={"price_area": "FI", "weather_cell": "60.2,24.9"},
        p_0003={"price_area": "XX"},
        p_0004={"weather_cell": "48.0,13.0"},
    )
    found = await an_attempt().run(activities_of(directory, Plans(), never).find_areas)
    assert [(one.area.price_area, one.tz, one.area.pumps) for one in found] == [
        ("DE-LU", "Europe/Berlin", 3),
        ("FI", "Europe/Helsinki", 1),
        ("XX", None, 1),
    ]
    assert found[0].area.weather_cells == ("48.0,13.0", "50.0,10.0")
