"""The NIBE adapter against a cloud that answers as told."""

from datetime import timedelta
from typing import Any

import pytest

from domain.oem.errors import Malformed, NotExecutable, Offline, Rejected, Unavailable
from domain.oem.lever import LeverName
from domain.oem.units import PumpAddress
from oem_adapters.nibe.adapter import NibeMyUplink
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, ROOM_SETPOINT, TIMING
from tests.oem_adapters.conftest import NOW
from tests.oem_adapters.loopback import HANG, Answer, Loopback
from tests.oem_adapters.nibe.bodies import a_device, a_system, a_zone, an_offset, f_series_points, s_series_points
from tests.oem_adapters.nibe.cloud import (
    DEVICE,
    OLD,
    POINTS,
    ZONE,
    ZONES,
    an_f_series,
    an_s_series,
    modified,
    only_asked,
    paths,
)

OFFSET, ROOM = HEATING_OFFSET.name, ROOM_SETPOINT.name
WITHOUT_SETPOINT = [point for point in s_series_points() if point["parameterId"] != "47751"]


async def test_connections_end_with_a_cloud_that_repeats_itself(cloud: Loopback, nibe: NibeMyUplink) -> None:
    cloud.on("GET", "/v2/systems/me", Answer({"numItems": 1000, "systems": [a_system(1)]}))
    assert len(await nibe.connections("account-1", NOW)) == 1
    assert len(cloud.requests) == 2


async def test_connections_name_each_unit_by_its_system_and_device(cloud: Loopback, nibe: NibeMyUplink) -> None:
    system = a_system(7, a_device("S735-4", "a"), a_device("", "b", "Disconnected"), {"id": "c/d"})
    cloud.on("GET", "/v2/systems/me", Answer({"page": 1, "numItems": 1, "systems": [system, {"systemId": "empty"}]}))
    assert await nibe.connections("account-1", NOW) == {"sys-7/a": True, "sys-7/b": False, "sys-7/c%2Fd": False}


async def test_an_f_series_is_steered_by_its_offset(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_f_series(cloud, offset=-1)
    found = await nibe.capability(pump, NOW)
    lever = found.heating
    assert (found.model, lever.name, lever.minimum, lever.maximum, lever.step, lever.baseline) == (
        "F1155-12",
        OFFSET,
        -10.0,
        10.0,
        1.0,
        -1.0,
    )
    assert found.has_room_sensor
    assert lever.spec.expires_after is None
    assert cloud.asked("GET", ZONES) == []


async def test_a_missing_room_sensor_is_seen(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_f_series(cloud, room=-32768)
    assert not (await nibe.capability(pump, NOW)).has_room_sensor


async def test_an_s_series_with_a_heat_zone_is_steered_by_its_setpoint(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_s_series(cloud)
    found = await nibe.capability(pump, NOW)
    lever = found.heating
    assert (lever.name, lever.minimum, lever.maximum, lever.step, lever.baseline, found.has_room_sensor) == (
        ROOM,
        5.0,
        30.0,
        0.5,
        20.5,
        True,
    )


@pytest.mark.parametrize("zones", [Answer([]), Answer({"detail": "none"}, 404), Answer([a_zone(setpointHeat=None)])])
async def test_an_s_series_without_a_heat_zone_is_steered_by_its_offset(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, zones: Answer
) -> None:
    offset = an_offset(0, parameterId="29876", smartHomeCategories=["sh-indoorSpOffsHeat"])
    an_s_series(cloud)
    cloud.on("GET", POINTS, Answer([*s_series_points(), offset]))
    cloud.on("GET", ZONES, zones)
    assert (await nibe.capability(pump, NOW)).heating.name == OFFSET


async def test_a_unit_without_a_lever_is_not_executable(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_s_series(cloud)
    cloud.on("GET", ZONES, Answer([]))
    with pytest.raises(NotExecutable, match="pump-1"):
        await nibe.capability(pump, NOW)


async def test_a_failing_zone_list_is_not_taken_for_no_zones(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_s_series(cloud)
    cloud.on("GET", ZONES, Answer({}, 500))
    with pytest.raises(Unavailable):
        await nibe.capability(pump, NOW)


async def test_a_reading_of_an_f_series_takes_one_call_and_then_asks_for_few_points(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, offset=2)
    for _ in range(2):
        found = await nibe.read(pump, OFFSET, NOW)
        assert (found.setting, found.room_c, found.outdoor_c, found.supply_c, found.compressor_hz, found.power_w) == (
            2.0,
            21.2,
            -9.3,
            39.7,
            57.0,
            None,
        )
        assert found.as_of == NOW - timedelta(minutes=2)
    first, second = cloud.requests
    assert first.query == {}
    assert set(second.query["parameters"].split(",")) == {"40004", "40008", "40033", "41778", "47011"}
    assert first.headers["accept-language"] == "en-GB"


async def test_a_reading_of_an_s_series_is_one_call_and_goes_by_the_stamped_point_not_by_the_zone(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_s_series(cloud, a_zone(setpointHeat=22))
    found = await nibe.read(pump, ROOM, NOW, urgent=True)
    assert (found.setting, found.outdoor_c, found.power_w) == (20.5, 2.5, 1840.0)
    assert paths(cloud) == [("GET", POINTS)]


async def test_a_reading_of_an_s_series_without_that_point_takes_setting_and_room_from_its_zone(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_s_series(cloud, a_zone(setpointHeat=22, temperature=21.1))
    cloud.on("GET", POINTS, Answer(WITHOUT_SETPOINT))
    found = await nibe.read(pump, ROOM, NOW)
    assert (found.setting, found.room_c) == (22.0, 21.1)


async def test_a_setting_that_the_cloud_does_not_give_is_none(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, offset=-32768)
    assert (await nibe.read(pump, OFFSET, NOW)).setting is None
    an_s_series(cloud, a_zone(setpointHeat=None))
    cloud.on("GET", POINTS, Answer(WITHOUT_SETPOINT))
    assert (await nibe.read(pump, ROOM, NOW)).setting is None


async def test_a_setting_that_never_changes_does_not_make_a_reading_old(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    points = f_series_points(stamp="2025-12-01T00:00:00+00:00")
    points[0]["timestamp"] = "2026-01-21T05:59:00+00:00"
    cloud.on("GET", POINTS, Answer(points))
    assert (await nibe.read(pump, OFFSET, NOW)).as_of == NOW - timedelta(minutes=1)


async def test_a_lever_that_left_its_id_is_looked_for_again(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    await nibe.read(pump, OFFSET, NOW)
    moved = an_offset(4, parameterId="99", smartHomeCategories=["sh-indoorSpOffsHeat"])
    cloud.on("GET", POINTS, lambda r: Answer(only_asked(r, [*f_series_points()[:-1], moved])))
    assert (await nibe.read(pump, OFFSET, NOW)).setting == 4.0
    assert len(cloud.requests) == 3


async def test_a_silent_pump_that_is_disconnected_is_offline(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, stamp=OLD)
    cloud.on("GET", DEVICE, Answer(a_device("F1155-12", state="Disconnected")))
    with pytest.raises(Offline, match="pump-1"):
        await nibe.read(pump, OFFSET, NOW)


async def test_a_silent_pump_that_is_connected_gives_its_old_reading(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, stamp=OLD)
    found = await nibe.read(pump, OFFSET, NOW)
    assert NOW - found.as_of > TIMING.reading_max_age


async def test_few_old_points_are_not_believed_before_all_were_seen(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    quiet = f_series_points(stamp=OLD)
    quiet[3]["timestamp"] = "2026-01-21T05:59:00+00:00"  # degree minutes, which a reading does not ask for
    an_f_series(cloud)
    await nibe.capability(pump, NOW)
    cloud.on("GET", POINTS, lambda r: Answer(only_asked(r, quiet)))
    assert (await nibe.read(pump, OFFSET, NOW)).as_of == NOW - timedelta(minutes=1)


async def test_a_flag_alone_does_not_make_a_fresh_pump_offline(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    cloud.on("GET", DEVICE, Answer(a_device("F1155-12", state="Disconnected")))
    await nibe.read(pump, OFFSET, NOW)
    assert cloud.asked("GET", DEVICE) == []


async def test_a_clock_that_runs_ahead_does_not_make_a_reading_fresh(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    points = f_series_points(stamp=OLD)
    points[0]["timestamp"] = "2027-01-01T00:00:00+00:00"
    cloud.on("GET", POINTS, Answer(points))
    assert (await nibe.read(pump, OFFSET, NOW)).as_of < NOW


@pytest.mark.parametrize("points", [[], [{"parameterId": "40004", "value": 1}]])
async def test_a_reading_without_any_stamp_is_malformed(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, points: list[Any]
) -> None:
    an_f_series(cloud)
    cloud.on("GET", POINTS, Answer(points))
    with pytest.raises(Malformed):
        await nibe.read(pump, OFFSET, NOW)


async def test_an_offset_is_written_as_a_real_number_to_its_point(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    await nibe.capability(pump, NOW)
    await nibe.write(pump, OFFSET, -2.0, NOW)
    written = cloud.requests[-1]
    assert (written.method, written.path, written.body) == ("PATCH", POINTS, b'{"47011": -2}')
    assert written.headers["content-type"] == "application/json-patch+json"
    assert paths(cloud) == [("GET", "/v2/systems/me"), ("GET", DEVICE), ("GET", POINTS), ("PATCH", POINTS)]


async def test_a_room_setpoint_is_written_to_its_zone_and_never_to_a_point(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_s_series(cloud)
    await nibe.write(pump, ROOM, 21.5, NOW)
    assert [(r.method, r.path) for r in cloud.requests] == [("GET", ZONES), ("PATCH", ZONE)]
    assert cloud.requests[-1].json == {"setpointHeat": 21.5}


async def test_a_households_room_setpoint_between_the_steps_that_are_assumed_is_written_back(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_s_series(cloud)
    await nibe.write(pump, ROOM, 21.3, NOW)
    assert cloud.requests[-1].json == {"setpointHeat": 21.3}
    with pytest.raises(Rejected, match="nothing was sent"):
        await nibe.write(pump, ROOM, 21.33, NOW)


@pytest.mark.parametrize("setting", [-11, 10.5, 0.5, float("nan"), float("inf")])
async def test_a_setting_out_of_range_or_off_step_is_never_sent(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, setting: float
) -> None:
    an_f_series(cloud)
    with pytest.raises(Rejected, match=r"nothing was sent\.$"):
        await nibe.write(pump, OFFSET, setting, NOW)
    assert cloud.asked("PATCH", POINTS) == []


@pytest.mark.parametrize("lever", [OFFSET, ROOM, HOT_WATER_COMFORT.name])
async def test_a_lever_that_the_unit_has_not_is_rejected(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, lever: LeverName
) -> None:
    if lever is ROOM:
        an_f_series(cloud)
    else:
        an_s_series(cloud)
    with pytest.raises(Rejected, match="has no"):
        await nibe.write(pump, lever, 1.0, NOW)


@pytest.mark.parametrize("body", [{"47011": "modified"}, {"status": 200, "payload": {"47011": "modified"}}])
async def test_both_shapes_of_acceptance_are_accepted(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, body: Any
) -> None:
    an_f_series(cloud)
    cloud.on("PATCH", POINTS, Answer(body))
    await nibe.write(pump, OFFSET, 1.0, NOW)


async def test_a_200_that_says_something_else_of_our_parameter_is_rejected(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    cloud.on("PATCH", POINTS, Answer({"status": 200, "payload": {"47011": "not writable"}}))
    with pytest.raises(Rejected):
        await nibe.write(pump, OFFSET, 1.0, NOW)


async def test_a_200_that_does_not_name_our_parameter_is_malformed(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    cloud.on("PATCH", POINTS, Answer(["fine"]))
    with pytest.raises(Malformed):
        await nibe.write(pump, OFFSET, 1.0, NOW)


async def test_an_empty_answer_of_a_zone_is_acceptance(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_s_series(cloud)
    cloud.on("PATCH", ZONE, Answer(raw=b"", status=200))
    await nibe.write(pump, ROOM, 21.0, NOW)


async def test_a_refused_write_forgets_what_it_relied_on(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    cloud.on("PATCH", POINTS, Answer({}, 400), modified)
    with pytest.raises(Rejected):
        await nibe.write(pump, OFFSET, 1.0, NOW)
    await nibe.write(pump, OFFSET, 1.0, NOW)
    assert len(cloud.asked("GET", POINTS)) == 2


async def test_ranges_are_asked_again_after_a_day(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_f_series(cloud)
    await nibe.write(pump, OFFSET, 1.0, NOW)
    await nibe.write(pump, OFFSET, 1.0, NOW + timedelta(hours=23))
    assert len(cloud.asked("GET", POINTS)) == 1
    await nibe.write(pump, OFFSET, 1.0, NOW + timedelta(hours=25))
    assert len(cloud.asked("GET", POINTS)) == 2


async def test_a_write_without_an_answer_may_have_been_taken(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    cloud.on("PATCH", POINTS, HANG)
    with pytest.raises(Unavailable) as raised:
        await nibe.write(pump, OFFSET, 1.0, NOW)
    assert raised.value.maybe_taken
