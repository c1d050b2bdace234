"""The MILP of a single house: the oracle of another kind that the programme is held to.

Binaries per slot and mode, holds after Rajan and Takriti (2005), mode times room linearised by McCormick's envelopes
(exact for binaries). Invariant: it knows the regulated regime only, so it takes houses whose control neither stops nor
meets its limit within the band; elsewhere its optimum is too good, never too bad.
"""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pulp

from domain.slots import SLOT_HOURS
from optimizer.dwell import HOLD_SLOTS, MAX_CHANGES_PER_DAY
from optimizer.house import LOW, MODES
from optimizer.objective import CHANGE_COST_EUR, Objective
from optimizer.response import Horizon, Responses


class NothingFound(Exception):
    """The solver has no schedule within its time."""


@dataclass(frozen=True)
class Optimum:
    """What the solver found for one house that has long been neutral."""

    cost_eur: float
    bound_eur: float
    seconds: float
    """Of CPU time."""
    modes: npt.NDArray[np.intp]


def solve_modes(responses: Responses, objective: Objective, horizon: Horizon, gap: float, limit_s: float) -> Optimum:
    """The best modes of the first house; raises NothingFound where nothing was found within the limit."""
    milp = _Milp(responses, objective, horizon)
    began = time.process_time()
    stats = milp.problem.solve(pulp.HiGHS(msg=False, threads=1, timeLimit=limit_s, gapRel=gap))
    seconds = time.process_time() - began
    if not stats.has_solution or stats.objective is None:
        raise NothingFound(f"the solver found no schedule within {limit_s:.0f} s")
    bound = stats.objective if stats.best_bound is None else stats.best_bound
    chosen = [max(range(len(MODES)), key=lambda m: runs[m].varValue or 0.0) for runs in milp.runs]
    return Optimum(float(stats.objective), float(bound), seconds, np.array(chosen))


class _Milp:
    """Variables and constraints, slot by slot."""

    def __init__(self, responses: Responses, objective: Objective, horizon: Horizon) -> None:
        self._r, self._objective = responses, objective
        self._price = horizon.price_eur_per_mwh * SLOT_HOURS / 1000
        self.problem = pulp.LpProblem("one_house", pulp.LpMinimize)
        slots, modes = horizon.slots, range(len(MODES))
        self._low, self._high = _rooms_by_slot(responses)
        self.runs = [[self.problem.add_variable(f"x_{t}_{m}", cat="Binary") for m in modes] for t in range(slots)]
        self._begins = [[self.problem.add_variable(f"y_{t}_{m}", 0, 1) for m in modes] for t in range(slots)]
        self._room = [self.problem.add_variable(f"T_{t}", self._low[t], self._high[t]) for t in range(slots + 1)]
        self._total = pulp.lpSum([])
        self.problem += self._room[0] == float(responses.room_start_c[0])
        for t in range(slots):
            self._one_mode_moves_the_room(t)
            for m in modes:
                self._what_begins_is_held(t, m)
                self._power_depends_on_mode_and_room(t, m)
            self._room_cost(t)
        self.problem += pulp.lpSum(y for begins in self._begins for y in begins) <= MAX_CHANGES_PER_DAY
        self.problem.setObjective(self._total)

    def _one_mode_moves_the_room(self, t: int) -> None:
        drift = self._r.drift_on_bnm[0, t]
        self.problem += pulp.lpSum(self.runs[t]) == 1
        self.problem += self._room[t + 1] == float(self._r.keep_on[0]) * self._room[t] + pulp.lpSum(
            float(drift[m]) * x for m, x in enumerate(self.runs[t])
        )
        self._total += float(self._price[t] * self._r.standby_kw[0])

    def _what_begins_is_held(self, t: int, m: int) -> None:
        before = self.runs[t - 1][m] if t else float(m == LOW)
        self.problem += self._begins[t][m] >= self.runs[t][m] - before
        held = range(max(0, t - HOLD_SLOTS[m] + 1), t + 1)
        self.problem += pulp.lpSum(self._begins[k][m] for k in held) <= self.runs[t][m]
        self._total += CHANGE_COST_EUR * self._begins[t][m]

    def _power_depends_on_mode_and_room(self, t: int, m: int) -> None:
        runs, room = self.runs[t][m], self._room[t]
        low, high = self._low[t], self._high[t]
        product = self.problem.add_variable(f"xT_{t}_{m}", 0, high)
        self.problem += product <= high * runs
        self.problem += product >= low * runs
        self.problem += product <= room - low * (1 - runs)
        self.problem += product >= room - high * (1 - runs)
        self._total += float(self._price[t] * self._r.power_at_zero_bnm[0, t, m]) * runs
        self._total += float(self._price[t] * self._r.power_slope_bnm[0, t, m]) * product

    def _room_cost(self, t: int) -> None:
        corners, slopes = self._objective.corner_bnk[0, t], (self._objective.below_bnk, self._objective.above_bnk)
        for k, corner in enumerate(corners):
            below, above = (self.problem.add_variable(f"{side}_{t}_{k}", 0) for side in ("below", "above"))
            self.problem += self._room[t + 1] - float(corner) == above - below
            self._total += float(slopes[0][0, t, k]) * below + float(slopes[1][0, t, k]) * above


def _rooms_by_slot(responses: Responses) -> tuple[list[float], list[float]]:
    """Coldest and warmest room the first house can have at each slot's start and at the end, (N + 1) each."""
    low, high = [float(responses.room_start_c[0])], [float(responses.room_start_c[0])]
    for drift in responses.drift_on_bnm[0]:
        low.append(float(responses.keep_on[0]) * low[-1] + float(drift.min()))
        high.append(float(responses.keep_on[0]) * high[-1] + float(drift.max()))
    return [room_c - 1e-6 for room_c in low], [room_c + 1e-6 for room_c in high]
