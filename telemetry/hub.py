"""The hub: events are reported to it, and it passes each one to every listener.

Protects: a listener that fails harms neither the work nor the other listeners.
"""

import structlog

from telemetry.events import Listener, TelemetryEvent

log = structlog.get_logger(__name__)


class Telemetry:
    """Fans events out. It is itself a listener, so it fits wherever a port asks for one."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners
        self._failed: set[Listener] = set()

    def subscribe(self, listener: Listener) -> None:
        """Pass every event to `listener` from now on."""
        self._listeners = (*self._listeners, listener)

    def __call__(self, event: TelemetryEvent) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001 -- whatever a listener raises, the work goes on
                self._complain(listener, event, error)

    def _complain(self, listener: Listener, event: TelemetryEvent, error: Exception) -> None:
        """Once per listener: one that fails at every event must not fill the log as well."""
        if listener not in self._failed:
            self._failed.add(listener)
            log.warning(
                "telemetry listener failed",
                listener=getattr(listener, "__qualname__", type(listener).__qualname__),
                telemetry_event=type(event).__name__,
                error=type(error).__name__,
            )
