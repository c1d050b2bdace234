"""Whether what is claimed to have been saved is true: `python -m benchmarks.savings --seeds 400 --json`.

In simulated fleets the truth is known. Pools of homes are simulated once, in every life that a draw can ask of them;
each seed then draws its fleet, its experiment and the errors of its meters anew, and it is counted how often the 95 %
interval holds the true saving. It covers physics, plans, carry-over from one arm into the next, draw and estimator; not
the vendors' clouds, and not the reading of meters (see tests/domain/savings).

Prints euros of a fleet over the whole experiment: `true_gain_eur` and the means over all seeds of estimate and bounds.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from typing import Any

from benchmarks.savings.draws import Trial, run_trial
from benchmarks.savings.lives import Pool, live
from domain.savings.claim import Interval
from domain.savings.experiment import Experiment

FIRST_DAY = date(2026, 1, 12)
BLOCK_DAYS = 7
WEEKS = 4
POOLS = 4
HOMES_SIMULATED = 30
"""In each pool."""
HOMES = 60
"""In the fleet of one seed."""
SWITCHBACK, HOLDOUT = 1.0, 0.02
PROCESSES = 2


class FlatPriceMoved(Exception):
    """A plan at a flat price moved somebody, so that its days are no control."""


def trials_of(number: int, seeds: Sequence[int]) -> list[Trial]:
    """The trials of these seeds in one neighbourhood with its own homes, weather and prices."""
    pool = live(1000 + number, FIRST_DAY, WEEKS * BLOCK_DAYS, BLOCK_DAYS, HOMES_SIMULATED)
    if pool.flat_price_moves:
        raise FlatPriceMoved(f"a flat price moved {pool.flat_price_moves} of {HOMES_SIMULATED} homes")
    return [trial_of(seed, pool) for seed in seeds]


def trial_of(seed: int, pool: Pool) -> Trial:
    """The trial of a seed."""
    experiment = Experiment(
        seed=seed,
        begins=FIRST_DAY,
        holdout_share=HOLDOUT,
        switchback_share=SWITCHBACK,
        block_days=BLOCK_DAYS,
        rotation_blocks=WEEKS,
    )
    return run_trial(seed, pool, HOMES, experiment)


def figures_of(trials: Sequence[Trial], seconds: float) -> dict[str, Any]:
    """What is printed."""
    return {
        "seeds": len(trials),
        "covered": sum(trial.is_covered for trial in trials),
        "true_gain_eur": round(_mean([trial.true_eur for trial in trials]), 4),
        "gain_eur": _interval([trial.gain for trial in trials]),
        "flat_price_gain_eur": _interval([trial.flat_gain for trial in trials]),
        "aa_gain_eur": _interval([trial.aa_gain for trial in trials]),
        "seconds": round(seconds, 1),
    }


def _interval(found: Sequence[Interval]) -> dict[str, float]:
    return {
        "mean": round(_mean([one.mean for one in found]), 4),
        "low": round(_mean([one.low for one in found]), 4),
        "high": round(_mean([one.high for one in found]), 4),
    }


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    began = time.monotonic()
    seeds = [range(pool, given.seeds, POOLS) for pool in range(POOLS)]
    try:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait for each other
        with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as workers:
            trials = [trial for found in workers.map(trials_of, range(POOLS), seeds) for trial in found]
    except FlatPriceMoved as moved:
        print(f"benchmarks.savings: {moved}", file=sys.stderr)
        return 1
    figures = figures_of(trials, time.monotonic() - began)
    print(json.dumps(figures) if given.json else " ".join(f"{name}={value}" for name, value in figures.items()))
    return 0
