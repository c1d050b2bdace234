"""The bound of `optimizer.bound` in plain numpy, on even grids: the readable form the compiled one is held to."""

import numpy as np
import numpy.typing as npt

from optimizer.dwell import MAX_CHANGES_PER_DAY, change_blocks
from optimizer.house import Array
from optimizer.objective import CHANGE_COST_EUR, Objective
from optimizer.response import Responses
from tests.optimizer.reference.programme import Batch, Grid, Prices, step_back

GUARD = 1e-10
"""Relative to the largest value of a slot: some thousand times what double precision can lose in one step."""


def underestimate(batch: Batch, prices: Prices, *, corrected: bool = True) -> Array:
    """EUR (B,) that no admissible schedule costs less than, at prices (B, N) with changes priced on top.

    The price of changes must be constant over each block of `dwell.change_blocks`; what the limit allows is taken off
    again here. `corrected=False` leaves the correction out and gives the interpolated value, which is no bound; it
    exists for the tests that show they can tell.
    """
    responses, grid, dwell = batch.responses, batch.grid, batch.dwell
    b, n, m = responses.size
    value = np.zeros((dwell.states, b, grid.points))
    for t in reversed(range(n)):
        value = value + _room_cost(batch.objective, grid, t, corrected)
        image = _Image(responses, grid, t)
        phi = np.empty_like(value)
        stage = _stage(responses, grid, prices, t, corrected)
        for k in range(m):
            states = dwell.mode == k
            phi[states] = image.compose(k, value[states], corrected) + stage[k]
        change = np.repeat(CHANGE_COST_EUR + prices.change_eur_bn[:, t], grid.points)
        flat = step_back(dwell, phi.reshape(dwell.states, -1), change)
        value = flat.reshape(dwell.states, b, grid.points)
        value = value - GUARD * np.abs(value[np.isfinite(value)]).max()
    cell, share = _place(grid, responses.room_start_c[:, None])
    house, cell, share = np.arange(b), cell[:, 0], share[:, 0]
    ends = value[batch.start_state, house, cell], value[batch.start_state, house, cell + 1]
    least = (1 - share) * ends[0] + share * ends[1]
    return np.asarray(least - MAX_CHANGES_PER_DAY * _change_prices(prices, n).sum(axis=1))


def _change_prices(prices: Prices, slots: int) -> Array:
    """nu per house and block, (B, D)."""
    blocks = change_blocks(slots)
    first = np.searchsorted(blocks, np.arange(blocks[-1] + 1))
    return prices.change_eur_bn[:, first]


def _place(grid: Grid, room_c: Array) -> tuple[npt.NDArray[np.intp], Array]:
    """Cell and share of the way through it for rooms (B, k), clipped to the grid."""
    at = np.clip((room_c - grid.lowest_c[:, None]) / grid.cell_k[:, None], 0.0, grid.points - 1)
    cell = np.minimum(at.astype(np.intp), grid.points - 2)
    return cell, at - cell


def _lowered(nodes: Array, excess: Array) -> Array:
    """Through nodes (..., n) - max(e_{i-1}, e_i), with e (..., n-1) per cell."""
    lowered = nodes.copy()
    lowered[..., 0] -= excess[..., 0]
    lowered[..., -1] -= excess[..., -1]
    lowered[..., 1:-1] -= np.maximum(excess[..., :-1], excess[..., 1:])
    return lowered


def _excess_at(grid: Grid, nodes: Array, kink_c: Array, at_kink: Array, excess: Array) -> None:
    """Raise e per cell by chord - value at one kink per house: nodes (x, B, n), kink (B,) or (x, B), value (x, B)."""
    at = (kink_c - grid.lowest_c) / grid.cell_k
    inside = (at > 0) & (at < grid.points - 1)
    cell = np.clip(np.nan_to_num(at), 0, grid.points - 2).astype(np.intp)
    share = np.clip(at - cell, 0.0, 1.0)
    x, b = np.ogrid[: nodes.shape[0], : nodes.shape[1]]
    chord = (1 - share) * nodes[x, b, cell] + share * nodes[x, b, cell + 1]
    found = np.where(inside, chord - at_kink, 0.0)
    excess[x, b, cell] = np.maximum(excess[x, b, cell], found)


def _room_cost(objective: Objective, grid: Grid, slot: int, corrected: bool) -> Array:
    """Underestimate of the room cost on the grid, (1, B, n)."""
    nodes = objective.room_cost(slot, grid.rooms())[None]
    if not corrected:
        return nodes
    excess = np.zeros((*nodes.shape[:-1], grid.points - 1))
    corners = objective.corner_bnk[:, slot]
    at_corner = objective.room_cost(slot, corners)
    for k in range(corners.shape[1]):
        _excess_at(grid, nodes, corners[:, k], at_corner[None, :, k], excess)
    return _lowered(nodes, excess)


def _stage(responses: Responses, grid: Grid, prices: Prices, slot: int, corrected: bool) -> Array:
    """Underestimate of the priced energy on the grid, (M, B, n); P bends where
    the compressor stops, where it is at its limit, and where the rod begins."""
    nodes = prices.stage(slot, responses.powers(slot, grid.rooms()))
    if not corrected:
        return nodes
    excess = np.zeros((*nodes.shape[:-1], grid.points - 1))
    m = nodes.shape[0]
    at_zero, slope = responses.power_at_zero_bnm[:, slot].T, responses.power_slope_bnm[:, slot].T
    full = (responses.power_limit_bnm[:, slot].T - at_zero) / slope
    rod = (responses.heat_limit_bn[:, slot] - responses.heat_at_zero_bnm[:, slot].T) / responses.heat_slope
    for kink in (-at_zero / slope, full, rod):  # (M, B) each
        at_kink = prices.stage(slot, responses.powers(slot, kink.T))  # (M, B, M): mode by house by kink
        own = at_kink[np.arange(m), :, np.arange(m)]
        _excess_at(grid, nodes, kink, own, excess)
    return _lowered(nodes, excess)


class _Image:
    """Where slot t takes every grid point, and where that image bends."""

    def __init__(self, responses: Responses, grid: Grid, slot: int) -> None:
        self._grid = grid
        rooms = grid.rooms()
        low, cell_k = grid.lowest_c[:, None], grid.cell_k[:, None]
        ends = responses.rooms(slot, rooms)
        self._at = (ends - low) / cell_k  # (M, B, n), in cells, not clipped
        place = np.clip(self._at, 0.0, grid.points - 1)
        self._cell = np.minimum(place.astype(np.intp), grid.points - 2)
        self._share = place - self._cell
        # kind (ii): the one grid point strictly inside each cell's image, and the room that f takes there
        met = np.floor(self._at[..., :-1]).astype(np.intp) + 1
        self._meets = (met < self._at[..., 1:]) & (met >= 0) & (met <= grid.points - 1)
        self._met = np.clip(met, 0, grid.points - 1)
        self._met_share = np.clip(
            (self._inverse(responses, slot, low + cell_k * met) - rooms[:, :-1]) / cell_k, 0.0, 1.0
        )
        self._bend, self._bend_leads_to = self._own_kink(responses, slot)

    @staticmethod
    def _inverse(responses: Responses, slot: int, room_c: Array) -> Array:
        """The room at the slot's start that ends at `room_c` (M, B, k)."""
        on = (room_c - responses.drift_on_bnm[:, slot].T[:, :, None]) / responses.keep_on[:, None]
        off = (room_c - responses.drift_off_bn[:, slot, None]) / responses.keep_off[:, None]
        inverse: Array = np.minimum(off, on)
        return inverse

    @staticmethod
    def _own_kink(responses: Responses, slot: int) -> tuple[Array, Array]:
        """Kind (i): rooms (M, B) where regulation meets off, with where they lead."""
        on = responses.drift_on_bnm[:, slot].T
        kink = (on - responses.drift_off_bn[:, slot]) / (responses.keep_off - responses.keep_on)
        return kink, responses.keep_on * kink + on

    def compose(self, mode: int, value: Array, corrected: bool) -> Array:
        """Underestimate of Z(f(T)) on the grid: (s, B, n) -> (s, B, n)."""
        house = np.arange(value.shape[1])[:, None]
        cell, share = self._cell[mode], self._share[mode]
        nodes: Array = (1 - share) * value[:, house, cell] + share * value[:, house, cell + 1]
        if not corrected or not len(value):
            return nodes
        part = self._met_share[mode]
        chord = (1 - part) * nodes[..., :-1] + part * nodes[..., 1:]
        below = chord - value[:, house, self._met[mode]]
        excess = np.where(self._meets[mode], np.maximum(below, 0.0), 0.0)
        end, way = _place(self._grid, self._bend_leads_to[mode][:, None])
        at_kink = (1 - way) * value[:, house, end] + way * value[:, house, end + 1]
        _excess_at(self._grid, nodes, self._bend[mode], at_kink[..., 0], excess)
        return _lowered(nodes, excess)
