"""The planner's benchmarks, on fleets small enough for every day."""

import pytest

from benchmarks import disaggregation, single_pump

pytestmark = pytest.mark.slow


def test_a_single_pump_is_planned_faster_than_its_milp_and_hardly_dearer() -> None:
    found = single_pump.measure(1, slots=20, limit_s=60)
    excess, fine = found["cost_excess_pct"], found["fine_cost_excess_pct"]
    assert isinstance(excess, dict)
    assert isinstance(fine, dict)
    assert found["houses"] == 1
    assert -0.1 <= excess["median"] <= 1.0
    assert -0.1 <= fine["median"] <= 0.3
    assert float(str(found["milp_gap_pct_max"])) <= 0.2
    assert float(str(found["speedup"])) > 1


def test_pumps_keep_most_of_their_own_gain_under_a_cap() -> None:
    found = disaggregation.measure(24, cap_share=0.8, budget_s=60)
    kept = found["kept_pct"]
    assert isinstance(kept, dict)
    assert int(str(found["pumps_counted"])) >= 12
    assert kept["p5"] <= kept["median"] <= 100.0001
    assert kept["median"] >= 90
