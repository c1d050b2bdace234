"""What a listener is told of calls: every one that left, with what became of it."""

import asyncio
import socket
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.oem.calls import CallFate, CallMade
from domain.oem.errors import OemError
from domain.oem.quota import Quota
from oem_adapters.http import Call, CloudClient
from oem_adapters.registry import build_adapter, known_oems
from tests.oem_adapters.conftest import A_MANIFEST, NOW, SHORT
from tests.oem_adapters.loopback import CUT, DRIP, HANG, Answer, Loopback
from tests.oem_adapters.vault import VaultInMemory, a_token

READ, WRITE = Call("GET", "/things"), Call("PATCH", "/things", body={"x": 1})
GRANT = {"RateLimit-Limit": "25", "RateLimit-Remaining": "20", "RateLimit-Reset": "30"}
A_MINUTE_S = Quota(calls=25, window=timedelta(minutes=1))
FRESH = Answer({"access_token": "fresh"}, headers={"RateLimit-Limit": "7"})


async def told_of(http: httpx.AsyncClient, vault: VaultInMemory, *sent: Call) -> list[CallMade]:
    """What is told of these calls, one after another, whatever becomes of them."""
    told: list[CallMade] = []
    sut = CloudClient(http, vault, A_MANIFEST, SHORT, on_call=told.append)
    for call in sent:
        try:
            await sut.send("account-1", call, NOW)
        except OemError:
            continue
    return told


@pytest.mark.parametrize(
    ("reply", "fate"),
    [
        (Answer({}), CallFate.OK),
        (Answer({}, 204), CallFate.OK),
        (Answer({}, 400), CallFate.REFUSED),
        (Answer({}, 403), CallFate.REFUSED),
        (Answer({}, 404), CallFate.REFUSED),
        (Answer({}, 423), CallFate.REFUSED),
        (Answer({}, 429), CallFate.BUDGET),
        (Answer({}, 500), CallFate.SERVER),
        (Answer(raw=b"<html>", status=503), CallFate.SERVER),
        (Answer({}, 302), CallFate.SERVER),
        (CUT, CallFate.TRANSPORT),
        (HANG, CallFate.TRANSPORT),
        (DRIP, CallFate.TRANSPORT),
        (Answer(raw=b"no gzip", headers={"Content-Encoding": "gzip"}), CallFate.TRANSPORT),
    ],
)
async def test_every_call_is_told_once_with_its_fate(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory, reply: Any, fate: CallFate
) -> None:
    cloud.on("PATCH", "/things", reply)
    (told,) = await told_of(client, vault, WRITE)
    untimed = told.model_copy(update={"took_s": None})
    assert untimed == CallMade(oem="nibe", account_id="account-1", at=NOW, fate=fate, is_write=True)
    assert (told.took_s is None) == (fate is CallFate.TRANSPORT), "what was answered has a duration"


async def test_a_read_is_no_write_and_a_named_grant_is_passed_on(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    cloud.on("GET", "/things", Answer({}, headers=GRANT))
    (told,) = await told_of(client, vault, READ)
    assert (told.is_write, told.quotas) == (False, (A_MINUTE_S,))


async def test_a_renewal_is_told_between_the_refused_call_and_the_repeated_one(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    cloud.on("PATCH", "/things", lambda r: Answer({}, 200 if r.bearer == "fresh" else 401, GRANT))
    cloud.on("POST", "/oauth/token", FRESH)
    assert [(told.fate, told.is_write, told.quotas) for told in await told_of(client, vault, WRITE)] == [
        (CallFate.REFUSED, True, ()),
        (CallFate.OK, False, ()),
        (CallFate.OK, True, (A_MINUTE_S,)),
    ]


async def test_a_refused_fresh_token_is_a_matter_of_credentials(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    cloud.on("PATCH", "/things", Answer({}, 401))
    cloud.on("POST", "/oauth/token", FRESH)
    told = await told_of(client, vault, WRITE)
    assert [call.fate for call in told] == [CallFate.REFUSED, CallFate.OK, CallFate.CREDENTIALS]


@pytest.mark.parametrize(
    ("reply", "fate"),
    [
        (Answer({"error": "invalid_grant"}, 400), CallFate.CREDENTIALS),
        (Answer({"error": "invalid_client"}, 401), CallFate.CREDENTIALS),
        (Answer({"error": "invalid_client"}, 503), CallFate.SERVER),
        (Answer({"error": "temporarily_unavailable"}, 400), CallFate.REFUSED),
        (Answer({}, 429), CallFate.BUDGET),
        (Answer({}, 502), CallFate.SERVER),
        (Answer(raw=b"<html>"), CallFate.SERVER),
        (CUT, CallFate.TRANSPORT),
        (HANG, CallFate.TRANSPORT),
    ],
)
async def test_a_token_request_that_fails_is_told_as_no_write(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory, reply: Any, fate: CallFate
) -> None:
    cloud.on("POST", "/oauth/token", reply)
    vault.tokens.clear()
    (told,) = await told_of(client, vault, WRITE)
    assert (told.fate, told.is_write, told.account_id) == (fate, False, "account-1")


async def test_a_refused_connection_is_told(client: httpx.AsyncClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        vault = VaultInMemory(f"http://127.0.0.1:{unused.getsockname()[1]}")
        vault.tokens["account-1"] = a_token()
        (told,) = await told_of(client, vault, WRITE)
    assert told.fate is CallFate.TRANSPORT


@pytest.mark.parametrize("address", ["not a url", "ftp://127.0.0.1"])
async def test_a_call_that_could_not_leave_is_not_told(client: httpx.AsyncClient, address: str) -> None:
    vault = VaultInMemory(address)
    vault.tokens["account-1"] = a_token()
    assert await told_of(client, vault, WRITE) == []


async def test_a_call_that_the_budget_kept_home_is_not_told(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    cloud.on("GET", "/things", Answer({}, 429, {"RateLimit-Reset": "40"}))
    assert len(await told_of(client, vault, READ, READ, READ)) == 1


async def test_a_cancelled_call_is_not_told_as_a_failure_of_the_cloud(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    asked = asyncio.Event()

    async def slowly(_request: object) -> Answer:
        asked.set()
        await asyncio.sleep(0.2)
        return Answer({})

    cloud.on("GET", "/things", slowly)
    told: list[CallMade] = []
    sut = CloudClient(client, vault, A_MANIFEST, SHORT, on_call=told.append)
    caller = asyncio.create_task(sut.send("account-1", READ, NOW))
    await asked.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert told == []


@pytest.mark.parametrize("oem", known_oems())
async def test_every_vendors_adapter_tells_of_its_calls(
    oem: str, cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    told: list[CallMade] = []
    adapter = build_adapter(oem, client, vault, SHORT, on_call=told.append)
    with pytest.raises(OemError):
        await adapter.connections("account-1", NOW)
    assert [(call.oem, call.fate) for call in told] == [(oem, CallFate.REFUSED)]
