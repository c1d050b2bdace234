"""One house at a time: the programme against the full MILP over its modes, in cost and in time, in the same run.

`python -m benchmarks.single_pump --houses 8 --json`: `cost_excess_pct` is what the programme's schedule costs above the
solver's best schedule, as a share of its energy cost, at the grid that ships and at a fine one; `milp_gap_pct_max` is
what the solver left open, as a share of the energy cost. Houses that it did not close within `--limit-s` compare with
nothing and are only counted.
The programme is compiled and warm; the solver has one thread. Times are CPU seconds, so that other work on the machine
speaks for neither.

Invariant: both are charged by the same responses and objective; the programme's cost is simulated.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.made_up import a_fleet, a_winter_day
from benchmarks.mode_milp import NothingFound, solve_modes
from optimizer.dwell import dwell_of
from optimizer.fleet import CELL_K, Fleet
from optimizer.house import LOW, Houses, house_of
from optimizer.objective import objective_of
from optimizer.planner import horizon_of
from optimizer.response import Horizon, respond
from optimizer.warm_up import compile_all

FINE_CELL_K = 0.01
MILP_GAP_PCT = 0.1
"""Of the energy cost: the objective holds the value of heat left, too, and may be nothing or less."""
REPEATED = 20
"""A schedule takes about a millisecond, too little to be timed once."""
NO_DEADLINE = float("inf")


@dataclass(frozen=True)
class Compared:
    """One house; costs in EUR."""

    programme_eur: float
    fine_eur: float
    milp_eur: float
    milp_bound_eur: float
    energy_eur: float
    programme_s: float
    milp_s: float

    @property
    def milp_gap_pct(self) -> float:
        """What the solver left open, as a share of the energy cost."""
        return 100 * (self.milp_eur - self.milp_bound_eur) / self.energy_eur


def compare(houses: Houses, horizon: Horizon, limit_s: float) -> Compared | None:
    """Programme and MILP for a fleet of one house that has long been neutral; None where the solver found nothing."""
    start = [(LOW, horizon.slots)]
    ships, fine = (Fleet(houses, horizon, start, 0, cell_k=cell_k) for cell_k in (CELL_K, FINE_CELL_K))
    no_mu = np.zeros(horizon.slots)
    ships.propose(no_mu, NO_DEADLINE)
    began = time.process_time()
    for _ in range(REPEATED):
        found = ships.propose(no_mu, NO_DEADLINE)
    programme_s = (time.process_time() - began) / REPEATED
    responses = respond(houses, horizon)
    dwell = dwell_of(bool(houses.sensed[0]))
    energy_eur = float(found.energy_eur[0])
    try:
        optimum = solve_modes(
            responses,
            objective_of(houses, responses, horizon),
            horizon,
            dwell,
            dwell.start(*start[0]),
            gap_eur=MILP_GAP_PCT / 100 * abs(energy_eur),
            limit_s=limit_s,
        )
    except NothingFound:
        return None
    return Compared(
        programme_eur=float(found.cost_eur[0]),
        fine_eur=float(fine.propose(no_mu, NO_DEADLINE).cost_eur[0]),
        milp_eur=optimum.cost_eur,
        milp_bound_eur=optimum.bound_eur,
        energy_eur=energy_eur,
        programme_s=programme_s,
        milp_s=optimum.seconds,
    )


def measure(count: int, slots: int, limit_s: float) -> dict[str, object]:
    """The figures of the first houses of the made-up fleet."""
    compile_all()
    pumps = a_fleet(count)
    day = horizon_of(a_winter_day(a_fleet(1), None))
    horizon = Horizon(day.price_eur_per_mwh[:slots], day.outdoor_c[:slots], day.sun_w_per_m2[:slots])
    rows = [row for pump in pumps if (row := compare(Houses.of([house_of(pump)]), horizon, limit_s)) is not None]
    closed = [row for row in rows if row.milp_gap_pct <= MILP_GAP_PCT]
    excess, fine = (
        np.array([100 * (getattr(row, name) - row.milp_eur) / row.energy_eur for row in closed])
        for name in ("programme_eur", "fine_eur")
    )
    programme_s, milp_s = sum(row.programme_s for row in closed), sum(row.milp_s for row in closed)
    return {
        "benchmark": "single_pump",
        "houses": len(pumps),
        "closed": len(closed),
        "slots": horizon.slots,
        "grid_k": CELL_K,
        "programme_ms": round(1000 * programme_s / max(len(closed), 1), 3),
        "milp_s": round(milp_s / max(len(closed), 1), 3),
        "speedup": round(milp_s / programme_s, 1) if closed else None,
        "cost_excess_pct": _spread(excess),
        "fine_grid_k": FINE_CELL_K,
        "fine_cost_excess_pct": _spread(fine),
        "milp_gap_pct_max": round(max((row.milp_gap_pct for row in rows), default=100.0), 4),
    }


def _spread(values: np.typing.NDArray[np.float64]) -> dict[str, float] | None:
    if not len(values):
        return None
    return {"median": round(float(np.median(values)), 4), "max": round(float(values.max()), 4)}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.single_pump", description=__doc__.splitlines()[0])
    parser.add_argument("--houses", type=int, default=8)
    parser.add_argument("--slots", type=int, default=96, help="of the day, from its start")
    parser.add_argument("--limit-s", type=float, default=180.0, help="the solver's time for one house")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args(argv)
    print(json.dumps(measure(given.houses, given.slots, given.limit_s), indent=None if given.json else 1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
