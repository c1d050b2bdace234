"""What no schedule of a house with a room sensor can cost less than: as `bound`, on a grid of its own for every mode.

What a grid loses, it loses by interpolating, and `bound` interpolates in every slot. Here the grid of a mode moves with
the rooms of that mode, so that running on in a mode takes grid points to grid points and loses nothing; only a change
of mode goes from one grid to another. Good schedules change a few times a day.

Symbols as in `bound` and `response`; a, c_tm the room's response while the control regulates:

    x_i(t,m) = O_m(t) + h(t) i,     O_m(0) = room at the start,   O_m(t+1) = a O_m(t) + c_tm,   h(t+1) = a h(t)

so that f_tm(x_i(t,m)) = x_i(t+1,m). Where h would fall below a given cell it is doubled, and a grid point goes to a
grid point or half way between two. Each grid covers all rooms that can be reached in its slot, and two cells more, and
above that as many as make loops come out even; beyond its ends a row is continued straight.

*Claim.* In every slot the piecewise linear U_t(., m) through the nodes of grid m lies nowhere above
V_t(., m) = min over k of [ kappa + nu if k differs from m ] + phi_t(., k) on the rooms that can be reached.
*Proof.* By induction from U_N = 0. A room that can be reached has its image among those of the next slot. (i) phi_t(.,
m) is the sum of price P_tm dt and Z(f_tm) with Z = U_{t+1}(., m) + r_t. The stage and room costs are lowered at both
ends of a cell that holds one of their kinks, by chord less value there, as proved in `bound`; lowering for each kink is
at least what the largest asks for. Where f_tm is affine with slope a on a cell, the image of the cell is a cell of grid
m, or half of one, so Z(f_tm) is affine on it and loses nothing; on every other cell (the control off) its kinks are
counted as in `bound`. (ii) A function through the nodes y_j of grid k, seen from grid m that lies a share w of a cell
further right, has one kink in each cell, at a node of k, where chord less value is w (1-w) times the second difference
of y there: lowering by that, where it is positive, gives an underestimate by the same claim. (iii) The nodewise minimum
of underestimates, interpolated, lies below each of them. Cells beyond the reach may hold anything.

Holds are not asked for: a bound over more schedules is one over fewer, and costs nothing where the price of a change
keeps modes for as long as they are to be held. The limit on changes is priced as in `bound`.

Invariant: for every schedule within the limit on changes, bound <= cost, whatever prices and cell. Rounding is covered
by `GUARD` per slot.
"""

from typing import NamedTuple

import numpy as np

from optimizer.bound import GUARD, NO_WAY, size_of
from optimizer.compiled import compiled, compiled_to_compare
from optimizer.kernels import CHANGE_EUR, ONE, SLOT_MWH_PER_KW, Array, Model, Whole
from optimizer.programme import VECTOR, VECTOR_POINTS

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
) -> None:  # fmt: skip
    """Cells h (N+1,), left ends (M, N+1), first indices (M, N+1) and counts of nodes (N+1,)."""
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
    count[:] = 0
    for m in range(modes):
        at = model.start[b]
        for t in range(slots + 1):
            inverse = 1 / h[t]
            first[m, t] = int(np.floor((reach[0, t] - at) * inverse)) - BEYOND
            count[t] = max(count[t], int(np.ceil((reach[1, t] - at) * inverse)) + BEYOND + 1 - first[m, t])
            origin[m, t] = at + h[t] * first[m, t]
            if t < slots:
                at = kon * at + model.drift_on[b, t, m]
    for t in range(slots + 1):
        count[t] += -count[t] % VECTOR_POINTS


@compiled_to_compare
def _add_bent(
    row: Array, ramp: Array, g: int, level: float, slope: float, h: float, left: tuple[float, float, float, float],
    bend: tuple[float, float, float, float],
) -> None:  # fmt: skip
    """Add level + slope i + sum over k of bend_k (left_k - h i)+ to a row's nodes i."""
    (l0, l1, l2, l3), (b0, b1, b2, b3) = left, bend
    for i in range(np.uint64(g)):
        x = h * ramp[i]
        bent = b0 * max(l0 - x, 0.0) + b1 * max(l1 - x, 0.0) + b2 * max(l2 - x, 0.0) + b3 * max(l3 - x, 0.0)
        row[i] += level + slope * ramp[i] + bent


@compiled
def _add_room_cost(model: Model, b: int, t: int, row: Array, ramp: Array, grid: _Grid) -> None:
    """Add an underestimate of r_t, as below x+ + above (-x)+ = (below + above) x+ - above x for x = corner - T."""
    corner, below, above = model.corner[b, t], model.below[b, t], model.above[b, t]
    left = (corner[0] - grid.x0, corner[1] - grid.x0, corner[2] - grid.x0, corner[3] - grid.x0)
    bend = (below[0] + above[0], below[1] + above[1], below[2] + above[2], below[3] + above[3])
    level = above[0] * left[0] + above[1] * left[1] + above[2] * left[2] + above[3] * left[3]
    slope = (above[0] + above[1] + above[2] + above[3]) * grid.h
    _add_bent(row, ramp, grid.nodes, -level, slope, grid.h, left, bend)
    inverse = 1 / grid.h
    for k in range(4):
        at = left[k] * inverse
        if 0 < at < grid.nodes - 1:
            place = min(int(at), grid.nodes - 2)
            share = at - place
            lower = max(share * (1 - share) * grid.h * bend[k], 0.0)
            row[place] -= lower
            row[place + 1] -= lower


@compiled_to_compare
def _add_clipped(
    row: Array, ramp: Array, g: int, level: float, e: float, at_zero: float, change: float, most: float
) -> None:  # fmt: skip
    """Add level + e clip(at_zero + change i, 0, most) to a row's nodes i."""
    for i in range(np.uint64(g)):
        row[i] += level + e * min(max(at_zero + change * ramp[i], 0.0), most)


@compiled
def _lower_at(step: _Step, row: Array, grid: _Grid, e: float, at: float) -> None:
    """Lower the cell that holds a kink of the stage cost by chord less value there."""
    if 0 < at < grid.nodes - 1:
        place = min(int(at), grid.nodes - 2)
        share, left = at - place, grid.x0 + grid.h * place
        chord = (1 - share) * _power(step, left) + share * _power(step, left + grid.h)
        lower = max(e * (chord - _power(step, grid.x0 + grid.h * at)), 0.0)
        row[place] -= lower
        row[place + 1] -= lower


@compiled
def _add_stage(step: _Step, row: Array, ramp: Array, grid: _Grid, e: float, guard: float) -> None:
    """Add an underestimate of what the slot's electricity costs, less `guard`."""
    at_zero, change = step.q0 + step.q1 * grid.x0, step.q1 * grid.h
    _add_clipped(row, ramp, grid.nodes, e * step.standby - guard, e, at_zero, change, step.q2)
    inverse = 1 / change
    _lower_at(step, row, grid, e, -at_zero * inverse)
    _lower_at(step, row, grid, e, (step.q2 - at_zero) * inverse)
    at_zero, change = step.w0 + step.w1 * grid.x0 - step.w2, step.w1 * grid.h
    if step.rod > 0 and max(at_zero, at_zero + change * (grid.nodes - 1)) > 0:
        _add_clipped(row, ramp, grid.nodes, 0.0, e * step.rod, at_zero, change, NO_WAY)
        _lower_at(step, row, grid, e, -at_zero / change)


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
    last = then.first + then.nodes + VECTOR_POINTS - 1
    end = max(min(int(min(max(regular_to, 0.0), float(g))), times * last + 1 - grid.first), begin)
    if doubled:
        for i in range(begin, end):
            at = grid.first + i - 2 * then.first
            j = at // 2
            row[i] = ahead[j] if at % 2 == 0 else 0.5 * (ahead[j] + ahead[j + 1])
    else:
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


@compiled
def _continue(row: Array, ramp: Array, g: int) -> None:
    """Continue a row straight beyond its last node."""
    last = row[g - 1]
    slope, at = last - row[g - 2], np.uint64(g)
    for i in range(VECTOR):
        row[at + i] = last + slope * (ramp[i] + 1)


@compiled_to_compare
def _bends(row: Array, g: int, bend: Array) -> None:
    """What a cell that begins between nodes i and i+1 loses at most per w (1-w): the larger positive second difference
    at its two nodes. The row is continued straight for a cell before it and two behind it; place `ONE` is node 0."""
    row[0], bend[0] = 2 * row[1] - row[2], 0.0
    row[g + 1] = 2 * row[g] - row[g - 1]
    row[g + 2] = 2 * row[g + 1] - row[g]
    for i in range(np.uint64(g)):
        left, right = row[i + ONE], row[i + ONE + ONE]
        second = right - left
        bend[i + ONE] = max(second - (left - row[i]), row[i + ONE + ONE + ONE] - right - second, 0.0)


@compiled_to_compare
def _cheapest(
    own: Array, one: Array, one_bend: Array, w1: float, to_one: float, two: Array, two_bend: Array, w2: float,
    to_two: float, three: Array, three_bend: Array, w3: float, to_three: float, g: int, out: Array,
) -> None:  # fmt: skip
    """The nodewise least of a mode's own row and of three others', each seen a share w further right and dearer by what
    going there costs."""
    c1, c2, c3 = w1 * (1 - w1), w2 * (1 - w2), w3 * (1 - w3)
    for i in range(np.uint64(g)):
        best = own[i]
        best = min(best, one[i] + w1 * (one[i + ONE] - one[i]) - c1 * one_bend[i] + to_one)
        best = min(best, two[i] + w2 * (two[i + ONE] - two[i]) - c2 * two_bend[i] + to_two)
        out[i] = min(best, three[i] + w3 * (three[i + ONE] - three[i]) - c3 * three_bend[i] + to_three)


@compiled
def least_costs_along_modes(
    model: Model, price: Array, nu: Array, before: Whole, cell: float, block: Whole, limit: int, least: Array
) -> None:
    """EUR that no schedule of each house costs less than, at prices (B, N), changes priced at nu (B, D), where the
    modes in force are `before` (B,); of four modes."""
    slots, modes = price.shape[1], 4
    reach, h, origin = np.empty((2, slots + 1)), np.empty(slots + 1), np.empty((modes, slots + 1))
    first, count = np.empty((modes, slots + 1), np.int64), np.empty(slots + 1, np.int64)
    room = MOST_NODES + 3 * VECTOR_POINTS
    value, phi, bend = np.zeros((modes, room)), np.zeros((modes, room)), np.zeros((modes, room))
    ramp, excess = np.arange(room).astype(np.float64), np.zeros(room)
    share, whole = np.empty(modes), np.empty(modes, np.int64)
    for b in range(price.shape[0]):
        _lay_grids(model, b, cell, reach, h, origin, first, count)
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
                then = _Grid(origin[m, t + 1], h[t + 1], first[m, t + 1], count[t + 1])
                grid = _Grid(origin[m, t], h[t], first[m, t], count[t])
                ahead, mine = value[m], phi[m, 1:]
                _add_room_cost(model, b, t, ahead, ramp, then)
                _continue(ahead, ramp, then.nodes)
                _carry_back(step, ahead, then, mine, excess, grid, doubled)
                _add_stage(step, mine, ramp, grid, e, GUARD * largest)
                _bends(phi[m], grid.nodes, bend[m])
            largest = 0.0
            for m in range(modes):
                for k in range(modes):
                    offset = (origin[m, t] - origin[k, t]) / h[t]
                    whole[k] = 0 if offset < 0 else 1
                    share[k] = min(offset - whole[k] + 1, 1.0)
                i, j, k = (m + 1) % modes, (m + 2) % modes, (m + 3) % modes
                _cheapest(
                    phi[m, 1:], phi[i, whole[i] :], bend[i, whole[i] :], share[i], change,
                    phi[j, whole[j] :], bend[j, whole[j] :], share[j], change,
                    phi[k, whole[k] :], bend[k, whole[k] :], share[k], change, count[t], value[m],
                )  # fmt: skip
                largest = max(largest, size_of(value[m], np.uint64(count[t])))
        least[b] = value[before[b], -first[before[b], 0]] - GUARD * largest
        for d in range(nu.shape[1]):
            least[b] -= limit * nu[b, d]
