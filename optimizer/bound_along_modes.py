"""What no schedule of a house with a room sensor can cost less than: as `bound`, on a grid of its own for every mode.

What a grid loses, it loses by interpolating, and `bound` interpolates in every slot. Here the grid of a mode moves with
the rooms of that mode, so that running on in a mode takes grid points to grid points and loses nothing; only a change
of mode goes from one grid to another. Good schedules change a few times a day.

Symbols as in `bound` and `response`; a, c_tm the room's response while the control regulates:

    x_i(t,m) = O_m(t) + h(t) i,     O_m(0) = room at the start,   O_m(t+1) = a O_m(t) + c_tm,   h(t+1) = a h(t)

so that f_tm(x_i(t,m)) = x_i(t+1,m). Where h would fall below a given cell it is doubled, and a grid point goes to a
grid point or half way between two. Each grid covers all rooms that can be reached in its slot, and two cells more.

*Claim.* In every slot the piecewise linear U_t(., m) through the nodes of grid m lies nowhere above
V_t(., m) = min over k of [ kappa + nu if k differs from m ] + phi_t(., k) on the rooms that can be reached.
*Proof.* By induction from U_N = 0. A room that can be reached has its image among those of the next slot. (i) phi_t(.,
m) is the sum of price P_tm dt and Z(f_tm) with Z = U_{t+1}(., m) + r_t. The stage and room costs are lowered at both
ends of a cell that holds one of their kinks, by chord less value there, as proved in `bound`; lowering for each kink is
at least what the largest asks for. Where f_tm is affine with slope a on a cell, the image of the cell is a cell of grid
m, or half of one, so Z(f_tm) is affine on it and loses nothing; on every other cell (the control off) its kinks are
counted as in `bound`. (ii) A function through the nodes y_j of grid k, seen from grid m that lies a share w of a cell
further right, has one kink in each cell, at a node of k, where chord less value is w (1-w) times the second difference
of y there: lowering by that, where it is positive, gives an underestimate by the same claim. (iii) The nodewise minimum of underestimates, interpolated, lies below each of them.
Cells beyond the reach may hold anything.

Holds are not asked for: a bound over more schedules is one over fewer, and costs nothing where the price of a change
keeps modes for as long as they are to be held. The limit on changes is priced as in `bound`.

Invariant: for every schedule within the limit on changes, bound <= cost, whatever prices and cell. Rounding is covered
by `GUARD` per slot.
"""

from typing import NamedTuple

import numpy as np

from optimizer.bound import GUARD, NO_WAY
from optimizer.compiled import compiled, compiled_to_compare
from optimizer.kernels import CHANGE_EUR, ONE, SLOT_MWH_PER_KW, Array, Model, Whole

MOST_NODES = 2000
"""Cells are widened where more grid points would be needed."""
BEYOND = 2
"""Cells beyond the rooms that can be reached."""


class _Step(NamedTuple):
    """What a house does in one slot and mode; see `kernels.Model`, whose many arrays would be dear to pass."""

    kon: float
    kof: float
    don: float
    dof: float
    q0: float
    q1: float
    q2: float
    w0: float
    w1: float
    w2: float
    rod: float
    standby: float


class _Grid(NamedTuple):
    """Nodes of one mode in one slot: leftmost room, cell, index of the leftmost node, how many."""

    x0: float
    h: float
    first: int
    nodes: int


@compiled
def _room(step: _Step, room: float) -> float:
    return float(max(step.kof * room + step.dof, step.kon * room + step.don))


@compiled
def _power(step: _Step, room: float) -> float:
    compressor = min(max(step.q0 + step.q1 * room, 0.0), step.q2)
    return float(step.standby + compressor + max(step.w0 + step.w1 * room - step.w2, 0.0) * step.rod)


@compiled
def _lay_grids(
    model: Model, b: int, cell: float, reach: Array, h: Array, origin: Array, first: Whole, count: Whole
) -> int:  # fmt: skip
    """Cells h (N+1,), left ends (M, N+1), first indices and counts of nodes (M, N+1); returns the largest count."""
    modes, slots = origin.shape[0], len(h) - 1
    kon, kof = model.keep_on[b], model.keep_off[b]
    low = high = model.start[b]
    reach[0, 0], reach[1, 0], widest = low, high, 0.0
    for t in range(slots):
        dof = model.drift_off[b, t]
        lowest, highest = NO_WAY, -NO_WAY
        for m in range(modes):
            don = model.drift_on[b, t, m]
            lowest = min(lowest, max(kof * low + dof, kon * low + don))
            highest = max(highest, kof * high + dof, kon * high + don)
        low, high = lowest - 1e-9, highest + 1e-9
        reach[0, t + 1], reach[1, t + 1] = low, high
        widest = max(widest, high - low)
    least = max(cell, widest / (MOST_NODES - 2 * BEYOND - 4))
    h[0] = 2 * least
    for t in range(slots):
        h[t + 1] = kon * h[t]
        while h[t + 1] < least:
            h[t + 1] *= 2
    most = 0
    for m in range(modes):
        at = model.start[b]
        for t in range(slots + 1):
            inverse = 1 / h[t]
            first[m, t] = int(np.floor((reach[0, t] - at) * inverse)) - BEYOND
            count[m, t] = int(np.ceil((reach[1, t] - at) * inverse)) + BEYOND + 1 - first[m, t]
            origin[m, t] = at + h[t] * first[m, t]
            most = max(most, count[m, t])
            if t < slots:
                at = kon * at + model.drift_on[b, t, m]
    return most


@compiled
def _add_ramp(row: Array, ramp: Array, begin: int, end: int, value: float, slope: float) -> None:
    """Add value + slope i to a row's nodes from `begin` up to `end`."""
    if end > begin:
        at = np.uint64(begin)
        for i in range(np.uint64(end - begin)):
            row[at + i] += value + slope * ramp[at + i]


@compiled
def _add_room_cost(row: Array, ramp: Array, grid: _Grid, corner: float, below: float, above: float) -> None:
    """Add an underestimate of below (corner - T)+ + above (T - corner)+."""
    at = (corner - grid.x0) / grid.h
    turn = int(min(max(np.ceil(at), 0.0), float(grid.nodes)))
    if below != 0.0:
        _add_ramp(row, ramp, 0, turn, below * (corner - grid.x0), -below * grid.h)
    if above != 0.0:
        _add_ramp(row, ramp, turn, grid.nodes, above * (grid.x0 - corner), above * grid.h)
    if 0 < at < grid.nodes - 1:
        place = min(int(at), grid.nodes - 2)
        share = at - place
        lower = max(share * (1 - share) * grid.h * (below + above), 0.0)
        row[place] -= lower
        row[place + 1] -= lower


@compiled
def _add_stage(step: _Step, row: Array, ramp: Array, grid: _Grid, e: float) -> None:
    """Add an underestimate of what the slot's electricity costs."""
    at_zero, change, most, fixed = step.q0 + step.q1 * grid.x0, step.q1 * grid.h, step.q2, step.standby
    for i in range(np.uint64(grid.nodes)):
        row[i] += e * (fixed + min(max(at_zero + change * ramp[i], 0.0), most))
    if step.rod > 0:
        at_zero, change, e_rod = step.w0 + step.w1 * grid.x0 - step.w2, step.w1 * grid.h, e * step.rod
        for i in range(np.uint64(grid.nodes)):
            row[i] += e_rod * max(at_zero + change * ramp[i], 0.0)
    for z in range(3):
        kink = -step.q0 / step.q1
        if z == 1:
            kink = (step.q2 - step.q0) / step.q1
        elif z == 2:
            kink = (step.w2 - step.w0) / step.w1
        at = (kink - grid.x0) / grid.h
        if 0 < at < grid.nodes - 1:
            place = min(int(at), grid.nodes - 2)
            share, left = at - place, grid.x0 + grid.h * place
            chord = (1 - share) * _power(step, left) + share * _power(step, left + grid.h)
            lower = max(e * (chord - _power(step, kink)), 0.0)
            row[place] -= lower
            row[place + 1] -= lower


@compiled
def _between(row: Array, at: float, g: int) -> float:
    """The row's value at a place, clipped to its ends."""
    at = min(max(at, 0.0), g - 1.0)
    k = min(int(at), g - 2)
    return float(row[k] + (at - k) * (row[k + 1] - row[k]))


@compiled
def _one_by_one(
    step: _Step, ahead: Array, then: _Grid, row: Array, excess: Array, grid: _Grid, begin: int, end: int
) -> None:
    """`ahead` at the images of nodes and its excess in the cells from `begin` up to `end`."""
    inverse = 1 / then.h
    bend = (step.don - step.dof) / (step.kof - step.kon)
    for i in range(begin, end + 1):
        row[i] = _between(ahead, (_room(step, grid.x0 + grid.h * i) - then.x0) * inverse, then.nodes)
    for i in range(begin, end):
        left = grid.x0 + grid.h * i
        here, there, most = row[i], row[i + 1], 0.0
        share = (bend - left) / grid.h
        if 0 < share < 1:
            value = _between(ahead, (_room(step, bend) - then.x0) * inverse, then.nodes)
            most = max(most, here + share * (there - here) - value)
        begins, ends = (_room(step, left) - then.x0) * inverse, (_room(step, left + grid.h) - then.x0) * inverse
        for j in range(int(max(np.floor(begins), 0.0)), int(min(np.ceil(ends), then.nodes - 1.0)) + 1):
            if begins < j < ends:
                room = then.x0 + then.h * j
                at = min((room - step.dof) / step.kof, (room - step.don) / step.kon)
                share = min(max((at - left) / grid.h, 0.0), 1.0)
                most = max(most, here + share * (there - here) - ahead[j])
        excess[i] = most


@compiled
def _carry_back(step: _Step, ahead: Array, then: _Grid, row: Array, excess: Array, grid: _Grid, doubled: bool) -> None:
    """An underestimate of `ahead` at the images of the nodes, into `row`."""
    g = grid.nodes
    regular_to = np.floor(((step.don - step.dof) / (step.kof - step.kon) - grid.x0) / grid.h) + 1
    times = 2 if doubled else 1
    begin = max(0, times * then.first - grid.first)
    end = min(int(min(max(regular_to, 0.0), float(g))), times * (then.first + then.nodes - 1) + 1 - grid.first)
    end = max(end, begin)
    if doubled:
        for i in range(begin, end):
            at = grid.first + i - 2 * then.first
            j = at // 2
            row[i] = ahead[j] if at % 2 == 0 else 0.5 * (ahead[j] + ahead[j + 1])
    elif end > begin:
        to, source = np.uint64(begin), np.uint64(begin + grid.first - then.first)
        for i in range(np.uint64(end - begin)):
            row[to + i] = ahead[source + i]
    if begin > 0 or end < g:
        for i in range(np.uint64(g)):
            excess[i] = 0.0
        if end <= begin:
            _one_by_one(step, ahead, then, row, excess, grid, 0, g - 1)
        else:
            if begin > 0:
                _one_by_one(step, ahead, then, row, excess, grid, 0, begin)
            if end < g:
                _one_by_one(step, ahead, then, row, excess, grid, end - 1, g - 1)
        row[0] -= excess[0]
        for i in range(1, g - 1):
            row[i] -= max(excess[i - 1], excess[i])
        row[g - 1] -= excess[g - 2]


@compiled_to_compare
def _bend(row: Array, g: int, bend: Array) -> None:
    """What a cell that begins between nodes j and j+1 loses at most per w (1-w): the larger positive second difference
    at its two nodes."""
    bend[0] = 0.0
    for i in range(np.uint64(g - 2)):
        bend[i + ONE] = max(row[i] - 2 * row[i + ONE] + row[i + ONE + ONE], 0.0)
    bend[g - 1] = 0.0
    for i in range(np.uint64(g - 1)):
        bend[i] = max(bend[i], bend[i + ONE])


@compiled_to_compare
def _change_to(row: Array, bend: Array, grid: _Grid, value: Array, to_grid: _Grid, change: float) -> None:
    """Lower `value` on its grid to the underestimate of `row`, on another, and the price of a change."""
    offset = (to_grid.x0 - grid.x0) / grid.h
    whole = int(np.floor(offset))
    w = offset - whole
    curved = w * (1 - w)
    begin, end = max(0, -whole), min(to_grid.nodes, grid.nodes - 1 - whole)
    if end > begin:
        to, source = np.uint64(begin), np.uint64(begin + whole)
        for i in range(np.uint64(end - begin)):
            at = source + i
            there = row[at] + w * (row[at + ONE] - row[at]) - curved * bend[at] + change
            value[to + i] = min(value[to + i], there)


@compiled_to_compare
def _largest(row: Array, g: int) -> float:
    most = 0.0
    for i in range(np.uint64(g)):
        most = max(most, abs(row[i]))
    return most


@compiled
def least_costs_along_modes(
    model: Model, price: Array, nu: Array, before: Whole, cell: float, block: Whole, limit: int, least: Array
) -> None:
    """EUR that no schedule of each house costs less than, at prices (B, N), changes priced at nu (B, D), where the
    modes in force are `before` (B,)."""
    slots, modes = price.shape[1], model.drift_on.shape[2]
    reach, h, origin = np.empty((2, slots + 1)), np.empty(slots + 1), np.empty((modes, slots + 1))
    first, count = np.empty((modes, slots + 1), np.int64), np.empty((modes, slots + 1), np.int64)
    value, phi, bend = np.zeros((modes, 1)), np.zeros((modes, 1)), np.zeros((modes, 1))
    ramp, excess = np.zeros(1), np.zeros(1)
    for b in range(price.shape[0]):
        most = _lay_grids(model, b, cell, reach, h, origin, first, count)
        if most > len(ramp):
            value, phi, bend = np.zeros((modes, most)), np.zeros((modes, most)), np.zeros((modes, most))
            ramp, excess = np.arange(most).astype(np.float64), np.zeros(most)
        value[:, :] = 0.0
        largest = 0.0
        for t in range(slots - 1, -1, -1):
            e, change = price[b, t] * SLOT_MWH_PER_KW, nu[b, block[t]] + CHANGE_EUR
            doubled = h[t + 1] > 1.5 * model.keep_on[b] * h[t]
            for m in range(modes):
                step = _Step(
                    model.keep_on[b], model.keep_off[b], model.drift_on[b, t, m], model.drift_off[b, t],
                    model.power_at_zero[b, t, m], model.power_slope[b, t, m],
                    model.power_limit[b, t, m], model.heat_at_zero[b, t, m], model.heat_slope[b],
                    model.heat_limit[b, t], model.rod[b, t], model.standby[b],
                )  # fmt: skip
                then = _Grid(origin[m, t + 1], h[t + 1], first[m, t + 1], count[m, t + 1])
                grid = _Grid(origin[m, t], h[t], first[m, t], count[m, t])
                ahead, mine = value[m], phi[m]
                _add_ramp(ahead, ramp, 0, then.nodes, -GUARD * largest, 0.0)
                for k in range(4):
                    below, above = model.below[b, t, k], model.above[b, t, k]
                    if below != 0.0 or above != 0.0:
                        _add_room_cost(ahead, ramp, then, model.corner[b, t, k], below, above)
                _carry_back(step, ahead, then, mine, excess, grid, doubled)
                _add_stage(step, mine, ramp, grid, e)
                _bend(mine, grid.nodes, bend[m])
            largest = 0.0
            for m in range(modes):
                grid, mine = _Grid(origin[m, t], h[t], first[m, t], count[m, t]), value[m]
                for i in range(np.uint64(grid.nodes)):
                    mine[i] = phi[m, i]
                for k in range(modes):
                    if k != m:
                        other = _Grid(origin[k, t], h[t], first[k, t], count[k, t])
                        _change_to(phi[k], bend[k], other, mine, grid, change)
                largest = max(largest, _largest(mine, grid.nodes))
        least[b] = value[before[b], -first[before[b], 0]] - GUARD * largest
        for d in range(nu.shape[1]):
            least[b] -= limit * nu[b, d]
