"""One parameter as the vendor's cloud lists it.

Protects: values are in real units while ranges are raw, as the vendor does it: a trap left in on purpose.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.homes.conditions import Condition
from simulator.homes.snapshot import Snapshot
from simulator.levers import Lever

type Read = Callable[[Snapshot], float]

ON_OFF = ((0, "off"), (1, "on"))


@dataclass(frozen=True)
class Point:
    """One parameter. Minimum, maximum and step are raw: times `scale` they are in the value's unit."""

    id: str
    name: str
    unit: str
    read: Read
    scale: str = "0.1"
    writable: bool = False
    raw_min: int | None = None
    raw_max: int | None = None
    raw_step: int = 1
    categories: tuple[str, ...] = ()
    texts: tuple[tuple[int, str], ...] = ()
    zone: str | None = None
    lever: Lever | None = None
    """The lever that this point shows."""

    def refusal(self, value: float) -> str | None:
        """Why a value cannot be written; None when it can."""
        if not self.writable:
            return "parameter is not writable"
        if self.texts and value not in {float(number) for number, _ in self.texts}:
            return "value is none of the enumeration"
        scale = float(self.scale)
        if self.raw_min is not None and self.raw_max is not None:
            low, high = self.raw_min * scale, self.raw_max * scale
            if not low - 1e-9 <= value <= high + 1e-9:
                return "value outside of a valid min-max range"
            steps = (value - low) / (self.raw_step * scale)
            if abs(steps - round(steps)) > 1e-6:
                return "value does not lie on a step"
        return None

    def entry(self, category: str, at: str, snapshot: Snapshot) -> dict[str, Any]:
        """The point in the cloud's list."""
        value = self.read(snapshot)
        shown: float = int(value) if value == int(value) else value
        text = next((text for number, text in self.texts if number == shown), None)
        return {
            "category": category,
            "parameterId": self.id,
            "parameterName": self.name,
            "parameterUnit": self.unit,
            "writable": self.writable,
            "timestamp": at,
            "value": shown,
            "strVal": text or f"{shown}{self.unit}",
            "smartHomeCategories": list(self.categories),
            "minValue": self.raw_min,
            "maxValue": self.raw_max,
            "stepValue": self.raw_step,
            "enumValues": [{"value": str(number), "text": name, "icon": ""} for number, name in self.texts],
            "scaleValue": self.scale,
            "zoneId": self.zone,
        }


def shows(condition: Condition) -> Read:
    """A switch that is on in one condition."""
    return lambda snapshot: 1 if snapshot.condition is condition else 0


def heating_allowed(snapshot: Snapshot) -> float:
    """Off while a person has switched the heating off."""
    return 0 if snapshot.condition is Condition.OFF else 1
