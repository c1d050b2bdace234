"""The hot-water lever of NIBE units: where it is found, written and read back."""

from typing import Any

import pytest

from domain.oem.errors import Malformed, Rejected
from domain.oem.lever import LeverName
from domain.oem.units import PumpAddress
from oem_adapters.failures import REMOTE_CONTROL_NOT_PERMITTED
from oem_adapters.nibe.adapter import NibeMyUplink
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, ROOM_SETPOINT
from tests.oem_adapters.conftest import NOW
from tests.oem_adapters.loopback import Answer, Loopback
from tests.oem_adapters.nibe.bodies import STAMP, a_comfort_step, a_point
from tests.oem_adapters.nibe.cloud import POINTS, ZONE, an_f_series, an_s_series, paths

OFFSET, ROOM, COMFORT = HEATING_OFFSET.name, ROOM_SETPOINT.name, HOT_WATER_COMFORT.name


@pytest.mark.parametrize("current", [0, 1, 2, 4])
async def test_an_f_series_offers_its_comfort_steps_beside_its_offset(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, current: int
) -> None:
    an_f_series(cloud, a_comfort_step(current))
    found = await nibe.capability(pump, NOW)
    assert found.heating.name == OFFSET
    lever = found.hot_water
    assert lever is not None
    assert (lever.name, lever.minimum, lever.maximum, lever.step, lever.baseline) == (COMFORT, 0.0, 2.0, 1.0, current)


@pytest.mark.parametrize(
    "fields",
    [{}, {"parameterId": "9", "parameterName": "Hot water comfort mode"}, {"enumValues": None}],
)
async def test_the_comfort_step_is_found_by_id_or_by_name(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, fields: dict[str, Any]
) -> None:
    an_f_series(cloud, a_comfort_step(1, **fields))
    assert (await nibe.capability(pump, NOW)).hot_water is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"writable": False},
        {"value": -32768},
        {"enumValues": [{"value": "10", "text": "small"}, {"value": "20", "text": "large"}]},
    ],
)
async def test_a_comfort_step_that_cannot_be_set_or_seen_or_means_something_else_is_not_offered(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, fields: dict[str, Any]
) -> None:
    an_f_series(cloud, a_comfort_step(**fields))
    assert (await nibe.capability(pump, NOW)).hot_water is None


async def test_a_unit_without_comfort_steps_offers_none(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_s_series(cloud)
    assert (await nibe.capability(pump, NOW)).hot_water is None


async def test_a_capability_says_what_emergency_heat_does(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    said = (await nibe.capability(pump, NOW)).emergency
    assert "degree minutes" in said
    assert said.count(".") == 1


async def test_a_comfort_step_is_written_to_its_point_alone(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, a_comfort_step(1))
    await nibe.capability(pump, NOW)
    cloud.requests.clear()
    await nibe.write(pump, COMFORT, 2.0, NOW)
    assert paths(cloud) == [("PATCH", POINTS)]
    assert cloud.requests[0].body == b'{"47041": 2}'


@pytest.mark.parametrize("setting", [-1.0, 0.5, 3.0, 5.0])
async def test_a_step_beyond_luxury_is_never_sent(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, setting: float
) -> None:
    an_f_series(cloud, a_comfort_step(4))
    with pytest.raises(Rejected, match=r"nothing was sent\.$"):
        await nibe.write(pump, COMFORT, setting, NOW)
    assert cloud.asked("PATCH", POINTS) == []


async def test_a_comfort_step_that_the_answer_does_not_name_is_malformed(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, a_comfort_step())
    cloud.on("PATCH", POINTS, Answer({"47011": "modified"}))
    with pytest.raises(Malformed):
        await nibe.write(pump, COMFORT, 0.0, NOW)


async def test_a_reading_for_either_lever_shows_both(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_f_series(cloud, a_comfort_step(2), offset=-1)
    for lever, setting in ((COMFORT, 2.0), (OFFSET, -1.0), (COMFORT, 2.0)):
        found = await nibe.read(pump, lever, NOW)
        assert (found.lever, found.setting) == (lever, setting)
        assert found.settings == {OFFSET: -1.0, COMFORT: 2.0}
        assert found.as_of.isoformat() == STAMP
    assert len(cloud.requests) == 3


async def test_a_comfort_step_that_left_its_id_is_looked_for_again(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, a_comfort_step(2))
    await nibe.read(pump, COMFORT, NOW)
    an_f_series(cloud, a_comfort_step(0, parameterId="9", parameterName="Hot water comfort"))
    assert (await nibe.read(pump, COMFORT, NOW)).setting == 0.0


async def test_a_reading_shows_tank_and_target_supply(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_f_series(cloud, a_point("43009", 37.9), a_point("40013", 46.0))
    found = await nibe.read(pump, OFFSET, NOW)
    assert (found.target_c, found.hot_water_c) == (37.9, 46.0)


async def test_a_room_setpoint_is_among_the_settings(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_s_series(cloud)
    assert (await nibe.read(pump, ROOM, NOW)).settings == {ROOM: 20.5}


@pytest.mark.parametrize(("lever", "setting"), [(OFFSET, 1.0), (COMFORT, 2.0), (ROOM, 21.0)])
async def test_a_write_without_the_right_to_it_says_that_remote_control_is_not_permitted(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, lever: LeverName, setting: float
) -> None:
    if lever is ROOM:
        an_s_series(cloud)
        cloud.on("PATCH", ZONE, Answer({}, 403))
    else:
        an_f_series(cloud, a_comfort_step())
        cloud.on("PATCH", POINTS, Answer({}, 403))
    with pytest.raises(Rejected) as raised:
        await nibe.write(pump, lever, setting, NOW)
    assert str(raised.value).startswith(REMOTE_CONTROL_NOT_PERMITTED)


async def test_a_read_without_the_right_to_it_says_nothing_of_remote_control(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    cloud.on("GET", POINTS, Answer({}, 403))
    with pytest.raises(Rejected) as raised:
        await nibe.read(pump, OFFSET, NOW)
    assert REMOTE_CONTROL_NOT_PERMITTED not in str(raised.value)
