"""What is known of a home when it is enrolled: the installer's sheet, not a simulator's secret.

Protects: the planner knows a house by class, area and rated power, and by what was observed since; nothing else.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from domain.base import Value
from domain.modes import MODE_DELTA, NEUTRAL, Lever, Mode


class Emitter(StrEnum):
    """How the home gives heat to its rooms."""

    RADIATOR = "radiator"
    FLOOR = "floor"


class BuildingClass(StrEnum):
    """Heat loss class of a house, by what an installer can see."""

    OLD = "old"
    """Before 1979, walls and windows never renewed."""
    RENOVATED = "renovated"
    """Older, with insulation or windows renewed."""
    MODERN = "modern"
    """1995 to 2009."""
    NEW = "new"
    """Since 2010, or renovated to an efficiency standard."""


class ComfortBand(Value):
    """Room temperatures a household accepts, in degrees C."""

    room_min_c: Annotated[float, Field(ge=14, le=24)] = 20.0
    room_max_c: Annotated[float, Field(ge=18, le=28)] = 23.5

    @model_validator(mode="after")
    def _has_width(self) -> "ComfortBand":
        if self.room_max_c - self.room_min_c < 1.0:
            raise ValueError("a comfort band must be at least 1 K wide")
        return self


class Enrolment(Value):
    """One pump and its home as enrolled."""

    pump_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,40}$")]
    """Opaque id; no name, no address."""
    oem: str
    account_id: str
    """Vendor account the pump is reached through; opaque."""
    vendor_system_id: str
    vendor_device_id: str
    price_area: str
    grid_area: str
    weather_cell: str
    """"latitude,longitude" """
    building_class: BuildingClass
    heated_area_m2: Annotated[float, Field(gt=20, lt=2000)]
    emitter: Emitter
    rated_heat_kw: Annotated[float, Field(gt=0.5, lt=60)]
    """Heat output at the design temperature."""
    design_outdoor_c: float = -12.0
    band: ComfortBand = ComfortBand()


class PumpProfile(Value):
    """An enrolment with what the vendor said of the unit: its lever, and the setting a person last gave it."""

    enrolment: Enrolment
    model: str
    lever: Lever
    baseline_setting: float
    """Last value a person set on the lever, in the lever's unit."""
    has_room_sensor: bool
    setting_min: float | None = None
    """Range and step of the lever as the vendor gave them; None where it gave none."""
    setting_max: float | None = None
    setting_step: float | None = None

    def setting_for(self, mode: Mode) -> float:
        """The absolute setting that expresses a mode: baseline plus delta, within the unit's range and on its steps.

        Neutral is the household's own value to the digit, whatever the steps.
        """
        if mode is NEUTRAL:
            return self.baseline_setting
        wished = self.baseline_setting + MODE_DELTA[self.lever][mode]
        if self.setting_min is not None:
            wished = max(wished, self.setting_min)
        if self.setting_max is not None:
            wished = min(wished, self.setting_max)
        if self.setting_step:
            wished = round(wished / self.setting_step) * self.setting_step
        return round(wished, 3)

    def mode_of(self, setting: float | None) -> Mode | None:
        """The mode a setting stands for, neutral first; None for a setting that is none of ours."""
        if setting is None:
            return None
        for mode in (Mode.LOW, Mode.MIN, Mode.MID, Mode.MAX):
            if abs(self.setting_for(mode) - setting) < 1e-6:
                return mode
        return None
