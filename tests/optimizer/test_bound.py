"""The bound, against every admissible schedule there is."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.homes.enrolment import BuildingClass
from domain.homes.site import Emitter
from domain.modes import Mode
from domain.oem.lever import LeverSpec
from domain.planning.fleet_plan import PlanningRequest, PumpForPlanning
from oem_adapters.nibe.manifest import HEATING_OFFSET, ROOM_SETPOINT
from optimizer.bound import underestimate
from optimizer.dwell import dwell_of
from optimizer.house import MODES
from optimizer.planner import horizon_of, plan_fleet
from optimizer.programme import Prices, batch_of
from tests.optimizer.builders import a_pump, a_request
from tests.optimizer.enumeration import cheapest_together, every_schedule, houses_of

pytestmark = pytest.mark.slow

SLOTS = 7


def three_pumps(seed: int) -> tuple[PumpForPlanning, ...]:
    draw = np.random.default_rng(seed)
    return tuple(
        a_pump(
            i,
            building_class=list(BuildingClass)[int(draw.integers(4))],
            emitter=Emitter.FLOOR if draw.random() < 0.5 else Emitter.RADIATOR,
            spec=ROOM_SETPOINT if draw.random() < 0.5 else HEATING_OFFSET,
            area_m2=float(draw.uniform(90, 200)),
            room_c=float(draw.uniform(20.1, 22.0)),
            mode=list(Mode)[int(draw.integers(4))],
            held_slots=int(draw.integers(1, 6)),
        )
        for i in range(3)
    )


def bound_alone(request: PlanningRequest, *, cell_k: float, corrected: bool) -> float:
    """Bound of a single pump without a cap on a grid of our choice."""
    houses, responses, _ = houses_of(request)
    dwell = dwell_of(houses[0].sensed)
    pump = request.pumps[0]
    start = np.array([dwell.start(MODES.index(pump.mode), pump.held_slots)])
    batch = batch_of(houses[:1], np.array([0]), responses, horizon_of(request), dwell, start, cell_k)
    price = horizon_of(request).price_eur_per_mwh[None, :]
    return float(underestimate(batch, Prices(price, np.zeros_like(price)), corrected=corrected)[0])


SHAPES = {
    "spread": np.array([900, 100, 100, 1500, 1500, 80, 700.0]),
    "negative": np.array([-500, -500, 200, -100, 300, 300, -500.0]),
    "spike": np.array([60, 60, 4000, 4000, 60, 60, 60.0]),
    "flat": np.full(SLOTS, 100.0),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_feasible_combination_is_cheaper_than_the_bound_nor_the_plan_cheaper_than_the_best(
    shape: str, seed: int
) -> None:
    pumps = three_pumps(seed)
    free = plan_fleet(a_request(pumps, SHAPES[shape], outdoor_c=-2))
    peak = max(np.sum([p.expected_power_kw for p in free.pumps], axis=0))
    request = a_request(pumps, SHAPES[shape], outdoor_c=-2, cap_kw=0.9 * float(peak))
    certificate = plan_fleet(request).certificate
    best = cheapest_together(request)
    assert certificate.lower_bound_eur <= best + 1e-9
    assert best <= certificate.cost_eur + 1e-9
    # left alone on purpose: what a pump earns below the least gain
    assert certificate.cost_eur - best <= 0.02 * 3 + 0.02 * abs(best)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    prices=st.lists(st.floats(-500, 1500), min_size=6, max_size=6),
    room_c=st.floats(19.0, 23.5),
    outdoor_c=st.floats(-15, 14),
    spec=st.sampled_from([HEATING_OFFSET, ROOM_SETPOINT]),
    emitter=st.sampled_from(Emitter),
    cell_k=st.sampled_from([0.05, 0.3, 1.0]),
    sensor=st.booleans(),
)
def test_the_bound_of_one_pump_holds_on_any_grid_at_any_prices(
    prices: list[float],
    room_c: float,
    outdoor_c: float,
    spec: LeverSpec,
    emitter: Emitter,
    cell_k: float,
    sensor: bool,
) -> None:
    pump = a_pump(room_c=room_c, spec=spec, emitter=emitter, sensor=sensor)
    request = a_request([pump], prices, outdoor_c=outdoor_c)
    best = every_schedule(request, 0).cost_eur.min()
    assert bound_alone(request, cell_k=cell_k, corrected=True) <= best + 1e-9


def test_a_bound_without_its_correction_is_caught() -> None:
    caught: int = 0
    for seed in range(12):
        prices = np.random.default_rng(seed).uniform(-200, 800, SLOTS)
        request = a_request([three_pumps(seed)[0]], prices, outdoor_c=-4)
        best = every_schedule(request, 0).cost_eur.min()
        assert bound_alone(request, cell_k=0.8, corrected=True) <= best + 1e-9
        caught += bool(bound_alone(request, cell_k=0.8, corrected=False) > best + 1e-6)
    assert caught >= 3, "enumeration must be able to tell an interpolated value from a bound"


def test_a_finer_grid_closes_the_bound() -> None:
    request = a_request([a_pump()], SHAPES["spread"], outdoor_c=-2)
    best = every_schedule(request, 0).cost_eur.min()
    coarse, fine = (bound_alone(request, cell_k=c, corrected=True) for c in (0.8, 0.02))
    assert coarse <= fine <= best
    assert best - fine < 0.2 * (best - coarse)


def test_the_price_of_changes_gives_back_what_the_limit_allows() -> None:
    houses, responses, _ = houses_of(request := a_request([a_pump()], SHAPES["spread"]))
    dwell = dwell_of(sensed=True)
    batch = batch_of(houses, np.array([0]), responses, horizon_of(request), dwell, np.array([dwell.start(1, 96)]))
    price = horizon_of(request).price_eur_per_mwh[None, :]
    priced = underestimate(batch, Prices(price, np.full_like(price, 0.05)))
    assert priced[0] <= every_schedule(request, 0).cost_eur.min() + 1e-9
