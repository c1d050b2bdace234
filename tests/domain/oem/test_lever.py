"""A target is brought to what the unit takes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.oem.lever import Lever
from oem_adapters.nibe.manifest import ROOM_SETPOINT
from tests.builders import a_lever


def a_range(minimum: float, maximum: float, step: float) -> Lever:
    return a_lever(ROOM_SETPOINT, minimum, minimum=minimum, maximum=maximum, step=step)


@pytest.mark.parametrize(
    ("wished", "allowed"),
    [(20.3, 20.5), (20.2, 20.0), (20.25, 20.5), (4.0, 5.0), (99.0, 35.0), (-math.inf, 5.0), (math.inf, 35.0)],
)
def test_a_target_goes_to_the_nearest_step_in_range(wished: float, allowed: float) -> None:
    assert a_range(5.0, 35.0, 0.5).nearest(wished) == allowed


def test_steps_count_from_the_minimum() -> None:
    assert a_range(-10.0, 10.0, 3.0).nearest(10.0) == 8.0


def test_a_target_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="number"):
        a_range(5, 35, 0.5).nearest(math.nan)


@given(
    minimum=st.integers(-300, 300),
    steps=st.integers(0, 200),
    raw_step=st.integers(1, 20),
    scale=st.sampled_from([1.0, 0.5, 0.1, 0.01]),
    wished=st.floats(-1e4, 1e4),
)
def test_what_is_nearest_is_always_allowed_and_no_allowed_one_is_nearer(
    minimum: int, steps: int, raw_step: int, scale: float, wished: float
) -> None:
    low, step = round(minimum * scale, 6), round(raw_step * scale, 6)
    high = round((minimum + steps * raw_step) * scale, 6)
    lever = a_range(low, high, step)
    found = lever.nearest(wished)
    assert lever.why_not_allowed(found) is None
    within = min(max(wished, low), high)
    assert abs(found - within) <= step / 2 + 1e-6
