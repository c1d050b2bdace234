"""The look at a fleet: goes on where a lost attempt was, and one silent pump does not hide the others."""

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.pumps import ObserveFleet, PumpActivities
from domain.oem.breaker import Breaker, BreakerState
from domain.oem.errors import AuthExpired, Malformed, OemError, Offline, RateLimited, Unavailable
from tests.activities.ports import (
    CLOCK,
    SPEED,
    Cloud,
    Commands,
    Desk,
    Directory,
    Journal,
    Observations,
    an_attempt,
    heartbeats_of,
)
from tests.builders import a_reading, at

FLEET = ("p-0001", "p-0002", "p-0003", "p-0004")
GIVEN = ObserveFleet(clock=CLOCK, oem="nibe")
READING = a_reading(0.0, at(5, 55))


def looking(cloud: Cloud, seen: Observations, directory: Directory | None = None) -> PumpActivities:
    return PumpActivities(Commands(), Journal(), directory or Directory(*FLEET), seen, {"nibe": cloud})


async def test_every_pump_is_read_once_and_said_in_a_heartbeat() -> None:
    cloud, seen, env = Cloud(READING), Observations(), an_attempt()
    beats = heartbeats_of(env)
    assert await env.run(looking(cloud, seen).observe_fleet, GIVEN) == 4
    assert cloud.asked == seen.stored == list(FLEET)
    assert beats == [(pump, number) for number, pump in enumerate(FLEET, 1)]


async def test_a_look_goes_on_after_the_pump_that_was_last_said() -> None:
    cloud, seen = Cloud(READING), Observations()
    assert await an_attempt("p-0002", 2).run(looking(cloud, seen).observe_fleet, GIVEN) == 4
    assert cloud.asked == ["p-0003", "p-0004"]


@pytest.mark.parametrize("failure", [Offline("not connected"), Unavailable("500"), Malformed("?"), AuthExpired("no")])
async def test_a_pump_that_cannot_be_read_is_passed_over(failure: OemError) -> None:
    cloud, seen, env = Cloud(READING, {"p-0002": failure}), Observations(), an_attempt()
    beats = heartbeats_of(env)
    assert await env.run(looking(cloud, seen).observe_fleet, GIVEN) == 3
    assert seen.stored == ["p-0001", "p-0003", "p-0004"]
    assert beats[1] == ("p-0002", 1), "it is not asked again by the next attempt"


async def test_a_used_up_budget_ends_the_attempt_where_it_is_and_names_when_to_come_back() -> None:
    spent = RateLimited("the budget is used up", retry_at=at(6, 30))
    cloud, seen, env = Cloud(READING, {"p-0003": spent}), Observations(), an_attempt()
    beats = heartbeats_of(env)
    with pytest.raises(ApplicationError) as later:
        await env.run(looking(cloud, seen).observe_fleet, GIVEN)
    assert later.value.category is ApplicationErrorCategory.BENIGN
    assert later.value.next_retry_delay is not None
    assert 0 < later.value.next_retry_delay.total_seconds() <= 30 * 60 / SPEED
    assert beats[-1] == ("p-0002", 2)
    assert await an_attempt(*beats[-1]).run(looking(Cloud(READING), seen).observe_fleet, GIVEN) == 4
    assert seen.stored == list(FLEET)


@pytest.mark.parametrize("state", [BreakerState.OPEN, BreakerState.HELD])
async def test_nobody_is_read_while_the_vendor_is_left_alone(state: BreakerState) -> None:
    cloud, desk = Cloud(READING), Desk(Breaker(state=state, since=at(3), reason="as the test says"))
    activities = PumpActivities(Commands(), Journal(), Directory(*FLEET), Observations(), {"nibe": cloud}, vendors=desk)
    assert await an_attempt().run(activities.observe_fleet, GIVEN) == 0
    assert cloud.asked == []


async def test_pumps_of_another_vendor_are_not_asked() -> None:
    cloud = Cloud(READING)
    elsewhere = looking(cloud, Observations(), Directory(*FLEET, oem="other"))
    assert await an_attempt().run(elsewhere.observe_fleet, GIVEN) == 0
    assert cloud.asked == []
