"""What people ask of the past: letters that died and were not made up for, a pump's story, orders that stand."""

from datetime import datetime

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import Command, EventKind
from domain.modes import Circuit, HotWaterMode, Mode
from domain.steering.orders import Order, OrderKind
from ledger.commands import LedgerCommands
from ledger.models import BreakerRow
from ledger.observations import LedgerObservations
from ledger.queries.history import DISCARD, LedgerHistory, LedgerOrders
from ledger.queries.reports import LedgerReports
from tests.builders import a_reading, at
from tests.ledger.builders import a_command_of, an_event, enrol_pumps, live

pytestmark = pytest.mark.servers

DIED = (EventKind.PLANNED, EventKind.EXPIRED, EventKind.DEAD_LETTERED)
OBEYED = (EventKind.PLANNED, EventKind.SENT, EventKind.ACCEPTED, EventKind.APPLIED)


def hot_water(seq: int) -> Command:
    return a_command_of(seq=seq).model_copy(update={"mode": HotWaterMode.BOOST})


def an_order(order_id: str = "stop-1", until: datetime | None = None) -> Order:
    return Order(
        order_id=order_id, kind=OrderKind.STOP, scope="all", since=at(1), until=until, who="operator", why="storm"
    )


async def letters(engine: AsyncEngine) -> list[str]:
    return [row["command_id"] for row in await LedgerHistory(engine).dead_letters()]


async def test_a_dead_letter_stands_until_a_newer_command_of_its_own_circuit_is_obeyed(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    commands = LedgerCommands(engine, engine)
    await live(commands, a_command_of(seq=1), *DIED)
    await live(commands, hot_water(2), *OBEYED)
    assert await letters(engine) == ["p-0001-c00001"], "hot water that obeys makes up for no heating"
    await live(commands, a_command_of(seq=3), EventKind.PLANNED, EventKind.EXPIRED)
    assert await letters(engine) == ["p-0001-c00001"]
    await live(commands, a_command_of(seq=4), *OBEYED)
    assert await letters(engine) == []


async def test_a_discarded_letter_is_gone_unless_the_discarding_was_refused(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    await live(LedgerCommands(engine, engine), a_command_of(seq=1), *DIED)
    reports, given = LedgerReports(engine), {"command": "p-0001-c00001"}
    await reports.audit(at(1), "operator", "no use", DISCARD, "p-0001", {**given, "ref": "a"})
    await reports.audit(at(1), "operator", "no use", f"{DISCARD}:refused", "p-0001", {"ref": "a"})
    assert await letters(engine) == ["p-0001-c00001"]
    await reports.audit(at(2), "operator", "no use", DISCARD, "p-0001", {**given, "ref": "b"})
    assert await letters(engine) == []


async def test_the_newest_command_then_comes_with_its_lines_up_to_then(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    commands, trails = LedgerCommands(engine, engine), LedgerHistory(engine)
    await live(commands, a_command_of(seq=1), *OBEYED)
    later = a_command_of(seq=2).model_copy(update={"decided_at": at(3), "mode": Mode.MIN})
    await commands.begin(later, [])
    await commands.record([an_event(later, EventKind.APPLIED, when=at(3, 5))])
    (then,) = await trails.newest_commands("p-0001", at(0, 2))
    assert (then["command_id"], [line["kind"] for line in then["lines"]]) == (
        "p-0001-c00001",
        ["planned", "sent", "accepted"],
    )
    (now,) = await trails.newest_commands("p-0001", at(4))
    assert (now["mode"], [line["kind"] for line in now["lines"]]) == ("MIN", ["applied"])
    assert [line["kind"] for line in await trails.events("p-0001", at(3), at(4))] == ["applied"]


async def test_each_circuit_has_a_newest_command_and_was_seen_in_a_level_of_its_own(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    commands, reports = LedgerCommands(engine, engine), LedgerReports(engine)
    await live(commands, a_command_of(seq=1), *OBEYED)
    await live(commands, hot_water(2), *OBEYED)
    newest = await LedgerHistory(engine).newest_by_circuit()
    assert {(row["mode"], row["kind"]) for row in newest} == {("MAX", "applied"), ("BOOST", "applied")}
    assert await reports.modes_seen() == {"p-0001": "MAX"}
    assert await reports.modes_seen(Circuit.HOT_WATER) == {"p-0001": "BOOST"}
    (pump,) = await reports.pumps()
    assert (pump["mode"], pump["hot_water"]) == ("MAX", "BOOST")
    await commands.record([an_event(a_command_of(seq=1), EventKind.DRIFTED, write_no=7, when=at(1))])
    assert await reports.modes_seen() == {"p-0001": "unknown"}


async def test_readings_and_the_breaker_are_those_of_the_moment(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    readings = [("p-0001", a_reading(float(hour), at(hour))) for hour in (1, 2, 3)]
    await LedgerObservations(engine).store(readings, at(4))
    trails = LedgerHistory(engine)
    assert [one.setting for one in await trails.readings("p-0001", at(1, 30), at(3))] == [2.0, 3.0]
    assert await trails.breaker("nibe", at(9)) is None
    async with engine.begin() as connection:
        for hour, state in ((1, "open"), (3, "closed")):
            row = {"oem": "nibe", "state": state, "at": at(hour), "rate_per_min": 1.0, "reason": "as the test says"}
            await connection.execute(insert(BreakerRow).values(row))
    then = await trails.breaker("nibe", at(2))
    assert then is not None
    assert then["state"] == "open"


async def test_an_order_stands_until_it_is_lifted_or_past_and_is_kept_once(engine: AsyncEngine) -> None:
    orders = LedgerOrders(engine)
    await orders.give(an_order(), at(1))
    await orders.give(an_order().model_copy(update={"why": "another"}), at(2))
    await orders.give(an_order("limit-1", until=at(3)), at(2))
    assert [(o.order_id, o.why) for o in await orders.standing(at(2))] == [("stop-1", "storm"), ("limit-1", "storm")]
    assert [o.order_id for o in await orders.standing(at(3))] == ["stop-1"]
    await orders.lift("stop-1", at(4))
    await orders.lift("stop-1", at(5))
    assert await orders.standing(at(4)) == []
    assert [(o.order_id, o.lifted_at) for o in await orders.given()] == [("stop-1", at(4)), ("limit-1", None)]
