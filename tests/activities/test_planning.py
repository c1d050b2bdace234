"""Solving and handing out: one request from what is known, and a fan-out that goes on where it was."""

import pytest

from activities import planning
from activities.planning import DeliverPlan, PlanningActivities, SolveFleet
from domain.modes import Circuit, Mode
from domain.planning.fleet_plan import FleetPlanResult, PlannedPump, PlanningRequest
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
    monkeypatch.setattr(planning, "TELL_AGAIN_AFTER_S", 0.0)


FLEET = ("p-0001", "p-0002", "p-0003", "p-0004", "p-0005")
GIVEN = DeliverPlan(clock=CLOCK, revision=7)


def handing_out(deliveries: Deliveries) -> PlanningActivities:
    return PlanningActivities(Series(), Directory(*FLEET), InForce(), Observations(), Plans(*FLEET), never, deliveries)


async def never(request: PlanningRequest) -> FleetPlanResult:
    raise AssertionError("nothing is solved here")


async def test_every_pump_is_handed_its_plan_and_only_takers_count() -> None:
    deliveries, env = Deliveries(retired=["p-0002", "p-0005"]), an_attempt()
    beats = heartbeats_of(env)
    assert await env.run(handing_out(deliveries).deliver_plan, GIVEN) == 3
    assert deliveries.reached == list(FLEET)
    assert beats == [("p-0001", 1, []), ("p-0002", 1, []), ("p-0003", 2, []), ("p-0004", 3, []), ("p-0005", 3, [])]


async def test_a_fan_out_goes_on_after_the_last_heartbeat_and_keeps_its_count() -> None:
    lost, env = Deliveries(retired=["p-0002"], dies_at="p-0004"), an_attempt()
    beats = heartbeats_of(env)
    with pytest.raises(WorkerDied):
        await env.run(handing_out(lost).deliver_plan, GIVEN)
    assert lost.reached == ["p-0001", "p-0002", "p-0003"]
    rest = Deliveries(retired=["p-0002"])
    assert await an_attempt(*beats[-1]).run(handing_out(rest).deliver_plan, GIVEN) == 4
    assert rest.reached == ["p-0004", "p-0005"]


async def test_a_pump_that_cannot_be_reached_does_not_cost_the_others_their_plan() -> None:
    deliveries, env = Deliveries(unreachable=["p-0001", "p-0003"]), an_attempt()
    beats = heartbeats_of(env)
    assert await env.run(handing_out(deliveries).deliver_plan, GIVEN) == 3
    assert deliveries.reached == ["p-0002", "p-0004", "p-0005"]
    assert beats[0][:2] == ("p-0001", 0), "the next attempt does not get stuck on it"


async def test_pumps_that_were_missed_while_the_server_was_away_are_told_after_the_others() -> None:
    deliveries, env = Deliveries(unreachable=["p-0001", "p-0003"], fails=3), an_attempt()
    beats = heartbeats_of(env)
    assert await env.run(handing_out(deliveries).deliver_plan, GIVEN) == 5
    assert deliveries.reached == ["p-0002", "p-0004", "p-0005", "p-0003", "p-0001"]
    # A worker that takes over in the middle still knows whom to tell again, and counts nobody twice.
    rest = Deliveries()
    assert await an_attempt("p-0005", 3, ["p-0001", "p-0003"]).run(handing_out(rest).deliver_plan, GIVEN) == 5
    assert rest.reached == ["p-0001", "p-0003"]
    assert beats[4] == ("p-0005", 3, ["p-0001", "p-0003"])


async def test_the_solver_gets_rooms_only_from_fresh_readings_and_series_cut_to_its_slots() -> None:
    series = Series()
    versions = await series.store_prices(prices(), at(1)), await series.store_weather(weather(), at(1))
    readings = {"p-0001": a_reading(0.0, at(6)), "p-0002": a_reading(0.0, at(4, 30))}
    asked: list[PlanningRequest] = []

    async def planner(request: PlanningRequest) -> FleetPlanResult:
        asked.append(request)
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

    plans = Plans()
    directory = Directory("p-0001", "p-0002", "p-0003")
    in_force = InForce({"p-0002": (Mode.MAX, at(5, 30))})
    activities = PlanningActivities(series, directory, in_force, Observations(readings), plans, planner, Deliveries())
    given = SolveFleet(
        clock=CLOCK,
        key="run-1",
        price_version=versions[0],
        weather_version=versions[1],
        first_slot=at(6, 15),
        slots=40,
        until=at(10, 15),
        cap_share=0.5,
        budget_s=10,
    )
    made = await an_attempt().run(activities.solve_fleet, given)
    assert (made.revision, made.pumps, made.cost_eur) == (1, 3, 10.0)
    (request,) = asked
    assert [pump.room_c for pump in request.pumps] == [21.0, None, None]
    assert [(pump.mode, pump.held_slots) for pump in request.pumps] == [(Mode.LOW, 96), (Mode.MAX, 3), (Mode.LOW, 96)]
    assert request.prices.start == request.weather.start == at(6, 15)
    assert request.prices.price_eur_per_mwh == prices().price_eur_per_mwh[25:65]
    assert len(request.weather.outdoor_c) == 40
    assert request.cap_kw == pytest.approx(0.5 * 3 * 8 / 2.5)
    ((key, _, shares),) = plans.stored
    assert key == "run-1"
    assert set(shares) == {"p-0001", "p-0002", "p-0003"}
    share = shares["p-0003"]
    assert (share.revision, share.valid_until) == (1, at(10, 15))
    assert share.level_at(Circuit.HEATING, at(6, 15)) is Mode.MAX
    assert share.level_at(Circuit.HEATING, at(8, 15)) is Mode.LOW
    assert share.level_at(Circuit.HEATING, MIDNIGHT) is Mode.LOW
