"""Consent: the address a person opens, the answer that is taken, and the token it brings, against a strict server."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from console.cli.consent_callback import Callback, waiting_callback
from domain.oem.credentials import AccountCredentials
from domain.oem.errors import AuthExpired
from domain.oem.manifest import Authentication, AuthFlow
from oem_adapters.consent import CONSENT_WITHIN, ConsentRequest, redeem, request_consent
from simulator.clouds import wire
from simulator.clouds.oauth import TokenRules, TokenServer
from tests.oem_adapters.conftest import A_MANIFEST, NOW, PATIENT
from tests.oem_adapters.loopback import Answer, Loopback, Request

SECRET = "a-client-secret-s3cr3t"
WALL = datetime(2026, 1, 21, 7, 0, tzinfo=UTC)


def a_token_server(*, is_confidential: bool) -> TokenServer:
    scopes = frozenset({"READ", "WRITE", "offline_access"})
    rules = TokenRules(scopes, scopes, is_confidential=is_confidential, rotation="single-use")
    return TokenServer(rules, "app", SECRET, life_s=600)


def an_authentication(cloud: Loopback, flow: AuthFlow) -> Authentication:
    return Authentication(
        flow=flow,
        token_url=f"{cloud.base_url}/oauth/token",
        authorize_url=f"{cloud.base_url}/oauth/authorize",
        scopes=("READ", "WRITE", "offline_access"),
    )


def an_account(cloud: Loopback, flow: AuthFlow) -> AccountCredentials:
    manifest = A_MANIFEST.at(cloud.base_url).model_copy(update={"authentication": an_authentication(cloud, flow)})
    return manifest.account("home-1", "app", SecretStr(SECRET))


def answer_of(given: wire.Answer) -> Answer:
    return Answer(raw=bytes(given.body), status=given.status_code, headers=dict(given.headers))


def serving(cloud: Loopback, tokens: TokenServer) -> None:
    def authorize(request: Request) -> Answer:
        given = tokens.authorize(request.query, NOW.timestamp())
        return answer_of(given)

    def token(request: Request) -> Answer:
        content_type = request.headers["content-type"]
        given = tokens.answer(request.body, content_type, request.headers.get("authorization"), NOW.timestamp())
        return answer_of(given)

    cloud.on("GET", "/oauth/authorize", authorize)
    cloud.on("POST", "/oauth/token", token)


async def consents(client: httpx.AsyncClient, request: ConsentRequest) -> Mapping[str, str]:
    """A person opens the address and agrees; the query that the vendor sends back."""
    answer = await client.get(request.url, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


@pytest.mark.parametrize("flow", [AuthFlow.AUTHORIZATION_CODE, AuthFlow.AUTHORIZATION_CODE_PKCE])
async def test_a_consent_brings_a_token_that_can_be_renewed(
    cloud: Loopback, client: httpx.AsyncClient, flow: AuthFlow
) -> None:
    serving(cloud, a_token_server(is_confidential=flow is AuthFlow.AUTHORIZATION_CODE))
    account, authentication = an_account(cloud, flow), an_authentication(cloud, flow)
    request = request_consent(account, authentication, "http://127.0.0.1:4200/callback", WALL)
    code = request.code_in(await consents(client, request), WALL)
    token = await redeem(client, account, authentication, request, code, PATIENT, NOW)
    assert token.refresh_token is not None
    assert ("client_secret" in cloud.asked("POST", "/oauth/token")[0].form) == (flow is AuthFlow.AUTHORIZATION_CODE)
    with pytest.raises(AuthExpired) as refused:  # a code works once
        await redeem(client, account, authentication, request, code, PATIENT, NOW)
    for hidden in (code, SECRET, request.verifier, request.state):
        assert hidden not in str(refused.value)
        assert hidden not in repr(request).replace(request.url, "")
    assert request.verifier not in request.url
    assert SECRET not in request.url


async def test_a_code_is_worth_nothing_without_the_verifier_of_its_request(
    cloud: Loopback, client: httpx.AsyncClient
) -> None:
    flow = AuthFlow.AUTHORIZATION_CODE_PKCE
    serving(cloud, a_token_server(is_confidential=False))
    account, authentication = an_account(cloud, flow), an_authentication(cloud, flow)
    stolen, mine = (request_consent(account, authentication, "http://127.0.0.1:4200/callback", WALL) for _ in range(2))
    code = stolen.code_in(await consents(client, stolen), WALL)
    with pytest.raises(AuthExpired):
        await redeem(client, account, authentication, mine, code, PATIENT, NOW)


def a_request(cloud_url: str = "http://127.0.0.1:1") -> ConsentRequest:
    authentication = Authentication(flow=AuthFlow.AUTHORIZATION_CODE_PKCE, authorize_url=f"{cloud_url}/authorize")
    account = A_MANIFEST.at(cloud_url).account("home-1", "app", SecretStr(""))
    return request_consent(account, authentication, "http://127.0.0.1:4200/callback", WALL)


@pytest.mark.parametrize(
    ("answer", "later", "said"),
    [
        ({"code": "c"}, timedelta(), "does not belong"),
        ({"code": "c", "state": "another"}, timedelta(), "does not belong"),
        ({"code": "c", "state": "right"}, CONSENT_WITHIN, "too late"),
        ({"error": "access_denied", "state": "right"}, timedelta(), "access_denied"),
        ({"error": "<script>", "state": "right"}, timedelta(), "an error"),
        ({"state": "right"}, timedelta(), "no code"),
    ],
)
def test_only_the_answer_to_this_request_is_taken_and_only_in_time(
    answer: dict[str, str], later: timedelta, said: str
) -> None:
    request = a_request()
    if answer.get("state") == "right":
        answer = answer | {"state": request.state}
    with pytest.raises(AuthExpired, match=said):
        request.code_in(answer, WALL + later)


async def asked(client: httpx.AsyncClient, callback: Callback, **query: str) -> httpx.Response:
    return await client.get(callback.redirect_uri, params=query)


async def test_the_callback_waits_past_forged_answers_for_the_right_one(client: httpx.AsyncClient) -> None:
    request = a_request()
    async with waiting_callback() as callback:
        waiting = asyncio.create_task(callback.code(request, lambda: WALL))
        forged = await asked(client, callback, code="evil", state="guessed")
        assert "does not belong" in forged.text
        assert (await client.get(callback.redirect_uri.replace("/callback", "/else"))).status_code == 404
        right = await asked(client, callback, code="good", state=request.state)
        assert "Consent received" in right.text
        assert "good" not in right.text
        assert await waiting == "good"


async def test_a_refusal_at_the_vendor_ends_the_waiting(client: httpx.AsyncClient) -> None:
    request = a_request()
    async with waiting_callback() as callback:
        waiting = asyncio.create_task(callback.code(request, lambda: WALL))
        assert "access_denied" in (await asked(client, callback, error="access_denied", state=request.state)).text
        with pytest.raises(AuthExpired, match="access_denied"):
            await waiting


async def test_nobody_waits_for_a_consent_for_ever() -> None:
    async with waiting_callback() as callback:
        with pytest.raises(AuthExpired, match="begin again"):
            await callback.code(a_request(), lambda: WALL + CONSENT_WITHIN)
