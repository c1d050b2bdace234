"""Starts a pump's workflow, for the first time or again.

Protects: a workflow that is started anew respects what the one before it respected, and a pump that is enrolled later
is subject to the orders in force.
"""

from collections.abc import Sequence
from datetime import timedelta

from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from application.access import Access
from application.errors import ErrorCode, Failed
from application.scopes import covers
from domain.homes.enrolment import PumpProfile
from domain.modes import NEUTRAL, HotWaterMode
from domain.steering.journalling import restored
from domain.steering.orders import Order
from domain.steering.pump_state import CircuitState, PumpState
from domain.steering.sweep_policy import WatchRecord
from domain.steering.watch import Watch
from workflows.contracts import PUMPS_QUEUE, Patience, PumpInput, pump_workflow_id
from workflows.heat_pump import HeatPumpWorkflow
from workflows.operator_view import first_search_attributes


def first_state(
    profile: PumpProfile, last_seq: int = 0, orders: Sequence[Order] = (), last_note: int = 0, last_entry: int = 0
) -> PumpState:
    """What a pump's workflow starts from, subject to the orders in force for it.

    A pump that was commanded before is not assumed to be in neutral.
    """
    is_new = last_seq == 0
    water = profile.hot_water
    return PumpState(
        pump_id=profile.enrolment.pump_id,
        oem=profile.enrolment.oem,
        site=profile.site,
        heating=CircuitState(lever=profile.heating, settled=NEUTRAL if is_new else None),
        hot_water=water and CircuitState(lever=water, settled=HotWaterMode.NORMAL if is_new else None),
        last_seq=last_seq,
        last_note=last_note,
        last_entry=last_entry,
        orders=tuple(orders),
    )


async def start_pump(
    access: Access,
    profile: PumpProfile,
    patience: Patience,
    *,
    again: bool = False,
    standing: Sequence[Order] | None = None,
) -> None:
    """Start the pump's workflow; one that runs is left alone.

    A pump that was commanded before goes on counting, and is not assumed to be in neutral. `again`: also a pump whose
    workflow was terminated; what it stood under is read back from the journal. `standing`: the orders in force
    for anybody, where the caller knows them. Raises Failed where the pump is not steered now.
    """
    pump_id, oem = profile.enrolment.pump_id, profile.enrolment.oem
    last_seq = await access.ledger.commands.newest_seq(pump_id)
    in_force = await access.ledger.orders.standing(access.now()) if standing is None else standing
    standing = [order for order in in_force if covers(order, profile)]
    journal, last_note = access.ledger.journal, await access.ledger.commands.newest_note(pump_id)
    state = first_state(profile, last_seq, standing, last_note, await journal.newest_number(pump_id))
    if again:
        now = access.now()
        before = (await journal.as_of(pump_id, now)).standing
        state = state if before is None else restored(state, before, now)
        records = await access.ledger.sweep_records.records([pump_id])
        state = state.model_copy(update={"watch": last_reported(records.get(pump_id), state.watch)})
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


def last_reported(record: WatchRecord | None, watch: Watch) -> Watch:
    """What a new workflow knows of its unit: what the sweep reported to the one before, which it does not report again
    while nothing changes, on top of what the journal says."""
    if record is None:
        return watch
    told = record.told
    silent_since = record.as_of or record.looked_at if told.silent else None
    return watch.model_copy(
        update={
            "condition": told.condition,
            "is_cold": told.is_cold,
            "is_tank_cold": told.is_tank_cold,
            "silent_since": silent_since,
        }
    )
