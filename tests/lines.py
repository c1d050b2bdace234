"""A TCP line between two processes that a test can cut and mend, as networks do.

Protects: a cut line is cut for everybody: what was open is reset, what is tried anew is hung up on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

CHUNK = 65536


class Line:
    """A line to one address; made by `laid_to`."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self._to = (host, port)
        self._is_up = True
        self._open: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Reset what is open, and let nothing through until `mend`."""
        self._is_up = False
        for writer in tuple(self._open):
            writer.transport.abort()

    def mend(self) -> None:
        """Let it through again."""
        self._is_up = True

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until an end hangs up or the line is cut."""
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        self._open.add(writer)
        try:
            if not self._is_up:
                return
            far_reader, far_writer = await asyncio.open_connection(*self._to)
            self._open.add(far_writer)
            try:
                await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))
            finally:
                self._hang_up(far_writer)
        except OSError:
            return
        finally:
            self._hang_up(writer)
            self._carrying.discard(task)

    def _hang_up(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.transport.abort()

    async def close(self) -> None:
        """Cut it for good."""
        self.cut()
        await asyncio.gather(*self._carrying, return_exceptions=True)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.transport.abort()


@contextlib.asynccontextmanager
async def laid_to(host: str, port: int) -> AsyncIterator[Line]:
    """A line from a free port of this machine (`Line.port`) to an address."""
    line = Line(host, port)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        await line.close()
        await server.wait_closed()
