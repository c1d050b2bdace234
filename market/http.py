"""Asking a source over HTTP: one GET with a bounded body; every failure becomes an error with a sentence.

Protects: a source that is down, slow or endless costs one failed request, never a worker; no secret is shown.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

import httpx

from market.documents import MAX_DOCUMENT_BYTES, clip, read_object, too_large
from market.errors import BadDocument, SourceUnavailable
from market.rows import Question

TIMEOUT = httpx.Timeout(20.0, connect=10.0)
"""Wall seconds. Forecasts are computed on demand, which can take a while; nothing urgent waits for prices."""

NOTHING_THERE = (204, 404)
WHOLE_DOCUMENT = (200, 203)
OUR_QUESTION = (400, 422)
NOT_MODIFIED = 304
MOST_ANSWERS = 256
LONGEST_FRESH_S = 86_400.0
SECRET_PARAMS = frozenset({"securitytoken", "apikey", "api_key", "token"})

Params = dict[str, str]


def address_of(base_url: str, path: str, params: Params) -> httpx.URL:
    """The address of a question; raises `SourceUnavailable` where the configured base URL is not one."""
    try:
        url = httpx.URL(base_url.rstrip("/") + path)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceUnavailable(f"{clip(base_url)!r} is no http address; correct the source's base URL.")
    return url.copy_merge_params(params)  # what the configured address asks for itself stays


def shown(url: httpx.URL) -> str:
    """An address as error messages show it: without user name, password and token."""
    hidden = {name: "..." for name in url.params if name.casefold() in SECRET_PARAMS}
    return str(url.copy_with(userinfo=b"").copy_merge_params(hidden) if hidden else url.copy_with(userinfo=b""))


@dataclass(frozen=True)
class _Answer:
    """A whole body, and for how long it may be used again."""

    body: bytes
    last_modified: str | None
    fresh_until_s: float


class Answers:
    """Bodies of earlier answers by address, for as long as their source lets us use them again (`Expires`).

    After that the source is asked whether they changed (`If-Modified-Since`), which costs it next to nothing. Only
    sources that send these headers are remembered.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_url: dict[str, _Answer] = {}

    def fresh(self, url: httpx.URL) -> bytes | None:
        """The body that need not be asked for again yet."""
        known = self._by_url.get(str(url))
        return known.body if known is not None and self._clock() < known.fresh_until_s else None

    def condition(self, url: httpx.URL) -> dict[str, str]:
        """The header that asks for a body only where it changed."""
        known = self._by_url.get(str(url))
        return {"If-Modified-Since": known.last_modified} if known is not None and known.last_modified else {}

    def unchanged(self, url: httpx.URL, response: httpx.Response) -> bytes:
        """The body that a 304 is about."""
        known = self._by_url[str(url)]
        self._by_url[str(url)] = replace(known, fresh_until_s=self._clock() + _fresh_for_s(response))
        return known.body

    def keep(self, url: httpx.URL, response: httpx.Response, body: bytes) -> None:
        """Remember a whole answer whose source says how long it is good."""
        last_modified, fresh_for_s = response.headers.get("Last-Modified"), _fresh_for_s(response)
        if last_modified is None and not fresh_for_s:
            return
        while len(self._by_url) >= MOST_ANSWERS:
            del self._by_url[next(iter(self._by_url))]
        self._by_url[str(url)] = _Answer(body, last_modified, self._clock() + fresh_for_s)


async def get_document(
    client: httpx.AsyncClient, url: httpx.URL, question: Question, answers: Answers | None = None
) -> bytes | None:
    """The body of an answer; None where the source has nothing (204, 404).

    Raises `SourceUnavailable` for every other refusal and for a source that cannot be reached, `BadDocument` for a body
    beyond `MAX_DOCUMENT_BYTES`. With `answers`, a body that the source says is still good is not asked for again.
    """
    sent = {"Accept": "application/json"} | question.headers | (answers.condition(url) if answers is not None else {})
    try:
        async with client.stream("GET", url, timeout=TIMEOUT, headers=sent) as response:
            if response.status_code in NOTHING_THERE:
                return None
            if response.status_code == NOT_MODIFIED and answers is not None and "If-Modified-Since" in sent:
                return answers.unchanged(url, response)
            body = await _bounded_body(response, shown(url))
    except httpx.TimeoutException:
        raise SourceUnavailable(f"{shown(url)} did not answer in time; ask again later.") from None
    except httpx.DecodingError:
        raise SourceUnavailable(f"{shown(url)} sent a body that cannot be unpacked; ask again later.") from None
    except httpx.RequestError as error:
        why = clip(str(error), 120) or type(error).__name__
        raise SourceUnavailable(f"{shown(url)} cannot be reached ({why}); ask again later.") from None
    if response.status_code not in WHOLE_DOCUMENT and response.status_code not in question.also_read:
        raise _refusal(response, body, shown(url))
    if answers is not None:
        answers.keep(url, response, body)
    return body


def _fresh_for_s(response: httpx.Response) -> float:
    """Seconds for which an answer is good, by its source's own clock; 0 where it does not say."""
    try:
        expires, sent = (parsedate_to_datetime(response.headers[name]) for name in ("Expires", "Date"))
        return min(max((expires - sent).total_seconds(), 0.0), LONGEST_FRESH_S)
    except (KeyError, ValueError, TypeError, OverflowError):
        return 0.0


async def _bounded_body(response: httpx.Response, origin: str) -> bytes:
    # Counted after decompression, so that a small archive of a huge body is not unpacked either.
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_DOCUMENT_BYTES:
            raise too_large(origin)
        chunks.append(chunk)
    return b"".join(chunks)


def _refusal(response: httpx.Response, body: bytes, origin: str) -> SourceUnavailable:
    status = response.status_code
    reason = reason_of(body, origin)
    said = f" ({reason})" if reason else ""
    if status in OUR_QUESTION:
        return SourceUnavailable(f"{origin} refused the question with {status}{said}; correct the request.")
    if status in (401, 403):
        return SourceUnavailable(f"{origin} denied access with {status}{said}; check the terms of the source.")
    if response.is_redirect:
        return SourceUnavailable(f"{origin} has moved ({status}); correct the source's base URL.")
    return SourceUnavailable(f"{origin} answered {status}{said}; ask again later.", _retry_after_s(response))


def reason_of(body: bytes, origin: str) -> str:
    """The reason that an error body gives, clipped; empty where it gives none."""
    try:
        document = read_object(body, origin)
    except BadDocument:
        return ""
    for key in ("reason", "message", "detail", "error"):
        said = document.get(key)
        if isinstance(said, str) and said.strip():
            return clip(said, 160)
    return ""


def _retry_after_s(response: httpx.Response) -> float | None:
    # The other form of this header, a date, is ignored: its clock need not agree with ours.
    text = response.headers.get("Retry-After", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
