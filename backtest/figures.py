"""From what was played to figures: costs, comfort, and what each controller is worth at the same mean room.

Symbols: C cost in EUR, R mean room, of a house under a controller; c the curve, f the flat controller.

A colder room saves energy without any shifting. What a kelvin is worth is measured, not assumed: with
k = (sum C_c - sum C_f) / sum C_c / mean (R_c - R_f), a house's gain at the mean room of its own curve is

    C_c - C + k C_c (R - R_c) + value of the heat held more than under the curve at the end.

Intervals are of the mean over houses, which all live the same days: they say what another draw of houses would have
changed, not another winter.

Invariant: every figure is a sum over what was played.
"""

import numpy as np
import numpy.typing as npt

from backtest.life import Array, Played

SETTLED_AT_COP = 3.0
"""Heat held at the end is worth the electricity that it took, at the mean price."""
LEARNED_AFTER_DAYS = 14
DAY_SLOTS = 96
RESAMPLED = 4000


def costs_eur(played: Played) -> Array:
    """Cost of every house, (H,)."""
    return np.asarray(played.kwh @ played.price_eur_per_mwh / 1000)


def of_controller(played: Played, days: int) -> dict[str, object]:
    """The figures of one controller alone; kelvin-hours and starts per pump-day."""
    load = played.kwh.sum(axis=0) * 4
    return {
        "cost_eur": round(float(costs_eur(played).sum()), 2),
        "kwh": round(float(played.kwh.sum()), 1),
        "kelvin_hours_below": round(float(played.below_kh.mean()) / days, 4),
        "kelvin_hours_above": round(float(played.above_kh.mean()) / days, 4),
        "kelvin_hours_below_p99": round(float(np.percentile(played.below_kh, 99)) / days, 3),
        "mean_room_c": round(float(played.room_c.mean()), 3),
        "starts_per_day_mean": round(float(played.starts.mean()) / days, 2),
        "starts_per_day_p95": round(float(np.percentile(played.starts, 95)) / days, 2),
        "coincidence_pct": round(100 * float(load.max() / played.nameplate_kw.sum()), 1),
        "backup_kwh": round(float(played.backup_kwh.sum()), 1),
        "hot_water_kwh": round(float(played.tank_kwh.sum()), 1),
    }


def gains_eur(played: Played, curve: Played, per_kelvin: float) -> Array:
    """What every house gained over its own curve at the same mean room, (H,)."""
    cost, own = costs_eur(played), costs_eur(curve)
    warmer_k = played.room_c.mean(axis=1) - curve.room_c.mean(axis=1)
    held = (played.stored_kwh - curve.stored_kwh) / SETTLED_AT_COP * played.price_eur_per_mwh.mean() / 1000
    return np.asarray(own - cost + per_kelvin * own * warmer_k + held)


def per_kelvin_share(flat: Played, curve: Played) -> float:
    """k: share of the cost that a kelvin of mean room is worth; 0 where the rooms did not differ."""
    own = costs_eur(curve).sum()
    colder_k = float((curve.room_c.mean(axis=1) - flat.room_c.mean(axis=1)).mean())
    return 0.0 if abs(colder_k) < 1e-3 or own == 0 else float(own - costs_eur(flat).sum()) / own / colder_k


def interval(values: Array, seed: int) -> dict[str, float]:
    """Mean with its 95 % interval, by resampling houses."""
    means = np.random.default_rng(seed).choice(values, (RESAMPLED, len(values))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return {"mean": round(float(values.mean()), 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def two_unsteered_arms(curve: Played, seed: int) -> dict[str, float]:
    """An A/A run: price paid per MWh in two random halves of the unsteered houses, difference with interval."""
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(curve.kwh))
    arms = order[: len(order) // 2], order[len(order) // 2 :]
    cost, kwh = costs_eur(curve), curve.kwh.sum(axis=1)
    drawn = [draw.choice(arm, (RESAMPLED, len(arm))) for arm in arms]
    prices = [1000 * cost[rows].sum(axis=1) / kwh[rows].sum(axis=1) for rows in drawn]
    low, high = np.percentile(prices[0] - prices[1], (2.5, 97.5))
    mean = [1000 * cost[arm].sum() / kwh[arm].sum() for arm in arms]
    return {"mean": round(float(mean[0] - mean[1]), 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def of_forecasts(played: Played) -> dict[str, object]:
    """How far the plan's expectations were off: rooms, and energy and cost of the heating (meter less tank)."""
    slots = len(played.price_eur_per_mwh)
    late = np.arange(slots) >= LEARNED_AFTER_DAYS * DAY_SLOTS
    return {
        "forecast_rmse_k": _rms(played.room_c - played.expected_room_c),
        "forecast_power_error_pct": _off_pct(played, np.ones(slots)),
        "forecast_cost_error_pct": _off_pct(played, played.price_eur_per_mwh),
        "forecast_cost_error_from_day_15_pct": _off_pct(played, played.price_eur_per_mwh * late)
        if late.any()
        else None,
    }


def _rms(off: Array) -> float:
    known = off[np.isfinite(off)]
    return round(float(np.sqrt((known**2).mean())), 3) if len(known) else 0.0


def _off_pct(played: Played, weight: npt.NDArray[np.float64]) -> float | None:
    expected = float(np.nansum(played.expected_kwh * weight))
    real = float(((played.kwh - played.tank_kwh) * weight).sum())
    return round(100 * (expected - real) / real, 2) if real else None
