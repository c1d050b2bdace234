"""Who runs which schedule under the cap: the Dantzig-Wolfe master, relaxed for prices and in integers for plans.

Sets and symbols:

    s in S     groups: a segment of n_s pumps, or a single pump (n_s = 1)
    k in K_s   columns: schedules of a group, each with a cost c_k and mean powers P_kt, kW
    t in T     slots in which the cap can bind at all
    x_k        how many pumps of its group run schedule k
    o_t        overflow, kW, at `OVERFLOW_EUR_PER_MWH`

        min  sum_k c_k x_k + sum_t OVERFLOW dt o_t
        every_pump_runs_one_schedule_s:  sum_{k in K_s} x_k = n_s
        cap_t:                           sum_k P_kt x_k <= cap_t + o_t

x integer gives plans; x >= 0 gives the dual mu_t of cap_t, in EUR/MWh, which prices the next columns. The cap is soft,
so the master always has an answer, and mu never exceeds the price of overflow.

Invariant: PuLP's HiGHS is named explicitly (its default picks other solvers), runs on one thread and writes nothing to
standard output, which belongs to whoever prints JSON.

Sources: Dantzig and Wolfe (1960); that few groups mix schedules in a basic solution, and that the duality gap of many
pumps under few caps is small: Shapley and Folkman.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import highspy
import numpy as np
import numpy.typing as npt
import pulp

from domain.slots import SLOT_HOURS
from optimizer.house import Array
from optimizer.objective import OVERFLOW_EUR_PER_MWH


@dataclass(frozen=True)
class Column:
    """One schedule of one group, with the power and the cost of one (average) pump of it."""

    group: int
    modes: npt.NDArray[np.intp]
    power_kw: Array
    cost_eur: float


@dataclass(frozen=True)
class Relaxed:
    """The relaxed master's answer."""

    value_eur: float
    dual_eur_per_mwh: Array
    """mu, (N,)."""


_silenced = threading.Lock()
_banner_is_out = False


def _swallow_banner() -> None:
    """HiGHS prints two lines on standard output when a process first makes a solver, whatever its options say."""
    global _banner_is_out  # noqa: PLW0603 - the banner is a fact of the process
    with _silenced:
        if _banner_is_out:
            return
        sys.stdout.flush()
        kept = os.dup(1)
        try:
            with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a file descriptor is wanted, not a path
                os.dup2(nowhere.fileno(), 1)
                highspy.Highs()  # type: ignore[no-untyped-call]
                ctypes.CDLL(None).fflush(None)  # C buffers stdout into a pipe; it must not surface later
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        _banner_is_out = True


class Master:
    """The master of one fleet: groups, their sizes, and the cap that is left for them."""

    def __init__(self, sizes: Sequence[int], cap_kw: Array) -> None:
        self._sizes = tuple(sizes)
        self._cap_kw = cap_kw

    def relax(self, columns: Sequence[Column], least: Array, most: Array) -> Relaxed:
        """Duals of the cap, each kept between `least` and `most` (N,): a box steadies column generation."""
        slots = self._slots_that_can_bind(columns)
        problem, _, rows = self._build(columns, slots, most, least, integer=False)
        stats = problem.solve(pulp.HiGHS(mip=False, msg=False, threads=1))
        dual = np.zeros(len(self._cap_kw))
        for t in slots:
            dual[t] = max(0.0, -(rows[t].pi or 0.0)) / (SLOT_HOURS / 1000)
        value = float("inf") if stats.objective is None else float(stats.objective)
        return Relaxed(value, np.minimum(dual, most))

    def choose(self, columns: Sequence[Column], limit_s: float, gap: float = 5e-4) -> npt.NDArray[np.intp] | None:
        """How many pumps run each column (integer), or None where the solver found nothing in time."""
        slots = self._slots_that_can_bind(columns)
        top = np.full(len(self._cap_kw), OVERFLOW_EUR_PER_MWH)
        problem, counts, _ = self._build(columns, slots, top, np.zeros_like(top), integer=True)
        solver = pulp.HiGHS(msg=False, threads=1, timeLimit=max(limit_s, 0.1), gapRel=gap)
        stats = problem.solve(solver)
        if not stats.has_solution:
            return None
        return np.array([round(x.varValue or 0.0) for x in counts], dtype=np.intp)

    def _slots_that_can_bind(self, columns: Sequence[Column]) -> list[int]:
        """A slot in which even the greediest columns together stay under the cap needs no row."""
        most = np.zeros((len(self._sizes), len(self._cap_kw)))
        for column in columns:
            np.maximum(most[column.group], column.power_kw, out=most[column.group])
        load = np.array(self._sizes) @ most
        return [int(t) for t in np.flatnonzero(load > self._cap_kw)]

    def _build(
        self,
        columns: Sequence[Column],
        slots: Sequence[int],
        overflow: Array,
        least: Array,
        *,
        integer: bool,
    ) -> tuple[pulp.LpProblem, list[pulp.LpVariable], dict[int, pulp.LpConstraint]]:
        _swallow_banner()
        problem = pulp.LpProblem("schedules_under_the_cap", pulp.LpMinimize)
        kind: Literal["Integer", "Continuous"] = "Integer" if integer else "Continuous"
        counts = [
            problem.add_variable(f"runs_{k}", 0, self._sizes[column.group] if integer else None, cat=kind)
            for k, column in enumerate(columns)
        ]
        euro = SLOT_HOURS / 1000
        over = {t: problem.add_variable(f"overflow_{t}", 0) for t in slots}
        cost = [(x, column.cost_eur) for x, column in zip(counts, columns, strict=True)]
        cost += [(over[t], float(overflow[t]) * euro) for t in slots]
        # the box's lower side: room left under the cap is worth at least `least`
        left = {t: problem.add_variable(f"room_left_{t}", 0) for t in slots if least[t] > 0}
        cost += [(x, -float(least[t]) * euro) for t, x in left.items()]
        problem.setObjective(pulp.LpAffineExpression.from_list(cost))
        for s, size in enumerate(self._sizes):
            mine = [(x, 1.0) for x, column in zip(counts, columns, strict=True) if column.group == s]
            problem.addConstraint(pulp.LpAffineExpression.from_list(mine) == size, f"every_pump_runs_one_schedule_{s}")
        rows = {}
        for t in slots:
            terms = [(x, float(column.power_kw[t])) for x, column in zip(counts, columns, strict=True)]
            terms.append((over[t], -1.0))
            if t in left:
                terms.append((left[t], 1.0))
            rows[t] = problem.addConstraint(
                pulp.LpAffineExpression.from_list(terms) <= float(self._cap_kw[t]), f"cap_{t}"
            )
        return problem, counts, rows
