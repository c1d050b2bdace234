"""How many changes a plan may hold, by what a grant of calls leaves to commands."""

from datetime import timedelta

import pytest

from domain.oem.quota import Quota
from domain.steering.call_budget import AccountStanding, QuotaStanding, changes_carried, shared_out
from oem_adapters.daikin import MANIFEST

DAY = timedelta(days=1)
TWO_HUNDRED = Quota(calls=200, window=DAY, slides=True)


def an_account(*, pumps: int = 1, spent: int = 0, quota: Quota = TWO_HUNDRED, observations: int = 1) -> AccountStanding:
    standing = QuotaStanding(quota=quota, spent=spent, pumps=pumps, observations=observations)
    return AccountStanding(observe_calls=1.0, quotas=(standing,))


@pytest.mark.parametrize(
    ("pumps", "spent", "lasts", "carried"),
    [
        # 160 of 200 are for routine calls, and a sweep of a whole account takes one in each of 96 quarter-hours.
        (1, 0, DAY, 21),
        (5, 0, DAY, 4),
        # What was called today already is gone until the window has left it behind; the rest of the sweep is shorter.
        (1, 100, DAY / 2, 4),
        (1, 200, DAY / 2, 0),
    ],
)
def test_what_a_daily_quota_leaves_beside_its_sweep_is_shared_by_the_pumps_of_an_account(
    pumps: int, spent: int, lasts: timedelta, carried: int
) -> None:
    assert changes_carried(an_account(pumps=pumps, spent=spent), lasts) == carried


def test_a_sweep_never_counts_for_more_than_its_share() -> None:
    forty = an_account(pumps=40, observations=40, quota=Quota(calls=25, window=timedelta(minutes=1)))
    assert changes_carried(forty, DAY) == int((20 * 1440 - 40 * 96) / (3 * 40))
    crowded = an_account(pumps=1000, observations=1000, quota=Quota(calls=25, window=timedelta(minutes=1)))
    assert changes_carried(crowded, DAY) == int((20 * 1440 - 0.5 * 25 * 1440) / 3000)


def test_without_a_quota_nothing_is_limited_and_with_several_the_tightest_counts() -> None:
    assert changes_carried(AccountStanding(observe_calls=1.0, quotas=()), DAY) is None
    minute, day = MANIFEST.quotas
    both = [QuotaStanding(quota=quota, spent=0, pumps=1, observations=1) for quota in (minute, day)]
    assert changes_carried(AccountStanding(observe_calls=1.0, quotas=tuple(both)), DAY) == 21


def test_heating_comes_before_the_tank() -> None:
    assert shared_out(None, 8, 8) == (8, True)
    assert shared_out(21, 8, 8) == (8, True)
    assert shared_out(15, 8, 8) == (8, False)
    assert shared_out(4, 8, 8) == (4, False)
