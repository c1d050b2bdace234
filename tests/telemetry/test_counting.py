"""What the hub reports is counted under the catalogue's names."""

from datetime import timedelta

import structlog
from opentelemetry import trace
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from domain.commands.command import Authority, CommandEvent, EventKind
from domain.modes import Circuit, Mode
from domain.oem.calls import CallFate, CallMade
from domain.ports import RecordedDecision
from domain.steering.decide import decide
from domain.steering.pump_state import PlanArrived
from telemetry.catalogue import WORKER_METRICS
from telemetry.counting import EventCounter
from telemetry.events import ActivityAttempt, ActivityOutcome, RunPhase, WorkflowRun
from telemetry.tracing import context_of
from tests.builders import MIDNIGHT, a_plan, a_state, at
from tests.telemetry.exposition import as_catalogued, exposed, names, value


def a_line(kind: EventKind, after: timedelta = timedelta(), oem: str | None = "nibe") -> RecordedDecision:
    event = CommandEvent(command_id="p-0001-c1", pump_id="p-0001", at=MIDNIGHT + after, kind=kind)
    return RecordedDecision(event=event, oem=oem, authority=Authority.PLAN, decided_at=MIDNIGHT)


def test_everything_a_worker_may_say_is_exposed_and_nothing_else() -> None:
    counter = EventCounter(["nibe"])
    counter(ActivityAttempt("apply_command", "oem-nibe", "pump-p-0001", 1, ActivityOutcome.RETRY_LATER, "", 0.1))
    counter(WorkflowRun("HeatPumpWorkflow", "pump-p-0001", RunPhase.STARTED))
    for entry in decide(a_state(), PlanArrived(plan=a_plan(1, {(0, 4): Mode.MID})), at(1)).state.journal:
        counter(entry)
    families = exposed(counter.registry)
    assert names(families) == {metric.name for metric in WORKER_METRICS}
    assert as_catalogued(families, WORKER_METRICS)
    attempts = {"activity": "apply_command", "outcome": "retry_later"}
    assert value(families, "heatsteer_activity_attempts_total", attempts) == 1
    decided = {"event": "plan", "circuit": Circuit.HEATING.value, "authority": "plan"}
    assert value(families, "heatsteer_decisions_total", decided) == 1


def test_what_has_not_happened_yet_is_zero_so_that_the_first_time_is_an_increase() -> None:
    families = exposed(EventCounter(["nibe"]).registry)
    for kind in EventKind:
        assert value(families, "heatsteer_command_events_total", {"oem": "nibe", "kind": kind.value}) == 0
    for fate in CallFate:
        labels = {"oem": "nibe", "kind": "write", "fate": fate.value}
        assert value(families, "heatsteer_vendor_calls_total", labels) == 0
    assert value(families, "heatsteer_command_latency_seconds_count", {"oem": "nibe", "stage": "applied"}) == 0


def test_a_commands_steps_are_measured_from_its_decision_in_steered_time() -> None:
    counter = EventCounter(["nibe"])
    counter(a_line(EventKind.ACCEPTED, timedelta(seconds=20)))
    counter(a_line(EventKind.APPLIED, timedelta(minutes=4)))
    counter(a_line(EventKind.APPLIED, timedelta(minutes=6)))
    counter(a_line(EventKind.DEAD_LETTERED, timedelta(hours=2), oem=None))
    families = exposed(counter.registry)
    applied = {"oem": "nibe", "stage": "applied"}
    assert value(families, "heatsteer_command_latency_seconds_sum", applied) == 600
    assert value(families, "heatsteer_command_latency_seconds_bucket", applied | {"le": "300.0"}) == 1
    assert value(families, "heatsteer_command_latency_seconds_sum", applied | {"stage": "accepted"}) == 20
    assert value(families, "heatsteer_command_events_total", {"oem": "nibe", "kind": "applied"}) == 2
    assert value(families, "heatsteer_command_events_total", {"oem": "none", "kind": "dead_lettered"}) == 1


def test_a_call_is_counted_by_what_became_of_it_and_timed_where_it_was_answered() -> None:
    counter = EventCounter(["nibe"])
    counter(CallMade(oem="nibe", account_id="a", at=MIDNIGHT, fate=CallFate.OK, took_s=0.2))
    counter(CallMade(oem="nibe", account_id="a", at=MIDNIGHT, fate=CallFate.TRANSPORT, is_write=True))
    families = exposed(counter.registry)
    assert value(families, "heatsteer_vendor_calls_total", {"oem": "nibe", "kind": "read", "fate": "ok"}) == 1
    assert value(families, "heatsteer_vendor_calls_total", {"oem": "nibe", "kind": "write", "fate": "transport"}) == 1
    assert value(families, "heatsteer_vendor_call_duration_seconds_count", {"oem": "nibe"}) == 1
    assert not [s for f in families for s in f.samples if "a" in s.labels.values()], "no account is a label"


def test_a_latency_leads_to_its_trace_where_traces_are_on_and_to_none_where_they_are_off() -> None:
    call = CallMade(oem="nibe", account_id="a", at=MIDNIGHT, fate=CallFate.OK, took_s=0.2)
    counter = EventCounter(["nibe"])
    counter(call)
    counter(a_line(EventKind.APPLIED, timedelta(seconds=20)))
    assert exemplars(counter) == {}
    with structlog.contextvars.bound_contextvars(trace_id="ab" * 16):
        counter(call)
        counter(a_line(EventKind.APPLIED, timedelta(seconds=20)))
    of_the_command = trace.get_current_span(context_of("p-0001-c1")).get_span_context().trace_id
    assert exemplars(counter) == {
        "heatsteer_vendor_call_duration_seconds_bucket": {"ab" * 16},
        "heatsteer_command_latency_seconds_bucket": {f"{of_the_command:032x}"},
    }


def exemplars(counter: EventCounter) -> dict[str, set[str]]:
    """Trace ids by sample, as a scrape in OpenMetrics shows them."""
    found: dict[str, set[str]] = {}
    page = generate_latest(counter.registry).decode()  # type: ignore[no-untyped-call]
    for family in text_string_to_metric_families(page):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            if sample.exemplar is not None:
                found.setdefault(sample.name, set()).add(sample.exemplar.labels["trace_id"])
    return found
