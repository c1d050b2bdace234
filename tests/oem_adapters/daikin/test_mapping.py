"""Daikin's answers, real ones among them, turned into levers and readings."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.modes import Mode
from domain.oem.energy import EnergyCircuit
from domain.oem.readings import Condition
from oem_adapters.daikin.energy import energy_of
from oem_adapters.daikin.manifest import HEATING_OFFSET, HOT_WATER_TARGET, LEAVING_WATER, ROOM_SETPOINT
from oem_adapters.daikin.mapping import condition_of, heating_spec, levers_of, newest_stamp, path_of, reading_of
from oem_adapters.daikin.models import Device, read_devices
from tests.oem_adapters.daikin.bodies import DEVICE, a_device

NOW = datetime(2026, 1, 21, 6, 0, tzinfo=UTC)


def of(body: dict[str, Any]) -> Device:
    return Device(body["id"], body)


def real(folder: Path, name: str) -> Device:
    (device,) = read_devices(json.loads((folder / f"oem/daikin/{name}.json").read_text())).values()
    return device


def test_a_weather_dependent_unit_offers_its_offset_and_its_tank() -> None:
    levers = levers_of(of(DEVICE))
    assert set(levers) == {HEATING_OFFSET.name, HOT_WATER_TARGET.name}
    offset = levers[HEATING_OFFSET.name]
    assert (offset.minimum, offset.maximum, offset.step, offset.baseline) == (-10, 10, 1, 1)
    assert path_of(offset) == ("climateControlMainZone", "/operationModes/heating/setpoints/leavingWaterOffset")
    reading = reading_of(of(DEVICE), HEATING_OFFSET.name, NOW)
    assert (reading.setting, reading.room_c, reading.outdoor_c, reading.supply_c) == (1, 20.7, 4, 31)
    assert (reading.hot_water_c, reading.settings[HOT_WATER_TARGET.name]) == (46, 48)
    assert reading.condition is Condition.NORMAL


def a_fixed_unit(*, settable: bool = True) -> Device:
    """A unit that keeps its leaving water at 35 degrees C whatever the weather."""
    water = {"settable": settable, "value": 35, "minValue": 25, "maxValue": 40, "stepValue": 1}
    modes = {"heating": {"setpoints": {"leavingWaterTemperature": water}}, "cooling": {"setpoints": {}}}
    return of(a_device(setpointMode={"value": "fixed"}, temperatureControl={"value": {"operationModes": modes}}))


def test_a_unit_with_a_fixed_leaving_water_temperature_is_moved_by_that() -> None:
    device = a_fixed_unit()
    lever = levers_of(device)[LEAVING_WATER.name]
    assert heating_spec(device) is LEAVING_WATER
    assert (lever.minimum, lever.maximum, lever.step, lever.baseline) == (25, 40, 1, 35)
    assert path_of(lever) == ("climateControlMainZone", "/operationModes/heating/setpoints/leavingWaterTemperature")
    settings = [lever.setting_for(mode) for mode in (Mode.MIN, Mode.LOW, Mode.MID, Mode.MAX)]
    assert settings == [31, 35, 37, 39], "and neutral is the household's own"
    assert reading_of(device, LEAVING_WATER.name, NOW).setting == 35
    assert HEATING_OFFSET.name not in levers_of(device)


def test_a_fixed_leaving_water_temperature_that_cannot_be_set_now_is_no_lever() -> None:
    device = a_fixed_unit(settable=False)
    assert heating_spec(device) is LEAVING_WATER
    assert LEAVING_WATER.name not in levers_of(device)


def test_the_setpoints_are_those_of_the_operation_mode_that_is_on() -> None:
    offset = levers_of(of(a_device(operationMode={"value": "auto"})))[HEATING_OFFSET.name]
    assert (offset.baseline, path_of(offset)[1]) == (2, "/operationModes/auto/setpoints/leavingWaterOffset")
    cooling = of(a_device(operationMode={"value": "cooling"}))
    assert levers_of(cooling)[HEATING_OFFSET.name].baseline == 1
    assert condition_of(cooling) is Condition.OFF


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ({"isInInstallerState": {"value": True}, "onOffMode": {"value": "off"}}, Condition.INSTALLER),
        ({"isInEmergencyState": {"value": True}}, Condition.INSTALLER),
        ({"onOffMode": {"value": "off"}, "isHolidayModeActive": {"value": True}}, Condition.OFF),
        ({"isHolidayModeActive": {"value": True}}, Condition.AWAY),
        ({"controlMode": {"value": "externalRoomTemperature"}}, Condition.EXTERNAL),
        ({"holidayMode": {"value": {"enabled": True}}}, Condition.NORMAL),
        ({"isHolidayModeActive": None, "onOffMode": [], "operationMode": {}}, Condition.NORMAL),
    ],
)
def test_how_a_unit_stands_is_its_strongest_sign(zone: dict[str, Any], expected: Condition) -> None:
    assert condition_of(of(a_device(**zone))) is expected


@pytest.mark.parametrize("value", [127, -127, -32768, None, "21", True, float("nan")])
def test_what_no_sensor_gives_is_no_temperature(value: Any) -> None:
    sensors = {name: {"value": value} for name in ("roomTemperature", "outdoorTemperature", "leavingWaterTemperature")}
    reading = reading_of(of(a_device(sensoryData={"value": sensors})), HEATING_OFFSET.name, NOW)
    assert (reading.room_c, reading.outdoor_c, reading.supply_c) == (None, None, None)


def test_a_setting_outside_its_range_is_no_setting() -> None:
    offset = {"settable": True, "value": -33, "minValue": -10, "maxValue": 10, "stepValue": 1}
    control = {"value": {"operationModes": {"heating": {"setpoints": {"leavingWaterOffset": offset}}}}}
    device = of(a_device(temperatureControl=control))
    assert HEATING_OFFSET.name not in levers_of(device)
    assert reading_of(device, HEATING_OFFSET.name, NOW).setting is None


def test_a_stamp_from_a_clock_far_ahead_is_not_believed() -> None:
    ahead = DEVICE | {"timestamp": "2027-01-01T00:00:00Z", "lastUpdateReceived": "2026-01-21T05:50:00+00:00"}
    assert newest_stamp(of(ahead), NOW) == NOW - timedelta(minutes=10)
    assert newest_stamp(of(DEVICE | {"timestamp": None}), NOW) is None


def test_odd_devices_spoil_nothing_for_the_others() -> None:
    odd: list[Any] = [None, 7, {}, {"id": 3}, {"id": "d-2", "managementPoints": None}, {"id": "d-3"}]
    found = read_devices([*odd, DEVICE])
    assert list(found) == ["d-2", "d-3", "d-1"]
    assert levers_of(found["d-2"]) == {}
    assert reading_of(found["d-3"], HEATING_OFFSET.name, NOW).settings == {}


def test_a_real_weather_dependent_unit_is_read_without_sentinels(real_data: Path) -> None:
    device = real(real_data, "altherma3m")
    reading = reading_of(device, HEATING_OFFSET.name, NOW)
    assert heating_spec(device) is HEATING_OFFSET
    assert (reading.setting, reading.supply_c, reading.outdoor_c, reading.hot_water_c) == (0, 25, 10, 46)
    assert reading.room_c is None, "it has no room sensor"
    assert reading.condition is Condition.OFF
    assert set(levers_of(device)) == {HEATING_OFFSET.name}, "its tank follows a schedule and cannot be set"
    assert newest_stamp(device, NOW) == datetime(2024, 3, 25, 14, 4, 37, 504000, tzinfo=UTC)


def test_a_real_unit_under_room_control_offers_its_room_setpoint(real_data: Path) -> None:
    device = real(real_data, "altherma_schedule")
    lever = levers_of(device)[ROOM_SETPOINT.name]
    assert (lever.minimum, lever.maximum, lever.step, lever.baseline) == (18, 23, 0.5, 20)
    reading = reading_of(device, ROOM_SETPOINT.name, NOW)
    assert (reading.setting, reading.room_c, reading.supply_c, reading.hot_water_c) == (20, 19, 36, 51)
    assert HEATING_OFFSET.name not in reading.settings, "its offset is no lever of this unit"


def test_a_real_unit_on_holiday_is_away_and_has_nothing_that_can_be_set(real_data: Path) -> None:
    device = real(real_data, "holidaymode")
    assert condition_of(device) is Condition.AWAY
    assert levers_of(device) == {}
    assert reading_of(device, ROOM_SETPOINT.name, NOW).setting == 23


AMSTERDAM = ZoneInfo("Europe/Amsterdam")
READ_AT = datetime(2024, 3, 25, 14, 4, 37, tzinfo=UTC)
"""When the cloud heard of the room-controlled unit last."""


def test_yesterday_of_a_real_unit_is_twelve_buckets_of_whole_kilowatt_hours(real_data: Path) -> None:
    found = energy_of(real(real_data, "altherma3m"), AMSTERDAM, READ_AT)
    assert len(found) == 12
    assert found[0].start == datetime(2024, 3, 23, 23, tzinfo=UTC)
    assert found[-1].end == datetime(2024, 3, 24, 23, tzinfo=UTC)
    assert [one.kwh[EnergyCircuit.HEATING] for one in found] == [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1]
    assert sum(one.kwh[EnergyCircuit.HOT_WATER] for one in found) == 2
    assert sum(one.unit_kwh for one in found) == 12


def test_a_unit_that_cools_as_well_tells_each_by_itself(real_data: Path) -> None:
    found = energy_of(real(real_data, "altherma_schedule"), AMSTERDAM, datetime(2025, 4, 14, 8, 10, 29, tzinfo=UTC))
    assert {circuit for one in found for circuit in one.kwh} == set(EnergyCircuit) - {EnergyCircuit.UNIT}
    assert sum(one.unit_kwh for one in found) == 3


@pytest.mark.parametrize("later", [timedelta(hours=4), timedelta(days=1), timedelta(days=7, hours=10)])
def test_lists_that_stood_still_are_no_evidence(real_data: Path, later: timedelta) -> None:
    assert energy_of(real(real_data, "altherma3m"), AMSTERDAM, READ_AT + later) == []


def test_a_unit_without_lists_has_no_energy(real_data: Path) -> None:
    assert energy_of(real(real_data, "holidaymode"), AMSTERDAM, datetime(2024, 3, 21, 10, 18, 53, tzinfo=UTC)) == []


@pytest.mark.parametrize("odd", [None, {}, {"electrical": None}, {"electrical": {"heating": {"d": None, "w": [1]}}}])
def test_odd_lists_are_no_evidence_and_spoil_nothing(odd: object) -> None:
    device = of(a_device(consumptionData={"value": odd}))
    assert energy_of(device, AMSTERDAM, NOW) == []


def test_a_night_without_its_third_hour_has_a_bucket_of_one_hour() -> None:
    in_spring = datetime(2026, 3, 30, 4, 30, tzinfo=UTC)
    heating = {"d": [1] * 12 + [0] * 3 + [None] * 9, "w": [0] * 6 + [12, 0] + [None] * 6}
    device = of(a_device(consumptionData={"value": {"electrical": {"heating": heating}}}))
    device = Device(device.device_id, {**device.fields, "managementPoints": device.fields["managementPoints"][:2]})
    hours = [(one.end - (one.start or one.end)) / timedelta(hours=1) for one in energy_of(device, AMSTERDAM, in_spring)]
    assert hours == [2, 1, *[2] * 10]
