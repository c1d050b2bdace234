"""The best schedule of a house at given prices: a dynamic programme over room temperature and dwell, compiled.

Symbols (S dwell states, n grid points of a house, N slots, M modes):

    g_i       grid points, evenly spaced over every room worth reaching
    f_tm(T)   room at the end of slot t in mode m (see `response`)      s -> s'   a step of the automaton (see `dwell`)
    V_t(T,s)  least cost from slot t on:  V_t(T,s) = min over s' of  [ kappa if the mode changes ] + phi_t(T,s')
    phi_t(T,s') = price_t P_tm(T) dt + r_t(f_tm(T)) + V_{t+1}(f_tm(T), s'),   m = mode of s',  r_t the room cost
                  less sigma_t min(P_tm(T), S_t) dt where a roof leaves S_t over, cheaper than bought by sigma_t

V is interpolated between grid points, so it is an estimate (and no bound; for that see `bound`). Of the grid each slot
takes only the rooms that can be reached by then from the room at the start, and a cell more. The schedule is found
by walking forward in the continuous model, choosing in each slot by one look ahead into the interpolated V. A set-back
in a room below its band is priced out of both passes: warmth is owed there, and nothing is saved at its expense.

The limit on changes of mode is kept by a price on changes, found by bisection where a house changes too often.

Invariant: what is returned is always an admissible walk; what it costs is found by simulation, never interpolated.

Single precision suffices for V, because a schedule is judged by its simulated cost. The readable form is
`tests/optimizer/reference/programme.py`.
"""

import numpy as np
import numpy.typing as npt

from optimizer.compiled import compiled, compiled_loosely
from optimizer.kernels import (
    CHANGE_EUR,
    ONE,
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

SET_BACK_IN_THE_COLD_EUR = 5.0
"""Per slot of a set-back in a room below its band: more than any slot's energy is worth, so never chosen freely."""
MIN_MODE = 0
VECTOR_POINTS = 16
"""Loops are widened to multiples of this: what is left over of a vector loop runs one by one (a third of the time)."""
VECTOR, ALL_BUT_ONE = np.uint64(VECTOR_POINTS), np.uint64(VECTOR_POINTS - 1)
FAR = np.float32(1e9)
f32 = np.float32


@compiled
def stretches_of(place: npt.NDArray[np.int32], g: int, begins: npt.NDArray[np.uint64]) -> int:
    """Stretches of grid points whose images lie in consecutive cells; `begins` gets their first points, and g.

    A slot moves a room by nearly the same step wherever it is, so these are few, and reading a row in stretches is
    several times faster than picking its values one by one.
    """
    count = 0
    for i in range(g):
        if i == 0 or place[i] != place[i - 1] + 1:
            begins[count] = i
            count += 1
    begins[count] = g
    return count


@compiled
def _windows(
    model: Model, b: int, low: float, cell: float, g: int, first: Array, many: npt.NDArray[np.uint64]
) -> None:  # fmt: skip
    """Rooms of the grid that matter at the start of each slot and at the end: the leftmost, and how many, (N+1,)."""
    least = most = model.start[b]
    for t in range(len(first)):
        left = min(max(np.floor((least - low) / cell) - 1, 0.0), g - 2.0)
        right = min(max(np.ceil((most - low) / cell) + 2, left + 2), float(g))
        count = int(right - left)
        count = min(count + -count % VECTOR_POINTS, g)
        left = min(left, float(g - count))
        first[t], many[t] = low + cell * left, count
        if t + 1 < len(first):
            lowest, highest = np.inf, -np.inf
            for m in range(model.drift_on.shape[2]):
                lowest = min(lowest, room_after(model, b, t, m, least))
                highest = max(highest, room_after(model, b, t, m, most))
            least, most = lowest, highest


@compiled
def _always_stays(auto: Automaton) -> bool:
    """May a pump that may leave its mode always stay in it? Then beginning the same mode anew is never cheaper."""
    return not (auto.leave & (auto.stay < 0)).any()


@compiled_loosely
def _room_costs(model: Model, b: int, t: int, l0: float, dc: float, g: np.uint64, base: Single) -> None:
    """r_t of the rooms from `l0` on."""
    zero = f32(0)
    corner, below, above = model.corner[b, t], model.below[b, t], model.above[b, t]
    c0, c1, c2, c3 = f32(corner[0]), f32(corner[1]), f32(corner[2]), f32(corner[3])
    b0, b1, b2, a2, a3 = f32(below[0]), f32(below[1]), f32(below[2]), f32(above[2]), f32(above[3])
    for i in range(g):
        x = f32(l0) + f32(dc) * f32(i)
        base[i] = b0 * max(c0 - x, zero) + b1 * max(c1 - x, zero) + b2 * max(c2 - x, zero)
        base[i] += a2 * max(x - c2, zero) + a3 * max(x - c3, zero)


@compiled_loosely
def _values(
    model: Model, b: int, price: Array, change: Array, free: Array, auto: Automaton, lows: Array, cell: float,
    many: npt.NDArray[np.uint64], ahead: Single, phi: Single, scratch: Single, place: npt.NDArray[np.int32],
    begins: npt.NDArray[np.uint64],
) -> None:  # fmt: skip
    """r_t + V_{t+1} in the windows of house b into `ahead` (N, S, G), from each window's first room on.

    Single precision, for it is only looked into; states that no slot can be run in are left out.
    """
    slots, states, modes = len(price), len(auto.mode), len(auto.entry)
    zero, dc, inv = f32(0), f32(cell), f32(1 / cell)
    kon, kof = f32(model.keep_on[b]), f32(model.keep_off[b])
    hs, sb = f32(model.heat_slope[b]), f32(model.standby[b])
    cold, capped, any_mode = f32(model.coldest_set_back[b]), len(free) > 0, _always_stays(auto)
    anew, stage, share, base = scratch[:modes], scratch[modes], scratch[modes + 1], scratch[modes + 2]
    xs, ug = scratch[modes + 3], many[slots]
    _room_costs(model, b, slots - 1, lows[slots], cell, ug, base)
    for s in range(states):
        for i in range(ug):
            ahead[slots - 1, s, i] = base[i]
    for t in range(slots - 1, 0, -1):
        l0, then, top = f32(lows[t]), f32(lows[t + 1]), f32(many[t + 1]) - f32(1.0001)
        ug = many[t]
        e, ch = f32(price[t] * SLOT_MWH_PER_KW), f32(change[t] + CHANGE_EUR)
        rd, w2 = f32(model.rod[b, t]), f32(model.heat_limit[b, t])
        sun, saved = f32(model.sun[b, t]), f32(model.sun_saving[b, t] * SLOT_MWH_PER_KW)
        dof = f32(model.drift_off[b, t])
        for i in range(ug):
            xs[i] = l0 + dc * f32(i)
        for m in range(modes):
            don = f32(model.drift_on[b, t, m])
            q0, q1 = f32(model.power_at_zero[b, t, m]), f32(model.power_slope[b, t, m])
            q2, w0 = f32(model.power_limit[b, t, m]), f32(model.heat_at_zero[b, t, m])
            for i in range(ug):
                x = xs[i]
                y = max(kof * x + dof, kon * x + don)
                f = min(max((y - then) * inv, zero), top)
                left_of = np.int32(f)
                place[i], share[i] = left_of, f - f32(left_of)
                stage[i] = (sb + min(max(q0 + q1 * x, zero), q2)) * e
            if rd > zero:
                for i in range(ug):
                    stage[i] += max(w0 + hs * xs[i] - w2, zero) * rd * e
            if capped or sun > zero:
                spare, over = f32(free[t]) if capped else FAR, f32(OVERFLOW_EUR_PER_MWH * SLOT_MWH_PER_KW)
                for i in range(ug):
                    x = xs[i]
                    p = sb + min(max(q0 + q1 * x, zero), q2) + max(w0 + hs * x - w2, zero) * rd
                    stage[i] += max(p - spare, zero) * over - min(p, sun) * saved
            if m == MIN_MODE and xs[0] < cold:
                for i in range(ug):
                    stage[i] += f32(SET_BACK_IN_THE_COLD_EUR) if xs[i] < cold else zero
            stretches = stretches_of(place, int(ug), begins)
            for s in range(1, states):
                if auto.mode[s] == m and auto.mode[s - 1] == m:
                    for r in range(stretches):
                        first, lead = begins[r], np.uint64(place[begins[r]])
                        long = (begins[r + 1] - first + ALL_BUT_ONE) // VECTOR * VECTOR
                        for i in range(long):  # what lies beyond the end is written anew by the next, or never read
                            left, at = ahead[t, s, lead + i], first + i
                            right = ahead[t, s, lead + i + ONE]
                            phi[s, at] = left + share[at] * (right - left) + stage[at]
        for m in range(1 if any_mode else modes):
            for i in range(ug):
                anew[m, i] = FAR
            for k in range(modes):
                if (any_mode or k != m) and auto.entry[k] >= 0:
                    begin = phi[auto.entry[k]]
                    for i in range(ug):
                        anew[m, i] = min(anew[m, i], begin[i])
        _room_costs(model, b, t - 1, lows[t], cell, ug, base)
        for s in range(1, states):
            if auto.mode[s] != auto.mode[s - 1]:
                continue
            other, out = anew[0 if any_mode else auto.mode[s]], ahead[t - 1, s]
            if auto.stay[s] < 0:
                for i in range(ug):
                    out[i] = other[i] + ch + base[i]
            elif auto.leave[s]:
                stays = phi[auto.stay[s]]
                for i in range(ug):
                    out[i] = min(stays[i], other[i] + ch) + base[i]
            else:
                stays = phi[auto.stay[s]]
                for i in range(ug):
                    out[i] = stays[i] + base[i]


@compiled
def _walk(
    model: Model, b: int, price: Array, change: Array, free: Array, auto: Automaton, start: int, lows: Array,
    cell: float, many: npt.NDArray[np.uint64], ahead: Single, block: Whole, modes: npt.NDArray[np.int8],
    changes: Whole,
) -> float:  # fmt: skip
    """Forward in the continuous model, one look ahead at a time; returns the priced cost without prices of changes."""
    x, s, total, capped = model.start[b], start, 0.0, len(free) > 0
    changes[:] = 0
    for t in range(len(price)):
        best, to, best_x, best_cost = 1e18, -1, 0.0, 0.0
        low, top = lows[t + 1], many[t + 1] - 1.0001
        for m in range(len(auto.entry)):
            moves = m != auto.mode[s]
            q = auto.entry[m] if moves else auto.stay[s]
            if q < 0 or (moves and not auto.leave[s]):
                continue
            p = power_of(model, b, t, m, x)
            y = room_after(model, b, t, m, x)
            f = min(max((y - low) / cell, 0.0), top)
            k = int(f)
            here = p * price[t] * SLOT_MWH_PER_KW + (CHANGE_EUR if moves else 0.0)
            here -= min(p, model.sun[b, t]) * model.sun_saving[b, t] * SLOT_MWH_PER_KW
            if capped:
                here += max(p - free[t], 0.0) * OVERFLOW_EUR_PER_MWH * SLOT_MWH_PER_KW
            guess = here + ahead[t, q, k] + (f - k) * (ahead[t, q, k + 1] - ahead[t, q, k])
            if moves:
                guess += change[t]
            if m == MIN_MODE and x < model.coldest_set_back[b]:
                guess += SET_BACK_IN_THE_COLD_EUR
            if guess < best:
                best, to, best_x, best_cost = guess, q, y, here
        if auto.mode[to] != auto.mode[s]:
            changes[block[t]] += 1
        s, x = to, best_x
        modes[t] = auto.mode[s]
        total += best_cost + room_cost(model, b, t, x)
    return total


@compiled
def best_schedules(
    model: Model, price: Array, nu: Array, free: Array, auto: Automaton, start: Whole, low: Array, cell: Array,
    points: Whole, block: Whole, limit: int, steps: int, least_nu: float, modes: npt.NDArray[np.int8],
    limited: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    """Best schedules of B houses at prices (B, N), changes priced at `nu` (B, D), overflow of `free` ((B, N) or empty).

    Where a house changes mode more often than `limit` in a block, its nu is bisected in up to `steps` further solves.
    `modes` receives the cheapest schedule within the limit where one was met (`limited`), else the last; `nu` what made
    the Lagrangian largest.
    """
    houses, slots, days, states, most = price.shape[0], price.shape[1], nu.shape[1], len(auto.mode), points.max()
    most += 2 * VECTOR_POINTS  # stretches are run through in whole vectors, beyond their ends
    ahead, lows, many = np.empty((slots, states, most), np.float32), np.empty(slots + 1), np.empty(slots + 1, np.uint64)
    phi, scratch = np.empty((states, most), np.float32), np.empty((len(auto.entry) + 4, most), np.float32)
    place, begins = np.empty(most, np.int32), np.empty(most + 1, np.uint64)
    mine, changes = np.empty(slots, np.int8), np.empty(days, np.int64)
    change, none = np.empty(slots), np.empty(0)
    floor, ceiling, at, best_nu = np.empty(days), np.empty(days), np.empty(days), np.empty(days)
    for b in range(houses):
        spare = free[b] if len(free) > 0 else none
        at[:] = nu[b]
        best_nu[:] = nu[b]
        floor[:], ceiling[:] = 0.0, np.inf
        _windows(model, b, low[b], cell[b], points[b], lows, many)
        best, best_bound, limited[b] = np.inf, -np.inf, False
        for _ in range(steps + 1):
            for t in range(slots):
                change[t] = at[block[t]]
            grid = lows, cell[b], many
            _values(model, b, price[b], change, spare, auto, *grid, ahead, phi, scratch, place, begins)
            cost = _walk(model, b, price[b], change, spare, auto, start[b], *grid, ahead, block, mine, changes)
            kept, bound = True, cost
            for d in range(days):
                kept = kept and changes[d] <= limit
                bound += at[d] * (changes[d] - limit)
            if bound > best_bound:
                best_bound = bound
                best_nu[:] = at
            if kept and cost < best:
                best, limited[b] = cost, True
                modes[b] = mine
            elif not limited[b]:
                modes[b] = mine
            done = True
            for d in range(days):
                if changes[d] > limit:
                    floor[d] = max(floor[d], at[d])
                    at[d] = (at[d] + ceiling[d]) / 2 if ceiling[d] < np.inf else max(2 * at[d], 2 * least_nu)
                    done = False
                elif at[d] > 0 and changes[d] < limit:
                    ceiling[d] = min(ceiling[d], at[d])
                    at[d] = (floor[d] + at[d]) / 2 if at[d] > least_nu / 4 else 0.0
                    done = done and ceiling[d] - floor[d] < 0.1 * ceiling[d]
            if done:
                break
        nu[b] = best_nu
