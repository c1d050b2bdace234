"""Viessmann units: all follow a heating curve that can be shifted; hot water has a target
temperature and can be charged once, out of turn.

Protects: ids look like the vendor's and depend on seed and house alone.
"""

from simulator.homes.levers import LeverRange
from simulator.homes.make import Equipment, FittedUnit, UnitIdentity
from simulator.levers import Lever
from simulator.physics.house import HouseSpec
from simulator.seeded import share

OEM = "viessmann"
TARGET_C = LeverRange(10.0, 60.0, 1.0)
_CHARGED_TO_C = {0.0: 45.0, 1.0: 48.0, 2.0: 52.0, 4.0: 48.0}
"""Target temperature by how a household likes its hot water."""
DEVICE = "0"
"""A gateway's heat pump is its device 0."""
SHIFT = LeverRange(-13.0, 40.0, 1.0)


class ViessmannMake:
    """The units of one vendor."""

    oem = OEM
    account_id = "viessmann-home"
    units_per_account = 1
    equipment = Equipment(by_setpoint=0.0, without_room_sensor=0.6, supply_k_per_step=1.0)

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
        target_c = _CHARGED_TO_C[household.hot_water_setting]
        settings = {Lever.HEATING_OFFSET: household.setting, Lever.HOT_WATER_TARGET: target_c}
        ranges = {Lever.HEATING_OFFSET: SHIFT, Lever.HOT_WATER_TARGET: TARGET_C}
        return FittedUnit(identity, Lever.HEATING_OFFSET, settings, ranges)
