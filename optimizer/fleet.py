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
from optimizer.bound import Zones, least_costs
from optimizer.compiled import in_parallel
from optimizer.dwell import Dwell, change_blocks, dwell_of, without_holds
from optimizer.guard import least_gain_eur, most_by_shifting
from optimizer.house import LOW, MAX, MIN, Array, Houses
from optimizer.kernels import Automaton, Model, Single, simulate
from optimizer.objective import Objective, gentler, objective_of, sun_of
from optimizer.peaks import Peaks, Tangent
from optimizer.programme import best_schedules
from optimizer.proposal import Proposal
from optimizer.response import Horizon, Responses, respond

CHUNK_HOUSES = 256
"""Arrays of more houses than this fall out of the processor's cache, and a deadline is looked at once a chunk."""
KEPT_CHUNKS = 256
"""About 7 MB each: making a chunk's model anew for every sweep takes as long as half a sweep."""
CELL_K = 0.05
BELOW_K, ABOVE_K = 0.6, 0.4
"""The programme looks this far beyond the rooms its houses aim for; further out a plan has nothing to do."""
VECTOR_POINTS = 16
"""Grids are widened to multiples of this: what is left over of a vector loop runs one by one (a third of the time)."""
NU_STEPS = 8
LEAST_NU_EUR = 0.002
TIE_NOISE_EUR_PER_MWH = 0.02
"""Price noise of each house's own, so that equal houses break ties differently; never part of a reported cost."""
LEAST_ROOM_AUTHORITY_K = 0.3
LEAST_POWER_AUTHORITY = 0.05
"""MAX against MIN for `AUTHORITY_SLOTS`: below either, a mode cannot be told from noise and the pump is left alone."""
AUTHORITY_SLOTS = 24
NOTHING = np.empty((0, 0))


@dataclass(frozen=True)
class Fineness:
    """How closely the bound looks."""

    cell_k: float
    wide_k: float
    margin_k: float
    """Fine cells reach this far beyond the rooms of good schedules."""


FINE = Fineness(0.01, 0.1, 0.3)
COARSE = Fineness(0.015, 0.1, 0.1)
FINELY_BOUNDED_HOUSES = 2000
"""A fleet up to this size can afford the fine bound."""


@dataclass(frozen=True)
class _Chunk:
    """Houses of one automaton and one limit on changes."""

    rows: npt.NDArray[np.intp]
    dwell: Dwell
    most_changes: int


@dataclass(frozen=True)
class _Modelled:
    """A chunk's physics and objective."""

    houses: Houses
    responses: Responses
    objective: Objective
    model: Model
    low_c: Array
    high_c: Array
    """Rooms that can be reached at all, with a little beyond, (B,)."""

    def part(self, places: npt.NDArray[np.intp]) -> "_Modelled":
        return _Modelled(
            self.houses.part(places),
            self.responses.part(places),
            self.objective.part(places),
            Model(*(field[places] for field in self.model)),
            self.low_c[places],
            self.high_c[places],
        )


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
    ) -> None:
        """`start` holds each house's mode in force and for how many slots it has been."""
        self.peaks = peaks
        self.tangent: Tangent | None = None
        """Prices that stand for the charge for peak power in a search and in the bound; see `peaks`."""
        self.houses, self.horizon, self._seed, self._held = houses, horizon, seed, list(start)
        self._cell_k = cell_k
        self.size, self.slots = houses.size, horizon.slots
        self.block = change_blocks(self.slots)
        self.days = int(self.block[-1]) + 1
        self._before = np.array([mode for mode, _ in start], dtype=np.int64)
        self._start = _start_states(houses, start)
        self._kept: dict[int, _Modelled] = {}
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
        found = Fleet(self.houses.part(rows), self.horizon, held, self._seed, self._cell_k, peaks)
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
        only: npt.NDArray[np.bool_] | None = None,
        price: Array | None = None,
    ) -> Proposal:
        """Every house's best schedule at price + mu ((N,) or (B, N)), overflow of `free_kw_bn` at its price.

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
            best_schedules(
                modelled.model, prices, nu,
                NOTHING if free_kw_bn is None else free_kw_bn[rows], _automaton(chunk.dwell), self._start[rows],
                low, cell, points, self.block, chunk.most_changes, NU_STEPS, LEAST_NU_EUR, modes,
                np.empty(len(rows), dtype=bool),
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
            model = modelled.model
            dearest, cheapest = max(price.max(), 0.0), min(price.min(), 0.0)
            if model.sun.any():
                fed_in = (price - model.sun_saving)[model.sun > 0]
                dearest, cheapest = max(dearest, fed_in.max()), min(cheapest, fed_in.min())
            gentle = gentler(modelled.objective, float(dearest - cheapest))
            model = model._replace(below=gentle.below_bnk, above=gentle.above_bnk)
            zones = zones_of(modelled, near.room_c[rows], fineness)
            found = np.empty(len(rows))
            dwell, start = chunk.dwell, self._start[rows]
            if fineness is COARSE and dwell is dwell_of(True):
                dwell, start = without_holds(), without_holds().entry[self._before[rows]].astype(np.int64)
            least_costs(
                model, price, near.nu_bd[rows], _automaton(dwell), start, zones, self.block,
                chunk.most_changes, found,
            )  # fmt: skip
            found += beside
            if guarded[rows].any():
                ends = modelled.low_c, modelled.high_c
                most = most_by_shifting(modelled.responses, *ends, self.calm.power_kw[rows], day)
                most += most_by_sun(model)
                most += self.calm.charge_eur[rows]
                stays_calm = guarded[rows] & (most < least_gain_eur(self.calm)[rows])
                found = np.where(stays_calm, self.calm.cost_eur[rows], found)
            least[rows] = found

        in_parallel([partial(job, place) for place in range(len(self._chunks))])
        return least

    def _modelled(self, place: int) -> _Modelled:
        """A chunk's model; kept for the first chunks, made anew for the rest, so that memory stays bounded."""
        kept = self._kept.get(place)
        if kept is None:
            rows = self._chunks[place].rows
            reach = 0.0 if self.peaks is None else self.peaks.reach_eur_per_mwh[rows]
            kept = modelled_of(self.houses.part(rows), self.horizon, reach)
            if len(self._kept) < KEPT_CHUNKS:
                self._kept[place] = kept
        return kept

    def _run(self, modelled: _Modelled, rows: npt.NDArray[np.intp], out: Proposal) -> None:
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


def _automaton(dwell: Dwell) -> Automaton:
    return Automaton(
        dwell.mode.astype(np.int64), dwell.stay.astype(np.int64), dwell.may_leave, dwell.entry.astype(np.int64)
    )


def modelled_of(houses: Houses, horizon: Horizon, peak_eur_per_mwh: Array | float = 0.0) -> _Modelled:
    """Physics and objective of some houses."""
    responses = respond(houses, horizon)
    objective = objective_of(houses, responses, horizon, peak_eur_per_mwh)
    r, o = responses, objective
    model = Model(
        r.keep_on, r.keep_off, r.drift_on_bnm, r.drift_off_bn, r.drift_cap_bn, r.power_at_zero_bnm,
        r.power_slope_bnm, r.power_limit_bnm, r.heat_at_zero_bnm, r.heat_slope, r.heat_limit_bn, r.rod_bn,
        r.standby_kw, r.room_start_c, o.corner_bnk, o.below_bnk, o.above_bnk, houses.room_min_c,
        *sun_of(houses, horizon),
    )  # fmt: skip
    low, high = reachable(responses)
    return _Modelled(houses, responses, objective, Model(*(np.ascontiguousarray(f) for f in model)), low, high)


def most_by_sun(model: Model) -> Array:
    """EUR (B,) by which own surplus can change what any two schedules of a house cost, at most."""
    return np.asarray((np.abs(model.sun_saving) * model.sun).sum(axis=1) * SLOT_HOURS / 1000)


def reachable(responses: Responses) -> tuple[Array, Array]:
    """Lowest and highest room a house can reach in the horizon, with a little beyond, (B,) each."""
    low = high = responses.room_start_c
    least, most = low, high
    for t in range(responses.size[1]):
        ends = responses.rooms(t, np.stack([low, high], axis=1))
        low, high = ends[:, :, 0].min(axis=0), ends[:, :, 1].max(axis=0)
        least, most = np.minimum(least, low), np.maximum(most, high)
    return least - 0.02, most + 0.02


def has_authority(responses: Responses) -> npt.NDArray[np.bool_]:
    """Can MAX be told from MIN, in the room and on the meter, within some hours? (B,)"""
    room = np.stack([responses.room_start_c] * 2, axis=1)
    used = np.zeros_like(room)
    slots = min(AUTHORITY_SLOTS, responses.size[1])
    for t in range(slots):
        ends, powers = responses.rooms(t, room), responses.powers(t, room)
        room = np.stack([ends[MIN, :, 0], ends[MAX, :, 1]], axis=1)
        used += np.stack([powers[MIN, :, 0], powers[MAX, :, 1]], axis=1)
    needed_k = LEAST_ROOM_AUTHORITY_K * slots / AUTHORITY_SLOTS
    moves_room = room[:, 1] - room[:, 0] >= needed_k
    return np.asarray(moves_room & (used[:, 1] - used[:, 0] >= LEAST_POWER_AUTHORITY * used[:, 1]))


def _grid(modelled: _Modelled, cell_k: float) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """Even cells over the rooms worth reaching: lowest point, cell, number of points, (B,)."""
    objective, start = modelled.objective, modelled.responses.room_start_c
    neutral, floor, cell = objective.neutral_room_c, objective.lowest_c, cells_of(objective, cell_k)
    low = np.minimum(np.minimum(floor, start), neutral.min(axis=1)) - BELOW_K
    high = np.maximum(np.maximum(objective.highest_c, start), neutral.max(axis=1)) + ABOVE_K
    low, high = np.maximum(low, modelled.low_c), np.minimum(high, modelled.high_c)
    low = floor - np.ceil(np.maximum(floor - low, 0.0) / cell) * cell
    points = np.ceil((high - low) / cell).astype(np.int64) + 1
    return low, cell, points + -points % VECTOR_POINTS


def cells_of(objective: Objective, most_k: float) -> Array:
    """Cells of at most `most_k` that put both ends of the band on grid points, (B,): costs bend there."""
    span = objective.highest_c - objective.lowest_c
    return np.asarray(span / np.ceil(span / most_k - 1e-9))


def zones_of(modelled: _Modelled, room_c: Single, fineness: Fineness) -> Zones:
    """Fine cells around rooms (B, N) of good schedules; wide ones as far as rooms can get."""
    low_c, high_c, floor_c = modelled.low_c, modelled.high_c, modelled.objective.lowest_c
    fine = cells_of(modelled.objective, fineness.cell_k)
    fine_from = np.maximum(room_c.min(axis=1).astype(float) - fineness.margin_k, low_c)
    fine_to = np.minimum(room_c.max(axis=1).astype(float) + fineness.margin_k, high_c)
    fine_from = floor_c - np.ceil((floor_c - fine_from) / fine) * fine
    middle = np.maximum(np.ceil((fine_to - fine_from) / fine).astype(np.int64), 1)
    fine_to = fine_from + middle * fine
    wide = np.full(len(low_c), fineness.wide_k)
    below = np.maximum(np.ceil((fine_from - low_c) / wide).astype(np.int64), 1)
    above = np.maximum(np.ceil((high_c - fine_to) / wide).astype(np.int64), 1)
    return Zones(fine_from - below * wide, wide, below, fine_from, fine, middle, fine_to, above)


def crude_bound(responses: Responses, objective: Objective, low_c: Array, high_c: Array, price_bn: Array) -> Array:
    """EUR (B,) no schedule costs less than, in no time: least priced power in every slot, and the most heat left."""
    ends = np.stack([low_c, high_c], axis=1)
    least = np.zeros(len(ends))
    for t in range(price_bn.shape[1]):
        power = responses.powers(t, ends)  # falls with the room, so its extremes lie at the ends
        least += (power * price_bn[:, t, None]).min(axis=(0, 2)) * (SLOT_HOURS / 1000)
    corners = objective.corner_bnk[:, -1]
    last = np.concatenate([ends, np.clip(corners, ends[:, :1], ends[:, 1:])], axis=1)
    return np.asarray(least + np.minimum(objective.room_cost(price_bn.shape[1] - 1, last).min(axis=1), 0.0))
