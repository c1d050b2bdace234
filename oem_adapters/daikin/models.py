"""Shapes of the Onecta wire, as far as they are used.

Protects: an unknown field, a null, or one odd device never spoils an answer; what is not there is absent, never zero.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

DEVICES = TypeAdapter(list[Any])
_OBJECT = TypeAdapter(dict[str, Any])


def number_of(told: Any) -> float | None:
    """A finite number; None for anything else."""
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return float(told) if is_number and math.isfinite(told) else None


def stamp_of(told: Any) -> datetime | None:
    """An aware moment; None for anything else."""
    if not isinstance(told, str):
        return None
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def code_of(content: bytes) -> str:
    """The vendor's own word for a refusal; empty where it says none."""
    try:
        told = _OBJECT.validate_json(content).get("code")
    except ValidationError:
        return ""
    return told if isinstance(told, str) else ""


@dataclass(frozen=True)
class Characteristic:
    """Something of a management point that is shown and may be settable now."""

    fields: Mapping[str, Any]

    @property
    def value(self) -> Any:
        return self.fields.get("value")

    @property
    def is_settable(self) -> bool:
        return self.fields.get("settable") is True

    @property
    def number(self) -> float | None:
        """Its value within the limits that it tells; one on the edge of a byte stands for a sensor that is absent."""
        value, least, most = number_of(self.value), self.limit("minValue"), self.limit("maxValue")
        if value is None or (least is not None and value < least) or (most is not None and value > most):
            return None
        return None if abs(value) >= _NO_SENSOR_C else value

    def limit(self, name: str) -> float | None:
        """`minValue`, `maxValue` or `stepValue`; None where it is not told."""
        return number_of(self.fields.get(name))

    def at(self, *path: str) -> "Characteristic":
        """A part of its value; empty where there is none."""
        part: Any = self.value
        for step in path:
            part = part.get(step) if isinstance(part, dict) else None
        return Characteristic(part if isinstance(part, dict) else {})


_NO_SENSOR_C = 127.0
"""Sensors are signed bytes of degrees; their ends are no temperature of a house."""


@dataclass(frozen=True)
class Point:
    """A management point: a part of a unit."""

    fields: Mapping[str, Any]

    @property
    def embedded_id(self) -> str:
        """Its name in paths, such as "climateControlMainZone" or "1"."""
        told = self.fields.get("embeddedId")
        return told if isinstance(told, str) else ""

    @property
    def kind(self) -> str:
        return str(self.fields.get("managementPointType", ""))

    @property
    def is_main_zone(self) -> bool:
        return self.fields.get("managementPointSubType") == "mainZone"

    def get(self, name: str) -> Characteristic:
        """A characteristic by its name; empty where there is none."""
        told = self.fields.get(name)
        return Characteristic(told if isinstance(told, dict) else {})


@dataclass(frozen=True)
class Device:
    """A unit with its gateway."""

    device_id: str
    fields: Mapping[str, Any]

    def points(self, *kinds: str) -> Iterator[Point]:
        """Its management points of these kinds."""
        listed = self.fields.get("managementPoints")
        for item in listed if isinstance(listed, list) else []:
            if isinstance(item, dict) and (point := Point(item)).kind in kinds and point.embedded_id:
                yield point

    def point(self, *kinds: str) -> Point:
        """The first of them; an empty one where there is none."""
        return next(self.points(*kinds), Point({}))

    @property
    def is_disconnected(self) -> bool:
        """Said to be disconnected; an answer that does not tell says neither."""
        told = self.fields.get("isCloudConnectionUp")
        return isinstance(told, dict) and told.get("value") is False

    @property
    def stamps(self) -> list[datetime]:
        """When the unit last reported."""
        told = (stamp_of(self.fields.get(name)) for name in ("timestamp", "lastUpdateReceived"))
        return [stamp for stamp in told if stamp is not None]


def read_devices(listed: list[Any]) -> dict[str, Device]:
    """The devices that have an id, by it."""
    found = {}
    for item in listed:
        device_id = item.get("id") if isinstance(item, dict) else None
        if isinstance(device_id, str) and device_id:
            found[device_id] = Device(device_id, item)
    return found
