"""The best schedule of a house that may change mode only a few times a day: the programme with a count, compiled.

`programme` keeps a limit on changes by a price on them. Where two peaks of the price are alike, no price separates what
is done about them: just below it all of it is worth it, just above it nothing is, and a pump that may do some of it
does nothing. Here the changes left of a plan day, c, are part of the state (symbols as in `programme`):

    V_t(T,s,c) = min over s' of  [ kappa if the mode changes ] + phi_t(T,s',c'),    c' = c - 1 if it changes, else c

where a new plan day begins with c = L. It costs L + 1 times the programme, once, and needs no bisection.

Invariant: as in `programme`; a schedule found here keeps the limit in every plan day, unless dwell itself breaks it.
"""

import numpy as np
import numpy.typing as npt

from optimizer.compiled import compiled
from optimizer.kernels import (
    CHANGE_EUR,
    OVERFLOW_EUR_PER_MWH,
    SLOT_MWH_PER_KW,
    Array,
    Automaton,
    Model,
    Single,
    Whole,
    power_of,
    room_after,
    room_cost,
)
from optimizer.programme import FAR, MIN_MODE, SET_BACK_IN_THE_COLD_EUR

FEW_CHANGES = 5
"""Limits up to this are counted; with more of them the price on changes leaves next to nothing."""


@compiled
def _of_slot(model: Model, b: int, price: float, free: float, t: int, m: int, x: float) -> tuple[float, float]:
    """What a slot in a mode costs from a room on, EUR, and the room at its end."""
    p, y = power_of(model, b, t, m, x), room_after(model, b, t, m, x)
    cost = (p * price - min(p, model.sun[b, t]) * model.sun_saving[b, t]) * SLOT_MWH_PER_KW
    cost += max(p - free, 0.0) * OVERFLOW_EUR_PER_MWH * SLOT_MWH_PER_KW + room_cost(model, b, t, y)
    if m == MIN_MODE and x < model.coldest_set_back[b]:
        cost += SET_BACK_IN_THE_COLD_EUR
    return cost, y


@compiled
def _mode_on_grid(
    model: Model, b: int, price: float, free: float, t: int, m: int, auto: Automaton, low: float, cell: float, g: int,
    after: Single, first: bool, phi: Single,
) -> None:  # fmt: skip
    """phi of every state of a mode; `after` is V_{t+1} (L + 1, S, G), `first` true where a plan day begins with it."""
    counts = len(phi)
    for i in range(g):
        cost, y = _of_slot(model, b, price, free, t, m, low + cell * i)
        f = min(max((y - low) / cell, 0.0), g - 1.0001)
        k = int(f)
        share = np.float32(f - k)
        for c in range(counts):
            then = after[counts - 1 if first else c]
            for s in range(len(auto.mode)):
                if auto.mode[s] == m:
                    phi[c, s, i] = np.float32(cost) + then[s, k] + share * (then[s, k + 1] - then[s, k])


@compiled
def _values(
    model: Model, b: int, price: Array, free: Array, auto: Automaton, low: float, cell: float, g: int, block: Whole,
    value: Single, phi: Single,
) -> None:  # fmt: skip
    """V on the grid of house b into `value` (N + 1, L + 1, S, G)."""
    slots, counts, modes = len(price), value.shape[1], len(auto.entry)
    value[slots] = 0.0
    for t in range(slots - 1, -1, -1):
        first = t + 1 < slots and block[t + 1] != block[t]
        for m in range(modes):
            _mode_on_grid(model, b, price[t], free[t], t, m, auto, low, cell, g, value[t + 1], first, phi)
        for c in range(counts):
            for s in range(len(auto.mode)):
                out, stay = value[t, c, s], auto.stay[s]
                for i in range(g):
                    out[i] = phi[c, stay, i] if stay >= 0 else FAR
                if not auto.leave[s] or (c == 0 and stay >= 0):
                    continue
                for m in range(modes):
                    if m != auto.mode[s] and auto.entry[m] >= 0:
                        begun = phi[max(c - 1, 0), auto.entry[m]]
                        for i in range(g):
                            out[i] = min(out[i], begun[i] + np.float32(CHANGE_EUR))


@compiled
def _walk(
    model: Model, b: int, price: Array, free: Array, auto: Automaton, start: int, low: float, cell: float, g: int,
    block: Whole, value: Single, modes: npt.NDArray[np.int8],
) -> None:  # fmt: skip
    """Forward in the continuous model, one look ahead at a time."""
    most = value.shape[1] - 1
    x, s, c = model.start[b], start, most
    for t in range(len(price)):
        if t > 0 and block[t] != block[t - 1]:
            c = most
        first = t + 1 < len(price) and block[t + 1] != block[t]
        best, to, best_x, left = 1e18, -1, 0.0, c
        for m in range(len(auto.entry)):
            moves = m != auto.mode[s]
            q = auto.entry[m] if moves else auto.stay[s]
            if q < 0 or (moves and (not auto.leave[s] or (c == 0 and auto.stay[s] >= 0))):
                continue
            cost, y = _of_slot(model, b, price[t], free[t], t, m, x)
            f = min(max((y - low) / cell, 0.0), g - 1.0001)
            k = int(f)
            then = value[t + 1, most if first else max(c - 1, 0) if moves else c, q]
            guess = cost + then[k] + (f - k) * (then[k + 1] - then[k]) + (CHANGE_EUR if moves else 0.0)
            if guess < best:
                best, to, best_x, left = guess, q, y, max(c - 1, 0) if moves else c
        s, x, c = to, best_x, left
        modes[t] = auto.mode[s]


@compiled
def best_with_few_changes(
    model: Model, price: Array, free: Array, auto: Automaton, start: Whole, low: Array, cell: Array, points: Whole,
    block: Whole, limit: int, modes: npt.NDArray[np.int8],
) -> None:  # fmt: skip
    """Best schedules of B houses within `limit` changes a plan day into `modes`; see `programme.best_schedules`."""
    houses, slots, states, most = price.shape[0], price.shape[1], len(auto.mode), points.max()
    value = np.empty((slots + 1, limit + 1, states, most), np.float32)
    phi = np.empty((limit + 1, states, most), np.float32)
    none = np.full(slots, np.inf)
    for b in range(houses):
        spare, g = free[b] if len(free) > 0 else none, points[b]
        _values(model, b, price[b], spare, auto, low[b], cell[b], g, block, value, phi)
        _walk(model, b, price[b], spare, auto, start[b], low[b], cell[b], g, block, value, modes[b])
