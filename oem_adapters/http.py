"""What all vendors' clouds share: a call with an account's token, failures in the closed set of `domain.oem.errors`.

Protects: a call leaves at most twice (the second time with a renewed token after a 401, which surely took nothing), and
no token, secret, body, id or query is ever logged or raised.
"""

import asyncio
import json
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import structlog
from pydantic import SecretStr, TypeAdapter, ValidationError

from domain.oem.calls import CallFate, CallListener
from domain.oem.credentials import AccountCredentials, StoredToken
from domain.oem.errors import AuthExpired, Malformed, OemError, RateLimited, Unavailable
from domain.oem.manifest import Manifest
from domain.oem.spending import SharedAccounts
from oem_adapters.answers import exchange
from oem_adapters.budget import CallBudget, left_named, quotas_named, resting_until
from oem_adapters.calls import CallBook, fate_of
from oem_adapters.failures import status_failure, transport_failure
from oem_adapters.shared_count import SharedCount
from oem_adapters.timeouts import WallTimeouts
from oem_adapters.tokens import TokenKeeper

log = structlog.get_logger(__name__)

type Refusals = Callable[[str, httpx.Response, bool, datetime], OemError | None]
"""A vendor's own words for a refusal: what was called, its answer outside of 2xx, whether it writes, and steered now;
None where the answer's status says all."""


@dataclass(frozen=True)
class Call:
    """One request. The route is a template, so that logs and errors can name it without naming a home."""

    method: str
    route: str
    ids: Mapping[str, str] = field(default_factory=dict)
    """What fills the route's braces."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    @property
    def path(self) -> str:
        return self.route.format_map({name: quote(value, safe="") for name, value in self.ids.items()})


class CloudClient:
    """Sends calls of one vendor's accounts over an injected client, which several adapters may share."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        vault: SharedAccounts,
        manifest: Manifest,
        timeouts: WallTimeouts,
        headers: Mapping[str, str] | Callable[[AccountCredentials], Mapping[str, str]] | None = None,
        on_call: CallListener | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self._http = http
        self._oem = manifest.oem
        self._calls = CallBook(manifest.oem, manifest.quotas, on_call)
        self._tokens = TokenKeeper(http, vault, self._calls, manifest.authentication, timeouts)
        self._timeouts = timeouts
        self._headers = headers or {}
        self._quotas = manifest.quotas
        self._budget = CallBudget(manifest.quotas)
        self._count = SharedCount(manifest.oem, manifest.quotas, vault)
        self._refusals = refusals

    def describe(self, call: Call) -> str:
        """How errors name a call."""
        return f"{self._oem} {call.method} {call.route}"

    async def send(self, account_id: str, call: Call, now: datetime, urgent: bool = False) -> httpx.Response:
        """The cloud's 2xx answer; raises any of the closed set. `now` is steered.

        `urgent` may use the part of the budget that is kept from routine calls.
        """
        what = self.describe(call)
        credentials = await self._tokens.credentials(account_id)
        self._budget.declare(account_id, credentials.quotas)
        self._budget.check(account_id, what, now, urgent)  # before a token is renewed for a call that will not leave
        token = await self._tokens.current(credentials, now)
        answer = await self._once(credentials, call, token, now, urgent)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._calls.answered(account_id, now, CallFate.REFUSED, call.is_write)
            token = await self._tokens.renew(credentials, token, now)
            answer = await self._once(credentials, call, token, now, urgent)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                self._calls.answered(account_id, now, CallFate.CREDENTIALS, call.is_write)
                raise AuthExpired(f"{what}: the cloud does not accept a newly issued token of account {account_id}.")
        told = None if answer.is_success or self._refusals is None else self._refusals(what, answer, call.is_write, now)
        fate, took_s = fate_of(answer.status_code, told), answer.elapsed.total_seconds()
        self._calls.answered(account_id, now, fate, call.is_write, answer.headers, took_s=took_s)
        if isinstance(told, RateLimited):
            self._budget.close(account_id, told.retry_at)
        elif told is None and answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            told = self._budget.refused(account_id, what, answer.headers, now)
        elif told is None:
            rest = resting_until(answer.status_code, answer.headers, now)
            told = status_failure(what, answer.status_code, call.is_write, rest)
        if told is not None:
            raise told
        return answer

    async def fetch[Shape](
        self, account_id: str, call: Call, shape: TypeAdapter[Shape], now: datetime, urgent: bool = False
    ) -> Shape:
        """As `send`, with the answer's JSON in a shape; raises Malformed where it has another."""
        answer = await self.send(account_id, call, now, urgent)
        try:
            return shape.validate_json(answer.content)
        except ValidationError as broken:
            # Place and kind of the first fault only: pydantic's own text repeats the input.
            first = broken.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise Malformed(f"{self.describe(call)}: {place} cannot be read ({first['type']}).")

    async def _once(
        self, credentials: AccountCredentials, call: Call, token: StoredToken, now: datetime, urgent: bool
    ) -> httpx.Response:
        account_id, what = credentials.account_id, self.describe(call)
        begun = time.monotonic()
        counted = await self._count.spend(credentials, what, now, urgent)
        outcome: httpx.Response | OemError
        try:
            with self._budget.spend(account_id, what, now, urgent) as spending:
                outcome = await self._exchange(credentials, call, token, now)
                if _was_free(outcome):
                    spending.not_counted()
                elif isinstance(outcome, httpx.Response):
                    spending.learn(outcome.headers, now)
        except RateLimited:
            await self._count.take_back(counted)  # it never left
            raise
        if _was_free(outcome):
            await self._count.take_back(counted, has_arrived=isinstance(outcome, httpx.Response))
        elif isinstance(outcome, httpx.Response):
            self._count.learn(account_id, quotas_named(outcome.headers, self._quotas))
            self._count.learn_left(counted, left_named(outcome.headers))
        told = type(outcome).__name__ if isinstance(outcome, OemError) else outcome.status_code
        log.debug(
            "cloud called",
            oem=self._oem,
            account_id=account_id,
            method=call.method,
            route=call.route,
            outcome=told,
            wall_ms=round((time.monotonic() - begun) * 1000),
        )
        if isinstance(outcome, OemError):
            raise outcome
        return outcome

    async def _exchange(
        self, credentials: AccountCredentials, call: Call, token: StoredToken, now: datetime
    ) -> httpx.Response | OemError:
        """One exchange. Errors are returned: a raised one would chain an exception that holds the request's headers."""
        own = self._headers(credentials) if callable(self._headers) else self._headers
        headers = {"Accept": "application/json", **own}
        content = None
        if call.body is not None:
            headers["Content-Type"] = call.content_type
            content = json.dumps(call.body, allow_nan=False)
        try:
            async with asyncio.timeout(self._timeouts.whole_s):
                return await exchange(
                    self._http,
                    call.method,
                    credentials.api_url.rstrip("/") + call.path,
                    params=call.query or None,
                    content=content,
                    headers=headers,
                    auth=_Bearer(token.access_token),
                    timeout=self._timeouts.as_httpx(),
                    follow_redirects=False,  # a token goes to its own cloud and nowhere else
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            self._calls.failed(credentials.account_id, now, error, call.is_write)
            return transport_failure(self.describe(call), error)


def _was_free(outcome: httpx.Response | OemError) -> bool:
    """Whether a call cost its account nothing: it never arrived, or as a stranger's, of whom its headers speak then."""
    match outcome:
        case Unavailable(maybe_taken=False):
            return True
        case httpx.Response(status_code=httpx.codes.UNAUTHORIZED):
            return True
    return False


class _Bearer(httpx.Auth):
    """Puts the token on a request at the last moment, so that no local variable of ours holds it in the clear."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request
