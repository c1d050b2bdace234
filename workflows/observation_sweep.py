"""A vendor's sweep: one long activity after the other reads all its pumps, for as long as there are any.

Protects: no timer of its own, and a handful of events an hour; passes keep their rhythm from one activity to the next.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.observation_sweep import SweepVendor, Swept, WatchActivities
from domain.clock import SteeringClock
from workflows import contracts
from workflows.contracts import Patience, SweepInput


@workflow.defn
class ObservationSweep:
    """`observation-sweep-<vendor>`: never ends by itself."""

    @workflow.run
    async def run(self, given: SweepInput) -> None:
        due_at = given.due_at
        for _ in range(contracts.SWEEP_ROUNDS):
            swept = await self._sweep(given.model_copy(update={"due_at": due_at}))
            due_at = swept.next_pass_at
            workflow.set_current_details(
                f"{swept.looks} reads in {swept.passes} passes, {swept.told} pumps signalled; "
                f"next pass {due_at:%d %b %H:%M} UTC"
            )
            if workflow.info().is_continue_as_new_suggested():
                break
        workflow.continue_as_new(given.model_copy(update={"due_at": due_at}))

    async def _sweep(self, given: SweepInput) -> Swept:
        patience = given.patience
        slack = timedelta(seconds=2 * patience.start_to_close_s)
        return await workflow.execute_activity_method(
            WatchActivities.sweep_vendor,
            SweepVendor(clock=given.clock, oem=given.oem, due_at=given.due_at),
            task_queue=contracts.oem_queue(given.oem),
            start_to_close_timeout=given.clock.wall_duration(contracts.SWEEP_SPAN) + slack,
            heartbeat_timeout=timedelta(seconds=patience.heartbeat_s * contracts.SWEEP_BEATS),
            retry_policy=contracts.SWEEP_RETRY,
            summary=f"an hour of looking at {given.oem} pumps",
        )


async def start_sweep(client: Client, clock: SteeringClock, oem: str, patience: Patience) -> None:
    """Start a vendor's sweep; one that runs is left alone."""
    await client.start_workflow(
        ObservationSweep.run,
        SweepInput(clock=clock, oem=oem, patience=patience),
        id=contracts.sweep_workflow_id(oem),
        task_queue=contracts.SWEEP_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        task_timeout=timedelta(seconds=patience.task_s),
        static_summary=f"reads {oem} pumps",
    )
