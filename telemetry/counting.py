"""A listener of the hub that counts events for Prometheus.

Protects: what can happen is there with 0 before it happens, so that the first time is seen as an increase.
"""

from collections.abc import Iterable
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from domain.commands.command import Authority, EventKind
from domain.modes import Circuit
from domain.oem.calls import CallFate, CallMade
from domain.ports import RecordedDecision
from domain.steering.journal import JournalEntry
from telemetry.catalogue import (
    ACTIVITY_ATTEMPTS,
    BUILD,
    COMMAND_EVENTS,
    COMMAND_SECONDS,
    DECISIONS,
    VENDOR_CALL_SECONDS,
    VENDOR_CALLS,
    WORKFLOW_RUNS,
    Metric,
)
from telemetry.events import ActivityAttempt, TelemetryEvent, WorkflowRun
from telemetry.trace_names import command_trace

NO_OEM = "none"
"""For a pump that was never enrolled."""
OVERRIDE = "override"
"""The event of a decision on somebody's override."""
STAGES = (EventKind.ACCEPTED, EventKind.APPLIED, EventKind.EFFECTIVE)

disable_created_metrics()  # type: ignore[no-untyped-call]


class EventCounter:
    """Counts into a registry of its own; safe to call from any thread."""

    def __init__(self, oems: Iterable[str]) -> None:
        """`oems`: the vendors whose series exist from the start."""
        self.registry = CollectorRegistry()
        self._calls = self._counter(VENDOR_CALLS)
        self._call_s = self._histogram(VENDOR_CALL_SECONDS)
        self._commands = self._counter(COMMAND_EVENTS)
        self._command_s = self._histogram(COMMAND_SECONDS)
        self._decisions = self._counter(DECISIONS)
        self._attempts = self._counter(ACTIVITY_ATTEMPTS)
        self._runs = self._counter(WORKFLOW_RUNS)
        build = Gauge(BUILD.name, BUILD.help, BUILD.labels, registry=self.registry)
        build.labels(version("heatsteer")).set(1)
        for oem in oems:
            self._expect(oem)
        self._expect_overrides()

    def __call__(self, event: TelemetryEvent) -> None:
        match event:
            case CallMade():
                self._calls.labels(event.oem, _kind_of(event.is_write), event.fate.value).inc()
                if event.took_s is not None:
                    self._call_s.labels(event.oem).observe(event.took_s, _exemplar())
            case ActivityAttempt():
                self._attempts.labels(event.activity, event.outcome.value).inc()
            case WorkflowRun():
                self._runs.labels(event.workflow, event.phase.value).inc()
            case RecordedDecision():
                self._count_command(event)
            case JournalEntry():
                authority = event.decided.target.authority.value
                self._decisions.labels(event.event, event.circuit.value, authority).inc()

    def _count_command(self, recorded: RecordedDecision) -> None:
        oem, line = recorded.oem or NO_OEM, recorded.event
        self._commands.labels(oem, line.kind.value).inc()
        if line.kind in STAGES and recorded.decided_at is not None:
            took_s = (line.at - recorded.decided_at).total_seconds()
            self._command_s.labels(oem, line.kind.value).observe(max(0.0, took_s), _exemplar(line.command_id))

    def _expect(self, oem: str) -> None:
        self._call_s.labels(oem)
        for kind in EventKind:
            self._commands.labels(oem, kind.value)
        for stage in STAGES:
            self._command_s.labels(oem, stage.value)
        for fate in CallFate:
            for is_write in (False, True):
                self._calls.labels(oem, _kind_of(is_write), fate.value)

    def _expect_overrides(self) -> None:
        for circuit in Circuit:
            self._decisions.labels(OVERRIDE, circuit.value, Authority.OVERRIDE.value)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=self.registry)


def _exemplar(command_id: str | None = None) -> dict[str, str] | None:
    """What leads from a measurement to its trace, or to its command's; None where traces are off."""
    around: str | None = structlog.contextvars.get_contextvars().get("trace_id")
    if around is None or command_id is None:
        return None if around is None else {"trace_id": around}
    return {"trace_id": command_trace(command_id)[:16].hex()}


def _kind_of(is_write: bool) -> str:
    return "write" if is_write else "read"
