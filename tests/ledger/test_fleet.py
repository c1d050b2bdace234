"""The fleet's figures are the ledger's own rows, joined once: by vendor, by price area, of the last day."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import CommandState, EventKind
from domain.homes.comfort import ComfortBand, ComfortWeek, week_rules
from domain.oem.readings import Reading
from ledger.commands import LedgerCommands
from ledger.journal import LedgerJournal
from ledger.observations import LedgerObservations
from ledger.pumps import LedgerPumps
from ledger.queries.fleet import LedgerFleet, Rooms
from ledger.series import LedgerSeries
from tests.builders import MIDNIGHT, OFFSET, at
from tests.ledger.builders import a_command_of, an_event, enrol_pumps, live, prices, weather
from tests.ledger.test_journal import a_life

pytestmark = pytest.mark.servers

PLANNED, SENT, ACCEPTED, APPLIED = EventKind.PLANNED, EventKind.SENT, EventKind.ACCEPTED, EventKind.APPLIED


async def test_commands_of_the_last_day_count_once_in_their_newest_state(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    commands, fleet = LedgerCommands(engine, engine), LedgerFleet(engine)
    await live(commands, a_command_of(seq=1), PLANNED, SENT, ACCEPTED, APPLIED, EventKind.EFFECTIVE)
    await live(commands, a_command_of(seq=2), PLANNED, SENT, ACCEPTED, EventKind.WRITE_IGNORED)
    await live(commands, a_command_of("p-0002"), PLANNED, SENT, ACCEPTED, APPLIED)
    found = {CommandState.EFFECTIVE: 1, CommandState.ACCEPTED: 1, CommandState.APPLIED: 1}
    assert await fleet.commands(at(1)) == {"nibe": found}
    assert await fleet.commands(MIDNIGHT + timedelta(hours=24)) == {}


async def test_drifts_and_manual_changes_count_for_a_day(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    commands, command = LedgerCommands(engine, engine), a_command_of()
    await commands.begin(command, [])
    for number, (kind, hours) in enumerate([(EventKind.DRIFTED, 1), (EventKind.DRIFTED, 20), (EventKind.TOUCHED, 21)]):
        await commands.record([an_event(command, kind, number + 1, at(hours))])
    counted = await LedgerFleet(engine).notes(at(26))
    assert counted == {("nibe", EventKind.DRIFTED): 1, ("nibe", EventKind.TOUCHED): 1}


async def test_rooms_are_judged_by_their_newest_reading_and_an_old_one_says_nothing(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002", "p-0003", "p-0004")
    observations, fleet = LedgerObservations(engine), LedgerFleet(engine)

    def reading(hours: float, room_c: float | None) -> Reading:
        return Reading(as_of=at(hours), lever=OFFSET, setting=0.0, room_c=room_c)

    seen = [("p-0001", reading(4, 22.0)), ("p-0001", reading(5, 18.0)), ("p-0002", reading(5, 21.0))]
    await observations.store([*seen, ("p-0003", reading(1, 10.0)), ("p-0004", reading(5, None))], at(5))
    rooms = (await fleet.rooms(at(6)))["nibe"]
    assert rooms == Rooms(read=2, below_floor=1, lowest_c=18.0, mean_c=19.5)
    assert await fleet.rooms(at(48)) == {}


async def test_a_home_that_has_a_week_is_judged_by_what_it_accepts_at_that_hour(engine: AsyncEngine) -> None:
    week = ComfortWeek(tz="UTC", rules=week_rules("all 05:00-22:00 23-26"))
    await enrol_pumps(engine, "p-0001", "p-0002")
    await enrol_pumps(engine, "p-0003", "p-0004", band=ComfortBand(week=week))
    pumps, fleet = ("p-0001", "p-0002", "p-0003", "p-0004"), LedgerFleet(engine)
    rooms = zip(pumps, (20.0, 22.5, 20.0, 22.5), strict=True)
    readings = [(pump, Reading(as_of=at(4), lever=OFFSET, setting=0.0, room_c=room)) for pump, room in rooms]
    await LedgerObservations(engine).store(readings, at(4))
    assert (await fleet.rooms(at(4.5)))["nibe"].below_floor == 0, "by night all four are warm enough"
    assert (await fleet.rooms(at(6)))["nibe"].below_floor == 1, "by day one of those with a week is not"


async def test_prices_weather_and_quarantine_are_told_by_their_times(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    series, fleet = LedgerSeries(engine), LedgerFleet(engine)
    assert (await fleet.price_times(), await fleet.weather_stored(), await fleet.quarantined()) == ({}, None, {})
    await series.store_prices(prices(), at(1))
    await series.store_prices(prices(level=90.0), at(2))
    await series.store_weather(weather(), at(3))
    await series.quarantine("price", "a source", "no prices in it", at(4))
    times = (await fleet.price_times())["DE-LU"]
    assert (times.stored_at, times.ends_at) == (at(2), at(24))
    assert await fleet.weather_stored() == at(3)
    assert await fleet.quarantined() == {"price": 1}


async def test_retired_pumps_are_not_of_the_fleet(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    fleet = LedgerFleet(engine)
    await LedgerPumps(engine).mark_retired("p-0002", at(1))
    assert await fleet.steered() == {"p-0001": "nibe"}
    assert (await fleet.offline(), await fleet.plans_end()) == ({}, {})


async def test_a_journal_entry_is_reported_once_however_often_it_is_stored(engine: AsyncEngine) -> None:
    heard: list[str] = []
    journal, entries = LedgerJournal(engine, lambda entry: heard.append(entry.key)), a_life()
    await journal.append(entries[:2])
    await journal.append(entries)
    await journal.append(entries)
    assert heard == [entry.key for entry in entries]
