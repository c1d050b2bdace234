"""Another optimiser's plan: judged by our rules, and given to pumps by the way that our own plans take.

Protects: nothing of it reaches a pump before all of it was judged, and then all of it or what its maker agreed to;
the same plan is submitted once, however often its file is.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Failed, Refused
from application.planning.plans import PlanView, order_of, run_to_the_end, view_of
from domain.planning.fleet_plan import Refusal
from domain.slots import bounds_of
from domain.submission import SubmittedPlan
from workflows.contracts import PlanningInput


@dataclass(frozen=True)
class Submitted:
    """What became of a submitted plan."""

    submission: str
    """Its key."""
    pumps: int
    """That it speaks of."""
    is_taken: bool
    """Whether pumps were given it."""
    is_repeated: bool
    """Whether that was so before it was submitted this time."""
    refused: Sequence[Refusal]
    reason: str
    """What else is missing, in a sentence; empty where nothing is."""
    plan: PlanView
    """With the certificate of what keeps the rules; a preview where nothing was taken."""


async def submit_plan(access: Access, plan: SubmittedPlan, tz: str, by: Actor, *, accept_valid: bool) -> Submitted:
    """Judge a plan and give it to its pumps; where some of it breaks a rule, nobody is given anything.

    With `accept_valid` the pumps whose schedules keep the rules are given theirs, and the others keep the plan they
    have. `tz` is that of the price area's market day. Raises Refused: for an area or a day that cannot be planned, and
    with PLAN_REFUSED, and what was judged, where nothing was taken. Raises Failed where judging did not end well.
    """
    given = await _order(access, plan, tz)
    detail = {"submission": plan.key, "day": str(plan.day), "pumps": len(plan.pumps), "accept_valid": accept_valid}

    async def submit() -> Submitted:
        before = await access.ledger.plan_queries.taken(plan.key)
        if before is not None and before["closed_at"] is not None:
            return await _submitted(access, plan, before["revision"], "", is_repeated=True)
        await access.ledger.plans.store_submission(plan, plan.planned_by or by.who, access.now())
        order = given.model_copy(update={"submission": plan.key, "despite_refusals": accept_valid})
        found = await _judged(access, plan, order, f"submission-{plan.key[:16]}")
        if not found.is_taken:
            sentence = f"nothing was taken: {_refused_of(found)}"
            raise Refused(ErrorCode.PLAN_REFUSED, sentence, submitted=found)
        return found

    return await audited(access, "plan-submit", plan.price_area, by, detail, submit)


async def try_submission(access: Access, plan: SubmittedPlan, tz: str, by: Actor) -> Submitted:
    """Judge a plan with what is known of the pumps, and give it to none of them."""
    given = await _order(access, plan, tz)
    await access.ledger.plans.store_submission(plan, plan.planned_by or by.who, access.now())
    order = given.model_copy(update={"submission": plan.key, "is_preview": True})
    return await _judged(access, plan, order, f"trial-{uuid.uuid4().hex[:12]}")


async def _order(access: Access, plan: SubmittedPlan, tz: str) -> PlanningInput:
    _, end = bounds_of(plan.day, tz)
    if end <= access.now():
        sentence = f"the plan is for {plan.day}, which is over: submit one for today or a day ahead"
        raise Refused(ErrorCode.INVALID_REQUEST, sentence)
    return await order_of(access, plan.price_area, plan.day)


async def _judged(access: Access, plan: SubmittedPlan, order: PlanningInput, name: str) -> Submitted:
    result = await run_to_the_end(access, order, name)
    # Another run of the same submission may have been the one that was taken.
    taken = None if order.is_preview else await access.ledger.plan_queries.taken(plan.key)
    revision = taken["revision"] if taken is not None else next(iter(result.revisions), None)
    if revision is None:
        sentence = f"the plan for {plan.price_area} on {plan.day} could not be judged: {result.reason}"
        raise Failed(ErrorCode.PLANNING_FAILED, sentence, day=plan.day, workflow_id=name)
    return await _submitted(access, plan, revision, result.reason, is_repeated=False)


async def _submitted(
    access: Access, plan: SubmittedPlan, revision: int, reason: str, *, is_repeated: bool
) -> Submitted:
    view = await view_of(access, revision)
    return Submitted(
        submission=plan.key,
        pumps=len(plan.pumps),
        is_taken=not view.is_preview,
        is_repeated=is_repeated,
        refused=await access.ledger.plan_queries.refusals(revision),
        reason=reason,
        plan=view,
    )


def _refused_of(found: Submitted) -> str:
    left = found.pumps - sum(part["pumps"] for part in found.plan.parts)
    return f"{left} of {found.pumps} pumps cannot be given what it asks of them"
