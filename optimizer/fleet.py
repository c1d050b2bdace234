"""The houses of a fleet, ready to be asked: what would each do at these prices, and what can none of them beat?

Symbols: B houses over N slots, in chunks of one automaton each; D plan days; mu the cap's dual in EUR/MWh; nu (B, D)
the price of a change of mode; L the limit on changes per plan day.

Memory: a house's responses and objective take some 28 KB for a day, so they are made chunk by chunk, on all cores, and
kept only for the first `KEPT_CHUNKS`; what remains of a house is its schedule.

Invariant: a schedule that leaves here was simulated in the continuous model and keeps dwell; `limited` says whether it
also keeps L. A bound that leaves here is valid for any mu and nu >= 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from time import monotonic

import numpy as np
import numpy.typing as npt

from domain.slots import SLOT_HOURS
from optimizer.compiled import in_parallel
from optimizer.dwell import Dwell, change_blocks, dwell_of
from optimizer.few_changes import FEW_CHANGES, best_with_few_changes
from optimizer.guard import least_gain_eur, most_by_shifting
from optimizer.house import LOW, Array, Houses
from optimizer.house_bound import COARSE, FINE, FINELY_BOUNDED_HOUSES, automaton, bounds_of, cells_of, crude_bound
from optimizer.kernels import Model, simulate
from optimizer.modelled import Modelled, has_authority, modelled_of, most_by_sun
from optimizer.peaks import Peaks, Tangent
from optimizer.programme import VECTOR_POINTS, best_schedules
from optimizer.proposal import Proposal
from optimizer.response import Horizon

CHUNK_HOUSES = 256
"""Arrays of more houses than this fall out of the processor's cache, and a deadline is looked at once a chunk."""
KEPT_CHUNKS = 256
"""About 7 MB each: making a chunk's model anew for every sweep takes as long as half a sweep."""
CELL_K = 0.05
BELOW_K, ABOVE_K = 0.6, 0.4
"""The programme looks this far beyond the rooms its houses aim for; further out a plan has nothing to do."""
NU_STEPS = 8
LEAST_NU_EUR = 0.002
TIE_NOISE_EUR_PER_MWH = 0.02
"""Price noise of each house's own, so that equal houses break ties differently; never part of a reported cost."""
NOTHING = np.empty((0, 0))
ROUNDING_KWH = 1e-4
"""Powers are kept in single precision."""


@dataclass(frozen=True)
class _Chunk:
    """Houses of one automaton and one limit on changes."""

    rows: npt.NDArray[np.intp]
    dwell: Dwell
    most_changes: int


@dataclass(frozen=True)
class Named:
    """What the others leave of a nomination to each house, and what deviating from that costs, EUR/MWh."""

    room_kw: Array
    """(B, N)."""
    up: Array
    """(B,)."""
    down: Array

    def laid_over(self, model: Model, rows: npt.NDArray[np.intp]) -> tuple[Model, Array]:
        """A model of these houses with the price of deviation inside, and what to add to its prices (b, 1).

        With n the room, u (P - n)+ + d (n - P)+ = u P - (u + d) min(P, n) + d n for n >= 0: a power whose first n kW
        are cheaper by u + d, which is what an own roof does. A house under one is left with its roof.
        """
        bare = ~model.sun.any(axis=1, keepdims=True)
        up, cheaper = self.up[rows, None], (self.up + self.down)[rows, None]
        sun = np.where(bare, np.maximum(self.room_kw[rows], 0.0), model.sun)
        return model._replace(sun=sun, sun_saving=np.where(bare, cheaper, model.sun_saving)), np.where(bare, up, 0.0)


class Fleet:
    """Houses and their programmes; pumps without authority stay neutral in every proposal."""

    def __init__(
        self,
        houses: Houses,
        horizon: Horizon,
        start: Sequence[tuple[int, int]],
        seed: int,
        cell_k: float = CELL_K,
        peaks: Peaks | None = None,
        most_extra_kwh: Array | None = None,
        deviation_eur_per_mwh: float = 0.0,
    ) -> None:
        """`start` holds each house's mode in force and for how many slots it has been.

        `most_extra_kwh` (B,) is by how much a plan day's energy may exceed own control's, infinite for no limit.
        `deviation_eur_per_mwh` is the most that moving a kilowatt-hour can save of deviating from a nomination.
        """
        self._most_extra_kwh = np.full(houses.size, np.inf) if most_extra_kwh is None else most_extra_kwh
        self.peaks = peaks
        self._deviation_eur_per_mwh = deviation_eur_per_mwh
        self.tangent: Tangent | None = None
        """Prices that stand for the charge for peak power in a search and in the bound; see `peaks`."""
        self.houses, self.horizon, self._seed, self._held = houses, horizon, seed, list(start)
        self._cell_k = cell_k
        self.size, self.slots = houses.size, horizon.slots
        self.block = change_blocks(self.slots)
        self.days = int(self.block[-1]) + 1
        self._before = np.array([mode for mode, _ in start], dtype=np.int64)
        self._start = _start_states(houses, start)
        self._kept: dict[int, Modelled] = {}
        self._chunks: list[_Chunk] = []
        limits = [int(most) for most in np.unique(houses.most_changes)]
        for sensed, most in [(sensed, most) for sensed in (True, False) for most in limits]:
            of_kind = np.flatnonzero((houses.sensed == sensed) & (houses.most_changes == most))
            for first in range(0, len(of_kind), CHUNK_HOUSES):
                self._chunks.append(_Chunk(of_kind[first : first + CHUNK_HOUSES], dwell_of(sensed), most))
        self.has_authority = np.zeros(self.size, dtype=bool)
        self.neutral = self._survey()

    def part(self, rows: npt.NDArray[np.intp]) -> "Fleet":
        """Some of the houses as a fleet of their own."""
        peaks = None if self.peaks is None else self.peaks.part(rows)
        held = [self._held[i] for i in rows]
        extra = self._most_extra_kwh[rows]
        found = Fleet(
            self.houses.part(rows), self.horizon, held, self._seed, self._cell_k, peaks, extra,
            self._deviation_eur_per_mwh,
        )  # fmt: skip
        found.tangent = None if self.tangent is None else self.tangent.part(rows)
        return found

    def _survey(self) -> Proposal:
        """Every house LOW throughout (what the plan is measured against), and which houses can be steered at all."""
        out = self._blank(np.full((self.size, self.slots), LOW, dtype=np.int8))

        def job(place: int) -> None:
            chunk = self._chunks[place]
            modelled = self._modelled(place)
            self.has_authority[chunk.rows] = has_authority(modelled.responses)
            self._run(modelled, chunk.rows, out)

        in_parallel([partial(job, place) for place in range(len(self._chunks))])
        return out

    @cached_property
    def calm(self) -> Proposal:
        """Neutral as soon as dwell allows: the schedule that is always at hand."""
        modes = self.neutral.modes.copy()
        held = np.flatnonzero((self._before != LOW) & self.has_authority)
        for row in held:
            dwell, state = dwell_of(bool(self.houses.sensed[row])), int(self._start[row])
            for t in range(self.slots):
                steps = list(dwell.followers(state))
                state = next((s for s in steps if dwell.mode[s] == LOW), steps[0])
                modes[row, t] = dwell.mode[state]
                if modes[row, t] == LOW:
                    break
        return self.simulate(modes, held) if len(held) else self.neutral

    def propose(
        self,
        mu: Array,
        deadline: float,
        *,
        nu_bd: Array | None = None,
        free_kw_bn: Array | None = None,
        named: Named | None = None,
        only: npt.NDArray[np.bool_] | None = None,
        price: Array | None = None,
    ) -> Proposal:
        """Every house's best schedule at price + mu ((N,) or (B, N)).

        Overflow of `free_kw_bn` and deviation from `named` are priced as well.
        Houses outside `only`, and those not reached before the deadline (monotonic seconds), keep to `calm`. `price`
        (N,) takes the place of the day's in the search; what is reported is always at the day's.
        """
        out = self.calm.copy()
        asked = self.has_authority if only is None else only & self.has_authority
        base = self.horizon.price_eur_per_mwh if price is None else price

        def job(place: int) -> None:
            chunk = self._chunks[place]
            places = np.flatnonzero(asked[chunk.rows])
            if not len(places) or monotonic() > deadline:
                return
            modelled = self._modelled(place)
            noise = np.random.default_rng((self._seed, place)).normal(
                0.0, TIE_NOISE_EUR_PER_MWH, (len(chunk.rows), self.slots)
            )
            if len(places) < len(chunk.rows):
                modelled, noise = modelled.part(places), noise[places]
            rows = chunk.rows[places]
            prices = base + noise + (mu if mu.ndim == 1 else mu[rows])
            if self.tangent is not None:
                prices += self.tangent.price_bn[rows]
            nu = np.zeros((len(rows), self.days)) if nu_bd is None else nu_bd[rows].copy()
            modes = np.empty((len(rows), self.slots), dtype=np.int8)
            low, cell, points = _grid(modelled, self._cell_k)
            model = modelled.model
            if named is not None:
                model, more = named.laid_over(model, rows)
                prices += more
            free = NOTHING if free_kw_bn is None else free_kw_bn[rows]
            best_schedules(
                model, prices, nu, free, automaton(chunk.dwell), self._start[rows], low, cell, points,
                self.block, chunk.most_changes, NU_STEPS, LEAST_NU_EUR, modes, np.empty(len(rows), dtype=bool),
            )  # fmt: skip
            if chunk.most_changes <= FEW_CHANGES:  # the prices of changes found above serve the bound
                best_with_few_changes(
                    model, prices, free, automaton(chunk.dwell), self._start[rows], low, cell, points,
                    self.block, chunk.most_changes, modes,
                )  # fmt: skip
            out.modes[rows], out.nu_bd[rows] = modes, nu
            self._run(modelled, rows, out)

        in_parallel([partial(job, place) for place in range(len(self._chunks))])
        return out

    def simulate(self, modes: npt.NDArray[np.int8], rows: npt.NDArray[np.intp] | None = None) -> Proposal:
        """Schedules (B, N) run through the continuous model; where only `rows` differ from neutral, only those."""
        out = self._blank(modes) if rows is None else replace(self.neutral.copy(), modes=modes)
        wanted = np.ones(self.size, dtype=bool)
        if rows is not None:
            wanted[:] = False
            wanted[rows] = True

        def job(place: int) -> None:
            chunk = self._chunks[place]
            places = np.flatnonzero(wanted[chunk.rows])
            if len(places):
                self._run(self._modelled(place).part(places), chunk.rows[places], out)

        in_parallel([partial(job, place) for place in range(len(self._chunks))])
        return out

    def allows(self, proposal: Proposal) -> npt.NDArray[np.bool_]:
        """Whose schedules keep the limits on changes and on energy beyond calm's, (B,)."""
        allowed = proposal.limited
        bound = np.flatnonzero(np.isfinite(self._most_extra_kwh))
        if not len(bound):
            return allowed
        more_kwh = (proposal.power_kw[bound].astype(float) - self.calm.power_kw[bound]) * SLOT_HOURS
        of_day = np.stack([more_kwh[:, self.block == day].sum(axis=1) for day in range(self.days)], axis=1)
        allowed[bound] &= of_day.max(axis=1) <= self._most_extra_kwh[bound] + ROUNDING_KWH
        return allowed

    def first_break(self, row: int, modes: npt.NDArray[np.int8]) -> int | None:
        """The first slot in which one house's schedule (N,) breaks its dwell; None for none."""
        dwell = dwell_of(bool(self.houses.sensed[row]))
        return dwell.first_break(modes.astype(np.intp), int(self._start[row]))

    def admits(self, modes: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
        """Which of these schedules (B, N) keep each house's dwell, (B,)."""
        dwells = [dwell_of(bool(sensed)) for sensed in self.houses.sensed]
        return np.array(
            [d.admits(m.astype(np.intp), int(s)) for d, m, s in zip(dwells, modes, self._start, strict=True)]
        )

    def least_cost(self, mu: Array, near: Proposal, deadline: float, guarded: npt.NDArray[np.bool_]) -> Array:
        """EUR (B,) that no schedule within the limits costs less than at price + mu ((N,) or (B, N)); see `bound`.

        Best where the schedules are like those of `near`. Pumps without authority cost what neutral does, `guarded`
        ones that cannot shift what calm does (see `guard`). Houses not reached before the deadline get a crude bound,
        which is as valid.
        """
        least = self.neutral.energy_eur + self.neutral.charge_eur
        least += (self.neutral.power_kw * mu).sum(axis=1) * SLOT_HOURS / 1000
        fineness = FINE if self.size <= FINELY_BOUNDED_HOUSES else COARSE
        day = self.horizon.price_eur_per_mwh

        def job(place: int) -> None:
            chunk = self._chunks[place]
            places = np.flatnonzero(self.has_authority[chunk.rows])
            if not len(places):
                return
            modelled, rows = self._modelled(place).part(places), chunk.rows[places]
            price = np.ascontiguousarray(
                np.broadcast_to(day + (mu if mu.ndim == 1 else mu[rows]), (len(rows), self.slots))
            )
            tangent = None if self.tangent is None else self.tangent.part(rows)
            if tangent is not None:
                price = price + tangent.price_bn
            beside = 0.0 if tangent is None else tangent.constant_eur
            if monotonic() > deadline:
                least[rows] = beside + crude_bound(
                    modelled.responses, modelled.objective, modelled.low_c, modelled.high_c, price
                )
                least[rows] -= most_by_sun(modelled.model)
                return
            found = bounds_of(
                modelled, price, (near.room_c[rows], near.nu_bd[rows]), (self._before[rows], self._start[rows]),
                chunk.dwell, self.block, fineness, most_changes=chunk.most_changes,
            )  # fmt: skip
            found += beside
            if guarded[rows].any():
                ends = modelled.low_c, modelled.high_c
                most = most_by_shifting(modelled.responses, *ends, self.calm.power_kw[rows], day)
                most += most_by_sun(modelled.model)
                most += self.calm.charge_eur[rows]
                stays_calm = guarded[rows] & (most < least_gain_eur(self.calm)[rows])
                found = np.where(stays_calm, self.calm.cost_eur[rows], found)
            least[rows] = found

        in_parallel([partial(job, place) for place in range(len(self._chunks))])
        return least

    def _modelled(self, place: int) -> Modelled:
        """A chunk's model; kept for the first chunks, made anew for the rest, so that memory stays bounded."""
        kept = self._kept.get(place)
        if kept is None:
            rows = self._chunks[place].rows
            reach = 0.0 if self.peaks is None else self.peaks.reach_eur_per_mwh[rows]
            kept = modelled_of(self.houses.part(rows), self.horizon, reach + self._deviation_eur_per_mwh)
            if len(self._kept) < KEPT_CHUNKS:
                self._kept[place] = kept
        return kept

    def _run(self, modelled: Modelled, rows: npt.NDArray[np.intp], out: Proposal) -> None:
        """Simulate `out.modes[rows]` and write what comes of it."""
        b, n = len(rows), self.slots
        room, power = np.empty((b, n), dtype=np.float32), np.empty((b, n), dtype=np.float32)
        energy, cost, changes = np.empty(b), np.empty(b), np.empty((b, self.days), dtype=np.int64)
        simulate(
            modelled.model, self.horizon.price_eur_per_mwh, self._before[rows], self.block, out.modes[rows], room,
            power, energy, cost, changes,
        )  # fmt: skip
        charge = np.zeros(b) if self.peaks is None else self.peaks.part(rows).charge(power)
        out.room_c[rows], out.power_kw[rows], out.energy_eur[rows] = room, power, energy
        out.charge_eur[rows], cost = charge, cost + charge
        out.cost_eur[rows], out.changes_bd[rows] = cost, changes

    def _blank(self, modes: npt.NDArray[np.int8]) -> Proposal:
        b, n = self.size, self.slots
        return Proposal(
            modes, np.empty((b, n), dtype=np.float32), np.empty((b, n), dtype=np.float32), np.empty(b), np.empty(b),
            np.empty((b, self.days), dtype=np.int64), np.zeros((b, self.days)), np.zeros(b),
            self.houses.most_changes.copy(),
        )  # fmt: skip


def _start_states(houses: Houses, start: Sequence[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """States of the dwell automaton in which the horizon begins."""
    known: dict[tuple[bool, int, int], int] = {}
    states = np.empty(len(start), dtype=np.int64)
    for i, (mode, held) in enumerate(start):
        key = (bool(houses.sensed[i]), mode, min(held, 100))
        if key not in known:
            known[key] = dwell_of(key[0]).start(mode, key[2])
        states[i] = known[key]
    return states


def _grid(modelled: Modelled, cell_k: float) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """Even cells over the rooms worth reaching: lowest point, cell, number of points, (B,)."""
    objective, start = modelled.objective, modelled.responses.room_start_c
    neutral, floor, cell = objective.neutral_room_c, objective.lowest_c, cells_of(objective, cell_k)
    low = np.minimum(np.minimum(floor, start), neutral.min(axis=1)) - BELOW_K
    high = np.maximum(np.maximum(objective.highest_c, start), neutral.max(axis=1)) + ABOVE_K
    low, high = np.maximum(low, modelled.low_c), np.minimum(high, modelled.high_c)
    low = floor - np.ceil(np.maximum(floor - low, 0.0) / cell) * cell
    points = np.ceil((high - low) / cell).astype(np.int64) + 1
    return low, cell, points + -points % VECTOR_POINTS
