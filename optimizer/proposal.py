"""One schedule for every house of a fleet, with what it does and costs.

Invariant: rooms, powers and costs come from a simulation of the schedule, never from an interpolated value.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.house import Array
from optimizer.kernels import Single


@dataclass(frozen=True)
class Proposal:
    """Schedules of B houses over N slots."""

    modes: npt.NDArray[np.int8]
    room_c: Single
    """At the slots' ends, (B, N)."""
    power_kw: Single
    energy_eur: Array
    cost_eur: Array
    """Energy, charges for peak power, room costs and changes; without the price of the cap, (B,)."""
    changes_bd: npt.NDArray[np.int64]
    """Changes of mode per house and plan day, (B, D)."""
    nu_bd: Array
    """Price of a change at which it was found."""
    charge_eur: Array
    """For peak power, (B,)."""
    most_changes: npt.NDArray[np.int64]
    """The limit on each house's changes in a plan day, (B,)."""

    @property
    def limited(self) -> npt.NDArray[np.bool_]:
        """Which houses keep to the limit on changes, (B,)."""
        return np.asarray((self.changes_bd <= self.most_changes[:, None]).all(axis=1))

    def copy(self) -> "Proposal":
        """Another proposal that may be written to."""
        return Proposal(**{name: getattr(self, name).copy() for name in self.__dataclass_fields__})

    def take(self, other: "Proposal", rows: npt.NDArray[np.intp]) -> None:
        """Overwrite some houses' schedules with another proposal's."""
        for name in self.__dataclass_fields__:
            getattr(self, name)[rows] = getattr(other, name)[rows]
