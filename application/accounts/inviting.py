"""Invites households to connect their own accounts, and takes their consents.

Protects: a link is good for one account, once, until it expires; no vendor account is connected twice; an invitation
that failed stays good, so that a household may try again.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from application.access import Access
from application.accounts.connecting import Connected, connect, disconnect
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Refused, invalid
from domain.oem.credentials import AccountCredentials, StoredToken
from domain.oem.ports import FleetReader
from ledger.oem.invitations import Invitation

MOST_AT_ONCE = 10_000
BY = Actor("household", "consented by invitation")


@dataclass(frozen=True)
class Invited:
    """A new invitation. Its secret is shown once and kept nowhere."""

    account_id: str
    expires_at: str
    secret: str = field(repr=False)


async def invite(access: Access, oem: str, number: int, lasts: timedelta, by: Actor) -> Sequence[Invited]:
    """Make so many invitations for accounts of a vendor; raises Refused for a number that is none."""
    if not 1 <= number <= MOST_AT_ONCE:
        raise invalid("count", f"give 1 to {MOST_AT_ONCE}", str(number))

    async def do() -> Sequence[Invited]:
        expires_at = access.now() + lasts
        made = [
            Invited(f"{oem}-home-{secrets.token_hex(6)}", expires_at.isoformat(), secrets.token_urlsafe(24))
            for _ in range(number)
        ]
        await access.ledger.invitations.add(
            [
                Invitation(digest=digest_of(one.secret), oem=oem, account_id=one.account_id, expires_at=expires_at)
                for one in made
            ]
        )
        return made

    return await audited(access, "accounts-invite", oem, by, {"number": number}, do)


async def invitation_of(access: Access, oem: str, secret: str) -> Invitation:
    """The invitation of a link that may be used now; raises Refused with a sentence for the household."""
    found = await access.ledger.invitations.with_digest(digest_of(secret))
    if found is None or found.oem != oem:
        raise invalid("invitation", "this link is not one of ours: ask for a new one")
    if found.used_at is not None:
        raise invalid("invitation", "this link was used already: nothing more is to be done")
    if access.now() >= found.expires_at:
        raise invalid("invitation", "this link has expired: ask for a new one")
    return found


async def accept(
    access: Access, invitation: Invitation, account: AccountCredentials, token: StoredToken, cloud: FleetReader
) -> Connected:
    """Connect the account that a household consented to; raises Refused or Failed, and keeps nothing of it then."""
    connected = await connect(access, account, token, cloud, BY, renew=False)
    others = [one for one in await access.ledger.invitations.of(invitation.oem) if one.used_at is not None]
    twice = next((one for one in others if set(one.units) & connected.units.keys()), None)
    if twice is None and await access.ledger.invitations.use(invitation.digest, sorted(connected.units), access.now()):
        return connected
    await disconnect(access, account.account_id, BY)
    sentence = "these heat pumps are connected already: nothing more is to be done"
    through = twice.account_id if twice is not None else account.account_id
    raise Refused(ErrorCode.ACCOUNT_EXISTS, sentence, account=through)


def digest_of(secret: str) -> str:
    """What is kept of a link."""
    return hashlib.sha256(secret.encode()).hexdigest()
