"""What is known of a home when it is enrolled: the installer's sheet, not a simulator's secret.

Protects: the planner knows a house by class, area and rated power, and by what was observed since; nothing else.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from domain.base import Value
from domain.modes import Lever


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
