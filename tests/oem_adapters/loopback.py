"""A cloud on loopback that does exactly as told: answers, cuts, hangs or drips.

Protects: transport failures in tests are real ones, made by a socket and not by a mock.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def bearer(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Answer:
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    """Sent instead of the body's JSON."""


CUT = "cut the connection after reading the request"
HANG = "read the request and never answer"
DRIP = "send an answer byte by byte, without end"
FLOOD = "send an answer as fast as it is taken, without end"

type Reply = Answer | str
type Handler = Callable[[Request], Reply | Awaitable[Reply]]


class Loopback:
    """Routes by (method, path); a route is a reply, a list of replies (the last one repeats) or a function."""

    def __init__(self) -> None:
        self.base_url = ""
        self.requests: list[Request] = []
        self.flooded = 0
        """Bytes of endless answers that were taken."""
        self._routes: dict[tuple[str, str], Handler] = {}
        self._otherwise: Handler | None = None

    def on(self, method: str, path: str, *replies: Reply | Handler) -> None:
        queue = list(replies)

        def next_reply(request: Request) -> Reply | Awaitable[Reply]:
            reply = queue.pop(0) if len(queue) > 1 else queue[0]
            return reply(request) if callable(reply) else reply

        self._routes[method, path] = next_reply

    def otherwise(self, handler: Handler) -> None:
        """Who answers requests without a route of their own."""
        self._otherwise = handler

    def asked(self, method: str, path: str) -> list[Request]:
        return [r for r in self.requests if (r.method, r.path) == (method, path)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await _read(reader)
        self.requests.append(request)
        route = self._routes.get((request.method, request.path), self._otherwise)
        reply = route(request) if route is not None else Answer({"error": "no such route"}, 404)
        if not isinstance(reply, Answer | str):
            reply = await reply
        if isinstance(reply, Answer):
            content = reply.raw if reply.raw is not None else json.dumps(reply.body).encode()
            headers = {"Content-Length": str(len(content)), **reply.headers}
            head = f"HTTP/1.1 {reply.status} Told\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items())
            writer.write(head.encode() + b"\r\n" + content)
            await writer.drain()
            return True
        if reply == HANG:
            await asyncio.sleep(60)
        if reply == DRIP:
            writer.write(b"HTTP/1.1 200 Told\r\nContent-Length: 100000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        if reply == FLOOD:
            writer.write(b"HTTP/1.1 200 Told\r\nContent-Length: 10000000000\r\n\r\n")
            while True:
                writer.write(b"[" * 65536)
                await writer.drain()
                self.flooded += 65536
        return False


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    url = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    return Request(method, url.path, query, headers, body)


@contextlib.asynccontextmanager
async def running_cloud() -> AsyncIterator[Loopback]:
    cloud = Loopback()
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await cloud._serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            connections.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    cloud.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield cloud
    finally:
        for task in list(connections):
            task.cancel()
        server.close()
        await server.wait_closed()
