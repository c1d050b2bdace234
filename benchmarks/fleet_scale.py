"""A whole fleet over many grid areas, each with a binding cap: what `benchmarks.planner --seed N` measures.

Every house is drawn by itself. An area's cap is a share of what its pumps would draw at most if each planned for
itself, so it binds; finding it is part of the task's statement and not of the time. What is not modelled is listed in
`features_off`. Invariant: every figure comes from the schedules, the bound or the clock; `--out` keeps enough to
recompute load and cost.
"""

import resource
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.made_up import a_fleet, a_winter_day
from optimizer.certificate import BINDING_SHARE, kelvin_hours
from optimizer.coordination import Caps
from optimizer.fleet import Fleet
from optimizer.house import LOW, Array, House, Houses, house_of
from optimizer.house_bound import COARSE, FINE, FINELY_BOUNDED_HOUSES
from optimizer.planner import Solved, horizon_of, solve
from optimizer.response import Horizon
from optimizer.warm_up import compile_all

AREAS = 10
BUDGET_S = 1200.0
FEATURES_ON = ["room temperature", "dwell", "changes a day", "caps by grid area", "rule on gains", "blind pumps"]
FEATURES_OFF = ["hot water", "power tariffs", "ramp limits", "nominations", "uncertain weather"]


def houses_of(count: int, seed: int) -> tuple[Houses, float]:
    """Unlike houses, and the seconds it took to make them from what enrolment and sensors know."""
    houses: list[House] = []
    took = 0.0
    for first in range(0, count, 2000):
        pumps = a_fleet(min(2000, count - first), seed * 1000 + first)
        began = time.perf_counter()
        houses += [house_of(pump) for pump in pumps]
        took += time.perf_counter() - began
    began = time.perf_counter()
    arrays = Houses.of(houses)
    return arrays, took + time.perf_counter() - began


def measure_areas(count: int, seed: int, cap_share: float, out: Path | None) -> dict[str, object]:
    """Plan one day for a fleet spread over areas; returns the figures."""
    compile_all()
    horizon = horizon_of(a_winter_day(a_fleet(1), None, seed))
    houses, houses_s = houses_of(count, seed)
    area = np.random.default_rng(seed).integers(0, AREAS, count)
    statement = Fleet(houses, horizon, [(LOW, 96)] * count, seed)
    alone = statement.propose(np.zeros(horizon.slots), float("inf"))
    open_caps = Caps(area, np.full((AREAS, horizon.slots), np.inf))
    peaks = open_caps.loads_kw(alone.power_kw).max(axis=1)
    caps = Caps(area, np.repeat(cap_share * peaks[:, None], horizon.slots, axis=1))
    nameplate_kw = float(alone.power_kw.max(axis=1).sum())
    alone_peak_kw = float(alone.power_kw.sum(axis=0, dtype=float).max())
    del statement, alone

    began, cpu = time.monotonic(), time.process_time()
    fleet = Fleet(houses, horizon, [(LOW, 96)] * count, seed)
    surveyed = time.monotonic()
    solved = solve(fleet, caps, began, BUDGET_S, seed)
    ended, cpu = time.monotonic(), time.process_time() - cpu
    seconds = {"total": houses_s + ended - began, "houses": houses_s, "survey": surveyed - began, **solved.seconds}
    if out is not None:
        _keep(out, houses, horizon, caps, solved)
    plan = solved.found.plan
    found: dict[str, object] = {
        "benchmark": "planner",
        "pumps": count,
        "seed": seed,
        "distinct_houses": len(np.unique(np.column_stack([houses.loss_kw_per_k, houses.room_held_c]), axis=0)),
        "slots": horizon.slots,
        "segments": solved.found.segments,
        "grid_k": (FINE if count <= FINELY_BOUNDED_HOUSES else COARSE).along_modes_k,
        "features_on": FEATURES_ON,
        "features_off": FEATURES_OFF,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "cpu_seconds": round(cpu + houses_s, 2),
        "ms_per_pump": round(1000 * seconds["total"] / count, 3),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "finished": solved.finished,
        "coincidence_pct": round(100 * float(plan.power_kw.sum(axis=0, dtype=float).max()) / nameplate_kw, 1),
        "coincidence_uncoordinated_pct": round(100 * alone_peak_kw / nameplate_kw, 1),
        "kelvin_hours_per_pump": round(kelvin_hours(plan.room_c, houses) / count, 4),
    }
    return found | _costs(solved) | _areas(plan.power_kw, caps)


def _costs(solved: Solved) -> dict[str, object]:
    plan = solved.found.plan
    energy = float(plan.energy_eur.sum())
    gap, room = solved.cost_eur - solved.bound_eur, solved.neutral_eur - solved.bound_eur
    return {
        "cost_eur": round(solved.cost_eur, 3),
        "neutral_cost_eur": round(solved.neutral_eur, 3),
        "lower_bound_eur": round(solved.bound_eur, 3),
        "energy_cost_eur": round(energy, 3),
        "gap_pct": round(100 * gap / abs(energy), 4),
        "gap_of_gain_pct": round(100 * gap / room, 3),
        "gain_pct": round(100 * (1 - solved.cost_eur / solved.neutral_eur), 3),
    }


def _areas(power_kw: npt.NDArray[np.float32], caps: Caps) -> dict[str, object]:
    rows, loads = [], caps.loads_kw(power_kw)
    for load, cap in zip(loads, caps.cap_kw, strict=True):
        over = float(np.maximum(load - cap, 0.0).sum())
        rows.append(
            {
                "cap_kw": round(float(cap[0]), 1),
                "cap_binding_slots": int((load >= BINDING_SHARE * cap).sum()),
                "overflow_pct": round(100 * over / float(cap.sum()), 4),
            }
        )
    over = float(np.maximum(loads - caps.cap_kw, 0.0).sum())
    return {"areas": rows, "cap_overflow_pct": round(100 * over / float(caps.cap_kw.sum()), 4)}


def _keep(out: Path, houses: Houses, horizon: Horizon, caps: Caps, solved: Solved) -> None:
    arrays: dict[str, Array | npt.NDArray[np.generic]] = {
        "modes": solved.found.plan.modes,
        "power_kw": solved.found.plan.power_kw,
        "price_eur_per_mwh": horizon.price_eur_per_mwh,
        "outdoor_c": horizon.outdoor_c,
        "sun_w_per_m2": horizon.sun_w_per_m2,
        "area": caps.area,
        "cap_kw": caps.cap_kw,
        "cap_price_eur_per_mwh": solved.found.mu_an,
    }
    arrays |= {f"house_{field.name}": getattr(houses, field.name) for field in fields(Houses)}
    with out.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
