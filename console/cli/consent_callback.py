"""Waits on loopback for the redirect with which a vendor answers a request for consent.

Protects: nothing but the answer to this request is taken: another path, another state or a malformed request is refused
and waited past; the code is neither shown nor logged.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from domain.oem.errors import AuthExpired
from oem_adapters.consent import ConsentRequest

CALLBACK_PATH = "/callback"
LONGEST_HEAD = 16_384
_PAGE = "<!doctype html><meta charset=utf-8><title>heatsteer</title><p>{}</p>"


@dataclass
class Callback:
    """A server on loopback that waits for one answer."""

    redirect_uri: str
    _queries: "asyncio.Queue[tuple[dict[str, str], asyncio.Future[str]]]"

    async def code(self, request: ConsentRequest, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> str:
        """The code that answers a request; raises AuthExpired where consent was refused or did not come in time."""
        try:
            async with asyncio.timeout((request.expires_at - now()).total_seconds()):
                while True:
                    query, said = await self._queries.get()
                    try:
                        code = request.code_in(query, now())
                    except AuthExpired as refusal:
                        said.set_result(str(refusal))
                        if query.get("state") == request.state:
                            raise
                        continue  # somebody else's, or a forged one: the right answer may still come
                    said.set_result("Consent received: you may close this page and go back to the terminal.")
                    return code
        except TimeoutError:
            raise AuthExpired("No consent came within ten minutes: begin again.") from None


@contextlib.asynccontextmanager
async def waiting_callback(port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[Callback]:
    """Serve the redirect address while inside; `port` 0 takes a free one. Raises OSError where the port is taken.

    `host` stands in the address that the vendor sends people to; what is listened on is always loopback.
    """
    queries: asyncio.Queue[tuple[dict[str, str], asyncio.Future[str]]] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            async with asyncio.timeout(10):
                query = _query(await reader.readuntil(b"\r\n\r\n"))
                if query is None:
                    _answer(writer, 404, "There is nothing here.")
                else:
                    said: asyncio.Future[str] = asyncio.get_running_loop().create_future()
                    queries.put_nowait((query, said))
                    _answer(writer, 200, await said)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=LONGEST_HEAD)
    async with server:
        taken = server.sockets[0].getsockname()[1]
        yield Callback(f"http://{host}:{taken}{CALLBACK_PATH}", queries)
        await asyncio.sleep(0)  # the page that was promised leaves before the server does


def _query(head: bytes) -> dict[str, str] | None:
    """The query of a request for the callback; None for any other request."""
    parts = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(parts) != 3 or parts[0] != "GET":
        return None
    url = urlsplit(parts[1])
    return dict(parse_qsl(url.query)) if url.path.rstrip("/") == CALLBACK_PATH else None


def _answer(writer: asyncio.StreamWriter, status: int, sentence: str) -> None:
    page = _PAGE.format(sentence).encode()
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not Found'}\r\nContent-Type: text/html\r\n"
        f"Content-Length: {len(page)}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
        "Connection: close\r\n\r\n"
    )
    writer.write(head.encode() + page)
