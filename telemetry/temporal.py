"""Reports to the hub activities and workflow runs, by the Temporal SDK's worker interceptors.

Protects: a replay is never reported as if it happened again, and workflow code leaves its sandbox in one place only.
"""

import asyncio
import time
from typing import Any

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, FailureError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from telemetry.events import ActivityAttempt, ActivityOutcome, Listener, RunPhase, WorkflowRun

_EXTERN = "heatsteer_telemetry"
"""The name by which sandboxed workflow code reaches the hub."""


class TelemetryInterceptor(Interceptor):
    """For the `interceptors` of a worker."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 -- the SDK's name
        """Measure every attempt."""
        return _Activities(super().intercept_activity(next), self._listener)

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002 -- the SDK's name
        """Report how runs begin and end."""
        input.unsafe_extern_functions[_EXTERN] = self._listener
        return _Workflows


class _Activities(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, listener: Listener) -> None:
        super().__init__(following)
        self._listener = listener

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 -- the SDK's name
        begun = time.monotonic()
        outcome, error = ActivityOutcome.FAILED, ""
        try:
            result = await super().execute_activity(input)
            outcome = ActivityOutcome.COMPLETED
        except asyncio.CancelledError:
            outcome = ActivityOutcome.CANCELLED
            raise
        except ApplicationError as failure:
            error = failure.type or type(failure).__name__
            if failure.category is ApplicationErrorCategory.BENIGN:
                outcome = ActivityOutcome.RETRY_LATER
            raise
        except BaseException as failure:
            error = type(failure).__name__
            raise
        else:
            return result
        finally:
            info = activity.info()
            self._listener(
                ActivityAttempt(
                    activity=info.activity_type,
                    task_queue=info.task_queue,
                    workflow_id=info.workflow_id or "",
                    attempt=info.attempt,
                    outcome=outcome,
                    error=error,
                    wall_s=time.monotonic() - begun,
                )
            )


class _Workflows(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 -- the SDK's name
        _report(RunPhase.STARTED)
        try:
            result = await super().execute_workflow(input)
        except workflow.ContinueAsNewError:
            _report(RunPhase.CONTINUED_AS_NEW)
            raise
        except asyncio.CancelledError:
            _report(RunPhase.CANCELLED)
            raise
        except FailureError:  # any other exception fails the workflow task, which is tried again, and not the run
            is_cancelled = workflow.cancellation_reason() is not None
            _report(RunPhase.CANCELLED if is_cancelled else RunPhase.FAILED)
            raise
        _report(RunPhase.COMPLETED)
        return result


def _report(phase: RunPhase) -> None:
    if workflow.unsafe.is_replaying():  # eviction from the cache counts as replay too
        return
    info = workflow.info()
    workflow.extern_functions()[_EXTERN](
        WorkflowRun(workflow=info.workflow_type, workflow_id=info.workflow_id, phase=phase)
    )
