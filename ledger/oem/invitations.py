"""Invitations to households: each lets one account be connected, once.

Protects: a link cannot be made from what is stored, for only a digest of it is kept; it is used at most once.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.base import Instant, Value
from ledger.models import InvitationRow


class Invitation(Value):
    """One invitation; who was invited is known to whoever mailed it, never here."""

    digest: str
    oem: str
    account_id: str
    expires_at: Instant
    used_at: Instant | None = None
    units: tuple[str, ...] = ()
    """What the account reached when it was connected, by `vendor_ref`."""


class LedgerInvitations:
    """Invitations on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, invitations: Sequence[Invitation]) -> None:
        """Keep new ones."""
        async with self._engine.begin() as connection:
            await connection.execute(insert(InvitationRow), [one.model_dump() for one in invitations])

    async def of(self, oem: str) -> Sequence[Invitation]:
        """All invitations of a vendor, by account."""
        query = select(InvitationRow).where(InvitationRow.oem == oem).order_by(InvitationRow.account_id)
        async with self._engine.connect() as connection:
            return [_invitation(row) for row in await connection.execute(query)]

    async def with_digest(self, digest: str) -> Invitation | None:
        """The invitation of a link."""
        query = select(InvitationRow).where(InvitationRow.digest == digest)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _invitation(row)

    async def use(self, digest: str, units: Sequence[str], at: datetime) -> bool:
        """Mark an invitation used; False where it was already."""
        unused = (InvitationRow.digest == digest, InvitationRow.used_at.is_(None))
        statement = update(InvitationRow).where(*unused).values(used_at=at, units=list(units))
        async with self._engine.begin() as connection:
            return await connection.scalar(statement.returning(InvitationRow.digest)) is not None


def _invitation(row: object) -> Invitation:
    return Invitation.model_validate({name: getattr(row, name) for name in Invitation.model_fields})
