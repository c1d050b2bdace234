"""Acts at the unit itself that are drawn ahead of their time, and the manual change that a person would repeat.

Protects: what is going to happen at a unit survives a restart.
"""

from dataclasses import dataclass
from typing import Literal

REPEATS = 2

type Act = Literal["touched", "drift", "insists"]


@dataclass(frozen=True, slots=True)
class ScheduledAct:
    """Something that will happen at a unit."""

    at_s: float
    what: Act


@dataclass(slots=True)
class ManualChange:
    """What a person set at the unit and would set again if it were overwritten."""

    value: float
    since_s: float
    left: int = REPEATS
