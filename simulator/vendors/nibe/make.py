"""NIBE units: the S-series holds a room setpoint, the F-series follows a heating offset and has a hot-water lever.

Protects: ids look like the vendor's and depend on seed and house alone.
"""

from simulator.homes.levers import LeverRange
from simulator.homes.make import MIXED, FittedUnit, UnitIdentity
from simulator.levers import Lever
from simulator.physics.house import HouseSpec
from simulator.seeded import share

OEM = "nibe"
_S_SERIES = {Lever.ROOM_SETPOINT: LeverRange(5.0, 35.0, 0.5)}
_F_SERIES = {
    Lever.HEATING_OFFSET: LeverRange(-10.0, 10.0, 1.0),
    Lever.HOT_WATER_COMFORT: LeverRange(values=(0.0, 1.0, 2.0, 4.0)),
}


class NibeMake:
    """The units of one vendor."""

    oem = OEM
    account_id = "nibe-main"
    units_per_account = None
    equipment = MIXED

    def fit(self, seed: int, spec: HouseSpec) -> FittedUnit:
        """The unit that hangs in a house."""
        number, household = spec.index + 1, spec.household
        tag = f"{int(share(seed, 'serial', spec.index) * 16**10):010x}"
        is_s_series = spec.by_setpoint
        system_id = f"sys-{number:04d}-{tag[4:]}"
        device_id = f"{'s735' if is_s_series else 'f730'}-r-{number:04d}-{tag[:4]}-{tag[4:]}"
        identity = UnitIdentity(
            vendor_ref=f"{system_id}/{device_id}",
            system_id=system_id,
            device_id=device_id,
            serial=f"06{int(share(seed, 'serial-number', spec.index) * 10**12):012d}",
            model="S735-7" if is_s_series else "F730 CU 3x400V",
        )
        if is_s_series:
            return FittedUnit(identity, Lever.ROOM_SETPOINT, {Lever.ROOM_SETPOINT: household.setting}, _S_SERIES)
        settings = {Lever.HEATING_OFFSET: household.setting, Lever.HOT_WATER_COMFORT: household.hot_water_setting}
        return FittedUnit(identity, Lever.HEATING_OFFSET, settings, _F_SERIES)
