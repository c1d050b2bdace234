"""Reads the writes of the myUplink dialect strictly: points and zones.

Protects: nothing is more lenient than the vendor, and a room setpoint written as a point is answered "modified" and
never applied, as real S-series units do it.
"""

import json
from dataclasses import dataclass
from typing import Any

from simulator.clouds.cloud import Call, Refusal
from simulator.clouds.delivery import Setting
from simulator.homes.unit import Unit
from simulator.levers import Lever
from simulator.vendors.nibe.points import lever_points, point_of
from simulator.vendors.nibe.s_series import SETPOINT_MAX_C, SETPOINT_MIN_C, SETPOINT_STEP_K, ZONE_ID

DEGREE_MINUTES, PRICE_ADAPTION = "40940", "4789"
MODES = ("Default", "Normal", "Away", "Vacation", "Home")
_JSON_TYPES = ("application/json", "application/json-patch+json")


@dataclass(frozen=True)
class Values:
    """A well-formed write: values by parameter, and the settings of levers among them."""

    by_name: dict[str, float]
    settings: tuple[Setting, ...]


def read_values(call: Call) -> Values:
    """Read a write strictly; raises Refusal with the status that the cloud answers."""
    if call.home is None:
        raise Refusal(404, "no such device")
    if call.media_type not in _JSON_TYPES:
        raise Refusal(415, f"content type {call.media_type or 'missing'} is not taken here")
    try:
        body: Any = json.loads(call.body)
    except ValueError:
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict) or not body:
        raise Refusal(400, "the body must be an object with at least one value")
    unit = call.home.unit
    if "zone" in call.parts:
        return _read_zone(unit, call.parts["zone"], body)
    return _read_points(unit, body)


def read_mode(call: Call) -> str:
    """The smart-home mode that a write asks for; raises Refusal."""
    if call.media_type not in _JSON_TYPES:
        raise Refusal(415, f"content type {call.media_type or 'missing'} is not taken here")
    try:
        body: Any = json.loads(call.body)
    except ValueError:
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict) or set(body) != {"smartHomeMode"} or body["smartHomeMode"] not in MODES:
        raise Refusal(400, f"smartHomeMode must be one of {', '.join(MODES)}")
    return str(body["smartHomeMode"])


def _read_points(unit: Unit, body: dict[str, Any]) -> Values:
    values: dict[str, float] = {}
    for name, value in body.items():
        point = point_of(unit, name)
        if point is None:
            raise Refusal(400, f"{name}: unknown parameter")
        values[name] = _number(name, value)
        refusal = point.refusal(values[name])
        if refusal is not None:
            raise Refusal(400, f"{name}: {refusal}")
    dropped = "points-on-zone" if unit.heating_lever is Lever.ROOM_SETPOINT else None
    settings = (
        Setting(lever, values[point.id], dropped=dropped)
        for lever, point in lever_points(unit).items()
        if point.id in values
    )
    return Values(values, tuple(settings))


def _read_zone(unit: Unit, zone_id: str, body: dict[str, Any]) -> Values:
    if unit.heating_lever is not Lever.ROOM_SETPOINT or zone_id != ZONE_ID:
        raise Refusal(404, "no such zone")
    unknown = set(body) - {"setpointHeat"}
    if unknown:
        raise Refusal(400, f"{', '.join(sorted(unknown))}: cannot be set in this zone")
    value = _number("setpointHeat", body["setpointHeat"])
    if not SETPOINT_MIN_C <= value <= SETPOINT_MAX_C:
        raise Refusal(400, "setpointHeat: value outside of a valid min-max range")
    if (value / SETPOINT_STEP_K) % 1.0:
        raise Refusal(400, "setpointHeat: value does not lie on a step")
    return Values({"setpointHeat": value}, (Setting(unit.heating_lever, value),))


def _number(name: str, value: Any) -> float:
    """A number, or text that is one: clients send both and the cloud takes both."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise Refusal(400, f"{name}: not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 1e9:
        raise Refusal(400, f"{name}: not a number")
    return float(value)


def named_levers(call: Call) -> list[tuple[Lever | None, float | None]]:
    """Levers and values as far as they can be read, even in a request that is refused; never empty."""
    if call.home is None:
        return [(None, None)]
    unit = call.home.unit
    try:
        body = json.loads(call.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return [(unit.heating_lever, None)]
    names = {unit.heating_lever: "setpointHeat"}
    if "zone" not in call.parts:
        names = {lever: point.id for lever, point in lever_points(unit).items()}
    named = [(lever, _number_or_none(body[name])) for lever, name in names.items() if name in body]
    return list(named) or [(unit.heating_lever, None)]


def _number_or_none(value: Any) -> float | None:
    try:
        return _number("", value)
    except Refusal:
        return None
