"""What the sweep remembers and asks of the ledger: looks, newest commands by circuit, breakers, latencies."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import Authority, Command, CommandEvent, CommandState, EventKind
from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.readings import Condition
from domain.steering.sweep_policy import Reported, ReportedLever, WatchRecord
from ledger.commands import LedgerCommands
from ledger.models import OemGrant
from ledger.observations import LedgerObservations
from ledger.sweep_records import LedgerSweepRecords
from oem_adapters.nibe.manifest import HOT_WATER_COMFORT
from tests.builders import OFFSET, a_lever, a_reading, at
from tests.ledger.builders import enrol_pumps

pytestmark = pytest.mark.servers


def a_command(seq: int, mode: Mode | HotWaterMode, decided_at: datetime, pump_id: str = "p-0001") -> Command:
    lever = a_lever() if isinstance(mode, Mode) else a_lever(HOT_WATER_COMFORT, 1.0)
    return Command(
        command_id=f"{pump_id}-c{seq:05d}",
        pump_id=pump_id,
        seq=seq,
        mode=mode,
        lever=lever.name,
        setting=lever.setting_for(mode),
        authority=Authority.PLAN,
        decided_at=decided_at,
        expires_at=decided_at + timedelta(hours=2),
    )


def line(command: Command, kind: EventKind, when: datetime, **given: Any) -> CommandEvent:
    is_write = kind in (EventKind.SENT, EventKind.ACCEPTED)
    return CommandEvent(
        command_id=command.command_id,
        pump_id=command.pump_id,
        at=when,
        kind=kind,
        write_no=given.pop("write_no", int(is_write)),
        lever=OFFSET if is_write else None,
        setting=given.pop("setting", 3.0 if is_write else None),
    )


async def lived(engine: AsyncEngine, command: Command, *steps: tuple[EventKind, float], **given: Any) -> None:
    """Decide a command and let these things happen to it, so many minutes later each."""
    commands = LedgerCommands(engine, engine)
    await commands.begin(command, [])
    for kind, minutes in steps:
        await commands.record([line(command, kind, command.decided_at + timedelta(minutes=minutes), **given)])


OBEYED = ((EventKind.PLANNED, 0), (EventKind.SENT, 1), (EventKind.ACCEPTED, 1), (EventKind.APPLIED, 4))


async def test_what_was_told_of_a_pump_is_remembered_and_an_older_look_changes_nothing(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    log = LedgerSweepRecords(engine)
    levers = {Circuit.HEATING: ReportedLever(command_id="p-0001-c00001", setting=0.5, at=at(8))}
    told = Reported(condition=Condition.AWAY, is_cold=True, levers=levers)
    kept = WatchRecord(
        pump_id="p-0001", looked_at=at(8), as_of=at(7, 59), told=told, unanswered=2, room_c=19.5, drifted_at=at(8)
    )
    gone = WatchRecord(pump_id="p-0002", looked_at=at(8), is_silent=True, told=Reported(silent=True), disconnected=3)
    await log.keep([gone, kept])
    await log.keep([kept.model_copy(update={"looked_at": at(7), "told": Reported()})])
    await log.keep([])
    assert await log.records(["p-0001", "p-0002", "p-0003"]) == {"p-0001": kept, "p-0002": gone}
    later = kept.model_copy(update={"looked_at": at(9), "told": Reported()})
    await log.keep([later])
    assert (await log.records(["p-0001"]))["p-0001"] == later


async def test_the_newest_command_of_each_circuit_is_expected_in_its_newest_state(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002", "p-0003")
    await lived(engine, a_command(1, Mode.MIN, at(1)), *OBEYED)
    await lived(engine, a_command(2, Mode.MAX, at(5)), *OBEYED, (EventKind.EFFECTIVE, 40))
    await lived(engine, a_command(3, HotWaterMode.BOOST, at(6)), (EventKind.PLANNED, 0), (EventKind.SENT, 1))
    await lived(engine, a_command(1, Mode.MID, at(2), "p-0002"), *OBEYED[:3], (EventKind.UNVERIFIED, 140))
    found = await LedgerSweepRecords(engine).expected(["p-0001", "p-0002", "p-0003"])
    assert found.keys() == {"p-0001", "p-0002"}
    heating, tank = found["p-0001"]
    assert (heating.circuit, heating.mode, heating.state, heating.at) == (
        Circuit.HEATING,
        Mode.MAX,
        CommandState.EFFECTIVE,
        at(5, 40),
    )
    assert (heating.sent_at, heating.lever, heating.setting) == (at(5, 1), OFFSET, 3.0)
    assert (tank.circuit, tank.mode, tank.state) == (Circuit.HOT_WATER, HotWaterMode.BOOST, CommandState.SENT)
    assert tank.is_open(at(7))
    assert [(e.mode, e.state) for e in found["p-0002"]] == [(Mode.MID, CommandState.UNVERIFIED)]
    assert await LedgerSweepRecords(engine).expected([]) == {}


async def test_a_command_that_never_left_is_expected_with_what_it_would_write(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    waiting, late = a_command(1, Mode.MAX, at(5)), a_command(1, Mode.MAX, at(5), "p-0002")
    await lived(engine, waiting, (EventKind.PLANNED, 0))
    await lived(engine, late, (EventKind.PLANNED, 0), (EventKind.EXPIRED, 120))
    found = await LedgerSweepRecords(engine).expected(["p-0001", "p-0002"])
    for command in (waiting, late):
        (one,) = found[command.pump_id]
        assert (one.lever, one.setting, one.sent_at) == (command.lever, command.setting, None)


async def test_what_the_workflow_noted_of_a_lever_outranks_the_command_it_noted_it_of(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    command, other = a_command(1, Mode.MAX, at(5)), a_command(1, Mode.MAX, at(5), "p-0002")
    await lived(engine, command, *OBEYED)
    await lived(engine, other, *OBEYED)
    commands = LedgerCommands(engine, engine)
    await commands.record([line(command, EventKind.DRIFTED, at(6), setting=-2.0, write_no=1)])
    await commands.record([line(other, EventKind.TOUCHED, at(6), setting=2.0, write_no=1)])
    found = await LedgerSweepRecords(engine).expected(["p-0001", "p-0002"])
    fallen, moved = found["p-0001"][0], found["p-0002"][0]
    assert (fallen.believed, fallen.known_at) == (-2.0, at(6))
    assert (moved.believed, moved.known_at) == (2.0, at(6))
    await lived(engine, a_command(2, Mode.MAX, at(7), "p-0002"), *OBEYED)
    (newer,) = (await LedgerSweepRecords(engine).expected(["p-0002"]))["p-0002"]
    assert newer.believed == 3.0, "what was noted before the newest command is over"


async def test_readings_come_by_pump_from_a_moment_on_and_oldest_first(engine: AsyncEngine) -> None:
    log = LedgerObservations(engine)
    await log.store([("p-0001", a_reading(3.0, at(7))), ("p-0002", a_reading(9.0, at(6)))], at(8))
    await log.store([("p-0001", a_reading(2.0, at(6))), ("p-0001", a_reading(1.0, at(-2)))], at(8))
    found = await LedgerSweepRecords(engine).readings(["p-0001"], at(5))
    assert {pump: [r.setting for r in readings] for pump, readings in found.items()} == {"p-0001": [2.0, 3.0]}


async def test_a_sweep_s_pace_is_that_of_the_tightest_quota_published_or_named_last(engine: AsyncEngine) -> None:
    records = LedgerSweepRecords(engine)
    assert await records.grants("nibe") == {}, "no pump is steered"
    await enrol_pumps(engine, "p-0001")
    assert await records.grants("nibe") == {"nibe-main": 25.0}
    async with engine.begin() as connection:
        row = {"account_id": "nibe-main", "oem": "nibe", "window_s": 60, "calls": 30, "told_at": at(8)}
        await connection.execute(insert(OemGrant).values(row))
    assert await records.grants("nibe") == {"nibe-main": 30.0}
    async with engine.begin() as connection:
        await connection.execute(insert(OemGrant).values(row | {"window_s": 86_400, "calls": 200}))
    assert await records.grants("nibe") == {"nibe-main": 200 / 1440}


async def test_latencies_are_those_of_the_commands_that_made_the_step(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    log = LedgerSweepRecords(engine)
    assert await log.latencies() == {}
    for seq, applied_min in enumerate((3, 4, 5), 1):
        steps = ((EventKind.PLANNED, 0), (EventKind.SENT, 1), (EventKind.ACCEPTED, 1), (EventKind.APPLIED, applied_min))
        await lived(engine, a_command(seq, Mode.MAX, at(seq)), *steps)
    await lived(engine, a_command(4, Mode.MIN, at(4)), *OBEYED[:3])
    await lived(engine, a_command(5, Mode.MAX, at(5)), *OBEYED, (EventKind.EFFECTIVE, 34))
    found = await log.latencies()
    assert (found["decided-accepted"].commands, found["decided-accepted"].p50_s) == (5, 60)
    applied = found["accepted-applied"]
    assert (applied.commands, applied.p50_s) == (4, 180)
    assert 180 < applied.p90_s < applied.p99_s < 240
    assert (found["applied-effective"].commands, found["applied-effective"].p99_s) == (1, 1800)
    assert (await log.latencies(since=at(5)))["decided-applied"].p50_s == 240
