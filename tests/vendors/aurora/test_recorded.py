"""What Aurora's recorded answers mean."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.oem.lever import NEVER_STUCK
from domain.oem.readings import Condition
from tests.vendors.aurora.adapter import UNIT, Unit

RECORDED = (Path(__file__).parent / "recorded" / "unit.json").read_bytes()


def test_a_recorded_unit_is_read_with_its_range_and_its_stamp() -> None:
    unit = UNIT.validate_json(RECORDED)
    lever, reading = unit.lever, unit.reading()
    assert (lever.name, lever.minimum, lever.maximum, lever.step, lever.baseline) == (
        "quick_veto",
        5.0,
        30.0,
        0.5,
        22.5,
    )
    assert lever.spec.stuck_limits == NEVER_STUCK
    assert reading.as_of == datetime(2026, 1, 21, 5, 58, tzinfo=UTC)
    assert (reading.setting, reading.room_c, reading.supply_c) == (22.5, 20.9, 34.5)
    assert reading.condition is Condition.NORMAL


@pytest.mark.parametrize(
    ("field", "value", "condition"),
    [
        ("program", "away", Condition.AWAY),
        ("program", "service", Condition.INSTALLER),
        ("updating", True, Condition.UPDATING),
    ],
)
def test_who_else_holds_a_unit_is_told(field: str, value: object, condition: Condition) -> None:
    unit = UNIT.validate_json(RECORDED)
    assert Unit.model_validate(unit.model_dump(by_alias=True) | {field: value}).reading().condition is condition
