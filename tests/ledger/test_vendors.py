"""The books on vendors: calls add up, breakers are only added to, and an account asks once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.oem.breaker import Breaker, BreakerState
from domain.oem.calls import CallFate, CallMade
from domain.oem.quota import Quota
from domain.steering.sweep_policy import drift_found_within
from ledger.models import AccountAsk, BreakerRow
from ledger.oem.calls import MENDED_AFTER_S, CallCounter, Calls
from ledger.oem.vendors import LedgerVendors
from ledger.pumps import LedgerPumps, Vault
from ledger.queries.runs import LedgerRuns
from tests.builders import MIDNIGHT, at
from tests.ledger.builders import a_key, an_account, count, enrol_pumps

pytestmark = pytest.mark.servers


def a_minute(calls: int) -> tuple[Quota, ...]:
    """The quota that an answer named."""
    return (Quota(calls=calls, window=timedelta(minutes=1)),)


def a_call(fate: CallFate = CallFate.OK, when: datetime = MIDNIGHT, **given: Any) -> CallMade:
    account_id = given.pop("account_id", "nibe-main")
    return CallMade(oem="nibe", account_id=account_id, at=when, fate=fate, **given)


def counted(*made: CallMade) -> Calls:
    calls = Calls()
    for call in made:
        calls.add(call)
    return calls


async def test_calls_of_several_workers_add_up_by_minute_and_fate(engine: AsyncEngine) -> None:
    vendors = LedgerVendors(engine)
    second = timedelta(seconds=1)
    batch = counted(
        a_call(is_write=True),
        a_call(when=MIDNIGHT + 59 * second),
        a_call(CallFate.SERVER, MIDNIGHT + 60 * second, account_id="nibe-other"),
    )
    await asyncio.gather(*(vendors.keep(batch, {}) for _ in range(8)))
    window = await vendors.window("nibe", MIDNIGHT)
    assert [(m.minute, m.counts) for m in window] == [
        (MIDNIGHT, {CallFate.OK: 16}),
        (at(0, 1), {CallFate.SERVER: 8}),
    ]
    assert [m.minute for m in await vendors.window("nibe", at(0, 1))] == [at(0, 1)]
    assert await vendors.window("other", MIDNIGHT) == []


async def test_the_calls_of_every_account_are_added_up_within_a_run(engine: AsyncEngine) -> None:
    made = [a_call(), a_call(CallFate.SERVER, at(1)), a_call(account_id="home-1", when=at(2)), a_call(when=at(9))]
    await LedgerVendors(engine).keep(counted(*made), {})
    assert await LedgerRuns(engine).calls_by_account(MIDNIGHT, at(9)) == {"nibe-main": 2, "home-1": 1}


async def test_a_vendors_grant_is_that_of_its_steered_accounts_as_last_told(engine: AsyncEngine) -> None:
    vendors = LedgerVendors(engine)
    assert await vendors.burst_per_min("nibe") is None
    await enrol_pumps(engine, "p-0001", "p-0002")
    assert await vendors.burst_per_min("nibe") == 25, "as published, until an answer says more"
    told = [a_call(when=at(1), quotas=a_minute(30)), a_call(quotas=a_minute(99), account_id="nobody's", when=at(2))]
    await vendors.keep(counted(*told), {})
    await vendors.keep(counted(a_call(when=at(0), quotas=a_minute(7))), {})
    assert await vendors.burst_per_min("nibe") == 30
    for pump in ("p-0001", "p-0002"):
        await LedgerPumps(engine).mark_retired(pump, at(3))
    assert await vendors.burst_per_min("nibe") is None


async def test_a_breaker_is_found_again_as_it_was_noted_with_its_openings_of_late(engine: AsyncEngine) -> None:
    vendors = LedgerVendors(engine)
    assert await vendors.newest_breaker("nibe", at(9)) is None
    states = [(BreakerState.OPEN, at(2)), (BreakerState.HALF_OPEN, at(8)), (BreakerState.OPEN, at(8, 30))]
    for state, since in states:
        for _ in range(2):
            await vendors.note_breaker("nibe", Breaker(state=state, since=since, reason=state.value), 0.5)
    assert await count(engine, BreakerRow) == 3, "the same is noted once"
    newest = await vendors.newest_breaker("nibe", at(9))
    assert newest == Breaker(state=BreakerState.OPEN, since=at(8, 30), reason="open", openings=(at(8, 30),))
    await vendors.note_breaker("nibe", newest, 2.0)
    assert await count(engine, BreakerRow) == 4, "another rate is news"
    assert await vendors.newest_breaker("other", at(9)) is None


async def test_an_account_asks_once_until_it_is_solved(engine: AsyncEngine) -> None:
    vendors = LedgerVendors(engine)
    await enrol_pumps(engine, "p-0001")
    await asyncio.gather(*(vendors.ask("nibe-main", "no consent", at(1)) for _ in range(4)))
    await vendors.ask("nobody's", "no such account", at(1))
    assert [(a.account_id, a.since, a.reason) for a in await vendors.open_asks("nibe")] == [
        ("nibe-main", at(1), "no consent")
    ]
    await vendors.keep(Calls(), {"nibe-main": at(0, 59)})
    assert len(await vendors.open_asks("nibe")) == 1, "calls that were accepted before it was asked do not solve it"
    await vendors.keep(Calls(), {"nibe-main": at(1, 10)})
    assert await vendors.open_asks("nibe") == []
    await vendors.ask("nibe-main", "again", at(2))
    assert await count(engine, AccountAsk) == 2


async def test_new_credentials_solve_an_ask(engine: AsyncEngine) -> None:
    vendors = LedgerVendors(engine)
    await enrol_pumps(engine, "p-0001")
    await vendors.ask("nibe-main", "no consent", at(1))
    await Vault(engine, [a_key()]).add_account(an_account(), at(2))
    assert await vendors.open_asks("nibe") == []
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.max(AccountAsk.solved_at))) == at(2)


async def test_an_ask_is_solved_by_calls_that_hold_and_not_by_a_token_that_is_refused_at_once(
    engine: AsyncEngine,
) -> None:
    vendors = LedgerVendors(engine)
    await enrol_pumps(engine, "p-0001")
    await vendors.ask("nibe-main", "no consent", at(1))
    wall_s = 0.0
    counter = CallCounter(vendors, lambda: wall_s)
    for minute in range(3):
        counter(a_call(CallFate.OK, at(1, minute)))
        await counter.flush()
        counter(a_call(CallFate.CREDENTIALS, at(1, minute)))
        wall_s += 60
        await counter.flush()
    assert len(await vendors.open_asks("nibe")) == 1
    counter(a_call(CallFate.OK, at(2)))
    await counter.flush()
    assert len(await vendors.open_asks("nibe")) == 1, "the next call may still be refused"
    wall_s += MENDED_AFTER_S
    await counter.flush()
    assert await vendors.open_asks("nibe") == []


async def test_counts_are_flushed_while_it_runs_and_at_its_end(engine: AsyncEngine) -> None:
    vendors = LedgerVendors(engine)
    counter = CallCounter(vendors)

    async def seen() -> int:
        return sum(m.alive for m in await vendors.window("nibe", MIDNIGHT))

    async with counter.running():
        counter(a_call())
        while not await seen():  # noqa: ASYNC110 -- what is waited for happens in the database
            await asyncio.sleep(0.02)
        counter(a_call())
        counter(a_call())
    assert await seen() == 3


async def test_what_the_ledger_does_not_take_is_counted_with_the_next_flush(engine: AsyncEngine) -> None:
    class Broken(LedgerVendors):
        broken = True

        async def keep(self, *given: Any) -> None:
            if self.broken:
                raise OperationalError("as the test says", None, Exception())
            await super().keep(*given)

    vendors = Broken(engine)
    counter = CallCounter(vendors)
    counter(a_call(quotas=a_minute(25)))
    await counter.flush()
    counter(a_call(is_write=True))
    vendors.broken = False
    await counter.flush()
    assert [m.counts for m in await vendors.window("nibe", MIDNIGHT)] == [{CallFate.OK: 2}]


async def test_a_vendors_status_tells_what_an_operator_asks_first(engine: AsyncEngine) -> None:
    vendors = LedgerVendors(engine)
    assert await vendors.status(at(2)) == []
    await enrol_pumps(engine, "p-0001", "p-0002")
    await LedgerPumps(engine).mark_retired("p-0002", at(1))
    bare = (await vendors.status(at(2)))[0]
    assert (bare.oem, bare.breaker, bare.rate_per_min, bare.calls, bare.share_used) == ("nibe", None, None, {}, 0.0)
    await vendors.note_breaker("nibe", Breaker(state=BreakerState.OPEN, since=at(1, 50), reason="it fails"), 0.5)
    await vendors.ask("nibe-main", "no consent", at(1))
    made = [a_call(when=at(1, m), is_write=True, quotas=a_minute(1)) for m in range(10, 16)]
    await vendors.keep(counted(*made, a_call(CallFate.SERVER, at(1, 59)), a_call(when=at(0, 59))), {})
    told = (await vendors.status(at(2)))[0]
    assert told.breaker == Breaker(state=BreakerState.OPEN, since=at(1, 50), reason="it fails", openings=(at(1, 50),))
    assert told.rate_per_min == 0.5
    assert told.calls == {CallFate.OK: 6, CallFate.SERVER: 1}
    assert told.writes == 6
    assert (told.granted_per_min, told.share_used) == (1, round(7 / 60, 4))
    assert (bare.pumps_beyond_quota, told.pumps_beyond_quota) == (0, 1), "one call a minute is kept for urgent ones"
    assert [ask.account_id for ask in told.asks] == ["nibe-main"]
    assert told.pumps == 1


async def test_a_drift_is_found_as_soon_as_the_most_loaded_account_is_swept(engine: AsyncEngine) -> None:
    vendors = LedgerVendors(engine)
    await enrol_pumps(engine, *(f"p-{no:04d}" for no in range(9)))
    await enrol_pumps(engine, "p-1000", "p-1001", account_id="nibe-other")
    await LedgerPumps(engine).mark_retired("p-1001", at(1))
    bare = (await vendors.status(at(2)))[0]
    assert [(a.account_id, a.pumps, a.granted_per_min) for a in bare.accounts] == [
        ("nibe-main", 9, 25),
        ("nibe-other", 1, 25),
    ]
    slow = a_call(account_id="nibe-main", quotas=(Quota(calls=200, window=timedelta(days=1)),))
    await vendors.keep(counted(slow), {})
    told = (await vendors.status(at(2)))[0]
    assert (told.pumps, told.granted_per_min) == (10, 25 + 200 / 1440)
    assert bare.drift_found_within == drift_found_within(9, 1.05, 25)
    assert told.drift_found_within == drift_found_within(9, 1.05, 200 / 1440)
    assert told.drift_found_within > timedelta(hours=4)
    for no in range(9):
        await LedgerPumps(engine).mark_retired(f"p-{no:04d}", at(3))
    await LedgerPumps(engine).mark_retired("p-1000", at(3))
    assert (await vendors.status(at(4)))[0].drift_found_within is None
