"""Keeps caps and nominations of grid areas: prices for each from representatives, then own schedules for every pump.

Symbols: a in A grid areas; cap (A, N); mu (A, N) the duals of their loads, EUR/MWh; s segments with weight w_s (see
`segments`); E = dt/1000 h k; L(mu) the Lagrangian, what all houses cost at price + mu, less mu'cap E (with a
nomination: plus psi(mu) E, see `load_cost`).

*Prices.* The programme answers the representatives at price + mu with new schedules, the duals of those schedules
(`choice.dual_ascent`) with a new mu, until the two values meet (Dantzig and Wolfe). The programme sees the point half
way between the best mu and the newest (Wentges 1997); unsteadied, both oscillate between all and nothing.

*Many pumps.* The integer master (`master`) says how many pumps of a segment run which of its representative's
schedules. A member is never sent that schedule: it plans for its own house at the duals at which the schedule was
found, at the best duals of its area, and once more at these after a step that only all pumps together can show. Out of
these and calm, `choice` picks one per pump.

*Few pumps.* Every pump is its own segment, all iterates are candidates, an integer master picks one each, and every
pump then answers to what the others leave of the cap, which adds the schedules no price could find.

Invariant: the choice only ever gets cheaper, starts no worse than calm, and is there whenever the deadline strikes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

import numpy as np
import numpy.typing as npt

from optimizer.choice import NEVER_EUR, Candidates, dual_ascent, settle
from optimizer.compiled import in_parallel
from optimizer.fleet import Fleet, Named
from optimizer.guard import counted_cost_eur, earns, least_gain_eur, shifting_eur, stressed_prices
from optimizer.house import Array
from optimizer.load_cost import ENERGY, LoadCost, Nominated
from optimizer.master import Column, Master
from optimizer.proposal import Proposal
from optimizer.segments import Segments, segments_of

ROUNDS_FOR_SEGMENTS, ROUNDS_FOR_PUMPS = 16, 24
SMOOTHING = 0.5
NEAR_BY_EUR_PER_MWH = 15.0
"""With a nomination a dual moves no further from the best one in a round. It is found from few schedules, and these
meet a nomination nowhere exactly, so without a box its slots jump between the prices of deviation (Marsten, Hogan and
Blankenship 1975). 2,000 pumps at 200 EUR/MWh: a gap of 3.7 % of the energy cost, and 0.3 % with box and sweeps."""
NOMINATED_SWEEPS = 6
"""Last sweeps of a large fleet with a nomination: what is left of it is met by the variety of schedules alone."""
ENOUGH = 5e-4
"""Prices are found when the two values differ by this share: the bound's grid costs more."""
MILP_PUMPS = 400
"""In a larger fleet the integer master speaks for segments only, and `choice.settle` for single pumps."""
MILP_S = 2.0
COLUMNS_PER_GROUP = 4
NO_LIMIT_KW = 1e6
"""Compiled loops may not meet infinities."""
POLISHING = 3
DEARER_EUR_PER_MWH = (20.0, 50.0, 120.0)
"""What pumps that would use too much more than own control are asked again at, beside the day's price."""
LAST_STEP_EUR_PER_MWH = 20.0
"""The last sweep follows the duals of all pumps' own schedules, which are right in direction and too far in length."""


@dataclass(frozen=True)
class Caps:
    """Limits on the heating's power by grid area, and what was nominated of it."""

    area: npt.NDArray[np.intp]
    """Area of each pump, (B,)."""
    cap_kw: Array
    """(A, N); infinite where there is no limit."""
    nominated: tuple[Nominated | None, ...] = ()
    """By area; none where empty."""

    def of_area(self, a: int) -> LoadCost:
        """What the load of an area costs."""
        return LoadCost(self.cap_kw[a], self.nominated[a] if self.nominated else None)

    @property
    def are_free(self) -> bool:
        """Does no load of any area cost anything?"""
        return all(self.of_area(a).is_free for a in range(len(self.cap_kw)))

    @property
    def is_nominated(self) -> npt.NDArray[np.bool_]:
        """Which areas have a nomination, (A,)."""
        return np.array([self.of_area(a).nominated is not None for a in range(len(self.cap_kw))])

    def least_eur(self, mu_an: Array) -> Array:
        """sum_t psi(mu) E of every area, (A,); see `load_cost`."""
        least = -((mu_an * np.where(np.isfinite(self.cap_kw), self.cap_kw, 0.0)).sum(axis=1) * ENERGY)
        for a in np.flatnonzero(self.is_nominated).tolist():
            least[a] = self.of_area(a).least_eur(mu_an[a])
        return np.asarray(least)

    def named(self, others_kw: Array) -> Named | None:
        """What is left of the nominations to each pump where the others draw `others_kw` (B, N)."""
        if not self.is_nominated.any():
            return None
        none = Nominated(np.zeros(self.cap_kw.shape[1]), 0.0, 0.0)
        each = [self.of_area(a).nominated or none for a in range(len(self.cap_kw))]
        kw, up, down = (np.array([getattr(one, name) for one in each])[self.area] for name in ("kw", "up", "down"))
        return Named(kw - others_kw, up, down)

    def loads_kw(self, power_kw: npt.NDArray[np.floating]) -> Array:
        """Power by area, (A, N), of powers (B, N)."""
        loads = np.zeros(self.cap_kw.shape)
        for a in range(len(loads)):
            loads[a] = power_kw[self.area == a].sum(axis=0, dtype=float)
        return loads

    def of(self, rows: npt.NDArray[np.intp]) -> "Caps":
        """The same limits for some of the pumps."""
        return Caps(self.area[rows], self.cap_kw, self.nominated)


@dataclass(frozen=True)
class Coordinated:
    """What was found."""

    plan: Proposal
    mu_an: Array
    near: Proposal
    """The schedules at price + mu, whose Lagrangian is the best found: where the bound has to look closely."""
    segments: int
    iterations: int
    finished: bool
    """False where it was the deadline that ended something."""


@dataclass(frozen=True)
class _Found:
    mu_an: Array
    near: Proposal
    proposals: list[Proposal]
    mu_ran: list[Array]
    """mu (A, N) at which each proposal was found."""
    finished: bool


def coordinate(
    fleet: Fleet, caps: Caps, prices_by: float, choice_by: float, seed: int, further: Sequence[Proposal] = ()
) -> Coordinated:
    """One own schedule for every pump; both deadlines in monotonic seconds. `further` schedules are weighed as well."""
    no_mu = np.zeros(caps.cap_kw.shape)
    if caps.are_free:
        free = fleet.propose(no_mu[0], choice_by)
        pool = [fleet.calm, free, *further]
        pool += _asked_again(fleet, pool[1:], no_mu, caps, choice_by)
        chosen = _choose(fleet, pool, caps, no_mu, choice_by, seed)
        return Coordinated(_compose(pool, chosen), no_mu, free, fleet.size, 1, monotonic() < choice_by)
    segments = segments_of(fleet.houses, caps.area)
    small = fleet if segments.are_single else fleet.part(segments.representative)
    found = _find_prices(small, segments, caps, prices_by)
    pool, near, finished = [fleet.calm, *further], fleet.calm, found.finished
    if segments.are_single:
        pool += found.proposals
        near = found.near
    elif found.proposals:
        apart = _duals_of_members(segments, caps, small, found, prices_by, seed)
        near = fleet.propose(found.mu_an[caps.area], choice_by)
        pool += [near, fleet.propose(apart, choice_by)]
        last = found.mu_an
        for _ in range(NOMINATED_SWEEPS if caps.is_nominated.any() else 1):
            last = _last_duals(fleet, pool, caps, last)
            pool.append(fleet.propose(last[caps.area], choice_by))
    pool += _asked_again(fleet, pool[1:], found.mu_an, caps, choice_by)
    chosen = _choose(fleet, pool, caps, found.mu_an, choice_by, seed)
    if segments.are_single and fleet.size <= MILP_PUMPS:
        chosen = _polish(fleet, pool, chosen, caps, found.mu_an, choice_by, seed)
    finished = finished and monotonic() < choice_by
    return Coordinated(_compose(pool, chosen), found.mu_an, near, len(segments.size), len(found.proposals), finished)


def _find_prices(small: Fleet, segments: Segments, caps: Caps, deadline: float) -> _Found:
    """mu by column generation over segments; see the module's head."""
    areas, calm = len(caps.cap_kw), small.calm
    mu, best_mu = np.zeros(caps.cap_kw.shape), np.zeros(caps.cap_kw.shape)
    best, near = np.full(areas, -np.inf), calm.copy()
    proposals: list[Proposal] = []
    seen: list[Array] = []
    for _ in range(ROUNDS_FOR_PUMPS if segments.are_single else ROUNDS_FOR_SEGMENTS):
        proposal = small.propose(mu[segments.area], deadline)
        if monotonic() > deadline:
            return _Found(best_mu, near, proposals, seen, finished=False)
        proposals.append(proposal)
        seen.append(mu.copy())
        own = segments.weight * lagrangian(proposal, mu[segments.area])
        value = np.bincount(segments.area, own, areas) + caps.least_eur(mu)
        better = value > best
        best, best_mu = np.where(better, value, best), np.where(better[:, None], mu, best_mu)
        near.take(proposal, np.flatnonzero(better[segments.area]))
        newest, above = _duals(segments, caps, [calm, *proposals], best_mu)
        if (above - best <= ENOUGH * np.maximum(np.abs(best), 1.0)).all():
            break
        near_by = np.where(caps.is_nominated, NEAR_BY_EUR_PER_MWH, np.inf)[:, None]
        newest = np.clip(newest, best_mu - near_by, best_mu + near_by)
        mu = SMOOTHING * best_mu + (1 - SMOOTHING) * newest
    return _Found(best_mu, near, proposals, seen, finished=True)


def lagrangian(proposal: Proposal, mu_bn: Array) -> Array:
    """Each house's cost at mu, less what the limit on changes leaves free, (B,)."""
    over = (proposal.nu_bd * (proposal.changes_bd - proposal.most_changes[:, None])).sum(axis=1)
    return np.asarray(proposal.cost_eur + (proposal.power_kw * mu_bn).sum(axis=1) * ENERGY + over)


def _duals(segments: Segments, caps: Caps, pool: Sequence[Proposal], start: Array) -> tuple[Array, Array]:
    """Best mu (A, N) for the schedules at hand, and its value (A,)."""
    mu, value = np.zeros_like(start), np.zeros(len(start))

    def job(a: int) -> None:
        rows = np.flatnonzero(segments.area == a)
        if len(rows):
            mu[a], value[a] = dual_ascent(_candidates(pool, rows, caps.of_area(a), segments.weight[rows]), start[a])

    in_parallel([partial(job, a) for a in range(len(start))])
    return mu, value


def _candidates(pool: Sequence[Proposal], rows: npt.NDArray[np.intp], together: LoadCost, weight: Array) -> Candidates:
    cost = np.stack([np.where(p.limited[rows], p.cost_eur[rows], NEVER_EUR) for p in pool])
    return Candidates(cost, np.stack([p.power_kw[rows] for p in pool]), weight, together)


def _duals_of_members(segments: Segments, caps: Caps, small: Fleet, found: _Found, deadline: float, seed: int) -> Array:
    """mu (B, N) for every pump's own sweep: its segment's counts say how many plan at which of the duals met."""
    own = found.mu_an[caps.area].astype(np.float32)
    draw = np.random.default_rng(seed)
    for a in np.flatnonzero(found.mu_an.any(axis=1)).tolist():
        limit_s = min(MILP_S, deadline - monotonic())
        groups = np.flatnonzero(segments.area == a)
        if limit_s < 0.1:
            break
        counts = _counts(segments, groups, caps.of_area(a), small, found, a, limit_s)
        for group, runs in counts.items():
            members = draw.permutation(np.flatnonzero(segments.of == group))
            for member, turn in zip(members, np.repeat([r for r, _ in runs], [n for _, n in runs]), strict=False):
                own[member] = found.mu_ran[turn][a]
    return own.astype(float)


def _last_duals(fleet: Fleet, pool: Sequence[Proposal], caps: Caps, mu_an: Array) -> Array:
    """mu (A, N), moved towards what the schedules of all pumps ask for."""
    moved = mu_an.copy()

    def job(a: int) -> None:
        if mu_an[a].any():
            candidates = _counted(fleet, pool, np.flatnonzero(caps.area == a), caps.of_area(a))
            step = dual_ascent(candidates, mu_an[a])[0] - mu_an[a]
            moved[a] += np.clip(step, -LAST_STEP_EUR_PER_MWH, LAST_STEP_EUR_PER_MWH)

    in_parallel([partial(job, a) for a in range(len(mu_an))])
    return moved


def _counts(
    segments: Segments,
    groups: npt.NDArray[np.intp],
    together: LoadCost,
    small: Fleet,
    found: _Found,
    a: int,
    limit_s: float,
) -> dict[int, list[tuple[int, int]]]:
    """How many pumps of each segment run the schedule of which round, by the integer master."""
    pool = [small.calm, *found.proposals]
    priced = _candidates(pool, groups, together, segments.weight[groups]).priced(found.mu_an[a])
    columns, rounds = [], []
    for place, group in enumerate(groups):
        scale = float(segments.weight[group] / segments.size[group])
        seen: set[bytes] = set()
        for k in np.argsort(priced[:, place], kind="stable"):
            key = pool[k].modes[group].tobytes()
            if key in seen or len(seen) == COLUMNS_PER_GROUP or priced[k, place] >= NEVER_EUR / 2:
                continue
            seen.add(key)
            power = scale * pool[k].power_kw[group].astype(float)
            columns.append(Column(place, pool[k].modes[group], power, scale * float(pool[k].cost_eur[group])))
            rounds.append(int(k) - 1)
    counts = Master([int(n) for n in segments.size[groups]], together.cap_kw, together.nominated).choose(
        columns, limit_s, gap=1e-3
    )
    runs: dict[int, list[tuple[int, int]]] = {}
    if counts is not None:
        for column, turn, count in zip(columns, rounds, counts, strict=True):
            if count and turn >= 0:  # whoever is to stay calm is left to the common duals
                runs.setdefault(int(groups[column.group]), []).append((turn, int(count)))
    return runs


def _asked_again(fleet: Fleet, pool: Sequence[Proposal], mu_an: Array, caps: Caps, deadline: float) -> list[Proposal]:
    """Further schedules of pumps that would be moved for something else than shifting (see `guard`) or use too much."""
    price, calm = fleet.horizon.price_eur_per_mwh, fleet.calm
    failing, shifting = np.zeros(fleet.size, dtype=bool), np.zeros(fleet.size, dtype=bool)
    least = least_gain_eur(calm)
    for proposal in pool:
        failing |= (calm.cost_eur - proposal.cost_eur >= least) & (shifting_eur(calm, proposal, price) < least)
        shifting |= earns(calm, proposal, price)
    failing &= ~shifting
    mu = mu_an[caps.area]
    again = []
    if failing.any():
        again = [fleet.propose(mu, deadline, only=failing, price=stressed) for stressed in stressed_prices(price)]
    # who would use more than its home is to pay for is asked at prices that make every kilowatt-hour dearer
    beyond = ~np.all([fleet.allows(proposal) | ~proposal.limited for proposal in (*pool, *again)], axis=0)
    if beyond.any():
        again += [fleet.propose(mu, deadline, only=beyond, price=price + dearer) for dearer in DEARER_EUR_PER_MWH]
    return again


def _choose(
    fleet: Fleet, pool: Sequence[Proposal], caps: Caps, mu_an: Array, deadline: float, seed: int
) -> npt.NDArray[np.intp]:
    """Which proposal every pump follows, (B,)."""
    chosen = np.zeros(fleet.size, dtype=np.intp)

    def job(a: int) -> None:
        rows = np.flatnonzero(caps.area == a)
        if not len(rows):
            return
        candidates = _counted(fleet, pool, rows, caps.of_area(a))
        mu = dual_ascent(candidates, mu_an[a])[0] if mu_an[a].any() and monotonic() < deadline else mu_an[a]
        mine = candidates.priced(mu).argmin(axis=0)
        if mu_an[a].any() and fleet.size <= MILP_PUMPS:
            mine = _pick_in_integers(candidates, mine, mu, deadline)
        calm = np.zeros_like(mine)
        mine, still = settle(candidates, mine, seed), settle(candidates, calm, seed)
        chosen[rows] = mine if _together_eur(candidates, mine) <= _together_eur(candidates, still) else still

    in_parallel([partial(job, a) for a in range(len(caps.cap_kw))])
    return chosen


def _counted(fleet: Fleet, pool: Sequence[Proposal], rows: npt.NDArray[np.intp], together: LoadCost) -> Candidates:
    """The pool's schedules of some pumps, at the cost the rule of `guard` counts."""
    price = fleet.horizon.price_eur_per_mwh
    cost = [fleet.calm.cost_eur[rows]]
    for proposal in pool[1:]:
        counted = counted_cost_eur(fleet.calm, proposal, price)
        cost.append(np.where(fleet.allows(proposal), counted, NEVER_EUR)[rows])
    power = np.stack([p.power_kw[rows] for p in pool])
    return Candidates(np.stack(cost), power, np.ones(len(rows)), together)


def _together_eur(candidates: Candidates, chosen: npt.NDArray[np.intp]) -> float:
    own = candidates.cost_eur[chosen, np.arange(len(chosen))].sum()
    return float(own) + candidates.together.eur(candidates.load_kw(chosen))


def _pick_in_integers(
    candidates: Candidates, chosen: npt.NDArray[np.intp], mu: Array, deadline: float
) -> npt.NDArray[np.intp]:
    """The integer master's pick of one candidate per pump, where that is cheaper."""
    limit_s = min(MILP_S, deadline - monotonic())
    if limit_s < 0.1:
        return chosen
    priced = candidates.priced(mu)
    columns, which = [], []
    for i in range(len(chosen)):
        order = np.argsort(priced[:, i], kind="stable")[: 2 * COLUMNS_PER_GROUP]
        for k in {0, int(chosen[i]), *(int(k) for k in order if priced[k, i] < NEVER_EUR / 2)}:
            power = candidates.power_kw[k, i].astype(float)
            columns.append(Column(i, np.empty(0, dtype=np.intp), power, float(candidates.cost_eur[k, i])))
            which.append(k)
    together = candidates.together
    counts = Master([1] * len(chosen), together.cap_kw, together.nominated).choose(columns, limit_s)
    if counts is None:
        return chosen
    picked = chosen.copy()
    for column, k, count in zip(columns, which, counts, strict=True):
        if count:
            picked[column.group] = k
    return picked if _together_eur(candidates, picked) < _together_eur(candidates, chosen) else chosen


def _polish(
    fleet: Fleet,
    pool: list[Proposal],
    chosen: npt.NDArray[np.intp],
    caps: Caps,
    mu_an: Array,
    deadline: float,
    seed: int,
) -> npt.NDArray[np.intp]:
    """Let every pump answer to what the others leave of cap and nomination, while that helps."""
    everyone = np.arange(fleet.size)
    for _ in range(POLISHING):
        own = _compose(pool, chosen).power_kw
        others = caps.loads_kw(own)[caps.area] - own
        free = np.minimum(caps.cap_kw[caps.area] - others, NO_LIMIT_KW)
        for mu in (np.zeros_like(mu_an), mu_an):
            pool += [fleet.propose(mu[caps.area], deadline, free_kw_bn=free, named=caps.named(others))]
        before = after = 0.0
        for a in np.unique(caps.area):
            rows = everyone[caps.area == a]
            candidates = _counted(fleet, pool, rows, caps.of_area(a))
            before += _together_eur(candidates, chosen[rows])
            mine = settle(candidates, _pick_in_integers(candidates, chosen[rows], mu_an[a], deadline), seed)
            after += _together_eur(candidates, mine)
            chosen[rows] = mine
        if monotonic() > deadline or before - after < 1e-4 * abs(before):
            break
    return chosen


def _compose(pool: Sequence[Proposal], chosen: npt.NDArray[np.intp]) -> Proposal:
    """The proposal in which every pump follows its own choice."""
    made = pool[0].copy()
    for k in range(1, len(pool)):
        made.take(pool[k], np.flatnonzero(chosen == k))
    return made
