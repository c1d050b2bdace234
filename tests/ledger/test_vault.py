"""What workers share of vendor accounts: secrets that nobody reads without the key, and the calls that were spent."""

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.oem.credentials import StoredToken
from ledger.database import engine_for
from ledger.models import OemAccount
from ledger.oem.claims import LedgerClaims
from ledger.pumps import Vault
from ledger.queries.accounts import LedgerAccounts
from ledger.repositories import open_repositories
from tests.builders import MIDNIGHT
from tests.ledger.builders import SECRET, a_command_of, a_key, an_account, enrol_pumps, until, waiting_for_a_lock

pytestmark = pytest.mark.servers

WRITES = 11
"""As many as a pool of one connection with its overflow holds at once."""
DAY = timedelta(days=1)
WORKER = """
import asyncio, sys
from datetime import datetime, timedelta
from ledger.oem.claims import LedgerClaims
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

END_THE_OTHERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND datname = current_database()
"""
TOKEN = StoredToken(access_token=SecretStr("access-me"), refresh_token=SecretStr("refresh-me"))


def in_the_clear(token: StoredToken | None) -> tuple[str, str | None]:
    assert token is not None
    refresh = token.refresh_token
    return token.access_token.get_secret_value(), refresh.get_secret_value() if refresh else None


async def test_no_secret_is_readable_in_the_table(engine: AsyncEngine) -> None:
    vault = Vault(engine, [a_key()])
    await vault.add_account(an_account())
    await vault.save("nibe-main", TOKEN)
    async with engine.connect() as connection:
        row = (await connection.execute(select(OemAccount))).one()
    stored = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    for secret in (SECRET, "access-me", "refresh-me"):
        assert secret.encode() not in stored
    assert (await vault.credentials("nibe-main")).client_secret.get_secret_value() == SECRET


async def test_a_token_comes_back_as_it_was_stored(engine: AsyncEngine) -> None:
    vault = Vault(engine, [a_key()])
    await vault.add_account(an_account())
    assert await vault.load("nibe-main") is None
    await vault.save("nibe-main", TOKEN)
    assert in_the_clear(await vault.load("nibe-main")) == ("access-me", "refresh-me")
    await vault.save("nibe-main", StoredToken(access_token=SecretStr("alone")))
    assert in_the_clear(await vault.load("nibe-main")) == ("alone", None)


async def test_new_credentials_drop_the_token_of_the_old_ones(engine: AsyncEngine) -> None:
    vault = Vault(engine, [a_key()])
    await vault.add_account(an_account())
    await vault.save("nibe-main", TOKEN)
    await vault.add_account(an_account())
    assert await vault.load("nibe-main") is None


async def test_another_key_gives_a_sentence_and_no_secret(engine: AsyncEngine) -> None:
    right, wrong = a_key(), a_key()
    await Vault(engine, [right]).add_account(an_account())
    await Vault(engine, [right]).save("nibe-main", TOKEN)
    for ask in (Vault(engine, [wrong]).credentials, Vault(engine, [wrong]).load):
        with pytest.raises(LookupError) as refused:
            await ask("nibe-main")
        sentence = str(refused.value)
        assert "nibe-main cannot be read with this key" in sentence
        assert "HEATSTEER_SECRET_KEYS" in sentence
        assert refused.value.__cause__ is None
        for secret in (SECRET, right.get_secret_value(), wrong.get_secret_value(), "access-me"):
            assert secret not in sentence


async def test_a_key_is_changed_by_putting_the_new_one_first(engine: AsyncEngine) -> None:
    old, new = a_key(), a_key()
    await Vault(engine, [old]).add_account(an_account())
    await Vault(engine, [old]).save("nibe-main", TOKEN)
    both = Vault(engine, [new, old])
    assert (await both.credentials("nibe-main")).client_secret.get_secret_value() == SECRET
    assert in_the_clear(await both.load("nibe-main")) == ("access-me", "refresh-me")
    await both.add_account(await both.credentials("nibe-main"))
    await both.save("nibe-main", TOKEN)
    assert (await Vault(engine, [new]).credentials("nibe-main")).client_secret.get_secret_value() == SECRET
    assert in_the_clear(await Vault(engine, [new]).load("nibe-main")) == ("access-me", "refresh-me")
    with pytest.raises(LookupError):
        await Vault(engine, [old]).load("nibe-main")


async def test_an_unknown_account_is_a_sentence(engine: AsyncEngine) -> None:
    with pytest.raises(LookupError, match="vendor account nobody is not known"):
        await Vault(engine, [a_key()]).credentials("nobody")


@pytest.mark.parametrize(("keys", "sentence"), [([], "no key"), ([SecretStr("not-a-key")], "no valid key")])
async def test_a_vault_without_a_good_key_is_refused(engine: AsyncEngine, keys: list[SecretStr], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        Vault(engine, keys)
    assert "heatsteer new-key" in str(refused.value)
    assert "not-a-key" not in str(refused.value)


async def test_a_token_is_renewed_by_one_holder_at_a_time(engine: AsyncEngine) -> None:
    key = a_key()
    inside: list[str] = []

    async def another_worker() -> None:
        async with Vault(engine, [key]).renewing("nibe-main"):
            inside.append("another")

    async with Vault(engine, [key]).renewing("nibe-main"):
        waiting = asyncio.create_task(another_worker())
        await until(lambda: waiting_for_a_lock(engine))
        assert inside == []
        async with Vault(engine, [key]).renewing("nibe-second"):
            pass
    await waiting
    assert inside == ["another"]


async def test_all_secrets_are_sealed_anew_so_that_the_old_key_can_go(engine: AsyncEngine) -> None:
    old, new = a_key(), a_key()
    for name in ("nibe-main", "nibe-second"):
        await Vault(engine, [old]).add_account(an_account(name), token=TOKEN)
    assert await Vault(engine, [new, old]).reseal() == 2
    for name in ("nibe-main", "nibe-second"):
        assert (await Vault(engine, [new]).credentials(name)).client_secret.get_secret_value() == SECRET
        assert in_the_clear(await Vault(engine, [new]).load(name)) == ("access-me", "refresh-me")
    with pytest.raises(LookupError, match="cannot be read with this key"):
        await Vault(engine, [old]).reseal()


async def test_a_forgotten_account_leaves_no_secret_and_its_pumps_keep_their_history(engine: AsyncEngine) -> None:
    key = a_key()
    await Vault(engine, [key]).add_account(an_account("nibe-second"), token=TOKEN)
    await enrol_pumps(engine, "p-0001", account_id="nibe-main")
    vault = Vault(engine, [key])
    await vault.add_account(an_account("nibe-main"), token=TOKEN)
    for name, sentence in (("nibe-main", "was disconnected"), ("nibe-second", "is not known")):
        await vault.forget(name, MIDNIGHT)
        assert await vault.load(name) is None
        with pytest.raises(LookupError, match=sentence):
            await vault.credentials(name)
    (left,) = await LedgerAccounts(engine).all()
    assert (left.account_id, left.disconnected_at, left.has_token, left.pumps) == ("nibe-main", MIDNIGHT, False, 1)
    await vault.add_account(an_account("nibe-main"))
    assert (await vault.credentials("nibe-main")).client_secret.get_secret_value() == SECRET


async def test_tokens_are_renewed_while_every_connection_for_write_locks_is_taken(
    engine: AsyncEngine, database: str
) -> None:
    """Fifty households' tokens expire at once: the writes that wait for them held all connections there were."""
    pumps = [f"p-{number:04d}" for number in range(WRITES)]
    await enrol_pumps(engine, *pumps)
    all_hold = asyncio.Barrier(WRITES)
    async with open_repositories(SecretStr(database), [a_key()], lock_connections=1) as ledger:
        for pump in pumps:
            await ledger.vault.add_account(an_account(f"of-{pump}"))

        async def write(pump: str) -> None:
            command = a_command_of(pump)
            await ledger.commands.begin(command, [])
            async with ledger.commands.fence(command):
                await all_hold.wait()
                async with ledger.vault.renewing(f"of-{pump}"):
                    await ledger.vault.save(f"of-{pump}", StoredToken(access_token=SecretStr("new")))

        async with asyncio.timeout(15):
            await asyncio.gather(*(write(pump) for pump in pumps))


async def test_a_renewed_token_is_stored_though_every_session_was_lost_meanwhile(
    engine: AsyncEngine, database: str
) -> None:
    async with open_repositories(SecretStr(database), [a_key()], lock_connections=1) as ledger:
        await ledger.vault.add_account(an_account())
        async with ledger.vault.renewing("nibe-main"):
            async with engine.connect() as other:  # as when the database is started anew while the vendor answers
                assert await other.scalar(text(END_THE_OTHERS)) >= 2
            await ledger.vault.save("nibe-main", TOKEN)
        assert in_the_clear(await ledger.vault.load("nibe-main")) == ("access-me", "refresh-me")
        async with asyncio.timeout(5), ledger.vault.renewing("nibe-main"):
            pass


async def test_a_renewed_token_is_stored_on_the_connection_that_holds_its_lock(
    engine: AsyncEngine, database: str
) -> None:
    vault = Vault(busy := engine_for(database, pool_size=1), [a_key()], locks=engine)
    await vault.add_account(an_account())
    async with vault.renewing("nibe-main"), AsyncExitStack() as taken:
        for _ in range(WRITES):
            await taken.enter_async_context(busy.connect())
        async with asyncio.timeout(5):
            await vault.save("nibe-main", TOKEN)
    assert in_the_clear(await vault.load("nibe-main")) == ("access-me", "refresh-me")
    await busy.dispose()


async def test_a_connection_that_died_while_nobody_used_it_is_replaced(
    engine: AsyncEngine, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.database.ASKED_AFTER_S", 0.0)
    idle = engine_for(database, pool_size=1)
    async with idle.connect() as connection:
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
    async with engine.connect() as other:
        await other.scalar(text("SELECT pg_terminate_backend(:pid)").bindparams(pid=pid))
    async with idle.connect() as connection:
        assert await connection.scalar(text("SELECT pg_backend_pid()")) != pid
    await idle.dispose()


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
