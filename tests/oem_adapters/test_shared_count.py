"""What all workers have spent of a vendor's quotas, where answers do not say what is left."""

from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from domain.oem.errors import RateLimited
from domain.oem.quota import Quota, QuotaScope, reserve_of
from oem_adapters.shared_count import Counted, SharedCount
from tests.oem_adapters.conftest import A_MANIFEST, NOW
from tests.oem_adapters.vault import ClaimsInMemory

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
DAILY = (Quota(calls=20, window=MINUTE), Quota(calls=200, window=DAY))


async def claimed(
    count: SharedCount, now: datetime, urgent: bool = False, account_id: str = "a", what: str = "x"
) -> Counted:
    account = A_MANIFEST.account(account_id, "client", SecretStr("s3cret")).model_copy(update={"quotas": ()})
    return await count.spend(account, what, now, urgent)


async def spend(
    count: SharedCount, calls: int, start: int, every_s: int = 60, account_id: str = "a", what: str = "x"
) -> int:
    """How many of these calls might leave, `every_s` apart from `start` seconds on."""
    left = 0
    for number in range(calls):
        try:
            await claimed(count, NOW + timedelta(seconds=start + number * every_s), False, account_id, what)
        except RateLimited:
            continue
        left += 1
    return left


def a_count(*quotas: Quota, claims: ClaimsInMemory | None = None) -> SharedCount:
    return SharedCount("nibe", quotas, claims or ClaimsInMemory())


async def test_a_day_is_not_spent_before_it_is_over_and_its_last_part_is_for_urgent_calls() -> None:
    count = a_count(*DAILY)
    assert await spend(count, 400, 1) == 200 - reserve_of(200)
    now = NOW + timedelta(hours=7)
    with pytest.raises(RateLimited) as raised:
        await claimed(count, now)
    assert raised.value.retry_at == NOW + timedelta(seconds=1) + DAY, "when the first of them leaves the window"
    await claimed(count, now, urgent=True)
    await claimed(count, raised.value.retry_at + MINUTE)


async def test_a_window_slides_and_does_not_begin_anew_with_the_minute() -> None:
    count = a_count(Quota(calls=10, window=MINUTE))
    assert await spend(count, 20, 50, every_s=1) == 8
    assert await spend(count, 20, 90, every_s=1) == 0
    assert await spend(count, 20, 111, every_s=1) == 8


@pytest.mark.parametrize(
    ("scope", "other_account", "other_call"),
    [(QuotaScope.CLIENT, 0, 0), (QuotaScope.ACCOUNT, 8, 0), (QuotaScope.ENDPOINT, 8, 8)],
)
async def test_calls_count_together_as_the_vendor_counts_them(
    scope: QuotaScope, other_account: int, other_call: int
) -> None:
    count = a_count(Quota(calls=10, window=DAY, scope=scope))
    assert await spend(count, 20, 1, every_s=1) == 8
    assert await spend(count, 20, 30, every_s=1, what="y") == other_call
    assert await spend(count, 20, 60, every_s=1, account_id="b") == other_account


async def test_two_workers_spend_one_grant() -> None:
    shared = ClaimsInMemory()
    one, other = a_count(*DAILY, claims=shared), a_count(*DAILY, claims=shared)
    spent = 0
    for second in range(1, 40):
        spent += await spend(one, 1, second) + await spend(other, 1, second)
    assert spent == 20 - reserve_of(20)


async def test_a_quota_that_an_answer_names_goes_before_the_published_one() -> None:
    count = a_count(Quota(calls=10, window=MINUTE))
    assert await spend(count, 20, 1, every_s=1) == 8
    count.learn("a", [Quota(calls=5000, window=MINUTE)])
    assert await spend(count, 20, 31, every_s=1) == 20


async def test_a_call_that_did_not_leave_is_not_counted() -> None:
    count = a_count(Quota(calls=10, window=MINUTE))
    await claimed(count, NOW)
    for second in range(1, 50):
        await count.take_back(await claimed(count, NOW + timedelta(seconds=second)))
    assert await spend(count, 9, 50, every_s=1) == 7


async def test_calls_of_others_that_a_sliding_windows_answer_speaks_of_are_taken_into_account() -> None:
    count = a_count(Quota(calls=100, window=DAY, slides=True))
    counted = await claimed(count, NOW)
    count.learn_left(counted, {DAY: 59})
    assert await spend(count, 200, 1, every_s=1) == 100 - reserve_of(100) - 40 - 1
    with pytest.raises(RateLimited) as raised:
        await claimed(count, NOW + timedelta(hours=1))
    assert raised.value.retry_at > NOW + timedelta(hours=1)


async def test_a_great_grant_is_counted_in_lots() -> None:
    shared = ClaimsInMemory()
    count = a_count(Quota(calls=100_000, window=DAY), claims=shared)
    assert await spend(count, 500, 1, every_s=1) == 500
    (rows,) = shared.spent.values()
    assert len(rows) == 10


async def test_before_a_fleets_time_runs_the_first_call_alone_is_counted() -> None:
    count = a_count(*DAILY)
    assert await spend(count, 500, 0, every_s=0) == 500
    assert await spend(count, 40, 1, every_s=1) == 20 - reserve_of(20) - 1
