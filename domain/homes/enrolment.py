"""What is known of a home when it is enrolled: the installer's sheet, not a simulator's secret.

Protects: the planner knows a house by class, area and rated power, and by what was observed since; nothing else.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.base import Value
from domain.homes.site import STUCK_DROP_K, STUCK_FALL_K, ComfortBand, Emitter, HomeShare, Site
from domain.modes import HOT_WATER_STEP, MODE_DELTA, Circuit, HotWaterMode, Level, Lever, Mode, neutral_of
from domain.oem.cloud import PumpAddress


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
    home: HomeShare | None = None


class LeverSetup(Value):
    """One lever of a unit: the setting a person last gave it, and its range and steps as the vendor gave them."""

    lever: Lever
    baseline: float
    """Last value a person set, in the lever's unit."""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    expires_by_itself: bool = False

    def setting_for(self, level: Level) -> float:
        """The absolute setting that expresses a level, within the unit's range and on its steps.

        Neutral is the household's own value to the digit, whatever the steps.
        """
        if level is neutral_of(self.lever.circuit):
            return self.baseline
        wished = HOT_WATER_STEP[level] if isinstance(level, HotWaterMode) else self.baseline + self._delta(level)
        if self.minimum is not None:
            wished = max(wished, self.minimum)
        if self.maximum is not None:
            wished = min(wished, self.maximum)
        if self.step:
            wished = round(wished / self.step) * self.step
        return round(wished, 3)

    def _delta(self, mode: Mode) -> float:
        return MODE_DELTA[self.lever][mode]

    def level_of(self, setting: float | None, expected: Level | None = None) -> Level | None:
        """The level a setting stands for: the expected one first (at a range's end two levels may share a setting),
        then neutral, then any; None for a setting that is none of ours.
        """
        if setting is None:
            return None
        neutral = neutral_of(self.lever.circuit)
        levels: tuple[Level, ...] = tuple(Mode if isinstance(neutral, Mode) else HotWaterMode)
        for level in (neutral if expected is None else expected, neutral, *levels):
            if abs(self.setting_for(level) - setting) < 1e-6:
                return level
        return None


class PumpProfile(Value):
    """An enrolment with what the vendor said of the unit: its levers, and the settings a person last gave them."""

    enrolment: Enrolment
    model: str
    heating: LeverSetup
    hot_water: LeverSetup | None = None
    """None where the unit offers no hot-water lever."""
    has_room_sensor: bool
    emergency: str = ""
    """What emergency heat does on this unit, in a sentence."""

    @property
    def address(self) -> PumpAddress:
        """How to reach it."""
        e = self.enrolment
        return PumpAddress(
            pump_id=e.pump_id,
            oem=e.oem,
            account_id=e.account_id,
            vendor_system_id=e.vendor_system_id,
            vendor_device_id=e.vendor_device_id,
        )

    @property
    def site(self) -> Site:
        """What binds its steering by its home."""
        e = self.enrolment
        lever, is_brief = self.heating.lever, self.heating.expires_by_itself
        drop_k, fall_k = (0.0, 0.0) if is_brief else (STUCK_DROP_K[lever], STUCK_FALL_K[lever])
        return Site(band=e.band, emitter=e.emitter, home=e.home, stuck_drop_k=drop_k, stuck_fall_k=fall_k)

    def setup(self, circuit: Circuit) -> LeverSetup:
        """The lever of a circuit; raises LookupError where the unit has none."""
        if circuit is Circuit.HEATING:
            return self.heating
        if self.hot_water is None:
            raise LookupError(f"{self.enrolment.pump_id} has no hot-water lever")
        return self.hot_water

    def rebased(self, circuit: Circuit, baseline: float | None) -> "PumpProfile":
        """The profile after a person set a lever; unchanged for None."""
        if baseline is None:
            return self
        name = "heating" if circuit is Circuit.HEATING else "hot_water"
        return self.model_copy(update={name: self.setup(circuit).model_copy(update={"baseline": baseline})})
