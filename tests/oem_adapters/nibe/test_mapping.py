"""What NIBE's points and zones are taken for."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.oem.energy import EnergyCircuit
from oem_adapters.nibe.energy import counter_of
from oem_adapters.nibe.manifest import HEATING_OFFSET
from oem_adapters.nibe.mapping import heat_zone, heating_offset, room_setpoint
from oem_adapters.nibe.models import POINTS, SYSTEMS_PAGE, ZONES, Point, verdict_on
from oem_adapters.nibe.quirks import Family, Quantity, family_of, find, value_of
from tests.oem_adapters.nibe.bodies import a_point, a_zone, an_offset, f_series_points, s_series_points

NOW = datetime(2026, 1, 21, 6, 0, tzinfo=UTC)


def points(*bodies: dict[str, Any]) -> list[Point]:
    return POINTS.validate_json(json.dumps(bodies))


def test_the_recorded_points_of_a_real_f730_are_understood(real_data: Path) -> None:
    recorded = POINTS.validate_json((real_data / "oem/nibe/device_points_nibe_f730_excerpt.json").read_bytes())
    assert {quantity: value_of(recorded, quantity) for quantity in Quantity} == {
        Quantity.OUTDOOR_C: -9.3,
        Quantity.SUPPLY_C: 39.7,
        Quantity.ROOM_C: 21.2,
        Quantity.COMPRESSOR_HZ: 57.0,
        Quantity.POWER_W: None,
        Quantity.HEATING_OFFSET: None,
        Quantity.HOT_WATER_COMFORT: None,
        Quantity.HOT_WATER_C: 46.0,
        Quantity.TARGET_C: 37.9,
        Quantity.PRIORITY: None,
        Quantity.DEFROST_S: 0.0,
        Quantity.OPERATING_MODE: None,
        Quantity.ALLOW_HEATING: None,
        Quantity.HOLIDAY: None,
        Quantity.COMPRESSOR_MODE: None,
        Quantity.TOTAL_KWH: None,
    }
    assert counter_of(recorded, NOW) is None, "an F-series counts nothing that the cloud shows"
    absent = next(point for point in recorded if point.parameter_id == "40047")
    assert absent.value is None
    assert max(p.stamp for p in recorded if p.stamp) == datetime(2024, 2, 9, 11, 11, 19, tzinfo=UTC)


def test_the_recorded_systems_of_a_real_account_are_understood(real_data: Path) -> None:
    page = SYSTEMS_PAGE.validate_json((real_data / "oem/nibe/systems.json").read_bytes())
    (system,) = page.systems
    (device,) = system.devices
    assert page.total == 1
    assert device.connected
    assert family_of(device.product.name) is Family.F


@pytest.mark.parametrize(
    ("product", "family"),
    [
        ("F730 CU 3x400V", Family.F),
        ("NIBEF F1155-12", Family.F),
        ("S735-4", Family.S),
        ("NIBE S1255-12", Family.S),
        ("SMO S40", Family.S),
        ("NIBE VVM S320 E EM 3x400V DK", Family.S),
        ("Something else", Family.UNKNOWN),
        ("", Family.UNKNOWN),
    ],
)
def test_the_family_is_told_by_the_product_name(product: str, family: Family) -> None:
    assert family_of(product) is family


def test_ranges_are_raw_while_the_value_is_not() -> None:
    (point,) = points(a_point("47398", 20.5, minValue=50, maxValue=350, stepValue=5, scaleValue="0.1"))
    assert (point.value, point.minimum, point.maximum, point.step) == (20.5, 5.0, 35.0, 0.5)


@pytest.mark.parametrize(("step", "scale", "expected"), [(None, "0.1", 0.1), (0, "1", 1.0), (5, None, 5.0)])
def test_a_missing_step_is_one_raw_unit(step: Any, scale: Any, expected: float) -> None:
    (point,) = points(a_point("1", 0, stepValue=step, scaleValue=scale))
    assert point.step == expected


def test_a_category_outranks_a_name_and_a_name_an_id() -> None:
    by_id, by_name = a_point("40004", 1.0), a_point("77", 2.0, parameterName="Current outd temp (BT1)")
    by_category = a_point("78", 3.0, smartHomeCategories=["sh-outdoorTemp"])
    assert value_of(points(by_id, by_name, by_category), Quantity.OUTDOOR_C) == 3.0
    assert value_of(points(by_id, by_name), Quantity.OUTDOOR_C) == 2.0
    assert value_of(points(by_id), Quantity.OUTDOOR_C) == 1.0
    assert value_of(points(), Quantity.OUTDOOR_C) is None


def test_soft_hyphens_and_case_do_not_hide_a_name() -> None:
    assert (
        value_of(points(a_point("9", 4.0, parameterName="Current OUTD\u00ad temp  (BT1)")), Quantity.OUTDOOR_C) == 4.0
    )


def test_of_an_id_that_comes_twice_the_first_plausible_counts() -> None:
    twice = points(a_point("40033", -32768), a_point("40033", 21.0), a_point("40033", 22.0))
    assert value_of(twice, Quantity.ROOM_C) == 21.0


@pytest.mark.parametrize("value", [-32768, None, "", "21.5 degrees", True, 5000, "NaN", [21], {"v": 1}])
def test_a_value_that_no_sensor_gives_is_no_value(value: Any) -> None:
    assert value_of(points(a_point("40033", value)), Quantity.ROOM_C) is None


def test_a_number_as_text_is_a_number() -> None:
    assert value_of(points(a_point("40033", "21.5")), Quantity.ROOM_C) == 21.5


@pytest.mark.parametrize(
    ("stamp", "hour"), [("2026-01-21T06:00:00Z", 6), ("2026-01-21T06:00:00+02:00", 4), ("2026-01-21T06:00:00", 6)]
)
def test_stamps_are_aware(stamp: str, hour: int) -> None:
    (point,) = points(a_point("1", 0, timestamp=stamp))
    assert point.stamp is not None
    assert point.stamp.astimezone(UTC) == datetime(2026, 1, 21, hour, tzinfo=UTC)


@pytest.mark.parametrize("stamp", [None, "", "yesterday", 0])
def test_an_unreadable_stamp_is_none_and_spoils_nothing(stamp: Any) -> None:
    (point,) = points(a_point("1", 7, timestamp=stamp))
    assert (point.stamp, point.value) == (None, 7.0)


def test_unknown_fields_and_missing_ones_spoil_nothing() -> None:
    (point,) = points({"parameterId": 40033, "value": 21, "new": {"nested": 1}})
    assert (point.parameter_id, point.value, point.writable) == ("40033", 21.0, False)


def test_the_offset_is_a_lever_with_its_own_range() -> None:
    lever = heating_offset(points(*f_series_points(offset=2)))
    assert lever is not None
    assert (lever.name, lever.wire_id, lever.minimum, lever.maximum, lever.step, lever.baseline) == (
        HEATING_OFFSET.name,
        "47011",
        -10.0,
        10.0,
        1.0,
        2.0,
    )


def test_an_offset_that_tells_no_range_has_the_known_one() -> None:
    lever = heating_offset(points(an_offset(minValue=None, maxValue=None)))
    assert lever is not None
    assert (lever.minimum, lever.maximum) == (-10.0, 10.0)


def test_an_offset_that_cannot_be_written_is_no_lever() -> None:
    assert heating_offset(points(an_offset(writable=False))) is None


def test_the_offset_of_the_first_climate_system_is_chosen() -> None:
    second = an_offset(3, parameterId="47010", smartHomeCategories=["sh-indoorSpOffsHeat"])
    first = an_offset(1, smartHomeCategories=["sh-indoorSpOffsHeat"])
    found = find(points(second, first), Quantity.HEATING_OFFSET)
    assert found is not None
    assert found.parameter_id == "47011"


def test_the_room_setpoint_point_is_never_a_lever() -> None:
    assert heating_offset(points(*s_series_points())) is None


def test_the_room_setpoint_is_the_zones() -> None:
    lever = room_setpoint(ZONES.validate_json(json.dumps([a_zone(3)])))
    assert lever is not None
    assert (lever.wire_id, lever.minimum, lever.maximum, lever.step, lever.baseline) == ("3", 5.0, 30.0, 0.5, 20.5)


@pytest.mark.parametrize(
    "field",
    [{"setpointHeat": None}, {"commandOnly": True}, {"isCelsius": False}, {"mode": "cool"}, {"mode": "heatcool"}],
)
def test_a_zone_that_cannot_be_heated_by_setpoint_and_read_back_is_passed_over(field: dict[str, Any]) -> None:
    found = heat_zone(ZONES.validate_json(json.dumps([a_zone("1", **field), a_zone("2")])))
    assert found is not None
    assert found.zone_id == "2"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (b'{"status":200,"payload":{"47011":"modified"}}', "modified"),
        (b'{"47011":"modified"}', "modified"),
        (b"", "modified"),
        (b'{"status":200,"payload":{"47011":"not writable"}}', "not writable"),
        (b'{"47011":"error"}', "error"),
        (b'{"status":400,"payload":{"47011":"modified"}}', "status 400"),
        (b'{"47012":"modified"}', None),
        (b'{"47011":true}', None),
        (b"[]", None),
        (b"<html>", None),
    ],
)
def test_an_answer_to_a_write_is_read_in_both_shapes(body: bytes, verdict: str | None) -> None:
    assert verdict_on(body, "47011") == verdict


@given(
    raw_minimum=st.integers(-300, 300),
    raw_steps=st.integers(1, 400),
    raw_step=st.integers(1, 20),
    scale=st.sampled_from(["1", "0.1", "0.01"]),
    place=st.floats(0, 1),
    wanted=st.floats(-50, 50),
)
def test_what_is_written_in_real_units_is_a_whole_raw_number_on_the_points_own_grid(
    raw_minimum: int, raw_steps: int, raw_step: int, scale: str, place: float, wanted: float
) -> None:
    raw_maximum = raw_minimum + raw_steps * raw_step
    value = round((raw_minimum + round(place * raw_steps) * raw_step) * float(scale), 6)
    grid = {"minValue": raw_minimum, "maxValue": raw_maximum, "stepValue": raw_step, "scaleValue": scale}
    lever = heating_offset(points(an_offset(value, **grid)))
    assert lever is not None
    assert [lever.minimum, lever.maximum] == pytest.approx([raw_minimum * float(scale), raw_maximum * float(scale)])
    assert lever.why_not_allowed(lever.baseline) is None, "what the unit shows can be written back"
    setting = lever.nearest(wanted)
    raw = json.loads(json.dumps(setting)) / float(scale)
    assert raw == pytest.approx(round(raw), abs=1e-6)
    assert raw_minimum <= round(raw) <= raw_maximum
    assert (round(raw) - raw_minimum) % raw_step == 0


def a_counter(value: Any = 8123.4, **fields: Any) -> list[Point]:
    return points(a_point("28393", value, **{"parameterName": "Total consumption", "parameterUnit": "kWh", **fields}))


def test_the_counter_of_an_s_series_counts_as_of_its_own_stamp() -> None:
    found = counter_of(a_counter(), NOW)
    assert found is not None
    assert (found.kwh, found.start, found.step_kwh) == ({EnergyCircuit.UNIT: 8123.4}, None, 0.1)
    assert found.end == datetime(2026, 1, 21, 5, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [
        {"value": -32768},
        {"value": -3276.8},
        {"value": None},
        {"timestamp": None},
        {"timestamp": "2026-01-22T05:58:00+00:00"},
        {"parameterUnit": "MWh"},
        {"parameterUnit": None},
    ],
)
def test_a_counter_that_is_absent_undated_or_in_another_unit_is_none(fields: dict[str, Any]) -> None:
    assert counter_of(a_counter(**fields), NOW) is None
