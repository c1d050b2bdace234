"""One schedule for every pump out of a few of its own, so that together they keep cap and nomination.

Symbols: K candidates per pump, costs c (K, B), powers P (K, B, N); mu (N,) the dual of their load; w (B,) how many
pumps one stands for; psi and E as in `load_cost`: without a nomination psi(mu) = -mu cap.

    D(mu) = sum_i w_i min_k [ c_ki + mu'P_ki E ] + sum_t psi(mu_t) E

`dual_ascent` maximises D by projected subgradients with a step per slot (Duchi, Hazan, Singer 2011), started anew at
the best point with smaller steps. `settle` is a descent pump by pump: each takes the candidate that makes the whole
cheapest, overflow and deviation priced, until nobody moves; it starts at the minimisers of D.

Invariant: `settle` never makes the whole dearer.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.compiled import compiled_loosely
from optimizer.house import Array
from optimizer.kernels import OVERFLOW_EUR_PER_MWH, SLOT_MWH_PER_KW, Single
from optimizer.load_cost import ENERGY, LoadCost

FIRST_STEP_EUR_PER_MWH = 30.0
RESTARTS, STEPS = 3, 40
PASSES = 12
NEVER_EUR = 1e9
"""Cost of a candidate that must not be chosen; finite, for compiled loops here may not meet infinities."""


@dataclass(frozen=True)
class Candidates:
    """K schedules of each pump of one area."""

    cost_eur: Array
    power_kw: Single
    weight: Array
    together: LoadCost

    def priced(self, mu: Array) -> Array:
        """Cost of every candidate at mu, (K, B)."""
        return np.asarray(self.cost_eur + (self.power_kw @ mu.astype(np.float32)).astype(float) * ENERGY)

    def load_kw(self, chosen: npt.NDArray[np.intp]) -> Array:
        """Power of the chosen ones together, (N,)."""
        return np.asarray(self.weight @ self.power_kw[chosen, np.arange(len(chosen))].astype(float))

    @property
    def within_reach(self) -> LoadCost:
        """What their load costs, a cap that no load reaches brought down to where that is plain."""
        return self.together.up_to(self.weight @ self.power_kw.max(axis=0).astype(float) + 1.0)


def dual_ascent(candidates: Candidates, start: Array) -> tuple[Array, float]:
    """mu (N,) that (nearly) maximises D, and its value."""
    cost = candidates.within_reach
    low, high, (lower, upper) = cost.lowest_mu, cost.highest_mu, cost.ends_kw
    hopeless = candidates.weight @ candidates.power_kw.min(axis=0).astype(float) > upper
    # no choice keeps these slots, so overflow sets their price; nor fills these, so what is missing does
    start = np.where(hopeless, high, start)
    if cost.nominated is not None:
        empty = candidates.weight @ candidates.power_kw.max(axis=0).astype(float) < lower
        start = np.clip(np.where(empty, low, start), low, high)
    best_mu, best, load = start, -np.inf, np.empty(len(start))
    for restart in range(RESTARTS):
        mu, squares = best_mu.copy(), np.full(len(start), 1e-12)
        step = FIRST_STEP_EUR_PER_MWH / 3**restart
        for _ in range(STEPS):
            own = _answer(candidates.cost_eur, candidates.power_kw, candidates.weight, mu.astype(np.float32), load)
            value = own + cost.least_eur(mu)
            if value > best:
                best, best_mu = value, mu
            over = load - cost.kink_kw(mu)
            over[(mu <= low) & (over < 0)] = 0.0
            if cost.nominated is not None:
                over[(mu >= high) & (over > 0)] = 0.0
            if not over.any():
                return best_mu, best
            squares += over**2
            mu = np.where(hopeless, high, np.clip(mu + step * over / np.sqrt(squares), low, high))
    return best_mu, best


@compiled_loosely
def _answer(cost: Array, power: Single, weight: Array, mu: Single, load: Array) -> float:
    """Sum over pumps of w min_k [c + mu'P E]; `load` gets the power of the minimisers together."""
    total = 0.0
    load[:] = 0.0
    for i in range(cost.shape[1]):
        best, at = 2 * NEVER_EUR, 0
        for k in range(cost.shape[0]):
            priced = np.float32(0.0)
            for t in range(np.uint64(len(mu))):
                priced += power[k, i, t] * mu[t]
            value = cost[k, i] + priced * SLOT_MWH_PER_KW
            if value < best:
                best, at = value, k
        total += weight[i] * best
        for t in range(np.uint64(len(mu))):
            load[t] += weight[i] * power[at, i, t]
    return total


@compiled_loosely
def _one_pass(
    cost: Array, power: Single, cap: Array, nominated: Array, up: float, down: float, order: npt.NDArray[np.intp],
    load: Array, chosen: npt.NDArray[np.intp],
) -> int:  # fmt: skip
    """Let every pump once take what makes the whole cheapest; returns how many moved. `nominated` may be empty."""
    moved = 0
    for i in order:
        now, best, to = chosen[i], -1e-9, chosen[i]
        for k in range(len(cost)):
            if k == now:
                continue
            change = cost[k, i] - cost[now, i]
            for t in range(len(cap)):
                before = load[t] - cap[t]
                after = before + power[k, i, t] - power[now, i, t]
                change += (max(after, 0.0) - max(before, 0.0)) * OVERFLOW_EUR_PER_MWH * SLOT_MWH_PER_KW
            for t in range(len(nominated)):
                before = load[t] - nominated[t]
                after = before + power[k, i, t] - power[now, i, t]
                more, missing = max(after, 0.0) - max(before, 0.0), max(-after, 0.0) - max(-before, 0.0)
                change += (more * up + missing * down) * SLOT_MWH_PER_KW
            if change < best:
                best, to = change, k
        if to != now:
            for t in range(len(cap)):
                load[t] += power[to, i, t] - power[now, i, t]
            chosen[i] = to
            moved += 1
    return moved


def settle(candidates: Candidates, chosen: npt.NDArray[np.intp], seed: int) -> npt.NDArray[np.intp]:
    """The choice after every pump has had its turns; weights must be one."""
    chosen, draw, cost = chosen.astype(np.intp), np.random.default_rng(seed), candidates.together
    cap = np.where(np.isfinite(cost.cap_kw), cost.cap_kw, 1e12)
    named = (
        (np.empty(0), 0.0, 0.0)
        if cost.nominated is None
        else (cost.nominated.kw, cost.nominated.up, cost.nominated.down)
    )
    for _ in range(PASSES):
        load = candidates.load_kw(chosen)  # anew, so that rounding never adds up
        order = draw.permutation(len(chosen))
        if not _one_pass(candidates.cost_eur, candidates.power_kw, cap, *named, order, load, chosen):
            break
    return chosen
