"""Tokens: renewed once, by one holder, stored before use, never lost and never shown."""

import asyncio
import logging
import socket
import traceback
from datetime import timedelta
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from domain.oem.credentials import StoredToken
from domain.oem.errors import AuthExpired, OemError, RateLimited, Unavailable
from domain.oem.manifest import AuthFlow, Manifest
from oem_adapters.http import Call, CloudClient
from tests.oem_adapters.conftest import A_MANIFEST, NOW, PATIENT, SHORT, TLS
from tests.oem_adapters.loopback import CUT, HANG, Answer, Loopback, Request
from tests.oem_adapters.vault import ACCESS_TOKEN, CLIENT_SECRET, REFRESH_TOKEN, VaultInMemory, a_token

CALL = Call("PATCH", "/thing", body={"x": 1})


def a_client(http: httpx.AsyncClient, vault: VaultInMemory) -> CloudClient:
    return CloudClient(http, vault, A_MANIFEST, SHORT)


def accepts_only(cloud: Loopback, *tokens: str) -> None:
    cloud.on("PATCH", "/thing", lambda r: Answer({}) if r.bearer in tokens else Answer({}, 401))


def secret_of(token: StoredToken) -> tuple[str, str | None]:
    refresh = token.refresh_token
    return token.access_token.get_secret_value(), refresh.get_secret_value() if refresh else None


async def test_a_rejected_token_is_renewed_once_and_the_call_repeated_once(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    accepts_only(cloud, "fresh")
    cloud.on("POST", "/oauth/token", Answer({"access_token": "fresh", "refresh_token": "next", "expires_in": 3600}))
    await a_client(client, vault).send("account-1", CALL, NOW)
    assert [(r.method, r.path) for r in cloud.requests] == [
        ("PATCH", "/thing"),
        ("POST", "/oauth/token"),
        ("PATCH", "/thing"),
    ]
    assert cloud.requests[1].form == {
        "grant_type": "refresh_token",
        "refresh_token": REFRESH_TOKEN,
        "client_id": "client",
        "client_secret": CLIENT_SECRET,
    }
    assert secret_of(vault.tokens["account-1"]) == ("fresh", "next")


async def test_a_token_is_stored_before_it_is_used(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    def look(request: Request) -> Answer:
        vault.events.append(f"used {request.bearer}")
        return Answer({}) if request.bearer == "fresh" else Answer({}, 401)

    cloud.on("PATCH", "/thing", look)
    cloud.on("POST", "/oauth/token", Answer({"access_token": "fresh"}))
    await a_client(client, vault).send("account-1", CALL, NOW)
    assert vault.events == [f"used {ACCESS_TOKEN}", "saved fresh", "used fresh"]


async def test_a_second_401_means_that_a_person_must_act(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    accepts_only(cloud)
    cloud.on("POST", "/oauth/token", Answer({"access_token": "fresh"}))
    with pytest.raises(AuthExpired):
        await a_client(client, vault).send("account-1", CALL, NOW)
    assert len(cloud.asked("PATCH", "/thing")) == 2
    assert len(cloud.asked("POST", "/oauth/token")) == 1


async def test_the_old_refresh_token_stays_when_the_answer_brings_none(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    accepts_only(cloud, "fresh")
    cloud.on("POST", "/oauth/token", Answer({"access_token": "fresh"}))
    await a_client(client, vault).send("account-1", CALL, NOW)
    assert secret_of(vault.tokens["account-1"]) == ("fresh", REFRESH_TOKEN)


async def test_rotating_refresh_tokens_are_each_used_once(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    good = {REFRESH_TOKEN}
    alive: set[str] = set()

    def rotate(request: Request) -> Answer:
        used = request.form["refresh_token"]
        if used not in good:
            return Answer({"error": "invalid_grant"}, 400)
        good.remove(used)
        good.add(f"{used}+")
        alive.clear()
        alive.add(f"access for {used}+")
        return Answer({"access_token": f"access for {used}+", "refresh_token": f"{used}+"})

    cloud.on("POST", "/oauth/token", rotate)
    cloud.on("PATCH", "/thing", lambda r: Answer({}) if r.bearer in alive else Answer({}, 401))
    sut = a_client(client, vault)
    for _ in range(3):
        alive.clear()
        await sut.send("account-1", CALL, NOW)
    assert secret_of(vault.tokens["account-1"])[1] == f"{REFRESH_TOKEN}+++"


async def test_concurrent_calls_of_two_adapters_renew_once(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    async def slowly(request: Request) -> Answer:
        await asyncio.sleep(0.05)
        return Answer({"access_token": "fresh", "refresh_token": "next"})

    accepts_only(cloud, "fresh")
    cloud.on("POST", "/oauth/token", slowly)
    async with httpx.AsyncClient(verify=TLS) as other_client:
        one, other = a_client(client, vault), a_client(other_client, vault)
        await asyncio.gather(*(sut.send("account-1", CALL, NOW) for sut in (one, other, one, other)))
    assert len(cloud.asked("POST", "/oauth/token")) == 1
    assert vault.events == ["saved fresh"]


async def test_of_one_adapters_callers_only_one_goes_for_the_shared_lock(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    """A lock in a database costs each of its waiters a connection, which the holder may need to store the token."""
    accepts_only(cloud, "fresh")
    cloud.on("POST", "/oauth/token", Answer({"access_token": "fresh"}))
    sut = CloudClient(client, vault, A_MANIFEST, PATIENT)
    await asyncio.gather(*(sut.send("account-1", CALL, NOW) for _ in range(30)))
    assert vault.most_at_the_lock == 1
    assert len(cloud.asked("POST", "/oauth/token")) == 1


@pytest.mark.parametrize("method", ["credentials", "load"])
async def test_secrets_that_the_vault_cannot_give_need_a_person(
    client: httpx.AsyncClient, vault: VaultInMemory, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(account_id: str) -> None:
        raise LookupError("the secrets of this account cannot be read with this key")

    monkeypatch.setattr(vault, method, refuse)
    with pytest.raises(AuthExpired, match="cannot be read"):
        await a_client(client, vault).send("account-1", CALL, NOW)


async def test_a_token_that_somebody_else_renewed_is_taken(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    def meanwhile(request: Request) -> Answer:
        vault.tokens["account-1"] = a_token("theirs")
        return Answer({}) if request.bearer == "theirs" else Answer({}, 401)

    cloud.on("PATCH", "/thing", meanwhile)
    await a_client(client, vault).send("account-1", CALL, NOW)
    assert cloud.asked("POST", "/oauth/token") == []


async def test_a_first_token_comes_by_client_credentials(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    vault.tokens.clear()
    accepts_only(cloud, "first")
    cloud.on("POST", "/oauth/token", Answer({"access_token": "first"}))
    await asyncio.gather(*(a_client(client, vault).send("account-1", CALL, NOW) for _ in range(3)))
    (asked,) = cloud.asked("POST", "/oauth/token")
    assert asked.form == {
        "grant_type": "client_credentials",
        "scope": "READ WRITE",
        "client_id": "client",
        "client_secret": CLIENT_SECRET,
    }
    assert secret_of(vault.tokens["account-1"]) == ("first", None)


async def test_a_token_without_refresh_is_renewed_by_client_credentials(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    vault.tokens["account-1"] = a_token(refresh=None)
    accepts_only(cloud, "fresh")
    cloud.on("POST", "/oauth/token", Answer({"access_token": "fresh"}))
    await a_client(client, vault).send("account-1", CALL, NOW)
    assert cloud.asked("POST", "/oauth/token")[0].form["grant_type"] == "client_credentials"


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"])
@pytest.mark.parametrize("status", [400, 401])
async def test_a_final_oauth_error_needs_a_person_and_keeps_the_old_token(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory, error: str, status: int
) -> None:
    accepts_only(cloud)
    cloud.on("POST", "/oauth/token", Answer({"error": error, "error_description": REFRESH_TOKEN}, status))
    with pytest.raises(AuthExpired, match=error):
        await a_client(client, vault).send("account-1", CALL, NOW)
    assert len(cloud.asked("POST", "/oauth/token")) == 1
    assert secret_of(vault.tokens["account-1"]) == (ACCESS_TOKEN, REFRESH_TOKEN)


@pytest.mark.parametrize(
    "reply",
    [
        Answer({"error": "temporarily_unavailable"}, 400),
        Answer({"error": "invalid_client"}, 503),
        Answer({"error": "invalid_grant"}, 500),
        Answer(raw=b"<html>", status=502),
        Answer(raw=b"<html>"),
        Answer([1]),
        Answer({"access_token": ""}),
        Answer({"access_token": 5}),
        CUT,
        HANG,
    ],
)
async def test_a_passing_failure_of_the_token_endpoint_took_no_write(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory, reply: Any
) -> None:
    accepts_only(cloud)
    cloud.on("POST", "/oauth/token", reply)
    with pytest.raises(Unavailable) as raised:
        await a_client(client, vault).send("account-1", CALL, NOW)
    assert not raised.value.maybe_taken
    assert secret_of(vault.tokens["account-1"]) == (ACCESS_TOKEN, REFRESH_TOKEN)


async def test_too_many_token_requests_wait_like_any_other(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    accepts_only(cloud)
    cloud.on("POST", "/oauth/token", Answer({}, 429, {"Retry-After": "30"}))
    with pytest.raises(RateLimited) as raised:
        await a_client(client, vault).send("account-1", CALL, NOW)
    assert raised.value.retry_at == NOW + timedelta(seconds=30)


async def test_a_token_endpoint_that_is_not_available_names_when_it_may_be_tried_again(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    accepts_only(cloud)
    cloud.on("POST", "/oauth/token", Answer({}, 503, {"Retry-After": "30"}))
    with pytest.raises(Unavailable) as raised:
        await a_client(client, vault).send("account-1", CALL, NOW)
    assert raised.value.retry_at == NOW + timedelta(seconds=30)


async def test_a_cancelled_caller_does_not_lose_the_rotated_token(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    asked = asyncio.Event()

    async def slowly(request: Request) -> Answer:
        asked.set()
        await asyncio.sleep(0.1)
        return Answer({"access_token": "fresh", "refresh_token": "next"})

    accepts_only(cloud, "fresh")
    cloud.on("POST", "/oauth/token", slowly)
    caller = asyncio.create_task(a_client(client, vault).send("account-1", CALL, NOW))
    await asked.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert secret_of(vault.tokens["account-1"]) == ("fresh", "next")


@pytest.mark.parametrize("failure", ["refused", "unreachable", "broken", "cut", "second 401", "token cut", "stored"])
async def test_no_secret_is_ever_shown(
    cloud: Loopback,
    client: httpx.AsyncClient,
    vault: VaultInMemory,
    caplog: pytest.LogCaptureFixture,
    failure: str,
) -> None:
    """Neither in messages, nor in tracebacks with all local values, nor in any log at its most talkative."""
    fresh = "the-fresh-token-fr35h"
    cloud.on("POST", "/oauth/token", Answer({"access_token": fresh, "refresh_token": fresh + "-next"}))
    accepts_only(cloud)
    if failure == "refused":
        cloud.on("PATCH", "/thing", Answer({"echo": ACCESS_TOKEN}, 400))
    elif failure == "broken":
        cloud.on("PATCH", "/thing", Answer(raw=b"no gzip", headers={"Content-Encoding": "gzip"}))
    elif failure == "cut":
        cloud.on("PATCH", "/thing", CUT)
    elif failure == "token cut":
        cloud.on("POST", "/oauth/token", CUT)
    elif failure == "unreachable":
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        vault = VaultInMemory(f"http://127.0.0.1:{port}")
        vault.tokens["account-1"] = a_token()
    elif failure == "stored":

        async def refuse(account_id: str, token: StoredToken) -> None:
            raise AuthExpired("the vault is full")

        vault.save = refuse  # type: ignore[method-assign]

    with caplog.at_level(logging.DEBUG), capture_logs() as lines, pytest.raises(OemError) as raised:
        await a_client(client, vault).send("account-1", CALL, NOW)
    here = raised.value.__traceback__
    assert here is not None
    # This test's own frame knows the secrets: it is left out.
    told = traceback.TracebackException(type(raised.value), raised.value, here.tb_next, capture_locals=True)
    shown = "".join(told.format())
    chain: BaseException | None = raised.value
    while chain is not None:
        shown += f"{chain!s} {chain!r} {vars(chain)}"
        chain = chain.__cause__ or chain.__context__
    shown += caplog.text + repr(lines)
    assert "cloud called" in shown
    for secret in (CLIENT_SECRET, ACCESS_TOKEN, REFRESH_TOKEN, fresh):
        assert secret not in shown, failure


async def test_a_log_line_names_account_route_and_outcome(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    cloud.on("PATCH", "/thing", Answer({}))
    with capture_logs() as lines:
        await a_client(client, vault).send("account-1", CALL, NOW)
    (line,) = lines
    assert (line["account_id"], line["method"], line["route"], line["outcome"]) == (
        "account-1",
        "PATCH",
        "/thing",
        200,
    )


def with_flow(flow: AuthFlow) -> Manifest:
    return A_MANIFEST.model_copy(update={"authentication": A_MANIFEST.authentication.model_copy(update={"flow": flow})})


async def test_an_access_token_of_the_portal_is_sent_as_it_is_and_never_renewed(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    vault.tokens.clear()
    accepts_only(cloud, CLIENT_SECRET)
    sut = CloudClient(client, vault, with_flow(AuthFlow.ACCESS_TOKEN), SHORT)
    assert (await sut.send("account-1", CALL, NOW)).is_success
    cloud.on("PATCH", "/thing", Answer({}, 401))
    with pytest.raises(AuthExpired, match="make a new one in the vendor's portal"):
        await sut.send("account-1", CALL, NOW)
    assert cloud.asked("POST", "/oauth/token") == []
    assert vault.tokens == {}


@pytest.mark.parametrize("flow", [AuthFlow.AUTHORIZATION_CODE, AuthFlow.AUTHORIZATION_CODE_PKCE])
async def test_without_a_consent_no_token_is_asked_for(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory, flow: AuthFlow
) -> None:
    vault.tokens.clear()
    with pytest.raises(AuthExpired, match="no consent yet"):
        await CloudClient(client, vault, with_flow(flow), SHORT).send("account-1", CALL, NOW)
    assert cloud.requests == []


async def test_a_public_client_renews_without_a_secret(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    accepts_only(cloud, "fresh")
    cloud.on("POST", "/oauth/token", Answer({"access_token": "fresh"}))
    await CloudClient(client, vault, with_flow(AuthFlow.AUTHORIZATION_CODE_PKCE), SHORT).send("account-1", CALL, NOW)
    (asked,) = cloud.asked("POST", "/oauth/token")
    assert asked.form == {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN, "client_id": "client"}
