"""What a pump must earn to be moved at all: nobody is moved by what would also be earned on a flat price.

Symbols: d_t = price - mean price; calm the schedule a pump has without us; for a schedule x of the same pump

    G(x) = cost(calm) - cost(x)                what it earns
    S(x) = sum_t (P_calm - P_x) d_t dt         what it earns by shifting: the same energy at the mean price earns none
                                               (own surplus at what it costs: moving to sunny slots is shifting),
         + charge(calm) - charge(x)            and by a lower peak where the home pays for it (see `peaks`)

A schedule earns what it earns only where both reach the least gain; otherwise it counts as no cheaper than calm, and is
only ever run where a cap or a nomination needs it. On a flat price without a charge for peaks S is 0 for every
schedule, so nobody is moved, whatever the weather (milder hours) and whatever the sign of the price (heat burnt for a
reward).

The best schedule by cost may earn by consuming alone where a price below zero rewards that, and another one nearly as
cheap may shift. So pumps whose best schedule fails the rule are asked again at prices that stress shifting: the day's
with (part of) a negative mean taken out, or with the differences from a positive mean enlarged. That leaves no cliff:
what is forgone is what no shifting schedule earns.

Invariant: the bound is held to the same rule. Where calm keeps every cap, nothing is nominated and no schedule of a
pump can shift for the least gain (`most_by_shifting`), its bound is the cost of calm.
"""

import numpy as np
import numpy.typing as npt

from domain.slots import SLOT_HOURS
from optimizer.house import Array
from optimizer.kernels import Single
from optimizer.proposal import Proposal
from optimizer.response import Responses

LEAST_GAIN_SHARE = 0.005
LEAST_GAIN_EUR = 0.01
"""What a pump must earn by the model, as a share of its energy cost and at least."""
MEAN_LEFT = (0.5, 0.0)
"""Shares of a negative mean price left in the prices a pump is asked again at."""
STRESS = (1.0, 3.0)
"""By how much differences from a positive mean are enlarged there."""


def least_gain_eur(calm: Proposal) -> Array:
    """The least gain of every pump, (B,)."""
    return np.maximum(LEAST_GAIN_SHARE * np.abs(calm.energy_eur), LEAST_GAIN_EUR)


def shifting_eur(calm: Proposal, other: Proposal, price: Array) -> Array:
    """S of every pump's schedule, (B,)."""
    mean = float(price.mean()) * SLOT_HOURS / 1000
    more_kw = (calm.power_kw.astype(float) - other.power_kw).sum(axis=1)
    spared = calm.charge_eur - other.charge_eur
    return np.asarray(calm.energy_eur - other.energy_eur - mean * more_kw + spared)


def earns(calm: Proposal, other: Proposal, price: Array) -> npt.NDArray[np.bool_]:
    """Whose schedule earns by the rule, (B,)."""
    gain = np.minimum(calm.cost_eur - other.cost_eur, shifting_eur(calm, other, price))
    return np.asarray(gain >= least_gain_eur(calm))


def counted_cost_eur(calm: Proposal, other: Proposal, price: Array) -> Array:
    """Cost of every pump's schedule as the choice counts it, (B,)."""
    return np.where(earns(calm, other, price), other.cost_eur, np.maximum(other.cost_eur, calm.cost_eur + 1e-6))


def stressed_prices(price: Array) -> list[Array]:
    """Prices (N,) at which shifting shows where the day's own prices hide it; none on a flat day."""
    mean = float(price.mean())
    if np.ptp(price) < 1e-9:
        return []
    if mean < 0:
        return [price - (1 - left) * mean for left in MEAN_LEFT]
    return [price + more * (price - mean) for more in STRESS]


def most_by_shifting(responses: Responses, low_c: Array, high_c: Array, calm_kw: Single, price: Array) -> Array:
    """EUR (B,) that no schedule can exceed by shifting, powers of calm (B, N); crude, and 0 on a flat price."""
    dearness = (price - price.mean()) * SLOT_HOURS / 1000
    ends = np.stack([low_c, high_c], axis=1)
    most = np.zeros(len(ends))
    for t in range(len(price)):
        powers = responses.powers(t, ends)  # falls with the room, so its extremes lie at the ends
        saved = (calm_kw[:, t, None] - powers) * dearness[t]
        most += np.maximum(saved.max(axis=(0, 2)), 0.0)
    return most
