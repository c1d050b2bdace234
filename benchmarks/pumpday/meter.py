"""The server's own count of billable actions, read from its metrics page.

Protects: what the histories say is checked against what the server would have billed.
"""

import asyncio
import re
from collections import Counter

import httpx
import psutil

from embedded.temporal_server import NAMESPACE, TemporalServer

_LINE = re.compile(r"^action\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
HEARTBEATS = "grpc_RecordActivityTaskHeartbeat"
UPSERTS = "command_UpsertWorkflowSearchAttributes"
REPORTED_WITHIN_S = 1.5
"""The server brings its counts to the page once a second."""


class NoMeter(Exception):
    """The server shows no counter of actions."""


class ActionMeter:
    """Reads the counter `action` of a development server."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url

    async def read(self) -> Counter[str]:
        """Actions since the server's start in the namespace, by the server's own kinds."""
        await asyncio.sleep(REPORTED_WITHIN_S)
        answer = await self._http.get(self._url, timeout=10.0)
        answer.raise_for_status()
        counts: Counter[str] = Counter()
        for line in _LINE.finditer(answer.text):
            labels = dict(_LABEL.findall(line["labels"]))
            if labels.get("namespace") == NAMESPACE and float(line["count"]):
                counts[labels.get("action_type", "unknown")] += round(float(line["count"]))
        return counts


async def find_meter(http: httpx.AsyncClient, server: TemporalServer) -> ActionMeter:
    """The metrics page is on a free port of the server's own choice; raises NoMeter where none is found."""
    root = psutil.Process(server.child.pid)
    for process in (root, *root.children(recursive=True)):
        for connection in process.net_connections("inet"):
            if connection.status != psutil.CONN_LISTEN:
                continue
            url = f"http://127.0.0.1:{connection.laddr.port}/metrics"
            try:
                answer = await http.get(url, timeout=5.0)
            except httpx.HTTPError:
                continue  # a gRPC port
            if "# TYPE action counter" in answer.text:
                return ActionMeter(http, url)
    raise NoMeter("the Temporal server shows no counter of actions: was it replaced by another version?")
