"""The MILP of a single house: the oracle of another kind that the programme is held to.

A schedule is a path through a network with a node per slot and dwell state (see `optimizer.dwell`), the room a quantity
that flows along it. Sets and symbols:

    (t, s) nodes       about to run slot t, s the dwell state of the slot before; the path starts in the house's own
    e in E_t arcs      run slot t: a step s -> s' of the automaton, in one piece of rooms within which power and the
                       room's answer are affine; a_e, c_e answer, p_e, q_e power at T = 0 and by T
    f_e in {0, 1}      the path takes e
    w_e = T_t f_e      T_t the room at the slot's start; low_e f_e <= w_e <= high_e f_e
    F, W               what enters a node: sum of f_e, and of the room at the slot's end, a_e w_e + c_e f_e
    u_nk               kelvins that W stays below corner k of the room cost, of a path that enters node n

        min  sum_e [ price_t dt (p_e f_e + q_e w_e) + kappa f_e where the mode changes ]
           + sum_nk [ above_k (W_n - corner_k F_n) + (below_k + above_k) u_nk ]
        the_path_goes_on_n:  sum of f_e leaving = F_n,  the_room_goes_on_n:  sum of w_e leaving = W_n
        u_nk >= corner_k F_n - W_n,   sum of f_e where the mode changes <= changes allowed

Every product of a choice and a room is exact, and bounded by the rooms that can be reached in that very dwell state, so
the relaxation is that of the network: it errs only where paths of different rooms meet in one node (Jeroslow 1987 on
disjunctions; Rajan and Takriti 2005 on holds, which need no inequality here).

Invariant: responses, objective, holds and limit on changes are the programme's own, all regimes of a house included.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pulp

from domain.slots import SLOT_HOURS
from optimizer.dwell import MAX_CHANGES_PER_DAY, Dwell
from optimizer.house import MIN, MODES
from optimizer.objective import CHANGE_COST_EUR, Objective
from optimizer.response import Horizon, Responses

NARROW_K = 1e-9
"""Rooms nearer to each other than this are one: no piece is narrower."""


_Term = tuple[pulp.LpVariable, float]
_Node = tuple[pulp.LpVariable | float, pulp.LpVariable | float]
"""F and W."""


class NothingFound(Exception):
    """The solver has no schedule within its time."""


@dataclass(frozen=True)
class Optimum:
    """What the solver found for one house."""

    cost_eur: float
    bound_eur: float
    seconds: float
    """Of CPU time."""
    modes: npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Arc:
    """A step in a piece of rooms; see the module."""

    before: int
    to: int
    mode: int
    low_c: float
    high_c: float
    keep: float
    drift_k: float
    power_kw: float
    slope_kw_per_k: float

    def ends_at(self, room_c: float) -> float:
        """Room at the slot's end."""
        return self.keep * room_c + self.drift_k


@dataclass
class _Flow:
    """Terms that add up to F and to W."""

    paths: list[_Term] = field(default_factory=list)
    rooms: list[_Term] = field(default_factory=list)

    def add(self, paths: list[_Term], rooms: list[_Term]) -> None:
        self.paths += paths
        self.rooms += rooms


class Network:
    """Nodes and arcs of one house, forward from where it starts: only what can be reached is there at all."""

    def __init__(self, responses: Responses, objective: Objective, horizon: Horizon, dwell: Dwell, start: int) -> None:
        self._r, self._objective, self._dwell = responses, objective, dwell
        self.start, self.slots = start, horizon.slots
        room_c = float(responses.room_start_c[0])
        self.reach: list[dict[int, tuple[float, float]]] = [{start: (room_c, room_c)}]
        self.arcs: list[list[_Arc]] = []
        for t in range(self.slots):
            self.arcs.append([arc for state in self.reach[t] for arc in self._from(t, state)])
            reached: dict[int, tuple[float, float]] = {}
            for arc in self.arcs[t]:
                low, high = reached.get(arc.to, (np.inf, -np.inf))
                reached[arc.to] = (min(low, arc.ends_at(arc.low_c)), max(high, arc.ends_at(arc.high_c)))
            self.reach.append(reached)

    def changes(self, arc: _Arc) -> bool:
        """Does this step change the mode?"""
        return bool(self._dwell.mode[arc.before] != arc.mode)

    def _from(self, t: int, state: int) -> Iterator[_Arc]:
        low, high = self.reach[t][state]
        for to in self._dwell.followers(state):
            mode = int(self._dwell.mode[to])
            # the programme sets nothing back in a room below its band
            coldest = max(low, float(self._objective.lowest_c[0])) if mode == MIN else low
            if coldest > high:
                continue
            inner = [kink for kink in self._kinks(t, mode) if coldest + NARROW_K < kink < high - NARROW_K]
            edges = [coldest, *sorted(inner), high]
            for left, right in pairwise(edges):
                yield self._piece(t, state, to, mode, left, right)

    def _kinks(self, t: int, m: int) -> list[float]:
        """Rooms at which the answer of the room or of the power bends."""
        r = self._r
        on, off = r.drift_on_bnm[0, t, m], r.drift_off_bn[0, t]
        gap = r.keep_off[0] - r.keep_on[0]
        zero, slope = r.power_at_zero_bnm[0, t, m], r.power_slope_bnm[0, t, m]
        kinks = [(on - off) / gap, -zero / slope, (r.power_limit_bnm[0, t, m] - zero) / slope]
        if r.rod_bn[0, t]:
            kinks.append((r.heat_limit_bn[0, t] - r.heat_at_zero_bnm[0, t, m]) / r.heat_slope[0])
        return [float(kink) for kink in kinks]

    def _piece(self, t: int, before: int, to: int, m: int, low: float, high: float) -> _Arc:
        """Affine within the piece, so two rooms of it say all; the slopes of a single room are of no matter."""
        end_c, power_kw = self._end(t, m, low), self._power(t, m, low)
        wide = high - low > NARROW_K
        keep = (self._end(t, m, high) - end_c) / (high - low) if wide else 0.0
        slope = (self._power(t, m, high) - power_kw) / (high - low) if wide else 0.0
        return _Arc(before, to, m, low, high, keep, end_c - keep * low, power_kw - slope * low, slope)

    def _end(self, t: int, m: int, room_c: float) -> float:
        return float(self._r.rooms(t, np.array([[room_c]]))[m, 0, 0])

    def _power(self, t: int, m: int, room_c: float) -> float:
        return float(self._r.powers(t, np.array([[room_c]]))[m, 0, 0])


def solve_modes(
    responses: Responses,
    objective: Objective,
    horizon: Horizon,
    dwell: Dwell,
    start: int,
    gap_eur: float,
    limit_s: float,
) -> Optimum:
    """The best modes of the first house, begun in dwell state `start`, to within `gap_eur`.

    Raises NothingFound where nothing was found within the limit.
    """
    milp = _Milp(Network(responses, objective, horizon, dwell, start), objective, horizon)
    began = time.process_time()
    solver = pulp.HiGHS(msg=False, threads=1, timeLimit=limit_s, gapRel=0.0, gapAbs=gap_eur)
    stats = milp.problem.solve(solver)
    seconds = time.process_time() - began
    if not stats.has_solution or stats.objective is None:
        raise NothingFound(f"the solver found no schedule within {limit_s:.0f} s")
    bound = stats.objective if stats.best_bound is None else stats.best_bound
    chosen = [max(range(len(MODES)), key=lambda m: runs[m].varValue or 0.0) for runs in milp.runs]
    return Optimum(float(stats.objective), float(bound), seconds, np.array(chosen))


class _Milp:
    """Variables and constraints, slot by slot."""

    def __init__(self, network: Network, objective: Objective, horizon: Horizon) -> None:
        self._network, self._objective = network, objective
        self._price = horizon.price_eur_per_mwh * SLOT_HOURS / 1000
        self.problem = pulp.LpProblem("one_house", pulp.LpMinimize)
        self._cost: list[_Term] = []
        self._changing: list[_Term] = []
        self.runs: list[list[pulp.LpVariable]] = []
        """x_tm: the mode of each slot. Whole modes make the path whole, as the automaton is deterministic."""
        room_c, _ = network.reach[0][network.start]
        entering: dict[int, _Node] = {network.start: (1.0, room_c)}
        for t in range(network.slots):
            entering = self._run_slot(t, entering)
        self.problem += _sum(self._changing) <= MAX_CHANGES_PER_DAY
        self.problem.setObjective(_sum(self._cost))

    def _run_slot(self, t: int, entering: dict[int, _Node]) -> dict[int, _Node]:
        """What enters the nodes of the next slot."""
        leaving, reached = defaultdict[int, _Flow](_Flow), defaultdict[int, _Flow](_Flow)
        runs = [self.problem.add_variable(f"x_{t}_{m}", cat="Binary") for m in range(len(MODES))]
        of_mode: list[list[_Term]] = [[] for _ in MODES]
        steps = Counter((arc.before, arc.to) for arc in self._network.arcs[t])
        for n, arc in enumerate(self._network.arcs[t]):
            pieces = steps[arc.before, arc.to]
            f = self.problem.add_variable(f"f_{t}_{n}", 0, 1, cat="Integer" if pieces > 1 else "Continuous")
            w = self.problem.add_variable(f"w_{t}_{n}")
            self.problem += w - arc.low_c * f >= 0
            self.problem += w - arc.high_c * f <= 0
            leaving[arc.before].add([(f, 1.0)], [(w, 1.0)])
            reached[arc.to].add([(f, 1.0)], [(w, arc.keep), (f, arc.drift_k)])
            of_mode[arc.mode].append((f, 1.0))
            self._cost += [(f, float(self._price[t] * arc.power_kw)), (w, float(self._price[t] * arc.slope_kw_per_k))]
            if self._network.changes(arc):
                self._cost.append((f, CHANGE_COST_EUR))
                self._changing.append((f, 1.0))
        for terms, x in zip(of_mode, runs, strict=True):
            self.problem += _sum(terms) == x
        self.runs.append(runs)
        for state, (paths, rooms) in entering.items():
            self.problem += _sum(leaving[state].paths) == paths
            self.problem += _sum(leaving[state].rooms) == rooms
        return {state: self._node(t, state, flow) for state, flow in reached.items()}

    def _node(self, t: int, state: int, flow: _Flow) -> _Node:
        paths = self.problem.add_variable(f"F_{t}_{state}", 0, 1)
        rooms = self.problem.add_variable(f"W_{t}_{state}")
        self.problem += _sum(flow.paths) == paths
        self.problem += _sum(flow.rooms) == rooms
        low, high = self._network.reach[t + 1][state]
        o = self._objective
        for k in range(o.corner_bnk.shape[2]):
            corner, below, above = (float(x[0, t, k]) for x in (o.corner_bnk, o.below_bnk, o.above_bnk))
            if high <= corner:
                self._cost += [(paths, below * corner), (rooms, -below)]
                continue
            self._cost += [(rooms, above), (paths, -above * corner)]
            if low < corner:
                under = self.problem.add_variable(f"u_{t}_{state}_{k}", 0)
                self.problem += under + rooms - corner * paths >= 0
                self._cost.append((under, below + above))
        return paths, rooms


def _sum(terms: list[_Term]) -> pulp.LpAffineExpression:
    return pulp.LpAffineExpression.from_list(terms)
