"""Commands in the ledger: what is written down once, what an attempt learns of the ones before it, and the fence."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import CommandState, EventKind
from domain.commands.verification import Answer
from domain.modes import Mode
from domain.ports import RecordedDecision
from domain.steering.decide import decide
from domain.steering.pump_state import MessageRefused, OverrideRequested
from ledger.commands import LedgerCommands
from ledger.database import locks_for
from ledger.models import CommandEventRow, CommandRow
from tests.builders import SETPOINT, a_state, an_override, at
from tests.ledger.builders import a_command_of, an_event, count, enrol_pumps, live, until, waiting_for_a_lock

pytestmark = pytest.mark.servers

SENT, ACCEPTED = EventKind.SENT, EventKind.ACCEPTED
HOLDERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
"""Ends every session that holds a lever's lock."""
LOST, REFUSED, IGNORED_WRITE = EventKind.WRITE_LOST, EventKind.WRITE_REFUSED, EventKind.WRITE_IGNORED


@pytest_asyncio.fixture
async def commands(engine: AsyncEngine, database: str) -> AsyncIterator[LedgerCommands]:
    """A log of commands for two pumps, its fences in a pool of their own as a worker has it."""
    await enrol_pumps(engine, "p-0001", "p-0002")
    fences = locks_for(database)
    yield LedgerCommands(engine, fences)
    await fences.dispose()


async def test_a_command_and_its_events_are_written_once_however_often_they_come(
    commands: LedgerCommands, engine: AsyncEngine
) -> None:
    command = a_command_of()
    events = [an_event(command, EventKind.PLANNED), an_event(command, SENT, 1), an_event(command, SENT, 2)]
    for _ in range(3):
        await commands.begin(command, events[:1])
        await commands.record(events)
    await asyncio.gather(*(commands.record(events) for _ in range(5)))
    assert await count(engine, CommandRow) == 1
    assert await count(engine, CommandEventRow) == len(events)


async def test_a_listener_is_told_once_of_each_new_event_with_its_vendor_and_its_command(
    engine: AsyncEngine, database: str
) -> None:
    await enrol_pumps(engine, "p-0001")
    locks, heard = locks_for(database), list[RecordedDecision]()
    commands = LedgerCommands(engine, locks, heard.append)
    command = a_command_of()
    for _ in range(2):
        await commands.begin(command, [an_event(command, EventKind.PLANNED)])
        async with commands.fence(command) as record:
            assert record is not None
            await record([an_event(command, SENT, 1)])
        await commands.record([an_event(command, SENT, 1), an_event(command, ACCEPTED, 1)])
    await locks.dispose()
    assert [decision.event.kind for decision in heard] == [EventKind.PLANNED, SENT, ACCEPTED]
    assert {(d.oem, d.authority, d.decided_at) for d in heard} == {("nibe", command.authority, command.decided_at)}


async def test_both_levers_of_a_pump_may_begin_at_once_and_write_down_the_same_lines(
    commands: LedgerCommands, engine: AsyncEngine
) -> None:
    pairs = [(a_command_of(seq=seq), a_command_of(seq=seq + 1)) for seq in range(1, 100, 2)]
    for pair in pairs:
        lines = [an_event(one, EventKind.PLANNED).model_copy(update={"command": one}) for one in pair]
        await asyncio.gather(*(commands.begin(one, lines) for one in pair))
    assert await count(engine, CommandRow) == await count(engine, CommandEventRow) == 2 * len(pairs)


async def test_the_first_stamp_of_an_event_stays(commands: LedgerCommands) -> None:
    command = a_command_of()
    await live(commands, command, SENT)
    await commands.record([an_event(command, SENT, 1, at(1))])
    (write,) = (await commands.progress(command)).writes
    assert write.at == at(0)


async def test_nothing_is_known_of_a_command_that_was_never_written(commands: LedgerCommands) -> None:
    progress = await commands.progress(a_command_of())
    assert progress.writes == ()
    assert progress.before is None
    assert progress.ended is None


async def test_writes_are_folded_from_their_events(commands: LedgerCommands) -> None:
    command = a_command_of()
    await live(commands, command, SENT, ACCEPTED, IGNORED_WRITE, SENT, LOST, SENT, REFUSED, SENT)
    progress = await commands.progress(command)
    assert [(w.write_no, w.setting, w.answer, w.ignored) for w in progress.writes] == [
        (1, 11.0, Answer.ACCEPTED, True),
        (2, 12.0, Answer.LOST, False),
        (3, 13.0, Answer.REFUSED, False),
        (4, 14.0, Answer.LOST, False),
    ]
    assert [w.at for w in progress.writes] == [at(0, minute) for minute in (0, 3, 5, 7)]
    assert progress.ended is None


async def test_an_end_is_remembered(commands: LedgerCommands) -> None:
    command = a_command_of()
    await live(commands, command, SENT, ACCEPTED, EventKind.APPLIED)
    assert (await commands.progress(command)).ended is CommandState.APPLIED


async def test_the_write_before_is_the_newest_of_an_earlier_command_on_the_same_lever_of_the_same_pump(
    commands: LedgerCommands,
) -> None:
    await live(commands, a_command_of(seq=1), SENT, ACCEPTED)
    await live(commands, a_command_of(seq=2), SENT, REFUSED, SENT)
    await live(commands, a_command_of(seq=3))
    await live(commands, a_command_of(seq=5), SENT, ACCEPTED)
    await live(commands, a_command_of("p-0002", seq=3), SENT, ACCEPTED)
    other_lever = a_command_of(seq=4)
    await commands.begin(other_lever, [])
    await commands.record([an_event(other_lever, SENT, 1, lever=SETPOINT)])
    before = (await commands.progress(a_command_of(seq=4))).before
    assert before is not None
    assert (before.setting, before.answer) == (22.0, Answer.LOST)
    first = await commands.progress(a_command_of(seq=1))
    assert first.before is None, "later commands are not before it"
    assert [w.setting for w in first.writes] == [11.0]


async def test_a_write_that_was_surely_not_taken_is_not_the_write_before(commands: LedgerCommands) -> None:
    await live(commands, a_command_of(seq=1), SENT, ACCEPTED)
    await live(commands, a_command_of(seq=2), SENT, REFUSED)
    before = (await commands.progress(a_command_of(seq=3))).before
    assert before is not None
    assert (before.setting, before.answer) == (11.0, Answer.ACCEPTED)


async def test_a_newer_command_in_the_ledger_fences_the_older_one_off(commands: LedgerCommands) -> None:
    older, newer = a_command_of(seq=1), a_command_of(seq=2)
    await commands.begin(older, [])
    await commands.begin(a_command_of("p-0002", seq=9), [])
    async with commands.fence(older) as newest:
        assert newest
    await commands.begin(newer, [])
    async with commands.fence(older) as newest:
        assert not newest
    async with commands.fence(newer) as newest:
        assert newest


async def test_two_fences_of_one_lever_exclude_each_other(commands: LedgerCommands, engine: AsyncEngine) -> None:
    inside: list[str] = []

    async def second() -> None:
        async with commands.fence(a_command_of(seq=2)):
            inside.append("second")

    async with commands.fence(a_command_of(seq=1)):
        waiting = asyncio.create_task(second())
        await until(lambda: waiting_for_a_lock(engine))
        assert inside == []
    await waiting
    assert inside == ["second"]


async def test_fences_of_two_levers_and_of_two_pumps_do_not_wait_for_each_other(commands: LedgerCommands) -> None:
    async with (
        commands.fence(a_command_of()),
        commands.fence(a_command_of().model_copy(update={"lever": SETPOINT})),
        commands.fence(a_command_of("p-0002")) as newest,
    ):
        assert newest


async def test_a_killed_connection_releases_its_lock_and_its_holder_learns_of_it(
    commands: LedgerCommands, engine: AsyncEngine
) -> None:
    async def hold_and_be_killed() -> None:
        async with commands.fence(a_command_of()):
            async with engine.connect() as connection:
                assert (await connection.scalars(HOLDERS)).all() == [True]
            async with commands.fence(a_command_of()) as newest:
                assert newest

    with pytest.raises(DBAPIError):
        await hold_and_be_killed()
    async with commands.fence(a_command_of()) as newest:
        assert newest, "the pool has thrown the dead connection away"


async def test_who_lost_the_lock_writes_nothing_down_after_the_newer_command(
    commands: LedgerCommands, engine: AsyncEngine
) -> None:
    older, newer = a_command_of(seq=1), a_command_of(seq=2)
    await commands.begin(older, [])

    async def stall_without_the_lock() -> None:
        async with commands.fence(older) as record:
            assert record is not None
            async with engine.connect() as connection:
                await connection.execute(HOLDERS)
            await live(commands, newer, SENT, ACCEPTED)
            await record([an_event(older, SENT, 1)])

    with pytest.raises(DBAPIError):
        await stall_without_the_lock()
    assert (await commands.progress(older)).writes == ()


async def test_a_lock_ends_soon_after_the_host_that_held_it_vanished(commands: LedgerCommands, database: str) -> None:
    del commands
    locks = locks_for(database)
    async with locks.connect() as connection:
        settings = [await connection.scalar(text(f"SHOW {name}")) for name in ("idle_session_timeout",)]
        settings += [await connection.scalar(text(f"SHOW tcp_keepalives_{name}")) for name in ("idle", "count")]
    await locks.dispose()
    assert settings[0] == "90s"
    assert settings[1:] in (["10", "3"], ["0", "0"]), "0 through a socket of the same machine, where no host vanishes"


async def test_a_line_that_no_text_could_hold_is_kept_readable_and_stops_nothing(commands: LedgerCommands) -> None:
    told = decide(a_state(), MessageRefused(reason="rev\x00ision\x1b[2J \ud800: extra"), at(0))
    asked = decide(told.state, OverrideRequested(override=an_override(Mode.MAX, who="A\x00nna")), at(0, 1))
    await commands.begin(asked.starts[0], asked.state.outbox)
    assert [line.reason for line in asked.state.outbox] == ["rev?ision?[2J ?: extra", "mode of A?nna"]


async def test_what_is_noted_in_a_second_life_is_counted_on_from_the_first(commands: LedgerCommands) -> None:
    assert await commands.newest_note("p-0001") == 0
    await commands.record(decide(a_state(), MessageRefused(reason="first life"), at(0)).state.outbox)
    last = await commands.newest_note("p-0001")
    assert last == 1
    second = decide(a_state(last_note=last), MessageRefused(reason="second life"), at(5)).state
    await commands.record(second.outbox)
    assert await commands.newest_note("p-0001") == 2


async def test_an_error_of_the_database_does_not_tell_what_was_to_be_stored(commands: LedgerCommands) -> None:
    command = a_command_of().model_copy(update={"pump_id": "p-9999", "command_id": "told-to-nobody"})
    with pytest.raises(DBAPIError) as refused:
        await commands.begin(command.model_copy(update={"seq": 2**70}), [])
    assert "parameters: [" not in str(refused.value)
    assert "hidden" in str(refused.value)


async def test_who_gives_up_waiting_for_a_lock_does_not_get_it_later(
    commands: LedgerCommands, engine: AsyncEngine
) -> None:
    async def impatient() -> None:
        async with commands.fence(a_command_of(seq=2)):
            raise AssertionError("it never came in")

    async with commands.fence(a_command_of()):
        waiting = asyncio.create_task(impatient())
        await until(lambda: waiting_for_a_lock(engine))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with commands.fence(a_command_of()) as newest:
        assert newest


async def test_every_field_of_a_command_is_kept_or_known_not_to_be(
    engine: AsyncEngine, commands: LedgerCommands
) -> None:
    await enrol_pumps(engine, "p-0001")
    command = a_command_of().model_copy(update={"renews": True, "begins_from_c": 18.0, "baseline": 1.0})
    await commands.begin(command, [])
    assert await commands.newest_seq("p-0001") == command.seq
