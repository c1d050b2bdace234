"""The ledger's books on vendors: calls by minute and fate, grants, breakers, and accounts that wait for a person.

Protects: a change of a breaker is only ever added; one account asks one person once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Select, Update, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.base import Instant, Value
from domain.oem.breaker import OPENINGS_REMEMBERED, Breaker, BreakerState, CallsInMinute
from domain.oem.calls import CallFate, CallMade
from domain.oem.carrying import pumps_carried
from domain.oem.quota import Quota, QuotaScope, bursts_per_min, in_force, paces_per_min
from domain.steering.sweep_policy import drift_found_within
from ledger.models import AccountAsk, BreakerRow, OemAccount, OemCallCount, OemGrant, Pump
from ledger.oem.calls import Calls, Counted, Line

log = structlog.get_logger(__name__)


class OpenAsk(Value):
    """An account that waits for a person."""

    account_id: str
    since: Instant
    reason: str


class AccountLoad(Value):
    """What is reached through one account."""

    account_id: str
    pumps: int
    """Steered ones."""
    granted_per_min: float | None
    """On average; None where no quota is known."""
    observe_calls: float
    """Calls that one observation of one of its pumps costs."""
    reads_accounts: bool
    """Whether that observation is of all its pumps."""
    quotas: tuple[Quota, ...] = ()
    """In force for it, its client's among them."""

    def carried(self, *, by_client: bool) -> int | None:
        """How many pumps its client's quotas carry, or its own; None where there is none."""
        quotas = [quota for quota in self.quotas if (quota.scope is QuotaScope.CLIENT) == by_client]
        return pumps_carried(quotas, self.observe_calls, reads_accounts=self.reads_accounts and not by_client)

    @property
    def drift_found_within(self) -> timedelta:
        """How soon at the latest a drifted pump of it is read."""
        observed_apart = 1 if self.reads_accounts else self.pumps
        return drift_found_within(observed_apart, self.observe_calls, self.granted_per_min)


class VendorSummary(Value):
    """One vendor as an operator reads it; calls are those of the last steered hour."""

    oem: str
    breaker: Breaker | None
    """None where no guard has watched it yet."""
    rate_per_min: float | None
    """Attempts a steered minute, as last set."""
    calls: dict[CallFate, int]
    writes: int
    granted_per_min: float | None
    share_used: float | None
    """Calls of the hour over the hour's grant; None where no quota is known."""
    asks: tuple[OpenAsk, ...]
    accounts: tuple[AccountLoad, ...]
    """Those with steered pumps, by id."""
    pumps: int
    """Steered ones."""

    @property
    def drift_found_within(self) -> timedelta | None:
        """How soon at the latest a drifted pump is read; None without pumps.

        Each account is swept at its own pace, so the slowest decides.
        """
        return max((account.drift_found_within for account in self.accounts), default=None)

    @property
    def pumps_beyond_quota(self) -> int | None:
        """Steered pumps more than the quotas in force carry; None where no quota is known."""
        if not any(account.quotas for account in self.accounts):
            return None
        own, of_client = 0, 0
        for account in self.accounts:
            if (carried := account.carried(by_client=False)) is not None:
                own += max(0, account.pumps - carried)
            if (carried := account.carried(by_client=True)) is not None:
                of_client = max(of_client, self.pumps - carried)
        return max(own, of_client)


class LedgerVendors:
    """`domain.ports.VendorRepository` and `AccountAsks` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    # --- calls and grants -----------------------------------------------------------------------------------------

    async def keep(self, calls: Calls, mended: Mapping[str, datetime]) -> None:
        """Add counts and grants; close the asks of accounts whose calls have been accepted since then."""
        if not calls.lines and not calls.grants and not mended:
            return
        async with self._engine.begin() as connection:
            # In one order, always: several workers add to the same lines.
            for key in sorted(calls.lines):
                await _add(connection, key, calls.lines[key])
            for (account_id, window_s), (call, number) in sorted(calls.grants.items(), key=lambda grant: grant[0]):
                await _grant(connection, account_id, window_s, call, number)
            for account_id in sorted(mended):
                await connection.execute(solved(account_id, mended[account_id]))

    async def window(self, oem: str, since: datetime) -> Sequence[CallsInMinute]:
        """The calls of every minute since then that had any, oldest first."""
        table = OemCallCount
        query = (
            select(table.minute, table.fate, func.sum(table.calls))
            .where(table.oem == oem, table.minute >= since)
            .group_by(table.minute, table.fate)
            .order_by(table.minute)
        )
        minutes: dict[datetime, dict[CallFate, int]] = {}
        async with self._engine.connect() as connection:
            for minute, fate, calls in await connection.execute(query):
                minutes.setdefault(minute, {})[CallFate(fate)] = int(calls)
        return [CallsInMinute(minute=minute, counts=counts) for minute, counts in minutes.items()]

    async def burst_per_min(self, oem: str) -> float | None:
        """What all accounts that a steered pump is reached through may call together for a while, a steered minute."""
        async with self._engine.connect() as connection:
            bursts = bursts_per_min(*await _quotas_of(connection, oem))
        return sum(bursts.values()) if bursts else None

    # --- breakers -------------------------------------------------------------------------------------------------

    async def newest_breaker(self, oem: str, now: datetime) -> Breaker | None:
        """The breaker as last written down, with its openings of late."""
        async with self._engine.connect() as connection:
            newest = (await connection.execute(_newest_breaker(oem))).one_or_none()
            if newest is None:
                return None
            openings = await connection.scalars(
                select(BreakerRow.at)
                .where(
                    BreakerRow.oem == oem,
                    BreakerRow.state == BreakerState.OPEN.value,
                    BreakerRow.at > now - OPENINGS_REMEMBERED,
                )
                .distinct()
                .order_by(BreakerRow.at)
            )
            return _breaker(newest, tuple(openings))

    async def note_breaker(self, oem: str, breaker: Breaker, rate: float) -> None:
        """Add a line where state, moment or rate are others than the newest line's."""
        row = {"oem": oem, "state": breaker.state.value, "at": breaker.since, "rate_per_min": rate}
        async with self._engine.begin() as connection:
            newest = (await connection.execute(_newest_breaker(oem))).one_or_none()
            if newest is None or any(getattr(newest, name) != value for name, value in row.items()):
                await connection.execute(insert(BreakerRow).values(row | {"reason": breaker.reason}))

    # --- asks -----------------------------------------------------------------------------------------------------

    async def ask(self, account_id: str, reason: str, at: datetime) -> None:
        """Ask for new credentials; left alone where that is asked already, or the account is not known here."""
        row = {"account_id": account_id, "reason": reason, "since": at}
        known = select(OemAccount.account_id).where(OemAccount.account_id == account_id)
        async with self._engine.begin() as connection:
            if await connection.scalar(known) is None:
                return
            asked = insert(AccountAsk).values(row).on_conflict_do_nothing().returning(AccountAsk.id)
            if await connection.scalar(asked) is not None:
                log.warning("an account needs a person", account_id=account_id, reason=reason)

    async def open_asks(self, oem: str) -> Sequence[OpenAsk]:
        """The accounts of a vendor that wait for a person, longest first."""
        query = (
            select(AccountAsk)
            .join(OemAccount, OemAccount.account_id == AccountAsk.account_id)
            .where(OemAccount.oem == oem, AccountAsk.solved_at.is_(None))
            .order_by(AccountAsk.since)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [OpenAsk(account_id=row.account_id, since=row.since, reason=row.reason) for row in rows]

    # --- for people -----------------------------------------------------------------------------------------------

    async def status(self, now: datetime) -> Sequence[VendorSummary]:
        """Every vendor that has an account, by name."""
        async with self._engine.connect() as connection:
            oems = (await connection.scalars(select(OemAccount.oem).distinct().order_by(OemAccount.oem))).all()
        return [await self._status(oem, now) for oem in oems]

    async def _status(self, oem: str, now: datetime) -> VendorSummary:
        table = OemCallCount
        in_hour = (table.oem == oem, table.minute > now - timedelta(hours=1))
        by_fate = select(table.fate, func.sum(table.calls), func.sum(table.writes)).where(*in_hour).group_by(table.fate)
        loads = (
            select(Pump.account_id, func.count(), OemAccount.observe_calls, OemAccount.reads_accounts)
            .join(OemAccount, OemAccount.account_id == Pump.account_id)
            .where(Pump.oem == oem, Pump.retired_at.is_(None))
            .group_by(Pump.account_id, OemAccount.observe_calls, OemAccount.reads_accounts)
            .order_by(Pump.account_id)
        )
        async with self._engine.connect() as connection:
            counted = (await connection.execute(by_fate)).all()
            newest = (await connection.execute(_newest_breaker(oem))).one_or_none()
            declared, named = await _quotas_of(connection, oem)
            paces = paces_per_min(declared, named)
            accounts = [
                AccountLoad(
                    account_id=account_id,
                    pumps=pumps,
                    granted_per_min=paces.get(account_id),
                    observe_calls=observe_calls,
                    reads_accounts=reads_accounts,
                    quotas=in_force(declared.get(account_id, ()), named.get(account_id, ())),
                )
                for account_id, pumps, observe_calls, reads_accounts in await connection.execute(loads)
            ]
        granted = sum(paces.values()) if paces else None
        calls = {CallFate(fate): int(n) for fate, n, _ in counted}
        return VendorSummary(
            oem=oem,
            breaker=await self.newest_breaker(oem, now),
            rate_per_min=None if newest is None else newest.rate_per_min,
            calls=calls,
            writes=sum(int(writes) for _, _, writes in counted),
            granted_per_min=granted,
            share_used=None if not granted else round(sum(calls.values()) / (granted * 60), 4),
            asks=tuple(await self.open_asks(oem)),
            accounts=tuple(accounts),
            pumps=sum(account.pumps for account in accounts),
        )


def _breaker(row: Any, openings: tuple[datetime, ...]) -> Breaker:
    return Breaker(state=BreakerState(row.state), since=row.at, reason=row.reason, openings=openings)


def _newest_breaker(oem: str) -> Select[str, str, datetime, float, str]:
    table = BreakerRow
    columns = (table.oem, table.state, table.at, table.rate_per_min, table.reason)
    return select(*columns).where(table.oem == oem).order_by(table.id.desc()).limit(1)


def solved(account_id: str, at: datetime) -> Update:
    """Closes an account's ask that is older than `at`."""
    ask = AccountAsk
    return (
        update(ask).where(ask.account_id == account_id, ask.solved_at.is_(None), ask.since <= at).values(solved_at=at)
    )


async def _add(connection: AsyncConnection, line: Line, counted: Counted) -> None:
    oem, account_id, minute, fate = line
    row = {"oem": oem, "account_id": account_id, "minute": minute, "fate": fate.value}
    statement = insert(OemCallCount).values(row | {"calls": counted.calls, "writes": counted.writes})
    added = {
        "calls": OemCallCount.calls + statement.excluded.calls,
        "writes": OemCallCount.writes + statement.excluded.writes,
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=list(row), set_=added))


async def paces_of(connection: AsyncConnection, oem: str) -> dict[str, float]:
    """Calls a steered minute that each account of a vendor's steered pumps may make on average, by account id.

    From the quotas that the vendor publishes, and the numbers that its answers last named for their windows.
    """
    return paces_per_min(*await _quotas_of(connection, oem))


async def _quotas_of(connection: AsyncConnection, oem: str) -> tuple[dict[str, list[Quota]], dict[str, list[Quota]]]:
    """By account of a vendor's steered pumps: the quotas declared, and those that answers named."""
    steered = select(Pump.account_id).where(Pump.oem == oem, Pump.retired_at.is_(None))
    accounts = select(OemAccount.account_id, OemAccount.quotas).where(OemAccount.account_id.in_(steered))
    declared = {
        row.account_id: [Quota.model_validate(quota) for quota in row.quotas]
        for row in await connection.execute(accounts)
    }
    named: dict[str, list[Quota]] = {}
    for row in await connection.execute(
        select(OemGrant.account_id, OemGrant.calls, OemGrant.window_s).where(OemGrant.oem == oem)
    ):
        quota = Quota(calls=row.calls, window=timedelta(seconds=row.window_s))
        named.setdefault(row.account_id, []).append(quota)
    return declared, named


async def _grant(connection: AsyncConnection, account_id: str, window_s: int, call: CallMade, number: int) -> None:
    row = {"account_id": account_id, "window_s": window_s, "oem": call.oem, "calls": number, "told_at": call.at}
    statement = insert(OemGrant).values(row)
    newer = statement.on_conflict_do_update(
        index_elements=["account_id", "window_s"], set_=row, where=OemGrant.told_at < statement.excluded.told_at
    )
    await connection.execute(newer)
