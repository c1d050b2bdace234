"""One HTTP exchange whose answer is read into memory up to a limit.

Protects: a cloud that answers without end, or with something else than its documents, costs no worker its memory.
"""

import time
from datetime import timedelta
from typing import Any

import httpx

MOST_BYTES = 8 * 1024 * 1024
"""Unpacked. The longest answers seen are of some hundred kilobytes for a unit, and a list holds a page of units."""

_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that speak of the packed answer."""


class AnswerTooLong(httpx.DecodingError):
    """The answer went on beyond what any answer of an API needs."""


async def exchange(http: httpx.AsyncClient, method: str, url: str, **given: Any) -> httpx.Response:
    """Send a request and read its answer; `given` as for httpx's `AsyncClient.stream`.

    Raises what httpx raises, and AnswerTooLong.
    """
    begun = time.monotonic()
    async with http.stream(method, url, **given) as answer:
        content = bytearray()
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > MOST_BYTES:
                raise AnswerTooLong(f"more than {MOST_BYTES} bytes", request=answer.request)
        headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _OF_THE_WIRE]
        whole = httpx.Response(answer.status_code, headers=headers, content=bytes(content), request=answer.request)
        whole.elapsed = timedelta(seconds=time.monotonic() - begun)
        return whole
