"""What becomes of a write: read strictly, judged, and either taken up by the unit, dropped or lost.

Protects: every write request leaves exactly one line in the truth log, whatever went wrong with it.
"""

import json
from dataclasses import dataclass
from typing import Any

from domain.modes import Lever
from simulator.points import (
    SETPOINT_MAX_C,
    SETPOINT_MIN_C,
    SETPOINT_STEP_K,
    ZONE_ID,
    lever_point,
    point_of,
)
from simulator.truth import RequestCause
from simulator.unit import Unit, Wish
from simulator.wire import Answer
from simulator.world import Home, World

_JSON_TYPES = ("application/json", "application/json-patch+json")
_APPLY_S = (10.0, 60.0)
_SLOW_S = (120.0, 300.0)
_LATE_S = (60.0, 400.0)


@dataclass(frozen=True)
class Write:
    """A write request as it came in: which device, through which endpoint, with which body."""

    home: Home | None
    zone_id: str | None
    """None for the points endpoint."""
    content_type: str
    body: bytes
    client: str | None
    number: int


class BadWrite(Exception):
    """The cloud refuses the request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Wanted:
    """A well-formed write: values by parameter id, and the lever's among them."""

    values: dict[str, float]
    setting: float | None


class WriteDesk:
    """Takes writes and writes their fate down."""

    def __init__(self, world: World) -> None:
        self._world = world

    def note(
        self,
        write: Write,
        now_s: float,
        cause: RequestCause,
        detail: str | None = None,
        apply_at_s: float | None = None,
    ) -> None:
        """One line of truth for a request."""
        lever, value = _glance(write)
        pump = write.home.unit.pump_id if write.home else None
        self._world.truth.request(now_s, pump, lever, value, cause, write.client, detail, apply_at_s)

    def take(self, write: Write, now_s: float) -> Answer:
        """Judge a write that reached the cloud and answer it."""
        try:
            wanted = read_write(write)
        except BadWrite as refusal:
            self.note(write, now_s, "refused", str(refusal))
            return Answer({"status": refusal.status, "error": str(refusal)}, refusal.status)
        assert write.home is not None
        unit = write.home.unit
        if wanted.setting is not None:
            self._decide(write, unit, wanted.setting, now_s)
        else:
            self.note(write, now_s, "accepted", "no lever")
        if "40940" in wanted.values:
            write.home.steered.control.degree_minutes = wanted.values["40940"]
        return Answer({"status": 200, "payload": dict.fromkeys(wanted.values, "modified")})

    def lose(self, write: Write, now_s: float) -> None:
        """The answer is lost; by the dice the write still travels and lands late."""
        dice = self._world.dice
        subject = write.home.unit.device_id if write.home else "cloud"
        try:
            setting = read_write(write).setting
        except BadWrite:
            setting = None
        lands = dice.amount("timeout-lands", subject, write.number, 0.0, 1.0) < 0.5
        if write.home is None or setting is None or not lands or _on_points(write) or self._offline(write.home, now_s):
            self.note(write, now_s, "timeout-lost")
            return
        apply_at_s = now_s + dice.amount("timeout", subject, write.number, *_LATE_S)
        write.home.unit.late.append(Wish(setting, apply_at_s))
        self.note(write, now_s, "timeout-late", apply_at_s=apply_at_s)

    def _decide(self, write: Write, unit: Unit, setting: float, now_s: float) -> None:
        dice = self._world.dice
        if unit.has(setting):
            self.note(write, now_s, "no-change")
        elif _on_points(write):
            self.note(write, now_s, "ignored", "points-on-zone")
        elif write.home is not None and self._offline(write.home, now_s):
            self.note(write, now_s, "ignored", "offline")
        elif dice.strikes("silent-ignore", unit.device_id, write.number, now_s):
            self.note(write, now_s, "ignored", "silent")
        else:
            slow = dice.strikes("slow-apply", unit.device_id, write.number, now_s)
            low, high = _SLOW_S if slow else _APPLY_S
            delay_s = dice.amount("apply", unit.device_id, write.number, low, high)
            apply_at_s = unit.ask(setting, now_s + delay_s)
            self.note(write, now_s, "accepted", "slow" if slow else None, apply_at_s)

    def _offline(self, home: Home, now_s: float) -> bool:
        return self._world.dice.offline(home.unit.device_id, now_s)


def read_write(write: Write) -> Wanted:
    """Read a write strictly; raises BadWrite with the status the cloud answers."""
    if write.home is None:
        raise BadWrite(404, "no such device")
    if write.content_type not in _JSON_TYPES:
        raise BadWrite(415, f"content type {write.content_type or 'missing'} is not taken here")
    try:
        body: Any = json.loads(write.body)
    except ValueError:
        raise BadWrite(400, "the body is not JSON") from None
    if not isinstance(body, dict) or not body:
        raise BadWrite(400, "the body must be an object with at least one value")
    unit = write.home.unit
    return _read_points(unit, body) if write.zone_id is None else _read_zone(unit, write.zone_id, body)


def _read_points(unit: Unit, body: dict[str, Any]) -> Wanted:
    values: dict[str, float] = {}
    for name, value in body.items():
        point = point_of(unit, name)
        if point is None:
            raise BadWrite(400, f"{name}: unknown parameter")
        values[name] = _number(name, value)
        refusal = point.refusal(values[name])
        if refusal is not None:
            raise BadWrite(400, f"{name}: {refusal}")
    return Wanted(values, values.get(lever_point(unit).id))


def _read_zone(unit: Unit, zone_id: str, body: dict[str, Any]) -> Wanted:
    if unit.lever is not Lever.ROOM_SETPOINT or zone_id != ZONE_ID:
        raise BadWrite(404, "no such zone")
    unknown = set(body) - {"setpointHeat"}
    if unknown:
        raise BadWrite(400, f"{', '.join(sorted(unknown))}: cannot be set in this zone")
    value = _number("setpointHeat", body["setpointHeat"])
    if not SETPOINT_MIN_C <= value <= SETPOINT_MAX_C:
        raise BadWrite(400, "setpointHeat: value outside of a valid min-max range")
    if (value / SETPOINT_STEP_K) % 1.0:
        raise BadWrite(400, "setpointHeat: value does not lie on a step")
    return Wanted({"setpointHeat": value}, value)


def _number(name: str, value: Any) -> float:
    """A number, or text that is one: clients send both and the cloud takes both."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise BadWrite(400, f"{name}: not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 1e9:
        raise BadWrite(400, f"{name}: not a number")
    return float(value)


def _on_points(write: Write) -> bool:
    """An S-series room setpoint written as a point: answered "modified", never applied."""
    return write.zone_id is None and write.home is not None and write.home.unit.lever is Lever.ROOM_SETPOINT


def _glance(write: Write) -> tuple[str | None, float | None]:
    """Lever and value as far as they can be told, even of a request that is refused."""
    if write.home is None:
        return None, None
    unit = write.home.unit
    lever = unit.lever.value
    try:
        body = json.loads(write.body)
    except ValueError:
        return lever, None
    name = lever_point(unit).id if write.zone_id is None else "setpointHeat"
    value = body.get(name) if isinstance(body, dict) else None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return lever, None
    return lever, value if isinstance(value, int | float) and not isinstance(value, bool) else None
