"""Pumps and vendor accounts in the ledger; account secrets encrypted with a key from the environment.

Protects: who a pump is lives here and nowhere else; a secret at rest is never readable without the key.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.homes.enrolment import Enrolment, PumpProfile
from domain.homes.panels import Panels
from domain.oem.credentials import AccountCredentials, StoredToken
from domain.oem.quota import Quota
from domain.planning.scope import EnrolledArea
from domain.steering.orders import OrderKind
from ledger.models import AccountAsk, OemAccount, OrderRow, Pump
from ledger.oem.claims import LedgerClaims

log = structlog.get_logger(__name__)

STORED_AGAIN_AFTER_S = (0.2, 1.0, 5.0, 10.0)
"""Wall seconds between attempts at storing a token while the database is away, as when it is started anew."""


def check_keys(keys: Sequence[SecretStr]) -> MultiFernet:
    """What seals and opens with these keys; ValueError with a sentence, and no key in it, where they cannot."""
    if not keys:
        raise ValueError("no key for vendor secrets: set HEATSTEER_SECRET_KEYS to one made by `heatsteer new-key`")
    try:
        return MultiFernet([Fernet(key.get_secret_value()) for key in keys])
    except ValueError:
        raise ValueError("HEATSTEER_SECRET_KEYS holds no valid key: make one with `heatsteer new-key`") from None


class Vault(LedgerClaims):
    """`domain.oem.spending.SharedAccounts` on PostgreSQL.

    `keys`: Fernet keys, newest first, so that keys can be rotated.
    """

    def __init__(self, engine: AsyncEngine, keys: Sequence[SecretStr], locks: AsyncEngine | None = None) -> None:
        """`locks` has a pool of its own: who holds a lock needs further connections from `engine`.

        Nor is it that of write locks: who waits here may hold one, and those who wait could use up the pool.
        """
        super().__init__(engine)
        self._locks = locks or engine
        self._fernet = check_keys(keys)
        self._engine = engine
        self._renewing: dict[str, AsyncConnection] = {}
        """By account: the connection that holds its lock here, on which its new token is stored at once."""

    async def add_account(
        self, account: AccountCredentials, at: datetime | None = None, token: StoredToken | None = None
    ) -> None:
        """Store or replace an account's credentials, with its first token where a consent gave one already.

        A token stored before is dropped, an open ask for new credentials is closed. `at` is steered; wall time where
        not given.
        """
        row = {
            "account_id": account.account_id,
            "oem": account.oem,
            "api_url": account.api_url,
            "token_url": account.token_url,
            "client_id": account.client_id,
            "client_secret": self._fernet.encrypt(account.client_secret.get_secret_value().encode()),
            "token": self._sealed(token) if token is not None else None,
            "quotas": [quota.model_dump(mode="json") for quota in account.quotas],
            "observe_calls": account.observe_calls,
            "reads_accounts": account.reads_accounts,
            "disconnected_at": None,
        }
        moment = {} if at is None else {"connected_at": at}
        statement = insert(OemAccount).values(row | moment)
        async with self._engine.begin() as connection:
            await connection.execute(statement.on_conflict_do_update(index_elements=["account_id"], set_=row))
            asked = (AccountAsk.account_id == account.account_id, AccountAsk.solved_at.is_(None))
            await connection.execute(update(AccountAsk).where(*asked).values(solved_at=at or func.now()))

    async def credentials(self, account_id: str) -> AccountCredentials:
        """The account's credentials; `LookupError` where there are none."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(select(OemAccount).where(OemAccount.account_id == account_id))
            ).one_or_none()
        if row is None:
            raise LookupError(f"vendor account {account_id} is not known: `heatsteer accounts connect` adds one")
        if row.disconnected_at is not None:
            raise LookupError(f"vendor account {account_id} was disconnected: `heatsteer accounts connect` renews it")
        return AccountCredentials(
            account_id=row.account_id,
            oem=row.oem,
            api_url=row.api_url,
            token_url=row.token_url,
            client_id=row.client_id,
            client_secret=SecretStr(self._open(row.client_secret, account_id)),
            quotas=tuple(Quota.model_validate(quota) for quota in row.quotas),
            observe_calls=row.observe_calls,
            reads_accounts=row.reads_accounts,
        )

    async def load(self, account_id: str) -> StoredToken | None:
        """The newest stored token."""
        async with self._engine.connect() as connection:
            sealed = await connection.scalar(select(OemAccount.token).where(OemAccount.account_id == account_id))
        if sealed is None:
            return None
        access, _, refresh = self._open(sealed, account_id).partition("\n")
        return StoredToken(access_token=SecretStr(access), refresh_token=SecretStr(refresh) if refresh else None)

    async def save(self, account_id: str, token: StoredToken) -> None:
        """Store a token, sealed: on the connection that is open already, and again where the database is away.

        Until it is stored, a single-use token that was renewed exists in this process only, and lost it costs a person
        a new consent.
        """
        statement = update(OemAccount).where(OemAccount.account_id == account_id).values(token=self._sealed(token))
        if (held := self._renewing.get(account_id)) is not None:
            try:
                await held.execute(statement)
                await held.commit()
            except (OSError, SQLAlchemyError) as error:
                log.warning("token not stored at once", account_id=account_id, reason=type(error).__name__)
            else:
                return
        for pause_s in (*STORED_AGAIN_AFTER_S, None):
            try:
                async with self._engine.begin() as connection:
                    await connection.execute(statement)
            except (OSError, SQLAlchemyError):
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
            else:
                return

    @asynccontextmanager
    async def renewing(self, account_id: str) -> AsyncIterator[None]:
        """One holder at a time, over all workers."""
        key = func.hashtextextended(f"token/{account_id}", 0)
        async with self._locks.connect() as connection:
            await connection.execute(select(func.pg_advisory_lock(key)))
            await connection.commit()
            self._renewing[account_id] = connection
            try:
                yield
            finally:
                del self._renewing[account_id]
                try:
                    await connection.rollback()
                    await connection.execute(select(func.pg_advisory_unlock(key)))
                    await connection.commit()
                except (OSError, SQLAlchemyError):
                    await connection.invalidate()  # whatever became of the session, its lock goes with it

    async def forget(self, account_id: str, at: datetime) -> None:
        """Destroy an account's secrets, and the account itself where no pump was ever reached through it."""
        gone = {"client_secret": self._fernet.encrypt(b""), "token": None, "disconnected_at": at}
        of_account = OemAccount.account_id == account_id
        async with self._engine.begin() as connection:
            asked = (AccountAsk.account_id == account_id, AccountAsk.solved_at.is_(None))
            await connection.execute(update(AccountAsk).where(*asked).values(solved_at=at))
            in_use = await connection.scalar(select(Pump.pump_id).where(Pump.account_id == account_id).limit(1))
            was_asked = await connection.scalar(
                select(AccountAsk.id).where(AccountAsk.account_id == account_id).limit(1)
            )
            statement = update(OemAccount).where(of_account).values(gone)
            await connection.execute(statement if in_use or was_asked else delete(OemAccount).where(of_account))

    async def reseal(self) -> int:
        """Seal every secret with the newest key, account by account; returns how many. Repeating it does no harm.

        Raises LookupError with a sentence at the first account whose secrets no given key opens; those before are done.
        """
        async with self._engine.connect() as connection:
            known = await connection.scalars(select(OemAccount.account_id).order_by(OemAccount.account_id))
            account_ids = known.all()
        for account_id in account_ids:
            async with self._engine.begin() as connection:
                # Locked, so that a token that a worker stores meanwhile is neither lost nor overwritten.
                query = select(OemAccount.client_secret, OemAccount.token).where(OemAccount.account_id == account_id)
                row = (await connection.execute(query.with_for_update())).one()
                sealed = {
                    "client_secret": self._rotated(row.client_secret, account_id),
                    "token": self._rotated(row.token, account_id) if row.token is not None else None,
                }
                await connection.execute(update(OemAccount).where(OemAccount.account_id == account_id).values(sealed))
        return len(account_ids)

    def _sealed(self, token: StoredToken) -> bytes:
        refresh = token.refresh_token.get_secret_value() if token.refresh_token else ""
        return self._fernet.encrypt(f"{token.access_token.get_secret_value()}\n{refresh}".encode())

    def _rotated(self, sealed: bytes, account_id: str) -> bytes:
        return self._fernet.encrypt(self._open(sealed, account_id).encode())

    def _open(self, sealed: bytes, account_id: str) -> str:
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise LookupError(
                f"the secrets of vendor account {account_id} cannot be read with this key: "
                "give the key they were stored with in HEATSTEER_SECRET_KEYS"
            ) from None


_IN_SHADOW = exists().where(
    OrderRow.lifted_at.is_(None),
    OrderRow.body["kind"].astext == OrderKind.SHADOW.value,
    OrderRow.body["scope"].astext == func.concat("pump:", Pump.pump_id),
)
_PLANNED = (Pump.retired_at.is_(None), ~_IN_SHADOW)
"""What another system moves while we observe takes no part in a plan, nor of its area's power."""


class LedgerPumps:
    """`domain.ports.PumpDirectory` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def enrol(self, profile: PumpProfile, at: datetime) -> bool:
        """Add a pump; False where it is there already (it is left as it was)."""
        enrolment = profile.enrolment
        row = {
            "pump_id": enrolment.pump_id,
            "oem": enrolment.oem,
            "account_id": enrolment.account_id,
            "profile": profile.model_dump(mode="json"),
            "enrolled_at": at,
        }
        async with self._engine.begin() as connection:
            statement = insert(Pump).values(row).on_conflict_do_nothing().returning(Pump.pump_id)
            return (await connection.execute(statement)).scalar_one_or_none() is not None

    async def profile(self, pump_id: str) -> PumpProfile:
        """One pump; `LookupError` where it is not enrolled."""
        async with self._engine.connect() as connection:
            found = await connection.scalar(select(Pump.profile).where(Pump.pump_id == pump_id))
        if found is None:
            raise LookupError(f"pump {pump_id} is not enrolled")
        return PumpProfile.model_validate(found)

    async def set_panels(self, pump_ids: Sequence[str], panels: Panels | None) -> None:
        """Write down the solar panels of a home in the profiles of these pumps of it."""
        async with self._engine.begin() as connection:
            of_home = select(Pump.pump_id, Pump.profile).where(Pump.pump_id.in_(pump_ids)).with_for_update()
            for row in (await connection.execute(of_home)).all():
                profile = PumpProfile.model_validate(row.profile)
                enrolment = profile.enrolment.model_copy(update={"panels": panels})
                document = profile.model_copy(update={"enrolment": enrolment}).model_dump(mode="json")
                await connection.execute(update(Pump).where(Pump.pump_id == row.pump_id).values(profile=document))

    async def active(self) -> Sequence[PumpProfile]:
        """Every pump that is steered, ordered by id."""
        async with self._engine.connect() as connection:
            rows = await connection.scalars(
                select(Pump.profile).where(Pump.retired_at.is_(None)).order_by(Pump.pump_id)
            )
            return [PumpProfile.model_validate(row) for row in rows]

    async def profiles(self, pump_ids: Sequence[str]) -> Sequence[PumpProfile]:
        """Those of these pumps that are steered, ordered by id."""
        query = select(Pump.profile).where(Pump.retired_at.is_(None), Pump.pump_id.in_(pump_ids))
        async with self._engine.connect() as connection:
            rows = await connection.scalars(query.order_by(Pump.pump_id))
            return [PumpProfile.model_validate(row) for row in rows]

    async def enrolments(self, price_area: str) -> Sequence[Enrolment]:
        """Every pump of a price area that is to be planned for, as it was enrolled, ordered by id."""
        enrolment = Pump.profile["enrolment"]
        query = select(enrolment).where(*_PLANNED, enrolment["price_area"].astext == price_area)
        async with self._engine.connect() as connection:
            rows = (await connection.scalars(query.order_by(Pump.pump_id))).all()
        # Off the loop: of a hundred thousand homes this takes seconds, and heartbeats must go on.
        return await asyncio.to_thread(lambda: [Enrolment.model_validate(row) for row in rows])

    async def price_areas(self) -> Sequence[EnrolledArea]:
        """The price areas that have pumps to be planned for, ordered by name."""
        enrolment = Pump.profile["enrolment"]
        names = [enrolment[name].astext.label(name) for name in ("price_area", "weather_cell", "oem")]
        query = select(*names, func.count().label("pumps")).where(*_PLANNED).group_by(*names)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [
            EnrolledArea(
                price_area=price_area,
                weather_cells=tuple(sorted({row.weather_cell for row in rows if row.price_area == price_area})),
                oems=tuple(sorted({row.oem for row in rows if row.price_area == price_area})),
                pumps=sum(row.pumps for row in rows if row.price_area == price_area),
            )
            for price_area in sorted({row.price_area for row in rows})
        ]

    async def mark_retired(self, pump_id: str, at: datetime) -> None:
        """The pump is steered no more; the first time counts."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(Pump).where(Pump.pump_id == pump_id, Pump.retired_at.is_(None)).values(retired_at=at)
            )
