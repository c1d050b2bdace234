"""The fake myUplink cloud: the vendor's v2 REST dialect over the units' snapshots.

Protects: accepting is not applying, and nothing is more lenient than the vendor: an unknown route, value or
token is refused as it is there. What the public documents leave open (bodies of 400, 403 and 429) is said
plainly in JSON.
"""

import asyncio
import re
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from simulator.oauth import READ, WRITE, Grant, TokenDesk
from simulator.quota import Allowance, Quota
from simulator.reads import ReadDesk
from simulator.wire import Answer, CutOff
from simulator.world import Home, World
from simulator.writes import Write, WriteDesk

_HTML_503 = "<html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>"
_HTML_500 = "<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>"


@dataclass(frozen=True)
class Call:
    """One request, its route understood."""

    route: str
    method: str
    device_id: str | None
    zone_id: str | None
    system_id: str | None
    home: Home | None
    number: int

    @property
    def is_write(self) -> bool:
        return self.method == "PATCH"


_ROUTES: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (name, re.compile(pattern), methods)
    for name, pattern, methods in (
        ("ping", r"/v2/ping", ("GET",)),
        ("protected-ping", r"/v2/protected-ping", ("GET",)),
        ("systems", r"/v2/systems/me", ("GET",)),
        ("mode", r"/v2/systems/(?P<system>[^/]+)/smart-home-mode", ("GET",)),
        ("device", r"/v2/devices/(?P<device>[^/]+)", ("GET",)),
        ("firmware", r"/v2/devices/(?P<device>[^/]+)/firmware-info", ("GET",)),
        ("points", r"/v2/devices/(?P<device>[^/]+)/points", ("GET", "PATCH")),
        ("zones", r"/v2/devices/(?P<device>[^/]+)/smart-home-zones", ("GET",)),
        ("zone", r"/v2/devices/(?P<device>[^/]+)/zones/(?P<zone>[^/]+)", ("PATCH",)),
    )
)


class MyUplink:
    """Answers everything below /v2 and the token endpoint."""

    def __init__(self, world: World, stopping: asyncio.Event) -> None:
        self._world = world
        self._stopping = stopping
        config = world.config
        self._tokens = TokenDesk(config.client_id, config.client_secret, config.token_life_s, config.refresh_tokens)
        self._quota = Quota(config.rate_limit_per_min, world.epoch_s)
        self._writes = WriteDesk(world)
        self._reads = ReadDesk(world)

    async def token(self, request: Request) -> Response:
        """POST /oauth/token"""
        body = await request.body()
        now_s = self._world.advance()
        down = await self._outage(request, None, now_s)
        if down is not None:
            return down
        kind = _media_type(request)
        return self._tokens.answer(body, kind, request.headers.get("authorization"), now_s)

    async def answer(self, request: Request) -> Response:
        """Everything below /v2."""
        body = await request.body()
        now_s = self._world.advance()
        found = self._understand(request)
        if isinstance(found, Answer):
            down = await self._outage(request, None, now_s)
            return down or self._with_quota(found, self._quota.count("anonymous", now_s))
        write = Write(found.home, found.zone_id, _media_type(request), body, None, found.number)
        down = await self._outage(request, write if found.is_write else None, now_s)
        if down is not None:
            return down
        if found.route == "ping":
            return self._with_quota(Answer(None, 204), self._quota.count("anonymous", now_s))
        token = _bearer(request)
        grant = self._tokens.grant(token, now_s) if token else None
        if grant is None:
            return self._unauthorised(found, write, now_s)
        allowance = self._quota.count(grant.client, now_s)
        write = replace(write, client=grant.client)
        struck = await self._fault(found, write, token or "", allowance, now_s)
        if struck is not None:
            return struck
        return self._with_quota(self._serve(request, found, write, grant, now_s), allowance)

    async def _outage(self, request: Request, write: Write | None, now_s: float) -> Response | None:
        """Count a call, and answer it as an outage does; None outside of one."""
        failing = self._world.outages.failing(now_s)
        self._world.calls.count(now_s, write=write is not None, outage=failing is not None)
        if failing is None:
            return None
        self._world.truth.call(now_s, "nibe", request.method, request.url.path, failing)
        if write is not None:
            self._writes.note(write, now_s, "outage")
        if failing == "http-500":
            return Response(_HTML_503, 503, media_type="text/html")
        if failing == "timeout":
            await self._hold()
        return CutOff()

    def _understand(self, request: Request) -> Call | Answer:
        for route, pattern, methods in _ROUTES:
            match = pattern.fullmatch(request.url.path)
            if match is None:
                continue
            if request.method not in methods:
                return Answer({"status": 405}, 405, {"Allow": ", ".join(methods)})
            parts = match.groupdict()
            device = parts.get("device")
            number = self._world.dice.next_request(device or "cloud")
            home = self._world.by_device.get(device or "")
            return Call(route, request.method, device, parts.get("zone"), parts.get("system"), home, number)
        return Answer({"status": 404, "title": "Not Found"}, 404)

    def _unauthorised(self, call: Call, write: Write, now_s: float) -> Response:
        if call.is_write:
            self._writes.note(write, now_s, "expired-token")
        answer = Answer(
            {"error": "invalid_token", "error_description": "the token is missing, unknown or expired"},
            401,
            {"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
        return self._with_quota(answer, self._quota.count("anonymous", now_s))

    async def _fault(self, call: Call, write: Write, token: str, allowance: Allowance, now_s: float) -> Response | None:
        """The answer of a request that never reaches its handler; None for one that does."""
        subject, dice, note = call.device_id or "cloud", self._world.dice, self._writes.note
        if dice.strikes("expired-token", subject, call.number, now_s):
            self._tokens.kill(token)
            return self._unauthorised(call, write, now_s)
        drawn = dice.strikes("rate-limit", subject, call.number, now_s)
        if drawn or not allowance.allowed:
            if drawn:
                reset_s = dice.amount("rate-limit", subject, call.number, 10.0, 40.0)
                allowance = Allowance(allowance.limit, 0, reset_s, allowed=False)
            if call.is_write:
                note(write, now_s, "rate-limit")
            return self._with_quota(Answer({"status": 429, "title": "Too Many Requests"}, 429), allowance)
        if dice.strikes("http-500", subject, call.number, now_s):
            if call.is_write:
                note(write, now_s, "http-500")
            return self._with_quota(_internal_error(call.number), allowance)
        if dice.strikes("timeout", subject, call.number, now_s):
            if call.is_write:
                self._writes.lose(write, now_s)
            await self._hold()
            return CutOff()
        return None

    async def _hold(self) -> None:
        try:
            async with asyncio.timeout(self._world.config.timeout_hold_s):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _serve(self, request: Request, call: Call, write: Write, grant: Grant, now_s: float) -> Answer:
        needed = WRITE if call.is_write else READ
        if needed not in grant.scope:
            if call.is_write:
                self._writes.note(write, now_s, "refused", "scope")
            return Answer({"status": 403, "title": "Forbidden", "detail": f"scope {needed} is missing"}, 403)
        if call.is_write:
            return self._writes.take(write, now_s)
        return self._read(request, call, now_s)

    def _read(self, request: Request, call: Call, now_s: float) -> Answer:
        if call.device_id is not None and call.home is None:
            return Answer({"status": 404, "title": "Not Found", "detail": "no such device"}, 404)
        match call.route, call.home:
            case "protected-ping", _:
                return Answer(None, 204)
            case "systems", _:
                return self._reads.systems(request, now_s)
            case "mode", _:
                return self._reads.mode(call.system_id or "")
            case "device", Home() as home:
                return self._reads.device(home, now_s)
            case "firmware", Home() as home:
                return self._reads.firmware(home)
            case "zones", Home() as home:
                return self._reads.zones(home, call.number, now_s)
            case _, Home() as home:
                return self._reads.points(request, home, call.number, now_s)
        raise AssertionError(call.route)

    @staticmethod
    def _with_quota[A: Response](answer: A, allowance: Allowance) -> A:
        answer.headers.update(allowance.headers())
        return answer


def _internal_error(number: int) -> Response:
    """A failure of the cloud's own: its front end speaks HTML, its back end JSON."""
    if number % 2:
        return Response(_HTML_500, 500, media_type="text/html")
    return Answer({"status": 500, "title": "An error occurred while processing your request."}, 500)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
