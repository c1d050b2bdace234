"""All repositories over one database, opened and closed together.

Protects: locks have connections of their own, because one is held while the same activity needs another; those for
renewing tokens apart from the write locks, because a write that holds its lock may have to renew a token first.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ports import DecisionListener, JournalListener
from ledger.commands import LedgerCommands
from ledger.database import engine_for, locks_for
from ledger.energy.house_loads import LedgerHouseLoads
from ledger.houses import LedgerHouses
from ledger.journal import LedgerJournal
from ledger.load_curves import LedgerLoadCurves
from ledger.models import Pump
from ledger.observations import LedgerObservations
from ledger.oem.invitations import LedgerInvitations
from ledger.oem.vendors import LedgerVendors
from ledger.plans import LedgerPlans
from ledger.pumps import LedgerPumps, Vault
from ledger.queries.accounts import LedgerAccounts
from ledger.queries.fleet import LedgerFleet
from ledger.queries.history import LedgerHistory, LedgerOrders
from ledger.queries.plans import LedgerPlanQueries
from ledger.queries.prices import LedgerPriceQueries
from ledger.queries.reports import LedgerReports
from ledger.queries.runs import LedgerRuns
from ledger.regrets import LedgerRegrets
from ledger.savings import LedgerSavings
from ledger.series import LedgerSeries
from ledger.shadow import LedgerShadow
from ledger.sweep_records import LedgerSweepRecords

TOKEN_LOCK_CONNECTIONS = 4
"""Kept open; a renewal is short, and some more are opened when many tokens expire at once."""


class LedgerNotReady(Exception):
    """The database does not answer, or was never migrated; one sentence that says which and the way out."""


@dataclass(frozen=True)
class Repositories:
    """One per concern, over the same database."""

    engine: AsyncEngine
    locks: AsyncEngine
    """For write locks."""
    commands: LedgerCommands
    pumps: LedgerPumps
    journal: LedgerJournal
    observations: LedgerObservations
    series: LedgerSeries
    plans: LedgerPlans
    load_curves: LedgerLoadCurves
    vault: Vault
    accounts: LedgerAccounts
    invitations: LedgerInvitations
    vendors: LedgerVendors
    sweep_records: LedgerSweepRecords
    shadow: LedgerShadow
    orders: LedgerOrders
    reports: LedgerReports
    history: LedgerHistory
    runs: LedgerRuns
    plan_queries: LedgerPlanQueries
    fleet: LedgerFleet
    price_queries: LedgerPriceQueries
    savings: LedgerSavings
    regrets: LedgerRegrets
    houses: LedgerHouses
    house_loads: LedgerHouseLoads

    async def check(self) -> None:
        """Raise `LedgerNotReady` unless the database answers and has the ledger's tables."""
        try:
            async with self.engine.connect() as connection:
                await connection.execute(select(Pump.pump_id).limit(1))
        except ProgrammingError as error:
            raise LedgerNotReady("the database in DATABASE_URL holds no ledger yet: run `heatsteer prepare`") from error
        except (OSError, SQLAlchemyError) as error:
            raise LedgerNotReady(
                f"the database in DATABASE_URL does not answer ({type(error).__name__}): is it running and the URL "
                "right?"
            ) from error


@contextlib.asynccontextmanager
async def open_repositories(
    url: SecretStr,
    keys: Sequence[SecretStr],
    lock_connections: int,
    on_decision: DecisionListener | None = None,
    on_entry: JournalListener | None = None,
) -> AsyncIterator[Repositories]:
    """The repositories; connections are made when first used and closed at the end.

    `keys` seal vendor secrets, newest first. `on_decision` is told of every new event of a command, `on_entry` of every
    new entry of a journal.
    """
    engine = engine_for(url.get_secret_value(), pool_size=8)
    locks = locks_for(url.get_secret_value(), pool_size=lock_connections)
    token_locks = locks_for(url.get_secret_value(), pool_size=TOKEN_LOCK_CONNECTIONS)
    try:
        yield Repositories(
            engine=engine,
            locks=locks,
            commands=LedgerCommands(engine, locks, on_decision),
            pumps=LedgerPumps(engine),
            journal=LedgerJournal(engine, on_entry),
            observations=LedgerObservations(engine),
            series=LedgerSeries(engine),
            plans=LedgerPlans(engine),
            load_curves=LedgerLoadCurves(engine),
            vault=Vault(engine, keys, locks=token_locks),
            accounts=LedgerAccounts(engine),
            invitations=LedgerInvitations(engine),
            vendors=LedgerVendors(engine),
            sweep_records=LedgerSweepRecords(engine),
            shadow=LedgerShadow(engine),
            orders=LedgerOrders(engine),
            reports=LedgerReports(engine),
            history=LedgerHistory(engine),
            runs=LedgerRuns(engine),
            plan_queries=LedgerPlanQueries(engine),
            fleet=LedgerFleet(engine),
            price_queries=LedgerPriceQueries(engine),
            savings=LedgerSavings(engine),
            regrets=LedgerRegrets(engine),
            houses=LedgerHouses(engine),
            house_loads=LedgerHouseLoads(engine),
        )
    finally:
        await engine.dispose()
        await locks.dispose()
        await token_locks.dispose()
