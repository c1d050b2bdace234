"""Use cases on vendors: how their clouds stand, and stopping everything for one of them.

Protects: a person's hold ends by a person only, and is in the audit log like every other act.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.service import RPCError, RPCStatusCode

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Failed, Refused
from application.pump_workflows import answer_to, unreachable
from ledger.oem.vendors import VendorSummary
from workflows.contracts import GuardStatus, Hold, guard_workflow_id
from workflows.oem_guard import OemGuard


@dataclass(frozen=True)
class VendorView:
    """A vendor as the ledger has it, and what follows from its accounts' grants."""

    status: VendorSummary
    drift_found_within: timedelta | None
    """How soon at the latest a drifted pump is read; None without pumps."""


async def vendors(access: Access, oem: str | None = None) -> list[VendorView]:
    """Every vendor with an account, or one; raises Refused where there is none of that name."""
    found: Sequence[VendorSummary] = await access.ledger.vendors.status(access.now())
    known = [one.oem for one in found]
    if oem is not None and oem not in known:
        sentence = f"no account of {oem} is known: there are {', '.join(known) or 'none'}"
        raise Refused(ErrorCode.UNKNOWN_VENDOR, sentence, oem=oem, known=known)
    return [VendorView(one, one.drift_found_within) for one in found if oem is None or one.oem == oem]


async def hold(access: Access, oem: str, by: Actor) -> GuardStatus:
    """Stop everything on the vendor's queue; answered once it is stopped."""
    return await _ask_guard(access, oem, "hold", by)


async def release(access: Access, oem: str, by: Actor) -> GuardStatus:
    """End a person's hold; the vendor is tried slowly first."""
    return await _ask_guard(access, oem, "release", by)


async def _ask_guard(access: Access, oem: str, what: str, by: Actor) -> GuardStatus:
    await vendors(access, oem)

    async def do() -> GuardStatus:
        handle = access.client.get_workflow_handle(guard_workflow_id(oem))
        update = OemGuard.hold if what == "hold" else OemGuard.release
        given, update_id = Hold(who=by.who, why=by.why), f"{what}-{uuid.uuid4().hex[:12]}"
        try:
            return GuardStatus.model_validate(await answer_to(handle, update, given, update_id, oem))
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise Failed(ErrorCode.NO_GUARD, f"{oem} has no guard", oem=oem) from error
            raise unreachable(oem, error) from error

    return await audited(access, f"oem-{what}", oem, by, {}, do)
