"""Starts a pump's workflow, for the first time or again.

Protects: a workflow that is started anew respects what the one before it respected, and a pump that is enrolled later
is subject to the orders in force.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from application.access import Access
from application.audit_log import ends_of, is_opted_out, overrides_of
from application.errors import ErrorCode, Failed
from application.manual_changes import MEMORY, Touch, holds_of, touches_before
from application.scopes import covers
from domain.homes.enrolment import PumpProfile
from domain.modes import NEUTRAL, HotWaterMode
from domain.steering.orders import Order
from domain.steering.pump_state import CircuitState, PumpState
from domain.steering.sweep_policy import WatchRecord
from domain.steering.watch import Watch
from workflows.contracts import PUMPS_QUEUE, Patience, PumpInput, pump_workflow_id
from workflows.heat_pump import HeatPumpWorkflow
from workflows.operator_view import first_search_attributes


def first_state(profile: PumpProfile, last_seq: int = 0, orders: Sequence[Order] = (), last_note: int = 0) -> PumpState:
    """What a pump's workflow starts from, subject to the orders in force for it.

    A pump that was commanded before is not assumed to be in neutral.
    """
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


async def start_pump(access: Access, profile: PumpProfile, patience: Patience, *, again: bool = False) -> None:
    """Start the pump's workflow; one that runs is left alone.

    A pump that was commanded before goes on counting, and is not assumed to be in neutral. `again`: also a pump whose
    workflow was terminated; overrides in force, manual changes and an opt-out are read back. Raises Failed where the
    pump is not steered now.
    """
    pump_id, oem = profile.enrolment.pump_id, profile.enrolment.oem
    last_seq = await access.ledger.commands.newest_seq(pump_id)
    standing = [o for o in await access.ledger.orders.standing(access.now()) if covers(o, profile)]
    state = first_state(profile, last_seq, standing, await access.ledger.commands.newest_note(pump_id))
    if again:
        now = access.now()
        touches = await touches_before(access, pump_id, now)
        state = with_standing_requests(state, await access.ledger.history.acts(pump_id), touches, now)
        records = await access.ledger.sweep_records.records([pump_id])
        state = state.model_copy(update={"watch": last_reported(records.get(pump_id))})
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
    except WorkflowAlreadyStartedError as error:
        if again:
            raise Failed(ErrorCode.RETIRED, f"{pump_id} is not steered: it was retired", pump=pump_id) from error
        sentence = f"{pump_id} is not steered: its workflow was terminated"
        raise Failed(ErrorCode.WORKFLOW_ENDED, sentence, pump=pump_id) from error


def with_standing_requests(
    state: PumpState, acts: Sequence[Mapping[str, Any]], touches: Sequence[Touch], now: datetime
) -> PumpState:
    """The state of a pump under the overrides and manual changes still in force, opted out where its household is."""
    holds = holds_of(touches, ends_of(acts).get(state.pump_id, ()))
    standing = [o for o in (*overrides_of(acts).get(state.pump_id, ()), *holds) if o.until > now]
    return state.model_copy(
        update={
            "overrides": tuple(standing),
            "touches": tuple(touch.at for touch in touches if now - touch.at < MEMORY),
            "opted_out": is_opted_out(acts, now),
        }
    )


def last_reported(record: WatchRecord | None) -> Watch:
    """What the sweep reported to the workflow that ended: it is not reported again while nothing changes."""
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
