"""Shapes of the ThinQ wire, as far as they are used.

Protects: an unknown field, a null, or an odd element never spoils an answer; what is not there is absent, never zero.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

_NO_SENSOR_C = 100.0
"""Water and rooms are colder; what lies beyond is no sensor's."""


class _Devices(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    response: list[Any]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    response: dict[str, Any]


DEVICES = TypeAdapter(_Devices)
DOCUMENT = TypeAdapter(_Document)
_OBJECT = TypeAdapter(dict[str, Any])


def number_of(told: Any) -> float | None:
    """A finite number; None for anything else."""
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return float(told) if is_number and math.isfinite(told) else None


def code_of(content: bytes) -> str:
    """The vendor's own code of a refusal; empty where there is none."""
    try:
        error = _OBJECT.validate_json(content).get("error")
    except ValidationError:
        return ""
    told = error.get("code") if isinstance(error, dict) else None
    return str(told) if isinstance(told, str | int) else ""


@dataclass(frozen=True)
class Listed:
    """A device as the list of an account names it."""

    device_id: str
    kind: str
    model: str
    is_reporting: bool


def read_listed(listed: list[Any]) -> list[Listed]:
    """The devices that have an id."""
    found = []
    for item in listed:
        fields = item if isinstance(item, dict) else {}
        device_id, info = fields.get("deviceId"), fields.get("deviceInfo")
        info = info if isinstance(info, dict) else {}
        if isinstance(device_id, str) and device_id:
            kind, model = str(info.get("deviceType", "")), str(info.get("modelName", ""))
            found.append(Listed(device_id, kind, model, info.get("reportable") is not False))
    return found


@dataclass(frozen=True)
class Document:
    """A profile's properties or a state: resources, some of them lists with an entry for each unit of measure."""

    resources: Mapping[str, Any]

    def get(self, resource: str, name: str) -> Any:
        """A property in degrees C, or without a unit; None where there is none."""
        told = self.resources.get(resource)
        entries = told if isinstance(told, list) else [told]
        for entry in entries:
            if isinstance(entry, dict) and name in entry and entry.get("unit") != "F":
                return entry[name]
        return None

    def temperature(self, resource: str, name: str) -> float | None:
        """A temperature that a sensor of water or air could give."""
        value = number_of(self.get(resource, name))
        return value if value is not None and abs(value) < _NO_SENSOR_C else None

    def limits(self, resource: str, name: str) -> tuple[float, float, float] | None:
        """Least, most and step that may be written; None where the property cannot be."""
        told = self.get(resource, name)
        value = told.get("value") if isinstance(told, dict) else None
        span = value.get("w") if isinstance(value, dict) else None
        if not isinstance(span, dict):
            return None
        least, most, step = (number_of(span.get(limit)) for limit in ("min", "max", "step"))
        if least is None or most is None or least >= most:
            return None
        return least, most, step if step is not None and step > 0 else 1.0
