"""What was nominated binds the plan at the price of deviating, and every claim about it holds."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from domain.planning.fleet_plan import FleetPlanResult, PlanningRequest
from domain.slots import SLOT_HOURS
from optimizer.choice import Candidates, dual_ascent
from optimizer.coordination import Caps, coordinate
from optimizer.fleet import Fleet
from optimizer.house import MODES, Houses, house_of
from optimizer.kernels import OVERFLOW_EUR_PER_MWH
from optimizer.load_cost import ENERGY, LoadCost, Nominated
from optimizer.master import Column, Master
from optimizer.planner import horizon_of, plan_fleet
from tests.optimizer.builders import Array, a_fleet, a_request, nominated, two_peaks
from tests.optimizer.prices.test_own_sun import with_sun
from tests.optimizer.prices.test_peaks import SOLLENTUNA, charged
from tests.optimizer.reference.enumeration import cheapest_together, every_schedule
from tests.optimizer.test_random_fleets import requests

EXAMPLES = int(os.environ.get("HEATSTEER_EXAMPLES", "30"))
ROUNDING_EUR = 1e-5
PRICES = st.sampled_from([0.0, 5.0, 60.0, 400.0, 4000.0])
KW = st.floats(0, 20)


def load_kw(result: FleetPlanResult) -> Array:
    return np.asarray(np.sum([p.expected_power_kw for p in result.pumps], axis=0))


def off_kwh(result: FleetPlanResult, kw: Array) -> float:
    return float(np.abs(load_kw(result) - kw).sum()) * SLOT_HOURS


# What the load costs, and its dual


@given(KW, st.none() | KW, PRICES, PRICES, st.floats(0, 1), st.lists(KW, min_size=1))
def test_no_load_costs_less_than_psi_says_at_any_dual(
    named: float, cap: float | None, up: float, down: float, share: float, loads: list[float]
) -> None:
    cost = LoadCost(np.array([np.inf if cap is None else cap]), Nominated(np.array([named]), up, down))
    mu = cost.lowest_mu + share * (cost.highest_mu - cost.lowest_mu)
    least = cost.least_eur(np.broadcast_to(mu, (1,)))
    for load in [*loads, 0.0, named, *([] if cap is None else [cap])]:
        by_hand = up * max(load - named, 0.0) + down * max(named - load, 0.0)
        by_hand += 0.0 if cap is None else OVERFLOW_EUR_PER_MWH * max(load - cap, 0.0)
        assert cost.eur(np.array([load])) == pytest.approx(by_hand * ENERGY, abs=1e-12)
        assert by_hand * ENERGY - float(np.sum(mu)) * load * ENERGY >= least - 1e-9
    ends = [named] if cap is None else [named, cap]
    assert any(
        cost.eur(np.array([end])) - float(np.sum(mu)) * end * ENERGY == pytest.approx(least, abs=1e-9) for end in ends
    ), "and some load costs just that"


@pytest.mark.parametrize("cap", [np.inf, 9.0])
def test_the_dual_of_a_nomination_found_by_ascent_is_worth_what_the_relaxed_master_says(cap: float) -> None:
    draw = np.random.default_rng(7)
    cost, power = draw.uniform(1, 2, (4, 6)), draw.uniform(0, 2.5, (4, 6, 8)).astype(np.float32)
    together = LoadCost(np.full(8, cap), Nominated(draw.uniform(2, 9, 8), up=90.0, down=40.0))
    candidates = Candidates(cost, power, np.ones(6), together)
    mu, value = dual_ascent(candidates, np.zeros(8))
    columns = [
        Column(i, np.empty(0, dtype=np.intp), power[k, i].astype(float), float(cost[k, i]))
        for k in range(4)
        for i in range(6)
    ]
    master = Master([1] * 6, together.cap_kw, together.nominated)
    relaxed = master.relax(columns, np.zeros(8), np.full(8, OVERFLOW_EUR_PER_MWH))
    assert value <= relaxed.value_eur + 1e-6, "a dual never exceeds what it is the dual of"
    assert value >= relaxed.value_eur - 0.01 * abs(relaxed.value_eur)
    for dual in (mu, relaxed.dual_eur_per_mwh):
        assert (dual >= -40.0 - 1e-6).all()
        assert (dual <= (90.0 if np.isinf(cap) else 90.0 + OVERFLOW_EUR_PER_MWH) + 1e-6).all()
    at_relaxed = candidates.priced(relaxed.dual_eur_per_mwh).min(axis=0).sum()
    assert at_relaxed + together.least_eur(relaxed.dual_eur_per_mwh) == pytest.approx(relaxed.value_eur, abs=1e-4)


def test_the_integer_master_weighs_deviations_against_costs() -> None:
    power = [np.array([2.0, 0.0]), np.array([0.0, 2.0])]
    columns = [Column(0, np.empty(0, dtype=np.intp), kw, eur) for kw, eur in zip(power, (0.0, 0.05), strict=True)]
    none = np.full(2, np.inf)
    for price, runs in ((10.0, [1, 0]), (100.0, [0, 1])):  # moving costs 5 ct and spares 2 x 0.5 kWh
        named = Nominated(np.array([0.0, 2.0]), price, price)
        found = Master([1], none, named).choose(columns, 1.0)
        assert found is not None
        assert found.tolist() == runs


# A day that was nominated


@pytest.mark.slow
def test_a_plan_keeps_to_what_was_nominated_when_other_prices_come_and_is_free_where_deviating_is() -> None:
    fleet = a_fleet(12)
    foreseen = np.roll(two_peaks(), 8)
    kw = load_kw(plan_fleet(a_request(fleet, foreseen)))
    came = a_request(fleet)
    free = plan_fleet(came)
    kept, loosely = plan_fleet(nominated(came, kw, 200.0)), plan_fleet(nominated(came, kw, 20.0))
    assert off_kwh(free, kw) > 100.0, "else these prices move nothing"
    assert off_kwh(kept, kw) < 0.02 * off_kwh(free, kw)
    assert off_kwh(kept, kw) < off_kwh(loosely, kw) < off_kwh(free, kw)
    made = kept.certificate
    assert made.above_nominated_kwh + made.below_nominated_kwh == pytest.approx(off_kwh(kept, kw), abs=0.01)
    assert made.deviation_eur == pytest.approx(0.2 * off_kwh(kept, kw), abs=0.01)
    assert made.neutral_deviation_eur > 10 * made.deviation_eur
    assert made.gap_pct < 1.0
    assert made.cost_eur >= made.lower_bound_eur
    assert made.kelvin_hours == pytest.approx(0.0, abs=0.1), "comfort is not sold for it"

    at_no_price = plan_fleet(nominated(came, kw, 0.0))
    assert at_no_price.pumps == free.pumps
    assert at_no_price.certificate.model_dump(exclude={"seconds"}) == free.certificate.model_dump(exclude={"seconds"})
    assert at_no_price.cap_price_eur_per_mwh == free.cap_price_eur_per_mwh


@pytest.mark.slow
@pytest.mark.parametrize(("up", "down"), [(150.0, 0.0), (0.0, 150.0)])
def test_each_side_has_a_price_of_its_own(up: float, down: float) -> None:
    fleet = a_fleet(8)
    kw = load_kw(plan_fleet(a_request(fleet, np.roll(two_peaks(), 8))))
    made = plan_fleet(nominated(a_request(fleet), kw, up, down)).certificate
    dear, cheap = made.above_nominated_kwh, made.below_nominated_kwh
    if up == 0:
        dear, cheap = cheap, dear
    assert dear < 0.3 * cheap
    assert made.deviation_eur == pytest.approx(0.15 * dear, abs=1e-6)


@pytest.mark.slow
def test_a_limit_holds_beside_a_nomination_above_it() -> None:
    fleet = a_fleet(8)
    kw = load_kw(plan_fleet(a_request(fleet, np.roll(two_peaks(), 8))))
    cap_kw = 0.85 * float(kw.max())
    result = plan_fleet(nominated(a_request(fleet, cap_kw=cap_kw), kw, 100.0))
    assert load_kw(result).max() <= cap_kw + 0.1
    assert result.certificate.below_nominated_kwh > 0
    assert result.certificate.lower_bound_eur <= result.certificate.cost_eur


@pytest.mark.slow
def test_many_pumps_that_are_planned_by_segments_keep_to_it_as_well() -> None:
    fleet = a_fleet(420)
    kw = load_kw(plan_fleet(a_request(fleet, np.roll(two_peaks(), 8), budget_s=300.0)))
    came = a_request(fleet, budget_s=300.0)
    free, kept = plan_fleet(came), plan_fleet(nominated(came, kw, 100.0))
    assert kept.certificate.segments < len(fleet)
    assert off_kwh(kept, kw) < 0.1 * off_kwh(free, kw)
    assert kept.certificate.gap_pct < 2.0


@pytest.mark.slow
def test_homes_with_roofs_and_homes_that_pay_for_peaks_keep_to_it_with_the_others() -> None:
    fleet = a_fleet(6)
    fleet = (*map(with_sun, fleet[:2]), *fleet[2:])
    asked = charged(a_request(fleet, np.roll(two_peaks(mean=300.0), 8)), SOLLENTUNA, paying=4)
    kw = load_kw(plan_fleet(asked))
    came = charged(a_request(fleet, two_peaks(mean=300.0)), SOLLENTUNA, paying=4)
    free, kept = plan_fleet(came), plan_fleet(nominated(came, kw, 200.0))
    assert off_kwh(kept, kw) < 0.1 * off_kwh(free, kw)
    assert kept.certificate.lower_bound_eur <= kept.certificate.cost_eur
    assert kept.certificate.gap_pct < 3.0


def test_a_nomination_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="3 slots are nominated, but the plan has 96"):
        plan_fleet(nominated(a_request(a_fleet(1)), [1.0] * 3, 50.0))


# Against every combination of schedules


@pytest.mark.slow
@pytest.mark.timeout(200 + 3 * EXAMPLES)
@settings(
    max_examples=max(EXAMPLES // 3, 5),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(requests(st.integers(2, 5), st.just(3)), st.lists(KW, min_size=5, max_size=5), PRICES, PRICES)
def test_no_combination_of_three_pumps_beats_the_bound_under_any_nomination(
    request: PlanningRequest, kw: list[float], up: float, down: float
) -> None:
    request = nominated(request, kw[: request.slots], up, down)
    result = plan_fleet(request)
    assume(all(pump.steered for pump in result.pumps))
    made = result.certificate
    # Where deviating is free the rule of `guard` holds, and the bound is of the plans that it allows.
    best, allowed = cheapest_together(request), cheapest_together(request, counted=up == down == 0)
    rounding = ROUNDING_EUR * max(1.0, abs(best))  # powers are single, and a kilowatt may cost four euros an hour
    assert made.lower_bound_eur <= allowed + rounding
    assert best <= made.cost_eur + rounding
    assert (np.array(result.cap_price_eur_per_mwh) >= -down - 1e-9).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_three_pumps_keep_to_a_nomination_nearly_as_well_as_any_combination_of_their_schedules(seed: int) -> None:
    draw = np.random.default_rng(seed)
    request = a_request(a_fleet(3, seed=seed), draw.uniform(20, 300, 6))
    every = [every_schedule(request, i) for i in range(3)]
    kw = sum(one.power_kw[draw.integers(len(one.power_kw))] for one in every)  # what three schedules would draw
    request = nominated(request, kw, 300.0)
    result = plan_fleet(request)
    assert all(pump.steered for pump in result.pumps)
    best = cheapest_together(request)
    assert best - ROUNDING_EUR <= result.certificate.cost_eur <= best + 0.05 * abs(best) + ROUNDING_EUR


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_one_pump_does_what_the_cheapest_of_all_its_schedules_does(seed: int) -> None:
    draw = np.random.default_rng(seed)
    request = a_request(a_fleet(4)[seed : seed + 1], draw.uniform(20, 300, 6))
    every = every_schedule(request, 0)
    kw, price = every.power_kw[draw.integers(len(every.power_kw))], 150.0
    request = nominated(request, kw, price)
    every = every_schedule(request, 0)
    off_eur = np.abs(every.power_kw - kw).sum(axis=1) * price * ENERGY
    best, made = float((every.cost_eur + off_eur).min()), plan_fleet(request).certificate
    assert best - ROUNDING_EUR <= made.cost_eur <= best + 0.005 * abs(best) + ROUNDING_EUR
    assert made.lower_bound_eur <= best + ROUNDING_EUR


@pytest.mark.slow
def test_areas_of_one_fleet_have_nominations_of_their_own() -> None:
    request = a_request(a_fleet(6))
    fleet = Fleet(
        Houses.of([house_of(p) for p in request.pumps]),
        horizon_of(request),
        [(MODES.index(p.mode), p.held_slots) for p in request.pumps],
        seed=0,
    )
    area = np.array([0, 0, 0, 1, 1, 1])
    calm = Caps(area, np.full((2, 96), np.inf)).loads_kw(fleet.calm.power_kw)
    caps = Caps(area, np.full((2, 96), np.inf), (Nominated(calm[0], 500.0, 500.0), None))
    found = coordinate(fleet, caps, np.inf, np.inf, seed=0)
    free = coordinate(fleet, Caps(area, caps.cap_kw), np.inf, np.inf, seed=0)
    loads, free_loads = caps.loads_kw(found.plan.power_kw), caps.loads_kw(free.plan.power_kw)
    assert np.abs(loads[0] - calm[0]).sum() < 0.05 * np.abs(free_loads[0] - calm[0]).sum()
    assert not found.mu_an[1].any()
