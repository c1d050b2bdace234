"""The fake myVAILLANT cloud: a document without stamps, a veto that ends by itself, and a quota that speaks in a 403.

Protects: nothing is more lenient than what clients of the API report: a second veto is refused while one is in
force, a changed one while there is none, an unknown field always. What is not known (codes of accepted writes, how many
calls are granted) is as clients take it, and said so in the adapter's README.
"""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.responses import Response

from simulator.clouds.cloud import ANONYMOUS, Call, Refusal, VendorCloud, endpoint
from simulator.clouds.delivery import Delays, Setting, Write
from simulator.clouds.oauth import Grant, TokenRules, TokenServer
from simulator.clouds.quota import Allowance, OpenedWindow
from simulator.clouds.wire import Answer, html_error, query_of
from simulator.config import VendorQuota
from simulator.homes.conditions import Condition
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.homes.make import Make
from simulator.levers import Lever
from simulator.vendors.vaillant.counted import ELECTRICITY, MODES, buckets_of, generators_of, heater_id, pump_id
from simulator.vendors.vaillant.make import ROOM, TANK_C
from simulator.vendors.vaillant.system import TANK, ZONE, document_of, is_vetoed

SCOPES = frozenset(("openid", "offline_access"))
RULES = TokenRules(scopes=SCOPES, consent_scope=SCOPES, is_confidential=False, rotation="single-use", code_life_s=60.0)
ASSUMED_QUOTA = VendorQuota(calls_per_min=60, calls_per_day=220)
"""Nothing is published; the vendor was heard to object to some 220 calls a day."""
DAY_S = 86400.0
LONGEST_VETO_H = 24.0
_REALM = "/auth/realms/vaillant-germany-b2c/protocol/openid-connect"
_BASE = "/service-connected-control/end-user-app-api/v1"
_SYSTEM = rf"{_BASE}/systems/(?P<device>[^/]+)"
_ENERGY = rf"{_BASE}/emf/v2/(?P<device>[^/]+)"
_ASKED = frozenset(("resolution", "operationMode", "energyType", "startDate", "endDate"))


class VaillantCloud(VendorCloud):
    """Answers everything below the app's base path and the realm."""

    token_path = f"{_REALM}/token"
    authorize_path = f"{_REALM}/auth"
    prefixes = ("/service-connected-control",)
    dice_name = "vaillant"
    endpoints = (
        endpoint("homes", rf"{_BASE}/homes", "GET"),
        endpoint("connection", rf"{_SYSTEM}/meta-info/connection-status", "GET"),
        endpoint("control", rf"{_SYSTEM}/meta-info/control-identifier", "GET"),
        endpoint("system", rf"{_SYSTEM}/tli", "GET"),
        endpoint("generators", rf"{_ENERGY}/currentSystem", "GET"),
        endpoint("buckets", rf"{_ENERGY}/devices/(?P<unit>[^/]+)/buckets", "GET"),
        endpoint(
            "veto",
            rf"{_SYSTEM}/tli/zones/(?P<zone>\d+)/quick-veto",
            "POST",
            "PATCH",
            "DELETE",
            writes=("POST", "PATCH", "DELETE"),
        ),
        endpoint("tank", rf"{_SYSTEM}/tli/domestic-hot-water/(?P<tank>\d+)/temperature", "PATCH", writes=("PATCH",)),
    )

    def __init__(self, make: Make, fleet: SimulatedFleet, stopping: asyncio.Event) -> None:
        config = fleet.config
        tokens = TokenServer(
            RULES, config.client_id, "", config.token_life_s, config.refresh_tokens, config.redirect_uris
        )
        super().__init__(make, fleet, stopping, tokens, Delays((30.0, 90.0), (150.0, 300.0), (60.0, 400.0)))
        self._day = OpenedWindow(config.quotas.get(make.oem, ASSUMED_QUOTA).calls_per_day, DAY_S, fleet.epoch_s)

    def payer(self, grant: Grant) -> str:
        return grant.user or grant.client

    def charge(self, client: str, _call: Call | None, now_s: float) -> Allowance:
        return Allowance(0, 0, 0.0) if client == ANONYMOUS else self._day.count(client, now_s)

    def quota_headers(self, _allowance: Allowance) -> Mapping[str, str]:
        return {}

    def named(self, call: Call) -> Sequence[tuple[Lever | None, float | None]]:
        if call.home is None:
            return [(None, None)]
        try:
            body = json.loads(call.body)
        except ValueError:
            body = None
        body = body if isinstance(body, dict) else {}
        if call.endpoint.name == "tank":
            return [(Lever.HOT_WATER_TARGET, _number(body.get("setpoint")))]
        return [(Lever.ROOM_SETPOINT, _number(body.get("desiredRoomTemperatureSetpoint")))]

    def settings(self, call: Call) -> Sequence[Setting]:
        unit = self._home(call).unit
        if unit.condition is Condition.REMOTE_DISABLED:
            raise Refusal(403, "Forbidden")
        if call.endpoint.name == "tank":
            if call.parts["tank"] != str(TANK):
                raise Refusal(404, "Not Found")
            return [Setting(Lever.HOT_WATER_TARGET, _checked(_body(call, {"setpoint"}), "setpoint", TANK_C.refusal))]
        if call.parts["zone"] != str(ZONE):
            raise Refusal(404, "Not Found")
        room = unit.levers[Lever.ROOM_SETPOINT]
        if call.request.method == "DELETE":
            return [Setting(Lever.ROOM_SETPOINT, room.standing)]
        if is_vetoed(unit) is (call.request.method == "POST"):
            raise Refusal(409, "Quick veto is already active" if is_vetoed(unit) else "Quick veto is not active")
        body = _body(call, {"desiredRoomTemperatureSetpoint", "duration"})
        wanted = _checked(body, "desiredRoomTemperatureSetpoint", ROOM.refusal)
        hours = _number(body.get("duration"))
        if hours is None or not 0.5 <= hours <= LONGEST_VETO_H:
            raise Refusal(400, "duration must lie in 0.5 to 24 hours")
        return [Setting(Lever.ROOM_SETPOINT, wanted, hours * 3600.0)]

    def serve(self, call: Call, write: Write | None, grant: Grant | None, now_s: float) -> Response:
        try:
            reached = self._reached_by(grant)
            if call.endpoint.name == "homes":
                return Answer([self._claim(home, now_s) for home in reached])
            home = self._home(call)
            if home not in reached:
                raise Refusal(404, "Not Found")  # noqa: TRY301 -- one place turns refusals into answers
            if write is not None:
                for setting in self.settings(call):
                    self.delivery.deliver(write, setting, now_s)
                return Answer({})
            return Answer(self._read(call, home, now_s))
        except Refusal as refusal:
            if write is not None:
                self.delivery.note(write, now_s, "refused", str(refusal))
            return _error(refusal.status, str(refusal))

    def _read(self, call: Call, home: Home, now_s: float) -> dict[str, Any]:
        if call.endpoint.name == "connection":
            return {"connected": self._is_connected(home, now_s)}
        if call.endpoint.name == "control":
            return {"controlIdentifier": "tli"}
        dice = self.switchboard.dice
        if dice.strikes("stale-read", call.device, call.number, now_s):
            now_s -= dice.amount("stale-read", call.device, call.number, 600.0, 1800.0)
        snapshot = home.unit.read(now_s)
        if call.endpoint.name == "generators":
            return generators_of(home.unit.identity.system_id, snapshot.at_s)
        if call.endpoint.name == "buckets":
            return _buckets(call, home, snapshot.at_s)
        return document_of(home.unit, snapshot)

    def _claim(self, home: Home, now_s: float) -> dict[str, Any]:
        identity = home.unit.identity
        return {
            "homeName": f"Home {home.unit.spec.index + 1}",
            "serialNumber": identity.serial,
            "systemId": identity.system_id,
            "productMetadata": {
                "productType": "VR940F",
                "productionYear": "24",
                "productionWeek": "44",
                "articleNumber": "8000015501",
            },
            "state": "CLAIMED",
            "migrationState": None,
            "migrationFinishedAt": None,
            "onlineState": "ONLINE" if self._is_connected(home, now_s) else "OFFLINE",
            "firmware": {
                "version": "404.1.27",
                "connectedToOldIoTPlatform": None,
                "updateEnabled": True,
                "updateRequired": home.unit.condition is Condition.UPDATING,
            },
            "countryCode": "DE",
            "firmwareVersion": "404.1.27",
            "nomenclature": "VR 940f",
            "cag": True,
            "productInformation": "VR940F",
        }

    def _is_connected(self, home: Home, now_s: float) -> bool:
        return not self.delivery.is_offline(home, now_s) and home.unit.condition is not Condition.UPDATING

    def _reached_by(self, grant: Grant | None) -> list[Home]:
        user = grant.user if grant is not None else ""
        return [home for home in self.homes if user in ("", self.fleet.account_of(home))]

    def _home(self, call: Call) -> Home:
        if call.home is None:
            raise Refusal(404, "Not Found")
        return call.home

    def no_such_path(self) -> Response:
        return _error(404, "Resource not found")

    def method_not_allowed(self, methods: tuple[str, ...]) -> Response:
        answer = _error(405, "Method not allowed")
        answer.headers["Allow"] = ", ".join(methods)
        return answer

    def unauthorised(self, _token: str | None) -> Response:
        return _error(401, "Unauthorized. Access token is missing or invalid.")

    def over_quota(self, allowance: Allowance, _grant: Grant, _now_s: float) -> Response:
        """A 403, with the rest of the window in words: D.HH:MM:SS, without the days where there are none."""
        left_s = math.ceil(allowance.reset_s)
        days, rest = divmod(left_s, 86400)
        clock = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}"
        wait = f"{days}.{clock}" if days else clock
        return _error(403, f"Out of call volume quota. Quota will be replenished in {wait}.")

    def internal_error(self, number: int) -> Response:
        return html_error(502) if number % 2 else _error(500, "Internal server error")


def _body(call: Call, known: set[str]) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError:
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict) or set(body) - known:
        raise Refusal(400, f"the body must be an object of {', '.join(sorted(known))}")
    return body


def _checked(body: Mapping[str, Any], name: str, refusal: Any) -> float:
    value = _number(body.get(name))
    if value is None:
        raise Refusal(400, f"{name} must be a number")
    wrong = refusal(value)
    if wrong is not None:
        raise Refusal(400, f"{name}: {wrong}")
    return value


def _number(told: Any) -> float | None:
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) else None


def _error(status: int, message: str) -> Answer:
    return Answer({"statusCode": status, "message": message}, status)


def _buckets(call: Call, home: Home, at_s: float) -> dict[str, Any]:
    """Energy of a device; raises Refusal for a question that is not whole."""
    try:
        asked = query_of(call.request, _ASKED)
    except ValueError as broken:
        raise Refusal(400, str(broken)) from broken
    ids = {pump_id(home.unit.identity.system_id): False, heater_id(home.unit.identity.system_id): True}
    if call.parts["unit"] not in ids:
        raise Refusal(404, "Not Found")
    if set(asked) != _ASKED or asked["resolution"] != "HOUR" or asked["energyType"] != ELECTRICITY:
        raise Refusal(400, "the question is not complete, or not known")
    if asked["operationMode"] not in MODES:
        raise Refusal(400, "unknown operationMode")
    try:
        start, end = (datetime.fromisoformat(asked[name]) for name in ("startDate", "endDate"))
    except ValueError:
        raise Refusal(400, "startDate and endDate must be dates") from None
    if start.tzinfo is None or end.tzinfo is None or start >= end:
        raise Refusal(400, "startDate and endDate must be a span with offsets")
    span = (start.timestamp(), end.timestamp())
    return buckets_of(home.history, ids[call.parts["unit"]], asked["operationMode"], span, at_s)
