"""Physics and objective of some houses, as the compiled loops take them, and which of them can be steered at all.

Invariant: no schedule takes a room outside what `reachable` says.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.slots import SLOT_HOURS
from optimizer.house import MAX, MIN, Array, Houses
from optimizer.kernels import Model
from optimizer.objective import Objective, objective_of, sun_of
from optimizer.response import Horizon, Responses, ahead_of, respond

LEAST_ROOM_AUTHORITY_K = 0.3
LEAST_POWER_AUTHORITY = 0.05
"""MAX against MIN for `AUTHORITY_SLOTS`: below either, a mode cannot be told from noise and the pump is left alone."""
AUTHORITY_SLOTS = 24


@dataclass(frozen=True)
class Modelled:
    """A chunk's physics and objective."""

    houses: Houses
    responses: Responses
    objective: Objective
    model: Model
    low_c: Array
    high_c: Array
    """Rooms that can be reached at all, with a little beyond, (B,)."""

    def part(self, places: npt.NDArray[np.intp]) -> "Modelled":
        """Some of the houses, in rising order."""
        if len(places) == self.houses.size:
            return self
        return Modelled(
            self.houses.part(places),
            self.responses.part(places),
            self.objective.part(places),
            Model(*(field[places] for field in self.model)),
            self.low_c[places],
            self.high_c[places],
        )


def modelled_of(houses: Houses, horizon: Horizon, peak_eur_per_mwh: Array | float = 0.0) -> Modelled:
    """Physics and objective of some houses."""
    responses = respond(houses, horizon)
    objective = objective_of(houses, responses, horizon, peak_eur_per_mwh)
    r, o = responses, objective
    model = Model(
        r.keep_on, r.keep_off, r.drift_on_bnm, r.drift_off_bn, r.power_at_zero_bnm, r.power_slope_bnm,
        r.power_limit_bnm, r.heat_at_zero_bnm, r.heat_slope, r.heat_limit_bn, r.rod_bn, r.standby_kw, r.room_start_c,
        o.corner_bnk, o.below_bnk, o.above_bnk, houses.room_min_c,
        *sun_of(houses, horizon),
    )  # fmt: skip
    low, high = reachable(responses)
    return Modelled(houses, responses, objective, Model(*(np.ascontiguousarray(f) for f in model)), low, high)


def most_by_sun(model: Model) -> Array:
    """EUR (B,) by which own surplus can change what any two schedules of a house cost, at most."""
    return np.asarray((np.abs(model.sun_saving) * model.sun).sum(axis=1) * SLOT_HOURS / 1000)


def reachable(responses: Responses) -> tuple[Array, Array]:
    """Lowest and highest room a house can reach in the horizon, with a little beyond, (B,) each."""
    _, least, most = ahead_of(responses)
    return least - 0.02, most + 0.02


def has_authority(responses: Responses) -> npt.NDArray[np.bool_]:
    """Can MAX be told from MIN, in the room and on the meter, within some hours? (B,)"""
    room = np.stack([responses.room_start_c] * 2, axis=1)
    used = np.zeros_like(room)
    slots = min(AUTHORITY_SLOTS, responses.size[1])
    for t in range(slots):
        ends, powers = responses.rooms(t, room), responses.powers(t, room)
        room = np.stack([ends[MIN, :, 0], ends[MAX, :, 1]], axis=1)
        used += np.stack([powers[MIN, :, 0], powers[MAX, :, 1]], axis=1)
    needed_k = LEAST_ROOM_AUTHORITY_K * slots / AUTHORITY_SLOTS
    moves_room = room[:, 1] - room[:, 0] >= needed_k
    return np.asarray(moves_room & (used[:, 1] - used[:, 0] >= LEAST_POWER_AUTHORITY * used[:, 1]))
