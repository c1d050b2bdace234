"""Pumps of simulated homes as enrolment would know them."""

from domain.homes.enrolment import PumpProfile
from domain.oem.lever import Lever
from oem_adapters.registry import manifest_of
from simulator import levers
from simulator.control.enrolment import enrolment_of
from simulator.homes.fleet import Home, SimulatedFleet


def profile_of(fleet: SimulatedFleet, home: Home) -> PumpProfile:
    """What enrolment would find of a simulated home: its sheet, and its levers as the unit offers them."""
    spec, tank = home.unit.spec, home.unit.levers.get(levers.Lever.HOT_WATER_COMFORT)
    enrolment = enrolment_of(fleet, home)
    manifest = manifest_of(enrolment.oem)
    low, high, step = (5.0, 35.0, 0.5) if spec.by_setpoint else (-10.0, 10.0, 1.0)
    heating = Lever(
        spec=manifest.lever(levers.Lever.ROOM_SETPOINT if spec.by_setpoint else levers.Lever.HEATING_OFFSET),
        minimum=low,
        maximum=high,
        step=step,
        baseline=home.unit.household_setting,
    )
    hot_water = None
    if tank is not None:
        comfort = manifest.lever(levers.Lever.HOT_WATER_COMFORT)
        hot_water = Lever(spec=comfort, minimum=0, maximum=2, step=1, baseline=tank.household_setting)
    return PumpProfile(
        enrolment=enrolment,
        model=home.unit.identity.model,
        heating=heating,
        has_room_sensor=spec.has_room_sensor,
        hot_water=hot_water,
    )
