"""The levers of a unit: what can be set on it, who set it last, and settings that are still on their way.

Protects: a value that the cloud accepted is not yet the unit's; a temporary setting ends by itself and leaves the
standing one as it was.
"""

from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

from simulator.levers import Lever

_KEPT_WRITTEN = 5


@dataclass(frozen=True)
class LeverRange:
    """What a person can set a lever to: a span with a step, or one of a few values."""

    minimum: float = 0.0
    maximum: float = 0.0
    step: float = 1.0
    values: tuple[float, ...] = ()
    """The only values there are; empty for a span."""

    def refusal(self, value: float) -> str | None:
        """Why a value cannot be set; None when it can."""
        if self.values:
            known = ", ".join(f"{known:g}" for known in self.values)
            return None if value in self.values else f"{value:g} is none of {known}"
        steps = (value - self.minimum) / self.step
        if self.minimum <= value <= self.maximum and abs(steps - round(steps)) < 1e-6:
            return None
        return f"{value:g} does not lie in {self.minimum:g} to {self.maximum:g} in steps of {self.step:g}"


@dataclass(frozen=True, slots=True)
class TemporarySetting:
    """A setting that replaces the standing one until a moment."""

    value: float
    until_s: float


@dataclass(slots=True)
class LeverState:
    """One lever of a unit."""

    standing: float
    """The setting that stays until somebody changes it."""
    household_setting: float
    """What the household itself last set; the unsteered twin lives by it."""
    written: list[float] = field(default_factory=list)
    """Values that remote control set, newest last."""
    temporary: TemporarySetting | None = None

    @property
    def setting(self) -> float:
        """The setting in force."""
        return self.standing if self.temporary is None else self.temporary.value

    def remember(self, value: float) -> None:
        """Note a value that remote control set."""
        self.written = [*(old for old in self.written if old != value), value][-_KEPT_WRITTEN:]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "LeverState":
        temporary = kept["temporary"]
        return cls(**(kept | {"temporary": None if temporary is None else TemporarySetting(**temporary)}))


@dataclass(frozen=True, slots=True)
class PendingSetting:
    """A setting that the cloud accepted and the unit has not applied yet."""

    lever: Lever
    value: float
    apply_at_s: float
    late: bool = False
    """Its answer was lost and it is still on its way; a newer write does not recall it."""
    lasts_s: float = inf
    """How long the setting stays in force once applied; endless for a standing one."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"lasts_s": None if self.lasts_s == inf else self.lasts_s}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "PendingSetting":
        lasts_s = inf if kept["lasts_s"] is None else kept["lasts_s"]
        return cls(**(kept | {"lever": Lever(kept["lever"]), "lasts_s": lasts_s}))
