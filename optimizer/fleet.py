"""The houses of one request, ready to be asked: what would each do at these prices, and what can none of them beat?

Symbols: B steered houses over N slots in batches of one automaton each; D plan days; mu (N,) the cap's dual in EUR/MWh;
nu (B, D) the price of a change of mode; L the limit on changes per plan day.

Invariant: a schedule that leaves here was simulated in the continuous model and keeps dwell; `limited` says whether it
also keeps L. A bound that leaves here is valid for any mu and nu >= 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np
import numpy.typing as npt

from domain.slots import SLOT_HOURS
from optimizer.bound import underestimate
from optimizer.dwell import MAX_CHANGES_PER_DAY, change_blocks, count_changes, dwell_of
from optimizer.house import LOW, Array, House
from optimizer.objective import Schedules, evaluate
from optimizer.programme import CELL_K, Batch, Prices, Programme, batch_of, reachable_grid
from optimizer.response import Horizon, Responses

BATCH_HOUSES = 16
"""Tables of more houses than this fall out of the processor's cache."""
KEPT_BATCHES = 24
"""About 12 MB each."""
BOUND_CELL_K = 0.02
"""The bound's slack shrinks nearly in proportion: 0.43 % of the energy cost at 0.04 K, 0.26 % at 0.02 K."""
FINELY_BOUNDED_HOUSES = 100
TIE_NOISE_EUR_PER_MWH = 0.02
"""Price noise of each house's own, so that equal houses break ties differently; never part of a reported cost."""


@dataclass(frozen=True)
class Proposal:
    """One schedule for every house of a fleet, simulated."""

    schedules: Schedules
    changes_bd: npt.NDArray[np.intp]
    """Changes of mode per house and plan day, (B, D)."""

    @property
    def limited(self) -> npt.NDArray[np.bool_]:
        """Which houses keep to the limit on changes, (B,)."""
        return np.asarray((self.changes_bd <= MAX_CHANGES_PER_DAY).all(axis=1))


class Fleet:
    """Steered houses and their programmes."""

    def __init__(
        self,
        houses: Sequence[House],
        responses: Responses,
        horizon: Horizon,
        start: Sequence[tuple[int, int]],
        seed: int,
        cell_k: float = CELL_K,
    ) -> None:
        """`start` holds each house's mode in force and for how many slots it has been."""
        self.houses, self.horizon = tuple(houses), horizon
        self.size, self.slots = len(houses), horizon.slots
        self.block = change_blocks(self.slots)
        self.days = int(self.block[-1]) + 1
        self._batches: list[Batch] = []
        for sensed in (True, False):
            dwell = dwell_of(sensed)
            of_kind = [i for i, h in enumerate(houses) if h.sensed == sensed]
            for first in range(0, len(of_kind), BATCH_HOUSES):
                rows = np.array(of_kind[first : first + BATCH_HOUSES], dtype=np.intp)
                states = np.array([dwell.start(*start[i]) for i in rows], dtype=np.intp)
                mine = [houses[i] for i in rows]
                self._batches.append(batch_of(mine, rows, responses.part(rows), horizon, dwell, states, cell_k))
        self._kept: dict[int, Programme] = {}
        noise = np.random.default_rng(seed).normal(0.0, TIE_NOISE_EUR_PER_MWH, (self.size, self.slots))
        self._noisy = horizon.price_eur_per_mwh + noise
        self._calm = self._calm_modes()

    def propose(
        self,
        mu: Array,
        nu_bd: Array,
        deadline: float,
        free_kw_bn: Array | None = None,
        only: npt.NDArray[np.bool_] | None = None,
    ) -> Proposal:
        """Every house's best schedule at price + mu, changes priced at nu, overflow of `free_kw_bn` at its price.

        Houses outside `only`, and those not reached before the deadline (monotonic seconds), keep to `calm`.
        """
        modes = self._calm.copy()
        for place, batch in enumerate(self._batches):
            rows = batch.rows
            if (only is not None and not only[rows].any()) or monotonic() > deadline:
                continue
            free = None if free_kw_bn is None else free_kw_bn[rows]
            nu_bn = nu_bd[rows][:, self.block]
            modes[rows] = self._programme(place).solve(Prices(self._noisy[rows] + mu, nu_bn, free))
        return self.simulate(modes)

    def calm(self) -> Proposal:
        """Neutral as soon as dwell allows: the schedule that is always at hand."""
        return self.simulate(self._calm)

    def neutral(self) -> Proposal:
        """Every house LOW throughout: what the plan is measured against."""
        return self.simulate(np.full((self.size, self.slots), LOW, dtype=np.intp))

    def simulate(self, modes: npt.NDArray[np.intp]) -> Proposal:
        """Schedules (B, N) run through the continuous model."""
        b, n = modes.shape
        room, power, energy, cost = np.empty((b, n)), np.empty((b, n)), np.empty(b), np.empty(b)
        changes = np.zeros((b, self.days), dtype=np.intp)
        for batch in self._batches:
            rows = batch.rows
            changed = count_changes(modes[rows], batch.mode_before)
            run = evaluate(batch.responses, batch.objective, self.horizon, modes[rows], changed)
            room[rows], power[rows], energy[rows], cost[rows] = run.room_c, run.power_kw, run.energy_eur, run.cost_eur
            for d in range(self.days):
                changes[rows, d] = changed[:, self.block == d].sum(axis=1)
        return Proposal(Schedules(modes, room, power, energy, cost), changes)

    def admits(self, modes: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Which of these schedules (B, N) keep each house's dwell, (B,)."""
        kept = np.zeros(self.size, dtype=bool)
        for batch in self._batches:
            for place, row in enumerate(batch.rows):
                kept[row] = batch.dwell.admits(modes[row], int(batch.start_state[place]))
        return kept

    def least_cost(self, mu: Array, nu_bd: Array, deadline: float) -> Array:
        """EUR (B,) that no schedule within the limits costs less than at price + mu; rigorous, see `bound`.

        Houses not reached before the deadline get a crude bound, which is as valid.
        """
        least = np.empty(self.size)
        for batch in self._batches:
            rows = batch.rows
            price = np.tile(self.horizon.price_eur_per_mwh + mu, (len(rows), 1))
            if monotonic() > deadline:
                least[rows] = crude_bound(batch, price)
            else:
                cell_k = BOUND_CELL_K if self.size <= FINELY_BOUNDED_HOUSES else CELL_K
                finer = replace(batch, grid=reachable_grid(batch.houses, batch.responses, cell_k))
                least[rows] = underestimate(finer, Prices(price, nu_bd[rows][:, self.block]))
        return least

    def _programme(self, place: int) -> Programme:
        """Tables of a batch; kept for the first batches, made anew for the rest, so that memory stays bounded."""
        if place in self._kept:
            return self._kept[place]
        programme = Programme(self._batches[place])
        if len(self._kept) < KEPT_BATCHES:
            self._kept[place] = programme
        return programme

    def _calm_modes(self) -> npt.NDArray[np.intp]:
        modes = np.full((self.size, self.slots), LOW, dtype=np.intp)
        for batch in self._batches:
            dwell = batch.dwell
            for row, start in zip(batch.rows, batch.start_state, strict=True):
                state = int(start)
                for t in range(self.slots):
                    steps = list(dwell.followers(state))
                    state = next((s for s in steps if dwell.mode[s] == LOW), steps[0])
                    modes[row, t] = dwell.mode[state]
                    if modes[row, t] == LOW:
                        break
        return modes


def crude_bound(batch: Batch, price_bn: Array) -> Array:
    """EUR (B,) no schedule costs less than, in no time: least priced power in every slot, and the most heat left."""
    responses, rooms = batch.responses, batch.grid.rooms()
    ends = rooms[:, [0, -1]]
    least = np.zeros(len(rooms))
    for t in range(price_bn.shape[1]):
        power = responses.powers(t, ends)  # falls with the room, so its extremes lie at the ends
        least += (power * price_bn[:, t, None]).min(axis=(0, 2)) * (SLOT_HOURS / 1000)
    corners = batch.objective.corner_bnk[:, -1]
    last = np.concatenate([ends, np.clip(corners, ends[:, :1], ends[:, 1:])], axis=1)
    return np.asarray(least + np.minimum(batch.objective.room_cost(price_bn.shape[1] - 1, last).min(axis=1), 0.0))
