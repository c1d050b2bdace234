"""Conditions that a person, an installer or another controller brings about at a unit, and what they do to the house.

Protects: a condition acts on a house and its twin alike, because neither depends on who steers; the cloud shows it only
as far as the unit publishes it.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any, Literal

from simulator.levers import Lever

type ConditionCause = Literal["household", "installer", "external", "vendor", "time", "asked"]


class Condition(StrEnum):
    """What keeps a unit from simply following its levers."""

    UPDATING = "updating"
    """Its firmware is being replaced: it publishes nothing and applies nothing."""
    INSTALLER = "installer"
    """In manual or additional-heat operation: somebody is working on it."""
    OFF = "off"
    """A person switched its heating off."""
    REMOTE_DISABLED = "remote-disabled"
    """It can be read but not written."""
    AWAY = "away"
    """A person set its away or holiday mode."""
    EXTERNAL = "external"
    """Another controller (contact input, price function, utility lock) moves it."""
    NORMAL = "normal"


BROUGHT_BY: dict[Condition, ConditionCause] = {
    Condition.AWAY: "household",
    Condition.OFF: "household",
    Condition.INSTALLER: "installer",
    Condition.REMOTE_DISABLED: "household",
    Condition.UPDATING: "vendor",
    Condition.EXTERNAL: "external",
}
APPLIES_NOTHING = frozenset((Condition.INSTALLER, Condition.UPDATING))
"""Conditions in which a unit applies nothing that comes from the cloud."""
_AWAY_SHIFT = {Lever.HEATING_OFFSET: -2.0, Lever.LEAVING_WATER: -4.0, Lever.ROOM_SETPOINT: -2.0}
"""Away lowers the room by about 2 K: two steps of the offset, twice as much supply, or two kelvin of the setpoint."""
_EXTERNAL_SHIFT = {Lever.HEATING_OFFSET: 1.5, Lever.LEAVING_WATER: 3.0, Lever.ROOM_SETPOINT: 1.0}
"""Another controller moves the supply by some 3 K, up or down depending on the house."""


@dataclass(frozen=True, slots=True)
class ActiveCondition:
    """A condition in force."""

    condition: Condition
    until_s: float = inf

    def to_json(self) -> dict[str, Any]:
        return {"condition": self.condition.value, "until_s": None if self.until_s == inf else self.until_s}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "ActiveCondition":
        until_s = kept["until_s"]
        return cls(Condition(kept["condition"]), inf if until_s is None else until_s)


def shift_of(condition: Condition, heating: Lever, index: int) -> float:
    """How far the unit itself moves its heating setting, in that lever's unit, without showing it there."""
    match condition:
        case Condition.AWAY:
            return _AWAY_SHIFT[heating]
        case Condition.EXTERNAL:
            return _EXTERNAL_SHIFT[heating] * (1.0 if index % 2 else -1.0)
    return 0.0
