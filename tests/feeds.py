"""A market and a weather service of several areas and cells on loopback, in the wire formats of the real ones.

Protects: what a test says of an area or a cell is what a worker hears of it, and of no other.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from domain.slots import market_day_bounds

type PriceOf = Callable[[datetime], float]


@dataclass
class Feeds:
    """What is served; `silent` names price areas and cells that get no answer but an error."""

    prices: Mapping[str, PriceOf]
    """EUR/MWh by price area, as a function of the quarter-hour's local start."""
    outdoor_c: Mapping[str, float]
    """By cell."""
    tz: ZoneInfo
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    """Areas and cells in the order they were asked for."""

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, Any]:
        """Status and document."""
        name = query["bzn"] if path == "/price" else f"{float(query['latitude'])},{float(query['longitude'])}"
        self.asked.append(name)
        if name in self.silent:
            return 503, {"error": "out of order"}
        return 200, self._prices(name, query) if path == "/price" else self._weather(name, query)

    def _prices(self, area: str, query: Mapping[str, str]) -> dict[str, Any]:
        start, _ = market_day_bounds(date.fromisoformat(query["start"]), self.tz)
        _, end = market_day_bounds(date.fromisoformat(query["end"]), self.tz)
        stamps = range(int(start.timestamp()), int(end.timestamp()), 900)
        local = [datetime.fromtimestamp(stamp, tz=self.tz) for stamp in stamps]
        return {
            "license_info": f"as the test says, for {area}",
            "unix_seconds": list(stamps),
            "price": [self.prices[area](moment) for moment in local],
            "unit": "EUR / MWh",
            "deprecated": False,
        }

    def _weather(self, cell: str, query: Mapping[str, str]) -> dict[str, Any]:
        first, last = (date.fromisoformat(query[name]) for name in ("start_date", "end_date"))
        start_s = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
        hours = ((last - first).days + 1) * 24
        latitude, longitude = (float(part) for part in cell.split(","))
        return {
            "latitude": latitude,
            "longitude": longitude,
            "utc_offset_seconds": 0,
            "timezone": "GMT",
            "hourly_units": {"time": "unixtime", "temperature_2m": "°C", "shortwave_radiation": "W/m²"},
            "hourly": {
                "time": [start_s + 3600 * hour for hour in range(hours)],
                "temperature_2m": [self.outdoor_c[cell]] * hours,
                "shortwave_radiation": [0.0] * hours,
            },
        }


@contextmanager
def serving(feeds: Feeds) -> Iterator[str]:
    """Serve them; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, document = feeds.answer(parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()})
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
