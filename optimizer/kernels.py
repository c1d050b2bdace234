"""The model of a house as compiled loops take it, and its simulation.

Plain arrays only, symbols as in `response` and `objective`; `objective.evaluate` is the readable form of `simulate`.

Invariant: costs that are claimed come from `simulate`, in double precision.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from optimizer.compiled import compiled

Array = npt.NDArray[np.float64]
Single = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]

SLOT_MWH_PER_KW = 0.25 / 1000
CHANGE_EUR = 0.01
OVERFLOW_EUR_PER_MWH = 3000.0
ONE = np.uint64(1)
"""Indices of inner loops are unsigned: a signed one may count from the end, and a loop that must ask is no vector loop
(ten times slower, measured)."""


class Model(NamedTuple):
    """Responses and objective of B houses, as kernels take them; see `response.Responses` and `objective.Objective`."""

    keep_on: Array
    keep_off: Array
    drift_on: Array
    drift_off: Array
    power_at_zero: Array
    power_slope: Array
    power_limit: Array
    heat_at_zero: Array
    heat_slope: Array
    heat_limit: Array
    rod: Array
    standby: Array
    start: Array
    corner: Array
    below: Array
    above: Array
    coldest_set_back: Array
    """Band's floor: no set-back is chosen where the room is colder, (B,)."""
    sun: Array
    """kW of each slot that the home's own roof has left over, (B, N)."""
    sun_saving: Array
    """EUR/MWh by which that is cheaper than what is bought; negative where feeding in earns more, (B, N)."""


class Automaton(NamedTuple):
    """A `dwell.Dwell` as kernels take it."""

    mode: Whole
    stay: Whole
    leave: npt.NDArray[np.bool_]
    entry: Whole


@compiled
def room_after(model: Model, b: int, t: int, m: int, room: float) -> float:
    """Room at the slot's end."""
    off = model.keep_off[b] * room + model.drift_off[b, t]
    return float(max(off, model.keep_on[b] * room + model.drift_on[b, t, m]))


@compiled
def rooms_ahead(
    keep_on: Array, keep_off: Array, drift_on: Array, drift_off: Array, start: Array, mode: int, path: Array,
    least: Array, most: Array,
) -> None:  # fmt: skip
    """Rooms at the slots' ends in one mode throughout, (B, N), and the coldest and warmest in any modes, (B,)."""
    houses, slots, modes = drift_on.shape
    for b in range(houses):
        x = low = high = start[b]
        least[b], most[b] = low, high
        for t in range(slots):
            coldest, warmest = np.inf, -np.inf
            off = drift_off[b, t]
            for m in range(modes):
                on = drift_on[b, t, m]
                coldest = min(coldest, max(keep_off[b] * low + off, keep_on[b] * low + on))
                warmest = max(warmest, keep_off[b] * high + off, keep_on[b] * high + on)
            x = max(keep_off[b] * x + off, keep_on[b] * x + drift_on[b, t, mode])
            path[b, t], low, high = x, coldest, warmest
            least[b], most[b] = min(least[b], low), max(most[b], high)


@compiled
def power_of(model: Model, b: int, t: int, m: int, room: float) -> float:
    """Mean electrical power of the slot, kW."""
    demand = model.power_at_zero[b, t, m] + model.power_slope[b, t, m] * room
    compressor = min(max(demand, 0.0), model.power_limit[b, t, m])
    heat = model.heat_at_zero[b, t, m] + model.heat_slope[b] * room
    return float(model.standby[b] + compressor + max(heat - model.heat_limit[b, t], 0.0) * model.rod[b, t])


@compiled
def room_cost(model: Model, b: int, t: int, room: float) -> float:
    """EUR for ending the slot at a room."""
    total = 0.0
    for k in range(4):
        beyond = room - model.corner[b, t, k]
        total += model.above[b, t, k] * beyond if beyond > 0 else -model.below[b, t, k] * beyond
    return total


@compiled
def simulate(
    model: Model,
    price: Array,
    before: Whole,
    block: Whole,
    modes: npt.NDArray[np.int8],
    room: Single,
    power: Single,
    energy: Array,
    cost: Array,
    changes: Whole,
) -> None:
    """Run schedules (B, N) at prices (N,), writing rooms, powers, energy cost, whole cost and changes per block."""
    houses, slots = modes.shape
    for b in range(houses):
        x, comfort, paid, mode, changed = model.start[b], 0.0, 0.0, before[b], 0
        changes[b, :] = 0
        for t in range(slots):
            m = int(modes[b, t])
            p = power_of(model, b, t, m, x)
            x = room_after(model, b, t, m, x)
            comfort += room_cost(model, b, t, x)
            paid += p * price[t] - min(p, model.sun[b, t]) * model.sun_saving[b, t]
            if m != mode:
                changes[b, block[t]] += 1
                changed += 1
            mode = m
            room[b, t], power[b, t] = x, p
        energy[b] = paid * SLOT_MWH_PER_KW
        cost[b] = energy[b] + comfort + CHANGE_EUR * changed
