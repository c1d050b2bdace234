"""What is left of a pump's own optimum in the schedule it really receives.

`python -m benchmarks.disaggregation --json`: a fleet of one grid area is planned under a cap. At the cap's duals every
pump has a best schedule of its own (found on a finer grid than the plan's) and a gain by it over being left alone;
`kept_pct` says what share of that gain the schedule it was given keeps, at the same duals. Pumps with nothing to gain
are not counted.

Invariant: both gains are simulated, with the pump's own house.
"""

import argparse
import json
from collections.abc import Sequence
from time import monotonic

import numpy as np

from benchmarks.made_up import a_fleet, a_winter_day
from optimizer.coordination import Caps, lagrangian
from optimizer.fleet import CELL_K, Fleet
from optimizer.guard import least_gain_eur
from optimizer.house import LOW, Houses, house_of
from optimizer.planner import horizon_of, solve
from optimizer.warm_up import compile_all

FINE_CELL_K = 0.0125
NO_DEADLINE = float("inf")


def measure(count: int, cap_share: float, budget_s: float) -> dict[str, object]:
    """Plan and compare."""
    compile_all()
    pumps = a_fleet(count)
    horizon = horizon_of(a_winter_day(pumps[:1], None))
    houses, start = Houses.of([house_of(pump) for pump in pumps]), [(LOW, horizon.slots)] * count
    fleet = Fleet(houses, horizon, start, 0)
    free = fleet.propose(np.zeros(horizon.slots), NO_DEADLINE)
    cap_kw = cap_share * float(free.power_kw.sum(axis=0, dtype=float).max())
    caps = Caps(np.zeros(count, dtype=np.intp), np.full((1, horizon.slots), cap_kw))
    found = solve(fleet, caps, monotonic(), budget_s).found
    mu = np.broadcast_to(found.mu_an[0], (count, horizon.slots))
    best = Fleet(houses, horizon, start, 0, cell_k=FINE_CELL_K).propose(found.mu_an[0], NO_DEADLINE)
    calm, received, own = (lagrangian(proposal, mu) for proposal in (fleet.calm, found.plan, best))
    possible = calm - np.minimum(own, received)
    counted = possible >= least_gain_eur(fleet.calm)
    kept = 100 * (calm - received)[counted] / possible[counted]
    return {
        "benchmark": "disaggregation",
        "pumps": count,
        "pumps_counted": int(counted.sum()),
        "segments": found.segments,
        "grid_k": CELL_K,
        "fine_grid_k": FINE_CELL_K,
        "cap_binding_slots": int((caps.loads_kw(found.plan.power_kw)[0] >= 0.99 * cap_kw).sum()),
        "kept_pct": {
            "p5": round(float(np.percentile(kept, 5)), 2),
            "median": round(float(np.median(kept)), 2),
            "of_all": round(100 * float((calm - received)[counted].sum() / possible[counted].sum()), 2),
        },
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.disaggregation", description=__doc__.splitlines()[0])
    parser.add_argument("--pumps", type=int, default=600)
    parser.add_argument("--cap-share", type=float, default=0.74, help="cap as a share of the free plan's peak")
    parser.add_argument("--budget-s", type=float, default=120.0)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args(argv)
    print(json.dumps(measure(given.pumps, given.cap_share, given.budget_s), indent=None if given.json else 1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
