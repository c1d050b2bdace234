"""Accounts: kept once their cloud has answered, never half changed, never let go while pumps need them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from application.access import Access
from application.accounts.connecting import check_new, connect, disconnect, rotate_key
from application.accounts.quotas import account_quotas
from application.audit_log import Actor
from application.errors import ErrorCode, Failed, Refused
from domain.homes.enrolment import PumpProfile
from domain.oem.calls import CallFate, CallMade
from domain.oem.credentials import AccountCredentials, StoredToken
from domain.oem.errors import AuthExpired, OemError
from domain.oem.quota import Quota, QuotaScope
from domain.oem.readings import Reading
from domain.steering.call_budget import changes_carried
from ledger.oem.calls import Calls
from oem_adapters.registry import manifest_of
from oem_adapters.shared_count import SharedCount
from tests.builders import a_profile

pytestmark = pytest.mark.servers

BY = Actor("onboarding", "a new utility")
TOKEN = StoredToken(access_token=SecretStr("access-me"), refresh_token=SecretStr("refresh-me"))
UTC_ZONE = ZoneInfo("UTC")


class ACloud:
    """Answers for an account what it reaches, or with an error."""

    def __init__(self, units: Mapping[str, bool] | OemError) -> None:
        self._units = units

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        if isinstance(self._units, OemError):
            raise self._units
        return self._units

    async def observe(self, pump: object, lever: str, now: datetime) -> Reading:
        raise NotImplementedError


def an_account(account_id: str = "home-1", secret: str = "s3cr3t", *quotas: Quota) -> AccountCredentials:
    account = manifest_of("nibe").at("http://127.0.0.1:1").account(account_id, "app", SecretStr(secret))
    return account.model_copy(update={"quotas": quotas}) if quotas else account


def of_account(account_id: str, pump_id: str, ref: str) -> PumpProfile:
    profile = a_profile()
    changed = {"account_id": account_id, "pump_id": pump_id, "vendor_ref": ref}
    return profile.model_copy(update={"enrolment": profile.enrolment.model_copy(update=changed)})


async def test_an_account_is_kept_once_its_cloud_has_answered(access: Access) -> None:
    found = await connect(access, an_account(), TOKEN, ACloud({"a/1": True, "a/2": False}), BY, renew=False)
    assert (len(found.units), found.renewed) == (2, False)
    stored = await access.ledger.vault.load("home-1")
    assert stored is not None
    assert stored.access_token.get_secret_value() == "access-me"
    trail = await access.ledger.reports.audit_trail()
    assert [(row["act"], row["who"]) for row in trail] == [("account-connect", "onboarding")]
    assert all(secret not in str(trail) for secret in ("s3cr3t", "access-me", "refresh-me"))


async def test_an_account_that_its_cloud_does_not_accept_leaves_nothing_behind(access: Access) -> None:
    with pytest.raises(Failed, match="did not accept account home-1"):
        await connect(access, an_account(), None, ACloud(AuthExpired("no such client")), BY, renew=False)
    assert await access.ledger.accounts.all() == []


async def test_a_renewal_that_fails_leaves_the_old_secrets_in_force(access: Access) -> None:
    await connect(access, an_account(), TOKEN, ACloud({}), BY, renew=False)
    with pytest.raises(Refused, match="is connected already"):
        await connect(access, an_account(secret="new"), None, ACloud({}), BY, renew=False)
    with pytest.raises(Failed):
        await connect(access, an_account(secret="new"), None, ACloud(AuthExpired("no")), BY, renew=True)
    assert (await access.ledger.vault.credentials("home-1")).client_secret.get_secret_value() == "s3cr3t"
    assert await access.ledger.vault.load("home-1") is not None
    assert (await connect(access, an_account(secret="new"), None, ACloud({}), BY, renew=True)).renewed
    assert (await access.ledger.vault.credentials("home-1")).client_secret.get_secret_value() == "new"
    assert await access.ledger.vault.load("home-1") is None


async def test_no_unit_is_reached_through_two_accounts(access: Access) -> None:
    await connect(access, an_account(), None, ACloud({"a/1": True}), BY, renew=False)
    await access.ledger.pumps.enrol(of_account("home-1", "p-1", "a/1"), access.now())
    with pytest.raises(Refused, match="steered through home-1 as p-1"):
        await connect(access, an_account("home-2"), None, ACloud({"a/1": True, "a/2": True}), BY, renew=False)
    assert [one.account_id for one in await access.ledger.accounts.all()] == ["home-1"]


async def test_an_account_that_pumps_need_is_not_disconnected(access: Access) -> None:
    await connect(access, an_account(), None, ACloud({"a/1": True}), BY, renew=False)
    await access.ledger.pumps.enrol(of_account("home-1", "p-1", "a/1"), access.now())
    with pytest.raises(Refused) as refused:
        await disconnect(access, "home-1", BY)
    assert (refused.value.code, refused.value.facts["pumps"]) == (ErrorCode.ACCOUNT_IN_USE, 1)
    await access.ledger.pumps.mark_retired("p-1", access.now())
    await disconnect(access, "home-1", BY)
    (left,) = await access.ledger.accounts.all()
    assert left.disconnected_at is not None
    await check_new(access, "home-1", "nibe", renew=False)
    with pytest.raises(Refused, match="there are home-1"):
        await disconnect(access, "home-2", BY)
    assert await rotate_key(access, BY) == 1


@pytest.mark.parametrize("name", ["", "x", "With Space", "../etc", "ä-1"])
async def test_an_account_has_a_plain_id(access: Access, name: str) -> None:
    with pytest.raises(Refused, match="letters a-z"):
        await check_new(access, name, "nibe", renew=False)


async def test_a_quota_says_what_is_spent_left_and_due_by_midnight(access: Access) -> None:
    day = Quota(calls=200, window=timedelta(days=1), scope=QuotaScope.CLIENT)
    minute = Quota(calls=20, window=timedelta(minutes=1))
    for name in ("home-1", "home-2"):
        await connect(access, an_account(name, "s", day, minute), None, ACloud({}), BY, renew=False)
    now, calls, vault = access.now(), Calls(), access.ledger.vault
    for name, ago in (("home-1", timedelta()), ("home-1", timedelta(minutes=30)), ("home-2", timedelta(minutes=40))):
        calls.add(CallMade(oem="nibe", account_id=name, at=now - ago, fate=CallFate.OK))
        for quota in (day, minute):
            await vault.claim(quota.counter("nibe", "app", name), quota.window, quota.calls, now - ago)
    await access.ledger.vendors.keep(calls, {})
    first, second = await account_quotas(access, UTC_ZONE)
    by_window = {spent.quota.window: spent for spent in first.quotas}
    assert (by_window[day.window].spent, by_window[day.window].left) == (3, 197)
    assert (by_window[minute.window].spent, by_window[minute.window].left) == (1, 19)
    assert (by_window[day.window].reserve, by_window[minute.window].reserve) == (40, 4)
    assert by_window[day.window].by_midnight >= by_window[day.window].today
    assert {spent.quota.window: spent.spent for spent in second.quotas} == {day.window: 3, minute.window: 0}
    assert (first.room_for, first.bound_by, first.drift_found_within) == (3, QuotaScope.CLIENT, None)


async def test_what_is_left_of_a_quota_is_what_the_next_call_is_judged_by(access: Access) -> None:
    day = Quota(calls=4000, window=timedelta(days=1))
    account = an_account("home-1", "s", day)
    await connect(access, account, None, ACloud({}), BY, renew=False)
    now, count = access.now(), SharedCount("nibe", (), access.ledger.vault)
    for number in range(5):
        await count.spend(account, "a read", now - timedelta(seconds=40 - number), urgent=False)
    (one,) = await account_quotas(access, UTC_ZONE)
    (spent,) = (spent for spent in one.quotas if spent.quota.window == day.window)
    assert spent.spent == 6, "counted in lots of two before each call leaves, whatever is written down of it later"
    assert (spent.left, spent.today) == (3994, 0)


async def test_a_plan_is_told_of_the_calls_that_an_account_has_left_and_of_the_pumps_that_share_them(
    access: Access,
) -> None:
    day = Quota(calls=200, window=timedelta(days=1), slides=True)
    app = Quota(calls=1000, window=timedelta(days=1, hours=1), scope=QuotaScope.CLIENT)
    for account in ("home-1", "home-2"):
        credentials = an_account(account, "s", day, app).model_copy(update={"reads_accounts": True})
        await connect(access, credentials, None, ACloud({}), BY, renew=False)
    for number, account in enumerate(("home-1", "home-1", "home-2")):
        await access.ledger.pumps.enrol(of_account(account, f"p-{number}", f"{account}/{number}"), access.now())
    now, vault = access.now(), access.ledger.vault
    for hours_ago in (1, 2, 20):
        at = now - timedelta(hours=hours_ago)
        await vault.claim(day.counter("nibe", "app", "home-1"), day.window, day.calls, at)
    (standing,) = (await access.ledger.accounts.standings(["home-1"], now + timedelta(hours=12))).values()
    of_home, of_app = sorted(standing.quotas, key=lambda one: one.quota.window)
    assert (of_home.spent, of_home.pumps, of_home.observations) == (2, 2, 1), "the third has left the window by then"
    assert (of_app.spent, of_app.pumps, of_app.observations) == (0, 3, 2), "an answer tells of a whole account"
    assert changes_carried(standing, timedelta(hours=12)) == int((160 - 2 - 48 * standing.observe_calls) / (3 * 2))
