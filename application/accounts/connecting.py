"""Connects vendor accounts and lets go of them.

Protects: an account is kept only after its cloud answered with its secrets; a failed renewal leaves the old ones in
force; one unit is never reached through two accounts; an account that steered pumps need is not disconnected.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Failed, Refused, invalid
from domain.oem.credentials import AccountCredentials, StoredToken
from domain.oem.errors import OemError
from domain.oem.ports import FleetReader
from ledger.queries.accounts import AccountRecord

ACCOUNT_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


@dataclass(frozen=True)
class Connected:
    """An account that answers."""

    account_id: str
    oem: str
    units: Mapping[str, bool]
    """Whether each unit that it reaches is connected to its cloud, by `vendor_ref`."""
    renewed: bool
    """Whether it was connected before."""


async def account_named(access: Access, account_id: str) -> AccountRecord:
    """One account; raises Refused where there is none of that id."""
    known = await access.ledger.accounts.all()
    for record in known:
        if record.account_id == account_id:
            return record
    names = ", ".join(record.account_id for record in known) or "none"
    sentence = f"no account {account_id} is known: there are {names}"
    raise Refused(ErrorCode.UNKNOWN_ACCOUNT, sentence, account=account_id)


async def check_new(access: Access, account_id: str, oem: str, *, renew: bool) -> None:
    """Raise Refused where this account cannot be connected: asked before a person is bothered with a consent."""
    if not ACCOUNT_ID.fullmatch(account_id):
        raise invalid("account", "give 2 to 63 letters a-z, digits and dashes", account_id)
    record = next((one for one in await access.ledger.accounts.all() if one.account_id == account_id), None)
    if record is None:
        return
    if record.oem != oem:
        raise invalid("account", f"it is an account of {record.oem}; give another id", account_id)
    if record.disconnected_at is None and not renew:
        raise Refused(ErrorCode.ACCOUNT_EXISTS, f"account {account_id} is connected already", account=account_id)


async def connect(
    access: Access,
    account: AccountCredentials,
    token: StoredToken | None,
    cloud: FleetReader,
    by: Actor,
    *,
    renew: bool,
) -> Connected:
    """Store an account and have its cloud say what it reaches; `token` is the first one of a consent.

    Raises Refused or Failed, and leaves everything as it was then.
    """
    account_id, vault = account.account_id, access.ledger.vault
    await check_new(access, account_id, account.oem, renew=renew)

    async def do() -> Connected:
        before = await _kept(access, account_id)
        async with vault.renewing(account_id):  # a worker that renews the old token would store it over the new one
            await vault.add_account(account, access.now(), token)
        try:
            units = await cloud.connections(account_id, access.now())
            await _check_units(access, account, units)
        except OemError as error:
            await _take_back(access, account_id, before)
            sentence = f"{account.oem} did not accept account {account_id}: {error}"
            raise Failed(ErrorCode.NOT_CONNECTED, sentence, account=account_id) from error
        except BaseException:
            await _take_back(access, account_id, before)
            raise
        return Connected(account_id, account.oem, units, renewed=before is not None)

    detail = {"oem": account.oem, "api_url": account.api_url}
    return await audited(access, "account-connect", account_id, by, detail, do)


async def disconnect(access: Access, account_id: str, by: Actor) -> None:
    """Destroy an account's secrets; raises Refused while a steered pump is reached through it."""
    record = await account_named(access, account_id)

    async def do() -> None:
        if record.pumps:
            sentence = f"{record.pumps} steered pumps are reached through account {account_id}"
            raise Refused(ErrorCode.ACCOUNT_IN_USE, sentence, account=account_id, pumps=record.pumps)
        async with access.ledger.vault.renewing(account_id):
            await access.ledger.vault.forget(account_id, access.now())

    await audited(access, "account-disconnect", account_id, by, {"oem": record.oem}, do)


async def rotate_key(access: Access, by: Actor) -> int:
    """Seal the secrets of every account with the newest key; returns how many accounts."""

    async def do() -> int:
        try:
            return await access.ledger.vault.reseal()
        except LookupError as error:
            raise Failed(ErrorCode.NOT_CONNECTED, str(error)) from error

    return await audited(access, "accounts-rotate-key", "all", by, {}, do)


type _Before = tuple[AccountCredentials, StoredToken | None] | None


async def _kept(access: Access, account_id: str) -> _Before:
    """What is stored of an account; None where there is nothing that still opens."""
    try:
        return await access.ledger.vault.credentials(account_id), await access.ledger.vault.load(account_id)
    except LookupError:
        return None


async def _take_back(access: Access, account_id: str, before: _Before) -> None:
    async with access.ledger.vault.renewing(account_id):
        if before is None:
            await access.ledger.vault.forget(account_id, access.now())
        else:
            await access.ledger.vault.add_account(before[0], access.now(), before[1])


async def _check_units(access: Access, account: AccountCredentials, units: Mapping[str, bool]) -> None:
    enrolled = await access.ledger.accounts.units(account.oem)
    for ref in units:
        through, pump_id = enrolled.get(ref, (account.account_id, ""))
        if through != account.account_id:
            sentence = f"account {account.account_id} reaches a unit that is steered through {through} as {pump_id}"
            raise Refused(ErrorCode.ACCOUNT_EXISTS, sentence, account=through)
