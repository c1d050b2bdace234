"""What a schedule costs: energy at the slot's price, discomfort, lost warmth, changes of mode, less heat left over.

Symbols (slot t, house i): p_t price; P power; T_t room at the end of slot t; R_t the room's neutral path (the same
house run LOW throughout); f, c floor and ceiling of the comfort band less the margin for model error; x+ = max(x, 0).

    cost = sum_t p_t P_t dt                                    energy; prices may be negative and are never clamped
         + sum_t dt (d1 (f_t - T_t)+ + d2 (f_t - 1/2 - T_t)+ + d1 (T_t - c_t)+)          discomfort, two slopes
         + sum_t dt w_t (R_t - T_t)+                           lost warmth
         + kappa * changes of mode                             wear
         - v (T_N - R_N)+ + (v + w) ((R_N - T_N)+)             heat left, or owed, at the end

*Discomfort* counts from f_t = min(floor, R_t) and c_t = max(ceiling, R_t): where the household's own setting lies
outside the band the plan is not charged for it, and may not make it worse. Its slope exceeds what a kelvin-hour of
breach can save: a kelvin withheld for the house's memory tau = C/(K'+UA), with K' = K (1+g), saves K'/COP kWh per
kelvin-hour at the largest price difference; d1 is five times that.

*Lost warmth* takes away what a colder room saves, so that a plan earns by moving heat and never by withholding it: w_t
is the marginal electrical power of holding the room warmer for ever, d/dT [UA (T - To) / COP(To, Tw(T))], at the mean
price. It exceeds UA/COP because a colder room also needs colder water; that power is convex in T, so its tangent at the
held room covers every set-back. Warmth above neutral earns nothing.

*Heat left.* An excess of 1 K at the end decays under neutral as exp(-(K'+UA) s/C), and neutral power answers it by
dP/dT, about -K'/COP; so neutral operation then needs v = -dP/dT C/(K'+UA) kWh less, worth the mean price. A tenth is
kept back, for an end value at the full mean price fills every house in any late cheap hour. Heat owed costs v without
the discount, plus the warmth lost on the way back, w C/(K'+UA). Measured against R_N, so that neutral's own term is 0.

Invariant: at a flat price and steady weather no schedule costs less than neutral. Where the outdoor temperature swings
a flat price still leaves something to earn (heat made in the warm hours needs less power), and the planner leaves it:
see `coordination.Choice.leave_alone`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from domain.slots import SLOT_HOURS
from optimizer.house import LOW, Array, Houses, steady_power
from optimizer.response import Horizon, Responses, ahead_of

CHANGE_COST_EUR = 0.01
"""Wear, and one write at a vendor's cloud."""
DISCOMFORT_EUR_PER_KH = 0.5
"""Least slope of the first half kelvin of breach."""
FAR_DISCOMFORT = 4.0
"""The slope beyond the first half kelvin, as a multiple of the first."""
GENTLE_SHARE, GENTLE_EXCESS = 0.15, 1.5
"""Slope of discomfort in the bound: a share of the least slope, and at least this multiple of what a breach saves."""
NEAR_BREACH_K = 0.5
LAG_DOUBT = 0.1
"""The floor rises by this share of how far the filtered outdoor temperature strays from the true one (its standard
deviation, some 4 K on a clear spring day, 1 K in winter), and the ceiling falls by half as much: how long a unit
filters is not known, and so by how much the room runs ahead of or behind the model."""
OVERFLOW_EUR_PER_MWH = 3000.0
"""3 EUR per kWh above the fleet's cap; charged to the fleet, not to a house."""
HEAT_LEFT_SHARE = 0.9
LEAST_ACCOUNTING_PRICE_EUR_PER_MWH = 10.0
"""Warmth is never worth less than this, however negative the day."""
WARMTH_SHARE = 1.2
"""Lost warmth is charged at this multiple of the tangent, for the weather is not steady."""


@dataclass(frozen=True)
class Objective:
    """Room costs of B houses: convex and piecewise linear in the room temperature at the end of each slot.

    cost_t(T) = offset-free sum over corners k of below_k (corner_k - T)+ + above_k (T - corner_k)+, with `corner_bnk`
    (B, N, 4) and slopes in EUR/K already multiplied by the slot's length.
    """

    corner_bnk: Array
    below_bnk: Array
    above_bnk: Array
    neutral_room_c: Array
    """R: (B, N), at the slots' ends."""
    near_eur_per_kh: Array
    """d1, (B,)."""
    worth_kwh_per_kh: Array
    """What a kelvin-hour of breach can shift or save at most, electrical kWh, (B,)."""
    lowest_c: Array
    highest_c: Array
    """Coldest and warmest room aimed for, (B,): grids have a point on the former, where costs bend."""

    def part(self, rows: Sequence[int] | npt.NDArray[np.intp]) -> "Objective":
        """The objective of some of the houses."""
        index = np.asarray(rows, dtype=np.intp)
        return Objective(**{name: getattr(self, name)[index] for name in self.__dataclass_fields__})

    def room_cost(self, slot: int, room_c: Array) -> Array:
        """EUR for ending `slot` at rooms (B, k)."""
        total = np.zeros_like(room_c)
        for k in range(self.corner_bnk.shape[2]):
            above = room_c - self.corner_bnk[:, slot, k, None]
            total += np.where(above > 0, self.above_bnk[:, slot, k, None], -self.below_bnk[:, slot, k, None]) * above
        return total


def objective_of(
    houses: Houses, responses: Responses, horizon: Horizon, peak_eur_per_mwh: Array | float = 0.0
) -> Objective:
    """Corners and slopes of the room costs, from the houses and the horizon's prices.

    `peak_eur_per_mwh` is the most that a kilowatt-hour can add to a home's charge for peak power, (B,), and to what
    deviating from a nomination costs.
    """
    b, n, _ = responses.size
    neutral = neutral_path(responses)
    lowest, highest = aimed_band(houses, horizon)
    # A household's week narrows the band by the slot; own control's path is never a breach.
    low = lowest[:, None] + houses.floor_by_slot_c - houses.floor_c[:, None]
    high = np.maximum(highest[:, None] - houses.high_shift_k, low + 0.1)
    floor, ceiling = np.minimum(low, neutral), np.maximum(high, neutral)
    own = houses.emitter_kw_per_k * (1 + houses.feedback)
    memory_h = houses.capacity_kwh_per_k / (own + houses.loss_kw_per_k)
    price = horizon.price_eur_per_mwh
    per_heat = (responses.power_limit_bnm[:, :, LOW] / responses.heat_limit_bn).mean(axis=1)
    sunny = houses.sun_kw.any(axis=1)
    # what a kilowatt-hour is worth where the own roof gives it is what feeding it in earns
    dearest = np.maximum(max(price.max(), 0.0), np.where(sunny, houses.feed_in_eur_per_mwh, 0.0))
    reach = dearest - np.minimum(min(price.min(), 0.0), np.where(sunny, houses.feed_in_eur_per_mwh, 0.0))
    reach = reach + peak_eur_per_mwh
    worth = own * per_heat
    near = np.maximum(DISCOMFORT_EUR_PER_KH, 5 * worth * reach / 1000)
    accounting = max(float(price.mean()), LEAST_ACCOUNTING_PRICE_EUR_PER_MWH) / 1000
    warmth = WARMTH_SHARE * accounting * _marginal_power(houses, horizon.outdoor_c)

    corner = np.stack([floor - NEAR_BREACH_K, floor, neutral, ceiling], axis=2)
    below, above = np.zeros((b, n, 4)), np.zeros((b, n, 4))
    below[:, :, 0] = ((FAR_DISCOMFORT - 1) * near)[:, None] * SLOT_HOURS
    below[:, :, 1] = near[:, None] * SLOT_HOURS
    below[:, :, 2] = warmth * SLOT_HOURS
    above[:, :, 3] = near[:, None] * SLOT_HOURS
    # a slot's mean answers by a little less than the slot's start does; the end value needs the latter
    answer = -responses.power_slope_bnm[:, :, LOW].mean(axis=1) * own / -responses.heat_slope
    value = answer * memory_h * accounting
    credit = answer * memory_h * max(float(price.mean()), 0.0) / 1000
    above[:, -1, 2] -= HEAT_LEFT_SHARE * credit
    below[:, -1, 2] += value + warmth.mean(axis=1) * memory_h
    return Objective(corner, below, above, neutral, near, worth, lowest, highest)


def sun_of(houses: Houses, horizon: Horizon) -> tuple[Array, Array]:
    """Surplus of the own roofs, kW, and by how much it is cheaper than what is bought, EUR/MWh; (B, N) each."""
    shape = (houses.size, horizon.slots)
    sun = np.array(np.broadcast_to(houses.sun_kw, shape))
    saving = np.where(sun > 0, horizon.price_eur_per_mwh - houses.feed_in_eur_per_mwh[:, None], 0.0)
    return sun, saving


def aimed_band(houses: Houses, horizon: Horizon) -> tuple[Array, Array]:
    """Coldest and warmest room the plan aims for in this weather, (B,) each."""
    doubt_k = LAG_DOUBT * float(np.std(horizon.outdoor_c - horizon.curve_outdoor_c))
    lowest = houses.floor_c + doubt_k
    return lowest, np.maximum(houses.ceiling_c - doubt_k / 2, lowest + 0.1)


def gentler(objective: Objective, reach_eur_per_mwh: float) -> Objective:
    """The objective with discomfort at the least slope that still exceeds what a breach can save; see `bound`.

    Below the given objective everywhere. The last slot keeps its slopes, for the heat left over is counted there.
    """
    saved = objective.worth_kwh_per_kh * reach_eur_per_mwh / 1000
    gentle = np.maximum(GENTLE_SHARE * DISCOMFORT_EUR_PER_KH, GENTLE_EXCESS * saved)
    share = np.minimum(gentle / objective.near_eur_per_kh, 1.0)[:, None]
    below, above = objective.below_bnk.copy(), objective.above_bnk.copy()
    below[:, :-1, 0] = 0.0
    below[:, :-1, 1] *= share
    above[:, :-1, 3] *= share
    return replace(objective, below_bnk=below, above_bnk=above)


def neutral_path(responses: Responses) -> Array:
    """Room temperature at the slots' ends with every pump LOW throughout, (B, N)."""
    return ahead_of(responses)[0]


def _marginal_power(houses: Houses, outdoor_c: Array) -> Array:
    """kW per kelvin of holding the rooms warmer for ever, (B, N)."""
    step_k = 0.2
    warmer = steady_power(houses, outdoor_c, houses.room_held_c + step_k)
    colder = steady_power(houses, outdoor_c, houses.room_held_c - step_k)
    return (warmer - colder) / (2 * step_k)
