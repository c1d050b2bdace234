"""The simulation of `optimizer.kernels.simulate` in plain numpy: the readable form the compiled one is held to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.slots import SLOT_HOURS
from optimizer.house import Array
from optimizer.objective import CHANGE_COST_EUR, Objective
from optimizer.response import Horizon, Responses


@dataclass(frozen=True)
class Schedules:
    """Evaluated schedules of B houses, by forward simulation of the continuous model: these are the costs we claim."""

    modes: npt.NDArray[np.intp]
    room_c: Array
    power_kw: Array
    energy_eur: Array
    cost_eur: Array
    """Energy, room costs and changes; without the price of the cap."""


def evaluate(
    responses: Responses,
    objective: Objective,
    horizon: Horizon,
    modes: npt.NDArray[np.intp],
    changes: npt.NDArray[np.bool_],
) -> Schedules:
    """Run schedules (B, N) through the true model and add up what they cost."""
    b, n, _ = responses.size
    room_c, power_kw = np.empty((b, n)), np.empty((b, n))
    room, comfort, rows = responses.room_start_c, np.zeros(b), np.arange(b)
    for t in range(n):
        power_kw[:, t] = responses.powers(t, room[:, None])[modes[:, t], rows, 0]
        room = responses.rooms(t, room[:, None])[modes[:, t], rows, 0]
        room_c[:, t] = room
        comfort += objective.room_cost(t, room[:, None])[:, 0]
    energy = power_kw @ horizon.price_eur_per_mwh * SLOT_HOURS / 1000
    cost = energy + comfort + CHANGE_COST_EUR * changes.sum(axis=1)
    return Schedules(modes, room_c, power_kw, energy, cost)
