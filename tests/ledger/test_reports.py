"""What reports read: every command counts once, pumps come with their newest command, and audit keeps its order."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import EventKind
from ledger.commands import LedgerCommands
from ledger.pumps import LedgerPumps
from ledger.queries.reports import LedgerReports
from ledger.queries.runs import LedgerRuns
from tests.builders import MIDNIGHT, a_profile, at
from tests.ledger.builders import a_command_of, an_event, enrol_pumps, live

pytestmark = pytest.mark.servers


async def test_a_command_counts_once_in_its_newest_state(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    commands = LedgerCommands(engine, engine)
    planned, sent, accepted, applied = EventKind.PLANNED, EventKind.SENT, EventKind.ACCEPTED, EventKind.APPLIED
    ignored = EventKind.WRITE_IGNORED
    await live(commands, a_command_of(seq=1), planned, sent, accepted, applied)
    await live(commands, a_command_of(seq=2), planned, sent, accepted, ignored, sent, accepted, applied)
    await live(commands, a_command_of(seq=3), planned, sent, accepted, ignored)
    await live(commands, a_command_of(seq=4), planned, sent, EventKind.WRITE_REFUSED)
    await live(commands, a_command_of(seq=5), planned)
    assert await LedgerReports(engine).states() == {"applied": 2, "accepted": 1, "sent": 1, "planned": 1}


async def test_an_end_that_was_written_down_before_its_beginning_is_still_the_end(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001")
    commands, command = LedgerCommands(engine, engine), a_command_of()
    await commands.record([an_event(command, EventKind.SUPERSEDED, when=at(1))])
    await commands.record([an_event(command, EventKind.PLANNED, when=at(0))])
    assert await LedgerReports(engine).states() == {"superseded": 1}


async def test_events_come_with_the_words_of_their_command_in_the_order_they_were_written_down(
    engine: AsyncEngine,
) -> None:
    await enrol_pumps(engine, "p-0001")
    commands, command = LedgerCommands(engine, engine), a_command_of()
    await live(commands, command, EventKind.PLANNED, EventKind.SENT)
    unknown = a_command_of(seq=2)
    await commands.record([an_event(unknown, EventKind.SUPERSEDED)])
    events = await LedgerRuns(engine).command_lines()
    assert [(e["event"], e["mode"], e["authority"]) for e in events] == [
        ("planned", "MAX", "plan"),
        ("sent", "MAX", "plan"),
        ("superseded", None, None),
    ]
    trail = await LedgerReports(engine).trail("p-0001", limit=2)
    assert [line["kind"] for line in trail] == ["superseded", "sent"]


async def test_pumps_are_listed_with_their_newest_command_and_the_retired_are_not_steered(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    pumps = LedgerPumps(engine)
    assert not await pumps.enrol(a_profile(baseline=9.0), at(1)), "a pump stays as it was enrolled"
    assert (await pumps.profile("p-0001")).heating.baseline == 0.0
    commands = LedgerCommands(engine, engine)
    for seq in (1, 2):
        await live(commands, a_command_of("p-0002", seq=seq), EventKind.PLANNED)
    await pumps.mark_retired("p-0001", at(3))
    await pumps.mark_retired("p-0001", at(4))
    first, second = await LedgerReports(engine).pumps()
    assert (first["pump_id"], first["retired_at"], first["command_id"]) == ("p-0001", at(3), None)
    assert (second["pump_id"], second["retired_at"], second["command_id"]) == ("p-0002", None, "p-0002-c00002")
    assert [profile.enrolment.pump_id for profile in await pumps.active()] == ["p-0002"]
    with pytest.raises(LookupError, match="pump p-9999 is not enrolled"):
        await pumps.profile("p-9999")


async def test_the_audit_trail_is_oldest_first_and_by_act(engine: AsyncEngine) -> None:
    reports = LedgerReports(engine)
    await reports.audit(MIDNIGHT, "resident", "cold feet", "override", "p-0001", {"mode": "MAX"})
    await reports.audit(at(1), "operator", "moving out", "retire", "p-0001", {})
    assert [line["act"] for line in await reports.audit_trail()] == ["override", "retire"]
    (only,) = await reports.audit_trail("override")
    assert (only["who"], only["why"], only["detail"]) == ("resident", "cold feet", {"mode": "MAX"})
