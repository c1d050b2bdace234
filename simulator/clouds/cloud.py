"""The front door that all fake clouds share: outage, token, quota, faults, and only then the vendor's own answer.

Protects: accepting is not applying; a fault strikes at every vendor in the same order and leaves the same lines in the
truth log. A vendor's folder adds its routes, its wire format and its dialect of refusals, and nothing else.
"""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.clouds.delivery import Delays, Delivery, Setting, Write
from simulator.clouds.oauth import Grant, TokenServer
from simulator.clouds.quota import Allowance
from simulator.clouds.wire import Answer, CutOff, html_error
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.homes.make import Make
from simulator.levers import Lever

ANONYMOUS = "anonymous"
ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Refusal(Exception):
    """The cloud refuses a request for what it says; `code` is the vendor's own word for why."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Endpoint:
    """One kind of request that a cloud knows."""

    name: str
    pattern: re.Pattern[str]
    methods: tuple[str, ...]
    writes: frozenset[str] = frozenset()
    """The methods among them that change something at a unit."""


def endpoint(name: str, pattern: str, *methods: str, writes: Iterable[str] = ()) -> Endpoint:
    """An endpoint whose path matches a pattern; the group `device` names the unit it is about."""
    return Endpoint(name, re.compile(pattern), methods, frozenset(writes))


@dataclass(frozen=True)
class Call:
    """One request, its endpoint known."""

    endpoint: Endpoint
    request: Request
    body: bytes
    parts: Mapping[str, str]
    """The named groups of the path."""
    home: Home | None
    device: str
    """What the dice know the device by; the cloud's own name where the request is about none."""
    number: int
    """The request's number among those about the device, for the dice."""

    @property
    def is_write(self) -> bool:
        return self.request.method in self.endpoint.writes

    @property
    def media_type(self) -> str:
        """Content type without its parameters."""
        return media_type(self.request)


class VendorCloud(ABC):
    """A fake cloud. Subclasses say what is the vendor's own."""

    endpoints: Sequence[Endpoint]
    token_path: str
    authorize_path: str
    prefixes: tuple[str, ...]
    """Paths below which this cloud answers, without a slash at their end."""
    dice_name = "cloud"
    """What the dice know requests by that are about no device."""

    def __init__(
        self, make: Make, fleet: SimulatedFleet, stopping: asyncio.Event, tokens: TokenServer, delays: Delays
    ) -> None:
        self.oem = make.oem
        self.fleet = fleet
        self.switchboard = fleet.switchboard
        self.homes = fleet.homes_of(make.oem)
        self.by_device = {home.unit.identity.device_id: home for home in self.homes}
        self.tokens = tokens
        tokens.wait_longer(fleet.config.clock.speed)
        self.delivery = Delivery(fleet, delays)
        self._stopping = stopping

    def routes(self) -> list[Route]:
        """The routes of this cloud's host."""
        below = [Route(f"{prefix}/{{rest:path}}", self.answer, methods=ANY_METHOD) for prefix in self.prefixes]
        token = Route(self.token_path, self.token, methods=["POST"])
        return [token, Route(self.authorize_path, self.authorize, methods=["GET"]), *below]

    async def token(self, request: Request) -> Response:
        """The token endpoint."""
        body = await request.body()
        now_s = self.fleet.advance()
        down = await self._outage(request, None, now_s)
        if down is None and self._is_revoked(self.dice_name, self.switchboard.dice.next_request("token"), now_s):
            return Answer({"error": "invalid_grant", "error_description": "the consent was revoked"}, 400)
        return down or self.tokens.answer(body, media_type(request), request.headers.get("authorization"), now_s)

    async def authorize(self, request: Request) -> Response:
        """The page on which a person consents."""
        now_s = self.fleet.advance()
        down = await self._outage(request, None, now_s)
        return down or self.tokens.authorize(dict(request.query_params), now_s)

    async def answer(self, request: Request) -> Response:
        """Any other request."""
        body = await request.body()
        now_s = self.fleet.advance()
        call = self._understand(request, body)
        if isinstance(call, Response):
            down = await self._outage(request, None, now_s)
            return down or self._stamped(call, self.charge(ANONYMOUS, None, now_s))
        write = self._write(call, None) if call.is_write else None
        down = await self._outage(request, write, now_s)
        if down is not None:
            return down
        if self.is_public(call):
            return self._stamped(self.serve(call, None, None, now_s), self.charge(ANONYMOUS, call, now_s))
        token = bearer(request)
        grant = self.tokens.grant(token, now_s)
        if grant is None:
            return self._unauthorised(call, write, token, now_s)
        write = self._write(call, grant) if call.is_write else None
        allowance = self._cut(self.charge(self.payer(grant), call, now_s))
        struck = await self._fault(call, write, token or "", grant, allowance, now_s)
        return struck or self._stamped(self.serve(call, write, grant, now_s), allowance)

    def _understand(self, request: Request, body: bytes) -> Call | Response:
        for known in self.endpoints:
            match = known.pattern.fullmatch(request.url.path)
            if match is None:
                continue
            if request.method not in known.methods:
                return self.method_not_allowed(known.methods)
            parts = {name: value for name, value in match.groupdict().items() if value is not None}
            device = parts.get("device", "")
            home = self.by_device.get(device)
            name = device or self.dice_name
            number = self.switchboard.dice.next_request(name)
            return Call(known, request, body, parts, home, name, number)
        return self.no_such_path()

    def _write(self, call: Call, grant: Grant | None) -> Write:
        client = grant.client if grant else None
        return Write(call.home, call.device, call.number, client, tuple(self.named(call)))

    async def _outage(self, request: Request, write: Write | None, now_s: float) -> Response | None:
        """Count a call, and answer it as an outage does; None outside of one."""
        path = request.url.path
        failure = self.switchboard.admit(self.oem, request.method, path, now_s, write=write is not None)
        if failure is None:
            return None
        if write is not None:
            self.delivery.note(write, now_s, "outage")
        if failure == "http-500":
            return html_error(503)
        if failure == "timeout":
            await self._hold()
        return CutOff()

    def _unauthorised(self, call: Call, write: Write | None, token: str | None, now_s: float) -> Response:
        if write is not None:
            self.delivery.note(write, now_s, "expired-token")
        return self._stamped(self.unauthorised(token), self.charge(ANONYMOUS, call, now_s))

    async def _fault(
        self, call: Call, write: Write | None, token: str, grant: Grant, allowance: Allowance, now_s: float
    ) -> Response | None:
        """The answer to a request that never reaches its handler; None for one that does."""
        dice, device, number = self.switchboard.dice, call.device, call.number
        if self.loses_token(call, now_s) or self._is_revoked(device, number, now_s):
            self.tokens.revoke(token)
            return self._unauthorised(call, write, token, now_s)
        is_drawn = dice.strikes("rate-limit", device, number, now_s)
        if is_drawn or not allowance.allowed:
            if is_drawn:
                reset_s = dice.amount("rate-limit", device, number, 10.0, 40.0)
                allowance = Allowance(allowance.limit, 0, reset_s, allowed=False)
            if write is not None:
                self.delivery.note(write, now_s, "rate-limit")
            return self._stamped(self.over_quota(allowance, grant, now_s), allowance)
        if dice.strikes("http-500", device, number, now_s):
            if write is not None:
                self.delivery.note(write, now_s, "http-500")
            return self._stamped(self.internal_error(number), allowance)
        if dice.strikes("timeout", device, number, now_s):
            if write is not None:
                self.delivery.lose(write, self._settings_or_none(call), now_s)
            await self._hold()
            return CutOff()
        return None

    def _is_revoked(self, subject: str, number: int, now_s: float) -> bool:
        return self.switchboard.dice.strikes("revoked-consent", subject, number, now_s)

    def _cut(self, allowance: Allowance) -> Allowance:
        """What is left of it where the vendor takes some of its quota back."""
        taken = int(allowance.limit * self.switchboard.dice.rates.get("cut-quota", 0.0))
        if taken == 0 or self.fleet.is_commissioning:
            return allowance
        remaining = allowance.remaining - taken
        is_allowed = allowance.allowed and remaining >= 0
        return replace(allowance, limit=allowance.limit - taken, remaining=remaining, allowed=is_allowed)

    def _settings_or_none(self, call: Call) -> tuple[Setting, ...]:
        try:
            return tuple(self.settings(call))
        except Refusal:
            return ()

    async def _hold(self) -> None:
        try:
            async with asyncio.timeout(self.fleet.config.timeout_hold_s):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _stamped(self, answer: Response, allowance: Allowance) -> Response:
        answer.headers.update(self.quota_headers(allowance))
        return answer

    def is_public(self, _call: Call) -> bool:
        """Whether a request needs no token."""
        return False

    def loses_token(self, call: Call, now_s: float) -> bool:
        """Whether a call's token has ended before its time."""
        return self.switchboard.dice.strikes("expired-token", call.device, call.number, now_s)

    def payer(self, grant: Grant) -> str:
        """Whose budget a request is counted against."""
        return grant.client

    @abstractmethod
    def charge(self, client: str, call: Call | None, now_s: float) -> Allowance:
        """Count a request against the budget of a payer."""

    @abstractmethod
    def quota_headers(self, allowance: Allowance) -> Mapping[str, str]:
        """The headers by which every answer tells of the budget."""

    @abstractmethod
    def serve(self, call: Call, write: Write | None, grant: Grant | None, now_s: float) -> Response:
        """Answer a request that reached its handler; a write is delivered and logged here."""

    @abstractmethod
    def named(self, call: Call) -> Sequence[tuple[Lever | None, float | None]]:
        """Levers and values that a write names, as far as they can be read, even in a bad one; never empty."""

    @abstractmethod
    def settings(self, call: Call) -> Sequence[Setting]:
        """The settings that a write asks for, read strictly; raises Refusal."""

    @abstractmethod
    def no_such_path(self) -> Response:
        """The answer to a path that the cloud does not know."""

    @abstractmethod
    def method_not_allowed(self, methods: tuple[str, ...]) -> Response:
        """The answer to a method that the path does not take."""

    @abstractmethod
    def unauthorised(self, token: str | None) -> Response:
        """The answer to a missing, unknown or expired token."""

    @abstractmethod
    def over_quota(self, allowance: Allowance, grant: Grant, now_s: float) -> Response:
        """The answer to a request beyond the budget."""

    @abstractmethod
    def internal_error(self, number: int) -> Response:
        """A failure of the cloud's own."""


def media_type(request: Request) -> str:
    """Content type of a request without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def bearer(request: Request) -> str | None:
    """The token that a request carries."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
