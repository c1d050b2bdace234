"""The slow reference: every admissible schedule of a house, run through the true model one by one."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from domain.planning.fleet_plan import PlanningRequest
from domain.slots import SLOT_HOURS
from optimizer.dwell import count_changes, dwell_of
from optimizer.guard import LEAST_GAIN_EUR, LEAST_GAIN_SHARE
from optimizer.house import LOW, MODES, Array, Houses, house_of
from optimizer.objective import OVERFLOW_EUR_PER_MWH, Objective, objective_of
from optimizer.peaks import peaks_of
from optimizer.planner import horizon_of
from optimizer.reserve import cap_for_heating
from optimizer.response import Responses, respond
from tests.optimizer.reference.simulation import Schedules, evaluate


@dataclass(frozen=True)
class AllSchedules:
    """Every admissible schedule of one house."""

    modes: npt.NDArray[np.intp]
    power_kw: Array
    cost_eur: Array
    counted_eur: Array
    """As the rule of `guard` counts it: what does not earn by shifting is no cheaper than calm."""
    neutral_kw: Array
    """LOW throughout, whether or not dwell allows it, (N,)."""


def houses_of(request: PlanningRequest) -> tuple[Houses, Responses, Objective]:
    """The model of a request's houses."""
    horizon = horizon_of(request)
    houses = Houses.of([house_of(pump) for pump in request.pumps])
    responses = respond(houses, horizon)
    peaks = peaks_of(request)
    reach = 0.0 if peaks is None else peaks.reach_eur_per_mwh
    named = request.nominated
    deviating = 0.0 if named is None else named.prices.up_eur_per_mwh + named.prices.down_eur_per_mwh
    return houses, responses, objective_of(houses, responses, horizon, reach + deviating)


def every_schedule(request: PlanningRequest, which: int) -> AllSchedules:
    """All walks of the dwell automaton from the pump's state, simulated."""
    houses, _, _ = houses_of(request)
    pump = request.pumps[which]
    dwell = dwell_of(bool(houses.sensed[which]))
    walks: list[list[int]] = [[dwell.start(MODES.index(pump.mode), pump.held_slots)]]
    for _ in range(request.slots):
        walks = [[*walk, state] for walk in walks for state in dwell.followers(walk[-1])]
    modes = np.unique(dwell.mode[np.array(walks)[:, 1:]], axis=0)
    run = _simulated(request, which, modes)
    # neutral as soon as may be is calm
    calm = int(np.lexsort(tuple((modes != LOW).T[::-1]))[0])
    price = horizon_of(request).price_eur_per_mwh
    dearness = (price - price.mean()) * SLOT_HOURS / 1000
    energy = float(run.power_kw[calm] @ price) * SLOT_HOURS / 1000
    least = max(LEAST_GAIN_SHARE * abs(energy), LEAST_GAIN_EUR)
    charge = _charges(request, which, run.power_kw)
    shifting = (run.power_kw[calm] - run.power_kw) @ dearness + charge[calm] - charge
    earns = np.minimum(run.cost_eur[calm] - run.cost_eur, shifting) >= least - 1e-6
    counted = np.where(earns, run.cost_eur, np.maximum(run.cost_eur, run.cost_eur[calm]))
    neutral = _simulated(request, which, np.full((1, request.slots), LOW))
    return AllSchedules(modes, run.power_kw, run.cost_eur, counted, neutral.power_kw[0])


def _simulated(request: PlanningRequest, which: int, modes: npt.NDArray[np.intp]) -> Schedules:
    _, responses, objective = houses_of(request)
    rows, before = np.full(len(modes), which), np.full(len(modes), MODES.index(request.pumps[which].mode))
    changes = count_changes(modes, before)
    run = evaluate(responses.part(rows), objective.part(rows), horizon_of(request), modes, changes)
    return replace(run, cost_eur=run.cost_eur + _charges(request, which, run.power_kw))


def _charges(request: PlanningRequest, which: int, power_kw: Array) -> Array:
    """What a pump's home pays for the peaks of some schedules (K, N), day by day as the contract says it, (K,)."""
    hours, house = request.peaks, request.pumps[which].peaks
    if hours is None or house is None:
        return np.zeros(len(power_kw))
    load, found = power_kw + np.array(house.base_kw), np.zeros(len(power_kw))
    for day, (above, price) in enumerate(zip(house.above_kw, house.eur_per_kw, strict=True)):
        slots = [[t for t, of in enumerate(hours.interval) if of == h] for h, d in enumerate(hours.day) if d == day]
        over = np.sort([np.maximum(load[:, of_hour].mean(axis=1) - above, 0.0) for of_hour in slots], axis=0)
        found += price * over[-hours.counted_a_day :].sum(axis=0)
    return found


def _deviation_eur(request: PlanningRequest, load_kw: Array) -> Array:
    """What loads (..., N) cost for lying above or below what was nominated."""
    named, cost = request.nominated, np.zeros(load_kw.shape[:-1])
    if named is None:
        return cost
    for t, kw in enumerate(named.power_kw):
        more = load_kw[..., t] - kw
        price = np.where(more > 0, named.prices.up_eur_per_mwh, -named.prices.down_eur_per_mwh)
        cost += more * price * SLOT_HOURS / 1000
    return cost


def cheapest_together(request: PlanningRequest, *, counted: bool = False) -> float:
    """EUR of the best combination of three pumps under cap and nomination: all combinations are tried."""
    one, two, three = (every_schedule(request, i) for i in range(3))
    neutral = one.neutral_kw + two.neutral_kw + three.neutral_kw
    cap = cap_for_heating(request.cap_kw, np.zeros(request.slots), neutral)
    costs = [each.counted_eur if counted else each.cost_eur for each in (one, two, three)]
    best = np.inf
    pair_power = two.power_kw[:, None, :] + three.power_kw[None, :, :]
    pair_cost = costs[1][:, None] + costs[2][None, :]
    for cost, power in zip(costs[0], one.power_kw, strict=True):
        over = np.maximum(pair_power + power - cap, 0.0).sum(axis=2) * 0.25 / 1000 * OVERFLOW_EUR_PER_MWH
        over += _deviation_eur(request, pair_power + power)
        best = min(best, float((pair_cost + cost + over).min()))
    return best
