"""The call budget: the last part of a window is for urgent calls, and calls in flight count as spent."""

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest

from domain.oem.errors import RateLimited
from domain.oem.quota import Quota, QuotaScope
from oem_adapters.budget import CallBudget, quotas_named
from oem_adapters.http import Call, CloudClient
from tests.oem_adapters.conftest import A_MANIFEST, NOW, PATIENT
from tests.oem_adapters.loopback import CUT, Answer, Loopback, Request
from tests.oem_adapters.vault import VaultInMemory

CALL = Call("GET", "/things")
RESET = NOW + timedelta(seconds=40)


def told(left: int | str, limit: int | str | None = 25, reset_s: int = 40) -> httpx.Headers:
    headers = httpx.Headers({"RateLimit-Remaining": str(left), "RateLimit-Reset": str(reset_s)})
    if limit is not None:
        headers["RateLimit-Limit"] = str(limit)
    return headers


def a_budget(left: int | str, limit: int | str | None = 25) -> CallBudget:
    budget = CallBudget()
    with budget.spend("account-1", "a call", NOW) as spending:
        spending.learn(told(left, limit), NOW)
    return budget


def may_go(budget: CallBudget, urgent: bool, at: datetime = NOW) -> bool:
    try:
        budget.check("account-1", "a call", at, urgent)
    except RateLimited as error:
        refused = error
    else:
        return True
    assert refused.retry_at == RESET
    return False


@pytest.mark.parametrize(
    ("limit", "left", "routine", "urgent"),
    [
        (25, 6, True, True),
        (25, 5, False, True),
        (25, 1, False, True),
        (25, 0, False, False),
        (5000, 1001, True, True),
        (5000, 1000, False, True),
        (4, 3, True, True),
        (4, 2, False, True),
        (None, 3, True, True),
        (None, 2, False, True),
    ],
)
def test_the_last_fifth_of_a_window_and_two_calls_at_least_are_for_urgent_calls(
    limit: int | None, left: int, routine: bool, urgent: bool
) -> None:
    budget = a_budget(left, limit)
    assert may_go(budget, urgent=False) is routine
    assert may_go(budget, urgent=True) is urgent


def test_after_the_windows_end_everything_is_open_again() -> None:
    budget = a_budget(left=0)
    assert not may_go(budget, urgent=True, at=RESET - timedelta(seconds=1))
    assert may_go(budget, urgent=False, at=RESET)


def test_one_accounts_window_is_not_anothers() -> None:
    a_budget(left=0).check("account-2", "a call", NOW)


def test_calls_in_flight_count_as_spent() -> None:
    budget = a_budget(left=7)
    with budget.spend("account-1", "one", NOW):
        assert may_go(budget, urgent=False)
        with budget.spend("account-1", "two", NOW):
            assert not may_go(budget, urgent=False)
            assert may_go(budget, urgent=True)


def test_urgent_calls_in_flight_use_up_what_is_left() -> None:
    budget = a_budget(left=1)
    with budget.spend("account-1", "one", NOW, urgent=True):
        assert not may_go(budget, urgent=True)


def test_a_call_whose_answer_told_nothing_stays_spent() -> None:
    budget = a_budget(left=6)
    with budget.spend("account-1", "lost", NOW):
        pass
    assert not may_go(budget, urgent=False)


def test_a_call_that_was_not_counted_costs_nothing() -> None:
    budget = a_budget(left=6)
    with budget.spend("account-1", "refused connection", NOW) as spending:
        spending.not_counted()
    assert may_go(budget, urgent=False)


def test_a_cancelled_call_is_no_longer_in_flight_but_spent() -> None:
    budget = a_budget(left=8)
    with pytest.raises(asyncio.CancelledError), budget.spend("account-1", "cancelled", NOW):
        raise asyncio.CancelledError
    assert may_go(budget, urgent=False)  # seven left and nothing in flight
    with budget.spend("account-1", "another", NOW):
        assert may_go(budget, urgent=False)
        with budget.spend("account-1", "a third", NOW):
            assert not may_go(budget, urgent=False)


def test_an_answer_that_was_overtaken_does_not_give_calls_back() -> None:
    budget = CallBudget()
    with budget.spend("account-1", "early", NOW) as early:
        with budget.spend("account-1", "late", NOW + timedelta(seconds=2)) as late:
            late.learn(told(5, reset_s=38), NOW + timedelta(seconds=2))
        early.learn(told(6), NOW)
    assert not may_go(budget, urgent=False)


def test_an_answer_of_the_next_window_counts_anew_and_one_of_the_last_says_nothing_more() -> None:
    budget = a_budget(left=0)
    later = RESET + timedelta(seconds=1)
    with budget.spend("account-1", "late in the old", later) as old, budget.spend("account-1", "new", later) as new:
        new.learn(told(24, reset_s=60), later)
        old.learn(told(0, reset_s=1), NOW + timedelta(seconds=39))
    budget.check("account-1", "a call", later)


@pytest.mark.parametrize("garbage", ["", "many", "-3", "1e3"])
def test_a_count_that_is_none_says_nothing(garbage: str) -> None:
    assert may_go(a_budget(garbage, garbage), urgent=False)


def test_a_grant_with_its_window_beside_it_is_read() -> None:
    assert not may_go(a_budget(5, "25, 25;w=60"), urgent=False)
    assert may_go(a_budget(6, "25, 25;w=60"), urgent=False)


async def test_a_sweep_of_many_calls_at_once_leaves_the_reserve_untouched(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    left = 25

    async def count(request: Request) -> Answer:
        nonlocal left
        left -= 1
        here = left
        await asyncio.sleep(0.02)
        return Answer({}, headers=told(here))

    cloud.on("GET", "/things", count)
    sut = CloudClient(client, vault, A_MANIFEST, PATIENT)
    await sut.send("account-1", CALL, NOW)
    outcomes = await asyncio.gather(*(sut.send("account-1", CALL, NOW) for _ in range(60)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {httpx.Response, RateLimited}
    assert left == 5
    for _ in range(5):
        await sut.send("account-1", CALL, NOW, urgent=True)
    with pytest.raises(RateLimited, match="was not sent"):
        await sut.send("account-1", CALL, NOW, urgent=True)
    assert left == 0


async def test_lost_answers_do_not_open_the_reserve(
    cloud: Loopback, client: httpx.AsyncClient, vault: VaultInMemory
) -> None:
    cloud.on("GET", "/things", Answer({}, headers=told(7)), CUT)
    sut = CloudClient(client, vault, A_MANIFEST, PATIENT)
    outcomes = [await ended(sut) for _ in range(5)]
    assert outcomes == ["Response", "Unavailable", "Unavailable", "RateLimited", "RateLimited"]
    assert len(cloud.requests) == 3


async def ended(sut: CloudClient) -> str:
    try:
        return type(await sut.send("account-1", CALL, NOW)).__name__
    except Exception as error:
        return type(error).__name__


A_MINUTE, A_DAY = timedelta(minutes=1), timedelta(days=1)


def quota(calls: int, window: timedelta, scope: QuotaScope = QuotaScope.ACCOUNT) -> Quota:
    return Quota(calls=calls, window=window, scope=scope)


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"RateLimit-Limit": "25, 25;w=60"}, [quota(25, A_MINUTE)]),
        ({"RateLimit-Limit": "100, 100;w=60, 2000;w=86400"}, [quota(100, A_MINUTE), quota(2000, A_DAY)]),
        ({"RateLimit-Limit": "200", "RateLimit-Policy": "200;w=86400"}, [quota(200, A_DAY)]),
        ({"RateLimit-Policy": '"burst";q=20;w=60, "day";q=200;w=86400'}, [quota(20, A_MINUTE), quota(200, A_DAY)]),
        (
            {"X-RateLimit-Limit-minute": "20", "X-RateLimit-Limit-day": "200", "X-RateLimit-Remaining-day": "7"},
            [quota(20, A_MINUTE), quota(200, A_DAY)],
        ),
        ({"RateLimit-Limit": "200"}, []),
        ({"RateLimit-Policy": "many;w=often, ;;, 5;w=0"}, []),
        ({}, []),
    ],
)
def test_a_quota_is_read_with_its_window_in_every_dialect(headers: dict[str, str], named: list[Quota]) -> None:
    assert list(quotas_named(httpx.Headers(headers))) == named


def test_a_bare_number_has_the_window_of_the_vendors_only_quota() -> None:
    bare = httpx.Headers({"RateLimit-Limit": "300"})
    assert quotas_named(bare, [quota(200, A_DAY)]) == (quota(300, A_DAY),)
    assert quotas_named(bare, [quota(20, A_MINUTE), quota(200, A_DAY)]) == (), "it does not say which"


@pytest.mark.parametrize(
    ("quotas", "wait"),
    [
        ((), A_MINUTE),
        ((quota(25, A_MINUTE),), A_MINUTE),
        ((quota(20, A_MINUTE), quota(200, A_DAY)), A_MINUTE),
        ((quota(200, A_DAY),), timedelta(hours=1)),
    ],
)
def test_a_refusal_that_names_no_time_is_waited_out_by_the_quotas_window(
    quotas: tuple[Quota, ...], wait: timedelta
) -> None:
    refusal = CallBudget(quotas).refused("account-1", "a call", httpx.Headers(), NOW)
    assert refusal.retry_at == NOW + wait


def test_where_the_vendor_counts_all_accounts_together_one_accounts_refusal_holds_for_all() -> None:
    shared = CallBudget((quota(200, A_DAY, QuotaScope.CLIENT),))
    shared.refused("account-1", "a call", httpx.Headers(), NOW)
    with pytest.raises(RateLimited):
        shared.check("account-2", "a call", NOW)
    own = CallBudget((quota(200, A_DAY),))
    own.refused("account-1", "a call", httpx.Headers(), NOW)
    own.check("account-2", "a call", NOW)
