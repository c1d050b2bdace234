"""What a process has spent of a vendor's quotas where answers do not say what is left."""

from datetime import timedelta

import pytest

from domain.oem.errors import RateLimited
from domain.oem.quota import Quota, QuotaScope, reserve_of
from oem_adapters.budget import CallBudget
from tests.oem_adapters.conftest import NOW

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
DAILY = (Quota(calls=20, window=MINUTE), Quota(calls=200, window=DAY))


def spend(budget: CallBudget, calls: int, start: int, every_s: int = 60, account_id: str = "a", what: str = "x") -> int:
    """How many of these calls might leave, `every_s` apart from `start` seconds on."""
    left = 0
    for number in range(calls):
        try:
            with budget.spend(account_id, what, NOW + timedelta(seconds=start + number * every_s)):
                left += 1
        except RateLimited:
            pass
    return left


def a_budget(*quotas: Quota) -> CallBudget:
    """Of a clock that runs."""
    budget = CallBudget(quotas)
    spend(budget, 1, 0)
    return budget


def test_a_day_is_not_spent_before_it_is_over_and_its_last_part_is_for_urgent_calls() -> None:
    budget = a_budget(*DAILY)
    assert spend(budget, 400, 1) == 200 - reserve_of(200)
    now = NOW + timedelta(hours=7)
    with pytest.raises(RateLimited) as raised:
        budget.check("a", "x", now)
    assert raised.value.retry_at == NOW + timedelta(seconds=1) + DAY, "when the first of them leaves the window"
    budget.check("a", "x", now, urgent=True)
    budget.check("a", "x", raised.value.retry_at)


def test_a_window_slides_and_does_not_begin_anew_with_the_minute() -> None:
    budget = a_budget(Quota(calls=10, window=MINUTE))
    assert spend(budget, 20, 50, every_s=1) == 8
    assert spend(budget, 20, 90, every_s=1) == 0
    assert spend(budget, 20, 111, every_s=1) == 8


@pytest.mark.parametrize(
    ("scope", "other_account", "other_call"),
    [(QuotaScope.CLIENT, 0, 0), (QuotaScope.ACCOUNT, 8, 0), (QuotaScope.ENDPOINT, 8, 8)],
)
def test_calls_count_together_as_the_vendor_counts_them(scope: QuotaScope, other_account: int, other_call: int) -> None:
    budget = a_budget(Quota(calls=10, window=DAY, scope=scope))
    assert spend(budget, 20, 1, every_s=1) == 8
    assert spend(budget, 20, 30, every_s=1, what="y") == other_call
    assert spend(budget, 20, 60, every_s=1, account_id="b") == other_account


def test_what_an_answer_says_is_left_goes_before_what_was_counted() -> None:
    budget = a_budget(Quota(calls=10, window=MINUTE))
    assert spend(budget, 20, 1, every_s=1) == 8
    with budget.spend("a", "x", NOW + timedelta(seconds=30), urgent=True) as spending:
        told = {"ratelimit-limit": "5000", "ratelimit-remaining": "4990", "ratelimit-reset": "30"}
        spending.learn(told, NOW + timedelta(seconds=30))
    assert spend(budget, 20, 31, every_s=1) == 20


def test_a_call_that_did_not_leave_is_not_counted() -> None:
    budget = a_budget(Quota(calls=10, window=MINUTE))
    for _ in range(50):
        with budget.spend("a", "x", NOW + timedelta(seconds=1)) as spending:
            spending.not_counted()
    assert spend(budget, 20, 2, every_s=1) == 8


def test_before_a_fleets_time_runs_nothing_is_counted() -> None:
    budget = CallBudget(DAILY)
    assert spend(budget, 500, 0, every_s=0) == 500
    assert spend(budget, 40, 1, every_s=1) == 20 - reserve_of(20)
