"""One trace for each command: its decision, its attempts, their calls, what the ledger was asked, what became of it.

A pump's workflow lives for years: a trace that begins with it, as the Temporal SDK's own plugin makes them, would hold
the whole life of a pump. Here a command's id makes its trace's id: every attempt, on whatever worker and after whatever
crash, joins the same trace, and nobody has to hand a context through histories. A plan revision has a trace in the same
way: a command that came of a plan is linked to it, and it to the run that fetched its prices.

Protects: nothing is traced unless asked for; a span holds no payload, token, query or path of a vendor's address.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransport, RequestInfo
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, TraceFlags
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.commands.command import Command, EventKind
from domain.ports import RecordedDecision
from telemetry.events import TelemetryEvent
from telemetry.trace_names import command_trace, plan_trace, planning_trace

TO_FILE = "file:"
TO_COLLECTOR = "otlp"
"""By OTLP over HTTP to where OTEL_EXPORTER_OTLP_ENDPOINT says."""

type Attributes = dict[str, str | int]


class Tracing:
    """Makes spans and sends them somewhere; `tracing` opens one."""

    def __init__(self, provider: TracerProvider, ids: "_Ids") -> None:
        self._provider = provider
        self._spans = _Spans(provider.get_tracer("heatsteer"), ids)
        self.interceptor: Interceptor = _TracingInterceptor(self._spans)

    def transport(self, inner: Any) -> Any:
        """An httpx transport that makes a span of each request."""
        return AsyncOpenTelemetryTransport(inner, tracer_provider=self._provider, request_hook=_without_path)

    def watch_database(self, engine: Any) -> None:
        """Make a span of each statement of an (async) SQLAlchemy engine; values are not in it."""
        SQLAlchemyInstrumentor().instrument(  # tried with 2.1 by our own test, which the library does not know yet
            engine=engine.sync_engine, tracer_provider=self._provider, skip_dep_check=True
        )

    def __call__(self, event: TelemetryEvent) -> None:
        """A listener of the hub: what the ledger recorded of a command is in that command's trace.

        The line that plans a command makes the trace's first span. Any other is an event of the attempt in which it
        happened, or a span of no length where it was found outside of one (by the sweep, or in another's outbox).
        """
        if not isinstance(event, RecordedDecision):
            return
        line, trace_of_command = event.event, context_of(event.event.command_id)
        attributes = _of_event(event)
        if line.kind is EventKind.PLANNED:
            self._spans.first("command", trace_of_command, attributes, _links(line.command))
            return
        current = trace.get_current_span()
        if current.get_span_context().trace_id == _span_context(trace_of_command).trace_id:
            current.add_event(line.kind.value, attributes)
        else:
            self._spans.moment(line.kind.value, trace_of_command, attributes, [Link(current.get_span_context())])


@contextlib.contextmanager
def tracing(destination: str, service: str) -> Iterator[Tracing]:
    """Trace to `otlp` or `file:PATH` meanwhile; what was traced is sent at the end at the latest.

    Raises ValueError for another destination.
    """
    with contextlib.ExitStack() as opened:
        ids = _Ids()
        provider = TracerProvider(
            resource=Resource.create({"service.name": service}), shutdown_on_exit=False, id_generator=ids
        )
        provider.add_span_processor(BatchSpanProcessor(_exporter(destination, opened)))
        opened.callback(provider.shutdown)
        opened.callback(_forget_database)
        yield Tracing(provider, ids)


def context_of(command_id: str) -> Context:
    """The trace of a command, the same in every process."""
    return _context_of(command_trace(command_id))


def context_of_plan(revision: int) -> Context:
    """The trace of a plan revision, the same in every process."""
    return _context_of(plan_trace(revision))


def _context_of(ids: bytes) -> Context:
    root = SpanContext(
        trace_id=int.from_bytes(ids[:16]),
        span_id=int.from_bytes(ids[16:]),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return trace.set_span_in_context(NonRecordingSpan(root), Context())


def _span_context(context: Context) -> SpanContext:
    return trace.get_current_span(context).get_span_context()


class _Ids(RandomIdGenerator):
    """Random ids, but for a trace's first span: all others name it as their parent before it is there."""

    def __init__(self) -> None:
        self._given: SpanContext | None = None

    @contextlib.contextmanager
    def taken_from(self, context: Context) -> Iterator[None]:
        """The next span has these ids. Nothing may be awaited meanwhile: another's span would take them."""
        self._given = _span_context(context)
        try:
            yield
        finally:
            self._given = None

    def generate_span_id(self) -> int:
        return super().generate_span_id() if self._given is None else self._given.span_id

    def generate_trace_id(self) -> int:
        return super().generate_trace_id() if self._given is None else self._given.trace_id


class _Spans:
    """Makes spans of no length, and the first span of a trace that others joined already."""

    def __init__(self, tracer: trace.Tracer, ids: _Ids) -> None:
        self.tracer = tracer
        self._ids = ids

    def first(self, name: str, of: Context, attributes: Attributes, links: list[Link]) -> None:
        """The span that all others of this trace hang below."""
        with self._ids.taken_from(of):
            self.moment(name, Context(), attributes, links)

    def moment(self, name: str, of: Context, attributes: Attributes, links: list[Link]) -> None:
        """Something that happened now."""
        self.tracer.start_span(name, of, attributes=attributes, links=links).end()


def _exporter(destination: str, opened: contextlib.ExitStack) -> SpanExporter:
    if destination == TO_COLLECTOR:
        return OTLPSpanExporter()
    if destination.startswith(TO_FILE) and len(destination) > len(TO_FILE):
        file = opened.enter_context(Path(destination.removeprefix(TO_FILE)).open("a", encoding="utf-8"))  # noqa: SIM115
        return ConsoleSpanExporter(out=file, formatter=_line)
    raise ValueError(f"{destination!r} is no destination of traces: write {TO_COLLECTOR} or {TO_FILE}PATH")


def _line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"


def _forget_database() -> None:
    instrumentor = SQLAlchemyInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


async def _without_path(span: Span, request: RequestInfo) -> None:
    """A vendor's path names a unit, and a query may hold anything: the span keeps where it went."""
    url = urlsplit(str(request.url))
    for name in ("http.url", "url.full"):
        span.set_attribute(name, f"{url.scheme}://{url.netloc.rpartition('@')[2]}")


class _TracingInterceptor(Interceptor):
    def __init__(self, spans: _Spans) -> None:
        self._spans = spans

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 -- the SDK's name
        return _TracedActivities(super().intercept_activity(next), self._spans)


class _TracedActivities(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, spans: _Spans) -> None:
        super().__init__(following)
        self._spans = spans

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 -- the SDK's name
        given = input.args[0] if input.args else None
        command = _command_in(given)
        with (
            self._spans.tracer.start_as_current_span(
                activity.info().activity_type,
                context=_trace_of(given),
                attributes=_of_activity(given),
                links=_links(command),
                record_exception=False,  # its text may name what a trace must not
                set_status_on_exception=False,
            ) as span,
            structlog.contextvars.bound_contextvars(trace_id=f"{span.get_span_context().trace_id:032x}"),
        ):
            try:
                result = await super().execute_activity(input)
            except ApplicationError as error:
                span.set_attribute("error.type", error.type or type(error).__name__)
                if error.category is not ApplicationErrorCategory.BENIGN:
                    span.set_status(trace.StatusCode.ERROR)
                raise
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(trace.StatusCode.ERROR)
                raise
            if (revision := _revision_in(result)) is not None:  # it opened a plan
                opened: Attributes = {"heatsteer.revision": revision}
                self._spans.first("plan", context_of_plan(revision), opened, [Link(span.get_span_context())])
            return result


def _trace_of(given: Any) -> Context:
    """The trace that an activity's work belongs to: a command's, a plan revision's, what came before it (its prices and
    weather), or one of its own."""
    if (command := _command_in(given)) is not None:
        return context_of(command.command_id)
    if (revision := _revision_in(given)) is not None:
        return context_of_plan(revision)
    if hasattr(given, "price_area"):
        info = activity.info()
        return _context_of(planning_trace(f"{info.workflow_id} {info.workflow_run_id}"))
    return Context()


def _command_in(given: Any) -> Command | None:
    command = getattr(given, "command", None)
    return command if isinstance(command, Command) else None


def _revision_in(given: Any) -> int | None:
    revision = getattr(given, "revision", None)
    return revision if isinstance(revision, int) else None


def _links(command: Command | None) -> list[Link]:
    """To the plan that a command came of."""
    if command is None or command.revision is None:
        return []
    return [Link(_span_context(context_of_plan(command.revision)))]


def _of_activity(given: Any) -> Attributes:
    info = activity.info()
    attributes: Attributes = {
        "heatsteer.workflow": info.workflow_id or "",
        "heatsteer.task_queue": info.task_queue,
        "heatsteer.attempt": info.attempt,
    }
    for name in ("revision", "shard", "price_version", "price_area", "oem"):
        if isinstance(value := getattr(given, name, None), str | int):
            attributes[f"heatsteer.{name}"] = value
    return attributes | _of_command(_command_in(given))


def _of_event(event: RecordedDecision) -> Attributes:
    line = event.event
    attributes: Attributes = {
        "heatsteer.command": line.command_id,
        "heatsteer.pump": line.pump_id,
        "heatsteer.oem": event.oem or "",
        "heatsteer.write_no": line.write_no,
        "heatsteer.steered": line.at.isoformat(),
    }
    return attributes | _of_command(line.command)


def _of_command(command: Command | None) -> Attributes:
    if command is None:
        return {}
    attributes: Attributes = {
        "heatsteer.command": command.command_id,
        "heatsteer.pump": command.pump_id,
        "heatsteer.mode": command.mode.value,
        "heatsteer.authority": command.authority.value,
    }
    return attributes if command.revision is None else attributes | {"heatsteer.revision": command.revision}
