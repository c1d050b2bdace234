"""The fake Viessmann IoT cloud: features and commands, two budgets at once, and its own bodies of refusal.

Protects: nothing is more lenient than the vendor: a missing parameter, a value off its step and a command that is not
executable now are refused. What is not known (codes of commands, rotation of refresh tokens) is as clients take it.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from simulator.clouds.cloud import ANONYMOUS, Call, Refusal, VendorCloud, endpoint
from simulator.clouds.delivery import Delays, Setting, Write
from simulator.clouds.oauth import Grant, TokenRules, TokenServer
from simulator.clouds.quota import Allowance, OpenedWindow
from simulator.clouds.wire import Answer, html_error, query_of
from simulator.homes.conditions import Condition
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.homes.make import Make
from simulator.homes.snapshot import Snapshot
from simulator.levers import Lever
from simulator.vendors.viessmann.consumption import consumption_of
from simulator.vendors.viessmann.feature import Feature
from simulator.vendors.viessmann.features import CURVE, ONE_TIME_CHARGE, TARGET, features_of
from simulator.vendors.viessmann.make import DEVICE

SCOPES = frozenset(("IoT", "User", "offline_access"))
RULES = TokenRules(scopes=SCOPES, consent_scope=SCOPES, is_confidential=False, code_life_s=20.0)
SHORT_WINDOW, LONG_WINDOW = (120, 600.0), (1450, 86400.0)
"""Calls and seconds of the free plan, per user."""
CHARGED_ONCE_TO_C = 52.0
CHARGE_LASTS_S = 3600.0
"""About how long a one-time charge runs before it ends by itself."""
_ORIGIN = "https://api.viessmann-climatesolutions.com"
_DEVICES = r"/iot/v2/features/installations/(?P<installation>[^/]+)/gateways/(?P<device>[^/]+)/devices/(?P<unit>[^/]+)"


class ViessmannCloud(VendorCloud):
    """Answers everything below /iot/v2 and the identity provider."""

    token_path = "/idp/v3/token"  # noqa: S105 - a path
    authorize_path = "/idp/v3/authorize"
    prefixes = ("/iot/v2",)
    dice_name = "viessmann"
    endpoints = (
        endpoint("installations", r"/iot/v2/equipment/installations", "GET"),
        endpoint("features", f"{_DEVICES}/features/?", "GET"),
        endpoint("filter", f"{_DEVICES}/features/filter", "POST"),
        endpoint("feature", f"{_DEVICES}/features/(?P<feature>[^/]+)", "GET"),
        endpoint(
            "command",
            f"{_DEVICES}/features/(?P<feature>[^/]+)/commands/(?P<command>[^/]+)",
            "POST",
            writes=("POST",),
        ),
    )

    def __init__(self, make: Make, fleet: SimulatedFleet, stopping: asyncio.Event) -> None:
        config = fleet.config
        tokens = TokenServer(
            RULES, config.client_id, "", config.token_life_s, config.refresh_tokens, config.redirect_uris
        )
        super().__init__(make, fleet, stopping, tokens, Delays((30.0, 120.0), (180.0, 420.0), (60.0, 400.0)))
        self._short = OpenedWindow(*SHORT_WINDOW, fleet.epoch_s)
        self._long = OpenedWindow(*LONG_WINDOW, fleet.epoch_s)

    def payer(self, grant: Grant) -> str:
        return grant.user or grant.client

    def charge(self, client: str, _call: Call | None, now_s: float) -> Allowance:
        if client == ANONYMOUS:
            return Allowance(LONG_WINDOW[0], LONG_WINDOW[0], 0.0)
        short, long = self._short.count(client, now_s), self._long.count(client, now_s)
        return long if not long.allowed else short

    def quota_headers(self, _allowance: Allowance) -> Mapping[str, str]:
        return {}

    def named(self, call: Call) -> Sequence[tuple[Lever | None, float | None]]:
        if call.home is None:
            return [(None, None)]
        feature, body = call.parts.get("feature"), _body_or_empty(call)
        if feature == CURVE:
            return [(Lever.HEATING_OFFSET, _number(body.get("shift")))]
        if feature == TARGET:
            return [(Lever.HOT_WATER_TARGET, _number(body.get("temperature")))]
        if feature == ONE_TIME_CHARGE:
            return [(Lever.HOT_WATER_TARGET, CHARGED_ONCE_TO_C if _starts_charge(call, body) else None)]
        return [(None, None)]

    def settings(self, call: Call) -> Sequence[Setting]:
        home, features = self._home(call), self._features(call)
        feature = features.get(call.parts["feature"])
        command = feature.commands.get(call.parts["command"]) if feature else None
        if command is None or not command.is_executable:
            raise Refusal(502, "Command not found", "COMMAND_NOT_FOUND")
        if call.media_type != "application/json":
            raise Refusal(415, "the body must be application/json", "UNSUPPORTED_MEDIA_TYPE")
        try:
            given = command.check(json.loads(call.body))
        except ValueError:
            raise Refusal(400, "the body is not JSON", "BAD_REQUEST") from None
        if call.parts["feature"] == CURVE:
            return [Setting(Lever.HEATING_OFFSET, float(given["shift"]))]
        if call.parts["feature"] == TARGET:
            return [Setting(Lever.HOT_WATER_TARGET, float(given["temperature"]))]
        tank = home.unit.levers[Lever.HOT_WATER_TARGET]
        if _starts_charge(call, given):
            return [Setting(Lever.HOT_WATER_TARGET, max(CHARGED_ONCE_TO_C, tank.standing), CHARGE_LASTS_S)]
        return [Setting(Lever.HOT_WATER_TARGET, tank.standing)]

    def serve(self, call: Call, write: Write | None, grant: Grant | None, now_s: float) -> Response:
        try:
            _check_scope(grant)
            if call.endpoint.name == "installations":
                return self._installations(call, grant, now_s)
            self._check_reached(call, grant, now_s)
            if write is not None:
                return self._command(call, write, now_s)
            return self._read(call, now_s)
        except Refusal as refusal:
            if write is not None:
                self.delivery.note(write, now_s, "refused", refusal.code)
            return _error(refusal.status, refusal.code, str(refusal))
        except _OfflineError as offline:
            if write is not None:
                self.delivery.note(write, now_s, "refused", "offline")
            return offline.answer

    def _installations(self, call: Call, grant: Grant | None, now_s: float) -> Response:
        try:
            query = query_of(call.request, frozenset(("includeGateways", "cursor", "limit")))
        except ValueError as broken:
            raise Refusal(400, str(broken), "BAD_REQUEST") from broken
        with_gateways = query.get("includeGateways") == "true"
        return Answer({"data": [self._installation(home, with_gateways, now_s) for home in self._reached_by(grant)]})

    def _reached_by(self, grant: Grant | None) -> list[Home]:
        user = grant.user if grant is not None else ""
        return [home for home in self.homes if user in ("", self.fleet.account_of(home))]

    def _installation(self, home: Home, with_gateways: bool, now_s: float) -> dict[str, Any]:
        identity = home.unit.identity
        status = "Offline" if self.delivery.is_offline(home, now_s) else "Online"
        device: dict[str, Any] = {"id": DEVICE, "modelId": identity.model, "status": status}
        device |= {"deviceType": "heating", "roles": ["type:heatpump", "type:E3"]}
        gateway = {"serial": identity.device_id, "devices": [device]}
        found: dict[str, Any] = {"id": int(identity.system_id), "description": f"Home {home.unit.spec.index + 1}"}
        return found | ({"gateways": [gateway]} if with_gateways else {})

    def _check_reached(self, call: Call, grant: Grant | None, now_s: float) -> None:
        home = self._home(call)
        if home not in self._reached_by(grant):
            raise Refusal(404, "Device not found", "DEVICE_NOT_FOUND")
        if self.delivery.is_offline(home, now_s):
            raise _OfflineError("GATEWAY_OFFLINE")
        if home.unit.condition is Condition.UPDATING:
            raise _OfflineError("DEVICE_OFFLINE")

    def _command(self, call: Call, write: Write, now_s: float) -> Response:
        for setting in self.settings(call):
            self.delivery.deliver(write, setting, now_s)
        return Answer({"data": {"success": True, "reason": "COMMAND_EXECUTION_SUCCESS"}})

    def _read(self, call: Call, now_s: float) -> Response:
        snapshot = self._snapshot(call, now_s)
        home = self._home(call)
        counted = consumption_of(home.history, snapshot.at_s, self.fleet.config.local_time)
        features = {feature.name: feature for feature in (*features_of(home.unit, snapshot), *counted)}
        if call.endpoint.name == "feature":
            found = features.get(call.parts["feature"])
            if found is None:
                raise Refusal(404, "Feature not found", "FEATURE_NOT_FOUND")
            return Answer({"data": self._entry(call, found, snapshot)})
        selected = features.values() if call.endpoint.name == "features" else _filtered(call, features)
        return Answer({"data": [self._entry(call, feature, snapshot) for feature in selected]})

    def _entry(self, call: Call, feature: Feature, snapshot: Snapshot) -> dict[str, Any]:
        path = call.request.url.path
        base = _ORIGIN + path[: path.index("/features", path.index("/devices/")) + len("/features")]
        at = datetime.fromtimestamp(snapshot.at_s, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return feature.entry(base, call.device, call.parts["unit"], at)

    def _features(self, call: Call) -> dict[str, Feature]:
        """The features of this moment, which decide what can be commanded now."""
        home = self._home(call)
        return {feature.name: feature for feature in features_of(home.unit, home.unit.read(self.fleet.now_s()))}

    def _snapshot(self, call: Call, now_s: float) -> Snapshot:
        """What the cloud knows of a unit; a stale read knows less than it could."""
        dice = self.switchboard.dice
        if dice.strikes("stale-read", call.device, call.number, now_s):
            now_s -= dice.amount("stale-read", call.device, call.number, 600.0, 1800.0)
        return self._home(call).unit.read(now_s)

    def _home(self, call: Call) -> Home:
        home = call.home
        if home is None or call.parts["installation"] != home.unit.identity.system_id or call.parts["unit"] != DEVICE:
            raise Refusal(404, "Device not found", "DEVICE_NOT_FOUND")
        return home

    def no_such_path(self) -> Response:
        return _error(404, "RESOURCE_NOT_FOUND", "Resource not found")

    def method_not_allowed(self, methods: tuple[str, ...]) -> Response:
        answer = _error(405, "METHOD_NOT_ALLOWED", "Method not allowed")
        answer.headers["Allow"] = ", ".join(methods)
        return answer

    def unauthorised(self, _token: str | None) -> Response:
        return Answer({"error": "EXPIRED TOKEN"}, 401)

    def over_quota(self, allowance: Allowance, grant: Grant, now_s: float) -> Response:
        name = "ViCare day limit" if allowance.limit == LONG_WINDOW[0] else "ViCare 10 minute limit"
        payload = {
            "name": name,
            "requestCountLimit": allowance.limit,
            "limitReset": int((now_s + allowance.reset_s) * 1000),
            "clientId": grant.client,
            "userId": grant.user or "user-1",
        }
        message = "API calls rate limit has been exceeded. Please wait until your limit will renew."
        return _error(429, "RATE_LIMIT_EXCEEDED", message, payload)

    def internal_error(self, number: int) -> Response:
        """The front end speaks HTML; behind it the link to the device or the service itself fails."""
        match number % 3:
            case 0:
                return html_error(502)
            case 1:
                payload = {"reason": "INTERNAL_SERVER_ERROR"}
                return _error(502, "DEVICE_COMMUNICATION_ERROR", "DEVICE_COMMUNICATION_ERROR", payload)
        return _error(500, "INTERNAL_ERROR", "Internal server error")


class _OfflineError(Exception):
    """The vendor says offline by an HTTP 400."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        payload = {"httpStatusCode": "NotFound", "code": "404", "reason": reason}
        self.answer = _error(400, "DEVICE_COMMUNICATION_ERROR", "Device communication error", payload)


def _error(status: int, kind: str, message: str, payload: dict[str, Any] | None = None) -> Answer:
    body: dict[str, Any] = {"viErrorId": "req-0", "statusCode": status, "errorType": kind, "message": message}
    return Answer(body | ({"extendedPayload": payload} if payload is not None else {}), status)


def _check_scope(grant: Grant | None) -> None:
    if grant is None or "IoT" not in grant.scope:
        raise Refusal(403, "The scope IoT is missing", "FORBIDDEN")


def _body_or_empty(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _number(told: Any) -> float | None:
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) else None


def _starts_charge(call: Call, body: Mapping[str, Any]) -> bool:
    return call.parts.get("command") == "activate" or body.get("active") is True


def _filtered(call: Call, features: Mapping[str, Feature]) -> list[Feature]:
    body = _body_or_empty(call)
    if set(body) - {"filter", "skipDisabled", "skipNotReady"} or not isinstance(body.get("filter"), list):
        raise Refusal(400, "a filter with a list of features is needed", "BAD_REQUEST")
    found = [features[name] for name in body["filter"] if name in features]
    return [feature for feature in found if feature.is_enabled or not body.get("skipDisabled")]
