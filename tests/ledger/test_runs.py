"""What a run's report reads: every line says what it is about, and the heating's last seen mode is no tank's."""

import pytest
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import EventKind
from domain.modes import HotWaterMode
from ledger.commands import LedgerCommands
from ledger.models import BreakerRow
from ledger.queries.runs import LedgerRuns
from tests.builders import COMFORT, OFFSET, at
from tests.ledger.builders import a_command_of, an_event, enrol_pumps, live

pytestmark = pytest.mark.servers


async def test_every_line_names_its_circuit(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    commands = LedgerCommands(engine, engine)
    await live(commands, a_command_of(seq=1), EventKind.PLANNED, EventKind.SENT, EventKind.APPLIED)
    water = a_command_of(seq=2).model_copy(update={"mode": HotWaterMode.BOOST})
    planned = an_event(water, EventKind.PLANNED).model_copy(update={"lever": None, "setting": None, "command": water})
    await commands.record([planned, an_event(water, EventKind.SENT, 1, lever=COMFORT)])
    unsaid = a_command_of(seq=9)  # never kept: nothing but the lever tells
    touched = an_event(unsaid, EventKind.TOUCHED, 1, at(3)).model_copy(update={"lever": OFFSET, "setting": 2.0})
    refused = an_event(unsaid, EventKind.REFUSED, 2, at(4)).model_copy(update={"lever": None, "setting": None})
    await commands.record([touched, refused])
    lines = await LedgerRuns(engine).command_lines()
    assert [(line["event"], line["circuit"]) for line in lines] == [
        ("planned", "heating"),
        ("sent", "heating"),
        ("applied", "heating"),
        ("planned", "hot_water"),
        ("sent", "hot_water"),
        ("touched", "heating"),
        ("refused", None),
    ]
    assert all(line["recorded_at"].tzinfo for line in lines)


async def test_the_heating_is_seen_in_its_own_mode_whatever_the_tank_does(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    commands = LedgerCommands(engine, engine)
    await live(commands, a_command_of(seq=1), EventKind.PLANNED, EventKind.APPLIED)
    water = a_command_of(seq=2).model_copy(update={"mode": HotWaterMode.BOOST})
    await live(commands, water, EventKind.PLANNED, EventKind.APPLIED)
    await live(commands, a_command_of("p-0002"), EventKind.PLANNED, EventKind.EXPIRED)
    assert await LedgerRuns(engine).heating_seen() == {"p-0001": "MAX", "p-0002": "unknown"}


async def test_a_breakers_newest_line_is_its_state(engine: AsyncEngine) -> None:
    row = {"oem": "nibe", "rate_per_min": 1.0, "reason": "as the test says"}
    async with engine.begin() as connection:
        for state, moment in (("closed", at(0)), ("open", at(1)), ("half-open", at(2))):
            await connection.execute(insert(BreakerRow).values(row | {"state": state, "at": moment}))
    runs = LedgerRuns(engine)
    assert await runs.breakers_now() == {"nibe": "half-open"}
    assert [line["state"] for line in await runs.breakers()] == ["closed", "open", "half-open"]
