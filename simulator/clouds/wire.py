"""Answers on the wire, including the one that never comes.

Protects: a cut connection is really cut, without a status line, as when a cloud's front end dies.
"""

import asyncio
import json
import socket
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_OPEN: dict[tuple[str, int], asyncio.Transport] = {}


class CuttableProtocol(H11Protocol):
    """HTTP as uvicorn speaks it, with its connections known by the peer's address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does this itself only for sockets whose protocol number is written out; without it every answer
        # waits 40 ms for the client's delayed acknowledgement.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.client is not None:
            _OPEN[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _OPEN.pop(self.client, None)
        super().connection_lost(exc)


class CutOff(Response):
    """Closes the connection instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the interface
        transport = _OPEN.get(tuple(scope.get("client") or ()))
        if transport is not None:
            transport.abort()
        # The server must have seen the loss before this returns: it would otherwise answer 500 itself.
        while (await receive())["type"] != "http.disconnect":
            pass


class Answer(Response):
    """A JSON answer, or an empty one."""

    media_type = "application/json"

    def __init__(self, body: Any = None, status: int = 200, headers: dict[str, str] | None = None) -> None:
        content = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        super().__init__(content, status, headers)


_REASONS = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}


def html_error(status: int) -> Response:
    """The page that a cloud's front end shows where its back end is down."""
    page = f"<html><head><title>{status}</title></head><body><h1>{_REASONS[status]}</h1></body></html>"
    return Response(page, status, media_type="text/html")


async def read_json(request: Request) -> Any:
    """The body as JSON; raises ValueError."""
    return json.loads(await request.body())


def query_of(request: Request, known: frozenset[str]) -> dict[str, str]:
    """Query parameters, each once; raises ValueError naming one that is unknown or repeated."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise ValueError(f"unknown parameter {name!r}")
        if name in found:
            raise ValueError(f"parameter {name!r} given twice")
        found[name] = value
    return found
