"""The journal in the ledger: stored once, and read back as it was decided."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.modes import Circuit, HotWaterMode, Mode
from domain.steering.decide import decide
from domain.steering.journal import JournalEntry, as_of
from domain.steering.pump_state import Event, Observed, OverrideRequested, PlanArrived, Woke
from ledger.journal import LedgerJournal
from ledger.models import JournalRow
from tests.builders import MIDNIGHT, a_circuit, a_plan, a_state, an_observation, an_override, at
from tests.ledger.builders import count

pytestmark = pytest.mark.servers


def a_life(pump_id: str = "p-0001") -> tuple[JournalEntry, ...]:
    """Two days of a pump with both circuits: plans, a cold room, a manual change and an override."""
    state = a_state(pump_id, hot_water=a_circuit(HotWaterMode.NORMAL))
    events: list[tuple[float, Event]] = [
        (0, Woke()),
        (1, PlanArrived(plan=a_plan(1, {(2, 4): Mode.MIN, (6, 9): Mode.MID}))),
        (3, Observed(as_of=at(3), room_c=17.0)),
        (5, OverrideRequested(override=an_override(start=5, until=30))),
        (10, an_observation(at(10), None, 4.0)),
        (20, PlanArrived(plan=a_plan(2, {(21, 23): Mode.MIN}))),
        (40, Woke()),
    ]
    for hours, event in events:
        state = decide(state, event, at(hours)).state
    return state.journal


async def test_an_entry_is_stored_once_however_often_it_comes(engine: AsyncEngine) -> None:
    journal, entries = LedgerJournal(engine), a_life()
    for _ in range(2):
        await journal.append(entries[:3])
    await asyncio.gather(*(LedgerJournal(engine).append(entries) for _ in range(5)))
    await journal.append([])
    assert await count(engine, JournalRow) == len(entries)
    assert await journal.newest_number("p-0001") == len(entries)
    assert await journal.newest_number("p-0002") == 0


async def test_it_is_read_back_of_any_moment_as_it_was_decided(engine: AsyncEngine) -> None:
    journal, entries = LedgerJournal(engine), a_life()
    await journal.append([*entries, *a_life("p-0002")])
    assert await journal.by_pump() == {"p-0001": list(entries), "p-0002": list(a_life("p-0002"))}
    for quarters in range(170):
        moment = MIDNIGHT + quarters * timedelta(minutes=15)
        assert await journal.as_of("p-0001", moment) == as_of(entries, moment)
    before = await journal.as_of("p-0001", MIDNIGHT - timedelta(seconds=1))
    assert (before.decided, before.standing) == ({}, None)
    assert set((await journal.as_of("p-0001", at(1))).decided) == set(Circuit)


async def test_between_two_moments_only_what_was_decided_then_is_read(engine: AsyncEngine) -> None:
    journal, entries = LedgerJournal(engine), a_life()
    await journal.append(entries)
    assert await journal.between("p-0001", at(3), at(10)) == [e for e in entries if at(3) <= e.at <= at(10)]
    assert await journal.has_after("p-0001", at(39))
    assert not await journal.has_after("p-0001", at(40))
