"""The fake LG ThinQ Connect cloud: six headers with every call, codes of its own, and a budget by the hour.

Protects: nothing is more lenient than the vendor: a missing header, an unknown property and a value off its step are
refused with the code that the vendor's client knows. The number of calls an hour is the vendor's secret.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from simulator.clouds.cloud import ANONYMOUS, ANY_METHOD, Call, Refusal, VendorCloud, endpoint
from simulator.clouds.delivery import Delays, Setting, Write
from simulator.clouds.oauth import Grant
from simulator.clouds.quota import Allowance, FixedWindow
from simulator.clouds.wire import Answer, html_error, query_of
from simulator.homes.conditions import APPLIES_NOTHING, Condition
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.homes.make import Make
from simulator.levers import Lever
from simulator.truth import stamp
from simulator.vendors.lg.boiler import listed, profile, state
from simulator.vendors.lg.tokens import EVERYBODY, PersonalTokens
from simulator.vendors.lg.usage import PROPERTY, energy_profile, span_asked, usage_of

CALLS_AN_HOUR = 100
"""Not published; a client that asked every ten seconds was refused after some ten minutes."""
LEVERS = {
    ("roomTemperatureInUnits", "airHeatTargetTemperature"): Lever.ROOM_SETPOINT,
    ("roomTemperatureInUnits", "waterHeatTargetTemperature"): Lever.LEAVING_WATER,
    ("hotWaterTemperatureInUnits", "targetTemperature"): Lever.HOT_WATER_TARGET,
}
_DEVICE = r"/devices/(?P<device>[^/]+)"
_ENERGY = r"/devices/energy/(?P<device>[^/]+)"
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_COUNTRY = re.compile(r"[A-Z]{2}")


class LgCloud(VendorCloud):
    """Answers everything below /devices."""

    token_path = authorize_path = ""
    prefixes = ("/devices",)
    dice_name = "thinq"
    endpoints = (
        endpoint("devices", r"/devices", "GET"),
        endpoint("profile", f"{_DEVICE}/profile", "GET"),
        endpoint("state", f"{_DEVICE}/state", "GET"),
        endpoint("energy-profile", f"{_ENERGY}/profile", "GET"),
        endpoint("energy-usage", f"{_ENERGY}/usage", "GET"),
        endpoint("control", f"{_DEVICE}/control", "POST", writes=("POST",)),
    )

    def __init__(self, make: Make, fleet: SimulatedFleet, stopping: asyncio.Event) -> None:
        tokens = PersonalTokens(fleet.config.client_secret)
        super().__init__(make, fleet, stopping, tokens, Delays((10.0, 60.0), (120.0, 300.0), (60.0, 400.0)))
        quota = fleet.config.quotas.get(make.oem)
        calls = CALLS_AN_HOUR if quota is None else quota.calls_per_day // 24
        self._hour = FixedWindow(max(1, calls), 3600.0, fleet.epoch_s)

    def routes(self) -> list[Route]:
        """No token endpoint: tokens come from the vendor's portal."""
        paths = ("/devices", "/devices/{rest:path}")
        return [Route(path, self.answer, methods=ANY_METHOD) for path in paths]

    def loses_token(self, call: Call, now_s: float) -> bool:
        """A personal token does not end now and then: all are good, or the vendor accepts none."""
        is_outage = self.switchboard.dice.rates.get("expired-token", 0.0) >= 1.0
        return is_outage and super().loses_token(call, now_s)

    def charge(self, client: str, call: Call | None, now_s: float) -> Allowance:
        if client == ANONYMOUS:
            return Allowance(0, 0, 0.0)
        # A token of no account in particular spends what the home that it asks about is granted.
        if client == EVERYBODY and call is not None and call.home is not None:
            client = self.fleet.account_of(call.home)
        return self._hour.count(client, now_s)

    def quota_headers(self, _allowance: Allowance) -> Mapping[str, str]:
        return {}

    def named(self, call: Call) -> Sequence[tuple[Lever | None, float | None]]:
        if call.home is None:
            return [(None, None)]
        body = _body_or_empty(call)
        for (resource, name), lever in LEVERS.items():
            part = body.get(resource)
            if isinstance(part, dict) and name in part:
                value: Any = part[name]
                return [(lever, float(value) if _is_number(value) else None)]
        return [(None, None)]

    def settings(self, call: Call) -> Sequence[Setting]:
        home, body = self._home(call, None), _body(call)
        if len(body) != 1:
            raise Refusal(400, "One resource at a time is controlled", "1102")
        ((resource, part),) = body.items()
        if not isinstance(part, dict) or len(part) != 2 or part.get("unit") != "C":
            raise Refusal(400, "One property with its unit is controlled", "1101")
        name = next(key for key in part if key != "unit")
        lever = LEVERS.get((resource, name))
        if lever is None or lever not in home.unit.levers:
            raise Refusal(400, "There is no such property to be controlled", "1102")
        value = part[name]
        if not _is_number(value) or home.unit.ranges[lever].refusal(float(value)) is not None:
            raise Refusal(400, "The value lies outside of the profile's range or off its step", "2207")
        self._check_commandable(home)
        return [Setting(lever, float(value))]

    def serve(self, call: Call, write: Write | None, grant: Grant | None, now_s: float) -> Response:
        try:
            self._check_headers(call)
            response = self._response(call, write, grant, now_s)
        except Refusal as refusal:
            if write is not None:
                self.delivery.note(write, now_s, "refused", refusal.code)
            return self._error(refusal.status, refusal.code, str(refusal), now_s)
        return Answer(self._envelope(call.request.headers["x-message-id"], now_s) | {"response": response})

    def _response(self, call: Call, write: Write | None, grant: Grant | None, now_s: float) -> Any:
        if call.endpoint.name == "devices":
            mine = [home for home in self.homes if grant is not None and self._is_of(home, grant)]
            return [listed(home.unit, reportable=self._is_connected(home, now_s)) for home in mine]
        home = self._home(call, grant)
        if call.endpoint.name == "profile":
            return profile(home.unit)
        if call.endpoint.name == "energy-profile":
            return energy_profile()
        if call.endpoint.name == "energy-usage":
            return self._usage(call, home, now_s)
        if not self._is_connected(home, now_s):
            raise Refusal(416, "Not connected device", "1222")
        if write is None:
            return state(home.unit, home.unit.read(self._as_of(call, now_s)))
        for setting in self.settings(call):
            self.delivery.deliver(write, setting, now_s)
        return {}

    def _usage(self, call: Call, home: Home, now_s: float) -> dict[str, Any]:
        """What the cloud has heard of, also of a unit that is not connected now."""
        try:
            asked = query_of(call.request, frozenset(("property", "period", "startDate", "endDate")))
            span = span_asked(asked.get("startDate", ""), asked.get("endDate", ""))
        except ValueError as broken:
            raise Refusal(400, str(broken), "1102") from broken
        if asked.get("property") != PROPERTY or asked.get("period") != "DAILY":
            raise Refusal(400, "Not supported property", "1220")
        at_s = home.unit.read(self._as_of(call, now_s)).at_s
        return usage_of(home.history, span, self.fleet.config.local_time, at_s)

    def _as_of(self, call: Call, now_s: float) -> float:
        """What the cloud knows of a unit; a stale read knows less than it could."""
        dice = self.switchboard.dice
        if dice.strikes("stale-read", call.device, call.number, now_s):
            return now_s - dice.amount("stale-read", call.device, call.number, 600.0, 1800.0)
        return now_s

    def _check_headers(self, call: Call) -> None:
        headers = call.request.headers
        wanted = {
            "x-country": _COUNTRY.fullmatch(headers.get("x-country", "")),
            "x-client-id": headers.get("x-client-id"),
            "x-service-phase": headers.get("x-service-phase") == "OP",
        }
        missing = [name for name, is_right in wanted.items() if not is_right]
        if missing:
            raise Refusal(400, f"Incorrect header {missing[0]}", "1216")
        if not _MESSAGE_ID.fullmatch(headers.get("x-message-id", "")):
            raise Refusal(400, "Invalid message id", "1104")
        if headers.get("x-api-key") != self.fleet.config.client_id:
            raise Refusal(401, "Invalid service key", "1301")

    def _check_commandable(self, home: Home) -> None:
        match home.unit.condition:
            case Condition.REMOTE_DISABLED:
                raise Refusal(400, "Command not supported in remote off", "2301")
            case Condition.OFF:
                raise Refusal(400, "Command not supported in power off", "2304")
            case condition if condition in APPLIES_NOTHING:
                raise Refusal(400, "Command not supported in state", "2302")

    def _is_connected(self, home: Home, now_s: float) -> bool:
        return not self.delivery.is_offline(home, now_s) and home.unit.condition is not Condition.UPDATING

    def _is_of(self, home: Home, grant: Grant) -> bool:
        return grant.user in ("", self.fleet.account_of(home))

    def _home(self, call: Call, grant: Grant | None) -> Home:
        home = call.home
        if home is None or (grant is not None and not self._is_of(home, grant)):
            raise Refusal(404, "Not exist device", "1205")
        return home

    def _envelope(self, message_id: str, now_s: float) -> dict[str, Any]:
        return {"messageId": message_id, "timestamp": stamp(now_s)}

    def _error(self, status: int, code: str, message: str, now_s: float | None = None) -> Answer:
        at_s = self.fleet.now_s() if now_s is None else now_s
        return Answer(self._envelope("", at_s) | {"error": {"code": code, "message": message}}, status)

    def no_such_path(self) -> Response:
        return self._error(404, "1000", "Bad request")

    def method_not_allowed(self, methods: tuple[str, ...]) -> Response:
        answer = self._error(405, "1309", "Not allowed API")
        answer.headers["Allow"] = ", ".join(methods)
        return answer

    def unauthorised(self, token: str | None) -> Response:
        return self._error(401, "1103" if token else "1302", "Invalid token")

    def over_quota(self, _allowance: Allowance, _grant: Grant, _now_s: float) -> Response:
        return self._error(400, "1314", "Exceeded User API calls")

    def internal_error(self, number: int) -> Response:
        return html_error(502) if number % 2 else self._error(500, "2000", "Internal server error")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _body_or_empty(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _body(call: Call) -> dict[str, Any]:
    body = _body_or_empty(call)
    if call.media_type != "application/json" or not body:
        raise Refusal(400, "Bad request format", "1311")
    return body
