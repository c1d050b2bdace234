"""What no schedule of a house can cost less than: the programme once more, with an underestimate in place of V.

Linear interpolation of V on a grid is no bound: V is neither convex nor concave, and where it is convex the chord lies
above it. Here U_t is piecewise linear on the same grid and U_t <= V_t holds everywhere, by construction.

Symbols as in `programme`, on a grid with cells of unequal width (see `Zones`); chord_i(h) is the line through a
function h at the two ends of cell i.

*Claim.* Let h be continuous and, on cell i, piecewise linear with kinks x_1.. inside the cell. With
e_i = max(0, max_j [chord_i(h)(x_j) - h(x_j)]) the piecewise linear function through h(g_i) - max(e_{i-1}, e_i) lies
nowhere above h.
*Proof.* On cell i it lies at or below chord_i(h) - e_i. The difference h - chord_i(h) is piecewise linear on the cell,
so it is least at an end, where it is 0, or at a kink, where it is at least -e_i.

*Step.* With Z = U_{t+1} + (underestimate of the room cost r_t) <= V_{t+1} + r_t, the function Z(f_tm(T), s') is
piecewise linear. Its kinks in a cell are (i) where f_tm itself bends, one known room per mode and slot, and (ii) where
f_tm meets a grid point: f_tm increases and contracts, so the image of a cell among equals is shorter than a cell and
holds at most one; the image of a wide cell may reach into the fine zone and hold several.
The claim gives an underestimate of it; the stage cost price * P_tm and the room cost get theirs from their own known
kinks (any sign of the price). Where a roof leaves S_t over, the stage cost also bends where P_tm = S_t, which is in one
of at most four rooms; a mark where nothing bends lowers nothing below the function. A sum of underestimates is one, and
U_t := nodewise minimum over s' of such functions,
interpolated, lies below each of them, hence below V_t. Rooms beyond the grid cannot be reached; there f_tm is clipped
to the grid's ends, which are grid points and so kinks of kind (ii). Nothing here needs V to be monotone or prices to
be positive. Rounding is covered by `GUARD` per slot.

*Gentler discomfort.* Any room cost below r_t gives a bound as well. Discomfort is so steep that it bends V sharply in
rooms no good schedule enters, and bends are what a grid loses by; so the bound counts discomfort at the least slope
that still exceeds what a breach can save (`objective.gentler`), and without the steeper part beyond half a kelvin.
That alone makes wide cells affordable where the good schedules do not go.

*Changes of mode.* At most L changes are allowed per day; priced at nu_d >= 0 each, min over all schedules of
[cost + sum_d nu_d changes_d] - L sum_d nu_d is below the cost of every schedule within the limit (Lagrange).

Invariant: for every admissible schedule within the limit on changes, bound <= cost, whatever prices and grid.

The readable form is `tests/optimizer/reference/bound.py`.
"""

from typing import NamedTuple

import numpy as np

from optimizer.compiled import compiled, compiled_to_sum
from optimizer.kernels import CHANGE_EUR, ONE, SLOT_MWH_PER_KW, Array, Automaton, Model, Whole, room_cost
from optimizer.programme import stretches_of

GUARD = 1e-10
NO_WAY = 1e18


class Zones(NamedTuple):
    """The grid of every house, (B,) each: where the zones begin, how wide their cells are, and how many they have."""

    low: Array
    wide: Array
    below: Whole
    fine_from: Array
    fine: Array
    middle: Whole
    fine_to: Array
    above: Whole


@compiled
def _at(x: float, l0: float, i0: float, n0: float, l1: float, i1: float, n1: float, l2: float) -> float:
    """Place of a room on the grid, in cells, not clipped; one term per zone, since branches make no vector loop."""
    return min((x - l0) * i0, n0) + min(max((x - l1) * i1, 0.0), n1 - n0) + max((x - l2) * i0, 0.0)


@compiled
def _mark(nodes: Array, excess: Array, g: int, at: float, value: float) -> None:
    """Raise the excess of the cell around a kink by chord - value."""
    if at > 0 and at < g - 1:
        k = min(int(at), g - 2)
        w = at - k
        excess[k] = max(excess[k], (1 - w) * nodes[k] + w * nodes[k + 1] - value)


@compiled
def _lower(nodes: Array, excess: Array, g: int, out: Array) -> None:
    """Add the nodes, lowered by the larger excess of the cells beside them."""
    out[0] += nodes[0] - excess[0]
    for i in range(np.uint64(g - 2)):
        out[i + ONE] += nodes[i + ONE] - max(excess[i], excess[i + ONE])
    out[g - 1] += nodes[g - 1] - excess[g - 2]


@compiled_to_sum
def size_of(row: Array, g: np.uint64) -> float:
    """Sum of absolute values, which no value exceeds; a largest one is no vector loop (nine times slower, measured)."""
    total = 0.0
    for i in range(g):
        total += abs(row[i])
    return total


@compiled
def _between(row: Array, at: float, g: int) -> float:
    """The row's value at a place within the grid."""
    k = min(int(at), g - 2)
    return float(row[k] + (at - k) * (row[k + 1] - row[k]))


@compiled
def _power(x: float, q0: float, q1: float, q2: float, w0: float, w1: float, w2: float, rod: float, sb: float) -> float:
    return sb + min(max(q0 + q1 * x, 0.0), q2) + max(w0 + w1 * x - w2, 0.0) * rod


@compiled
def _stage(p: float, e: float, sun: float, saved: float) -> float:
    """EUR for drawing p kW in a slot, the first `sun` of them cheaper by `saved`."""
    return e * p - saved * min(p, sun)


@compiled
def least_costs(
    model: Model, price: Array, nu: Array, auto: Automaton, start: Whole, zones: Zones, block: Whole, limit: int,
    least: Array,
) -> None:  # fmt: skip
    """EUR that no admissible schedule of each house costs less than, at prices (B, N), changes priced at nu (B, D)."""
    states, modes, slots = len(auto.mode), len(auto.entry), price.shape[1]
    most = int((zones.below + zones.middle + zones.above).max()) + 1
    value, phi, anew = np.empty((states, most)), np.empty((states, most)), np.empty((modes, most))
    x, ends, share, part = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    nodes, excess, stage, rooms, beyond = np.empty(most), np.zeros(most), np.empty(most), np.empty(most), np.empty(most)
    cell, begins = np.empty(most, np.int32), np.empty(most + 1, np.uint64)
    # further grid points in the image of a wide cell: cell, point, part of the way
    more_cell, more_point, more_part = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most)
    for b in range(price.shape[0]):
        nb, nm = zones.below[b], zones.middle[b]
        g = nb + nm + zones.above[b] + 1
        l0, l1, l2, i0, i1 = zones.low[b], zones.fine_from[b], zones.fine_to[b], 1 / zones.wide[b], 1 / zones.fine[b]
        n0, n1, ug, cells = float(nb), float(nb + nm), np.uint64(g), np.uint64(g - 1)
        for i in range(g):
            if i < nb:
                x[i] = l0 + zones.wide[b] * i
            elif i < nb + nm:
                x[i] = l1 + zones.fine[b] * (i - nb)
            else:
                x[i] = l2 + zones.wide[b] * (i - nb - nm)
        kon, kof, w1, sb = model.keep_on[b], model.keep_off[b], model.heat_slope[b], model.standby[b]
        ion, iof, igap = 1 / kon, 1 / kof, 1 / (kof - kon)
        value[:, :g] = 0.0
        largest = 0.0
        for t in range(slots - 1, -1, -1):
            e, change = price[b, t] * SLOT_MWH_PER_KW, nu[b, block[t]] + CHANGE_EUR
            excess[:g] = 0.0
            rooms[:g] = -GUARD * largest  # covers rounding, see `bound`
            for i in range(ug):
                nodes[i] = 0.0
            for k in range(4):
                corner, below, above = model.corner[b, t, k], model.below[b, t, k], model.above[b, t, k]
                for i in range(ug):
                    nodes[i] += above * max(x[i] - corner, 0.0) + below * max(corner - x[i], 0.0)
            for k in range(4):
                corner = model.corner[b, t, k]
                _mark(nodes, excess, g, _at(corner, l0, i0, n0, l1, i1, n1, l2), room_cost(model, b, t, corner))
            _lower(nodes, excess, g, rooms)
            for s in range(states):
                for i in range(ug):
                    value[s, i] += rooms[i]
            for m in range(modes):
                don, dof = model.drift_on[b, t, m], model.drift_off[b, t]
                q0, q1, q2 = model.power_at_zero[b, t, m], model.power_slope[b, t, m], model.power_limit[b, t, m]
                w0, w2, rod = model.heat_at_zero[b, t, m], model.heat_limit[b, t], model.rod[b, t]
                for i in range(ug):
                    y = max(kof * x[i] + dof, kon * x[i] + don)
                    a = _at(y, l0, i0, n0, l1, i1, n1, l2)
                    ends[i] = a
                    a = min(max(a, 0.0), g - 1.0)
                    cell[i] = min(int(a), g - 2)
                    share[i] = a - cell[i]
                    nodes[i] = e * _power(x[i], q0, q1, q2, w0, w1, w2, rod, sb)
                    excess[i], stage[i] = 0.0, 0.0
                sun, saved = model.sun[b, t], model.sun_saving[b, t] * SLOT_MWH_PER_KW
                if sun > 0:
                    for i in range(ug):
                        p = _power(x[i], q0, q1, q2, w0, w1, w2, rod, sb)
                        nodes[i] = _stage(p, e, sun, saved)
                    # where the power meets the surplus: regulating, regulating with the rod, at the limit, rod alone
                    for z in range(4):
                        over, by = sun - sb, q1
                        if z == 0:
                            over -= q0
                        elif z == 1:
                            over, by = over - q0 - w0 + w2, q1 + w1
                        else:
                            over, by = over - (q2 if z == 2 else 0.0) - w0 + w2, w1
                        kink = over / by
                        p = _power(kink, q0, q1, q2, w0, w1, w2, rod, sb)
                        _mark(nodes, excess, g, _at(kink, l0, i0, n0, l1, i1, n1, l2), _stage(p, e, sun, saved))
                for z in range(3):
                    kink = -q0 / q1 if z == 0 else ((q2 - q0) / q1 if z == 1 else (w2 - w0) / w1)
                    p = _power(kink, q0, q1, q2, w0, w1, w2, rod, sb)
                    _mark(nodes, excess, g, _at(kink, l0, i0, n0, l1, i1, n1, l2), _stage(p, e, sun, saved))
                _lower(nodes, excess, g, stage)
                # grid points strictly inside each cell's image, and how far along the cell f takes them
                further = 0
                stretches = stretches_of(cell, g, begins)
                # the grid point after an image's left end, and how far along the cell f takes it
                for i in range(cells):
                    k = cell[i] + 1
                    at = min((x[k] - dof) * iof, (x[k] - don) * ion)
                    beyond[i] = 0.0 if ends[i] < k and k < ends[i + ONE] else NO_WAY
                    part[i] = min(max((at - x[i]) / (x[i + ONE] - x[i]), 0.0), 1.0)
                # an image that holds another grid point ends a stretch
                for r in range(1, stretches):
                    i = int(begins[r]) - 1
                    for j in range(cell[i], min(cell[i + 1] + 1, g - 1) + 1):
                        if ends[i] < j and j < ends[i + 1] and j != cell[i] + 1:
                            at = min((x[j] - dof) * iof, (x[j] - don) * ion)
                            more_cell[further], more_point[further] = i, j
                            more_part[further] = min(max((at - x[i]) / (x[i + 1] - x[i]), 0.0), 1.0)
                            further += 1
                bend = (don - dof) * igap
                at_bend = _at(bend, l0, i0, n0, l1, i1, n1, l2)
                to_bend = min(max(_at(kon * bend + don, l0, i0, n0, l1, i1, n1, l2), 0.0), g - 1.0)
                for s in range(1, states):
                    if auto.mode[s] != m or auto.mode[s - 1] != m:
                        continue
                    row, out = value[s], phi[s]
                    for r in range(stretches):
                        first, lead = begins[r], np.uint64(cell[begins[r]])
                        for i in range(begins[r + 1] - first):
                            left, at = row[lead + i], first + i
                            nodes[at] = left + share[at] * (row[lead + i + ONE] - left)
                    for r in range(stretches):
                        first, lead = begins[r], np.uint64(cell[begins[r]]) + ONE
                        for i in range(min(begins[r + 1], cells) - first):
                            at = first + i
                            chord = nodes[at] + part[at] * (nodes[at + ONE] - nodes[at])
                            excess[at] = max(0.0, chord - row[lead + i] - beyond[at])
                    for j in range(further):
                        i = more_cell[j]
                        chord = nodes[i] + more_part[j] * (nodes[i + 1] - nodes[i])
                        excess[i] = max(excess[i], chord - row[more_point[j]])
                    _mark(nodes, excess, g, at_bend, _between(row, to_bend, g))
                    out[0] = nodes[0] - excess[0] + stage[0]
                    for i in range(cells - ONE):
                        at = i + ONE
                        out[at] = nodes[at] - max(excess[i], excess[at]) + stage[at]
                    out[g - 1] = nodes[g - 1] - excess[g - 2] + stage[g - 1]
            for m in range(modes):
                for i in range(ug):
                    anew[m, i] = NO_WAY
                for k in range(modes):
                    if k != m and auto.entry[k] >= 0:
                        begin = phi[auto.entry[k]]
                        for i in range(ug):
                            anew[m, i] = min(anew[m, i], begin[i])
            largest = 0.0
            for s in range(states):
                other = anew[auto.mode[s]]
                if auto.stay[s] < 0:
                    for i in range(ug):
                        value[s, i] = other[i] + change
                elif auto.leave[s]:
                    stays = phi[auto.stay[s]]
                    for i in range(ug):
                        value[s, i] = min(stays[i], other[i] + change)
                else:
                    stays = phi[auto.stay[s]]
                    for i in range(ug):
                        value[s, i] = stays[i]
                largest = max(largest, size_of(value[s], ug))
        a = _at(model.start[b], l0, i0, n0, l1, i1, n1, l2)
        k = min(max(int(a), 0), g - 2)
        mine = value[start[b]]
        least[b] = mine[k] + (a - k) * (mine[k + 1] - mine[k]) - GUARD * largest
        for d in range(nu.shape[1]):
            least[b] -= limit * nu[b, d]
