"""The contract of `OemAdapter`, kept by every known vendor's adapter: answers that are none, and many calls at once.

No fake of a vendor stands here, but a cloud on loopback that answers everything alike.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import httpx
import pytest

from domain.oem.errors import Malformed, NotExecutable, OemError, RateLimited, Rejected, Unavailable
from domain.oem.ports import OemAdapter
from domain.oem.quota import QuotaScope
from domain.oem.units import PumpAddress
from oem_adapters.answers import MOST_BYTES
from tests.oem_adapters.conftest import NOW
from tests.oem_adapters.contract.vendors import (
    PATIENT,
    VENDORS,
    a_pump,
    build_adapter,
    offered,
    whose_tokens_are_renewed,
)
from tests.oem_adapters.loopback import FLOOD, Answer, Loopback, Reply, Request
from tests.oem_adapters.vault import REFRESH_TOKEN, VaultInMemory, a_token

READS: Mapping[str, Callable[[OemAdapter, PumpAddress, datetime], Awaitable[object]]] = {
    "connections": lambda adapter, pump, now: adapter.connections(pump.account_id, now),
    "capability": lambda adapter, pump, now: adapter.capability(pump, now),
    "read": lambda adapter, pump, now: adapter.read(pump, offered(pump.oem)[0], now),
    "observe": lambda adapter, pump, now: adapter.observe(pump, offered(pump.oem)[0], now),
}

NO_ANSWERS: Mapping[str, bytes] = {
    "empty": b"",
    "html": b"<!DOCTYPE html><html><body>Service notice</body></html>",
    "truncated": b'{"data": [{"id": "a", "value": 21.',
    "a number": b"21.5",
    "an error with 200": b'{"error": "internal_error", "errorCode": 5000, "message": "something failed"}',
    "nested without end": b"[" * 100_000,
    "not text": bytes(range(128, 256)),
}


@pytest.fixture(params=VENDORS)
def oem(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def vault(oem: str, cloud: Loopback) -> VaultInMemory:
    filled = VaultInMemory(cloud.base_url, manifest=VENDORS[oem].manifest)
    filled.tokens["account-1"] = a_token()
    return filled


@pytest.fixture
def adapter(oem: str, client: httpx.AsyncClient, vault: VaultInMemory) -> OemAdapter:
    return build_adapter(oem, client, vault, PATIENT)


@pytest.mark.parametrize("what", READS)
async def test_what_is_no_answer_is_malformed_whatever_was_asked(
    oem: str, what: str, adapter: OemAdapter, cloud: Loopback
) -> None:
    for name, raw in NO_ANSWERS.items():
        answer = Answer(raw=raw)
        cloud.otherwise(lambda _, answer=answer: answer)  # type: ignore[misc]
        with pytest.raises(Malformed) as raised:
            await READS[what](adapter, a_pump(oem), NOW)
        assert len(str(raised.value)) < 300, f"{name}: the error repeats the answer"


async def test_an_answer_without_end_is_given_up_before_it_fills_the_memory(
    oem: str, adapter: OemAdapter, cloud: Loopback
) -> None:
    cloud.otherwise(lambda _: FLOOD)
    with pytest.raises(Malformed):
        await READS["connections"](adapter, a_pump(oem), NOW)
    assert cloud.flooded < 2 * MOST_BYTES, "what sockets hold is a little more than what was read"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, Malformed),
        (400, Rejected),
        (404, Rejected),
        (408, Unavailable),
        (423, NotExecutable),
        (429, RateLimited),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
async def test_a_status_maps_to_its_class_whatever_its_body(
    oem: str, status: int, expected: type[OemError], client: httpx.AsyncClient, vault: VaultInMemory, cloud: Loopback
) -> None:
    for raw in (b"", b"{}", b"<html>proxy</html>"):
        answer = Answer(status=status, raw=raw)
        cloud.otherwise(lambda _, answer=answer: answer)  # type: ignore[misc]
        with pytest.raises(expected):
            await READS["connections"](build_adapter(oem, client, vault, PATIENT), a_pump(oem), NOW)


async def test_fifty_callers_of_two_workers_never_spend_more_than_the_vendor_publishes(
    oem: str, adapter: OemAdapter, client: httpx.AsyncClient, vault: VaultInMemory, cloud: Loopback
) -> None:
    """The cloud names no quota: what the manifest publishes is all that is known."""
    cloud.otherwise(lambda _: Answer(raw=b"?"))
    workers = [adapter, build_adapter(oem, client, vault, PATIENT)]
    quotas = [q for q in VENDORS[oem].manifest.quotas if q.scope is not QuotaScope.ENDPOINT]
    for worker in workers:
        await outcome(worker, oem, NOW)
    refused: list[RateLimited] = []
    for round_no in range(1, 6):
        now = NOW + timedelta(seconds=round_no)
        found = await asyncio.gather(*(outcome(worker, oem, now) for worker in workers for _ in range(25)))
        refused += [error for error in found if isinstance(error, RateLimited)]
    spent = len(cloud.requests)
    tightest = [quota for quota in quotas if quota.window >= timedelta(seconds=5) and quota.calls < 250]
    assert all(spent <= quota.calls for quota in tightest)
    assert not tightest or refused
    assert all(error.retry_at > NOW for error in refused)
    if refused:
        later = max(error.retry_at for error in refused)
        assert isinstance(await outcome(adapter, oem, later), Malformed), "the window is open again"


async def outcome(adapter: OemAdapter, oem: str, now: datetime) -> OemError | None:
    try:
        await READS["connections"](adapter, a_pump(oem), now)
    except OemError as error:
        return error
    return None


@whose_tokens_are_renewed
async def test_fifty_callers_with_a_dead_token_renew_it_once_and_store_it_before_it_is_used(
    oem: str, adapter: OemAdapter, vault: VaultInMemory, cloud: Loopback
) -> None:
    used_unstored: list[str] = []
    renewals: list[Request] = []

    def answer(request: Request) -> Reply:
        if request.method == "POST" and "grant_type" in request.form:
            renewals.append(request)
            return Answer({"access_token": "renewed", "refresh_token": "rotated", "expires_in": 3600})
        if request.bearer != "renewed":
            return Answer({"error": "invalid_token"}, 401)
        if vault.tokens["account-1"].access_token.get_secret_value() != "renewed":
            used_unstored.append(request.path)
        return Answer(raw=b"?")

    cloud.otherwise(answer)
    vault.tokens["account-1"] = a_token("dead", REFRESH_TOKEN)
    await asyncio.gather(*(outcome(adapter, oem, NOW) for _ in range(50)))
    assert len(renewals) == 1
    assert renewals[0].form["refresh_token"] == REFRESH_TOKEN
    assert used_unstored == []
    assert vault.events == ["saved renewed"]
