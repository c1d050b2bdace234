"""The Temporal SDK's runtime, with its own metrics served to Prometheus where an address is given.

Protects: one runtime per process; without an address it costs nothing.
"""

from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig


def temporal_runtime(metrics_address: str | None) -> Runtime:
    """A runtime for `Client.connect`; `metrics_address` is host:port of a /metrics endpoint of the SDK's own.

    Raises ValueError where the address cannot be bound.
    """
    if metrics_address is None:
        return Runtime.default()
    metrics = PrometheusConfig(
        bind_address=metrics_address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    return Runtime(telemetry=TelemetryConfig(metrics=metrics))
