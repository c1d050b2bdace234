"""Viessmann units: all follow a heating curve that can be shifted; hot water can be charged once, out of turn.

Protects: ids look like the vendor's and depend on seed and house alone.
"""

from simulator.homes.levers import LeverRange
from simulator.homes.make import Equipment, FittedUnit, UnitIdentity
from simulator.levers import Lever
from simulator.physics.house import HouseSpec
from simulator.seeded import share

OEM = "viessmann"
DEVICE = "0"
"""A gateway's heat pump is its device 0."""
SHIFT = LeverRange(-13.0, 40.0, 1.0)


class ViessmannMake:
    """The units of one vendor."""

    oem = OEM
    account_id = "viessmann-main"
    equipment = Equipment(by_setpoint=0.0, without_room_sensor=0.6)

    def fit(self, seed: int, spec: HouseSpec) -> FittedUnit:
        """The unit that hangs in a house."""
        installation = str(100_000 + int(share(seed, "installation", spec.index) * 900_000) + spec.index)
        gateway = f"{7_571_000_000_000_000 + int(share(seed, 'gateway', spec.index) * 10**12)}"
        identity = UnitIdentity(
            vendor_ref=f"{installation}/{gateway}/{DEVICE}",
            system_id=installation,
            device_id=gateway,
            serial=gateway,
            model="E3_Vitocal",
        )
        household = spec.household
        settings = {Lever.HEATING_OFFSET: household.setting, Lever.HOT_WATER_COMFORT: household.hot_water_setting}
        ranges = {Lever.HEATING_OFFSET: SHIFT, Lever.HOT_WATER_COMFORT: LeverRange(values=(0.0, 1.0, 2.0, 4.0))}
        return FittedUnit(identity, Lever.HEATING_OFFSET, settings, ranges)
