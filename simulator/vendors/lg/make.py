"""LG air-to-water units: they hold a room temperature by their own air sensor or a water temperature, and a tank's.

Protects: ids look like the vendor's and depend on seed and house alone; each household has an account of its own.
"""

from simulator.homes.levers import LeverRange
from simulator.homes.make import Equipment, FittedUnit, UnitIdentity
from simulator.levers import Lever
from simulator.physics.house import HouseSpec
from simulator.seeded import share

OEM = "lg"
LEAST_WATER_C = 20.0
ROOM = LeverRange(16.0, 30.0, 0.5)
TANK_C = LeverRange(30.0, 55.0, 1.0)
_CHARGED_TO_C = {0.0: 45.0, 1.0: 48.0, 2.0: 52.0, 4.0: 48.0}
"""Target temperature by how a household likes its hot water."""


class LgMake:
    """The units of one vendor."""

    oem = OEM
    account_id = "lg-home"
    units_per_account = 1
    equipment = Equipment(by_setpoint=0.7, keeping_supply=0.3, without_room_sensor=0.0)

    def fit(self, seed: int, spec: HouseSpec) -> FittedUnit:
        """The unit that hangs in a house."""
        device_id = f"{int(share(seed, 'thinq', spec.index) * 2**60):016x}{spec.index:048x}"
        identity = UnitIdentity(
            vendor_ref=device_id, system_id=device_id, device_id=device_id, serial=device_id[:16], model="AWHP_HM091"
        )
        target_c = _CHARGED_TO_C[spec.household.hot_water_setting]
        lever, its_range = Lever.ROOM_SETPOINT, ROOM
        if spec.keeps_supply:  # up to what the installer's limit for the emitters leaves
            lever = Lever.LEAVING_WATER
            its_range = LeverRange(LEAST_WATER_C, float(int(spec.control.supply_max_c)), 1.0)
        settings = {lever: spec.household.setting, Lever.HOT_WATER_TARGET: target_c}
        return FittedUnit(identity, lever, settings, {lever: its_range, Lever.HOT_WATER_TARGET: TANK_C})
