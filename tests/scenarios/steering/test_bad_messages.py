"""Messages that no pump may follow: refused in a sentence by whoever sends them, and by the pump where they get past.

A refusal is read in three places: by the asker, on the operator's page of the pump, and in the ledger's book; and the
pump stays exactly as it was. Every scenario has its own pump, so that any order will do.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from pydantic import ValidationError
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RetryConfig, RPCError

from application.audit_log import Actor
from application.errors import Failed, Refused
from application.fleet.homes import band_of
from application.fleet.pumps import retire
from application.steering.overrides import OverrideRequest, override
from domain.modes import Circuit, Mode
from domain.planning.price_plan import PricePlan
from domain.steering.overrides import OverrideKind, OverrideSource
from domain.steering.pump_state import Observed
from tests.world import RESIDENT, TestWorld, a_world
from workflows.contracts import PlanEnvelope, first_problem
from workflows.delivery import observation_delivery, plan_delivery

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

SPEED = 240
PUMPS = 9
HOUR = timedelta(hours=1)
KEPT_IN_MIND = ("plans", "overrides", "orders", "site", "opted_out", "retiring", "touches")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestWorld]:
    async with a_world(tmp_path_factory.mktemp("world"), pumps=PUMPS, speed=SPEED) as running:
        pumps = [running.pump(n) for n in range(1, PUMPS + 1)]
        for pump in pumps:
            await running.plan(pump, Mode.MAX)
        for pump in pumps:
            await running.settles(pump, Mode.MAX)
        yield running


async def steering_of(world: TestWorld, pump: str) -> dict[str, Any]:
    """All that decides what a pump does, and what it was told to do last."""
    state = await world.state(pump)
    heating = state.heating.model_dump(exclude={"settled_at"})
    return state.model_dump(include=set(KEPT_IN_MIND)) | {"heating": heating, "written": world.written(pump)}


async def is_refused(world: TestWorld, pump: str, sentence: str) -> bool:
    return sentence in (await world.state(pump)).refusal


async def is_booked(world: TestWorld, pump: str, sentence: str) -> bool:
    return any(line["event"] == "refused" and sentence in line["reason"] for line in await world.events(pump))


async def refuses_visibly(world: TestWorld, pump: str, sentence: str) -> None:
    """The pump says so on its page and in the book."""
    await world.until(partial(is_refused, world, pump, sentence))
    assert sentence in await world.details(pump)
    await world.until(partial(is_booked, world, pump, sentence))


async def goes_on(world: TestWorld, pump: str) -> None:
    """A good message is followed as ever."""
    await world.plan(pump, Mode.MIN)
    await world.settles(pump, Mode.MIN, 3 * HOUR)


# --- plans ------------------------------------------------------------------------------------------------------------


def unknown_mode(plan: dict[str, Any]) -> None:
    plan["segments"][0]["mode"] = "TURBO"


def overlapping(plan: dict[str, Any]) -> None:
    plan["segments"] = plan["segments"] * 2


def unordered(plan: dict[str, Any]) -> None:
    plan["segments"] = plan["segments"][::-1]


def backwards(plan: dict[str, Any]) -> None:
    plan["segments"][0] |= {"start": plan["segments"][0]["end"], "end": plan["segments"][0]["start"]}


def without_revision(plan: dict[str, Any]) -> None:
    del plan["revision"]


def for_a_month(plan: dict[str, Any]) -> None:
    plan["valid_until"] = "2026-02-15T00:00:00Z"


def at_no_known_time(plan: dict[str, Any]) -> None:
    plan["valid_until"] = "2026-01-16T00:00:00"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (unknown_mode, "segments.0.mode: Input should be 'MIN', 'LOW', 'MID' or 'MAX'"),
        (overlapping, "segments overlap or are out of order"),
        (unordered, "segments overlap or are out of order"),
        (backwards, "not after its start"),
        (without_revision, "revision: Field required"),
        (for_a_month, "at most 3 days"),
        (at_no_known_time, "valid_until: Input should have timezone info"),
    ],
    ids=lambda given: given.__name__ if callable(given) else "",
)
async def test_a_plan_that_is_none_can_not_be_made_and_is_refused_where_it_arrives_all_the_same(
    world: TestWorld, spoil: Any, sentence: str
) -> None:
    pump = world.pump(1)
    was = await steering_of(world, pump)
    plan = (await world.state(pump)).plan
    assert plan is not None
    half = plan.first_slot + HOUR
    halves = [
        {"start": plan.first_slot, "end": half, "mode": "MIN"},
        {"start": half, "end": half + HOUR, "mode": "MID"},
    ]
    good = PricePlan.model_validate(plan.model_dump() | {"revision": 900, "segments": halves})
    bad = good.model_dump(mode="json")
    spoil(bad)
    with pytest.raises(ValidationError) as refused:
        PricePlan.model_validate(bad)
    assert sentence in first_problem(refused.value)
    await world.send(pump, bad)
    await refuses_visibly(world, pump, sentence)
    assert await steering_of(world, pump) == was


async def test_a_plan_of_an_older_revision_is_refused_in_a_sentence_and_changes_nothing(world: TestWorld) -> None:
    pump = world.pump(2)
    newest = await world.plan(pump, Mode.MAX)
    await world.until(partial(has_revision, world, pump, newest.revision))
    was = await steering_of(world, pump)
    older = newest.model_copy(update={"revision": newest.revision - 1, "segments": ()})
    deliver = plan_delivery(world.access.client)
    assert await deliver(pump, older), "who delivers cannot know"
    await refuses_visibly(world, pump, f"plan revision {older.revision} came after revision {newest.revision}")
    assert await steering_of(world, pump) == was


async def has_revision(world: TestWorld, pump: str, revision: int) -> bool:
    plan = (await world.state(pump)).plan
    return plan is not None and plan.revision == revision


# --- overrides and acts ----------------------------------------------------------------------------------------------


async def test_an_override_that_would_end_in_the_past_is_refused_before_it_is_sent_and_by_the_pump(
    world: TestWorld,
) -> None:
    pump = world.pump(3)
    was = await steering_of(world, pump)
    request = OverrideRequest(OverrideSource.HOUSEHOLD, OverrideKind.MODE, Mode.MIN)
    with pytest.raises(Refused, match="which is past: give an end after"):
        await override(world.access, pump, RESIDENT, request, lambda now: now - HOUR)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await world.handle(pump).execute_update("request_override", a_request(world, until=world.now() - HOUR))
    assert "which is past: give an end after" in str(refused.value.cause)
    await refuses_visibly(world, pump, "an override was refused: the override would end at")
    assert await steering_of(world, pump) == was


async def test_an_override_of_a_mode_that_does_not_exist_is_refused_before_it_is_sent_and_by_the_pump(
    world: TestWorld,
) -> None:
    pump = world.pump(4)
    was = await steering_of(world, pump)
    request = OverrideRequest(OverrideSource.HOUSEHOLD, OverrideKind.MODE, "TURBO")  # type: ignore[arg-type]  # as a caller may err
    with pytest.raises(Refused, match="Input should be 'MIN', 'LOW', 'MID' or 'MAX'"):
        await override(world.access, pump, RESIDENT, request, lambda now: now + HOUR)
    with pytest.raises(WorkflowUpdateFailedError):
        await world.handle(pump).execute_update("request_override", a_request(world, mode="TURBO"))
    await refuses_visibly(world, pump, "an override was refused: mode: Input should be 'MIN', 'LOW', 'MID' or 'MAX'")
    assert await steering_of(world, pump) == was


def a_request(world: TestWorld, **changes: Any) -> dict[str, Any]:
    """A household's target as a document."""
    now = world.now()
    target = {"override_id": "o-bad", "source": "household", "mode": "MIN", "requested_at": now, "until": now + HOUR}
    return target | {"who": "resident", "why": "as the test says"} | changes


async def test_a_room_of_eighty_degrees_is_refused_before_it_is_sent_and_by_the_pump(world: TestWorld) -> None:
    pump = world.pump(5)
    was = await steering_of(world, pump)
    with pytest.raises(Refused, match="room_min_c 80: a household here accepts at most 24 C"):
        band_of(80.0, 81.0)
    comfort = {"kind": "comfort", "band": {"room_min_c": 80.0, "room_max_c": 81.0}}
    with pytest.raises(WorkflowUpdateFailedError):
        await world.handle(pump).execute_update("act", {"event": comfort, "who": "resident", "why": "cold feet"})
    await refuses_visibly(world, pump, "an act was refused: event.comfort.band")
    assert await steering_of(world, pump) == was


# --- what is not for this pump, or not for any ------------------------------------------------------------------------


async def test_who_speaks_to_a_retired_pump_is_told_so_and_it_stays_as_it_was_left(world: TestWorld) -> None:
    pump, client = world.pump(6), world.access.client
    plan = (await world.state(pump)).plan
    assert plan is not None
    await retire(world.access, pump, Actor("resident", "moving out"))
    await world.handle(pump).result()
    left = world.setting(pump)
    assert left == (await world.profile(pump)).heating.baseline
    newer = plan.model_copy(update={"revision": 900})
    assert not await plan_delivery(client)(pump, newer)
    assert not await observation_delivery(client)(pump, Observed(as_of=world.now()))
    request = OverrideRequest(OverrideSource.HOUSEHOLD, OverrideKind.MODE, Mode.MAX)
    with pytest.raises(Failed, match="is not steered"):
        await override(world.access, pump, RESIDENT, request, lambda now: now + HOUR)
    with pytest.raises(RPCError, match="already completed"):
        await world.send(pump, newer)
    assert world.setting(pump) == left
    assert len(world.written(pump)) == 2


async def test_a_message_of_three_megabytes_never_reaches_a_pump_and_one_of_one_is_refused_in_a_line(
    world: TestWorld,
) -> None:
    pump = world.pump(7)
    was = await steering_of(world, pump)
    with pytest.raises(RPCError, match="exceeds"):
        await world.handle(pump).signal("price_plan", PlanEnvelope(plan={"junk": "x" * 3_000_000}))
    request = OverrideRequest(OverrideSource.HOUSEHOLD, OverrideKind.MODE, Mode.MIN)
    with pytest.raises(Refused, match="why: must be one printable line of at most 400 characters"):
        await override(world.access, pump, Actor("resident", "x" * 3_000_000), request, lambda now: now + HOUR)
    # Whoever sends it past the use case is refused by the server: an SDK could neither take it nor send it back.
    impatient = await Client.connect(
        world.stack.environment()["TEMPORAL_ADDRESS"],
        data_converter=pydantic_data_converter,
        retry_config=RetryConfig(max_retries=0),
    )
    huge = a_request(world, why="x" * 3_000_000)
    with pytest.raises(RPCError, match="limit on total payload size"):
        await impatient.get_workflow_handle(f"pump-{pump}").execute_update("request_override", huge)
    with pytest.raises(WorkflowUpdateFailedError) as long:
        await impatient.get_workflow_handle(f"pump-{pump}").execute_update(
            "request_override", a_request(world, why="x" * 30_000)
        )
    assert "at most 20000 characters" in str(long.value.cause)
    with pytest.raises(WorkflowUpdateFailedError):
        await world.handle(pump).execute_update("request_override", a_request(world, **{"k" * 10_000: 1}))
    await refuses_visibly(world, pump, "an override was refused: kkkk")
    assert len((await world.state(pump)).refusal) < 400
    assert await steering_of(world, pump) == was
    await world.send(pump, {"revision": 900, "junk": "x" * 1_000_000})
    await refuses_visibly(world, pump, "a price plan was refused")
    assert len((await world.state(pump)).refusal) < 400
    assert await steering_of(world, pump) == was
    await goes_on(world, pump)


async def has_refused(world: TestWorld, pump: str, times: int) -> bool:
    """Whether the ledger holds so many refusals of the pump."""
    return (await world.kinds(pump)).count("refused") == times


async def test_an_observation_that_can_not_be_read_neither_changes_nor_stops_a_pump(world: TestWorld) -> None:
    pump = world.pump(8)
    was = await steering_of(world, pump)
    handle = world.handle(pump)
    for bad in ({"as_of": "yesterday"}, "nothing", {"as_of": "2026-01-15T00:00:00", "levers": 7}):
        await handle.signal("observed", bad)
    await handle.signal("never_heard_of", {"circuit": Circuit.HEATING.value})
    assert await steering_of(world, pump) == was
    assert (await world.status(pump)).state.refusal.startswith("an observation was refused: as_of")
    await world.until(partial(has_refused, world, pump, 3))
    await goes_on(world, pump)
