"""Schedules that spare homes the charge for peak power, and prices per slot that bound what could be spared.

Invariant: what is kept of a home is the cheapest schedule met by its true charge, own control's at worst.
"""

from time import monotonic

import numpy as np
import numpy.typing as npt

from optimizer.fleet import Fleet
from optimizer.house import Array
from optimizer.peaks import Peaks
from optimizer.proposal import Proposal

ROUNDS = 12
LEVELS = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
"""Peaks that are tried as limits: so far from own control's down to what running evenly would need."""


def shave(fleet: Fleet, deadline: float) -> list[Proposal]:
    """Schedules of the homes that pay for peaks, cheapest found for each; leaves the best tangents with the fleet.

    Tangents at the schedules met are mixed in with falling shares, from the best so far: the value at price + pi with
    its constant is what is to be raised.
    """
    peaks = fleet.peaks
    if peaks is None:
        return []
    asked, no_mu = peaks.charged & fleet.has_authority, np.zeros(fleet.slots)
    best = fleet.calm.copy()
    kept = tangent = peaks.tangent(fleet.calm.power_kw)
    most = np.full(fleet.size, -np.inf)
    for turn in range(ROUNDS):
        fleet.tangent = tangent
        found = fleet.propose(no_mu, deadline, only=asked)
        if monotonic() > deadline:
            break
        value = found.cost_eur - found.charge_eur + tangent.at(found.power_kw)
        kept, most = tangent.where(value > most, kept), np.maximum(value, most)
        _take_cheaper(best, found)
        tangent = kept.mixed(peaks.tangent(found.power_kw), 1 / (turn + 2))
    own, even = peaks.levels_kw(fleet.calm.power_kw), _even_levels(peaks, fleet.calm.power_kw)
    fleet.tangent = None
    for share in LEVELS:
        level = np.maximum(own - share * np.maximum(own - even, 0.0), peaks.above_bd)
        _take_cheaper(best, fleet.propose(no_mu, deadline, only=asked, free_kw_bn=peaks.free_kw(level)))
    fleet.tangent = kept
    return [best]


def _even_levels(peaks: Peaks, power_kw: npt.NDArray[np.floating]) -> Array:
    """Highest interval of each day if the heating ran evenly, (B, D)."""
    return peaks.levels_kw(np.broadcast_to(power_kw.mean(axis=1, keepdims=True), power_kw.shape))


def _take_cheaper(best: Proposal, found: Proposal) -> None:
    best.take(found, np.flatnonzero(found.limited & (found.cost_eur < best.cost_eur)))
