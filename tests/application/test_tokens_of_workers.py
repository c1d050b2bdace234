"""Single-use refresh tokens under several workers: each with connections of its own to the one ledger."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from domain.oem.manifest import Authentication, AuthFlow, Manifest
from ledger.database import engine_for, locks_for
from ledger.pumps import Vault
from oem_adapters.consent import redeem, request_consent
from oem_adapters.http import Call, CloudClient
from simulator.clouds.oauth import TokenRules, TokenServer
from tests.ledger.builders import a_key
from tests.oem_adapters.conftest import A_MANIFEST, NOW, PATIENT, TLS
from tests.oem_adapters.loopback import Answer, Loopback, Request, running_cloud
from tests.oem_adapters.test_consent import consents, serving

pytestmark = pytest.mark.servers

SECRET = "of-the-app-s3cret"
SCOPES = frozenset({"READ", "WRITE", "offline_access"})
WORKERS, ROUNDS, CALLS = 3, 4, 4
ROOT = Path(__file__).resolve().parents[2]
CALL = Call("PATCH", "/thing", body={"x": 1})


class Cloud:
    """Takes calls with a token that is valid now, and looks each time whether that token was stored already."""

    def __init__(self, loopback: Loopback, tokens: TokenServer, vault: Vault) -> None:
        self.tokens, self.vault = tokens, vault
        self.used_before_stored: list[str] = []
        self.newest = ""
        serving(loopback, tokens)
        loopback.on("PATCH", "/thing", self.take)

    async def take(self, request: Request) -> Answer:
        if self.tokens.grant(request.bearer, NOW.timestamp()) is None:
            return Answer({}, 401)
        stored = await self.vault.load("home-1")
        if stored is None or stored.access_token.get_secret_value() != request.bearer:
            self.used_before_stored.append(request.bearer)
        self.newest = request.bearer
        return Answer({})


@dataclass
class Shop:
    """One household's account in the ledger, its vendor, and workers with connections of their own."""

    loopback: Loopback
    cloud: Cloud
    manifest: Manifest
    workers: list[CloudClient]
    key: SecretStr

    @property
    def refreshed(self) -> list[str]:
        """Refresh tokens that reached the vendor, in order."""
        used = [asked.form.get("refresh_token") for asked in self.loopback.asked("POST", "/oauth/token")]
        return [token for token in used if token is not None]


@pytest_asyncio.fixture
async def shop(database: str) -> AsyncIterator[Shop]:
    key = a_key()
    async with running_cloud() as loopback, httpx.AsyncClient(verify=TLS) as http, contextlib.AsyncExitStack() as stack:
        manifest = a_manifest(loopback.base_url)
        authentication = manifest.authentication
        vaults = []
        for _ in range(WORKERS):
            engine, locks = engine_for(database), locks_for(database, pool_size=4)
            stack.push_async_callback(engine.dispose)
            stack.push_async_callback(locks.dispose)
            vaults.append(Vault(engine, [key], locks=locks))
        tokens = TokenServer(TokenRules(SCOPES, SCOPES, rotation="single-use"), "app", SECRET, life_s=600)
        cloud = Cloud(loopback, tokens, vaults[0])
        account = manifest.account("home-1", "app", SecretStr(SECRET))
        wall = datetime.now(UTC)
        request = request_consent(account, authentication, "http://127.0.0.1:4200/callback", wall)
        code = request.code_in(await consents(http, request), wall)
        first = await redeem(http, account, authentication, request, code, PATIENT, NOW)
        await vaults[0].add_account(account, token=first)
        workers = [CloudClient(http, vault, manifest, PATIENT) for vault in vaults]
        await workers[0].send("home-1", CALL, NOW)
        yield Shop(loopback, cloud, manifest, workers, key)


def a_manifest(base_url: str) -> Manifest:
    authentication = Authentication(
        flow=AuthFlow.AUTHORIZATION_CODE,
        token_url=f"{base_url}/oauth/token",
        authorize_url=f"{base_url}/oauth/authorize",
        scopes=tuple(sorted(SCOPES)),
    )
    return A_MANIFEST.at(base_url).model_copy(update={"authentication": authentication})


async def test_workers_renew_a_single_use_token_once_each_time_and_store_it_before_use(shop: Shop) -> None:
    for _ in range(ROUNDS):
        shop.cloud.tokens.revoke(shop.cloud.newest)
        answers = await asyncio.gather(*(w.send("home-1", CALL, NOW) for w in shop.workers for _ in range(CALLS)))
        assert all(answer.is_success for answer in answers)
    assert len(shop.refreshed) == len(set(shop.refreshed)) == ROUNDS, "one renewal a round, and no token used twice"
    assert shop.cloud.used_before_stored == []


class Doomed:
    """A worker in a process of its own, killed while a request of its stands at the vendor."""

    def __init__(self, shop: Shop, database: str) -> None:
        self.at_the_vendor, self.is_dead = asyncio.Event(), asyncio.Event()
        secrets = {"HEATSTEER_TEST_KEY": shop.key.get_secret_value(), "DATABASE_URL": database}
        argv = [sys.executable, __file__, shop.loopback.base_url]
        self.process = subprocess.Popen(argv, env=os.environ | secrets | {"PYTHONPATH": str(ROOT)}, cwd=ROOT)

    async def held(self, _: Request) -> Answer:
        """Where its request stands: it is never looked at."""
        self.at_the_vendor.set()
        await self.is_dead.wait()
        return Answer({}, 503)

    async def killed(self) -> None:
        async with asyncio.timeout(60):
            await self.at_the_vendor.wait()
        self.process.kill()
        await asyncio.to_thread(self.process.wait)
        self.is_dead.set()


async def test_a_worker_killed_while_it_renews_a_single_use_token_costs_no_consent(shop: Shop, database: str) -> None:
    """Its lock dies with it, and the token that it did not get to use is still good."""
    shop.cloud.tokens.revoke(shop.cloud.newest)
    doomed = Doomed(shop, database)
    shop.loopback.on("POST", "/oauth/token", doomed.held)
    await doomed.killed()
    serving(shop.loopback, shop.cloud.tokens)
    answers = await asyncio.gather(*(worker.send("home-1", CALL, NOW) for worker in shop.workers))
    assert all(answer.is_success for answer in answers)
    assert len(set(shop.refreshed)) == 1, "the same token, which the vendor had never looked at"


async def test_a_worker_killed_before_it_used_the_token_that_it_renewed_leaves_it_to_the_others(
    shop: Shop, database: str
) -> None:
    dead = shop.cloud.newest
    shop.cloud.tokens.revoke(dead)
    doomed = Doomed(shop, database)

    async def take(request: Request) -> Answer:
        return Answer({}, 401) if request.bearer == dead else await doomed.held(request)

    shop.loopback.on("PATCH", "/thing", take)
    await doomed.killed()
    shop.loopback.on("PATCH", "/thing", shop.cloud.take)
    answers = await asyncio.gather(*(worker.send("home-1", CALL, NOW) for worker in shop.workers))
    assert all(answer.is_success for answer in answers)
    assert len(shop.refreshed) == 1, "what it stored is what the others use"
    assert shop.cloud.newest != dead


async def work(base_url: str) -> None:
    """What the doomed worker does."""
    engine, locks = engine_for(os.environ["DATABASE_URL"]), locks_for(os.environ["DATABASE_URL"])
    vault = Vault(engine, [SecretStr(os.environ["HEATSTEER_TEST_KEY"])], locks=locks)
    async with httpx.AsyncClient(verify=TLS) as http:
        await CloudClient(http, vault, a_manifest(base_url), PATIENT).send("home-1", CALL, NOW)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
