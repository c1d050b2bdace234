"""Use cases on the fleet: prepare a namespace, enrol pumps, start and find their workflows, read their state.

Protects: a pump is asked what it can do before it is steered, and one that comes later is under the orders that stand.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from application.audit_log import ends_of, is_opted_out, overrides_of
from application.errors import Failed, WrongInput
from application.manual_changes import MEMORY, Touch, holds_of, touches_before
from application.scopes import covers
from console.access import Access
from domain.homes.enrolment import Enrolment, PumpProfile
from domain.modes import NEUTRAL, HotWaterMode
from domain.oem.cloud import OemError, RateLimited
from domain.ports import OemAdapter
from domain.steering.orders import Order
from domain.steering.pump_state import CircuitState, PumpState
from domain.steering.sweep_policy import WatchRecord
from domain.steering.watch import Watch
from workflows.contracts import (
    PUMPS_QUEUE,
    SEARCH_ATTRIBUTES,
    Patience,
    PumpInput,
    PumpStatus,
    pump_workflow_id,
)
from workflows.heat_pump import HeatPumpWorkflow
from workflows.operator_view import first_search_attributes

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
    refusal = "the vendor's call budget is used up"
    for attempt in range(ENROL_TRIES):
        try:
            capability = await adapter.capability(enrolment.address, access.now())
            break
        except RateLimited as error:
            pause = access.clock.wall_duration(error.retry_at - access.now()).total_seconds()
            await asyncio.sleep(max(0.1, pause))
        except OemError as error:
            refusal = str(error)
            await asyncio.sleep(0.2 * 2**attempt)
    else:
        return f"{enrolment.pump_id} could not be enrolled: {refusal}"
    profile = PumpProfile.of(enrolment, capability)
    await access.ledger.pumps.enrol(profile, access.now())
    return await start_pump(access, profile, patience)


def first_state(profile: PumpProfile, last_seq: int = 0, orders: Sequence[Order] = (), last_note: int = 0) -> PumpState:
    """What a pump's workflow starts from: under the orders that stand for it; one that was commanded before is not
    believed to be in neutral."""
    is_new = last_seq == 0
    hot_water = CircuitState(
        settled=HotWaterMode.NORMAL if is_new else None,
        expires_after=profile.hot_water.spec.expires_after if profile.hot_water is not None else None,
    )
    return PumpState(
        pump_id=profile.enrolment.pump_id,
        oem=profile.enrolment.oem,
        site=profile.site,
        heating=CircuitState(settled=NEUTRAL if is_new else None, expires_after=profile.heating.spec.expires_after),
        hot_water=None if profile.hot_water is None else hot_water,
        last_seq=last_seq,
        last_note=last_note,
        orders=tuple(orders),
    )


async def start_pump(access: Access, profile: PumpProfile, patience: Patience, *, again: bool = False) -> str | None:
    """Start the pump's workflow; one that runs is left alone. Returns a sentence where the pump is not steered now.

    A pump that was commanded before goes on counting, and is not believed to be in neutral. `again`: also one whose
    workflow was ended by hand; wishes that still stand, people's hands at the unit and an opt-out are read back.
    """
    pump_id, oem = profile.enrolment.pump_id, profile.enrolment.oem
    last_seq = await access.ledger.commands.newest_seq(pump_id)
    standing = [o for o in await access.orders.standing(access.now()) if covers(o, profile)]
    state = first_state(profile, last_seq, standing, await access.ledger.commands.newest_note(pump_id))
    if again:
        now = access.now()
        touches = await touches_before(access, pump_id, now)
        state = with_what_people_said(state, await access.trails.acts(pump_id), touches, now)
        records = await access.ledger.sweep_records.records([pump_id])
        state = state.model_copy(update={"watch": as_told(records.get(pump_id))})
    reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY if again else WorkflowIDReusePolicy.REJECT_DUPLICATE
    try:
        await access.client.start_workflow(
            HeatPumpWorkflow.run,
            PumpInput(clock=access.clock, state=state, patience=patience),
            id=pump_workflow_id(pump_id),
            task_queue=PUMPS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=reuse,
            search_attributes=first_search_attributes(oem),
            task_timeout=timedelta(seconds=patience.task_s),
            static_summary=f"{profile.model} in {profile.enrolment.price_area}",
        )
    except WorkflowAlreadyStartedError:
        if again:
            return f"{pump_id} is not steered: it was retired"
        return f"{pump_id} is not steered: its workflow was ended by hand; `heatsteer pumps start {pump_id}` starts it"
    return None


def with_what_people_said(
    state: PumpState, acts: Sequence[Mapping[str, Any]], touches: Sequence[Touch], now: datetime
) -> PumpState:
    """The state of a pump under the wishes that still stand by its own acts and touches, and opted out where its
    household is."""
    by_hand = holds_of(touches, ends_of(acts).get(state.pump_id, ()))
    standing = [o for o in (*overrides_of(acts).get(state.pump_id, ()), *by_hand) if o.until > now]
    return state.model_copy(
        update={
            "overrides": tuple(standing),
            "touches": tuple(touch.at for touch in touches if now - touch.at < MEMORY),
            "opted_out": is_opted_out(acts, now),
        }
    )


def as_told(record: WatchRecord | None) -> Watch:
    """What the sweep told the pump's workflow that was ended: it is not told again while nothing changes."""
    if record is None:
        return Watch()
    told = record.told
    silent_since = record.as_of or record.looked_at if told.silent else None
    return Watch(
        condition=told.condition,
        is_cold=told.is_cold,
        is_tank_cold=told.is_tank_cold,
        silent_since=silent_since,
    )


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
        raise unreachable(pump_id, error) from error


def unreachable(pump_id: str, error: RPCError) -> Failed:
    """Why a pump's workflow could not be asked, as a sentence."""
    if error.status is RPCStatusCode.NOT_FOUND:
        return Failed(f"{pump_id} is not steered (retired, or its workflow was never started)")
    return Failed(f"the workflow of {pump_id} does not answer ({error.status.name.lower()}): is a worker running?")
