"""Enrols a whole sheet: it is checked before anything is changed, and each unit is asked whether it can be steered.

Protects: a sheet with a fault, or one that a vendor's grant cannot carry, changes nothing; a unit that cannot be
steered is refused with the reason; enrolling again goes on where it was.
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import UseCaseError
from application.fan_out import Progress, no_progress
from application.fleet.lever_trial import TrialFailed, try_lever
from application.fleet.sheet import Check, Fault, Row, Sheet
from application.fleet.starting import start_pump
from application.scopes import scope_of
from domain.homes.enrolment import Enrolment, PumpProfile
from domain.modes import Circuit
from domain.oem.carrying import pumps_with_room
from domain.oem.errors import AuthExpired, NotExecutable, OemError, Offline, RateLimited, Rejected
from domain.oem.ports import OemAdapter
from domain.oem.quota import QuotaScope, in_force
from domain.oem.readings import Condition
from domain.steering.orders import Order, OrderKind
from ledger.queries.accounts import AccountRecord
from workflows.contracts import Patience

AT_A_TIME = 8
TRIALS_AT_A_TIME = 64
"""They mostly wait for units to show what was written."""
TRIES = 4
LONGEST_WAIT = timedelta(minutes=10)
"""Steered; a grant that opens later is not waited for: enrolling again goes on."""
NO_GO = {
    Condition.EXTERNAL: "another controller moves its heat (its own price function, or a contact): switch that off",
    Condition.REMOTE_DISABLED: "it may be read and not written: allow remote control at the unit",
    Condition.OFF: "its heating is switched off at the unit",
    Condition.INSTALLER: "somebody works on it: enrol it when they have gone",
    Condition.UPDATING: "its firmware is being changed: enrol it afterwards",
}


@dataclass(frozen=True)
class Refusal:
    """A unit that cannot be enrolled, and why."""

    line: int
    pump: str
    reason: str


@dataclass(frozen=True)
class BulkResult:
    """What became of a sheet, or would."""

    enrolled: Sequence[str]
    """New pumps; with a dry run those that would be."""
    already: Sequence[str]
    """Steered before, and left as they were."""
    refusals: Sequence[Refusal]
    faults: Sequence[Fault]
    """Rows that were passed over."""
    dry_run: bool


Adapters = Callable[[str], OemAdapter]
"""The adapter of a vendor."""


@dataclass(frozen=True)
class Request:
    """How a sheet is to be enrolled."""

    dry_run: bool = False
    skip_faulty: bool = False
    """Enrol the good rows of a sheet that has bad ones."""
    shadow: bool = False
    """Observe only: another system steers until each pump is cut over."""
    trial: bool = False
    """Move each new unit's lever, see it obey and give it back before it is enrolled."""


async def checks_of(access: Access, check: Check) -> Check:
    """`check`, and what the ledger knows of accounts and pumps."""
    accounts = {one.account_id: one for one in await access.ledger.accounts.all()}
    pumps = {row["pump_id"]: row for row in await access.ledger.reports.pumps()}
    units = {oem: await access.ledger.accounts.units(oem) for oem in {one.oem for one in accounts.values()}}

    def checked(e: Enrolment) -> dict[str, str]:
        problems = dict(check(e))
        account = accounts.get(e.account_id)
        if account is None or account.disconnected_at is not None:
            problems["account_id"] = f"{e.account_id} is not connected: `heatsteer accounts connect` first"
        elif account.oem != e.oem:
            problems["oem"] = f"account {e.account_id} is one of {account.oem}, not of {e.oem}"
        _, other = units.get(e.oem, {}).get(e.vendor_ref, ("", e.pump_id))
        if other != e.pump_id:
            problems["vendor_ref"] = f"this unit is enrolled as {other}: take the row out"
        row = pumps.get(e.pump_id)
        if row is not None and row["profile"]["enrolment"]["vendor_ref"] != e.vendor_ref:
            problems["pump_id"] = f"{e.pump_id} is another unit already: give this one an id of its own"
        elif row is not None and row["retired_at"]:
            problems["pump_id"] = f"{e.pump_id} was retired: give it a new id to steer it again"
        return problems

    return checked


async def enrol_sheet(
    access: Access,
    sheet: Sheet,
    adapters: Adapters,
    patience: Patience,
    by: Actor,
    request: Request,
    on_progress: Progress = no_progress,
) -> BulkResult:
    """Enrol a sheet that was read with `checks_of`; with faults that are not to be skipped nothing is changed."""
    faults = [*sheet.faults, *await _beyond_grants(access, sheet.rows)]
    if faults and not request.skip_faulty:
        return BulkResult((), (), (), faults, request.dry_run)
    faulty = {fault.line for fault in faults}
    rows = [row for row in sheet.rows if row.line not in faulty]
    if request.dry_run:
        return await _enrol(access, rows, faults, adapters, patience, by, request, on_progress)
    detail = {"rows": len(rows), "faults": len(faults), "shadow": request.shadow, "trial": request.trial}
    return await audited(
        access,
        "enrol",
        "sheet",
        by,
        detail,
        lambda: _enrol(access, rows, faults, adapters, patience, by, request, on_progress),
    )


async def _beyond_grants(access: Access, rows: Sequence[Row]) -> list[Fault]:
    """A fault for every new row that its account's grant cannot carry, in the order of the sheet."""
    known = {profile.enrolment.pump_id for profile in await access.ledger.pumps.active()}
    accounts = {one.account_id: one for one in await access.ledger.accounts.all()}
    taken = {one.account_id: one.pumps for one in accounts.values()}
    faults = []
    for row in rows:
        account = accounts[row.enrolment.account_id]
        if row.enrolment.pump_id in known:
            continue
        kin = [one for one in accounts.values() if (one.oem, one.client_id) == (account.oem, account.client_id)]
        room, scope = _room(account, taken[account.account_id], sum(taken[one.account_id] for one in kin))
        if room is not None and room <= 0:
            whose = f"all accounts of {account.oem}" if scope is QuotaScope.CLIENT else f"account {account.account_id}"
            carried = (
                sum(taken[one.account_id] for one in kin) if scope is QuotaScope.CLIENT else taken[account.account_id]
            )
            problem = f"the vendor's grant carries {carried} pumps for {whose}: leave this row out, or get more calls"
            faults.append(Fault(row.line, "account_id", problem))
        else:
            taken[account.account_id] += 1
    return faults


def _room(account: AccountRecord, of_account: int, of_client: int) -> tuple[int | None, QuotaScope]:
    quotas = in_force(account.declared, account.named)
    return pumps_with_room(quotas, account.observe_calls, of_account, of_client, reads_accounts=account.reads_accounts)


async def _enrol(
    access: Access,
    rows: Sequence[Row],
    faults: Sequence[Fault],
    adapters: Adapters,
    patience: Patience,
    by: Actor,
    request: Request,
    on_progress: Progress,
) -> BulkResult:
    known = {row["pump_id"]: row for row in await access.ledger.reports.pumps()}
    standing = await access.ledger.orders.standing(access.now())
    gate, trials, done, refusals = asyncio.Semaphore(AT_A_TIME), asyncio.Semaphore(TRIALS_AT_A_TIME), [], []

    async def one(row: Row) -> None:
        e = row.enrolment
        before = known.get(e.pump_id)
        try:
            async with gate:
                if before is not None:
                    profile = PumpProfile.model_validate(before["profile"])
                else:
                    profile = await _surveyed(access, row, adapters(e.oem))
            if request.trial and before is None:
                async with trials:
                    await try_lever(access, adapters(e.oem), e.address, profile.heating)
            async with gate:
                if not request.dry_run:
                    shadow = _shadow(access, e.pump_id, by) if request.shadow and before is None else None
                    if shadow is not None:
                        await access.ledger.orders.give(shadow, access.now())
                    if before is None:
                        await access.ledger.pumps.enrol(profile, access.now())
                    orders = [*standing, shadow] if shadow is not None else standing
                    await start_pump(access, profile, patience, standing=orders)
            done.append(e.pump_id)
        except (_NoGo, TrialFailed) as error:
            refusals.append(Refusal(row.line, e.pump_id, str(error)))
        except UseCaseError as error:
            refusals.append(Refusal(row.line, e.pump_id, str(error)))
        on_progress(len(done) + len(refusals), len(rows))

    await asyncio.gather(*(one(row) for row in rows))
    ok = set(done)
    in_order = [row.enrolment.pump_id for row in rows if row.enrolment.pump_id in ok]
    return BulkResult(
        enrolled=[pump for pump in in_order if pump not in known],
        already=[pump for pump in in_order if pump in known],
        refusals=sorted(refusals, key=lambda refusal: refusal.line),
        faults=faults,
        dry_run=request.dry_run,
    )


def _shadow(access: Access, pump_id: str, by: Actor) -> Order:
    return Order(
        order_id=f"shadow-{uuid.uuid4().hex[:10]}",
        kind=OrderKind.SHADOW,
        scope=scope_of(pump=pump_id),
        since=access.now(),
        who=by.who,
        why=by.why,
    )


class _NoGo(Exception):
    """A unit that cannot be steered; the message says why."""


async def _surveyed(access: Access, row: Row, adapter: OemAdapter) -> PumpProfile:
    """The profile of a unit that can be steered; raises _NoGo with the reason."""
    address = row.enrolment.address
    problem = "the vendor did not answer"
    for attempt in range(TRIES):
        try:
            capability = await adapter.capability(address, access.now())
            reading = await adapter.read(address, capability.heating.name, access.now())
            break
        except RateLimited as error:
            wait = error.retry_at - access.now()
            if wait > LONGEST_WAIT:
                moment = f"{error.retry_at:%d %b %H:%M} UTC"
                raise _NoGo(f"the vendor's call budget is used up until {moment}: enrol again then") from error
            problem = "the vendor's call budget is used up: enrol again later"
            await asyncio.sleep(max(0.1, access.clock.wall_duration(wait).total_seconds()))
        except (AuthExpired, NotExecutable, Offline) as error:
            raise _NoGo(str(error)) from error
        except Rejected as error:
            right = "; the account needs the right to steer, not only to look" if error.is_read_only else ""
            raise _NoGo(f"{str(error).removesuffix('.')}{right}") from error
        except OemError as error:
            problem = str(error)
            await asyncio.sleep(0.2 * 2**attempt)
    else:
        raise _NoGo(problem)
    if reading.condition in NO_GO:
        raise _NoGo(NO_GO[reading.condition])
    profile = PumpProfile.of(row.enrolment, capability)
    if row.own_setting is None:
        return profile
    if wrong := profile.heating.why_not_allowed(row.own_setting):
        raise _NoGo(f"own_setting {row.own_setting:g}: {wrong}")
    return profile.rebased(Circuit.HEATING, row.own_setting)
