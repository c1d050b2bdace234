"""A day that is over, planned again by a planner that knows it, beside what was done.

Protects: the modes that held, those of the planner and neutral go through one and the same simulation, so that their
differences are those of the modes alone.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from domain.modes import Mode
from domain.planning.fleet_plan import PlanningRequest
from domain.savings.regret import Hindsight, Outcome
from domain.slots import SLOT_HOURS
from optimizer.fleet import Fleet
from optimizer.house import LOW, MODES, Houses, house_of
from optimizer.planner import horizon_of, plan_fleet
from optimizer.proposal import Proposal


def hindsight(request: PlanningRequest, done: Mapping[str, Sequence[Mode]]) -> Hindsight:
    """Plan a request (at least one pump) whose series are what came; `done` holds the mode of each pump's slots."""
    planned = plan_fleet(request).pumps
    houses = Houses.of([house_of(pump) for pump in request.pumps])
    fleet = Fleet(houses, horizon_of(request), [(MODES.index(p.mode), p.held_slots) for p in request.pumps], seed=0)
    held = [done[pump.profile.enrolment.pump_id] for pump in request.pumps]
    return Hindsight(
        done=_outcome(fleet.simulate(_modes(held))),
        foresight=_outcome(fleet.simulate(_modes([pump.modes for pump in planned]))),
        neutral=_outcome(fleet.simulate(np.full((fleet.size, fleet.slots), LOW, dtype=np.int8))),
    )


def _modes(by_pump: Sequence[Sequence[Mode]]) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    return np.array([[MODES.index(mode) for mode in modes] for modes in by_pump], dtype=np.int8)


def _outcome(simulated: Proposal) -> Outcome:
    return Outcome(
        kwh=float(simulated.power_kw.sum(dtype=float)) * SLOT_HOURS,
        cost_eur=float(simulated.energy_eur.sum()),
        objective_eur=float(simulated.cost_eur.sum()),
    )
