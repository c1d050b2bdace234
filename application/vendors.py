"""Use cases on vendors: how their clouds stand, and stopping everything for one of them.

Protects: a person's hold ends by a person only, and is in the audit trail like every other act.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from application.errors import Failed, WrongInput
from application.overrides import ANSWER_WITHIN, Actor, Unanswered, audited
from console.access import Access
from ledger.vendors import VendorSummary
from workflows.contracts import GuardStatus, Hold, first_problem, guard_workflow_id
from workflows.oem_guard import OemGuard


@dataclass(frozen=True)
class VendorView:
    """A vendor as the ledger has it, and what follows from its accounts' grants."""

    status: VendorSummary
    drift_found_within: timedelta | None
    """How soon at the latest a drifted pump is looked at; None without pumps."""


async def vendors(access: Access, oem: str | None) -> list[VendorView]:
    """Every vendor with an account, or one; WrongInput where there is none of that name."""
    found: Sequence[VendorSummary] = await access.ledger.vendors.status(access.now())
    if oem is not None and oem not in {one.oem for one in found}:
        raise WrongInput(f"no account of {oem} is known: there are {', '.join(one.oem for one in found) or 'none'}")
    return [VendorView(one, one.drift_found_within) for one in found if oem is None or one.oem == oem]


async def hold(access: Access, oem: str, by: Actor) -> GuardStatus:
    """Stop everything on the vendor's queue; answered once it is stopped."""
    return await _tell(access, oem, "hold", by)


async def release(access: Access, oem: str, by: Actor) -> GuardStatus:
    """End a person's hold; the vendor is tried slowly first."""
    return await _tell(access, oem, "release", by)


async def _tell(access: Access, oem: str, what: str, by: Actor) -> GuardStatus:
    await vendors(access, oem)
    try:
        given = Hold(who=by.who, why=by.why)
    except ValidationError as error:
        raise WrongInput(first_problem(error)) from error

    async def do() -> GuardStatus:
        handle = access.client.get_workflow_handle(guard_workflow_id(oem))
        update = OemGuard.hold if what == "hold" else OemGuard.release
        told = f"{what}-{uuid.uuid4().hex[:12]}"
        try:
            return await handle.execute_update(update, given, id=told, rpc_timeout=ANSWER_WITHIN)
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            raise WrongInput(f"{oem}: {cause.message if isinstance(cause, ApplicationError) else cause}") from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise Unanswered(
                f"the guard of {oem} did not answer within {ANSWER_WITHIN.total_seconds():.0f} s; "
                "the wish is waiting for a worker: start one, or look with `heatsteer oem status`"
            ) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise Failed(f"{oem} has no guard: is a stack running that was set up for it?") from error
            raise Failed(f"the guard of {oem} does not answer ({error.status.name.lower()})") from error

    return await audited(access, f"oem-{what}", oem, by, {}, do)
