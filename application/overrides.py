"""Acts of people on one pump: wishes, their ends, leaving and coming back, retiring.

Protects: every changing act is checked here before it is sent, and is written down with who and why before it is tried;
one that was refused or not answered gets a second line that says so.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from application.audit_log import REFUSED, UNANSWERED
from application.errors import Complaint, Failed, WrongInput
from application.pumps import handle_of, is_running, known, start_pump, status, unreachable
from console.access import Access
from domain.homes.enrolment import PumpProfile
from domain.modes import HotWaterMode, Mode
from domain.oem.breaker import BreakerState
from domain.oem.cloud import Condition
from domain.steering.overrides import Override, OverrideKind, OverrideSource, problem_with, wish_of
from domain.steering.pump_state import OverrideEnded, RetireRequested, SteeringConsent
from workflows.contracts import Act, OverrideAnswer, PumpStatus, first_problem, patience_at
from workflows.heat_pump import HeatPumpWorkflow

ANSWER_WITHIN = timedelta(seconds=15)
"""Wall time. An update waits for a worker; a person does not wait for ever."""


class Unanswered(Failed):
    """Nobody answered in time; what was asked for may still be done."""


class Actor(NamedTuple):
    """Who acts, and why."""

    who: str
    why: str


@dataclass(frozen=True)
class Wished:
    """A wish of a person for one pump."""

    source: OverrideSource
    kind: OverrideKind
    mode: Mode | None = None
    """Only for, and needed for, `OverrideKind.MODE`."""
    hot_water: HotWaterMode | None = None
    """None leaves it to what the kind comes down to."""


def signed(who: str, why: str) -> Actor:
    """Who and why of a changing act, trimmed; WrongInput where either says nothing, too much, or cannot be printed."""
    checked = []
    for name, given, longest in (("--who", who, 80), ("--why", why, 400)):
        text = given.strip()
        if not text:
            raise WrongInput(f"{name} says nothing: every changing act is kept with who and why")
        if len(text) > longest or not text.isprintable():
            raise WrongInput(f"{name} must be one printable line of at most {longest} characters")
        checked.append(text)
    return Actor(*checked)


async def override(
    access: Access, pump_id: str, by: Actor, wished: Wished, end: Callable[[datetime], datetime]
) -> OverrideAnswer:
    """Ask for an override; answered at acceptance. WrongInput with a sentence where it cannot be."""
    await known(access, pump_id)
    now = access.now()
    mode, hot_water = wish_of(wished.kind, wished.mode)
    try:
        target = Override(
            override_id=f"o-{uuid.uuid4().hex[:12]}",
            source=wished.source,
            kind=wished.kind,
            mode=mode,
            hot_water=wished.hot_water or hot_water,
            requested_at=now,
            until=end(now),
            who=by.who,
            why=by.why,
        )
    except ValidationError as error:
        raise WrongInput(f"--{first_problem(error)}") from error
    if problem := problem_with(target, now):
        raise WrongInput(problem)

    async def ask() -> OverrideAnswer:
        given = await update(access, pump_id, HeatPumpWorkflow.request_override, target, target.override_id)
        return OverrideAnswer.model_validate(given)

    return await audited(access, "override", pump_id, by, target.model_dump(mode="json"), ask)


async def end_override(access: Access, pump_id: str, override_id: str | None, by: Actor) -> PumpStatus:
    """End one override, or all of a pump."""
    await known(access, pump_id)
    event = OverrideEnded(override_id=override_id)
    return await act(access, pump_id, "end-override", by, event, {"override_id": override_id})


async def resume(access: Access, pump_id: str, by: Actor) -> PumpStatus:
    """End a pump's pauses and what people set at its thermostat; WrongInput where there is neither."""
    was = await status(access, pump_id)
    ending = (OverrideKind.PAUSE, OverrideKind.THERMOSTAT)
    held = [o for o in was.state.overrides if o.kind in ending and o.until > was.now]
    if not held:
        raise WrongInput(f"{pump_id} is not paused: `heatsteer pumps show {pump_id}` says who steers it")
    for one in held:
        was = await end_override(access, pump_id, one.override_id, by)
    return was


async def consent(access: Access, pump_id: str, by: Actor, *, opted_out: bool) -> PumpStatus:
    """The household leaves (everything of ours is reverted, nothing more is written), or comes back."""
    await known(access, pump_id)
    name = "opt-out" if opted_out else "opt-in"
    return await act(access, pump_id, name, by, SteeringConsent(opted_out=opted_out), {})


async def retire(access: Access, pump_id: str, by: Actor) -> PumpStatus:
    """Bring the pump back to neutral and steer it no more."""
    await known(access, pump_id)
    return await act(access, pump_id, "retire", by, RetireRequested(), {})


async def start(access: Access, pump_id: str, by: Actor) -> PumpStatus:
    """Steer a pump again whose workflow was ended by hand; WrongInput where it runs, Failed where it was retired."""
    profile = await known(access, pump_id)

    async def do() -> PumpStatus:
        if await is_running(access, pump_id):
            raise WrongInput(f"{pump_id}: it is steered already")
        if all(one.enrolment.pump_id != pump_id for one in await access.ledger.pumps.active()):
            raise Failed(f"{pump_id} is not steered: it was retired")
        problem = await start_pump(access, profile, patience_at(access.clock.speed), again=True)
        if problem is not None:
            raise Failed(problem)
        return await status(access, pump_id)

    return await audited(access, "start", pump_id, by, {}, do)


async def hindrance(access: Access, profile: PumpProfile, answer: OverrideAnswer) -> str | None:
    """Why a pump cannot be made to do now what was wished of it; None where it can."""
    now = await status(access, profile.enrolment.pump_id)
    breaker = await access.ledger.vendors.newest_breaker(profile.enrolment.oem, access.now())
    if breaker is not None and breaker.state is BreakerState.HELD:
        return f"everything to {profile.enrolment.oem} is {breaker.reason}"
    watch, target = now.state.watch, answer.bounded_by
    if watch.silent_since is not None:
        return f"it has not reported since {watch.silent_since:%d %b %H:%M} UTC"
    if target:
        return target
    if watch.condition is not Condition.NORMAL:
        return f"the unit says: {watch.condition.value}"
    if now.state.opted_out:
        return "its household opted out"
    return None if answer.in_force else "a stronger wish is in force"


async def act(
    access: Access, pump_id: str, name: str, by: Actor, event: Any, detail: dict[str, Any], update_id: str | None = None
) -> PumpStatus:
    """Any act but an override, audited under `name`."""
    given = Act(event=event, who=by.who, why=by.why)

    async def do() -> PumpStatus:
        told = update_id or f"{name}-{uuid.uuid4().hex[:12]}"
        return PumpStatus.model_validate(await update(access, pump_id, HeatPumpWorkflow.act, given, told))

    return await audited(access, name, pump_id, by, detail, do)


async def audited[T](
    access: Access, name: str, subject: str, by: Actor, detail: dict[str, Any], do: Callable[[], Awaitable[T]]
) -> T:
    """Write an act down, then do it. An act that nobody signed would be worse than a signature on a refused act."""
    ref = uuid.uuid4().hex[:12]
    await access.reports.audit(access.now(), by.who, by.why, name, subject, {**detail, "ref": ref})
    try:
        return await do()
    except (Unanswered, asyncio.CancelledError):
        await access.reports.audit(access.now(), by.who, by.why, f"{name}{UNANSWERED}", subject, {"ref": ref})
        raise
    except Complaint as complaint:
        said = {"ref": ref, "because": str(complaint)}
        await access.reports.audit(access.now(), by.who, by.why, f"{name}{REFUSED}", subject, said)
        raise


async def update(access: Access, pump_id: str, which: Any, given: Any, update_id: str) -> Any:
    """Send an update to a pump's workflow; WrongInput where it is refused, Unanswered where nobody answers."""
    try:
        return await handle_of(access, pump_id).execute_update(which, given, id=update_id, rpc_timeout=ANSWER_WITHIN)
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        raise WrongInput(f"{pump_id}: {cause.message if isinstance(cause, ApplicationError) else cause}") from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise Unanswered(
            f"{pump_id} did not answer within {ANSWER_WITHIN.total_seconds():.0f} s; the wish is waiting for a worker: "
            "start one, or look with `heatsteer pumps show`"
        ) from error
    except RPCError as error:
        raise unreachable(pump_id, error) from error
