"""What is reported to telemetry: vendor calls, activity attempts, workflow runs, decisions and what became of commands.

Protects: an event names pumps and workflows by opaque ids only, and carries no payload, credential or address.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from domain.oem.calls import CallMade
from domain.ports import RecordedDecision
from domain.steering.journal import JournalEntry


class ActivityOutcome(StrEnum):
    """How one attempt of an activity ended."""

    COMPLETED = "completed"
    RETRY_LATER = "retry_later"
    """An expected retry: what it waits for has not happened yet."""
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class ActivityAttempt:
    """One attempt of an activity, at its end."""

    activity: str
    task_queue: str
    workflow_id: str
    attempt: int
    outcome: ActivityOutcome
    error: str
    """The error's type; empty where there was none."""
    wall_s: float


class RunPhase(StrEnum):
    """What happened to a workflow run."""

    STARTED = "started"
    COMPLETED = "completed"
    CONTINUED_AS_NEW = "continued_as_new"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class WorkflowRun:
    """A workflow run that began or ended on this worker; a replay is not reported."""

    workflow: str
    workflow_id: str
    phase: RunPhase


TelemetryEvent = CallMade | ActivityAttempt | WorkflowRun | RecordedDecision | JournalEntry
Listener = Callable[[TelemetryEvent], None]
"""Receives every event, on the thread on which it happens; must not block."""
