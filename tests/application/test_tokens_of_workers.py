"""Single-use refresh tokens under several workers: each with connections of its own to the one ledger."""

import asyncio
import contextlib
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr

from domain.oem.manifest import Authentication, AuthFlow
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


async def test_workers_renew_a_single_use_token_once_each_time_and_store_it_before_use(database: str) -> None:
    key = a_key()
    async with running_cloud() as loopback, httpx.AsyncClient(verify=TLS) as http, contextlib.AsyncExitStack() as stack:
        authentication = Authentication(
            flow=AuthFlow.AUTHORIZATION_CODE,
            token_url=f"{loopback.base_url}/oauth/token",
            authorize_url=f"{loopback.base_url}/oauth/authorize",
            scopes=tuple(sorted(SCOPES)),
        )
        manifest = A_MANIFEST.at(loopback.base_url).model_copy(update={"authentication": authentication})
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
        for _ in range(ROUNDS):
            cloud.tokens.revoke(cloud.newest)
            answers = await asyncio.gather(*(w.send("home-1", CALL, NOW) for w in workers for _ in range(CALLS)))
            assert all(answer.is_success for answer in answers)
        used = [asked.form.get("refresh_token") for asked in loopback.asked("POST", "/oauth/token")]
    refreshed = [token for token in used if token is not None]
    assert len(refreshed) == len(set(refreshed)) == ROUNDS, "one renewal a round, and no token used twice"
    assert cloud.used_before_stored == []
