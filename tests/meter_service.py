"""A service of whole-house meters on loopback, in the format `interval-json`: a list of `{"pump", "start", "kwh"}`.

`GET /intervals?from=INSTANT&to=INSTANT[&pump=PUMP]` with a bearer token answers with the intervals that begin in that
time, of all its houses or of one; 204 where it has none, 401 without the token.

Protects: what a test says that a house drew is what a worker hears, and only if it asks rightly.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "of-the-meters"


@dataclass
class MeterService:
    """What it knows, and what it was asked."""

    kwh: dict[str, dict[datetime, float]] = field(default_factory=dict)
    """By pump, by the start of a slot."""
    is_down: bool = False
    asked: list[Mapping[str, str]] = field(default_factory=list)
    base_url: str = ""

    @property
    def of_area(self) -> str:
        """The address that names no pump."""
        return f"{self.base_url}/intervals?from={{from}}&to={{to}}"

    @property
    def of_home(self) -> str:
        """The address that names one."""
        return f"{self.of_area}&pump={{pump}}"

    def answer(self, query: Mapping[str, str], token: str | None) -> tuple[int, bytes]:
        """Status and body."""
        self.asked.append(query)
        if self.is_down:
            return 503, b""
        if token != f"Bearer {TOKEN}":
            return 401, b""
        start, end = datetime.fromisoformat(query["from"]), datetime.fromisoformat(query["to"])
        found = [
            {"pump": pump, "start": at.isoformat(), "kwh": kwh}
            for pump, slots in self.kwh.items()
            if query.get("pump") in (None, pump)
            for at, kwh in slots.items()
            if start <= at < end
        ]
        return (200, json.dumps(found).encode()) if found else (204, b"")


@contextmanager
def serving_meters() -> Iterator[MeterService]:
    """Serve one."""
    service = MeterService()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            status, body = service.answer(query, self.headers.get("Authorization"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    service.base_url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
