"""The programme against brute force and against a MILP of the same house."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.mode_milp import solve_modes
from domain.homes.enrolment import BuildingClass
from domain.homes.site import Emitter
from domain.modes import Mode
from domain.oem.lever import LeverSpec
from oem_adapters.nibe.manifest import HEATING_OFFSET, ROOM_SETPOINT
from optimizer.dwell import count_changes, dwell_of
from optimizer.fleet import Fleet
from optimizer.house import LOW, MAX, MIN, MODES
from optimizer.planner import horizon_of
from tests.optimizer.builders import a_pump, a_request, two_peaks
from tests.optimizer.reference.enumeration import every_schedule, houses_of
from tests.optimizer.reference.programme import Prices, Programme, batch_of
from tests.optimizer.reference.simulation import evaluate

NO_DEADLINE = float("inf")


def planned_cost(request_prices: np.ndarray, **pump: object) -> tuple[float, float, float]:
    """Cost of the programme's schedule, the best of all schedules, neutral."""
    request = a_request([a_pump(**pump)], request_prices, outdoor_c=-2)  # type: ignore[arg-type]
    houses, _, _ = houses_of(request)
    start = (MODES.index(request.pumps[0].mode), request.pumps[0].held_slots)
    fleet = Fleet(houses, horizon_of(request), [start], seed=0)
    fleet.has_authority[:] = True  # nine slots are too short to show it
    proposal = fleet.propose(np.zeros(request.slots), NO_DEADLINE)
    assert fleet.admits(proposal.modes).all()
    best = every_schedule(request, 0).cost_eur.min()
    return (
        float(proposal.cost_eur[0]),
        float(best),
        float(fleet.neutral.cost_eur[0]),
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sensor", [True, False])
def test_the_programme_finds_the_best_of_all_schedules_within_grid_error(seed: int, sensor: bool) -> None:
    draw = np.random.default_rng(seed)
    cost, best, neutral = planned_cost(
        draw.uniform(-300, 900, 9),
        building_class=list(BuildingClass)[seed % 4],
        spec=(HEATING_OFFSET, ROOM_SETPOINT)[seed % 2],
        emitter=list(Emitter)[seed // 2 % 2],
        mode=list(Mode)[seed % 4],
        held_slots=seed,
        sensor=sensor,
    )
    assert cost >= best - 1e-9
    assert cost - best <= 0.01 * max(abs(best), abs(neutral)) + 0.002


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_with_few_changes_allowed_the_best_of_all_schedules_within_them_is_found(seed: int, limit: int) -> None:
    sensor, mode = bool(seed % 2), list(Mode)[seed]
    pump = a_pump(building_class=list(BuildingClass)[seed], sensor=sensor, mode=mode, held_slots=20)
    prices = np.random.default_rng(seed).uniform(-300, 900, 9)
    request = a_request([pump.model_copy(update={"most_changes": limit})], prices, outdoor_c=-2)
    start = (MODES.index(mode), 20)
    fleet = Fleet(houses_of(request)[0], horizon_of(request), [start], seed=0)
    fleet.has_authority[:] = True  # nine slots are too short to show it
    proposal = fleet.propose(np.zeros(request.slots), NO_DEADLINE)
    every = every_schedule(request, 0)
    within = count_changes(every.modes, np.full(len(every.modes), start[0])).sum(axis=1) <= limit
    best = every.cost_eur[within].min()
    assert proposal.limited.all() == within.any()
    assert best - 1e-9 <= proposal.cost_eur[0] <= best + 0.01 * abs(best) + 0.002


@pytest.mark.parametrize("limit", [2, 3])
def test_where_two_peaks_are_alike_a_pump_does_about_one_what_few_changes_allow(limit: int) -> None:
    twice = np.concatenate([np.full(20, 60.0), np.full(8, 260.0), np.full(20, 60.0)] * 2)
    request = a_request([a_pump().model_copy(update={"most_changes": limit})], twice)
    fleet = Fleet(houses_of(request)[0], horizon_of(request), [(LOW, 96)], seed=0)
    proposal = fleet.propose(np.zeros(96), NO_DEADLINE)
    assert 0 < proposal.changes_bd[0, 0] <= limit
    assert proposal.cost_eur[0] < 0.99 * fleet.neutral.cost_eur[0]
    least = fleet.least_cost(np.zeros(96), proposal, NO_DEADLINE, np.zeros(1, dtype=bool))
    assert least[0] <= proposal.cost_eur[0]


def test_the_milp_of_the_same_house_agrees() -> None:
    slots = 16
    request = a_request([a_pump()], two_peaks(96)[24 : 24 + slots] * 8, outdoor_c=0.0, sun_w_per_m2=0.0)
    houses, responses, objective = houses_of(request)
    fleet = Fleet(houses, horizon_of(request), [(LOW, 96)], seed=0)
    proposal = fleet.propose(np.zeros(slots), NO_DEADLINE)
    cost = float(proposal.cost_eur[0])
    least = float(fleet.least_cost(np.zeros(slots), proposal, NO_DEADLINE, np.zeros(1, dtype=bool))[0])
    dwell = dwell_of(sensed=True)
    start = dwell.start(LOW, 96)
    optimum = solve_modes(responses, objective, horizon_of(request), dwell, start, gap_eur=1e-6, limit_s=60)
    assert least <= optimum.cost_eur + 1e-6
    assert optimum.cost_eur <= cost + 1e-6
    assert cost - optimum.cost_eur <= 0.005 * abs(optimum.cost_eur)
    assert {MIN, MAX} & set(optimum.modes.tolist()), "an oracle that never moves proves nothing"


def test_a_home_without_a_sensor_may_be_set_back_for_three_hours_at_most() -> None:
    dwell = dwell_of(sensed=False)
    start = dwell.start(LOW, 96)
    assert dwell.admits(np.array([MIN] * 12 + [LOW] * 2), start)
    assert not dwell.admits(np.array([MIN] * 13 + [LOW] * 2), start)
    assert not dwell.admits(np.array([MAX] * 4), start)


def test_the_first_slot_counts_as_a_change_against_the_mode_in_force() -> None:
    changed = count_changes(np.array([[MAX, MAX, LOW]]), np.array([LOW]))
    assert changed.tolist() == [[True, False, True]]


@settings(max_examples=20, deadline=None)
@given(
    prices=st.lists(st.floats(-500, 1500), min_size=12, max_size=12),
    room_c=st.floats(18.5, 23.5),
    outdoor_c=st.floats(-20, 14),
    spec=st.sampled_from([HEATING_OFFSET, ROOM_SETPOINT]),
    emitter=st.sampled_from(Emitter),
    mode=st.sampled_from(Mode),
    held_slots=st.integers(0, 6),
    sensor=st.booleans(),
)
def test_the_compiled_programme_is_the_readable_one(
    prices: list[float],
    room_c: float,
    outdoor_c: float,
    spec: LeverSpec,
    emitter: Emitter,
    mode: Mode,
    held_slots: int,
    sensor: bool,
) -> None:
    pump = a_pump(room_c=room_c, spec=spec, emitter=emitter, sensor=sensor, mode=mode, held_slots=held_slots)
    request = a_request([pump], prices, outdoor_c=outdoor_c)
    houses, responses, objective = houses_of(request)
    horizon = horizon_of(request)
    fleet = Fleet(houses, horizon, [(MODES.index(mode), held_slots)], seed=0)
    fleet.has_authority[:] = True
    fast = fleet.propose(np.zeros(request.slots), NO_DEADLINE)
    dwell = dwell_of(sensor)
    start = np.array([dwell.start(MODES.index(mode), held_slots)])
    slow = Programme(batch_of(houses, np.array([0]), responses, horizon, dwell, start)).solve(
        Prices(horizon.price_eur_per_mwh[None, :], np.zeros((1, request.slots)))
    )
    before = np.array([MODES.index(mode)])
    runs = [
        evaluate(responses, objective, horizon, modes, count_changes(modes, before))
        for modes in (fast.modes.astype(np.intp), slow)
    ]
    assert fast.cost_eur[0] == pytest.approx(float(runs[0].cost_eur[0]), abs=1e-9)
    assert fast.room_c[0] == pytest.approx(runs[0].room_c[0], abs=1e-4)
    # single precision and the noise that breaks ties may choose differently where it hardly matters
    assert fast.cost_eur[0] <= runs[1].cost_eur[0] + 0.002 + 0.002 * abs(runs[1].cost_eur[0])
    assert runs[1].cost_eur[0] <= fast.cost_eur[0] + 0.002 + 0.002 * abs(fast.cost_eur[0])
