"""Why a plan asks for what it asks for."""

import pytest

from application.planning.segment_reasons import Reason, reasons_of
from domain.modes import Mode
from domain.slots import SLOT
from tests.builders import a_plan

DEAR, CHEAP, MEAN = 200.0, 40.0, 100.0


def prices(hours: dict[int, float], slots: int) -> list[float]:
    return [hours.get(slot // 4, MEAN) for slot in range(slots)]


@pytest.mark.parametrize(
    ("mode", "hours", "limit", "expected"),
    [
        (Mode.MIN, {0: CHEAP, 6: DEAR}, 0.0, Reason.DEAR),
        (Mode.MIN, {0: CHEAP, 6: DEAR}, 5.0, Reason.LIMIT),
        (Mode.MIN, {6: CHEAP, 9: DEAR}, 0.0, Reason.STORED),
        (Mode.MAX, {6: CHEAP, 9: DEAR}, 0.0, Reason.CHEAP),
        (Mode.MID, {0: CHEAP, 9: DEAR}, 0.0, Reason.AHEAD),
        (Mode.MID, {0: CHEAP, 6: DEAR}, 0.0, Reason.MOVED),
        (Mode.LOW, {0: CHEAP, 6: DEAR}, 0.0, Reason.OWN),
        (Mode.LOW, {0: CHEAP, 6: DEAR}, 5.0, Reason.LIMIT),
        (Mode.MIN, {0: -50.0, 6: -10.0} | dict.fromkeys((*range(1, 6), *range(7, 24)), -40.0), 0.0, Reason.DEAR),
    ],
)
def test_a_segment_is_told_by_what_it_stands_out_by(
    mode: Mode, hours: dict[int, float], limit: float, expected: Reason
) -> None:
    plan = a_plan(1, {(6, 7): mode})
    assert plan.segments[0].start - plan.first_slot == 24 * SLOT, "the plan begins at midnight"
    slots = (plan.valid_until - plan.first_slot) // SLOT
    cap_price = [limit if 24 <= slot < 28 else 0.0 for slot in range(slots)]
    assert reasons_of(plan, prices(hours, slots), cap_price) == [expected]


def test_in_a_cold_snap_dear_hours_are_left_alone() -> None:
    plan = a_plan(1, {(6, 7): Mode.LOW}).model_copy(update={"floor": Mode.LOW})
    slots = (plan.valid_until - plan.first_slot) // SLOT
    assert reasons_of(plan, prices({0: CHEAP, 6: DEAR}, slots), [0.0] * slots) == [Reason.COLD_SNAP]
