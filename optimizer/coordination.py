"""Prices for the cap by column generation, and one own schedule for every pump under it.

Symbols: mu (N,) the cap's dual, EUR/MWh; nu (B, D) the price of a change of mode on a plan day; E = dt/1000 h k;

    L(mu, nu) = sum_i n_i min over schedules of [ c_i + mu'P_i E + nu_i'(changes_i - 8) ] - mu'cap E

*Column generation.* The programme answers at price + mu with new schedules, the relaxed master answers with new duals,
until the master's value meets L. The duals the programme sees are half way between the best seen and the master's
(Wentges 1997), and the master's are boxed around the best: unsteadied, both oscillate between all and nothing.

*Limit on changes.* nu rises by steps for a house that changes too often and falls for one that changes less than it
may; near the end it is found by bisection per house, at the final mu.

*Choice.* Each pump has a small pool of own schedules (from all iterates, and calm). A MILP picks one each; then every
pump answers to what the others leave of the cap, which adds the schedules the prices could not find, and the MILP picks
again. Above `MILP_PUMPS` a greedy repair takes its place: pump by pump, the answer to what the others leave is accepted
where it makes the fleet cheaper; it ends at a local optimum.

Invariant: the choice only ever gets cheaper, starts at `calm`, and is there whenever the deadline strikes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
import numpy.typing as npt

from domain.slots import SLOT_HOURS
from optimizer.dwell import MAX_CHANGES_PER_DAY
from optimizer.fleet import Fleet, Proposal
from optimizer.house import Array
from optimizer.master import Column, Master
from optimizer.objective import OVERFLOW_EUR_PER_MWH
from optimizer.segments import Segment

ENERGY = SLOT_HOURS / 1000
"""MWh per kW and slot."""
SMOOTHING = 0.5
FIRST_BOX_EUR_PER_MWH = 100.0
LEAST_BOX_EUR_PER_MWH = 20.0
ENOUGH = 5e-4
"""Column generation ends when the master's value and L differ by this share: the bound's grid costs more."""
MILP_PUMPS = 400
MILP_S = 2.0
POLISHING = 3
BISECTIONS = 5
LEAST_NU_EUR = 0.002


@dataclass
class Pool:
    """Schedules by group, each once."""

    scales: Sequence[float]
    """A column is this multiple of its house's power and cost."""
    columns: list[Column] = field(default_factory=list)
    _seen: set[tuple[int, bytes]] = field(default_factory=set)

    def add(self, proposal: Proposal, allowed: npt.NDArray[np.bool_]) -> None:
        """Take up what is new and allowed."""
        run = proposal.schedules
        for i in np.flatnonzero(allowed):
            key = (int(i), run.modes[i].astype(np.int8).tobytes())
            if key not in self._seen:
                self._seen.add(key)
                scale = float(self.scales[int(i)])
                self.columns.append(
                    Column(int(i), run.modes[i], scale * run.power_kw[i], scale * float(run.cost_eur[i]))
                )


@dataclass(frozen=True)
class Found:
    """Where column generation ended."""

    mu: Array
    nu_bd: Array
    iterations: int
    settled: bool
    """False where it was the deadline that ended it."""


def price_the_cap(
    fleet: Fleet,
    sizes: Sequence[int],
    pool: Pool,
    cap_kw: Array,
    start_mu: Array,
    deadline: float,
    most_iterations: int,
) -> Found:
    """Column generation over groups (one house of `fleet` each); see the module's head."""
    master, many = Master(sizes, cap_kw), np.array(sizes) * np.array(pool.scales)
    pool.add(fleet.calm(), np.ones(fleet.size, dtype=bool))
    mu, nu = start_mu.copy(), np.zeros((fleet.size, fleet.days))
    best_mu, best_nu, best = mu, nu, -np.inf
    box = FIRST_BOX_EUR_PER_MWH
    for k in range(most_iterations):
        began = monotonic()
        if began > deadline:
            return Found(best_mu, best_nu, k, settled=False)
        proposal = fleet.propose(mu, nu, deadline)
        if monotonic() > deadline:
            return Found(best_mu, best_nu, k, settled=False)
        pool.add(proposal, proposal.limited)
        value = float(many @ lagrangian(proposal, mu, nu) - mu @ cap_kw * ENERGY)
        if value > best:
            best, best_mu, best_nu = value, mu, nu
        else:
            box = max(0.8 * box, LEAST_BOX_EUR_PER_MWH)
        most = np.minimum(best_mu + box, OVERFLOW_EUR_PER_MWH)
        relaxed = master.relax(pool.columns, np.maximum(best_mu - 2 * box, 0.0), most)
        if (relaxed.dual_eur_per_mwh >= most - 1e-6).any():
            box = min(1.5 * box, OVERFLOW_EUR_PER_MWH)
        elif relaxed.value_eur - best <= ENOUGH * max(abs(best), 1.0):
            return Found(best_mu, best_nu, k + 1, settled=True)
        mu = SMOOTHING * best_mu + (1 - SMOOTHING) * relaxed.dual_eur_per_mwh
        nu = _step_nu(nu, proposal.changes_bd)
    return Found(best_mu, best_nu, most_iterations, settled=False)


def offer_segment_plans(
    fleet: Fleet,
    pool: Pool,
    segments: Sequence[Segment],
    shared: Pool,
    cap_kw: Array,
    deadline: float,
) -> None:
    """Let the integer master say how many of a segment run which schedule, and offer those to each member's own house.

    `segments` name members by their place in `fleet`. Only what keeps a member's own dwell is offered.
    """
    sizes = [len(segment.members) for segment in segments]
    limit_s = min(MILP_S, deadline - monotonic())
    counts = Master(sizes, cap_kw).choose(shared.columns, limit_s) if limit_s > 0 else None
    if counts is None:
        return
    modes = fleet.calm().schedules.modes.copy()
    for s, segment in enumerate(segments):
        runs = [(k, int(counts[k])) for k, column in enumerate(shared.columns) if column.group == s and counts[k]]
        takes = np.repeat([k for k, _ in runs], [n for _, n in runs])
        for member, k in zip(segment.members, takes, strict=False):
            modes[member] = shared.columns[k].modes
    offered = fleet.simulate(modes)
    pool.add(offered, offered.limited & fleet.admits(modes))


def lagrangian(proposal: Proposal, mu: Array, nu_bd: Array) -> Array:
    """Each house's cost at prices mu and nu, less what the limit on changes leaves free, (B,)."""
    run = proposal.schedules
    over = (nu_bd * (proposal.changes_bd - MAX_CHANGES_PER_DAY)).sum(axis=1)
    return np.asarray(run.cost_eur + run.power_kw @ mu * ENERGY + over)


def _step_nu(nu_bd: Array, changes_bd: npt.NDArray[np.intp]) -> Array:
    up = np.maximum(1.6 * nu_bd, LEAST_NU_EUR)
    down = np.where(nu_bd > LEAST_NU_EUR / 4, 0.8 * nu_bd, 0.0)
    return np.where(changes_bd > MAX_CHANGES_PER_DAY, up, np.where(changes_bd < MAX_CHANGES_PER_DAY, down, nu_bd))


def settle_changes(fleet: Fleet, pool: Pool, mu: Array, deadline: float) -> Array:
    """Bisect nu (B, D) at mu for the houses that change too often; the nu with the largest Lagrangian of each."""
    nu = np.zeros((fleet.size, fleet.days))
    low, high = np.zeros_like(nu), np.full_like(nu, np.inf)
    best_nu, best = nu.copy(), np.full(fleet.size, -np.inf)
    searching = np.ones(fleet.size, dtype=bool)
    for _ in range(2 * BISECTIONS):
        if monotonic() > deadline or not searching.any():
            break
        proposal = fleet.propose(mu, nu, deadline, only=searching)
        if monotonic() > deadline:
            break
        pool.add(proposal, proposal.limited & searching)
        value = np.where(searching, lagrangian(proposal, mu, nu), -np.inf)
        better = value > best
        best[better], best_nu[better] = value[better], nu[better]
        too_many = proposal.changes_bd > MAX_CHANGES_PER_DAY
        low = np.where(too_many, nu, low)
        high = np.where(~too_many & (nu > 0), nu, high)
        found = ((high - low < 0.1 * high) & np.isfinite(high)) | (~too_many & (nu == 0))
        searching &= ~found.all(axis=1)
        wider = np.where(np.isfinite(high), (low + high) / 2, np.maximum(2 * low, 2 * LEAST_NU_EUR))
        nu = np.where(too_many | (nu > 0), wider, nu)
    return best_nu


class Choice:
    """One column per pump, never getting dearer."""

    def __init__(self, pool: Pool, size: int, cap_kw: Array, mu: Array) -> None:
        """Starts from calm (the first column of each house), or the cheapest columns at mu where those are better."""
        self._pool, self._size, self._cap_kw = pool, size, cap_kw
        owners = np.array([column.group for column in pool.columns])
        self._calm = np.array([int(np.argmax(owners == i)) for i in range(size)])
        self.columns = self._calm.copy()
        at_mu = np.array([c.cost_eur + float(c.power_kw @ mu) * ENERGY for c in pool.columns])
        order = np.lexsort((at_mu, owners))
        self._offer(order[np.searchsorted(owners[order], np.arange(size))])

    def load_kw(self) -> Array:
        """Power of all chosen schedules, (N,)."""
        return np.asarray(self.power_kw().sum(axis=0))

    def power_kw(self) -> Array:
        """(B, N)."""
        return np.stack([self._pool.columns[k].power_kw for k in self.columns])

    def cost_eur(self, columns: npt.NDArray[np.intp] | None = None) -> float:
        """Cost with priced overflow."""
        chosen = [self._pool.columns[k] for k in (self.columns if columns is None else columns)]
        load = np.sum([c.power_kw for c in chosen], axis=0)
        return float(sum(c.cost_eur for c in chosen)) + overflow_eur(load, self._cap_kw)

    def _offer(self, columns: npt.NDArray[np.intp]) -> bool:
        if self.cost_eur(columns) < self.cost_eur() - 1e-9:
            self.columns = columns
            return True
        return False

    def choose(self, limit_s: float) -> bool:
        """Let the integer master pick; True where that made the fleet cheaper."""
        counts = Master([1] * self._size, self._cap_kw).choose(self._pool.columns, limit_s)
        if counts is None:
            return False
        picked = np.flatnonzero(counts > 0)
        owners = np.array([self._pool.columns[k].group for k in picked])
        if not np.array_equal(np.sort(owners), np.arange(self._size)):
            return False
        return self._offer(picked[np.argsort(owners)])

    def leave_alone(self, least_gain_eur: Array, price_eur_per_mwh: Array) -> None:
        """Back to calm wherever a pump earns less than `least_gain_eur` (B,) and the cap does not need it.

        It must earn that in all, and by shifting alone: what the same schedule would earn were every slot at the mean
        price comes from milder hours or colder rooms, and would move pumps on a flat price.
        """
        load, dearness = self.load_kw(), price_eur_per_mwh - price_eur_per_mwh.mean()
        for i, k in enumerate(self.columns.copy()):
            calm, mine = self._pool.columns[self._calm[i]], self._pool.columns[k]
            saved_kw = calm.power_kw - mine.power_kw
            gain = min(calm.cost_eur - mine.cost_eur, float(saved_kw @ dearness) * ENERGY)
            then = load + saved_kw
            dearer = overflow_eur(then, self._cap_kw) - overflow_eur(load, self._cap_kw)
            if gain < least_gain_eur[i] and dearer <= 1e-9:
                self.columns[i], load = self._calm[i], then

    def accept_one_by_one(self, first_new: int) -> None:
        """Greedy repair: take columns from `first_new` on where one alone makes the fleet cheaper."""
        load = self.load_kw()
        for k in range(first_new, len(self._pool.columns)):
            new = self._pool.columns[k]
            old = self._pool.columns[self.columns[new.group]]
            then = load - old.power_kw + new.power_kw
            gain = old.cost_eur - new.cost_eur + overflow_eur(load, self._cap_kw) - overflow_eur(then, self._cap_kw)
            if gain > 1e-9:
                self.columns[new.group], load = k, then


def overflow_eur(load_kw: Array, cap_kw: Array) -> float:
    """Price of what lies above the cap."""
    return float(np.maximum(load_kw - cap_kw, 0.0).sum()) * ENERGY * OVERFLOW_EUR_PER_MWH


def choose_under_the_cap(fleet: Fleet, pool: Pool, cap_kw: Array, mu: Array, nu_bd: Array, deadline: float) -> Choice:
    """One own schedule for every pump; see the module's head."""
    choice = Choice(pool, fleet.size, cap_kw, mu)
    small = fleet.size <= MILP_PUMPS
    for turn in range(POLISHING + 1):
        before, left_s = choice.cost_eur(), deadline - monotonic()
        if left_s <= 0.1:
            break
        if small:
            choice.choose(min(MILP_S, left_s))
        if turn == POLISHING or (turn > 0 and before - choice.cost_eur() < 1e-4 * abs(before)):
            break
        own = choice.power_kw()
        free = cap_kw - (own.sum(axis=0) - own)
        for price in (np.zeros_like(mu), mu):
            first_new = len(pool.columns)
            answer = fleet.propose(price, nu_bd, deadline, free)
            pool.add(answer, answer.limited)
            choice.accept_one_by_one(first_new)
    return choice
