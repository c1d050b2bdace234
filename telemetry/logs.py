"""The first listener: every event as one structured log line.

Protects: routine events stay at debug level, so a quiet fleet has a quiet log; what a person must see is a warning.
"""

import structlog

from domain.commands.command import EventKind
from domain.oem.calls import CallFate, CallMade
from domain.ports import RecordedDecision
from domain.steering.journal import JournalEntry
from telemetry.events import ActivityAttempt, ActivityOutcome, RunPhase, TelemetryEvent, WorkflowRun

log = structlog.get_logger(__name__)

_WORTH_A_WARNING = (EventKind.DEAD_LETTERED, EventKind.IGNORED)


def log_event(event: TelemetryEvent) -> None:
    """Write the event's line."""
    match event:
        case CallMade():
            say = log.debug if event.fate is CallFate.OK else log.info
            say("vendor call", oem=event.oem, account_id=event.account_id, fate=event.fate.value, write=event.is_write)
        case ActivityAttempt():
            # The SDK logs the failure itself with its traceback; this line adds how long it took.
            say = log.info if event.outcome is ActivityOutcome.FAILED else log.debug
            say(
                "activity attempt",
                activity=event.activity,
                task_queue=event.task_queue,
                workflow_id=event.workflow_id,
                attempt=event.attempt,
                outcome=event.outcome.value,
                error=event.error,
                wall_ms=round(event.wall_s * 1000),
            )
        case WorkflowRun():
            say = log.warning if event.phase is RunPhase.FAILED else log.info
            say("workflow run", workflow=event.workflow, workflow_id=event.workflow_id, phase=event.phase.value)
        case RecordedDecision(event=line):
            say = log.warning if line.kind in _WORTH_A_WARNING else log.info
            say(
                "command event",
                pump_id=line.pump_id,
                command_id=line.command_id,
                kind=line.kind.value,
                authority=event.authority.value if event.authority is not None else None,
                oem=event.oem,
                reason=line.reason,
            )
        case JournalEntry(decided=decided):
            log.debug(
                "decision",
                pump_id=event.pump_id,
                number=event.number,
                upon=event.event,
                circuit=event.circuit.value,
                mode=decided.target.mode.value,
                authority=decided.target.authority.value,
            )
