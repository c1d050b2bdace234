"""Calls every compiled loop once, on a house made up for it, so that all are compiled before a plan needs them.

`python -m optimizer.warm_up` does so at set-up; what it compiled is found by every later process.
"""

import sys
from dataclasses import replace
from functools import cache
from time import monotonic

import numpy as np

from domain.planning.fleet_plan import MOST_CHANGES_A_DAY
from optimizer.coordination import Caps, coordinate
from optimizer.fleet import Fleet
from optimizer.house import LOW, Houses
from optimizer.response import Horizon

NO_DEADLINE = float("inf")


def _plan_one_house_under_a_cap() -> None:
    """Plan and bound eight slots of one house."""
    one = np.ones(1)
    houses = Houses(
        loss_kw_per_k=0.24 * one,
        capacity_kwh_per_k=8.0 * one,
        emitter_kw_per_k=0.28 * one,
        feedback=0.0 * one,
        shift_k=np.array([[-4.0, 0.0, 2.0, 6.0]]),
        gains_kw=0.35 * one,
        aperture_m2=2.8 * one,
        rated_heat_kw=9.0 * one,
        design_outdoor_c=-12.0 * one,
        standby_kw=0.02 * one,
        room_held_c=21.3 * one,
        room_start_c=21.3 * one,
        power_scale=one,
        room_min_c=20.0 * one,
        room_max_c=23.5 * one,
        margin_k=0.4 * one,
        sensed=np.ones(1, dtype=bool),
        may_set_back=np.ones(1, dtype=bool),
        low_shift_k=np.zeros((1, 1)),
        high_shift_k=np.zeros((1, 1)),
        sun_kw=np.zeros((1, 1)),
        feed_in_eur_per_mwh=0.0 * one,
        most_changes=np.array([MOST_CHANGES_A_DAY]),
    )
    horizon = Horizon(np.array([50.0, 50.0, 50.0, 50.0, 300.0, 300.0, 300.0, 300.0]), np.zeros(8), np.zeros(8))
    fleet = Fleet(houses, horizon, [(LOW, 96)], seed=0)
    caps = Caps(np.zeros(1, dtype=np.intp), np.full((1, 8), 1.0))
    found = coordinate(fleet, caps, NO_DEADLINE, NO_DEADLINE, seed=0)
    fleet.least_cost(found.mu_an[caps.area], found.near, NO_DEADLINE, np.ones(1, dtype=bool))
    seldom = replace(houses, most_changes=np.ones(1, dtype=np.int64))
    Fleet(seldom, horizon, [(LOW, 96)], seed=0).propose(np.zeros(8), NO_DEADLINE)


@cache
def compile_all() -> float:
    """Compile (or load) everything a plan needs, once in a process; returns the seconds it took."""
    began = monotonic()
    _plan_one_house_under_a_cap()
    return monotonic() - began


if __name__ == "__main__":
    sys.stderr.write(f"the planner's loops are compiled ({compile_all():.0f} s)\n")
