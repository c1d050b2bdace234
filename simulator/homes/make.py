"""What a vendor says of the units it sells: how they are named, which levers they have, how they are equipped.

Protects: a home knows its vendor only through this, so that houses, people and faults are the same for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from simulator.homes.levers import LeverRange
from simulator.levers import Lever
from simulator.physics.house import HouseSpec


@dataclass(frozen=True)
class UnitIdentity:
    """How one unit is known to its vendor's cloud."""

    vendor_ref: str
    """What an adapter calls it by."""
    system_id: str
    device_id: str
    serial: str
    model: str


@dataclass(frozen=True)
class FittedUnit:
    """A unit as delivered to one house: its identity, and the setting of every lever as the household left it."""

    identity: UnitIdentity
    heating: Lever
    settings: Mapping[Lever, float]
    """The heating lever first."""
    ranges: Mapping[Lever, LeverRange]
    """What a person can set each of them to at the unit."""


@dataclass(frozen=True)
class Equipment:
    """How the units of a vendor are usually equipped, as shares of all its units."""

    by_setpoint: float = 0.3
    """Controlled by a room setpoint with room feedback instead of by a heating offset and degree minutes."""
    keeping_supply: float = 0.0
    """Controlled by a fixed supply temperature instead of either, with a room thermostat beside it."""
    without_room_sensor: float = 0.25
    """Without a room sensor; none of them controlled by a room setpoint."""
    supply_k_per_step: float = 2.0
    """Supply per step of the heating offset."""


MIXED = Equipment()


class Make(Protocol):
    """The units of one vendor."""

    @property
    def oem(self) -> str:
        """The vendor's name, as enrolment knows it."""

    @property
    def account_id(self) -> str:
        """The account that reaches the fleet's units of this vendor; where there are several, how their names begin."""

    @property
    def units_per_account(self) -> int | None:
        """How many units hang on one account; None where all of them do."""

    @property
    def equipment(self) -> Equipment:
        """How its units are usually equipped."""

    def fit(self, seed: int, spec: HouseSpec) -> FittedUnit:
        """The unit of this vendor that hangs in a house."""
