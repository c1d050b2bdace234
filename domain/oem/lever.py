"""Levers: what a vendor lets us set on a pump to bring about a mode, from its manifest to the wire.

Protects: each mode is one absolute setting, inside the unit's range and on its steps; a heating setting that stays
until it is changed declares what a home goes through if it is stuck there.
"""

import math
from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from domain.base import Value
from domain.modes import Circuit, HotWaterMode, Level, Mode, neutral_of

LeverName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
"""A lever's name in the ledger, in logs and towards its adapter; its meaning is in the vendor's manifest."""

_OFF_STEP = 1e-6
"""How far a setting may lie off the grid, in steps: floating-point dust, not another setting."""


class StuckLimits(Value):
    """What a room goes through if a lever stays at its deepest set-back for 48 h at the design temperature."""

    drop_k: Annotated[float, Field(ge=0)]
    """By how much the room falls at most because of it."""
    fall_k: Annotated[float, Field(ge=0)]
    """How much warmer than 17 C a room must be where a set-back begins, so that it never ends below."""


NEVER_STUCK = StuckLimits(drop_k=0.0, fall_k=0.0)
"""Of a lever whose settings expire by themselves."""
CAUTIOUS_LIMITS = StuckLimits(drop_k=3.0, fall_k=3.7)
"""Assumed where a lever's own limits are not known: the deepest of any lever so far."""


class ThermalResponse(Value):
    """What the planner expects of one unit of a heating lever before it has learned anything."""

    water_k_per_unit: float
    """Change of the mean water temperature."""
    feedback_k_per_k: float = 0.0
    """Water by which the unit's own control answers each kelvin of room temperature."""


class LeverSpec(Value):
    """A lever as a vendor's manifest declares it."""

    name: LeverName
    title: str
    """What messages call it, such as "heating offset"."""
    circuit: Circuit
    deltas: dict[Level, float] = Field(default_factory=dict)
    """Modes written as the baseline setting plus this, in the lever's own unit."""
    settings: dict[Level, float] = Field(default_factory=dict)
    """Modes written as this setting, whatever the baseline."""
    stuck: StuckLimits | None = None
    """None for hot water, and for a lever whose settings expire by themselves."""
    response: ThermalResponse | None = None
    """None for hot water."""
    expires_after: timedelta | None = None
    """After how long a setting falls back to the household's own by itself; None where it stays."""

    @model_validator(mode="after")
    def _is_complete(self) -> "LeverSpec":
        neutral = neutral_of(self.circuit)
        wanted = {level for level in type(neutral) if level is not neutral}
        if self.deltas.keys() | self.settings.keys() != wanted or self.deltas.keys() & self.settings.keys():
            raise ValueError(f"{self.name}: every mode but {neutral} must be a delta or a setting, and not both")
        if self.circuit is Circuit.HEATING and self.response is None:
            raise ValueError(f"{self.name}: a heating lever must declare its thermal response")
        if self.circuit is Circuit.HEATING and (self.stuck is None) is (self.expires_after is None):
            raise ValueError(f"{self.name}: a heating lever must declare either stuck limits or its expiry")
        return self

    @property
    def stuck_limits(self) -> StuckLimits:
        """What a home goes through with a stuck setting; nothing where it expires by itself."""
        return self.stuck or NEVER_STUCK

    def setting(self, level: Level, baseline: float) -> float:
        """The setting that a mode stands for before the unit's range and steps; neutral is the baseline."""
        if level in self.settings:
            return self.settings[level]
        return baseline + self.deltas.get(level, 0.0)


class Lever(Value):
    """One lever of a unit: its declaration, its range and steps, and the setting a person last gave it."""

    spec: LeverSpec
    minimum: float
    maximum: float
    step: Annotated[float, Field(ge=0)]
    """0 where any value in range is taken."""
    baseline: float
    """The last setting that a person made; when a unit is asked what it can do, its setting then."""
    also: tuple[float, ...] = ()
    """Settings beyond the range that the unit takes as well: a household's choice, to be given back, never a mode."""
    wire_id: str = ""
    """Where the adapter finds it on the wire; means nothing to anybody else."""

    @property
    def name(self) -> LeverName:
        """The lever's name."""
        return self.spec.name

    @property
    def circuit(self) -> Circuit:
        """What the lever acts on."""
        return self.spec.circuit

    def setting_for(self, level: Level) -> float:
        """The absolute setting that expresses a mode, within the unit's range and on its steps.

        Neutral is the household's own value to the digit, whatever the steps.
        """
        if level is neutral_of(self.circuit):
            return self.baseline
        return self.nearest(self.spec.setting(level, self.baseline))

    def level_of(self, setting: float | None, expected: Level | None = None) -> Level | None:
        """The mode a setting stands for: the expected one first (at a range's end two modes may share a setting),
        then neutral, then any; None for a setting that is none of ours.
        """
        if setting is None:
            return None
        neutral = neutral_of(self.circuit)
        levels: tuple[Level, ...] = tuple(Mode if isinstance(neutral, Mode) else HotWaterMode)
        for level in (neutral if expected is None else expected, neutral, *levels):
            if abs(self.setting_for(level) - setting) < 1e-6:
                return level
        return None

    def nearest(self, wanted: float) -> float:
        """The allowed setting nearest to a wanted one. Halfway goes up: rather slightly too warm than too cold."""
        if math.isnan(wanted):
            raise ValueError("a wanted setting must be a number")
        within = min(max(wanted, self.minimum), self.maximum)
        if self.step <= 0:
            return within
        steps_up = math.floor((within - self.minimum) / self.step + 0.5)
        most = math.floor((self.maximum - self.minimum) / self.step + _OFF_STEP)
        return round(self.minimum + min(steps_up, most) * self.step, 6)

    @property
    def can_be_given_back(self) -> bool:
        """Whether the household's own setting is one that can be written: at the unit people may choose others."""
        within = self.minimum - _OFF_STEP <= self.baseline <= self.maximum + _OFF_STEP
        return within or self.baseline in self.also

    def why_not_allowed(self, setting: float) -> str | None:
        """Half a sentence on what is wrong with a setting; None where the unit takes it."""
        if not math.isfinite(setting):
            return "is no number"
        if setting in self.also:
            return None
        if not self.minimum - _OFF_STEP <= setting <= self.maximum + _OFF_STEP:
            return f"lies outside {self.minimum:g} to {self.maximum:g}"
        if self.step > 0:
            position = (setting - self.minimum) / self.step
            if abs(position - round(position)) > _OFF_STEP:
                return f"is not on the step of {self.step:g} from {self.minimum:g}"
        return None
