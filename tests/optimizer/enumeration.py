"""The slow reference: every admissible schedule of a house, run through the true model one by one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.planning.fleet_plan import PlanningRequest
from optimizer.dwell import count_changes, dwell_of
from optimizer.house import LOW, MODES, Array, Houses, house_of
from optimizer.objective import OVERFLOW_EUR_PER_MWH, Objective, objective_of
from optimizer.planner import horizon_of
from optimizer.reserve import cap_for_heating
from optimizer.response import Responses, respond
from tests.optimizer.reference.simulation import evaluate


@dataclass(frozen=True)
class AllSchedules:
    """Every admissible schedule of one house."""

    modes: npt.NDArray[np.intp]
    power_kw: Array
    cost_eur: Array


def houses_of(request: PlanningRequest) -> tuple[Houses, Responses, Objective]:
    """The model of a request's houses."""
    horizon = horizon_of(request)
    houses = Houses.of([house_of(pump) for pump in request.pumps])
    responses = respond(houses, horizon)
    return houses, responses, objective_of(houses, responses, horizon)


def every_schedule(request: PlanningRequest, which: int) -> AllSchedules:
    """All walks of the dwell automaton from the pump's state, simulated."""
    houses, responses, objective = houses_of(request)
    pump = request.pumps[which]
    dwell = dwell_of(bool(houses.sensed[which]))
    walks: list[list[int]] = [[dwell.start(MODES.index(pump.mode), pump.held_slots)]]
    for _ in range(request.slots):
        walks = [[*walk, state] for walk in walks for state in dwell.followers(walk[-1])]
    modes = np.unique(dwell.mode[np.array(walks)[:, 1:]], axis=0)
    rows = np.full(len(modes), which)
    before = np.full(len(modes), MODES.index(pump.mode))
    run = evaluate(
        responses.part(rows),
        objective.part(rows),
        horizon_of(request),
        modes,
        count_changes(modes, before),
    )
    return AllSchedules(modes, run.power_kw, run.cost_eur)


def cheapest_together(request: PlanningRequest) -> float:
    """EUR of the best combination of three pumps under the cap, overflow priced: all combinations are tried."""
    one, two, three = (every_schedule(request, i) for i in range(3))
    neutral = sum(each.power_kw[(each.modes == LOW).all(axis=1)][0] for each in (one, two, three))
    cap = cap_for_heating(request.cap_kw, np.zeros(request.slots), np.asarray(neutral))
    best = np.inf
    pair_power = two.power_kw[:, None, :] + three.power_kw[None, :, :]
    pair_cost = two.cost_eur[:, None] + three.cost_eur[None, :]
    for cost, power in zip(one.cost_eur, one.power_kw, strict=True):
        over = np.maximum(pair_power + power - cap, 0.0).sum(axis=2) * 0.25 / 1000 * OVERFLOW_EUR_PER_MWH
        best = min(best, float((pair_cost + cost + over).min()))
    return best
