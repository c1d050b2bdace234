"""Metrics over HTTP: served while they should be, and never at the price of the work."""

import socket

import pytest
from structlog.testing import capture_logs

from telemetry.counting import EventCounter
from telemetry.runtime import temporal_runtime
from telemetry.serving import host_and_port, serving
from tests.telemetry.exposition import scraped, value


def test_a_registry_is_served_at_the_port_that_was_bound() -> None:
    with serving(EventCounter(["nibe"]).registry, "127.0.0.1:0") as address:
        assert address is not None
        assert address != "127.0.0.1:0"
        assert value(scraped(address), "heatsteer_vendor_call_duration_seconds_count", {"oem": "nibe"}) == 0


def test_an_address_that_somebody_else_has_is_said_once_and_the_work_goes_on() -> None:
    with socket.socket() as other, capture_logs() as lines:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with serving(EventCounter([]).registry, taken) as address:
            assert address is None
        temporal_runtime(taken)
    assert [(line["event"], line["address"]) for line in lines] == [
        ("metrics not served", taken),
        ("Temporal's metrics not served", taken),
    ]


@pytest.mark.parametrize("text", ["9464", "localhost", ":9464", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:http"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write host:port"):
        host_and_port(text)
