"""Reports to the hub activities and workflow runs, by the Temporal SDK's worker interceptors.

Protects: a replay is never reported as if it happened again, and workflow code leaves its sandbox in one place only.
"""

import asyncio
import time
from typing import Any

import structlog
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
RUNS_REMEMBERED = 10_000
"""Newest runs whose beginning was reported; one that times out first is tried again within seconds."""


class TelemetryInterceptor(Interceptor):
    """For the `interceptors` of a worker."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._begun: dict[str, None] = {}

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 -- the SDK's name
        """Measure every attempt."""
        return _Activities(super().intercept_activity(next), self._listener)

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002 -- the SDK's name
        """Report how runs begin and end."""
        input.unsafe_extern_functions[_EXTERN] = self.run_reported
        return _Workflows

    def run_reported(self, run_id: str, event: WorkflowRun) -> None:
        """Pass an event of a run on; a run whose first workflow task timed out begins again, and is reported once."""
        if event.phase is RunPhase.STARTED:
            if run_id in self._begun:
                return
            self._begun[run_id] = None
            if len(self._begun) > RUNS_REMEMBERED:
                del self._begun[next(iter(self._begun))]
        self._listener(event)


class _Activities(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, listener: Listener) -> None:
        super().__init__(following)
        self._listener = listener

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 -- the SDK's name
        with structlog.contextvars.bound_contextvars(**_ids_of(input)):
            return await self._reported(input)

    async def _reported(self, given: ExecuteActivityInput) -> Any:
        begun = time.monotonic()
        outcome, error = ActivityOutcome.FAILED, ""
        try:
            result = await super().execute_activity(given)
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


def _ids_of(given: ExecuteActivityInput) -> dict[str, Any]:
    """What every log line of an activity is about, the SDK's and the HTTP client's lines included."""
    argument = given.args[0] if given.args else None
    command = getattr(argument, "command", None)
    ids = {
        "workflow_id": activity.info().workflow_id,
        "pump_id": getattr(command, "pump_id", getattr(argument, "pump_id", None)),
        "command_id": getattr(command, "command_id", None),
        "revision": getattr(command, "revision", getattr(argument, "revision", None)),
        "oem": getattr(argument, "oem", None),
    }
    return {name: value for name, value in ids.items() if isinstance(value, str | int)}


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
    run = WorkflowRun(workflow=info.workflow_type, workflow_id=info.workflow_id, phase=phase)
    workflow.extern_functions()[_EXTERN](info.run_id, run)
