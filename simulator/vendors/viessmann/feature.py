"""One feature as the cloud lists it: properties that can be read, commands that can be given.

Protects: whether a command is executable is said anew with every answer, because it changes with the unit's state.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.clouds.cloud import Refusal

UNPROCESSABLE = 422


@dataclass(frozen=True)
class Parameter:
    """One parameter of a command."""

    type: str
    constraints: Mapping[str, Any] = field(default_factory=dict)
    required: bool = True

    def check(self, name: str, value: Any) -> None:
        """Raise Refusal for a value that the command does not take."""
        match self.type:
            case "number":
                is_right = isinstance(value, int | float) and not isinstance(value, bool)
            case "boolean":
                is_right = isinstance(value, bool)
            case _:
                is_right = isinstance(value, str)
        if not is_right:
            raise Refusal(UNPROCESSABLE, f"{name} must be a {self.type}", "VALIDATION_ERROR")
        limits = self.constraints
        if "min" in limits and not limits["min"] <= value <= limits["max"]:
            raise Refusal(UNPROCESSABLE, f"{name} must lie in {limits['min']} to {limits['max']}", "VALIDATION_ERROR")
        if "stepping" in limits:
            steps = (value - limits["min"]) / limits["stepping"]
            if abs(steps - round(steps)) > 1e-6:
                raise Refusal(UNPROCESSABLE, f"{name} must be on steps of {limits['stepping']}", "VALIDATION_ERROR")
        if "enum" in limits and value not in limits["enum"]:
            raise Refusal(UNPROCESSABLE, f"{name} must be one of {', '.join(limits['enum'])}", "VALIDATION_ERROR")
        if "regEx" in limits and re.fullmatch(limits["regEx"], value) is None:
            raise Refusal(UNPROCESSABLE, f"{name} must match {limits['regEx']}", "VALIDATION_ERROR")


@dataclass(frozen=True)
class Command:
    """One command of a feature."""

    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    is_executable: bool = True

    def check(self, body: Any) -> dict[str, Any]:
        """The parameters of a request; raises Refusal for a missing, unknown or bad one."""
        if not isinstance(body, dict):
            raise Refusal(UNPROCESSABLE, "the body must be an object", "VALIDATION_ERROR")
        unknown = set(body) - set(self.parameters)
        if unknown:
            raise Refusal(UNPROCESSABLE, f"{', '.join(sorted(unknown))}: unknown parameter", "VALIDATION_ERROR")
        for name, parameter in self.parameters.items():
            if name in body:
                parameter.check(name, body[name])
            elif parameter.required:
                raise Refusal(UNPROCESSABLE, f"{name} is missing", "VALIDATION_ERROR")
        return body


@dataclass(frozen=True)
class Feature:
    """One feature of a device at one moment."""

    name: str
    properties: Mapping[str, Mapping[str, Any]]
    commands: Mapping[str, Command] = field(default_factory=dict)
    is_enabled: bool = True

    def entry(self, base: str, gateway: str, device: str, timestamp: str) -> dict[str, Any]:
        """The feature in the cloud's list; `base` is the address of the device's features."""
        uri = f"{base}/{self.name}"
        commands = {
            name: {
                "isExecutable": command.is_executable,
                "name": name,
                "params": {
                    key: {"constraints": dict(known.constraints), "required": known.required, "type": known.type}
                    for key, known in command.parameters.items()
                },
                "uri": f"{uri}/commands/{name}",
            }
            for name, command in self.commands.items()
        }
        return {
            "apiVersion": 1,
            "commands": commands,
            "deviceId": device,
            "feature": self.name,
            "gatewayId": gateway,
            "isEnabled": self.is_enabled,
            "isReady": True,
            "properties": {name: dict(value) for name, value in self.properties.items()},
            "timestamp": timestamp,
            "uri": uri,
        }


def number(value: float, unit: str = "") -> dict[str, Any]:
    """A property that is a number."""
    return {"type": "number", "unit": unit, "value": int(value) if value == int(value) else value}


def text(value: str) -> dict[str, Any]:
    """A property that is a text."""
    return {"type": "string", "value": value}


def flag(value: bool) -> dict[str, Any]:
    """A property that is yes or no."""
    return {"type": "boolean", "value": value}
