"""Serves a registry of metrics over HTTP to whoever scrapes it.

Protects: it answers from a thread of its own, so a busy event loop still tells how it is; an address that cannot be
bound costs the metrics and never the work.
"""

import contextlib
from collections.abc import Iterator

import structlog
from prometheus_client import CollectorRegistry, start_http_server

log = structlog.get_logger(__name__)


def host_and_port(address: str) -> tuple[str, int]:
    """Of "host:port"; raises ValueError for anything else. Port 0 lets the system choose."""
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) < 65536):
        raise ValueError(f"{address!r} is no address: write host:port, for instance 127.0.0.1:9464")
    return host.strip("[]"), int(port)


@contextlib.contextmanager
def serving(registry: CollectorRegistry, address: str) -> Iterator[str | None]:
    """Serve `/metrics` meanwhile; yields the address with the port that was bound, None where it could not be.

    Raises ValueError for what is no address.
    """
    host, port = host_and_port(address)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        log.warning("metrics not served", address=address, reason=error.strerror or type(error).__name__)
        yield None
        return
    try:
        yield f"{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
