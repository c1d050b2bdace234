"""What a pump decided for one circuit: the target, the settings behind it, and every bound that was in force.

Protects: what the journal keeps and what the pump acts on are the same values.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.base import Instant, Value
from domain.commands.command import Authority
from domain.modes import Level
from domain.oem.lever import LeverName


@dataclass(frozen=True, slots=True)
class Target:
    """The mode that should hold on a circuit now, and by whose authority."""

    mode: Level
    authority: Authority
    until: datetime | None
    """When it may change by itself."""
    revision: int | None = None
    is_held: bool = False
    """Nothing may be written now, whatever the mode."""
    is_urgent: bool = False
    """An emergency: it does not queue behind what a plan began."""
    reason: str = ""
    """What made it differ from the plain plan, in a few words; empty for a plain plan."""


class BoundKind(StrEnum):
    """What can limit a circuit, or keep a pump from acting on its target yet."""

    OVERRIDE = "override"
    ORDER = "order"
    CONDITION = "condition"
    """The unit is away, off, in service, or moved by another controller."""
    READ_ONLY = "read-only"
    """A write was refused because remote control is off."""
    ROOM_FLOOR = "room-floor"
    """A room fell below its floor and is not clearly above it again."""
    TANK_FLOOR = "tank-floor"
    """As `ROOM_FLOOR`, for the tank."""
    COOL_DOWN = "cool-down"
    """A room was too cool for a set-back to begin."""
    COLD_SNAP = "cold-snap"
    STUCK_SAFETY = "stuck-safety"
    """This home could not bear a set-back that nobody takes back."""
    TURN = "turn"
    """Another pump of the home may run raised today."""
    DWELL = "dwell"
    """The plan's last step has not run or paused long enough."""
    DAILY_CHANGES = "daily-changes"
    """The plan has made as many changes as a day may hold."""
    BACK_OFF = "back-off"
    """The last attempt failed, the setting drifted, or the pump is silent; the next write waits."""


class Bound(Value):
    """One limit in force."""

    kind: BoundKind
    until: Instant | None = None
    """When it ends; None where that depends on an observation or a person."""
    what: str = ""
    """The id of the override or order, the unit's condition, or why the last attempt failed."""


class Decided(Value):
    """What was decided for a circuit."""

    target: Target
    lever: LeverName
    setting: float
    """What the target's mode comes down to, in the lever's own unit."""
    baseline: float
    """The setting a person last gave the lever."""
    bounds: tuple[Bound, ...] = ()

    def in_force(self, moment: datetime) -> tuple[Bound, ...]:
        """The bounds that had not ended by a moment: a pump does not wake for the end of one that changes nothing."""
        return tuple(bound for bound in self.bounds if bound.until is None or bound.until > moment)
