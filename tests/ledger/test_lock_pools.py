"""Locks and their connections: whoever holds one kind can always come by the other."""

import asyncio

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.oem.credentials import StoredToken
from ledger.repositories import open_repositories
from tests.ledger.builders import a_command_of, a_key, an_account, enrol_pumps

pytestmark = pytest.mark.servers

WRITES = 11
"""As many as a pool of one connection with its overflow holds at once."""


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
