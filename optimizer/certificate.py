"""What is claimed of a fleet plan, and how the claims are put into shares.

Symbols: cost (the issued schedules, simulated, with priced overflow), bound (no schedules of these pumps cost less),
neutral (every pump LOW throughout, with the overflow that brings).

    gap_pct          (cost - bound) / scale,  scale = max(|energy cost|, 0.2 sum |price| P dt, 1 ct)
    gap_of_gain_pct  (cost - bound) / (neutral - bound), 0 where neutral - bound < `NOTHING_TO_GAIN_SHARE` scale

The scale is the energy cost wherever that means something; on a day of mixed signs, whose energy cost may pass through
zero, it is a fifth of what the energy would cost if every price were positive, so that the share stays finite and does
not change its sign.

Invariant: bound <= cost, as both are kept to the same admissible schedules, the rule on what moves a pump (`guard`)
included; a difference within rounding is closed.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from domain.planning.fleet_plan import Certificate
from domain.slots import SLOT_HOURS
from optimizer.house import Array, Houses
from optimizer.kernels import Single
from optimizer.load_cost import LoadCost
from optimizer.response import Horizon

NOTHING_TO_GAIN_SHARE = 0.01
"""Below this share of the scale, neutral and bound differ by little more than the bound's own slack."""
BINDING_SHARE = 0.99
OPTIMAL_WITHIN_PCT = 3.0
"""A gap of at most so much of the energy cost counts as optimal; more is said to be more."""
ROUNDING_SHARE = 1e-6
"""A bound above the cost by less than this share of the scale is rounding; by more it is a fault, and is shown."""


@dataclass(frozen=True)
class Ledger:
    """The sums a certificate is made of."""

    cost_eur: float
    bound_eur: float
    neutral_eur: float
    energy_eur: float
    room_c: Single
    power_kw: Single
    charge_eur: float
    """For peak power, of the plan and of neutral."""
    neutral_charge_eur: float
    houses: Houses
    neutral_load_kw: Array
    cap_kw: float | None
    together: LoadCost
    """What the load of the heating costs, of what is left of the cap for it: what costs and bound were priced with."""


@dataclass(frozen=True)
class Effort:
    """What it took."""

    segments: int
    iterations: int
    seconds: float
    finished: bool


def certify(ledger: Ledger, horizon: Horizon, effort: Effort) -> Certificate:
    """The certificate of a plan."""
    price, load = horizon.price_eur_per_mwh, ledger.power_kw.sum(axis=0, dtype=float)
    energy = ledger.energy_eur
    scale = max(abs(energy), 0.2 * float(load @ np.abs(price)) * SLOT_HOURS / 1000, 0.01)
    is_rounding = 0 < ledger.bound_eur - ledger.cost_eur <= ROUNDING_SHARE * scale
    bound = ledger.cost_eur if is_rounding else ledger.bound_eur
    gap, room_for_gain = ledger.cost_eur - bound, ledger.neutral_eur - bound
    cap, left, named = ledger.cap_kw, ledger.together.cap_kw, ledger.together.nominated
    above, below = (0.0, 0.0) if named is None else named.above_below_kwh(load)
    return Certificate(
        cost_eur=ledger.cost_eur,
        lower_bound_eur=bound,
        neutral_cost_eur=ledger.neutral_eur,
        energy_cost_eur=energy,
        peak_charge_eur=ledger.charge_eur,
        neutral_peak_charge_eur=ledger.neutral_charge_eur,
        deviation_eur=ledger.together.deviation_eur(load),
        neutral_deviation_eur=ledger.together.deviation_eur(ledger.neutral_load_kw),
        above_nominated_kwh=above,
        below_nominated_kwh=below,
        gap_pct=100 * gap / scale,
        gap_of_gain_pct=100 * gap / room_for_gain if room_for_gain > NOTHING_TO_GAIN_SHARE * scale else 0.0,
        cap_kw=cap,
        cap_binding_slots=0 if cap is None else int((load >= BINDING_SHARE * left).sum()),
        overflow_kwh=0.0 if cap is None else float(np.maximum(load - left, 0.0).sum()) * SLOT_HOURS,
        reserved_kw=0.0 if cap is None else float(np.maximum(cap - left, 0.0).max()),
        kelvin_hours=kelvin_hours(ledger.room_c, ledger.houses),
        segments=effort.segments,
        iterations=effort.iterations,
        seconds=effort.seconds,
        status=_status(100 * gap / scale, effort),
    )


def _status(gap_pct: float, effort: Effort) -> Literal["optimal-within-gap", "gap-above-limit", "time-limit"]:
    if not effort.finished:
        return "time-limit"
    return "optimal-within-gap" if 0 <= gap_pct <= OPTIMAL_WITHIN_PCT else "gap-above-limit"


def kelvin_hours(room_c: Single, houses: Houses) -> float:
    """Kelvin-hours outside the comfort bands (without margins), rooms (B, N) at the slots' ends."""
    low, high = houses.room_min_c[:, None] + houses.low_shift_k, houses.room_max_c[:, None] - houses.high_shift_k
    return float((np.maximum(low - room_c, 0.0) + np.maximum(room_c - high, 0.0)).sum()) * SLOT_HOURS
