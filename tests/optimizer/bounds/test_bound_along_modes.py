"""The bound on grids that move with the rooms, against every schedule there is and against good ones of a whole day."""

from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.homes.site import Emitter
from domain.modes import Mode
from domain.oem.lever import LeverSpec
from domain.planning.fleet_plan import PlanningRequest
from oem_adapters.nibe.manifest import HEATING_OFFSET, ROOM_SETPOINT
from optimizer.bound_along_modes import least_costs_along_modes
from optimizer.dwell import MAX_CHANGES_PER_DAY, change_blocks, count_changes
from optimizer.fleet import Fleet
from optimizer.house import MODES, Array, Houses, house_of
from optimizer.kernels import Model
from optimizer.modelled import modelled_of
from optimizer.objective import gentler
from optimizer.planner import horizon_of
from tests.optimizer.builders import a_fleet, a_pump, a_request, two_peaks
from tests.optimizer.reference.enumeration import houses_of
from tests.optimizer.reference.simulation import evaluate

pytestmark = pytest.mark.slow


def bound_alone(request: PlanningRequest, cell_k: float, *, gentle: bool = False, nu_eur: float = 0.0) -> float:
    """The bound of a single pump without a cap."""
    houses, _, _ = houses_of(request)
    horizon = horizon_of(request)
    modelled = modelled_of(houses, horizon)
    model: Model = modelled.model
    if gentle:
        softer = gentler(modelled.objective, float(np.ptp(np.append(horizon.price_eur_per_mwh, 0.0))))
        model = model._replace(below=softer.below_bnk, above=softer.above_bnk)
    block = change_blocks(horizon.slots)
    before = np.array([MODES.index(request.pumps[0].mode)], dtype=np.int64)
    least, price = np.empty(1), horizon.price_eur_per_mwh[None, :].copy()
    nu = np.full((1, int(block[-1]) + 1), nu_eur)
    least_costs_along_modes(model, price, nu, before, cell_k, block, MAX_CHANGES_PER_DAY, least)
    return float(least[0])


def best_without_holds(request: PlanningRequest) -> float:
    """EUR of the best of all sequences of modes, simulated."""
    _, responses, objective = houses_of(request)
    modes = np.array(list(product(range(len(MODES)), repeat=request.slots)), dtype=np.intp)
    rows, before = np.zeros(len(modes), dtype=np.intp), np.full(len(modes), MODES.index(request.pumps[0].mode))
    changes = count_changes(modes, before)
    run = evaluate(responses.part(rows), objective.part(rows), horizon_of(request), modes, changes)
    return float(run.cost_eur[changes.sum(axis=1) <= MAX_CHANGES_PER_DAY].min())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    prices=st.lists(st.floats(-500, 1500), min_size=6, max_size=6),
    room_c=st.floats(18.0, 26.0),
    outdoor_c=st.floats(-20, 15),
    spec=st.sampled_from([HEATING_OFFSET, ROOM_SETPOINT]),
    emitter=st.sampled_from(Emitter),
    mode=st.sampled_from(Mode),
    rated_heat_kw=st.none() | st.floats(1.5, 5.0),
    cell_k=st.sampled_from([0.005, 0.03, 0.2, 1.0]),
    gentle=st.booleans(),
)
def test_no_sequence_of_modes_is_cheaper_whatever_the_cell(
    prices: list[float],
    room_c: float,
    outdoor_c: float,
    spec: LeverSpec,
    emitter: Emitter,
    mode: Mode,
    rated_heat_kw: float | None,
    cell_k: float,
    gentle: bool,
) -> None:
    pump = a_pump(room_c=room_c, spec=spec, emitter=emitter, mode=mode, rated_heat_kw=rated_heat_kw)
    request = a_request([pump], prices, outdoor_c=outdoor_c)
    best = best_without_holds(request)
    bound = bound_alone(request, cell_k, gentle=gentle)
    assert bound <= best + 1e-9
    if cell_k == 0.005 and not gentle:
        assert bound >= best - 0.01 - 0.01 * abs(best), "and says much"


def test_finer_cells_close_the_bound_on_the_best_sequence_of_modes() -> None:
    request = a_request([a_pump()], [900, 100, 100, 1500, 1500, 80, 700], outdoor_c=-2)
    best = best_without_holds(request)
    found = [bound_alone(request, cell) for cell in (0.3, 0.03, 0.001)]
    assert found[0] < found[1] < found[2] <= best + 1e-9
    assert best - found[2] < 1e-4


def test_the_price_of_changes_gives_back_what_the_limit_allows() -> None:
    request = a_request([a_pump()], [900, 100, 100, 1500, 1500, 80, 700])
    best, priced = best_without_holds(request), bound_alone(request, 0.01, nu_eur=0.05)
    assert priced <= best + 1e-9
    assert priced < bound_alone(request, 0.01), "eight changes at 5 ct were not needed"


@pytest.mark.parametrize(("outdoor_c", "spread"), [(0.0, 120.0), (-14.0, 120.0), (11.0, 500.0)])
def test_a_whole_day_is_bounded_closely(outdoor_c: float, spread: float) -> None:
    """Cells are doubled several times a day, pumps are off at noon and at their limit in the frost."""
    pumps = [pump.model_copy(update={"room_c": 20.2 + 0.25 * i}) for i, pump in enumerate(a_fleet(12, seed=4))]
    request = a_request(pumps, two_peaks(spread=spread), outdoor_c=outdoor_c, swing_k=5.0)
    fleet = Fleet(Houses.of([house_of(p) for p in pumps]), horizon_of(request), [(1, 96)] * 12, 0, cell_k=0.0125)
    no_mu, anyhow = np.zeros(96), np.zeros(12, dtype=bool)
    best = fleet.propose(no_mu, float("inf"))
    bounds: Array = fleet.least_cost(no_mu, best, float("inf"), anyhow)
    assert (bounds <= best.cost_eur + 1e-9).all()
    slack = (best.cost_eur - bounds).sum()
    assert slack < 0.15 * (fleet.neutral.cost_eur - bounds).sum()
    draw = np.random.default_rng(7)
    for _ in range(20):
        modes = np.repeat(draw.integers(0, 4, (12, 6)), 16, axis=1).astype(np.int8)
        assert (bounds <= fleet.simulate(modes).cost_eur + 1e-9).all()
