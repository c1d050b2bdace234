"""Calls of the workflows behind the use cases, and what a call that fails means.

Protects: an answer that did not come is told apart from a refusal, since what was asked for may still be done.
"""

import uuid
from datetime import timedelta
from typing import Any

from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Failed, Refused, Unanswered
from domain.homes.enrolment import PumpProfile
from workflows.contracts import Act, PumpStatus, pump_workflow_id
from workflows.heat_pump import HeatPumpWorkflow

ANSWER_WITHIN = timedelta(seconds=15)
"""Wall time. An update waits for a worker; a person does not wait for ever."""


def handle_of(access: Access, pump_id: str) -> WorkflowHandle[Any, Any]:
    """The pump's workflow."""
    return access.client.get_workflow_handle(pump_workflow_id(pump_id))


async def is_running(access: Access, pump_id: str) -> bool:
    """Whether the pump's workflow runs."""
    try:
        found = await handle_of(access, pump_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise unreachable(pump_id, error) from error
    return found.status is WorkflowExecutionStatus.RUNNING


async def known(access: Access, pump_id: str) -> PumpProfile:
    """The pump's profile; raises Refused where it is not enrolled."""
    try:
        return await access.ledger.pumps.profile(pump_id)
    except LookupError as error:
        raise Refused(ErrorCode.UNKNOWN_PUMP, f"{pump_id} is not enrolled", pump=pump_id) from error


async def status(access: Access, pump_id: str) -> PumpStatus:
    """The pump's state, asked of its workflow."""
    await known(access, pump_id)
    try:
        return await handle_of(access, pump_id).query(HeatPumpWorkflow.status)
    except RPCError as error:
        raise _of_pump(pump_id, error) from error


async def act(
    access: Access, pump_id: str, name: str, by: Actor, event: Any, detail: dict[str, Any], update_id: str | None = None
) -> PumpStatus:
    """Any act on a pump but an override, recorded as `name` in the audit log."""
    given = Act(event=event, who=by.who, why=by.why)

    async def do() -> PumpStatus:
        chosen = update_id or f"{name}-{uuid.uuid4().hex[:12]}"
        return PumpStatus.model_validate(await update(access, pump_id, HeatPumpWorkflow.act, given, chosen))

    return await audited(access, name, pump_id, by, detail, do)


async def update(access: Access, pump_id: str, which: Any, given: Any, update_id: str) -> Any:
    """Send an update to a pump's workflow; raises Refused where it declines, Unanswered where nobody answers."""
    try:
        return await answer_to(handle_of(access, pump_id), which, given, update_id, pump_id)
    except RPCError as error:
        raise _of_pump(pump_id, error) from error


async def answer_to(handle: WorkflowHandle[Any, Any], which: Any, given: Any, update_id: str, subject: str) -> Any:
    """The answer to an update; raises Refused where the workflow declines, Unanswered, or RPCError."""
    try:
        return await handle.execute_update(which, given, id=update_id, rpc_timeout=ANSWER_WITHIN)
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        problem = cause.message if isinstance(cause, ApplicationError) else str(cause)
        raise Refused(ErrorCode.DECLINED, f"{subject}: {problem}", subject=subject, problem=problem) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        within_s = ANSWER_WITHIN.total_seconds()
        raise Unanswered(
            ErrorCode.UNANSWERED,
            f"{subject} did not answer within {within_s:.0f} s; the request is waiting for a worker",
            subject=subject,
            within_s=within_s,
        ) from error


def unreachable(subject: str, error: RPCError) -> Failed:
    """Temporal could not pass a call on."""
    status = error.status.name.lower()
    return Failed(
        ErrorCode.UNREACHABLE, f"the workflow of {subject} does not answer ({status})", subject=subject, status=status
    )


def _of_pump(pump_id: str, error: RPCError) -> Failed:
    if error.status is not RPCStatusCode.NOT_FOUND:
        return unreachable(pump_id, error)
    return Failed(
        ErrorCode.NOT_STEERED, f"{pump_id} is not steered (retired, or its workflow was never started)", pump=pump_id
    )
