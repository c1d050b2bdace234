"""What of a power limit the heating's plan may use."""

import numpy as np
import pytest

from domain.modes import HotWaterMode
from oem_adapters.nibe.manifest import HOT_WATER_COMFORT
from optimizer.planner import plan_fleet
from optimizer.reserve import DOUBT_SHARE, TANK_KW, cap_for_heating, tanks_kw
from tests.builders import a_lever
from tests.optimizer.builders import a_fleet, a_request

BOOST, NORMAL, HOLD = HotWaterMode.BOOST, HotWaterMode.NORMAL, HotWaterMode.HOLD


def test_charging_tanks_and_doubt_are_kept_back() -> None:
    tank_kw = tanks_kw([(BOOST, NORMAL), (BOOST, HOLD), ()], 2)
    assert tank_kw == pytest.approx([2 * TANK_KW[BOOST], TANK_KW[NORMAL]])
    left = cap_for_heating(20.0, tank_kw, np.zeros(2))
    assert left == pytest.approx(20 * (1 - DOUBT_SHARE) - tank_kw)


def test_no_reserve_pushes_a_fleet_below_neutral_that_the_limit_itself_would_leave() -> None:
    left = cap_for_heating(10.0, np.full(3, 4.0), np.array([2.0, 9.5, 12.0]))
    assert left == pytest.approx([10 * (1 - DOUBT_SHARE) - 4, 9.5, 10.0])


def test_without_a_limit_nothing_is_kept_back() -> None:
    assert np.isinf(cap_for_heating(None, np.ones(4), np.ones(4))).all()


@pytest.mark.slow
def test_a_fleet_with_tanks_plans_less_heating_where_they_charge() -> None:
    hot_water = a_lever(HOT_WATER_COMFORT, 1.0)
    dry = a_fleet(6)
    wet = [p.model_copy(update={"profile": p.profile.model_copy(update={"hot_water": hot_water})}) for p in dry]
    free_kw = np.sum([p.expected_power_kw for p in plan_fleet(a_request(dry)).pumps], axis=0)
    cap_kw = float(free_kw.max())  # what neutral and the tanks need together can just be kept
    result = plan_fleet(a_request(wet, cap_kw=cap_kw))
    load_kw = np.sum([p.expected_power_kw for p in result.pumps], axis=0)
    tank_kw = tanks_kw([p.hot_water for p in result.pumps], 96)
    assert tank_kw.max() > 1.0
    assert result.certificate.reserved_kw > DOUBT_SHARE * cap_kw
    assert result.certificate.overflow_kwh < 0.1
    assert (load_kw + tank_kw).max() < cap_kw + 0.1
    unaware_kw = np.sum([p.expected_power_kw for p in plan_fleet(a_request(dry, cap_kw=cap_kw)).pumps], axis=0)
    assert (unaware_kw + tank_kw).max() > (load_kw + tank_kw).max(), "a plan that knows of no tank draws more with them"
