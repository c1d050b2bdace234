"""The fake Daikin Onecta cloud: one read for a whole account, writes answered 204, and a small budget that slides.

Protects: nothing is more lenient than the vendor: what is not settable now, off its step or unknown is refused, and a
call that is refused for the budget is counted against it all the same. Whether the budget is an application's or a
user's is not known for sure, so it is either, by configuration.
"""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.responses import Response

from simulator.clouds.cloud import ANONYMOUS, Call, Refusal, VendorCloud, endpoint
from simulator.clouds.delivery import Delays, Setting, Write
from simulator.clouds.oauth import Grant, TokenRules, TokenServer
from simulator.clouds.quota import Allowance, SlidingWindow
from simulator.clouds.wire import Answer, html_error
from simulator.config import VendorQuota
from simulator.homes.conditions import Condition
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.homes.make import Make
from simulator.levers import Lever
from simulator.vendors.daikin.consumption import consumption_of
from simulator.vendors.daikin.device import MAIN_ZONE, TANK, device_of, settable

SCOPES = frozenset(("openid", "onecta:basic.integration"))
RULES = TokenRules(scopes=SCOPES, consent_scope=SCOPES, rotation="single-use")
PUBLISHED_QUOTA = VendorQuota(calls_per_min=20, calls_per_day=200)
MINUTE_S, DAY_S = 60.0, 86400.0
LEVERS = {
    (MAIN_ZONE, "/operationModes/heating/setpoints/leavingWaterOffset"): Lever.HEATING_OFFSET,
    (MAIN_ZONE, "/operationModes/heating/setpoints/leavingWaterTemperature"): Lever.LEAVING_WATER,
    (MAIN_ZONE, "/operationModes/heating/setpoints/roomTemperature"): Lever.ROOM_SETPOINT,
    (TANK, "/operationModes/heating/setpoints/domesticHotWaterTemperature"): Lever.HOT_WATER_TARGET,
}
"""Where the levers are within the characteristic `temperatureControl` of which management point."""
_DEVICES = r"/v1/gateway-devices"
_POINT = _DEVICES + r"/(?P<device>[^/]+)/management-points/(?P<point>[^/]+)"


@dataclass(frozen=True)
class TwoWindows(Allowance):
    """The tighter of both budgets, and both of them."""

    minute: Allowance | None = None
    day: Allowance | None = None


class DaikinCloud(VendorCloud):
    """Answers everything below /v1 and the identity provider."""

    token_path = "/v1/oidc/token"  # noqa: S105 - a path
    authorize_path = "/v1/oidc/authorize"
    prefixes = ("/v1",)
    dice_name = "onecta"
    endpoints = (
        endpoint("devices", _DEVICES, "GET"),
        endpoint("device", rf"{_DEVICES}/(?P<device>[^/]+)", "GET"),
        endpoint("characteristic", rf"{_POINT}/characteristics/(?P<name>[^/]+)", "PATCH", writes=("PATCH",)),
        endpoint("holiday", rf"{_POINT}/holiday-mode", "POST", writes=("POST",)),
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
        super().__init__(make, fleet, stopping, tokens, Delays((15.0, 75.0), (120.0, 300.0), (60.0, 400.0)))
        quota = config.quotas.get(make.oem, PUBLISHED_QUOTA)
        self._is_per_application = quota.per_application
        self._minute = SlidingWindow(quota.calls_per_min, MINUTE_S, fleet.epoch_s)
        self._day = SlidingWindow(quota.calls_per_day, DAY_S, fleet.epoch_s)

    def payer(self, grant: Grant) -> str:
        return grant.client if self._is_per_application else grant.user or grant.consent

    def charge(self, client: str, _call: Call | None, now_s: float) -> Allowance:
        if client == ANONYMOUS:
            return Allowance(0, 0, 0.0)
        minute, day = self._minute.count(client, now_s), self._day.count(client, now_s)
        tight = day if not day.allowed or (minute.allowed and day.remaining < minute.remaining) else minute
        return TwoWindows(tight.limit, tight.remaining, tight.reset_s, tight.allowed, minute, day)

    def quota_headers(self, allowance: Allowance) -> Mapping[str, str]:
        headers: dict[str, str] = {}
        if isinstance(allowance, TwoWindows):
            for unit, window in (("minute", allowance.minute), ("day", allowance.day)):
                assert window is not None
                headers[f"X-RateLimit-Limit-{unit}"] = str(window.limit)
                headers[f"X-RateLimit-Remaining-{unit}"] = str(window.remaining)
        if not allowance.allowed:
            wait_s = str(max(1, math.ceil(allowance.reset_s)))
            headers |= {"retry-after": wait_s, "ratelimit-reset": wait_s}
        return headers

    def named(self, call: Call) -> Sequence[tuple[Lever | None, float | None]]:
        if call.home is None:
            return [(None, None)]
        body = _body_or_empty(call)
        lever = _lever(call, str(body.get("path")))
        value: Any = body.get("value")
        return [(lever, float(value) if lever is not None and _is_number(value) else None)]

    def settings(self, call: Call) -> Sequence[Setting]:
        home, body = self._home(call, None), _body(call)
        if call.endpoint.name == "holiday":
            return ()
        wanted = _read_value(body)
        name, path = call.parts["name"], str(body.get("path", ""))
        device = self._shown(home, self.fleet.now_s(), connected=True)
        found = settable(device, call.parts["point"], name, path)
        if found is None:
            raise Refusal(404, "There is no such characteristic", "CHARACTERISTIC_NOT_FOUND")
        if not found["settable"]:
            raise Refusal(400, "The characteristic is read-only", "READ_ONLY_CHARACTERISTIC")
        _check(found, wanted)
        lever = _lever(call, path)
        return () if lever is None else (Setting(lever, float(wanted)),)

    def serve(self, call: Call, write: Write | None, grant: Grant | None, now_s: float) -> Response:
        try:
            if write is not None:
                return self._take(call, write, _checked(grant), now_s)
            if call.endpoint.name == "devices":
                return Answer([self._device(home, call, now_s) for home in self._reached_by(_checked(grant))])
            return Answer(self._device(self._home(call, _checked(grant)), call, now_s))
        except Refusal as refusal:
            if write is not None:
                self.delivery.note(write, now_s, "refused", refusal.code)
            return _error(refusal.status, refusal.code, str(refusal))

    def _take(self, call: Call, write: Write, grant: Grant, now_s: float) -> Response:
        home = self._home(call, grant)
        settings = self.settings(call)
        for setting in settings:
            self.delivery.deliver(write, setting, now_s)
        if not settings:
            self.delivery.note(write, now_s, "accepted", "no lever")
            self._press(call, home, now_s)
        return Answer(status=204)

    def _press(self, call: Call, home: Home, now_s: float) -> None:
        """Somebody with the household's account presses its on/off or holiday switch."""
        body = _body(call)
        if call.endpoint.name == "holiday":
            condition = Condition.AWAY if _read_holiday(body) else Condition.NORMAL
        elif call.parts["point"] == MAIN_ZONE and call.parts["name"] == "onOffMode":
            condition = Condition.OFF if body["value"] == "off" else Condition.NORMAL
        else:
            return
        # Ending one does not end the other.
        ended = Condition.AWAY if call.endpoint.name == "holiday" else Condition.OFF
        if condition is not home.unit.condition and home.unit.condition in (Condition.NORMAL, ended):
            self.fleet.set_condition(home, condition, now_s)

    def _device(self, home: Home, call: Call, now_s: float) -> dict[str, Any]:
        """What the cloud knows of a unit; a stale read knows less than it could."""
        dice, at_s = self.switchboard.dice, now_s
        if dice.strikes("stale-read", home.unit.identity.device_id, call.number, now_s):
            at_s -= dice.amount("stale-read", home.unit.identity.device_id, call.number, 600.0, 1800.0)
        connected = not self.delivery.is_offline(home, now_s) and home.unit.condition is not Condition.UPDATING
        return self._shown(home, at_s, connected=connected)

    def _shown(self, home: Home, at_s: float, *, connected: bool) -> dict[str, Any]:
        snapshot = home.unit.read(at_s)
        counted = consumption_of(home.history, snapshot.at_s, self.fleet.config.local_time)
        return device_of(home.unit, snapshot, counted, connected=connected)

    def _reached_by(self, grant: Grant) -> list[Home]:
        return [home for home in self.homes if grant.user in ("", self.fleet.account_of(home))]

    def _home(self, call: Call, grant: Grant | None) -> Home:
        home = call.home
        if home is None or (grant is not None and home not in self._reached_by(grant)):
            raise Refusal(404, "There is no such gateway device", "DEVICE_NOT_FOUND")
        return home

    def no_such_path(self) -> Response:
        return _error(404, "NOT_FOUND", "Resource not found")

    def method_not_allowed(self, methods: tuple[str, ...]) -> Response:
        answer = _error(405, "METHOD_NOT_ALLOWED", "Method not allowed")
        answer.headers["Allow"] = ", ".join(methods)
        return answer

    def unauthorised(self, _token: str | None) -> Response:
        return _error(401, "UNAUTHORIZED", "Unauthorized")

    def over_quota(self, _allowance: Allowance, _grant: Grant, _now_s: float) -> Response:
        return _error(429, "TOO_MANY_REQUESTS", "API rate limit exceeded")

    def internal_error(self, number: int) -> Response:
        return html_error(502) if number % 2 else _error(500, "INTERNAL_SERVER_ERROR", "Internal server error")


def _lever(call: Call, path: str) -> Lever | None:
    named = call.parts.get("name") == "temperatureControl"
    return LEVERS.get((call.parts.get("point", ""), path)) if named else None


def _checked(grant: Grant | None) -> Grant:
    if grant is None or "onecta:basic.integration" not in grant.scope:
        raise Refusal(403, "The scope onecta:basic.integration is missing", "FORBIDDEN")
    return grant


def _error(status: int, code: str, message: str) -> Answer:
    return Answer({"code": code, "message": message}, status)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _body_or_empty(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _body(call: Call) -> dict[str, Any]:
    if call.media_type != "application/json":
        raise Refusal(415, "The body must be application/json", "UNSUPPORTED_MEDIA_TYPE")
    body = _body_or_empty(call)
    if not body:
        raise Refusal(400, "The body must be a JSON object", "INVALID_BODY")
    return body


def _read_value(body: Mapping[str, Any]) -> Any:
    unknown = set(body) - {"value", "path"}
    if unknown or "value" not in body or not isinstance(body.get("path", ""), str):
        raise Refusal(400, "A value and at most a path are taken", "INVALID_BODY")
    return body["value"]


def _read_holiday(body: Mapping[str, Any]) -> bool:
    """Whether a holiday is asked for; raises Refusal."""
    wanted = body.get("enabled")
    fields = {"enabled", "startDate", "endDate"} if wanted is True else {"enabled"}
    if not isinstance(wanted, bool) or set(body) != fields:
        raise Refusal(422, "A holiday has a start and an end; ending it takes enabled alone", "INVALID_VALUE")
    try:
        ends_early = wanted and date.fromisoformat(body["startDate"]) > date.fromisoformat(body["endDate"])
    except (TypeError, ValueError):
        ends_early = True
    if ends_early:
        raise Refusal(422, "A holiday begins and ends on days, in this order", "INVALID_VALUE")
    return wanted


def _check(found: Mapping[str, Any], wanted: Any) -> None:
    """Raise Refusal for a value that a characteristic does not take now."""
    if "values" in found:
        if wanted not in found["values"]:
            raise Refusal(422, f"The value must be one of {', '.join(found['values'])}", "INVALID_VALUE")
        return
    if "stepValue" not in found or not _is_number(wanted):
        raise Refusal(422, "The characteristic takes a number, or none at all", "INVALID_VALUE")
    steps = (wanted - found["minValue"]) / found["stepValue"]
    if not found["minValue"] <= wanted <= found["maxValue"] or abs(steps - round(steps)) > 1e-6:
        limits = f"{found['minValue']} to {found['maxValue']} in steps of {found['stepValue']}"
        raise Refusal(422, f"The value must lie in {limits}", "INVALID_VALUE")
