"""When a forecast is a cold snap."""

import pytest

from domain.planning.extremes import COLD_SNAP_SLOTS, is_cold_snap


@pytest.mark.parametrize(
    ("mean_c", "snap"), [(-7.1, True), (-7.0, False), (-20.0, True), (3.0, False)], ids=["just", "not", "deep", "mild"]
)
def test_two_days_below_design_plus_five_are_a_cold_snap(mean_c: float, snap: bool) -> None:
    course = [mean_c + (2.0 if i % 2 else -2.0) for i in range(COLD_SNAP_SLOTS)]
    assert is_cold_snap(course, -12.0) is snap


def test_only_the_next_two_days_count_and_too_short_a_forecast_says_nothing() -> None:
    assert not is_cold_snap([0.0] * COLD_SNAP_SLOTS + [-30.0] * 400, -12.0)
    assert not is_cold_snap([-30.0] * 47, -12.0)
    assert is_cold_snap([-30.0] * 48, -12.0)
