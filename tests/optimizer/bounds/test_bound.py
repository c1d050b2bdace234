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
from optimizer import fleet as fleets
from optimizer.bound import Zones, least_costs
from optimizer.dwell import MAX_CHANGES_PER_DAY, dwell_of
from optimizer.fleet import Fleet
from optimizer.house import MODES, Houses, house_of
from optimizer.kernels import Automaton
from optimizer.modelled import modelled_of
from optimizer.objective import gentler
from optimizer.planner import horizon_of, plan_fleet
from tests.optimizer.builders import a_pump, a_request
from tests.optimizer.reference.bound import underestimate
from tests.optimizer.reference.enumeration import cheapest_together, every_schedule, houses_of
from tests.optimizer.reference.programme import Batch, Prices, batch_of

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


def batch_alone(request: PlanningRequest, cell_k: float) -> Batch:
    """A single pump as the reference takes it."""
    houses, responses, _ = houses_of(request)
    dwell = dwell_of(bool(houses.sensed[0]))
    pump = request.pumps[0]
    start = np.array([dwell.start(MODES.index(pump.mode), pump.held_slots)])
    return batch_of(houses, np.array([0]), responses, horizon_of(request), dwell, start, cell_k)


def reference_bound(request: PlanningRequest, *, cell_k: float, corrected: bool = True, nu_eur: float = 0.0) -> float:
    """Bound of a single pump without a cap, in plain numpy."""
    price = horizon_of(request).price_eur_per_mwh[None, :]
    batch = batch_alone(request, cell_k)
    return float(underestimate(batch, Prices(price, np.full_like(price, nu_eur)), corrected=corrected)[0])


def bound_alone(
    request: PlanningRequest, *, cell_k: float, wide_k: float | None = None, share: float = 0.5, nu_eur: float = 0.0,
    gentle: bool = False,
) -> float:  # fmt: skip
    """Bound of a single pump without a cap, as planned with, on a grid of our choice: fine cells in a share of it."""
    batch = batch_alone(request, cell_k)
    houses, horizon = batch.houses, horizon_of(request)
    modelled = modelled_of(houses, horizon)
    model = modelled.model
    if gentle:
        reach = np.ptp(np.append(horizon.price_eur_per_mwh, 0.0))
        softer = gentler(modelled.objective, float(reach))
        model = model._replace(below=softer.below_bnk, above=softer.above_bnk)
    low, wide, points = batch.grid.lowest_c, wide_k or float(batch.grid.cell_k[0]), batch.grid.points
    middle = points - 3 if wide_k is None else max(int(share * points), 1)
    first = low + batch.grid.cell_k if wide_k is None else modelled.responses.room_start_c - middle / 2 * cell_k
    fine = batch.grid.cell_k if wide_k is None else np.array([cell_k])
    last = first + middle * fine
    below = np.maximum(np.ceil((first - modelled.low_c) / wide - 1e-9).astype(np.int64), 1)
    above = np.maximum(np.ceil((modelled.high_c - last) / wide - 1e-9).astype(np.int64), 1)
    if wide_k is None:
        below, above = np.array([1]), np.array([1])
    zones = Zones(
        first - below * wide, np.array([wide]), below, first, fine, np.array([middle]), last, above
    )  # fmt: skip
    least, dwell = np.empty(1), batch.dwell
    auto = Automaton(
        dwell.mode.astype(np.int64), dwell.stay.astype(np.int64), dwell.may_leave, dwell.entry.astype(np.int64)
    )
    price = horizon.price_eur_per_mwh[None, :].copy()
    days = np.zeros(len(price[0]), dtype=np.int64)
    nu = np.array([[nu_eur]])
    least_costs(model, price, nu, auto, batch.start_state.astype(np.int64), zones, days, MAX_CHANGES_PER_DAY, least)
    return float(least[0])


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
    assert best <= certificate.cost_eur + 1e-6  # powers are kept in single precision
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
    wide_k=st.sampled_from([None, 0.2, 0.7]),
    gentle=st.booleans(),
    sensor=st.booleans(),
)
def test_the_bound_of_one_pump_holds_on_any_grid_at_any_prices(
    prices: list[float],
    room_c: float,
    outdoor_c: float,
    spec: LeverSpec,
    emitter: Emitter,
    cell_k: float,
    wide_k: float | None,
    gentle: bool,
    sensor: bool,
) -> None:
    pump = a_pump(room_c=room_c, spec=spec, emitter=emitter, sensor=sensor)
    request = a_request([pump], prices, outdoor_c=outdoor_c)
    best = every_schedule(request, 0).cost_eur.min()
    assert bound_alone(request, cell_k=cell_k, wide_k=wide_k, gentle=gentle) <= best + 1e-9
    if wide_k is None and not gentle:
        reference = reference_bound(request, cell_k=cell_k)
        assert bound_alone(request, cell_k=cell_k) == pytest.approx(reference, abs=1e-6)


def test_a_bound_without_its_correction_is_caught() -> None:
    caught: int = 0
    for seed in range(12):
        prices = np.random.default_rng(seed).uniform(-200, 800, SLOTS)
        request = a_request([three_pumps(seed)[0]], prices, outdoor_c=-4)
        best = every_schedule(request, 0).cost_eur.min()
        assert bound_alone(request, cell_k=0.8) <= best + 1e-9
        caught += bool(reference_bound(request, cell_k=0.8, corrected=False) > best + 1e-6)
    assert caught >= 3, "enumeration must be able to tell an interpolated value from a bound"


def test_a_finer_grid_closes_the_bound() -> None:
    request = a_request([a_pump()], SHAPES["spread"], outdoor_c=-2)
    best = every_schedule(request, 0).cost_eur.min()
    coarse, fine = (bound_alone(request, cell_k=c) for c in (0.8, 0.02))
    assert coarse <= fine <= best
    assert best - fine < 0.2 * (best - coarse)


def test_the_price_of_changes_gives_back_what_the_limit_allows() -> None:
    request = a_request([a_pump()], SHAPES["spread"])
    priced = bound_alone(request, cell_k=0.05, nu_eur=0.05)
    assert priced <= every_schedule(request, 0).cost_eur.min() + 1e-9
    assert priced == pytest.approx(reference_bound(request, cell_k=0.05, nu_eur=0.05), abs=1e-6)


@pytest.mark.parametrize("spread", [40.0, 400.0])
def test_the_bound_of_a_large_fleet_asks_for_no_hold_and_stays_below_what_keeps_them(
    spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pumps = three_pumps(3)
    horizon = horizon_of(a_request(pumps, np.random.default_rng(1).normal(80, spread, 24)))
    start = [(MODES.index(p.mode), p.held_slots) for p in pumps]
    fleet = Fleet(Houses.of([house_of(p) for p in pumps]), horizon, start, 0)
    no_mu, anyhow = np.zeros(24), np.zeros(3, dtype=bool)
    best = fleet.propose(no_mu, float("inf"))
    fine = fleet.least_cost(no_mu, best, float("inf"), anyhow)
    monkeypatch.setattr(fleets, "FINELY_BOUNDED_HOUSES", 0)
    coarse = fleet.least_cost(no_mu, best, float("inf"), anyhow)
    assert (coarse <= best.cost_eur).all()
    assert (coarse <= fine + 0.01).all()
    assert (coarse >= best.cost_eur - 0.2 * np.abs(best.cost_eur) - 1.0).all(), "and says something"
