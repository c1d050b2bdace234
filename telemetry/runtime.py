"""The Temporal SDK's runtime, with its own metrics served to Prometheus where an address is given.

Protects: one runtime per process; without an address it costs nothing.
"""

import structlog
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

log = structlog.get_logger(__name__)


def temporal_runtime(metrics_address: str | None) -> Runtime:
    """A runtime for `Client.connect`; `metrics_address` is host:port of a /metrics endpoint of the SDK's own.

    An address that cannot be bound costs the metrics and never the work.
    """
    if metrics_address is None:
        return Runtime.default()
    metrics = PrometheusConfig(
        bind_address=metrics_address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=metrics))
    except (RuntimeError, ValueError) as error:
        log.warning("Temporal's metrics not served", address=metrics_address, reason=str(error)[:200])
        return Runtime.default()
