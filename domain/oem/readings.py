"""What a cloud reports of a unit.

Protects: what was not reported is None, and never a number that stands for it.
"""

from enum import StrEnum

from pydantic import Field

from domain.base import Instant, Value
from domain.oem.lever import LeverName


class Condition(StrEnum):
    """How a unit stands towards being steered, strongest first."""

    UPDATING = "updating"
    """Its firmware is being changed: nothing is written."""
    INSTALLER = "installer"
    """In manual or additional-heat operation: somebody works on it."""
    OFF = "off"
    """A person switched its heating off."""
    REMOTE_DISABLED = "remote-disabled"
    """It may be read and not written."""
    AWAY = "away"
    """A person set its away or holiday mode."""
    EXTERNAL = "external"
    """Another controller (contact input, price function, utility lock) moves it."""
    NORMAL = "normal"


class Busy(StrEnum):
    """What the compressor does that is not heating rooms."""

    DEFROST = "defrost"
    HOT_WATER = "hot-water"


class Reading(Value):
    """What a cloud reported about a pump in one call."""

    as_of: Instant
    """The newest stamp the pump itself gave: how fresh this is, whatever was asked."""
    lever: LeverName
    setting: float | None
    """The lever's reported setting; None where the cloud gave none."""
    room_c: float | None = None
    outdoor_c: float | None = None
    supply_c: float | None = None
    power_w: float | None = None
    compressor_hz: float | None = None
    target_c: float | None = None
    """Supply temperature that the unit's own control aims at."""
    hot_water_c: float | None = None
    settings: dict[LeverName, float] = Field(default_factory=dict)
    """Every lever that the answer shows, the asked one included."""
    ends: dict[LeverName, Instant] = Field(default_factory=dict)
    """When a lever's temporary setting ends by itself, where the vendor says so; absent for one that stays."""
    condition: Condition = Condition.NORMAL
    busy: Busy | None = None

    def setting_of(self, lever: LeverName) -> float | None:
        """The reported setting of a lever; None where the answer does not show it."""
        if lever in self.settings:
            return self.settings[lever]
        return self.setting if self.lever == lever else None
