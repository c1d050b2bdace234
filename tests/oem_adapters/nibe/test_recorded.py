"""What answers of real shape are taken for: recorded ones by the documented format, and real ones where they are."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.oem.readings import Busy, Condition
from oem_adapters.nibe.conditions import busy_of, condition_of
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, ROOM_SETPOINT
from oem_adapters.nibe.mapping import heating_offset, hot_water_comfort, newest_stamp, reading_of, room_setpoint
from oem_adapters.nibe.models import POINTS, SYSTEMS_PAGE, ZONES, Point
from oem_adapters.nibe.quirks import Quantity, value_of

RECORDED = Path(__file__).parent / "recorded"
SENSORS = ("room_c", "outdoor_c", "supply_c", "power_w", "compressor_hz", "target_c", "hot_water_c")


def recorded(name: str, **values: Any) -> list[Point]:
    """The points of a recorded answer, some with other values."""
    bodies = json.loads((RECORDED / f"{name}.json").read_text())
    changed = [{**body, "value": values.pop(f"p{body['parameterId']}", body["value"])} for body in bodies]
    assert not values, "only points that it has"
    return POINTS.validate_json(json.dumps(changed))


def test_an_s735_is_read_with_what_it_measures_and_what_it_aims_at() -> None:
    reading = reading_of(
        ROOM_SETPOINT.name, recorded("s735_points"), None, "1", datetime(2026, 1, 21, 6, tzinfo=UTC), Condition.NORMAL
    )
    found = {sensor: getattr(reading, sensor) for sensor in SENSORS}
    assert found == {
        "room_c": 21.1,
        "outdoor_c": -3.4,
        "supply_c": 36.9,
        "power_w": 1120.0,
        "compressor_hz": 44.0,
        "target_c": 38.4,
        "hot_water_c": 49.3,
    }
    assert (reading.settings, reading.busy) == ({ROOM_SETPOINT.name: 21.5}, None)


def test_stamps_carry_the_units_own_offset() -> None:
    now = datetime(2026, 1, 21, 6, tzinfo=UTC)
    assert newest_stamp(recorded("s735_points"), now) == now - timedelta(minutes=2)


@pytest.mark.parametrize(
    ("sensor", "own", "marked_alike"),
    [(Quantity.SUPPLY_C, "p8", 41.7), (Quantity.OUTDOOR_C, "p4", -5.8)],
)
def test_a_calculated_mean_or_other_value_of_the_same_category_never_stands_in_for_an_absent_sensor(
    sensor: Quantity, own: str, marked_alike: float
) -> None:
    points = recorded("s735_points", **{own: -32768})
    assert marked_alike in {point.value for point in points}
    assert value_of(points, sensor) is None
    without = [point for point in points if point.parameter_id != own[1:]]
    assert value_of(without, sensor) is None


def test_a_control_module_without_its_supply_sensor_has_no_supply_but_an_aim() -> None:
    points = recorded("smo20_points")
    assert (value_of(points, Quantity.SUPPLY_C), value_of(points, Quantity.TARGET_C)) == (None, 42.1)
    assert value_of(recorded("smo20_points", p40071=39.9), Quantity.SUPPLY_C) == 39.9


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, Condition.NORMAL),
        ({"p4789": 1}, Condition.EXTERNAL),
        ({"p10613": 1}, Condition.NORMAL),
    ],
)
def test_an_s735_says_when_its_own_price_control_moves_it(values: dict[str, Any], expected: Condition) -> None:
    assert condition_of(recorded("s735_points", **values), updating=False, away=False) is expected


@pytest.mark.parametrize(
    ("values", "busy"),
    [
        ({"p1965": 120, "p14950": 1}, Busy.DEFROST),
        ({"p1965": 140}, Busy.DEFROST),
        ({"p1965": 160, "p14950": 3, "p55000": 20}, Busy.DEFROST),
        ({"p1965": 100}, None),
        ({"p14950": 3, "p55000": 20}, Busy.HOT_WATER),
        ({"p14950": 0, "p55000": 10, "p1965": 20}, None),
    ],
)
def test_what_an_s735_is_busy_with_by_its_own_numbers(values: dict[str, Any], busy: Busy | None) -> None:
    assert busy_of(recorded("s735_points", **values)) is busy


def test_one_odd_element_of_an_accounts_list_costs_no_other_home() -> None:
    page = SYSTEMS_PAGE.validate_json((RECORDED / "systems.json").read_bytes())
    assert [system.system_id for system in page.systems] == ["sys-1", "sys-2", "sys-3"]
    assert [[device.device_id for device in system.devices] for system in page.systems] == [["dev/1"], [], ["dev-3"]]
    assert [system.is_view_only for system in page.systems] == [False, True, False]


NULLABLE = [
    "parameterName",
    "category",
    "writable",
    "timestamp",
    "value",
    "smartHomeCategories",
    "minValue",
    "maxValue",
]
NULLABLE += ["stepValue", "scaleValue", "enumValues", "zoneId", "strVal", "parameterUnit"]


@pytest.mark.parametrize("field", NULLABLE)
@pytest.mark.parametrize("value", [None, {}, [None], "?", True])
def test_no_field_of_a_point_can_spoil_the_other_points(field: str, value: Any) -> None:
    bodies = json.loads((RECORDED / "s735_points.json").read_text())
    bodies[-1] = {**bodies[-1], field: value}
    without = [{name: told for name, told in body.items() if name != field} for body in bodies[:1]]
    points = POINTS.validate_json(json.dumps([*bodies, *without]))
    assert value_of(points, Quantity.SUPPLY_C) == 36.9


@pytest.mark.parametrize("field", ["zoneId", "name", "commandOnly", "mode", "temperature", "isCelcius", "setpointHeat"])
def test_no_field_of_a_zone_can_spoil_the_other_zones(field: str) -> None:
    (body,) = json.loads((RECORDED / "zones.json").read_text())
    lever = room_setpoint(ZONES.validate_json(json.dumps([{**body, field: None, "zoneId": None}, body])))
    assert lever is not None
    assert (lever.wire_id, lever.minimum, lever.maximum, lever.baseline) == ("1", 15.0, 25.0, 21.5)


def test_a_zone_in_fahrenheit_is_known_by_the_vendors_own_spelling() -> None:
    (body,) = json.loads((RECORDED / "zones.json").read_text())
    assert room_setpoint(ZONES.validate_json(json.dumps([{**body, "isCelcius": False}]))) is None


@pytest.mark.parametrize("value", [-3276.8, -327.68, -32768, 11, -10.5, None, "?"])
def test_what_lies_outside_a_levers_range_is_no_setting(value: Any) -> None:
    points = recorded("smo20_points", p47011=value)
    assert heating_offset(points) is None
    reading = reading_of(
        HEATING_OFFSET.name, points, None, None, datetime(2026, 1, 21, 6, tzinfo=UTC), Condition.NORMAL
    )
    assert reading.setting is None
    assert HEATING_OFFSET.name not in reading.settings


@pytest.mark.parametrize("value", [-3276.8, 3, 5, 0.5, -1])
def test_a_number_that_is_no_comfort_step_is_no_setting(value: float) -> None:
    points = recorded("smo20_points", p47041=value)
    assert hot_water_comfort(points) is None


def test_the_comfort_choice_beyond_the_steps_can_be_given_back() -> None:
    lever = hot_water_comfort(recorded("smo20_points"))
    assert lever is not None
    assert (lever.baseline, lever.name, lever.can_be_given_back) == (4.0, HOT_WATER_COMFORT.name, True)
    assert lever.why_not_allowed(4.0) is None
    assert lever.why_not_allowed(3.0) is not None


def test_nothing_absent_in_a_real_answer_becomes_a_value(real_data: Path) -> None:
    bodies = json.loads((real_data / "oem/nibe/device_points_nibe_f730_excerpt.json").read_text())
    points = POINTS.validate_python(bodies)
    absent = {body["parameterId"] for body in bodies if body["value"] == -32768}
    assert absent
    assert {point.parameter_id for point in points if point.value is None} == absent
    newest = max(datetime.fromisoformat(body["timestamp"]) for body in bodies)
    assert newest_stamp(points, newest) == newest
    reading = reading_of(HEATING_OFFSET.name, points, None, None, newest, Condition.NORMAL)
    assert (reading.setting, reading.settings) == (None, {}), "the excerpt shows no lever"
    assert (reading.room_c, reading.outdoor_c, reading.supply_c, reading.target_c) == (21.2, -9.3, 39.7, 37.9)


def test_a_real_answer_with_every_sensor_absent_is_read_as_knowing_nothing(real_data: Path) -> None:
    bodies = json.loads((real_data / "oem/nibe/device_points_nibe_f730_excerpt.json").read_text())
    points = POINTS.validate_python([{**body, "value": -32768} for body in bodies])
    reading = reading_of(
        HEATING_OFFSET.name, points, None, None, datetime(2024, 2, 9, 12, tzinfo=UTC), Condition.NORMAL
    )
    assert {getattr(reading, sensor) for sensor in SENSORS} == {None}
    assert reading.busy is None
