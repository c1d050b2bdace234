"""The bound of each of some houses: how fine their grids are, and what is claimed where time has run out.

Houses with a room sensor are bounded on the grids of `bound_along_modes`; those whose set-back must end because nobody
sees the room, and those with a sun of their own, on that of `bound`. In a small fleet the former get the better of
both, since only the latter knows of holds.

Invariant: whatever grid is chosen, what leaves here is a bound.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.slots import SLOT_HOURS
from optimizer.bound import Zones, least_costs
from optimizer.bound_along_modes import least_costs_along_modes
from optimizer.dwell import Dwell, dwell_of
from optimizer.house import Array
from optimizer.kernels import Automaton, Single
from optimizer.modelled import Modelled
from optimizer.objective import Objective, gentler
from optimizer.response import Responses


@dataclass(frozen=True)
class Fineness:
    """How fine the grids of the bounds are."""

    along_modes_k: float
    """Least cell of the grids that move with the rooms."""
    cell_k: float
    wide_k: float
    margin_k: float
    """On the grid that stands still: fine cells reach this far beyond the rooms of good schedules."""
    both: bool


FINE = Fineness(0.01, 0.01, 0.1, 0.3, both=True)
COARSE = Fineness(0.02, 0.015, 0.1, 0.1, both=False)
SLOWEST_SHRINKING = 0.6
"""Least share of a room's excess left after a slot for moving grids: their cells double at most once a slot."""
FINELY_BOUNDED_HOUSES = 400
"""A fleet up to this size can afford the fine bounds."""


def bounds_of(
    modelled: Modelled,
    price: Array,
    near: tuple[Single, Array],
    start: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    dwell: Dwell,
    block: npt.NDArray[np.intp],
    fineness: Fineness,
    *,
    most_changes: int,
) -> Array:
    """EUR (B,) that no schedule within the limits costs less than, at prices (B, N).

    `near` holds the rooms (B, N) of good schedules and their prices of changes (B, D), `start` the modes in force and
    the states of the automaton.
    """
    (room_c, nu_bd), (before, state) = near, start
    model = modelled.model
    dearest, cheapest = max(price.max(), 0.0), min(price.min(), 0.0)
    if model.sun.any():
        fed_in = (price - model.sun_saving)[model.sun > 0]
        dearest, cheapest = max(dearest, fed_in.max()), min(cheapest, fed_in.min())
    gentle = gentler(modelled.objective, float(dearest - cheapest))
    model = model._replace(below=gentle.below_bnk, above=gentle.above_bnk)
    found = np.full(len(price), -np.inf)
    if dwell is dwell_of(True) and not model.sun.any() and (modelled.model.keep_on > SLOWEST_SHRINKING).all():
        # where cells are fine, the true discomfort costs less than the gentler one gives away
        chosen = modelled.model if fineness.both else model
        least_costs_along_modes(
            chosen, price, nu_bd, before, fineness.along_modes_k, block, most_changes, found
        )  # fmt: skip
        if not fineness.both:
            return found
    zones, still = zones_of(modelled, room_c, fineness), np.empty(len(price))
    least_costs(model, price, nu_bd, automaton(dwell), state, zones, block, most_changes, still)
    return np.asarray(np.maximum(found, still))


def automaton(dwell: Dwell) -> Automaton:
    """The automaton as kernels take it."""
    return Automaton(
        dwell.mode.astype(np.int64), dwell.stay.astype(np.int64), dwell.may_leave, dwell.entry.astype(np.int64)
    )


def cells_of(objective: Objective, most_k: float) -> Array:
    """Cells of at most `most_k` that put both ends of the band on grid points, (B,): costs bend there."""
    span = objective.highest_c - objective.lowest_c
    return np.asarray(span / np.ceil(span / most_k - 1e-9))


def zones_of(modelled: Modelled, room_c: Single, fineness: Fineness) -> Zones:
    """Fine cells around rooms (B, N) of good schedules; wide ones as far as rooms can get."""
    low_c, high_c, floor_c = modelled.low_c, modelled.high_c, modelled.objective.lowest_c
    fine = cells_of(modelled.objective, fineness.cell_k)
    fine_from = np.maximum(room_c.min(axis=1).astype(float) - fineness.margin_k, low_c)
    fine_to = np.minimum(room_c.max(axis=1).astype(float) + fineness.margin_k, high_c)
    fine_from = floor_c - np.ceil((floor_c - fine_from) / fine) * fine
    middle = np.maximum(np.ceil((fine_to - fine_from) / fine).astype(np.int64), 1)
    fine_to = fine_from + middle * fine
    wide = np.full(len(low_c), fineness.wide_k)
    below = np.maximum(np.ceil((fine_from - low_c) / wide).astype(np.int64), 1)
    above = np.maximum(np.ceil((high_c - fine_to) / wide).astype(np.int64), 1)
    return Zones(fine_from - below * wide, wide, below, fine_from, fine, middle, fine_to, above)


def crude_bound(responses: Responses, objective: Objective, low_c: Array, high_c: Array, price_bn: Array) -> Array:
    """EUR (B,) no schedule costs less than, in no time: least priced power in every slot, and the most heat left."""
    ends = np.stack([low_c, high_c], axis=1)
    least = np.zeros(len(ends))
    for t in range(price_bn.shape[1]):
        power = responses.powers(t, ends)  # falls with the room, so its extremes lie at the ends
        least += (power * price_bn[:, t, None]).min(axis=(0, 2)) * (SLOT_HOURS / 1000)
    corners = objective.corner_bnk[:, -1]
    last = np.concatenate([ends, np.clip(corners, ends[:, :1], ends[:, 1:])], axis=1)
    return np.asarray(least + np.minimum(objective.room_cost(price_bn.shape[1] - 1, last).min(axis=1), 0.0))
