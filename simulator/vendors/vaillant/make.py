"""Vaillant units: all hold a room temperature, which a quick veto replaces for some hours, and have a tank.

Protects: ids look like the vendor's and depend on seed and house alone; each household has an account of its own.
"""

from simulator.homes.levers import LeverRange
from simulator.homes.make import Equipment, FittedUnit, UnitIdentity
from simulator.levers import Lever
from simulator.physics.house import HouseSpec
from simulator.seeded import share

OEM = "vaillant"
ROOM = LeverRange(5.0, 30.0, 0.5)
TANK_C = LeverRange(35.0, 70.0, 1.0)
_CHARGED_TO_C = {0.0: 45.0, 1.0: 48.0, 2.0: 52.0, 4.0: 48.0}
"""Target temperature by how a household likes its hot water."""


class VaillantMake:
    """The units of one vendor."""

    oem = OEM
    account_id = "vaillant-home"
    units_per_account = 1
    equipment = Equipment(by_setpoint=1.0, without_room_sensor=0.0)

    def fit(self, seed: int, spec: HouseSpec) -> FittedUnit:
        """The unit that hangs in a house."""
        system = f"{int(share(seed, 'system', spec.index) * 16**12):012x}{spec.index:020x}"
        identity = UnitIdentity(
            vendor_ref=system,
            system_id=system,
            device_id=system,
            serial=f"21{int(share(seed, 'serial', spec.index) * 10**24):024d}N3",
            model="VR940F",
        )
        household = spec.household
        settings = {
            Lever.ROOM_SETPOINT: household.setting,
            Lever.HOT_WATER_TARGET: _CHARGED_TO_C[household.hot_water_setting],
        }
        return FittedUnit(
            identity, Lever.ROOM_SETPOINT, settings, {Lever.ROOM_SETPOINT: ROOM, Lever.HOT_WATER_TARGET: TANK_C}
        )
