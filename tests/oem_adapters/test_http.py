"""What all vendors share: every failure of the wire becomes one of the closed set, and the budget is kept."""

import asyncio
import socket
from datetime import datetime, timedelta

import httpx
import pytest
from pydantic import TypeAdapter

from domain.oem.calls import CallFate, CallMade
from domain.oem.errors import (
    AuthExpired,
    Malformed,
    NotExecutable,
    OemError,
    Offline,
    RateLimited,
    Rejected,
    Unavailable,
)
from oem_adapters.http import Call, CloudClient
from oem_adapters.timeouts import WallTimeouts
from tests.oem_adapters.conftest import A_MANIFEST, NOW, SHORT
from tests.oem_adapters.loopback import CUT, DRIP, HANG, Answer, Loopback
from tests.oem_adapters.vault import ACCESS_TOKEN, VaultInMemory, a_token

CALL = Call("GET", "/things/{thing}", {"thing": "a b/c"}, {"token-like": "query-secret"})
PATH = "/things/a%20b%2Fc"
WRITE = Call("PATCH", "/things/{thing}", {"thing": "a b/c"}, body={"x": 1})
LATER = "Wed, 21 Jan 2026 07:28:00 GMT"
"""88 minutes after `NOW`."""


def a_client(http: httpx.AsyncClient, vault: VaultInMemory, timeouts: WallTimeouts = SHORT) -> CloudClient:
    return CloudClient(http, vault, A_MANIFEST, timeouts)


async def test_an_answer_comes_through_with_the_accounts_token(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    cloud.on("GET", PATH, Answer({"fine": True}))
    found = await a_client(client, vault).fetch("account-1", CALL, TypeAdapter(dict[str, bool]), NOW)
    assert found == {"fine": True}
    assert [r.bearer for r in cloud.requests] == [ACCESS_TOKEN]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, Malformed),
        (400, Rejected),
        (403, Rejected),
        (404, Rejected),
        (405, Rejected),
        (408, Unavailable),
        (409, Rejected),
        (415, Rejected),
        (418, Rejected),
        (422, Rejected),
        (423, NotExecutable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
async def test_every_status_has_its_error_and_no_body_in_it(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory, status: int, expected: type[OemError]
) -> None:
    cloud.on("PATCH", PATH, Answer({"detail": "body-secret"}, status, {"Location": "http://127.0.0.1:1/elsewhere"}))
    with pytest.raises(expected) as raised:
        await a_client(client, vault).send("account-1", WRITE, NOW)
    assert str(status) in str(raised.value)
    assert "body-secret" not in str(raised.value)
    assert "a b" not in str(raised.value)
    assert len(cloud.requests) == 1
    if isinstance(raised.value, Unavailable):
        assert raised.value.maybe_taken


@pytest.mark.parametrize("behaviour", [CUT, HANG, DRIP])
async def test_a_lost_answer_may_hide_a_taken_write(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory, behaviour: str
) -> None:
    cloud.on("PATCH", PATH, behaviour)
    with pytest.raises(Unavailable) as raised:
        await a_client(client, vault).send("account-1", WRITE, NOW)
    assert raised.value.maybe_taken
    assert len(cloud.requests) == 1


async def test_a_refused_connection_surely_took_nothing(client: httpx.AsyncClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        vault = VaultInMemory(f"http://127.0.0.1:{unused.getsockname()[1]}")
        await vault.save("account-1", a_token())
        with pytest.raises(Unavailable) as raised:
            await a_client(client, vault).send("account-1", WRITE, NOW)
    assert not raised.value.maybe_taken


@pytest.mark.parametrize("address", ["not a url", "ftp://127.0.0.1", "http://[broken"])
async def test_a_wrong_address_surely_took_nothing(client: httpx.AsyncClient, address: str) -> None:
    vault = VaultInMemory(address)
    await vault.save("account-1", a_token())
    with pytest.raises(Unavailable) as raised:
        await a_client(client, vault).send("account-1", WRITE, NOW)
    assert not raised.value.maybe_taken


@pytest.mark.parametrize("raw", [b"<html>busy</html>", b"", b"[1, 2]", b'{"x": "body-secret"}'])
async def test_an_answer_of_another_shape_is_malformed(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory, raw: bytes
) -> None:
    cloud.on("GET", PATH, Answer(raw=raw))
    with pytest.raises(Malformed) as raised:
        await a_client(client, vault).fetch("account-1", CALL, TypeAdapter(dict[str, int]), NOW)
    assert "body-secret" not in str(raised.value)


async def test_an_answer_that_cannot_be_unpacked_is_malformed(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    cloud.on("GET", PATH, Answer(raw=b"no gzip", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(Malformed):
        await a_client(client, vault).send("account-1", CALL, NOW)


async def test_a_429_names_when_to_come_back_and_nothing_is_sent_before(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    vault.tokens["account-2"] = vault.tokens["account-1"]
    cloud.on("GET", PATH, Answer(status=429, headers={"RateLimit-Reset": "40"}), Answer({}))
    sut = a_client(client, vault)
    with pytest.raises(RateLimited) as first:
        await sut.send("account-1", CALL, NOW)
    assert first.value.retry_at == NOW + timedelta(seconds=40)
    with pytest.raises(RateLimited) as second:
        await sut.send("account-1", CALL, NOW + timedelta(seconds=39))
    assert second.value.retry_at == NOW + timedelta(seconds=40)
    assert len(cloud.requests) == 1
    await sut.send("account-2", CALL, NOW)
    await sut.send("account-1", CALL, NOW + timedelta(seconds=40))
    assert len(cloud.requests) == 3


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, 60),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": LATER}, 88 * 60),
        ({"Retry-After": LATER, "Date": "Wed, 21 Jan 2026 07:27:30 GMT"}, 30),
        ({"Retry-After": LATER, "Date": "Wed, 21 Jan 2026 07:28:01 GMT"}, 60),
        ({"Retry-After": LATER, "Date": "just now"}, 88 * 60),
        ({"Retry-After": LATER.replace("2026", "2027")}, 86400),
        ({"Retry-After": LATER.replace("GMT", "-0000")}, 88 * 60),
        ({"Retry-After": LATER.replace("21", "99")}, 60),
        ({"Retry-After": LATER.replace("21", "9" * 30)}, 60),
        ({"Retry-After": LATER.replace("GMT", "+9999999999999")}, 60),
        ({"Retry-After": "soon"}, 60),
        ({"RateLimit-Reset": "0"}, 60),
        ({"RateLimit-Reset": "-5"}, 60),
        ({"RateLimit-Reset": "1768978800000"}, 60),
        ({"RateLimit-Reset": "nan"}, 60),
        ({"RateLimit-Reset": "100000000"}, 86400),
    ],
)
async def test_a_429_without_a_sane_reset_waits_a_sane_time(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory, headers: dict[str, str], wait_s: int
) -> None:
    cloud.on("GET", PATH, Answer(status=429, headers=headers))
    with pytest.raises(RateLimited) as raised:
        await a_client(client, vault).send("account-1", CALL, NOW)
    assert raised.value.retry_at == NOW + timedelta(seconds=wait_s)


@pytest.mark.parametrize(
    ("status", "headers", "rest_s"),
    [
        (503, {"Retry-After": "90"}, 90),
        (503, {"Retry-After": LATER, "Date": "Wed, 21 Jan 2026 07:23:00 GMT"}, 300),
        (503, {"Retry-After": "86400"}, 3600),
        (503, {"Retry-After": "0"}, None),
        (503, {"Retry-After": "soon"}, None),
        (503, {}, None),
        (500, {"Retry-After": "90"}, None),
    ],
)
async def test_a_cloud_that_is_not_available_names_when_it_may_be_tried_again(
    cloud: Loopback,
    client: httpx.AsyncClient,
    vault: VaultInMemory,
    status: int,
    headers: dict[str, str],
    rest_s: int | None,
) -> None:
    cloud.on("GET", PATH, Answer(status=status, headers=headers))
    with pytest.raises(Unavailable) as raised:
        await a_client(client, vault).send("account-1", CALL, NOW)
    assert raised.value.retry_at == (None if rest_s is None else NOW + timedelta(seconds=rest_s))


async def test_the_last_call_of_a_window_keeps_the_next_one_home(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    cloud.on("GET", PATH, Answer({}, headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "20"}))
    sut = a_client(client, vault)
    await sut.send("account-1", CALL, NOW)
    with pytest.raises(RateLimited) as raised:
        await sut.send("account-1", CALL, NOW + timedelta(seconds=1))
    assert raised.value.retry_at == NOW + timedelta(seconds=20)
    assert len(cloud.requests) == 1
    await sut.send("account-1", CALL, NOW + timedelta(seconds=21))


async def test_calls_left_in_the_window_are_not_held_back(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    cloud.on("GET", PATH, Answer({}, headers={"RateLimit-Remaining": "3", "RateLimit-Reset": "20"}))
    sut = a_client(client, vault)
    await sut.send("account-1", CALL, NOW)
    await sut.send("account-1", CALL, NOW)
    assert len(cloud.requests) == 2


async def test_an_account_without_credentials_needs_a_person(client: httpx.AsyncClient, vault: VaultInMemory) -> None:
    with pytest.raises(AuthExpired, match="nobody"):
        await a_client(client, vault).send("nobody", CALL, NOW)


async def test_one_slow_account_does_not_hold_up_another(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    vault.tokens["account-2"] = vault.tokens["account-1"]
    cloud.on("PATCH", PATH, HANG)
    cloud.on("GET", PATH, Answer({}))
    sut = a_client(client, vault)
    slow = asyncio.create_task(sut.send("account-1", WRITE, NOW))
    async with asyncio.timeout(0.25):
        await sut.send("account-2", CALL, NOW)
    with pytest.raises(Unavailable):
        await slow


async def test_a_vendors_own_words_for_a_refusal_come_before_its_status(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    told: list[CallMade] = []

    def refusals(what: str, answer: httpx.Response, is_write: bool, now: datetime) -> OemError | None:
        if answer.status_code == 403:
            return RateLimited(f"{what} is over its budget.", now + timedelta(minutes=7))
        return Offline(f"{what}: not connected.") if answer.status_code == 502 else None

    sut = CloudClient(client, vault, A_MANIFEST, SHORT, on_call=told.append, refusals=refusals)
    cloud.on("GET", PATH, Answer(None, 502), Answer(None, 500), Answer(None, 403))
    for expected in (Offline, Unavailable, RateLimited, RateLimited):
        with pytest.raises(expected):
            await sut.send("account-1", CALL, NOW)
    assert len(cloud.requests) == 3, "a budget that was told to be used up is not tried"
    assert [call.fate for call in told] == [CallFate.REFUSED, CallFate.SERVER, CallFate.BUDGET]
    with pytest.raises(RateLimited):
        await sut.send("account-1", CALL, NOW + timedelta(minutes=7))
    assert len(cloud.requests) == 4
