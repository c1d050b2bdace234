"""Settlement by hand: the same workflow as every day's, for a day that a person names.

Protects: settling again is harmless; whoever asks learns what changed.
"""

import asyncio
import uuid
from datetime import date

from temporalio.client import WorkflowFailureError

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Failed, Unanswered
from workflows.contracts import PLANNER_QUEUE, SETTLEMENT_WORKFLOW_ID, SettlementInput, SettlementResult
from workflows.settlement import DailySettlement

RUN_PATIENCE_S = 900.0
"""Wall seconds a person waits; the run itself goes on."""


async def settle_by_hand(access: Access, day: date, again_days: int, by: Actor) -> SettlementResult:
    """Settle a market day and so many before it; Failed where the run did not end well."""
    given = SettlementInput(clock=access.clock, day=day, again_days=again_days)
    detail = {"day": str(day), "again_days": again_days}
    return await audited(access, "settle", "fleet", by, detail, lambda: _run(access, given))


async def _run(access: Access, given: SettlementInput) -> SettlementResult:
    workflow_id = f"{SETTLEMENT_WORKFLOW_ID}-by-hand-{uuid.uuid4().hex[:12]}"
    handle = await access.client.start_workflow(DailySettlement.run, given, id=workflow_id, task_queue=PLANNER_QUEUE)
    facts = {"day": given.day, "workflow_id": workflow_id}
    try:
        return await asyncio.wait_for(handle.result(), RUN_PATIENCE_S)
    except TimeoutError:
        sentence = f"settling {given.day} goes on, but did not end within {RUN_PATIENCE_S:.0f} s ({workflow_id})"
        raise Unanswered(ErrorCode.SETTLEMENT_FAILED, sentence, **facts) from None
    except WorkflowFailureError as error:
        sentence = f"settling {given.day} failed: {error.cause}; its history says why ({workflow_id})"
        raise Failed(ErrorCode.SETTLEMENT_FAILED, sentence, **facts) from error
