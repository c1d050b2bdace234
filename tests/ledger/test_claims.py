"""Calls of one quota counted in the ledger: workers with connections of their own spend it once."""

import asyncio
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.claims import LedgerClaims
from ledger.database import engine_for
from tests.builders import MIDNIGHT

pytestmark = pytest.mark.servers

DAY = timedelta(days=1)
WORKER = """
import asyncio, sys
from datetime import datetime, timedelta
from ledger.claims import LedgerClaims
from ledger.database import engine_for

async def main(url, begin, calls):
    engine = engine_for(url)
    claims = LedgerClaims(engine)
    at = [datetime.fromisoformat(begin) + timedelta(seconds=n) for n in range(int(calls))]
    print("ready", flush=True)
    sys.stdin.readline()
    found = await asyncio.gather(*(claims.claim("one", timedelta(days=1), 180, moment) for moment in at))
    print(sum(claim.opens_at is None for claim in found))
    await engine.dispose()

asyncio.run(main(*sys.argv[1:]))
"""


def seconds(number: int) -> datetime:
    return MIDNIGHT + timedelta(seconds=number)


async def test_two_processes_never_spend_more_than_is_granted(database: str, engine: AsyncEngine) -> None:
    argv = [sys.executable, "-c", WORKER, database, MIDNIGHT.isoformat(), "150"]
    workers = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 -- two of them
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    told = [asyncio.to_thread(worker.communicate, "go\n", 60) for worker in workers]
    counts = [int(out) for out, _ in await asyncio.gather(*told)]
    assert sum(counts) == 180
    assert min(counts) > 0, "both had their share"
    refused = await LedgerClaims(engine).claim("one", DAY, 180, seconds(200))
    assert refused.opens_at == MIDNIGHT + DAY


async def test_what_is_taken_back_may_be_spent_again_and_counts_once(database: str, engine: AsyncEngine) -> None:
    claims, others = LedgerClaims(engine), LedgerClaims(other := engine_for(database))
    first = [await claims.claim("two", DAY, 3, seconds(0)), await others.claim("two", DAY, 3, seconds(0))]
    assert [claim.within for claim in first] == [1, 2]
    await others.take_back("two", seconds(0))
    await others.take_back("two", seconds(5))
    await others.take_back("nobody", seconds(0))
    assert [(await claims.claim("two", DAY, 3, seconds(n))).within for n in (1, 2)] == [2, 3]
    assert (await claims.claim("two", DAY, 3, seconds(3))).opens_at == seconds(0) + DAY
    later = seconds(0) + DAY
    assert (await claims.claim("two", DAY, 3, later)).opens_at is None
    assert (await claims.claim("two", DAY, 0, later)).opens_at is not None, "others have used it up"
    await other.dispose()
