"""What an installer noted of each home, as enrolment takes it.

Protects: it is rounded and somewhat wrong, as such notes are; the simulator's truth stays behind.
"""

from domain.homes.enrolment import BuildingClass, Enrolment
from simulator.homes.fleet import LATITUDE, LONGITUDE, Home, SimulatedFleet
from simulator.seeded import bell, share

_CLASSES = tuple(BuildingClass)
_WRONG_CLASS_SHARE = 0.12


def enrolment_of(fleet: SimulatedFleet, home: Home) -> Enrolment:
    """One home's sheet: the class mistaken now and then, area and power rounded and slightly off."""
    spec, identity, seed = home.unit.spec, home.unit.identity, fleet.config.seed
    place = _CLASSES.index(spec.building_class)
    if share(seed, "mistaken", spec.index) < _WRONG_CLASS_SHARE:
        place = place + 1 if place == 0 else place - 1
    area_m2 = spec.building.area_m2 * (1 + 0.04 * bell(seed, "measured", spec.index))
    rated_kw = spec.pump.rated_heat_w / 1000 * (1 + 0.03 * bell(seed, "plate", spec.index))
    return Enrolment(
        pump_id=home.unit.pump_id,
        oem=home.unit.oem,
        account_id=fleet.account_of(home),
        vendor_ref=identity.vendor_ref,
        price_area=fleet.config.price_area,
        grid_area="feeder-1",
        weather_cell=f"{LATITUDE},{LONGITUDE}",
        building_class=_CLASSES[place],
        heated_area_m2=round(area_m2 / 5) * 5.0,
        emitter=spec.emitter,
        rated_heat_kw=round(rated_kw * 2) / 2,
        band=spec.household.band,
    )
