"""What vendor accounts have spent of their calls, what is left, and what the day will have taken by midnight.

Protects: what is spent and left is what the next call will be judged by: the same count, taken before each call leaves.
A day's calls are those that left, by the minute, which the breaker reads as well: a short window keeps no day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from application.access import Access
from domain.oem.carrying import pumps_with_room
from domain.oem.quota import Quota, QuotaScope, in_force, paces_per_min, reserve_of
from domain.steering.sweep_policy import drift_found_within
from ledger.queries.accounts import AccountRecord

LATELY = timedelta(hours=1)
"""The forecast goes on as the last hour went."""


@dataclass(frozen=True)
class Spent:
    """One quota of an account."""

    quota: Quota
    spent: int
    """Calls in the window that ends now, of all who share the quota."""
    left: int
    reserve: int
    """Of what is left, kept from routine calls."""
    today: int
    """Calls that left since local midnight."""
    by_midnight: int
    """What the whole day will have taken if the rest of it goes as the last hour went."""


@dataclass(frozen=True)
class AccountQuota:
    """An account's quotas, and what they mean for its pumps."""

    account: str
    oem: str
    pumps: int
    quotas: Sequence[Spent]
    drift_found_within: timedelta | None
    """None without pumps."""
    room_for: int | None
    """How many more pumps it carries; None where no quota is known."""
    bound_by: QuotaScope
    """Whose quota says so."""


async def account_quotas(access: Access, tz: ZoneInfo) -> list[AccountQuota]:
    """Every connected account by id; days are local."""
    now = access.now()
    records = [one for one in await access.ledger.accounts.all() if one.disconnected_at is None]
    midnight = now.astimezone(tz).replace(hour=0, minute=0, second=0, microsecond=0)
    calls = await access.ledger.accounts.calls_since(min(midnight, now - LATELY))
    counters = {_counter(one, quota): now - quota.window for one in records for quota in _quotas(one)}
    counted = await access.ledger.vault.within(counters)
    return [_of(one, records, calls, counted, now, midnight) for one in records]


def _of(
    record: AccountRecord,
    records: Sequence[AccountRecord],
    calls: Mapping[str, Mapping[datetime, int]],
    counted: Mapping[str, int],
    now: datetime,
    midnight: datetime,
) -> AccountQuota:
    kin = [one for one in records if (one.oem, one.client_id) == (record.oem, record.client_id)]
    quotas = _quotas(record)
    spent = []
    for quota in quotas:
        sharing = kin if quota.scope is QuotaScope.CLIENT else [record]
        so_far = counted.get(_counter(record, quota), 0) * quota.lot
        spent.append(_spent(quota, so_far, [calls.get(one.account_id, {}) for one in sharing], now, midnight))
    steered = {one.account_id: one.declared for one in kin if one.pumps or one is record}
    pace = paces_per_min(steered, {one.account_id: one.named for one in kin}).get(record.account_id)
    of_client = sum(one.pumps for one in kin)
    room, bound_by = pumps_with_room(
        quotas, record.observe_calls, record.pumps, of_client, reads_accounts=record.reads_accounts
    )
    observed_apart = min(record.pumps, 1) if record.reads_accounts else record.pumps
    within = drift_found_within(observed_apart, record.observe_calls, pace) if record.pumps else None
    return AccountQuota(record.account_id, record.oem, record.pumps, spent, within, room, bound_by)


def _quotas(record: AccountRecord) -> tuple[Quota, ...]:
    return in_force(record.declared, record.named)


def _counter(record: AccountRecord, quota: Quota) -> str:
    return quota.counter(record.oem, record.client_id, record.account_id)


def _spent(
    quota: Quota, spent: int, calls: Sequence[Mapping[datetime, int]], now: datetime, midnight: datetime
) -> Spent:
    def since(moment: datetime) -> int:
        return sum(count for one in calls for minute, count in one.items() if minute > moment)

    today = since(midnight - timedelta(minutes=1))  # minutes are counted whole
    left_of_day = midnight + timedelta(days=1) - now
    return Spent(
        quota=quota,
        spent=spent,
        left=max(0, quota.calls - spent),
        reserve=reserve_of(quota.calls),
        today=today,
        by_midnight=today + round(since(now - LATELY) * (left_of_day / LATELY)),
    )
