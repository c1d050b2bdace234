"""How well and how fast a fleet is planned: seconds, gap, kelvin-hours and gain on one made-up winter day.

`python -m benchmarks.planner [--pumps N] [--cap-share S] [--json]` plans a fleet of one grid area as a request, once
without a cap and once with one. With `--seed N` the fleet is drawn anew, spread over ten grid areas with a cap each,
and planned as arrays: the way to a hundred thousand (`--pumps 100000 --seed 1 --json`; see `fleet_scale`).

Invariant: every figure printed comes from a certificate or from the plan.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.fleet_scale import measure_areas
from benchmarks.made_up import a_fleet, a_winter_day
from domain.modes import Mode
from domain.planning.fleet_plan import FleetPlanResult, PlanningRequest
from domain.slots import SLOT_HOURS
from optimizer.planner import plan_fleet


def figures(request: PlanningRequest, result: FleetPlanResult, cpu_s: float) -> dict[str, object]:
    """What there is to say of one plan."""
    certificate = result.certificate
    price = np.array(request.prices.price_eur_per_mwh)
    load = np.sum([p.expected_power_kw for p in result.pumps], axis=0)
    changes = [sum(a is not b for a, b in zip((Mode.LOW, *p.modes), p.modes, strict=False)) for p in result.pumps]
    return {
        "pumps": len(result.pumps),
        "slots": request.slots,
        "cap_kw": certificate.cap_kw,
        "seconds": round(certificate.seconds, 2),
        "cpu_seconds": round(cpu_s, 2),
        "status": certificate.status,
        "cost_eur": round(certificate.cost_eur, 4),
        "lower_bound_eur": round(certificate.lower_bound_eur, 4),
        "neutral_cost_eur": round(certificate.neutral_cost_eur, 4),
        "energy_cost_eur": round(certificate.energy_cost_eur, 4),
        "gap_pct": round(certificate.gap_pct, 3),
        "gap_of_gain_pct": round(certificate.gap_of_gain_pct, 2),
        "gain_pct": round(100 * (1 - certificate.cost_eur / certificate.neutral_cost_eur), 2),
        "kelvin_hours": round(certificate.kelvin_hours, 3),
        "energy_kwh": round(float(load.sum()) * SLOT_HOURS, 1),
        "price_paid_eur_per_mwh": round(float(load @ price / load.sum()), 2),
        "peak_kw": round(float(load.max()), 2),
        "cap_binding_slots": certificate.cap_binding_slots,
        "overflow_kwh": round(certificate.overflow_kwh, 4),
        "changes_per_pump": round(float(np.mean(changes)), 2),
        "most_changes": max(changes),
        "segments": certificate.segments,
        "iterations": certificate.iterations,
    }


def measure(count: int, cap_share: float) -> list[dict[str, object]]:
    """The day once without a cap and once with one."""
    pumps, found = a_fleet(count), []
    cap_kw: float | None = None
    for name in ("free", "capped"):
        request = a_winter_day(pumps, cap_kw)
        began = time.process_time()
        result = plan_fleet(request)
        found.append({"case": name, **figures(request, result, time.process_time() - began)})
        peak_kw = float(np.sum([p.expected_power_kw for p in result.pumps], axis=0).max())
        cap_kw = cap_share * peak_kw
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner", description=__doc__.splitlines()[0])
    parser.add_argument("--pumps", type=int, action="append", help="fleet size; may be repeated (default 12 and 60)")
    parser.add_argument("--cap-share", type=float, default=0.74, help="cap as a share of the free plan's peak")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--seed", type=int, help="draw the fleet anew and spread it over ten grid areas")
    parser.add_argument("--out", type=Path, help="with --seed: keep schedules, houses, prices and weather (npz)")
    given = parser.parse_args(argv)
    if given.seed is not None:
        runs = [measure_areas(count, given.seed, given.cap_share, given.out) for count in given.pumps or [1000]]
        print(json.dumps(runs[0] if len(runs) == 1 else {"runs": runs}, indent=None if given.json else 1))
        return 0
    cases = [case for count in given.pumps or [12, 60] for case in measure(count, given.cap_share)]
    if given.json:
        print(json.dumps({"benchmark": "planner", "cap_share": given.cap_share, "cases": cases}))
        return 0
    for key in cases[0]:
        print(f"{key:>24}" + "".join(f"{case[key]!s:>22}" for case in cases))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
