"""What is known of a home when it is enrolled: the installer's sheet, not a simulator's secret.

Protects: the planner knows a house by class, area and rated power, and by what was observed since; nothing else.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.base import Value
from domain.homes.comfort import ComfortBand
from domain.homes.panels import Panels
from domain.homes.settlement import Benefit, Settlement
from domain.homes.site import Emitter, HomeShare, Site
from domain.modes import Circuit
from domain.oem.lever import Lever
from domain.oem.units import Capability, PumpAddress

NAMEPLATE_COP = 2.5
"""Rated heat over this is taken as a pump's largest electrical power (COP near the design temperature)."""


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
    vendor_ref: str
    """What the vendor's adapter calls the unit by."""
    price_area: str
    grid_area: str
    weather_cell: str
    """"latitude,longitude" """
    tariff: str = "spot"
    """What the home pays, by the name of a tariff's file."""
    settlement: Settlement = Settlement.QUARTER
    benefit: Benefit = Benefit.HOUSEHOLD
    building_class: BuildingClass
    heated_area_m2: Annotated[float, Field(gt=20, lt=2000)]
    emitter: Emitter
    rated_heat_kw: Annotated[float, Field(gt=0.5, lt=60)]
    """Heat output at the design temperature."""
    design_outdoor_c: float = -12.0
    band: ComfortBand = ComfortBand()
    home: HomeShare | None = None
    panels: Panels | None = None
    """Of the home's own roof."""

    @property
    def nameplate_kw(self) -> float:
        """Largest electrical power of the compressor."""
        return self.rated_heat_kw / NAMEPLATE_COP

    @property
    def address(self) -> PumpAddress:
        """How to reach the unit in its vendor's cloud."""
        return PumpAddress(pump_id=self.pump_id, oem=self.oem, account_id=self.account_id, vendor_ref=self.vendor_ref)


class PumpProfile(Capability):
    """An enrolment with what the vendor said of the unit; its levers carry the settings a person last gave them."""

    enrolment: Enrolment

    @classmethod
    def of(cls, enrolment: Enrolment, capability: Capability) -> "PumpProfile":
        """The profile of a unit that was just asked what it can do."""
        return cls(enrolment=enrolment, **dict(capability))

    @property
    def address(self) -> PumpAddress:
        """How to reach it."""
        return self.enrolment.address

    @property
    def site(self) -> Site:
        """What binds its steering by its home."""
        e = self.enrolment
        stuck = self.heating.spec.stuck_limits
        return Site(band=e.band, emitter=e.emitter, home=e.home, stuck_drop_k=stuck.drop_k, stuck_fall_k=stuck.fall_k)

    def lever_of(self, circuit: Circuit) -> Lever:
        """The lever of a circuit; raises LookupError where the unit has none."""
        lever = self.lever(circuit)
        if lever is None:
            raise LookupError(f"{self.enrolment.pump_id} has no hot-water lever")
        return lever

    def rebased(self, circuit: Circuit, baseline: float) -> "PumpProfile":
        """The profile with the setting that a person last gave a lever."""
        name = "heating" if circuit is Circuit.HEATING else "hot_water"
        return self.model_copy(update={name: self.lever_of(circuit).model_copy(update={"baseline": baseline})})
