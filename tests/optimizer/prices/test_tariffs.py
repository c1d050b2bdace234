"""Plans under tariffs: the same house on another tariff is planned otherwise, and better off under its own."""

import numpy as np

from domain.modes import HotWaterMode, Mode
from domain.planning.fleet_plan import FleetPlanResult, PlannedPump
from domain.planning.series import HomePrices, WholesalePrices
from domain.planning.tariff import WHOLESALE, home_prices
from market.tariff_files import tariffs_in
from optimizer.dwell import count_changes
from optimizer.house import LOW, MODES
from optimizer.planner import horizon_of, plan_fleet
from tests.optimizer.builders import FIRST_SLOT, a_pump, a_request, two_peaks
from tests.optimizer.reference.enumeration import houses_of
from tests.optimizer.reference.simulation import evaluate

SHAPE = two_peaks(mean=110.0, spread=120.0)
SPOT = WholesalePrices(
    price_area="DE-LU",
    source="made up",
    resolution_min=15,
    start=FIRST_SLOT,
    price_eur_per_mwh=tuple(SHAPE.tolist()),
)


def planned(paid: HomePrices) -> FleetPlanResult:
    return plan_fleet(a_request([a_pump()]).model_copy(update={"prices": paid}))


def paid_eur(pump: PlannedPump, paid: HomePrices) -> float:
    """What a schedule costs under a tariff: the bill, with what is owed for rooms left colder than by own control."""
    request = a_request([a_pump()]).model_copy(update={"prices": paid})
    _, responses, objective = houses_of(request)
    modes = np.array([[MODES.index(mode) for mode in pump.modes]])
    changes = count_changes(modes, np.array([LOW]))
    return float(evaluate(responses, objective, horizon_of(request), modes, changes).cost_eur[0])


def test_two_equal_homes_on_other_tariffs_get_other_schedules_and_each_pays_less_under_its_own() -> None:
    by_time = home_prices(SPOT, tariffs_in()("de-module-3"))
    flat = home_prices(SPOT, tariffs_in()("de-flat-grid"))
    on_time, on_flat = planned(by_time), planned(flat)
    assert on_time.pumps[0].modes != on_flat.pumps[0].modes
    assert paid_eur(on_time.pumps[0], by_time) < paid_eur(on_flat.pumps[0], by_time)
    assert paid_eur(on_flat.pumps[0], flat) < paid_eur(on_time.pumps[0], flat)


def test_a_pump_that_earns_nobody_anything_is_left_to_its_own_control_whatever_the_price() -> None:
    moved = a_pump(0)
    left = a_pump(1).model_copy(update={"may_move": False, "mode": Mode.MAX, "held_slots": 2})
    result = plan_fleet(a_request([moved, left], two_peaks(spread=300.0)))
    first, second = result.pumps
    assert set(first.modes) > {Mode.LOW}
    assert set(second.modes) == {Mode.LOW}
    assert not second.steered
    assert all(mode is HotWaterMode.NORMAL for mode in second.hot_water)
    assert second.expected_power_kw, "it still counts against a limit"


def test_an_evening_of_high_grid_fees_is_avoided_although_the_wholesale_price_is_flat() -> None:
    flat = SPOT.model_copy(update={"price_area": "DK1", "price_eur_per_mwh": (60.0,) * len(SHAPE)})
    paid = home_prices(flat, tariffs_in()("dk-time-of-use"))
    evening = slice(17 * 4, 21 * 4)
    (moved,) = planned(paid).pumps
    (unmoved,) = planned(home_prices(flat, WHOLESALE)).pumps
    assert sum(moved.expected_power_kw[evening]) < 0.7 * sum(unmoved.expected_power_kw[evening])
