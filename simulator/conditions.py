"""What a person, an installer or another controller brings about at a unit, and what it does to the house.

Protects: a condition acts on a house and its twin alike, because neither asks who steers; the cloud shows it only
as far as the unit publishes it.
"""

from dataclasses import dataclass
from math import inf
from typing import Any, Literal

from domain.oem.cloud import Condition

type ConditionCause = Literal["household", "installer", "external", "vendor", "time", "asked"]

BROUGHT_BY: dict[Condition, ConditionCause] = {
    Condition.AWAY: "household",
    Condition.OFF: "household",
    Condition.INSTALLER: "installer",
    Condition.REMOTE_DISABLED: "household",
    Condition.UPDATING: "vendor",
    Condition.EXTERNAL: "external",
}
_AWAY_SHIFT = {False: -2.0, True: -2.0}
"""Away lowers the room by about 2 K: that many steps of the offset, or kelvin of the setpoint (S-series)."""
_EXTERNAL_SHIFT = {False: 1.5, True: 1.0}
"""What another controller moves the supply by, 3 K or so, up or down by house."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A condition in force."""

    condition: Condition
    until_s: float = inf

    def to_json(self) -> dict[str, Any]:
        return {"condition": self.condition.value, "until_s": None if self.until_s == inf else self.until_s}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Standing":
        until_s = kept["until_s"]
        return cls(Condition(kept["condition"]), inf if until_s is None else until_s)


def shift_of(condition: Condition, is_s_series: bool, index: int) -> float:
    """By how much the unit itself moves its heating setting, in the lever's own unit, without showing it there."""
    match condition:
        case Condition.AWAY:
            return _AWAY_SHIFT[is_s_series]
        case Condition.EXTERNAL:
            return _EXTERNAL_SHIFT[is_s_series] * (1.0 if index % 2 else -1.0)
    return 0.0
