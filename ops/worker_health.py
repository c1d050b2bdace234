"""Whether this host's worker of a role still asks Temporal for work: `worker_health.py pumps|planner|oem:NAME`.

Protects: a worker that hangs, or lost its server, is not called healthy because its process exists. Exit code 0 or 1.
"""

import asyncio
import socket
import sys
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from worker_environment import SetupError, connect_temporal, leave
from workflows.contracts import PLANNER_QUEUE, PUMPS_QUEUE, oem_queue

ASKED_WITHIN = timedelta(seconds=150)
"""A worker's question waits for a minute at the server before it is asked anew; two may go by on a busy machine."""


def queue_of(role: str) -> tuple[str, "TaskQueueType.ValueType"]:
    """The queue a role works off, and the type of its tasks. Raises SetupError for what is no single role."""
    match role.split(":"):
        case ["pumps"]:
            return PUMPS_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
        case ["planner"]:
            return PLANNER_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
        case ["oem", oem]:
            return oem_queue(oem), TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
        case _:
            raise SetupError(f"{role!r} is no single role: give pumps, planner or oem:NAME")


async def asked_at(role: str, host: str) -> datetime | None:
    """When a worker of this role on this host last asked for work; None where none did lately."""
    name, kind = queue_of(role)
    client = await connect_temporal()
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=name), task_queue_type=kind
    )
    answer = await client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=10))
    # The SDK signs a worker's questions with "process@host".
    ours = [one for one in answer.pollers if one.identity.partition("@")[2] == host]
    return max((one.last_access_time.ToDatetime(tzinfo=UTC) for one in ours), default=None)


def main(argv: list[str]) -> int:
    """The check; says on stderr why not."""
    try:
        (role,) = argv
    except ValueError:
        sys.stderr.write("usage: worker_health.py ROLE\n")
        return 2
    try:
        last = asyncio.run(asked_at(role, socket.gethostname()))
    except (SetupError, RuntimeError) as error:
        sys.stderr.write(f"worker_health: {error}\n")
        return 1
    if last is None or datetime.now(UTC) - last > ASKED_WITHIN:
        sys.stderr.write(f"worker_health: no worker of role {role} on this host asked for work lately\n")
        return 1
    return 0


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
