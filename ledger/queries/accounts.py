"""What people read of vendor accounts: since when they are connected, what is reached through them, what they spent.

Protects: no secret leaves here; whether there is a token is said, the token never.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.base import Instant, Value
from domain.oem.quota import Quota, QuotaScope, in_force
from domain.steering.call_budget import AccountStanding, QuotaStanding
from ledger.models import AccountAsk, OemAccount, OemCallCount, OemGrant, Pump
from ledger.oem.claims import LedgerClaims


class AccountRecord(Value):
    """One account, without its secrets."""

    account_id: str
    oem: str
    api_url: str
    client_id: str
    connected_at: Instant
    disconnected_at: Instant | None
    has_token: bool
    pumps: int
    """Steered ones that are reached through it."""
    declared: tuple[Quota, ...]
    named: tuple[Quota, ...]
    """The quotas that the vendor's answers last named."""
    observe_calls: float
    """Calls that one observation of one of its pumps costs."""
    reads_accounts: bool
    """Whether that observation is of all its pumps."""
    needs_person_since: Instant | None
    needs_person_for: str | None


class LedgerAccounts:
    """Read-only questions about accounts."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def all(self) -> Sequence[AccountRecord]:
        """Every account, also those that were disconnected, by id."""
        steered = select(Pump.account_id, func.count()).where(Pump.retired_at.is_(None)).group_by(Pump.account_id)
        columns = [column for column in OemAccount.__table__.columns if column.name not in ("client_secret", "token")]
        accounts = select(*columns, OemAccount.token.is_not(None).label("has_token"))
        async with self._engine.connect() as connection:
            rows = (await connection.execute(accounts.order_by(OemAccount.account_id))).all()
            pumps: dict[str, int] = {row[0]: row[1] for row in await connection.execute(steered)}
            grants = (await connection.execute(select(OemGrant.account_id, OemGrant.calls, OemGrant.window_s))).all()
            asks = (await connection.execute(select(AccountAsk).where(AccountAsk.solved_at.is_(None)))).all()
        open_asks = {ask.account_id: ask for ask in asks}
        named: dict[str, list[Quota]] = {}
        for grant in grants:
            window = timedelta(seconds=grant.window_s)
            named.setdefault(grant.account_id, []).append(Quota(calls=grant.calls, window=window))
        found = []
        for row in rows:
            ask = open_asks.get(row.account_id)
            found.append(
                AccountRecord(
                    account_id=row.account_id,
                    oem=row.oem,
                    api_url=row.api_url,
                    client_id=row.client_id,
                    connected_at=row.connected_at,
                    disconnected_at=row.disconnected_at,
                    has_token=row.has_token,
                    pumps=pumps.get(row.account_id, 0),
                    declared=tuple(Quota.model_validate(quota) for quota in row.quotas),
                    named=tuple(named.get(row.account_id, ())),
                    observe_calls=row.observe_calls,
                    reads_accounts=row.reads_accounts,
                    needs_person_since=ask.since if ask is not None else None,
                    needs_person_for=ask.reason if ask is not None else None,
                )
            )
        return found

    async def units(self, oem: str) -> Mapping[str, tuple[str, str]]:
        """Every steered unit of a vendor: the account and the pump it is enrolled as, by `vendor_ref`."""
        ref = Pump.profile["enrolment"]["vendor_ref"].astext
        query = select(ref, Pump.account_id, Pump.pump_id).where(Pump.oem == oem, Pump.retired_at.is_(None))
        async with self._engine.connect() as connection:
            return {ref: (account_id, pump_id) for ref, account_id, pump_id in await connection.execute(query)}

    async def standings(self, account_ids: Sequence[str], until: datetime) -> Mapping[str, AccountStanding]:
        """How the quotas of these accounts stand for a plan that ends then; `domain.ports.CallGrants`."""
        wanted = select(OemAccount).where(OemAccount.account_id.in_(account_ids))
        async with self._engine.connect() as connection:
            accounts = (await connection.execute(wanted)).all()
            named = await _named(connection, account_ids)
            of_account, of_client = await _steered(connection, account_ids, {(a.oem, a.client_id) for a in accounts})
        quotas = {
            account.account_id: in_force(
                tuple(Quota.model_validate(quota) for quota in account.quotas), named.get(account.account_id, ())
            )
            for account in accounts
        }
        since = {
            quota.counter(account.oem, account.client_id, account.account_id): until - quota.window
            for account in accounts
            for quota in quotas[account.account_id]
        }
        spent = await LedgerClaims(self._engine).within(since)
        standings = {}
        for account in accounts:
            standing = []
            for quota in quotas[account.account_id]:
                counter = quota.counter(account.oem, account.client_id, account.account_id)
                pumps, sharing = of_account.get(account.account_id, 0), 1
                if quota.scope is QuotaScope.CLIENT:
                    pumps, sharing = of_client.get((account.oem, account.client_id), (0, 1))
                observations = sharing if account.reads_accounts else max(pumps, 1)
                standing.append(
                    QuotaStanding(
                        quota=quota,
                        spent=spent.get(counter, 0) * quota.lot,
                        pumps=max(pumps, 1),
                        observations=observations,
                    )
                )
            standings[account.account_id] = AccountStanding(observe_calls=account.observe_calls, quotas=tuple(standing))
        return standings

    async def calls_since(self, since: datetime) -> Mapping[str, Mapping[datetime, int]]:
        """Calls that left, by account and minute (steered), from then on."""
        table = OemCallCount
        query = select(table.account_id, table.minute, func.sum(table.calls)).where(table.minute >= since)
        counted: dict[str, dict[datetime, int]] = {}
        async with self._engine.connect() as connection:
            for account_id, minute, calls in await connection.execute(query.group_by(table.account_id, table.minute)):
                counted.setdefault(account_id, {})[minute] = int(calls)
        return counted


async def _named(connection: AsyncConnection, account_ids: Sequence[str]) -> dict[str, list[Quota]]:
    """The quotas that answers last named, by account."""
    grants = select(OemGrant.account_id, OemGrant.calls, OemGrant.window_s).where(OemGrant.account_id.in_(account_ids))
    named: dict[str, list[Quota]] = {}
    for grant in await connection.execute(grants):
        quota = Quota(calls=grant.calls, window=timedelta(seconds=grant.window_s))
        named.setdefault(grant.account_id, []).append(quota)
    return named


async def _steered(
    connection: AsyncConnection, account_ids: Sequence[str], clients: Collection[tuple[str, str]]
) -> tuple[dict[str, int], dict[tuple[str, str], tuple[int, int]]]:
    """Steered pumps by account, and by vendor and client those pumps and the accounts that they are reached through."""
    is_steered = Pump.retired_at.is_(None)
    by_account = (
        select(Pump.account_id, func.count())
        .where(is_steered, Pump.account_id.in_(account_ids))
        .group_by(Pump.account_id)
    )
    by_client = (
        select(OemAccount.oem, OemAccount.client_id, func.count(), func.count(Pump.account_id.distinct()))
        .join(Pump, Pump.account_id == OemAccount.account_id)
        .where(is_steered, tuple_(OemAccount.oem, OemAccount.client_id).in_(clients))
        .group_by(OemAccount.oem, OemAccount.client_id)
    )
    of_account: dict[str, int] = {row[0]: row[1] for row in await connection.execute(by_account)}
    of_client = {(oem, client): (pumps, sharing) for oem, client, pumps, sharing in await connection.execute(by_client)}
    return of_account, of_client
