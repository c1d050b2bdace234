"""A unit at its vendor: how it is reached and what it can do.

Protects: what a unit can do is asked of the vendor and never assumed.
"""

from domain.base import Value
from domain.modes import Circuit
from domain.oem.lever import Lever


class PumpAddress(Value):
    """How to reach one pump in its vendor's cloud."""

    pump_id: str
    oem: str
    account_id: str
    vendor_ref: str
    """What the vendor's adapter calls the unit by; opaque to everybody else."""


class Capability(Value):
    """What a unit can do now, as the vendor says."""

    model: str
    heating: Lever
    hot_water: Lever | None = None
    """None where the unit offers no hot-water lever."""
    has_room_sensor: bool
    emergency: str = ""
    """What emergency heat does on this unit, in a sentence."""

    def lever(self, circuit: Circuit) -> Lever | None:
        """The lever of a circuit; None where the unit has none."""
        return self.heating if circuit is Circuit.HEATING else self.hot_water
