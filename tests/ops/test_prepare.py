"""What the job `prepare` of docker-compose.yml leaves behind: planning, settlement and watching go by themselves."""

import asyncio
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow

from embedded.temporal_server import start_temporal
from oem_adapters.registry import known_oems
from tests.commands import heatsteer
from tests.ledger.conftest import empty_database, place, server
from tests.patience import Patience
from workflows import contracts

__all__ = ["empty_database", "place", "server"]
pytestmark = pytest.mark.servers

STANDING = {
    contracts.PRICE_WATCH_ID,
    *(of(oem) for oem in known_oems() for of in (contracts.guard_workflow_id, contracts.sweep_workflow_id)),
}


async def test_a_prepared_stack_plans_settles_and_watches_by_itself_and_is_prepared_twice_at_no_harm(
    tmp_path: Path, empty_database: str
) -> None:
    temporal = await start_temporal(tmp_path, ephemeral=True)
    try:
        environment = {
            "PATH": "/usr/bin:/bin",
            "DATABASE_URL": empty_database,
            "TEMPORAL_ADDRESS": temporal.address,
            "TEMPORAL_NAMESPACE": temporal.namespace,
            "HEATSTEER_SECRET_KEYS": Fernet.generate_key().decode(),
        }
        client = await Client.connect(temporal.address, namespace=temporal.namespace)
        for _ in range(2):
            ended = await asyncio.to_thread(heatsteer, "prepare", environment=environment)
            assert ended.returncode == 0, ended.stderr
            planning = await described(client, contracts.PLANNING_SCHEDULE_ID, "FleetPlanning")
            assert not planning.state.paused
            assert planning.spec.time_zone_name == "Europe/Berlin"
            await described(client, contracts.SETTLEMENT_SCHEDULE_ID, "DailySettlement")
            patience = Patience(30)
            while await running(client) != STANDING:  # the list of workflows follows a moment later
                assert not patience.is_over, await running(client)
                await asyncio.sleep(0.1)
    finally:
        await temporal.child.stop()


async def described(client: Client, schedule_id: str, workflow: str) -> Schedule:
    """The Schedule, which starts this workflow on the planner's queue."""
    schedule = (await client.get_schedule_handle(schedule_id).describe()).schedule
    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    assert (schedule.action.workflow, schedule.action.task_queue) == (workflow, contracts.PLANNER_QUEUE)
    return schedule


async def running(client: Client) -> set[str]:
    return {one.id async for one in client.list_workflows("ExecutionStatus='Running'")} - {
        # Temporal's own, one for each Schedule.
        f"temporal-sys-scheduler:{schedule_id}"
        for schedule_id in (contracts.PLANNING_SCHEDULE_ID, contracts.SETTLEMENT_SCHEDULE_ID)
    }
