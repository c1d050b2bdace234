"""The fake myUplink cloud: the vendor's v2 REST dialect over the units' snapshots.

Protects: nothing is more lenient than the vendor: an unknown route, value or token is refused as it is there. What the
public documents leave open (bodies of 400, 403 and 429) is said plainly in JSON.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence

from starlette.responses import Response

from simulator.clouds.cloud import Call, Refusal, VendorCloud, endpoint
from simulator.clouds.delivery import Delays, Setting, Write
from simulator.clouds.oauth import Grant, TokenRules, TokenServer
from simulator.clouds.quota import Allowance, FixedWindow
from simulator.clouds.wire import Answer, html_error
from simulator.homes.conditions import Condition
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.homes.make import Make
from simulator.levers import Lever
from simulator.vendors.nibe.reads import Reads
from simulator.vendors.nibe.writes import DEGREE_MINUTES, PRICE_ADAPTION, named_levers, read_mode, read_values

READ, WRITE, OFFLINE = "READSYSTEM", "WRITESYSTEM", "offline_access"
_QUOTA_WINDOW_S = 60.0
_SYSTEM = r"/v2/systems/(?P<system>[^/]+)"
_DEVICE = r"/v2/devices/(?P<device>[^/]+)"

RULES = TokenRules(
    scopes=frozenset((READ, WRITE, OFFLINE)),
    consent_scope=frozenset((READ, WRITE, OFFLINE)),
    client_credentials=frozenset((READ, WRITE)),
    default_scope=READ,
)


class NibeCloud(VendorCloud):
    """Answers everything below /v2 and /v3, and the token endpoint."""

    token_path = "/oauth/token"  # noqa: S105 - a path
    authorize_path = "/oauth/authorize"
    prefixes = ("/v2", "/v3")
    endpoints = (
        endpoint("ping", r"/v2/ping", "GET"),
        endpoint("protected-ping", r"/v2/protected-ping", "GET"),
        endpoint("systems", r"/v2/systems/me", "GET"),
        endpoint("mode", f"{_SYSTEM}/smart-home-mode", "GET", "PUT", writes=("PUT",)),
        endpoint("notifications", f"{_SYSTEM}/notifications(/active)?", "GET"),
        endpoint("subscriptions", f"{_SYSTEM}/subscriptions", "GET"),
        endpoint("categories", f"{_DEVICE}/smart-home-categories", "GET"),
        endpoint("device", _DEVICE, "GET"),
        endpoint("firmware", f"{_DEVICE}/firmware-info", "GET"),
        endpoint("points", f"{_DEVICE}/points", "GET", "PATCH", writes=("PATCH",)),
        endpoint("points", r"/v3/devices/(?P<device>[^/]+)/points", "GET"),
        endpoint("zones", f"{_DEVICE}/smart-home-zones", "GET"),
        endpoint("zone", f"{_DEVICE}/zones/(?P<zone>[^/]+)", "PATCH", writes=("PATCH",)),
    )

    def __init__(self, make: Make, fleet: SimulatedFleet, stopping: asyncio.Event) -> None:
        config = fleet.config
        tokens = TokenServer(
            RULES,
            config.client_id,
            config.client_secret,
            config.token_life_s,
            config.refresh_tokens,
            config.redirect_uris,
        )
        super().__init__(make, fleet, stopping, tokens, Delays())
        self._quota = FixedWindow(config.rate_limit_per_min, _QUOTA_WINDOW_S, fleet.epoch_s)
        self._reads = Reads(self.homes, fleet.switchboard.dice, fleet.config.local_time)

    def is_public(self, call: Call) -> bool:
        return call.endpoint.name == "ping"

    def charge(self, client: str, _call: Call | None, now_s: float) -> Allowance:
        return self._quota.count(client, now_s)

    def quota_headers(self, allowance: Allowance) -> Mapping[str, str]:
        return {
            "RateLimit-Limit": str(allowance.limit),
            "RateLimit-Remaining": str(max(0, allowance.remaining)),
            "RateLimit-Reset": str(math.ceil(allowance.reset_s)),
        }

    def named(self, call: Call) -> Sequence[tuple[Lever | None, float | None]]:
        return named_levers(call)

    def settings(self, call: Call) -> Sequence[Setting]:
        return read_values(call).settings

    def serve(self, call: Call, write: Write | None, grant: Grant | None, now_s: float) -> Response:
        if grant is None:
            return Answer()
        needed = READ if write is None else WRITE
        if needed not in grant.scope:
            if write is not None:
                self.delivery.note(write, now_s, "refused", "scope")
            return Answer({"status": 403, "title": "Forbidden", "detail": f"scope {needed} is missing"}, 403)
        try:
            return self._read(call, now_s) if write is None else self._take(call, write, now_s)
        except Refusal as refusal:
            if write is not None:
                self.delivery.note(write, now_s, "refused", str(refusal))
            return Answer({"status": refusal.status, "error": str(refusal)}, refusal.status)

    def _take(self, call: Call, write: Write, now_s: float) -> Response:
        if call.endpoint.name == "mode":
            return self._set_mode(call, write, now_s)
        if call.home is not None and call.home.unit.condition is Condition.REMOTE_DISABLED:
            self.delivery.note(write, now_s, "refused", "remote-disabled")
            return Answer({"status": 403, "title": "Forbidden"}, 403)
        values = read_values(call)
        assert call.home is not None
        for setting in values.settings:
            self.delivery.deliver(write, setting, now_s)
        if not values.settings:
            self.delivery.note(write, now_s, "accepted", "no lever")
        if PRICE_ADAPTION in values.by_name:
            is_on = bool(values.by_name[PRICE_ADAPTION])
            self.fleet.set_condition(call.home, Condition.EXTERNAL if is_on else Condition.NORMAL, now_s)
        if DEGREE_MINUTES in values.by_name:
            call.home.steered.control.degree_minutes = values.by_name[DEGREE_MINUTES]
        return Answer({"status": 200, "payload": dict.fromkeys(values.by_name, "modified")})

    def _set_mode(self, call: Call, write: Write, now_s: float) -> Response:
        """Somebody with the household's account presses the away switch; the system's unit follows."""
        home, mode = self._reads.system(call.parts["system"]), read_mode(call)
        condition = Condition.AWAY if mode in ("Away", "Vacation") else Condition.NORMAL
        if home.unit.condition in (Condition.AWAY, Condition.NORMAL) and home.unit.condition is not condition:
            self.fleet.set_condition(home, condition, now_s)
        self.delivery.note(write, now_s, "accepted", "no lever")
        return Answer({"payload": {"state": "ok"}})

    def _read(self, call: Call, now_s: float) -> Answer:
        if "device" in call.parts and call.home is None:
            return Answer({"status": 404, "title": "Not Found", "detail": "no such device"}, 404)
        match call.endpoint.name, call.home:
            case "protected-ping", _:
                return Answer()
            case "systems", _:
                return self._reads.systems(call, now_s)
            case "mode", _:
                return self._reads.mode(call.parts["system"])
            case "notifications", _:
                return self._reads.notifications(call)
            case "subscriptions", _:
                return self._reads.subscriptions(call, now_s)
            case "categories", Home() as home:
                return self._reads.categories(home)
            case "device", Home() as home:
                return self._reads.device(home, now_s)
            case "firmware", Home() as home:
                return self._reads.firmware(home)
            case "zones", Home() as home:
                return self._reads.zones(call, home, now_s)
            case _, Home() as home:
                return self._reads.points(call, home, now_s)
        raise AssertionError(call.endpoint.name)

    def no_such_path(self) -> Response:
        return Answer({"status": 404, "title": "Not Found"}, 404)

    def method_not_allowed(self, methods: tuple[str, ...]) -> Response:
        return Answer({"status": 405}, 405, {"Allow": ", ".join(methods)})

    def unauthorised(self, _token: str | None) -> Response:
        return Answer(
            {"error": "invalid_token", "error_description": "the token is missing, unknown or expired"},
            401,
            {"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )

    def over_quota(self, _allowance: Allowance, _grant: Grant, _now_s: float) -> Response:
        return Answer({"status": 429, "title": "Too Many Requests"}, 429)

    def internal_error(self, number: int) -> Response:
        """The front end speaks HTML, the back end JSON."""
        if number % 2:
            return html_error(500)
        return Answer({"status": 500, "title": "An error occurred while processing your request."}, 500)
