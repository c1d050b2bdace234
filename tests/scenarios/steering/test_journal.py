"""A day of a pump replayed from its journal: `why` answers of any moment what the pump itself held then."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from application.explain import journal_of, story_of
from domain.modes import Circuit, Mode
from domain.oem.readings import Condition
from domain.steering.arbitration import target_at
from domain.steering.journalling import bounds_in_force, standing_of
from domain.steering.orders import Order, OrderKind
from domain.steering.pump_state import Observed, OrderGiven, OrderLifted, OverrideEnded, PumpState
from domain.steering.target import BoundKind
from tests.world import TestWorld, a_world
from workflows.contracts import Act
from workflows.heat_pump import HeatPumpWorkflow

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

MOMENTS = 100
WAITS = (BoundKind.DWELL, BoundKind.DAILY_CHANGES, BoundKind.BACK_OFF)
EDGE = timedelta(seconds=90)
"""So close to the end of a target, a sped-up clock may have woken the pump or not."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestWorld]:
    async with a_world(tmp_path_factory.mktemp("world"), pumps=1, speed=240) as running:
        yield running


async def test_of_a_hundred_random_moments_the_journal_tells_what_the_pump_itself_held(world: TestWorld) -> None:
    pump = world.pump(1)
    watched: list[tuple[datetime, PumpState]] = []
    watching = asyncio.create_task(watch(world, pump, watched))
    try:
        for happen in the_day(world, pump):
            await happen()
            await world.until(passes(world, timedelta(minutes=25)), timedelta(hours=2))
    finally:
        watching.cancel()
    moments = random.Random(7).sample(watched, MOMENTS)
    met: set[BoundKind] = set()
    for moment, state in moments:
        view = await journal_of(world.access, pump, moment)
        assert view.standing is not None
        for circuit, _ in state.circuits:
            told, held = view.decided[circuit].decided, target_at(state, moment, circuit)
            if held.until is not None and held.until - moment < EDGE:
                continue
            if told.target.until is not None and told.target.until - moment < EDGE:
                continue
            assert told.target == held, f"{circuit} at {moment}"
            bounds = told.in_force(moment)
            assert tuple(b for b in bounds if b.kind not in WAITS) == bounds_in_force(state, moment, circuit)
            met |= {bound.kind for bound in bounds}
        assert view.standing == standing_of(state)
    assert {BoundKind.OVERRIDE, BoundKind.ORDER, BoundKind.CONDITION, BoundKind.ROOM_FLOOR} <= met
    assert BoundKind.COOL_DOWN in met or BoundKind.READ_ONLY in met
    moment, state = moments[0]
    story = await story_of(world.access, pump, moment)
    assert story.targets[Circuit.HEATING].mode is target_at(state, moment).mode


async def watch(world: TestWorld, pump: str, watched: list[tuple[datetime, PumpState]]) -> None:
    """What the workflow itself says of its state, again and again, by its own clock."""
    while True:
        status = await world.status(pump)
        watched.append((status.now, status.state))
        await asyncio.sleep(0.05)


def passes(world: TestWorld, span: timedelta) -> Callable[[], bool]:
    until = world.now() + span
    return lambda: world.now() >= until


def the_day(world: TestWorld, pump: str) -> list[Callable[[], Awaitable[object]]]:
    """Plans, people, orders, floors with their hysteresis, a unit that is away and one that may only be read."""
    handle = world.handle(pump)

    def act(event: OrderGiven | OrderLifted | OverrideEnded) -> Awaitable[object]:
        return handle.execute_update(HeatPumpWorkflow.act, Act(event=event, who="operator", why="a drill"))

    async def see(room_c: float, condition: Condition = Condition.NORMAL) -> None:
        seen = Observed(as_of=world.now(), room_c=room_c, condition=condition)
        await handle.signal("observed", seen.model_dump(mode="json"))

    async def limit() -> None:
        now = world.now()
        order = Order(
            order_id="l1",
            kind=OrderKind.LIMIT,
            scope="all",
            cap=Mode.LOW,
            since=now,
            until=now + timedelta(hours=2),
            who="operator",
            why="a drill",
        )
        await act(OrderGiven(order=order))

    return [
        lambda: world.plan(pump, Mode.MIN, Mode.MAX, Mode.LOW, each=timedelta(hours=6)),
        lambda: see(18.9),
        lambda: see(19.1),
        lambda: see(20.5),
        lambda: world.plan(pump, Mode.MAX, Mode.LOW, Mode.MAX, each=timedelta(minutes=20)),
        lambda: world.plan(pump, Mode.MAX, each=timedelta(hours=12)),
        limit,
        lambda: act(OrderLifted(order_id="l1")),
        lambda: world.target(pump, Mode.LOW),
        lambda: act(OverrideEnded()),
        lambda: see(20.5, Condition.AWAY),
        lambda: see(20.5),
        lambda: world.bring_about("condition", pump=pump, condition="remote-disabled"),
        lambda: world.plan(pump, Mode.MID, each=timedelta(hours=12)),
        lambda: world.target(pump, Mode.MAX),
    ]
