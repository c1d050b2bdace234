"""What becomes of a write: read strictly, judged, and either taken up by the unit, dropped or lost.

Protects: every write request leaves one line in the truth log for each lever it names, and at least one, whatever
went wrong with it.
"""

import json
from dataclasses import dataclass
from typing import Any

from domain.oem.cloud import Condition
from simulator.levers import Lever
from simulator.points import (
    SETPOINT_MAX_C,
    SETPOINT_MIN_C,
    SETPOINT_STEP_K,
    ZONE_ID,
    lever_points,
    point_of,
)
from simulator.truth import RequestCause
from simulator.unit import Unit
from simulator.wire import Answer
from simulator.world import Home, World

_JSON_TYPES = ("application/json", "application/json-patch+json")
_APPLY_S = (10.0, 60.0)
_SLOW_S = (120.0, 300.0)
_LATE_S = (60.0, 400.0)
_DEAF = (Condition.INSTALLER, Condition.UPDATING)
"""Conditions in which a unit takes nothing up from the cloud."""


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
    """A well-formed write: values by parameter id, and those of levers among them."""

    values: dict[str, float]
    settings: dict[Lever, float]


class WriteDesk:
    """Takes writes and writes their fate down."""

    def __init__(self, world: World) -> None:
        self._world = world

    def note(self, write: Write, now_s: float, cause: RequestCause, detail: str | None = None) -> None:
        """The fate that all of a request shares: one line of truth for each lever it names."""
        for lever, value in _glance(write):
            self._line(write, now_s, lever, value, cause, detail)

    def _line(
        self,
        write: Write,
        now_s: float,
        lever: Lever | None,
        value: float | None,
        cause: RequestCause,
        detail: str | None = None,
        apply_at_s: float | None = None,
    ) -> None:
        pump = write.home.unit.pump_id if write.home else None
        self._world.truth.request(now_s, pump, lever, value, cause, write.client, detail, apply_at_s)

    def take(self, write: Write, now_s: float) -> Answer:
        """Judge a write that reached the cloud and answer it."""
        if write.home is not None and write.home.unit.condition is Condition.REMOTE_DISABLED:
            self.note(write, now_s, "refused", "remote-disabled")
            return Answer({"status": 403, "title": "Forbidden"}, 403)
        try:
            wanted = read_write(write)
        except BadWrite as refusal:
            self.note(write, now_s, "refused", str(refusal))
            return Answer({"status": refusal.status, "error": str(refusal)}, refusal.status)
        assert write.home is not None
        for lever, value in wanted.settings.items():
            self._decide(write, write.home, lever, value, now_s)
        if not wanted.settings:
            self.note(write, now_s, "accepted", "no lever")
        if "40940" in wanted.values:
            write.home.steered.control.degree_minutes = wanted.values["40940"]
        return Answer({"status": 200, "payload": dict.fromkeys(wanted.values, "modified")})

    def lose(self, write: Write, now_s: float) -> None:
        """The answer is lost; by the dice the write still travels and lands late."""
        dice = self._world.dice
        subject = write.home.unit.device_id if write.home else "cloud"
        try:
            settings = read_write(write).settings
        except BadWrite:
            settings = {}
        lands = dice.amount("timeout-lands", subject, write.number, 0.0, 1.0) < 0.5
        if (
            write.home is None
            or not settings
            or not lands
            or _on_points(write)
            or self._hears_nothing(write.home, now_s)
        ):
            self.note(write, now_s, "timeout-lost")
            return
        apply_at_s = now_s + dice.amount("timeout", subject, write.number, *_LATE_S)
        for lever, value in settings.items():
            write.home.unit.ask_late(value, apply_at_s, lever)
            self._line(write, now_s, lever, value, "timeout-late", None, apply_at_s)

    def _hears_nothing(self, home: Home, now_s: float) -> bool:
        condition = home.unit.condition
        return condition in _DEAF or condition is Condition.REMOTE_DISABLED or self._offline(home, now_s)

    def _decide(self, write: Write, home: Home, lever: Lever, value: float, now_s: float) -> None:
        dice, unit = self._world.dice, home.unit
        if unit.has(value, lever):
            self._line(write, now_s, lever, value, "no-change")
        elif _on_points(write):
            self._line(write, now_s, lever, value, "ignored", "points-on-zone")
        elif self._offline(home, now_s):
            self._line(write, now_s, lever, value, "ignored", "offline")
        elif unit.condition in _DEAF:
            self._line(write, now_s, lever, value, "ignored", unit.condition.value)
        elif dice.strikes("silent-ignore", unit.device_id, write.number, now_s):
            self._line(write, now_s, lever, value, "ignored", "silent")
        else:
            slow = dice.strikes("slow-apply", unit.device_id, write.number, now_s)
            low, high = _SLOW_S if slow else _APPLY_S
            delay_s = dice.amount("apply", unit.device_id, write.number, low, high)
            apply_at_s = unit.ask(value, now_s + delay_s, lever)
            self._line(write, now_s, lever, value, "accepted", "slow" if slow else None, apply_at_s)

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
    levers = lever_points(unit).items()
    return Wanted(values, {lever: values[point.id] for lever, point in levers if point.id in values})


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
    return Wanted({"setpointHeat": value}, {unit.lever: value})


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


def _glance(write: Write) -> list[tuple[Lever | None, float | None]]:
    """Levers and values as far as they can be told, even of a request that is refused; never empty."""
    if write.home is None:
        return [(None, None)]
    unit = write.home.unit
    try:
        body = json.loads(write.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return [(unit.lever, None)]
    names = {unit.lever: "setpointHeat"}
    if write.zone_id is None:
        names = {lever: point.id for lever, point in lever_points(unit).items()}
    named = [(lever, _told(body[name])) for lever, name in names.items() if name in body]
    return list(named) or [(unit.lever, None)]


def _told(value: Any) -> float | None:
    try:
        return _number("", value)
    except BadWrite:
        return None
