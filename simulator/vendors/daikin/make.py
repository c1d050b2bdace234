"""Daikin units: leaving water along a curve with an offset or at a fixed temperature, or a room's temperature.

Protects: ids look like the vendor's and depend on seed and house alone; each household has an account of its own.
"""

import uuid

from simulator.homes.levers import LeverRange
from simulator.homes.make import Equipment, FittedUnit, UnitIdentity
from simulator.levers import Lever
from simulator.physics.house import HouseSpec
from simulator.seeded import share

OEM = "daikin"
OFFSET = LeverRange(-10.0, 10.0, 1.0)
LEAST_WATER_C = 25.0
ROOM = LeverRange(12.0, 30.0, 0.5)
TANK_C = LeverRange(30.0, 60.0, 1.0)
_CHARGED_TO_C = {0.0: 45.0, 1.0: 48.0, 2.0: 52.0, 4.0: 48.0}
"""Target temperature by how a household likes its hot water."""


class DaikinMake:
    """The units of one vendor."""

    oem = OEM
    account_id = "daikin-home"
    units_per_account = 1
    equipment = Equipment(by_setpoint=0.5, keeping_supply=0.15, without_room_sensor=0.3, supply_k_per_step=1.0)

    def fit(self, seed: int, spec: HouseSpec) -> FittedUnit:
        """The unit that hangs in a house."""
        number = int(share(seed, "gateway", spec.index) * 2**64)
        device_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{seed}/{spec.index}/{number}"))
        identity = UnitIdentity(
            vendor_ref=device_id, system_id=device_id, device_id=device_id, serial=f"{number:016x}", model="Altherma"
        )
        lever, its_range = _heating(spec)
        target_c = _CHARGED_TO_C[spec.household.hot_water_setting]
        settings = {lever: spec.household.setting, Lever.HOT_WATER_TARGET: target_c}
        return FittedUnit(identity, lever, settings, {lever: its_range, Lever.HOT_WATER_TARGET: TANK_C})


def _heating(spec: HouseSpec) -> tuple[Lever, LeverRange]:
    if spec.by_setpoint:
        return Lever.ROOM_SETPOINT, ROOM
    if spec.keeps_supply:  # up to what the installer's limit for the emitters leaves
        return Lever.LEAVING_WATER, LeverRange(LEAST_WATER_C, float(int(spec.control.supply_max_c)), 1.0)
    return Lever.HEATING_OFFSET, OFFSET
