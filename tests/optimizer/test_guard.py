"""What moves a pump, on days below zero, on flat days, in cold rooms, and with broken numbers."""

import math

import numpy as np
import pytest

from domain.homes.comfort import ComfortBand
from domain.modes import Mode
from domain.planning.fleet_plan import FleetPlanResult
from optimizer.planner import plan_fleet
from tests.optimizer.builders import a_fleet, a_pump, a_request, two_peaks

pytestmark = pytest.mark.slow


def below_zero(all_day: float, noon: float) -> np.ndarray:
    """Cheaper than `all_day` from 11 to 15 h local."""
    price = np.full(96, all_day)
    price[44:60] = noon
    return price


def planned(price: np.ndarray, lift: float = 0.0) -> FleetPlanResult:
    return plan_fleet(a_request([a_pump()], price + lift))


@pytest.mark.parametrize("lift", [-50.0, -10.0, 0.0, 10.0, 50.0])
def test_a_price_below_zero_leaves_no_cliff_in_what_is_steered(lift: float) -> None:
    result = planned(below_zero(-160.0, -260.0), lift)
    certificate = result.certificate
    assert set(result.pumps[0].modes) != {Mode.LOW}
    assert certificate.neutral_cost_eur - certificate.cost_eur > 0.8 * (
        certificate.neutral_cost_eur - certificate.lower_bound_eur
    )


@pytest.mark.parametrize("price", [-500.0, -100.0, 0.0, 100.0])
@pytest.mark.parametrize("cap_kw", [None, 60.0])
def test_a_flat_day_of_any_price_moves_nobody_and_alarms_nobody(price: float, cap_kw: float | None) -> None:
    result = plan_fleet(a_request(a_fleet(6), np.full(96, price), cap_kw=cap_kw))
    assert all(mode is Mode.LOW for pump in result.pumps for mode in pump.modes)
    assert result.certificate.status == "optimal-within-gap"
    assert result.certificate.gap_pct < 1.0
    assert result.certificate.gap_of_gain_pct == 0.0


def test_no_set_back_is_planned_while_the_room_is_below_its_band() -> None:
    price = below_zero(100.0, 0.0)
    pump = a_pump(room_c=16.0, band=ComfortBand(room_min_c=20.0, room_max_c=23.5))
    planned_pump = plan_fleet(a_request([pump], price, outdoor_c=-10.0, swing_k=0.0)).pumps[0]
    before = (16.0, *planned_pump.expected_room_c[:-1])
    assert not any(mode is Mode.MIN and room_c < 20.0 for mode, room_c in zip(planned_pump.modes, before, strict=True))


@pytest.mark.parametrize("reading", [math.nan, math.inf, -math.inf, -273.0, 60.0])
def test_a_broken_reading_is_unknown_for_its_pump_and_changes_nothing_for_the_others(reading: float) -> None:
    pumps = list(a_fleet(12))
    sound = plan_fleet(a_request(pumps))
    pumps[4] = pumps[4].model_copy(update={"room_c": reading})
    result = plan_fleet(a_request(pumps))
    assert result.pumps[4].expected_room_c == ()
    assert all(math.isfinite(x) for x in result.pumps[4].expected_power_kw)
    others = [i for i in range(12) if i != 4]
    assert sum(set(result.pumps[i].modes) != {Mode.LOW} for i in others) >= 9
    assert [len(result.pumps[i].expected_room_c) for i in others] == [
        len(sound.pumps[i].expected_room_c) for i in others
    ]
    assert math.isfinite(result.certificate.cost_eur)
    assert math.isfinite(result.certificate.lower_bound_eur)


@pytest.mark.parametrize("design_c", [math.nan, math.inf, 300.0])
def test_a_broken_design_temperature_is_replaced_by_the_usual_one(design_c: float) -> None:
    pump = a_pump()
    enrolment = pump.profile.enrolment.model_copy(update={"design_outdoor_c": design_c})
    broken = pump.model_copy(update={"profile": pump.profile.model_copy(update={"enrolment": enrolment})})
    assert plan_fleet(a_request([broken])).pumps == plan_fleet(a_request([pump])).pumps


@pytest.mark.parametrize("cap_kw", [0.0, 10.0])
def test_a_cap_that_cannot_be_kept_ends_by_itself_and_says_how_much_is_missing(cap_kw: float) -> None:
    certificate = plan_fleet(a_request(a_fleet(12), cap_kw=cap_kw)).certificate
    assert certificate.status != "time-limit"
    assert certificate.overflow_kwh > 1.0
    assert certificate.lower_bound_eur <= certificate.cost_eur + 1e-6


def test_twelve_equal_houses_under_a_cap_end_by_themselves() -> None:
    twins = [a_pump(i) for i in range(12)]
    free = plan_fleet(a_request(twins, two_peaks()))
    peak_kw = max(np.sum([p.expected_power_kw for p in free.pumps], axis=0))
    certificate = plan_fleet(a_request(twins, cap_kw=0.8 * float(peak_kw))).certificate
    assert certificate.status == "optimal-within-gap"
