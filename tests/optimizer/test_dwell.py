"""What a pump may do first, by how long it has held its mode."""

import numpy as np
import pytest

from optimizer.dwell import HOLD_SLOTS, dwell_of
from optimizer.house import LOW, MAX, MID, MIN


def admits_leaving_after(mode: int, held_slots: int, more: int, *, sensed: bool) -> bool:
    dwell = dwell_of(sensed)
    other = LOW if mode != LOW else MID
    return dwell.admits(np.array([mode] * more + [other]), dwell.start(mode, held_slots))


@pytest.mark.parametrize("sensed", [True, False])
@pytest.mark.parametrize("mode", [MIN, LOW, MID, MAX])
def test_what_is_left_of_a_hold_is_run_in_whole_slots(mode: int, sensed: bool) -> None:
    for held in range(HOLD_SLOTS[mode] + 1):
        left = HOLD_SLOTS[mode] - held
        assert admits_leaving_after(mode, held, left, sensed=sensed)
        assert not any(admits_leaving_after(mode, held, more, sensed=sensed) for more in range(left))


def test_a_pump_changed_less_than_a_slot_ago_is_credited_with_nothing() -> None:
    assert not admits_leaving_after(MAX, 0, 3, sensed=True)
    assert admits_leaving_after(MAX, 0, 4, sensed=True)


def test_a_forced_mode_nobody_can_see_ends_with_its_hold() -> None:
    dwell = dwell_of(sensed=False)
    assert not dwell.admits(np.array([MAX] * 4), dwell.start(MAX, 1))
    assert not dwell.admits(np.array([LOW, LOW, MAX]), dwell.start(LOW, 96))
