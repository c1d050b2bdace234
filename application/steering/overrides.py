"""Use cases on one pump's overrides: asking for one, ending it, and what stands in its way.

Protects: every override is checked here before it is sent, and is recorded with who and why before it is tried.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Refused
from application.pump_workflows import act, known, status, update
from domain.homes.enrolment import PumpProfile
from domain.modes import HotWaterMode, Mode
from domain.oem.breaker import BreakerState
from domain.oem.readings import Condition
from domain.steering.overrides import Override, OverrideKind, OverrideSource, asked_of, problem_with
from domain.steering.pump_state import OverrideEnded
from workflows.contracts import OverrideAnswer, PumpStatus, first_problem
from workflows.heat_pump import HeatPumpWorkflow


@dataclass(frozen=True)
class OverrideRequest:
    """What a person asks of one pump."""

    source: OverrideSource
    kind: OverrideKind
    mode: Mode | None = None
    """Only for, and needed for, `OverrideKind.MODE`."""
    hot_water: HotWaterMode | None = None
    """None leaves it to what the kind implies."""


async def override(
    access: Access, pump_id: str, by: Actor, request: OverrideRequest, end: Callable[[datetime], datetime]
) -> OverrideAnswer:
    """Ask for an override; answered at acceptance. Raises Refused where it cannot be taken.

    `end` gives the end from the steered time at which the request is made.
    """
    await known(access, pump_id)
    now = access.now()
    mode, hot_water = asked_of(request.kind, request.mode)
    try:
        asked = Override(
            override_id=f"o-{uuid.uuid4().hex[:12]}",
            source=request.source,
            kind=request.kind,
            mode=mode,
            hot_water=request.hot_water or hot_water,
            requested_at=now,
            until=end(now),
            who=by.who,
            why=by.why,
        )
    except ValidationError as error:
        raise Refused(ErrorCode.INVALID_REQUEST, first_problem(error)) from error
    if problem := problem_with(asked, now):
        raise Refused(ErrorCode.INVALID_REQUEST, problem)

    async def ask() -> OverrideAnswer:
        answer = await update(access, pump_id, HeatPumpWorkflow.request_override, asked, asked.override_id)
        return OverrideAnswer.model_validate(answer)

    return await audited(access, "override", pump_id, by, asked.model_dump(mode="json"), ask)


async def end_override(access: Access, pump_id: str, override_id: str | None, by: Actor) -> PumpStatus:
    """End one override, or all of a pump."""
    await known(access, pump_id)
    event = OverrideEnded(override_id=override_id)
    return await act(access, pump_id, "end-override", by, event, {"override_id": override_id})


async def resume(access: Access, pump_id: str, by: Actor) -> PumpStatus:
    """End a pump's pauses and what people set at its thermostat; raises Refused where there is neither."""
    was = await status(access, pump_id)
    ending = (OverrideKind.PAUSE, OverrideKind.THERMOSTAT)
    held = [o for o in was.state.overrides if o.kind in ending and o.until > was.now]
    if not held:
        raise Refused(ErrorCode.NOT_PAUSED, f"{pump_id} is not paused", pump=pump_id)
    for one in held:
        was = await end_override(access, pump_id, one.override_id, by)
    return was


async def hindrance(access: Access, profile: PumpProfile, answer: OverrideAnswer) -> str | None:
    """Why a pump cannot do now what an override asks of it; None where it can."""
    now = await status(access, profile.enrolment.pump_id)
    breaker = await access.ledger.vendors.newest_breaker(profile.enrolment.oem, access.now())
    if breaker is not None and breaker.state is BreakerState.HELD:
        return f"everything to {profile.enrolment.oem} is {breaker.reason}"
    watch = now.state.watch
    if watch.silent_since is not None:
        return f"it has not reported since {watch.silent_since:%d %b %H:%M} UTC"
    if answer.bounded_by:
        return answer.bounded_by
    if watch.condition is not Condition.NORMAL:
        return f"the unit says: {watch.condition.value}"
    if now.state.opted_out:
        return "its household opted out"
    return None if answer.in_force else "something stronger is in force"
