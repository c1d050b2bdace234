"""The programme of `optimizer.programme` in plain numpy: the readable form the compiled one is held to.

Symbols (B houses at once, S dwell states, n grid points per house, N slots):

    g_i       grid points of a house, evenly spaced over every room it can reach; floor and ceiling are among them
    f_tm(T)   room at the end of slot t in mode m (see `response`)      s -> s'   a step of the automaton (see `dwell`)
    V_t(T,s)  least cost from slot t on:  V_t(T,s) = min over s' of  [ kappa if the mode changes ] + phi_t(T,s')
    phi_t(T,s') = price_t P_tm(T) dt + r_t(f_tm(T)) + V_{t+1}(f_tm(T), s'),   m = mode of s',  r_t the room cost

V is interpolated between grid points, so it is an estimate (and no bound; for that see `bound`). The schedule is found
by walking forward in the continuous model, choosing in each slot by one look ahead into the interpolated V.

Invariant: what is returned is always an admissible walk, and its cost is what `objective.evaluate` finds by simulation,
never an interpolated value. Rooms the grid does not cover cannot be reached: the grid spans the hull of all walks.

Single precision suffices here, because a schedule is judged by its simulated cost.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.slots import SLOT_HOURS
from optimizer.dwell import Dwell
from optimizer.house import MIN, Array, Houses
from optimizer.objective import CHANGE_COST_EUR, OVERFLOW_EUR_PER_MWH, Objective, objective_of
from optimizer.programme import SET_BACK_IN_THE_COLD_EUR
from optimizer.response import Horizon, Responses

CELL_K = 0.05
Single = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """Room temperatures of B houses: house b has points lowest_c[b] + i * cell_k[b]."""

    lowest_c: Array
    cell_k: Array
    points: int

    def rooms(self) -> Array:
        """(B, n)."""
        return self.lowest_c[:, None] + self.cell_k[:, None] * np.arange(self.points)


@dataclass(frozen=True)
class Batch:
    """Houses of one kind (one automaton) that are solved together."""

    houses: Houses
    rows: npt.NDArray[np.intp]
    """Places of these houses in the fleet's arrays."""
    responses: Responses
    objective: Objective
    dwell: Dwell
    horizon: Horizon
    start_state: npt.NDArray[np.intp]
    grid: Grid

    @property
    def mode_before(self) -> npt.NDArray[np.intp]:
        """Mode in force before the first slot, (B,)."""
        return self.dwell.mode[self.start_state]


@dataclass(frozen=True)
class Prices:
    """What a batch is asked to answer."""

    eur_per_mwh_bn: Array
    """Energy with the cap's dual, (B, N)."""
    change_eur_bn: Array
    """Price of a change of mode on top of wear, (B, N)."""
    free_kw_bn: Array | None = None
    """Power that is left to the house before overflow is due, (B, N); None for no such limit."""

    def stage(self, slot: int, power_kw: Array) -> Array:
        """EUR for powers (M, B, k) in a slot."""
        cost: Array = power_kw * (self.eur_per_mwh_bn[:, slot, None] * (SLOT_HOURS / 1000))
        if self.free_kw_bn is not None:
            over = np.maximum(power_kw - self.free_kw_bn[:, slot, None], 0.0)
            cost = cost + over * (OVERFLOW_EUR_PER_MWH * SLOT_HOURS / 1000)
        return cost


def reachable_grid(objective: Objective, responses: Responses, cell_k: float = CELL_K) -> Grid:
    """Cells of at most `cell_k` over every room the houses can reach in the horizon, floor and ceiling on grid points.

    The room cost bends most there, and plans like to ride on them; on a grid point a bend costs the bound nothing.
    """
    _, n, _ = responses.size
    room = np.stack([responses.room_start_c, responses.room_start_c], axis=1)
    low, high = room[:, 0].copy(), room[:, 1].copy()
    for t in range(n):
        ends = responses.rooms(t, room)
        room = np.stack([ends[:, :, 0].min(axis=0), ends[:, :, 1].max(axis=0)], axis=1)
        low, high = np.minimum(low, room[:, 0]), np.maximum(high, room[:, 1])
    low, high = low - 0.02, high + 0.02  # so that no walk touches the outermost points
    floor, ceiling = objective.lowest_c, objective.highest_c
    cell = (ceiling - floor) / np.ceil((ceiling - floor) / cell_k)
    below = np.ceil((floor - low) / cell)
    points = int((below + np.ceil((high - floor) / cell)).max()) + 1
    return Grid(floor - below * cell, cell, max(points, 3))


def batch_of(
    houses: Houses,
    rows: npt.NDArray[np.intp],
    responses: Responses,
    horizon: Horizon,
    dwell: Dwell,
    start_state: npt.NDArray[np.intp],
    cell_k: float = CELL_K,
) -> Batch:
    """A batch of houses that share an automaton."""
    objective = objective_of(houses, responses, horizon)
    grid = reachable_grid(objective, responses, cell_k)
    return Batch(houses, rows, responses, objective, dwell, horizon, start_state, grid)


class Programme:
    """Tables of one batch that do not depend on prices, and the passes over them."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._coldest = batch.houses.room_min_c[:, None]
        b, n, m = batch.responses.size
        points = batch.grid.points
        rooms, offset = batch.grid.rooms(), (np.arange(b) * points)[:, None]
        self._cell = np.empty((n, m, b * points), dtype=np.intp)
        self._share = np.empty((n, m, b * points), dtype=np.float32)
        self._power = np.empty((n, m, b, points), dtype=np.float32)
        self._room_cost = np.empty((n, b * points), dtype=np.float32)
        for t in range(n):
            cell, share = self._place(batch.responses.rooms(t, rooms))
            self._cell[t] = (cell + offset).reshape(m, -1)
            self._share[t] = share.reshape(m, -1)
            self._power[t] = batch.responses.powers(t, rooms)
            self._room_cost[t] = batch.objective.room_cost(t, rooms).reshape(-1)
        order = batch.dwell.mode
        self._of_mode = [slice(*np.flatnonzero(order == k)[[0, -1]] + [0, 1]) for k in range(m)]

    def _place(self, room_c: Array) -> tuple[npt.NDArray[np.intp], Array]:
        """Cell and share of the way through it, for rooms (..., B, k); rooms beyond the grid count as at its end."""
        grid = self.batch.grid
        at = np.clip((room_c - grid.lowest_c[:, None]) / grid.cell_k[:, None], 0.0, grid.points - 1)
        cell = np.minimum(at.astype(np.intp), grid.points - 2)
        return cell, at - cell

    def solve(self, prices: Prices) -> npt.NDArray[np.intp]:
        """Modes (B, N) of the best schedule of every house."""
        return self._walk(prices, self._values(prices))

    def _values(self, prices: Prices) -> Single:
        """r_t + V_{t+1} on the grid, (N, S, B*n)."""
        dwell, (b, n, m) = self.batch.dwell, self.batch.responses.size
        points = self.batch.grid.points
        ahead = np.empty((n, dwell.states, b * points), dtype=np.float32)
        value = np.zeros((dwell.states, b * points), dtype=np.float32)
        phi = np.empty_like(value)
        for t in reversed(range(n)):
            np.add(value, self._room_cost[t], out=ahead[t])
            priced = prices.stage(t, self._power[t])
            priced[MIN] += SET_BACK_IN_THE_COLD_EUR * (self.batch.grid.rooms() < self._coldest)
            stage = priced.reshape(m, -1).astype(np.float32)
            for k, states in enumerate(self._of_mode):
                here, cell = ahead[t, states], self._cell[t, k]
                left = np.take(here, cell, axis=1)
                phi[states] = left + self._share[t, k] * (np.take(here, cell + 1, axis=1) - left) + stage[k]
            change = np.repeat((CHANGE_COST_EUR + prices.change_eur_bn[:, t]).astype(np.float32), points)
            value = step_back(dwell, phi, change)
        return ahead

    def _walk(self, prices: Prices, ahead: Single) -> npt.NDArray[np.intp]:
        batch, dwell = self.batch, self.batch.dwell
        b, n, _ = batch.responses.size
        points, house = batch.grid.points, np.arange(b)
        step = allowed_steps(dwell)
        moves = dwell.mode[:, None] != dwell.mode[None, :]
        state, room = batch.start_state.copy(), batch.responses.room_start_c[:, None]
        modes = np.empty((b, n), dtype=np.intp)
        for t in range(n):
            ends = batch.responses.rooms(t, room)
            stage = prices.stage(t, batch.responses.powers(t, room))[:, :, 0]
            stage[MIN] += SET_BACK_IN_THE_COLD_EUR * (room < self._coldest)[:, 0]
            cell, share = self._place(ends)
            at = (cell[:, :, 0] + house * points)[dwell.mode]  # (S, B)
            rows = np.arange(dwell.states)[:, None]
            left, right = ahead[t, rows, at], ahead[t, rows, at + 1]
            value = stage[dwell.mode] + left + share[:, :, 0][dwell.mode] * (right - left)
            value = value + moves[state].T * (CHANGE_COST_EUR + prices.change_eur_bn[:, t])
            state = np.argmin(np.where(step[state].T, value, np.inf), axis=0)
            modes[:, t] = dwell.mode[state]
            room = ends[modes[:, t], house]
        return modes


def allowed_steps(dwell: Dwell) -> npt.NDArray[np.bool_]:
    """Steps of the automaton, (S, S)."""
    steps = np.zeros((dwell.states, dwell.states), dtype=bool)
    for s in range(dwell.states):
        steps[s, list(dwell.followers(s))] = True
    return steps


def step_back[F: (np.float32, np.float64)](
    dwell: Dwell, phi: npt.NDArray[F], change_eur: npt.NDArray[F]
) -> npt.NDArray[F]:
    """min over the followers of each state: phi (S, x) -> V (S, x); `change_eur` (x,) >= 0 is due for a change."""
    value = phi[dwell.stay]
    begin = phi[dwell.entry[dwell.entry >= 0]]
    for m in range(len(dwell.entry)):
        states = np.flatnonzero((dwell.mode == m) & dwell.may_leave)
        # beginning the own mode anew is never better in truth, but the underestimates of a bound could make it look so
        others = begin[dwell.mode[dwell.entry[dwell.entry >= 0]] != m].min(axis=0) + change_eur
        stays = dwell.stay[states] >= 0
        value[states[stays]] = np.minimum(value[states[stays]], others)
        value[states[~stays]] = others
    return value
