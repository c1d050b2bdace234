"""Who runs which schedule under the cap: the Dantzig-Wolfe master, relaxed for prices and in integers for plans.

Sets and symbols:

    s in S     groups: a segment of n_s pumps, or a single pump (n_s = 1)
    k in K_s   columns: schedules of a group, each with a cost c_k and mean powers P_kt, kW
    t in T     slots in which the cap can bind at all
    x_k        how many pumps of its group run schedule k
    o_t        overflow, kW, at `OVERFLOW_EUR_PER_MWH`
    a_t, b_t   kW above and below what was nominated, at the prices u and d of such deviations

        min  sum_k c_k x_k + sum_t (OVERFLOW o_t + u a_t + d b_t) dt
        every_pump_runs_one_schedule_s:  sum_{k in K_s} x_k = n_s
        cap_t:                           sum_k P_kt x_k <= cap_t + o_t
        nominated_t:                     sum_k P_kt x_k + b_t - a_t = nominated_t

x integer gives plans; x >= 0 gives the dual mu_t of the load (of cap_t and nominated_t together), in EUR/MWh, which
prices the next columns. Both are soft, so the master always has an answer, and mu lies between -d and OVERFLOW + u.

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
from optimizer.load_cost import Nominated
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
    """The master of one fleet: groups, their sizes, the cap that is left for them, and what was nominated."""

    def __init__(self, sizes: Sequence[int], cap_kw: Array, nominated: Nominated | None = None) -> None:
        self._sizes = tuple(sizes)
        self._cap_kw = cap_kw
        self._nominated = nominated

    def relax(self, columns: Sequence[Column], least: Array, most: Array) -> Relaxed:
        """Duals of the load, the cap's each kept between `least` and `most` (N,): a box steadies column generation."""
        slots = self._slots_that_can_bind(columns)
        problem, _, rows, named = self._build(columns, slots, most, least, integer=False)
        stats = problem.solve(pulp.HiGHS(mip=False, msg=False, threads=1))
        dual = np.zeros(len(self._cap_kw))
        for t in slots:
            dual[t] = max(0.0, -(rows[t].pi or 0.0)) / (SLOT_HOURS / 1000)
        dual = np.minimum(dual, most)
        for t, row in enumerate(named):
            dual[t] -= (row.pi or 0.0) / (SLOT_HOURS / 1000)
        value = float("inf") if stats.objective is None else float(stats.objective)
        return Relaxed(value, dual)

    def choose(self, columns: Sequence[Column], limit_s: float, gap: float = 5e-4) -> npt.NDArray[np.intp] | None:
        """How many pumps run each column (integer), or None where the solver found nothing in time."""
        slots = self._slots_that_can_bind(columns)
        top = np.full(len(self._cap_kw), OVERFLOW_EUR_PER_MWH)
        problem, counts, _, _ = self._build(columns, slots, top, np.zeros_like(top), integer=True)
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
    ) -> tuple[pulp.LpProblem, list[pulp.LpVariable], dict[int, pulp.LpConstraint], list[pulp.LpConstraint]]:
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
        apart = []
        if self._nominated is not None:
            for t in range(len(self._cap_kw)):
                above, below = problem.add_variable(f"above_{t}", 0), problem.add_variable(f"below_{t}", 0)
                apart.append((above, below))
                cost += [(above, self._nominated.up * euro), (below, self._nominated.down * euro)]
        problem.setObjective(pulp.LpAffineExpression.from_list(cost))
        for s, size in enumerate(self._sizes):
            mine = [(x, 1.0) for x, column in zip(counts, columns, strict=True) if column.group == s]
            problem.addConstraint(pulp.LpAffineExpression.from_list(mine) == size, f"every_pump_runs_one_schedule_{s}")

        def load_at(t: int) -> list[tuple[pulp.LpVariable, float]]:
            return [(x, float(column.power_kw[t])) for x, column in zip(counts, columns, strict=True)]

        rows = {}
        for t in slots:
            terms = [*load_at(t), (over[t], -1.0)]
            if t in left:
                terms.append((left[t], 1.0))
            rows[t] = problem.addConstraint(
                pulp.LpAffineExpression.from_list(terms) <= float(self._cap_kw[t]), f"cap_{t}"
            )
        named = []
        for t, (above, below) in enumerate(apart):
            assert self._nominated is not None
            drawn = pulp.LpAffineExpression.from_list([*load_at(t), (below, 1.0), (above, -1.0)])
            named.append(problem.addConstraint(drawn == float(self._nominated.kw[t]), f"nominated_{t}"))
        return problem, counts, rows, named
