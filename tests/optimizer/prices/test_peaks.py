"""Plans of homes that pay for peak power: the charge is the contract's, and the bound stays one."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.modes import Mode
from domain.planning.fleet_plan import PlanningRequest, PumpForPlanning
from domain.planning.peaks import house_peaks, peak_hours
from domain.planning.power_charge import Peak
from domain.slots import SLOT
from market.tariff_files import tariffs_in
from optimizer.peaks import Peaks, peaks_of
from optimizer.planner import plan_fleet
from tests.optimizer.builders import FIRST_SLOT, a_fleet, a_pump, a_request, two_peaks
from tests.optimizer.reference.enumeration import every_schedule

GOTHENBURG, SOLLENTUNA = "se-goteborg-power", "se-sollentuna-power"
DAYTIME = FIRST_SLOT.replace(day=15, hour=8)
SO_FAR = [Peak(at=FIRST_SLOT.replace(day=day, hour=9), kw=kw) for day, kw in ((7, 2.9), (8, 2.6), (9, 2.4), (12, 2.2))]


def charged(
    request: PlanningRequest, name: str, so_far: Sequence[Peak] = (), *, paying: int | None = None
) -> PlanningRequest:
    """The request's pumps, or the first so many of them, in homes that pay for peaks under a tariff."""
    tariff = tariffs_in()(name)
    hours = peak_hours(tariff, request.first_slot, request.first_slot + request.slots * SLOT)
    assert hours is not None
    hour = np.arange(request.slots) / 4 % 24
    base = 0.3 + 0.7 * np.exp(-(((hour - 18.5) / 2) ** 2)) + 0.4 * np.exp(-(((hour - 7.5) / 1.5) ** 2))
    terms = house_peaks(tariff, hours, base.tolist(), so_far, is_metered=False)

    def of(place: int, pump: PumpForPlanning) -> PumpForPlanning:
        pays = paying is None or place < paying
        return pump.model_copy(update={"peaks": terms if pays else None})

    pumps = tuple(of(place, pump) for place, pump in enumerate(request.pumps))
    return request.model_copy(update={"peaks": hours, "pumps": pumps})


def arrays_of(request: PlanningRequest) -> Peaks:
    found = peaks_of(request)
    assert found is not None
    return found


@given(st.data(), st.sampled_from([GOTHENBURG, SOLLENTUNA]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_no_mean_of_tangents_exceeds_the_charge_anywhere(data: st.DataObject, name: str, is_late: bool) -> None:
    peaks = arrays_of(charged(a_request([a_pump(0)]), name, SO_FAR if is_late else ()))
    draw = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    here, there, at = (draw.uniform(0, 5, (1, 96)) for _ in range(3))
    share = data.draw(st.floats(0, 1))
    tangent = peaks.tangent(here).mixed(peaks.tangent(there), share)
    assert tangent.at(at)[0] <= peaks.charge(at)[0] + 1e-9
    assert peaks.tangent(here).at(here) == pytest.approx(peaks.charge(here))


@pytest.mark.parametrize("name", [GOTHENBURG, SOLLENTUNA])
def test_the_bound_of_a_short_plan_lies_below_every_schedule_and_its_cost_is_one_of_theirs(name: str) -> None:
    request = a_request([a_pump(0, mode=Mode.MID, held_slots=3)], two_peaks(12), outdoor_c=-5.0)
    series = {"prices": request.prices, "weather": request.weather}
    request = request.model_copy(
        update={"first_slot": DAYTIME} | {k: v.model_copy(update={"start": DAYTIME}) for k, v in series.items()}
    )
    request = charged(request, name)
    certificate = plan_fleet(request).certificate
    every = every_schedule(request, 0)
    best = every.counted_eur.min()
    assert certificate.lower_bound_eur <= best + 1e-5
    assert best <= certificate.cost_eur + 1e-5
    assert np.abs(every.cost_eur - certificate.cost_eur).min() < 1e-5


def test_on_a_flat_price_a_home_that_pays_for_peaks_is_kept_below_own_controls_and_its_neighbour_is_left_alone() -> (
    None
):
    request = charged(a_request(a_fleet(6), np.full(96, 100.0)), SOLLENTUNA, paying=3)
    result = plan_fleet(request)
    assert result.certificate.peak_charge_eur < 0.95 * result.certificate.neutral_peak_charge_eur
    assert any(set(pump.modes) > {Mode.LOW} for pump in result.pumps[:3])
    assert all(set(pump.modes) == {Mode.LOW} for pump in result.pumps[3:])
    assert result.certificate.kelvin_hours < 0.05
    assert result.certificate.lower_bound_eur <= result.certificate.cost_eur


def test_a_plan_for_prices_alone_would_pay_more_for_peaks_than_the_plan_that_knows_them() -> None:
    request = a_request([a_pump(i, area_m2=110.0 + 20 * i) for i in range(4)])
    knowing = charged(request, SOLLENTUNA)
    peaks = arrays_of(knowing)
    blind, seeing = plan_fleet(request), plan_fleet(knowing)
    powers = (np.array([pump.expected_power_kw for pump in plan.pumps]) for plan in (blind, seeing))
    blind_eur, seeing_eur = (float(peaks.charge(power).sum()) for power in powers)
    assert seeing_eur < 0.9 * blind_eur
    assert seeing.certificate.peak_charge_eur == pytest.approx(seeing_eur, abs=1e-3)


def test_below_the_months_threshold_nothing_more_is_charged_and_a_kilowatt_above_it_costs_more() -> None:
    request = a_request([a_pump(0)])
    early, late = (charged(request, GOTHENBURG, so_far).pumps[0].peaks for so_far in ((), SO_FAR))
    assert early is not None
    assert late is not None
    assert early.above_kw == (0.0,)
    assert late.above_kw == (2.4,)
    # 29 SEK and VAT on a third of a kilowatt; three of 31 days count, or five are known with today
    assert early.eur_per_kw == pytest.approx((29 * 1.25 / 3 / 11 * 3 / 31,))
    assert late.eur_per_kw == pytest.approx((29 * 1.25 / 3 / 11 * 5 / 31,))
    arrays = arrays_of(charged(request, GOTHENBURG, SO_FAR))
    assert arrays.charge(np.full((1, 96), 1.0))[0] == 0.0


def test_a_grid_limit_and_a_charge_for_peaks_are_planned_together_with_a_true_bound() -> None:
    request = charged(a_request(a_fleet(4), cap_kw=9.0), SOLLENTUNA, paying=2)
    certificate = plan_fleet(request).certificate
    assert certificate.lower_bound_eur <= certificate.cost_eur <= certificate.neutral_cost_eur
    assert certificate.peak_charge_eur < certificate.neutral_peak_charge_eur
