"""How many pumps a grant carries."""

from datetime import timedelta

from domain.oem.carrying import pumps_carried, pumps_with_room
from domain.oem.quota import Quota, QuotaScope

DAY = timedelta(days=1)


def test_two_hundred_calls_a_day_carry_three_pumps_and_twenty_five_a_minute_hundreds() -> None:
    assert pumps_carried((Quota(calls=200, window=DAY),), observe_calls=1) == 3
    a_minute = Quota(calls=25, window=timedelta(minutes=1))
    assert pumps_carried((a_minute,), observe_calls=1) == 600
    assert pumps_carried((a_minute, Quota(calls=200, window=DAY)), observe_calls=1) == 3


def test_pumps_that_one_call_reads_share_its_cost() -> None:
    of_account = (Quota(calls=200, window=DAY),)
    assert pumps_carried(of_account, observe_calls=1, reads_accounts=True) == 5
    assert pumps_with_room(of_account, 1, of_account=4, of_client=9, reads_accounts=True) == (1, QuotaScope.ACCOUNT)
    assert pumps_carried((Quota(calls=20, window=DAY),), observe_calls=1, reads_accounts=True) == 0
    of_client = (Quota(calls=200, window=DAY, scope=QuotaScope.CLIENT),)
    assert pumps_with_room(of_client, 1, 0, of_client=0, reads_accounts=True) == (3, QuotaScope.CLIENT)


def test_without_a_quota_nobody_knows() -> None:
    assert pumps_carried((), 1) is None
    assert pumps_with_room((), 1, 5, 5) == (None, QuotaScope.ACCOUNT)


def test_a_quota_of_the_client_is_shared_by_all_its_accounts() -> None:
    of_client = Quota(calls=200, window=DAY, scope=QuotaScope.CLIENT)
    assert pumps_with_room((of_client,), 1, of_account=0, of_client=2) == (1, QuotaScope.CLIENT)
    assert pumps_with_room((of_client,), 1, of_account=0, of_client=20) == (0, QuotaScope.CLIENT)
    of_account = Quota(calls=200, window=DAY)
    assert pumps_with_room((of_account,), 1, of_account=1, of_client=20) == (2, QuotaScope.ACCOUNT)
