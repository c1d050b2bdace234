"""Use cases on the fleet: prepare a namespace and ledger, enrol pumps, read them, and steer them by hand.

Protects: every changing act is checked here, before it is sent, and carries who and why.
"""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.pumps import address_of
from console.access import Access
from console.complaints import Failed, WrongInput
from domain.enrolment import Enrolment, PumpProfile
from domain.modes import NEUTRAL, Lever, Mode
from domain.oem import OemError, RateLimited
from domain.overrides import Override, OverrideKind, problem_with
from domain.ports import OemAdapter
from domain.pump import PumpState
from workflows.contracts import (
    PUMPS_QUEUE,
    SEARCH_ATTRIBUTES,
    EndOverride,
    OverrideAnswer,
    Patience,
    PumpInput,
    PumpStatus,
    Retire,
    pump_workflow_id,
)
from workflows.heat_pump import HeatPumpWorkflow
from workflows.operator_view import first_search_attributes

ANSWER_WITHIN = timedelta(seconds=15)
ENROL_AT_A_TIME = 8
ENROL_TRIES = 6


async def register_search_attributes(client: Client) -> None:
    """Add what is missing; safe to repeat."""
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        key.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        for key in SEARCH_ATTRIBUTES
        if key.name not in listed.custom_attributes
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )


async def enrol(
    access: Access, sheet: Sequence[Enrolment], adapter: OemAdapter, patience: Patience
) -> tuple[list[str], list[str]]:
    """Ask the vendor what each unit can do, write it down, and start its workflow.

    Returns the ids enrolled and sentences on those that could not be. A pump that is enrolled already
    stays as it was; a retired one is passed over.
    """
    gate = asyncio.Semaphore(ENROL_AT_A_TIME)
    known_pumps = {row["pump_id"]: row for row in await access.reports.pumps()}
    steered = [e for e in sheet if not known_pumps.get(e.pump_id, {}).get("retired_at")]

    async def one(enrolment: Enrolment) -> str | None:
        async with gate:
            if row := known_pumps.get(enrolment.pump_id):
                return await start_pump(access, PumpProfile.model_validate(row["profile"]), patience)
            return await _enrol_one(access, enrolment, adapter, patience)

    problems = await asyncio.gather(*(one(e) for e in steered))
    done = [e.pump_id for e, problem in zip(steered, problems, strict=True) if problem is None]
    return done, [p for p in problems if p is not None]


async def _enrol_one(access: Access, enrolment: Enrolment, adapter: OemAdapter, patience: Patience) -> str | None:
    bare = PumpProfile(
        enrolment=enrolment, model="", lever=Lever.HEATING_OFFSET, baseline_setting=0, has_room_sensor=False
    )
    refusal = "the vendor's call budget is used up"
    for attempt in range(ENROL_TRIES):
        try:
            capability = await adapter.capability(address_of(bare), access.now())
            break
        except RateLimited as error:
            pause = access.clock.wall_duration(error.retry_at - access.now()).total_seconds()
            await asyncio.sleep(max(0.1, pause))
        except OemError as error:
            refusal = str(error)
            await asyncio.sleep(0.2 * 2**attempt)
    else:
        return f"{enrolment.pump_id} could not be enrolled: {refusal}"
    profile = PumpProfile(
        enrolment=enrolment,
        model=capability.model,
        lever=capability.lever,
        baseline_setting=capability.current,
        has_room_sensor=capability.has_room_sensor,
        setting_min=capability.minimum,
        setting_max=capability.maximum,
        setting_step=capability.step,
    )
    await access.ledger.pumps.enrol(profile, access.now())
    return await start_pump(access, profile, patience)


async def start_pump(access: Access, profile: PumpProfile, patience: Patience) -> str | None:
    """Start the pump's workflow; one that runs is left alone. Returns a sentence where the pump is not steered now.

    A pump that was commanded before goes on counting, and is not believed to be in neutral.
    """
    pump_id, oem = profile.enrolment.pump_id, profile.enrolment.oem
    last_seq = await access.ledger.commands.newest_seq(pump_id)
    state = PumpState(pump_id=pump_id, oem=oem, last_seq=last_seq, settled=None if last_seq else NEUTRAL)
    try:
        await access.client.start_workflow(
            HeatPumpWorkflow.run,
            PumpInput(clock=access.clock, state=state, patience=patience),
            id=pump_workflow_id(pump_id),
            task_queue=PUMPS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=first_search_attributes(oem),
            task_timeout=timedelta(seconds=patience.task_s),
            static_summary=f"{profile.model} in {profile.enrolment.price_area}",
        )
    except WorkflowAlreadyStartedError:
        return f"{pump_id} is not steered: its workflow was ended by hand; start it anew in the Temporal Web UI"
    return None


def handle_of(access: Access, pump_id: str) -> WorkflowHandle[Any, Any]:
    """The pump's workflow."""
    return access.client.get_workflow_handle(pump_workflow_id(pump_id))


async def known(access: Access, pump_id: str) -> PumpProfile:
    """The pump's profile; WrongInput with the way out where it is not enrolled."""
    try:
        return await access.ledger.pumps.profile(pump_id)
    except LookupError as error:
        raise WrongInput(str(error)) from error


async def status(access: Access, pump_id: str) -> PumpStatus:
    """The pump's state, asked of its workflow."""
    await known(access, pump_id)
    try:
        return await handle_of(access, pump_id).query(HeatPumpWorkflow.status)
    except RPCError as error:
        raise _unreachable(pump_id, error) from error


def signed(who: str, why: str) -> tuple[str, str]:
    """Who and why of a changing act, trimmed; WrongInput where either says nothing, too much, or cannot be printed."""
    checked = []
    for name, given, longest in (("--who", who, 80), ("--why", why, 400)):
        text = given.strip()
        if not text:
            raise WrongInput(f"{name} says nothing: every changing act is kept with who and why")
        if len(text) > longest or not text.isprintable():
            raise WrongInput(f"{name} must be one printable line of at most {longest} characters")
        checked.append(text)
    return checked[0], checked[1]


async def override(
    access: Access, pump_id: str, mode: Mode, until: datetime, kind: OverrideKind, who: str, why: str
) -> OverrideAnswer:
    """Ask for an override; answered at acceptance. WrongInput with a sentence where it cannot be."""
    who, why = signed(who, why)
    await known(access, pump_id)
    now = access.now()
    try:
        wish = Override(
            override_id=f"o-{uuid.uuid4().hex[:12]}",
            kind=kind,
            mode=mode,
            requested_at=now,
            until=until,
            who=who,
            why=why,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise WrongInput(f"--{first['loc'][0]}: {first['msg']}") from error
    if problem := problem_with(wish, now):
        raise WrongInput(problem)
    # Written down before it is done: an act that nobody signed would be worse than a signature on a refused act.
    await access.reports.audit(now, who, why, "override", pump_id, wish.model_dump(mode="json"))
    answer = await _update(access, pump_id, HeatPumpWorkflow.request_override, wish, wish.override_id)
    return OverrideAnswer.model_validate(answer)


async def end_override(access: Access, pump_id: str, override_id: str | None, who: str, why: str) -> PumpStatus:
    """End one override, or all of a pump."""
    who, why = signed(who, why)
    await known(access, pump_id)
    given = EndOverride(override_id=override_id, who=who, why=why)
    await access.reports.audit(access.now(), who, why, "end-override", pump_id, {"override_id": override_id})
    answer = await _update(access, pump_id, HeatPumpWorkflow.end_override, given, f"end-{uuid.uuid4().hex[:12]}")
    return PumpStatus.model_validate(answer)


async def retire(access: Access, pump_id: str, who: str, why: str) -> PumpStatus:
    """Bring the pump back to neutral and steer it no more."""
    who, why = signed(who, why)
    await known(access, pump_id)
    given = Retire(who=who, why=why)
    await access.reports.audit(access.now(), who, why, "retire", pump_id, {})
    answer = await _update(access, pump_id, HeatPumpWorkflow.retire, given, f"retire-{uuid.uuid4().hex[:12]}")
    return PumpStatus.model_validate(answer)


async def _update(access: Access, pump_id: str, update: Any, given: Any, update_id: str) -> Any:
    try:
        return await handle_of(access, pump_id).execute_update(update, given, id=update_id, rpc_timeout=ANSWER_WITHIN)
    except WorkflowUpdateFailedError as error:
        raise WrongInput(f"{pump_id}: {error.cause}") from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise Failed(
            f"{pump_id} did not answer within {ANSWER_WITHIN.total_seconds():.0f} s; the wish is waiting for a worker: "
            "start one, or look with `heatsteer pumps show`"
        ) from error
    except RPCError as error:
        raise _unreachable(pump_id, error) from error


def _unreachable(pump_id: str, error: RPCError) -> Failed:
    if error.status is RPCStatusCode.NOT_FOUND:
        return Failed(f"{pump_id} is not steered (retired, or its workflow was never started)")
    return Failed(f"the workflow of {pump_id} does not answer ({error.status.name.lower()}): is a worker running?")
