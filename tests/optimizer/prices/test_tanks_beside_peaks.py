"""Tanks of homes that pay for peak power: their draw is in the charge, and no charge is taken ahead at a loss."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.modes import HotWaterMode
from domain.planning.fleet_plan import PlanningRequest
from oem_adapters.nibe.manifest import HOT_WATER_COMFORT
from optimizer.hot_water import hot_water_modes
from optimizer.planner import fleet_of, horizon_of, plan_fleet
from optimizer.tanks import saved_eur, tank_loads_kw, tanks_of
from tests.builders import a_lever
from tests.optimizer.builders import a_fleet, a_request, two_peaks
from tests.optimizer.prices.test_peaks import GOTHENBURG, SO_FAR, SOLLENTUNA, arrays_of, charged

BOOST = HotWaterMode.BOOST


def wet(request: PlanningRequest) -> PlanningRequest:
    """The request's pumps, each with a lever for its tank."""
    lever = a_lever(HOT_WATER_COMFORT, 1.0)
    pumps = [p.model_copy(update={"profile": p.profile.model_copy(update={"hot_water": lever})}) for p in request.pumps]
    return request.model_copy(update={"pumps": tuple(pumps)})


def dear_at_night(spread: float = 120.0) -> np.ndarray:
    """Cheapest at noon, when Sollentuna charges."""
    return np.roll(two_peaks(spread=spread), 44)


@given(st.integers(0, 10**6), st.sampled_from([GOTHENBURG, SOLLENTUNA]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_more_power_in_a_quiet_slot_costs_nothing(seed: int, name: str, is_late: bool) -> None:
    draw = np.random.default_rng(seed)
    peaks = arrays_of(charged(a_request(a_fleet(2)), name, SO_FAR if is_late else ()))
    peaks = replace(peaks, counted_a_day=int(draw.integers(1, 4)))
    power = draw.uniform(0, 4, (2, 96))
    quiet = peaks.quiet(power, 1.0)
    before = peaks.charge(power)
    for slot in np.flatnonzero(quiet[0]):
        interval = peaks.mean_nh[slot] > 0
        more = power.copy()
        more[0] += peaks.mean_nh[:, interval].any(axis=1) if interval.any() else np.arange(96) == slot
        assert peaks.charge(more)[0] == pytest.approx(before[0])


def test_what_a_tank_draws_is_in_the_charge_that_the_plan_is_held_against() -> None:
    request = wet(charged(a_request(a_fleet(4)), SOLLENTUNA))
    result = plan_fleet(request)
    power = np.array([pump.expected_power_kw for pump in result.pumps])
    tanks = tank_loads_kw([pump.hot_water for pump in result.pumps], 96)
    assert tanks.sum() > 0
    dry, beside = arrays_of(request), arrays_of(request).beside(tanks)
    assert result.certificate.peak_charge_eur == pytest.approx(float(beside.charge(power).sum()), abs=1e-3)
    assert float(dry.charge(power).sum()) < float(beside.charge(power).sum())
    assert result.certificate.lower_bound_eur <= result.certificate.cost_eur


def test_a_plan_that_knows_its_tanks_pays_less_for_peaks_than_one_that_does_not() -> None:
    request = wet(charged(a_request(a_fleet(6)), GOTHENBURG))
    seeing = plan_fleet(request)
    tanks = tank_loads_kw([pump.hot_water for pump in seeing.pumps], 96)
    blind = plan_fleet(charged(a_request(a_fleet(6)), GOTHENBURG))
    beside = arrays_of(request).beside(tanks)
    with_tanks, without = (
        float(beside.charge(np.array([pump.expected_power_kw for pump in plan.pumps])).sum())
        for plan in (seeing, blind)
    )
    assert with_tanks < without


def test_a_charge_that_would_cost_more_by_its_peak_than_it_saves_goes_elsewhere_or_is_not_taken() -> None:
    request = wet(charged(a_request(a_fleet(8), dear_at_night(spread=60.0)), SOLLENTUNA, SO_FAR))
    peaks, prices = arrays_of(request), horizon_of(request).price_eur_per_mwh
    fleet = fleet_of(request)
    chosen, own = tanks_of(request, fleet), fleet.neutral.power_kw
    cheapest = [hot_water_modes(pump.profile.enrolment.pump_id, prices.tolist()) for pump in request.pumps]
    never = [(HotWaterMode.NORMAL,) * 96] * 8
    adds = [peaks.beside(tank_loads_kw(modes, 96)).charge(own).sum() for modes in (chosen, cheapest, never)]
    saves = [sum(saved_eur(one, prices.tolist()) for one in modes) for modes in (chosen, cheapest)]
    assert adds[1] - adds[2] > saves[1], "the cheapest slots lie where the grid charges, and cost more than they save"
    assert adds[0] - adds[2] < 0.05
    assert saves[0] > 0.7 * saves[1]


def test_where_prices_differ_by_more_than_a_peak_costs_the_tank_is_charged_all_the_same() -> None:
    request = wet(charged(a_request(a_fleet(2), dear_at_night(spread=3000.0)), GOTHENBURG, SO_FAR))
    result = plan_fleet(request)
    assert all(BOOST in pump.hot_water for pump in result.pumps)


def test_homes_that_pay_for_no_peaks_keep_the_rule_on_prices() -> None:
    request = wet(charged(a_request(a_fleet(4), dear_at_night()), SOLLENTUNA, paying=2))
    prices = horizon_of(request).price_eur_per_mwh.tolist()
    for pump in plan_fleet(request).pumps[2:]:
        assert pump.hot_water == hot_water_modes(pump.pump_id, prices)
