"""Messages to pump workflows and rates for vendors' queues, for activities that know both by ports only.

Protects: a retired pump is left alone and nobody else's news waits for it; a rate is set and never unset, for that
would release everything that was held at once.
"""

from typing import Any

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, UpdateTaskQueueConfigRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.planning.price_plan import PricePlan
from domain.ports import ObservationDelivery, PlanDelivery
from domain.steering.pump_state import Observed
from workflows.contracts import PlanEnvelope, oem_queue, pump_workflow_id


def plan_delivery(client: Client) -> PlanDelivery:
    """Hands price plans to pump workflows by signal; a retired pump is left alone."""

    async def deliver(pump_id: str, plan: PricePlan) -> bool:
        return await _signal(client, pump_id, "price_plan", PlanEnvelope(plan=plan.model_dump(mode="json")))

    return deliver


def observation_delivery(client: Client) -> ObservationDelivery:
    """Hands what the sweep saw to pump workflows by signal; a retired pump is left alone."""

    async def deliver(pump_id: str, seen: Observed) -> bool:
        return await _signal(client, pump_id, "observed", seen)

    return deliver


async def _signal(client: Client, pump_id: str, name: str, message: Any) -> bool:
    """Whether the pump is there to take it."""
    try:
        await client.get_workflow_handle(pump_workflow_id(pump_id)).signal(name, message)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


class ServerRates:
    """`domain.ports.QueueRates` on Temporal's server. A rate set here outranks what a worker asks for its queue."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def set_rate(self, oem: str, per_wall_s: float, reason: str) -> None:
        """Set the rate of a vendor's queue; never unset, for that would release all that was held at once."""
        update = UpdateTaskQueueConfigRequest.RateLimitUpdate(
            rate_limit=RateLimit(requests_per_second=per_wall_s), reason=reason[:400]
        )
        await self._client.workflow_service.update_task_queue_config(
            UpdateTaskQueueConfigRequest(
                namespace=self._client.namespace,
                identity=self._client.identity,
                task_queue=oem_queue(oem),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
                update_queue_rate_limit=update,
            )
        )

    async def rate(self, oem: str) -> float | None:
        """The rate that was set, by us or by anybody."""
        described = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=oem_queue(oem)),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
                report_config=True,
            )
        )
        limit = described.config.queue_rate_limit
        return limit.rate_limit.requests_per_second if limit.HasField("rate_limit") else None
