"""The house model against slow integration, and what a mode means in it."""

import numpy as np
import pytest

from domain.homes.enrolment import BuildingClass
from domain.homes.site import Emitter
from domain.oem.lever import LeverSpec
from domain.planning.fleet_plan import PumpForPlanning
from oem_adapters.nibe.manifest import HEATING_OFFSET, ROOM_SETPOINT
from optimizer.house import LOW, MAX, MID, MIN, Array, House, Houses, house_of, left_by_defrosts, steady_power
from optimizer.objective import neutral_path, objective_of
from optimizer.response import Horizon, respond
from tests.optimizer.builders import a_fleet, a_pump
from tests.optimizer.reference.simulation import evaluate


def a_horizon(outdoor_c: float = 0.0, sun_w_per_m2: float = 0.0, slots: int = 96, price: float = 100.0) -> Horizon:
    return Horizon(np.full(slots, price), np.full(slots, outdoor_c), np.full(slots, sun_w_per_m2))


def integrated(house: House, horizon: Horizon, mode: int, room_c: float, seconds: float = 1.0) -> float:
    """One slot in small Euler steps, straight from the differential equation; a rod supplies any excess."""
    held, outdoor = house.room_held_c, horizon.outdoor_c[0]
    neutral = held + (house.loss_kw_per_k * (held - outdoor) - house.gains_kw) / house.emitter_kw_per_k
    gains = house.gains_kw + house.aperture_m2 * horizon.sun_w_per_m2[0] / 1000
    for _ in range(int(900 / seconds)):
        water = neutral + house.shift_k[mode] - house.feedback * (room_c - held)
        heat = max(house.emitter_kw_per_k * (water - room_c), 0.0)
        flow = heat - house.loss_kw_per_k * (room_c - outdoor) + gains
        room_c += flow / house.capacity_kwh_per_k * seconds / 3600
    return float(room_c)


@pytest.mark.parametrize("mode", [MIN, LOW, MID, MAX])
@pytest.mark.parametrize("spec", [HEATING_OFFSET, ROOM_SETPOINT])
@pytest.mark.parametrize("emitter", Emitter)
@pytest.mark.parametrize(("outdoor_c", "room_c"), [(0.0, 21.0), (9.0, 23.0), (-11.0, 19.0), (14.0, 22.5)])
def test_a_slot_agrees_with_the_differential_equation(
    mode: int, spec: LeverSpec, emitter: Emitter, outdoor_c: float, room_c: float
) -> None:
    horizon = a_horizon(outdoor_c, sun_w_per_m2=80, slots=2)
    house = house_of(a_pump(spec=spec, emitter=emitter))
    end = respond(Houses.of([house]), horizon).rooms(0, np.array([[room_c]]))[mode, 0, 0]
    assert end == pytest.approx(integrated(house, horizon, mode, room_c), abs=0.002)


@pytest.mark.parametrize("outdoor_c", [-10.0, 0.0, 8.0])
def test_neutral_holds_the_room_where_it_was_seen(outdoor_c: float) -> None:
    houses = [house_of(pump) for pump in a_fleet(8)]
    path = neutral_path(respond(Houses.of(houses), a_horizon(outdoor_c)))
    for house, room in zip(houses, path, strict=True):
        assert room == pytest.approx(np.full(96, house.room_held_c), abs=0.02)


def test_neutral_power_is_what_holding_the_room_costs() -> None:
    house = house_of(a_pump())
    horizon = a_horizon(0.0)
    responses = respond(Houses.of([house]), horizon)
    low = responses.powers(0, np.array([[house.room_held_c]]))[LOW, 0, 0] - house.standby_kw
    assert low == pytest.approx(
        steady_power(Houses.of([house]), horizon.outdoor_c, np.array([house.room_held_c]))[0, 0], rel=0.03
    )


def test_modes_are_ordered_in_room_and_power_and_hotter_water_costs_more_per_heat() -> None:
    for pump in a_fleet(8):
        house = house_of(pump)
        responses = respond(Houses.of([house]), a_horizon(0.0))
        at = np.array([[house.room_held_c]])
        rooms, powers = responses.rooms(0, at)[:, 0, 0], responses.powers(0, at)[:, 0, 0]
        assert (np.diff(rooms) > 0).all()
        assert (np.diff(powers) > 0).all()
        per_heat = responses.power_limit_bnm[0, 0] / responses.heat_limit_bn[0, 0]
        assert (np.diff(per_heat) > 0).all()


def test_a_room_contracts_within_a_slot_so_that_paths_never_cross() -> None:
    houses = [house_of(pump) for pump in a_fleet(8)]
    responses = respond(Houses.of(houses), a_horizon(2.0, sun_w_per_m2=100))
    rooms = np.tile(np.linspace(15, 28, 200), (8, 1))
    step = np.diff(responses.rooms(0, rooms), axis=2)
    assert (step > 0).all()
    assert (step < np.diff(rooms, axis=1)).all()


def test_raising_after_a_set_back_pays_for_the_rod_where_the_compressor_is_near_its_limit() -> None:
    house = house_of(a_pump(rated_heat_kw=7.0))
    room = np.array([[house.room_held_c - 1.5]])
    for outdoor_c, rod in ((-11.0, True), (-6.0, True), (6.0, False)):
        responses = respond(Houses.of([house]), a_horizon(outdoor_c))
        compressor = responses.power_limit_bnm[0, 0, MAX] + house.standby_kw
        assert (responses.powers(0, room)[MAX, 0, 0] > compressor + 0.5) is np.bool_(rod)


def test_what_the_tank_takes_from_the_compressor_counts_before_its_full_output_is_asked_for() -> None:
    house = house_of(a_pump(rated_heat_kw=10.0))
    responses = respond(Houses.of([house]), a_horizon(-8.0))
    full_kw = house.rated_heat_kw * (1 + 0.02 * (-8.0 - house.design_outdoor_c))
    room = (0.9 * full_kw - responses.heat_at_zero_bnm[0, 0, MAX]) / responses.heat_slope[0]
    compressor = responses.power_limit_bnm[0, 0, MAX] + house.standby_kw
    assert responses.powers(0, np.array([[room]]))[MAX, 0, 0] > compressor + 0.5, "asked for nine tenths of its output"


def test_ice_on_the_coil_takes_most_a_little_above_freezing_and_nothing_in_mild_air() -> None:
    left = left_by_defrosts(np.array([-15.0, -4.0, 0.0, 3.0, 12.0]))
    assert left[2] == left.min()
    assert 0.88 <= left[2] <= 0.97, "3 to 12 % between -4 and 3 C"
    assert 0.92 < left[1] < 0.99
    assert left[[0, 4]] == pytest.approx([1.0, 1.0], abs=1e-3)


def test_controller_and_circulating_pump_are_paid_for_in_every_slot() -> None:
    for rated_kw in (5.0, 8.0, 12.0):
        house = house_of(a_pump(rated_heat_kw=rated_kw))
        idle = respond(Houses.of([house]), a_horizon(15.0)).powers(0, np.array([[30.0]]))[MIN, 0, 0]
        assert 0.03 < idle < 0.09, "some 17 W of standby, and 25 to 60 W of an efficient pump"


def test_an_unsized_guess_is_bounded_by_what_the_installer_sized_the_unit_for() -> None:
    small = house_of(a_pump(building_class=BuildingClass.OLD, area_m2=200, rated_heat_kw=8))
    assert small.loss_kw_per_k * 32 <= 8


@pytest.mark.parametrize("pump", [a_pump(), a_pump(spec=ROOM_SETPOINT), a_pump(emitter=Emitter.FLOOR)])
def test_a_set_back_for_ever_earns_nothing_once_lost_warmth_is_charged(pump: PumpForPlanning) -> None:
    house, horizon = house_of(pump), a_horizon(0.0)
    responses = respond(Houses.of([house]), horizon)
    objective = objective_of(Houses.of([house]), responses, horizon)

    def cost(mode: int) -> float:
        modes = np.full((1, 96), mode)
        return float(evaluate(responses, objective, horizon, modes, modes != LOW).cost_eur[0])

    changes: Array = np.array([cost(m) - 0.96 * (m != LOW) for m in (MIN, LOW, MID, MAX)])
    assert changes.argmin() == LOW


def test_the_units_curve_follows_the_outdoor_air_of_the_last_hours() -> None:
    cold_then_mild = Horizon(np.full(96, 100.0), np.full(96, 10.0), np.zeros(96), outdoor_before_c=np.full(96, 0.0))
    seen = cold_then_mild.curve_outdoor_c
    assert (np.diff(seen) > 0).all()
    assert seen[0] < 1.0
    assert seen[23] == pytest.approx(10 * (1 - np.exp(-1)), abs=0.3), "a time constant of six hours"


def test_a_steady_day_is_seen_as_it_is_and_an_unknown_yesterday_counts_as_like_today() -> None:
    assert a_horizon(4.0).curve_outdoor_c == pytest.approx(np.full(96, 4.0))
    swing = 5 * np.sin(np.arange(96) / 96 * 2 * np.pi)
    once = Horizon(np.full(96, 100.0), swing, np.zeros(96))
    told = Horizon(np.full(96, 100.0), swing, np.zeros(96), outdoor_before_c=np.tile(swing, 3))
    assert once.curve_outdoor_c == pytest.approx(told.curve_outdoor_c, abs=0.2)


def test_a_room_cools_in_the_morning_of_a_clear_day_because_its_curve_remembers_the_night() -> None:
    house = house_of(a_pump())
    outdoor = 2 + 8 * np.sin((np.arange(96) / 4 - 9) / 24 * 2 * np.pi)
    path = neutral_path(respond(Houses.of([house]), Horizon(np.full(96, 100.0), outdoor, np.zeros(96))))[0]
    assert path.min() < house.room_held_c - 0.1
    assert path.max() > house.room_held_c + 0.1


def test_the_band_shrinks_where_the_filtered_outdoor_air_strays_from_the_true_one() -> None:
    houses = Houses.of([house_of(a_pump())])
    outdoor = 2 + 8 * np.sin((np.arange(96) / 4 - 9) / 24 * 2 * np.pi)
    steady, clear = (Horizon(np.full(96, 100.0), air, np.zeros(96)) for air in (np.full(96, 2.0), outdoor))
    corners = [objective_of(houses, respond(houses, day), day).corner_bnk[0] for day in (steady, clear)]
    assert corners[1][:, 1].max() > corners[0][:, 1].max() + 0.2, "the floor"
    assert corners[1][:, 3].min() < corners[0][:, 3].min() - 0.1, "the ceiling"
