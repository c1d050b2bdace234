"""Small fleets of every kind, sound and broken: always a plan with a valid bound, or one refusal that names the field.

`HEATSTEER_EXAMPLES=3000 python -m pytest -n 0 tests/optimizer/test_random_fleets.py` tries as many instead of a few.
"""

import os
from math import inf, nan

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.homes.comfort import ComfortBand
from domain.homes.enrolment import BuildingClass
from domain.homes.site import Emitter
from domain.modes import Mode
from domain.planning.fleet_plan import FleetPlanResult, PlanningRequest, PumpForPlanning
from domain.planning.series import HomePrices, WeatherSeries
from oem_adapters.nibe.manifest import HEATING_OFFSET, ROOM_SETPOINT
from optimizer.dwell import MAX_CHANGES_PER_DAY, dwell_of
from optimizer.house import MODES, house_of
from optimizer.planner import plan_fleet
from optimizer.submitted import judge
from tests.optimizer.builders import a_pump, a_request, two_peaks
from tests.optimizer.reference.enumeration import cheapest_together, every_schedule

EXAMPLES = int(os.environ.get("HEATSTEER_EXAMPLES", "30"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(200 + 3 * EXAMPLES)]
ROUNDING_EUR = 1e-5
"""Powers are kept in single precision."""
thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
PRICES = st.floats(-500, 4000) | st.sampled_from([-500.0, -0.01, 0.0, 100.0, 4000.0])
BROKEN = st.sampled_from([nan, inf, -inf, -273.0, 60.0])
ROOMS = st.floats(15, 27) | BROKEN | st.none()
MODE = st.sampled_from(MODES)


@st.composite
def bands(draw: st.DrawFn) -> ComfortBand:
    low = draw(st.floats(14, 24))
    return ComfortBand(room_min_c=low, room_max_c=draw(st.floats(max(18.0, low + 1), 28)))


@st.composite
def pumps(draw: st.DrawFn, number: int) -> PumpForPlanning:
    kind = draw(st.sampled_from(BuildingClass))
    pump = a_pump(
        number,
        building_class=kind,
        area_m2=draw(st.floats(21, 550)),
        emitter=draw(st.sampled_from(Emitter)),
        spec=draw(st.sampled_from([HEATING_OFFSET, ROOM_SETPOINT])),
        rated_heat_kw=draw(st.none() | st.floats(0.51, 59) | st.just(59.9)),
        room_c=draw(ROOMS),
        sensor=draw(st.booleans()),
        band=draw(bands()),
        mode=draw(MODE),
        held_slots=draw(st.integers(0, 20)),
    )
    floor = draw(st.sampled_from([Mode.MIN, Mode.MIN, Mode.LOW]))
    enrolment = pump.profile.enrolment.model_copy(
        update={"design_outdoor_c": draw(st.sampled_from([-12.0, -30.0, 5.0, nan, inf, 400.0]))}
    )
    profile = pump.profile.model_copy(update={"enrolment": enrolment})
    # a revert needs no plan: in a cold snap nobody begins set back
    mode = Mode.LOW if floor is Mode.LOW and pump.mode is Mode.MIN else pump.mode
    return pump.model_copy(
        update={"profile": profile, "floor": floor, "mode": mode, "may_move": draw(st.integers(0, 5)) > 0}
    )


@st.composite
def requests(draw: st.DrawFn, slots: st.SearchStrategy[int], count: st.SearchStrategy[int]) -> PlanningRequest:
    n = draw(slots)
    shape = draw(st.sampled_from(["any", "flat", "stairs", "day"]))
    if shape == "any" and n <= 12:
        prices = draw(st.lists(PRICES, min_size=n, max_size=n))
    elif shape == "flat":
        prices = [draw(PRICES)] * n
    elif shape == "day":
        peaks = two_peaks(96, mean=draw(st.floats(-300, 400)), spread=draw(st.floats(0, 900)))
        prices = np.resize(np.roll(peaks, draw(st.integers(0, 95))), n).tolist()
    else:
        few = draw(st.lists(PRICES, min_size=1, max_size=6))
        prices = np.resize(np.repeat(few, draw(st.integers(1, 12))), n).tolist()
    members = [draw(pumps(i)) for i in range(draw(count))]
    size_kw = sum(p.profile.enrolment.rated_heat_kw for p in members)
    cap = draw(st.none() | st.sampled_from([0.0, 0.05, 0.15, 0.25, 0.4, 5.0]))
    return a_request(
        members,
        prices,
        outdoor_c=draw(st.floats(-25, 35)),
        swing_k=draw(st.floats(0, 10)),
        sun_w_per_m2=draw(st.sampled_from([0.0, 120.0, 900.0])),
        cap_kw=None if cap is None else cap * size_kw,
        budget_s=draw(st.sampled_from([0.0, 20.0, 20.0, 20.0])),
    )


def assert_it_is_an_answer(request: PlanningRequest) -> FleetPlanResult:
    """The plan is whole, finite, keeps its rules and costs no less than its bound; returns it."""
    result = plan_fleet(request)
    assert [p.pump_id for p in result.pumps] == [p.profile.enrolment.pump_id for p in request.pumps]
    for asked, planned in zip(request.pumps, result.pumps, strict=True):
        sensed = house_of(asked).sensed
        assert len(planned.modes) == len(planned.expected_power_kw) == request.slots
        assert len(planned.expected_room_c) == (request.slots if sensed else 0)
        assert np.isfinite(planned.expected_power_kw).all()
        assert min(planned.expected_power_kw) >= 0
        assert np.isfinite(planned.expected_room_c).all()
        assert asked.floor is Mode.MIN or Mode.MIN not in planned.modes
        numbers = np.array([MODES.index(mode) for mode in planned.modes])
        before = MODES.index(asked.mode)
        if planned.steered and asked.floor is Mode.MIN:
            dwell = dwell_of(sensed)
            assert dwell.admits(numbers, dwell.start(before, asked.held_slots))
            assert np.count_nonzero(np.diff(np.append(before, numbers))[:96]) <= MAX_CHANGES_PER_DAY
        if not asked.may_move:
            assert set(planned.modes) == {Mode.LOW}
    certificate = result.certificate
    figures = certificate.model_dump(exclude={"status", "cap_kw"})
    assert all(np.isfinite(value) for value in figures.values()), figures
    assert certificate.lower_bound_eur <= certificate.cost_eur
    assert certificate.overflow_kwh >= 0
    assert certificate.kelvin_hours >= 0
    assert len(result.cap_price_eur_per_mwh) == request.slots
    assert min(result.cap_price_eur_per_mwh) >= 0
    return result


@thorough
@given(requests(st.integers(1, 110), st.integers(0, 5)))
def test_any_small_fleet_in_any_weather_at_any_price_is_planned_with_a_valid_bound(request: PlanningRequest) -> None:
    assert_it_is_an_answer(request)


@thorough
@given(requests(st.integers(1, 110), st.integers(1, 4)))
def test_our_own_plan_submitted_by_somebody_else_costs_what_it_costs_us_and_keeps_its_bound(
    request: PlanningRequest,
) -> None:
    ours = plan_fleet(request)
    theirs = judge(request, {pump.pump_id: pump.modes for pump in ours.pumps}, {})
    certificate = theirs.result.certificate
    assert certificate.lower_bound_eur <= certificate.cost_eur
    # Our search only pays for a room outside its band and for a limit that is overrun; nothing else of what it finds is
    # ever refused.
    limits = [refusal for refusal in theirs.refused if refusal.subject == "feeder-1"]
    assert not limits or ours.certificate.overflow_kwh > 0
    assert all("room" in refusal.problem for refusal in theirs.refused if refusal not in limits), theirs.refused
    if not theirs.refused:
        assert [pump.modes for pump in theirs.result.pumps] == [pump.modes for pump in ours.pumps]
        assert certificate.cost_eur == pytest.approx(ours.certificate.cost_eur, rel=1e-5, abs=1e-3)


@thorough
@given(requests(st.integers(1, 7), st.just(1)))
def test_no_admissible_schedule_of_one_pump_beats_the_bound(request: PlanningRequest) -> None:
    request = request.model_copy(update={"cap_kw": None})
    result, every = assert_it_is_an_answer(request), every_schedule(request, 0)
    assume(result.pumps[0].steered)
    assert result.certificate.lower_bound_eur <= every.counted_eur.min() + ROUNDING_EUR
    assert every.cost_eur.min() <= result.certificate.cost_eur + ROUNDING_EUR


@settings(thorough, max_examples=max(EXAMPLES // 5, 5))
@given(requests(st.integers(2, 5), st.just(3)))
def test_no_combination_of_three_pumps_under_a_cap_beats_the_bound(request: PlanningRequest) -> None:
    result = assert_it_is_an_answer(request)
    assume(all(pump.steered for pump in result.pumps))
    assert result.certificate.lower_bound_eur <= cheapest_together(request, counted=True) + ROUNDING_EUR
    assert cheapest_together(request) <= result.certificate.cost_eur + ROUNDING_EUR


@pytest.mark.parametrize("broken", [nan, inf, -inf])
def test_what_no_plan_can_be_made_from_is_refused_at_the_door_by_the_name_of_its_field(broken: float) -> None:
    sound = a_request([a_pump()])
    with pytest.raises(ValidationError, match="price_eur_per_mwh"):
        HomePrices.model_validate(sound.prices.model_dump() | {"price_eur_per_mwh": (100.0, broken)})
    with pytest.raises(ValidationError, match="outdoor_c"):
        WeatherSeries.model_validate(sound.weather.model_dump() | {"outdoor_c": (broken, 0.0)})
    with pytest.raises(ValidationError, match="cap_kw"):
        a_request([a_pump()], cap_kw=broken)


def test_a_band_without_width_is_refused() -> None:
    with pytest.raises(ValidationError, match="1 K wide"):
        ComfortBand(room_min_c=21.0, room_max_c=21.0)
