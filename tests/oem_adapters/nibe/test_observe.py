"""Looking at many NIBE units cheaply: one call a unit, and whole accounts by their list of systems."""

from datetime import timedelta
from typing import Any

import pytest

from domain.oem.errors import Malformed, Offline, RateLimited
from domain.oem.readings import Condition
from domain.oem.units import PumpAddress
from oem_adapters.nibe.adapter import NibeMyUplink
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, ROOM_SETPOINT
from oem_adapters.nibe.quirks import AWAY_ASKED_EVERY, AWAY_BELIEVED
from tests.oem_adapters.conftest import NOW
from tests.oem_adapters.loopback import Answer, Loopback, Request
from tests.oem_adapters.nibe.bodies import (
    a_comfort_step,
    a_device,
    a_system,
    a_zone,
    f_series_points,
    s_series_points,
)
from tests.oem_adapters.nibe.cloud import (
    DEVICE,
    HOME_MODE,
    OLD,
    POINTS,
    ZONES,
    an_f_series,
    an_s_series,
    only_asked,
    paths,
)

OFFSET, ROOM, COMFORT = HEATING_OFFSET.name, ROOM_SETPOINT.name, HOT_WATER_COMFORT.name
SYSTEMS = "/v2/systems/me"


def a_list(cloud: Loopback, *devices: dict[str, Any]) -> None:
    cloud.on("GET", SYSTEMS, Answer({"page": 1, "numItems": 1, "systems": [a_system(1, *devices)]}))


async def test_an_f_series_is_observed_in_one_call_for_few_points(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, a_comfort_step(1), offset=2)
    for _ in range(2):
        found = await nibe.observe(pump, OFFSET, NOW)
        assert (found.setting, found.settings) == (2.0, {OFFSET: 2.0, COMFORT: 1.0})
    assert paths(cloud) == [("GET", POINTS)] * 2
    asked = set(cloud.requests[1].query["parameters"].split(","))
    assert asked == {"40004", "40008", "40033", "41778", "47011", "47041"}


async def test_an_s_series_is_observed_by_the_point_beside_its_zone(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_s_series(cloud, a_zone(setpointHeat=99))
    for _ in range(3):
        found = await nibe.observe(pump, ROOM, NOW)
        assert (found.setting, found.settings, found.outdoor_c) == (20.5, {ROOM: 20.5}, 2.5)
    assert cloud.asked("GET", ZONES) == []
    assert len(cloud.asked("GET", POINTS)) == 3


async def test_without_the_point_beside_it_the_zone_is_asked(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_s_series(cloud, a_zone(setpointHeat=22.0))
    cloud.on("GET", POINTS, Answer([point for point in s_series_points() if point["parameterId"] != "47751"]))
    assert (await nibe.observe(pump, ROOM, NOW)).setting == 22.0


async def test_the_away_switch_of_a_home_is_asked_every_other_hour_by_reads_and_looks_together(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_s_series(cloud)
    cloud.on("GET", HOME_MODE, Answer({"smartHomeMode": "Away"}), Answer({"smartHomeMode": "Home"}))
    for minutes in (0, 5, 29):
        at = NOW + timedelta(minutes=minutes)
        assert (await nibe.observe(pump, ROOM, at)).condition is Condition.AWAY
        assert (await nibe.read(pump, ROOM, at)).condition is Condition.AWAY
    assert len(cloud.asked("GET", HOME_MODE)) == 1
    later = NOW + AWAY_ASKED_EVERY
    assert (await nibe.observe(pump, ROOM, later)).condition is Condition.NORMAL
    assert len(cloud.asked("GET", HOME_MODE)) == 2


async def test_an_f_series_has_no_away_switch_to_ask(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_f_series(cloud)
    await nibe.observe(pump, OFFSET, NOW)
    await nibe.read(pump, OFFSET, NOW)
    assert cloud.asked("GET", HOME_MODE) == []


async def test_an_urgent_reading_spends_no_call_on_the_away_switch(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_s_series(cloud)
    await nibe.read(pump, ROOM, NOW, urgent=True)
    assert cloud.asked("GET", HOME_MODE) == []


@pytest.mark.parametrize(("failure", "asked"), [(Answer({}, 500), 2), (Answer(["?"]), 2), (Answer({}, 403), 1)])
async def test_an_away_switch_that_cannot_be_asked_spoils_no_reading_and_forgets_nothing(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, failure: Answer, asked: int
) -> None:
    an_s_series(cloud)
    cloud.on("GET", HOME_MODE, Answer({"smartHomeMode": "Vacation"}), failure)
    await nibe.observe(pump, ROOM, NOW)
    for minutes in (120, 125, 135):
        at = NOW + timedelta(minutes=minutes)
        stamp = (at - timedelta(minutes=2)).isoformat()
        cloud.on("GET", POINTS, Answer(s_series_points(stamp)))
        assert (await nibe.observe(pump, ROOM, at)).condition is Condition.AWAY
    assert len(cloud.asked("GET", HOME_MODE)) == 1 + asked
    at = NOW + AWAY_BELIEVED + timedelta(minutes=30)
    cloud.on("GET", POINTS, Answer(s_series_points(at.isoformat())))
    assert (await nibe.observe(pump, ROOM, at)).condition is Condition.NORMAL


async def test_connections_are_told_for_every_unit_over_all_pages(cloud: Loopback, nibe: NibeMyUplink) -> None:
    systems = [
        a_system(number, a_device("F1155", f"dev-{number}", "Disconnected" if number % 2 else "Connected"))
        for number in range(150)
    ]

    def page(request: Request) -> Answer:
        number, size = int(request.query["page"]), int(request.query["itemsPerPage"])
        return Answer({"page": number, "numItems": 150, "systems": systems[(number - 1) * size : number * size]})

    cloud.on("GET", SYSTEMS, page)
    told = await nibe.connections("account-1", NOW)
    assert told == {f"sys-{number}/dev-{number}": number % 2 == 0 for number in range(150)}
    assert len(cloud.requests) == 2


async def test_a_silent_unit_that_was_just_listed_as_disconnected_is_offline_in_one_call(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, stamp=OLD)
    a_list(cloud, a_device("F1155-12", "dev/1", "Disconnected"))
    await nibe.connections("account-1", NOW)
    cloud.requests.clear()
    with pytest.raises(Offline, match="pump-1"):
        await nibe.observe(pump, OFFSET, NOW)
    assert paths(cloud) == [("GET", POINTS)]


async def test_a_disconnection_that_was_listed_long_ago_is_not_believed(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, stamp=OLD)
    a_list(cloud, a_device("F1155-12", "dev/1", "Disconnected"))
    await nibe.connections("account-1", NOW - timedelta(minutes=11))
    assert (await nibe.observe(pump, OFFSET, NOW)).setting == 0.0


async def test_a_silent_units_document_is_asked_once_in_a_while_and_not_at_every_look(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, stamp=OLD)
    firmware = {"currentFwVersion": "1.0", "desiredFwVersion": "1.1"}
    cloud.on("GET", DEVICE, Answer({**a_device("F1155-12"), "firmware": firmware}))
    for minutes in (0, 4, 8):
        found = await nibe.observe(pump, OFFSET, NOW + timedelta(minutes=minutes))
        assert found.condition is Condition.UPDATING
    assert len(cloud.asked("GET", DEVICE)) == 1
    cloud.on("GET", DEVICE, Answer(a_device("F1155-12", state="Disconnected")))
    with pytest.raises(Offline):
        await nibe.observe(pump, OFFSET, NOW + timedelta(minutes=12))


async def test_a_unit_that_reports_is_not_offline_whatever_the_list_says(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    a_list(cloud, a_device("F1155-12", "dev/1", "Disconnected"))
    assert await nibe.connections("account-1", NOW) == {"sys-1/dev%2F1": False}
    assert (await nibe.observe(pump, OFFSET, NOW)).setting == 0.0


async def test_all_points_of_a_silent_unit_are_asked_once_in_a_while_and_not_at_every_look(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, stamp=OLD)
    for minutes in (0, 5, 10, 15, 35, 40):
        await nibe.observe(pump, OFFSET, NOW + timedelta(minutes=minutes))
    of_all = [number for number, asked in enumerate(cloud.asked("GET", POINTS)) if not asked.query]
    assert of_all == [0, 5]  # the second after the few of the fifth look


async def test_a_unit_at_rest_is_seen_to_report_by_whatever_point_is_freshest(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud)
    await nibe.observe(pump, OFFSET, NOW)
    resting = f_series_points(stamp=OLD)
    cloud.on("GET", POINTS, lambda r: Answer(only_asked(r, resting)))
    cloud.requests.clear()
    for minutes in (40, 45, 50):
        at = NOW + timedelta(minutes=minutes)
        resting[3]["timestamp"] = at.isoformat()  # degree minutes, which a reading does not ask for otherwise
        assert (await nibe.observe(pump, OFFSET, at)).as_of == at
    assert len(cloud.requests) == 4


async def test_a_look_without_any_stamp_is_malformed(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_f_series(cloud)
    cloud.on("GET", POINTS, Answer([]))
    with pytest.raises(Malformed):
        await nibe.observe(pump, OFFSET, NOW)


@pytest.mark.parametrize(
    ("versions", "condition"),
    [
        ({"firmware": {"currentFwVersion": "1.0", "desiredFwVersion": "1.1"}}, Condition.UPDATING),
        ({"currentFwVersion": "1.0", "desiredFwVersion": "1.1"}, Condition.UPDATING),
        ({"firmware": {"currentFwVersion": "1.1", "desiredFwVersion": "1.1"}}, Condition.NORMAL),
        ({"currentFwVersion": "1.0"}, Condition.NORMAL),
        ({"currentFwVersion": "1.0", "firmware": None, "product": None}, Condition.NORMAL),
    ],
)
async def test_a_firmware_on_its_way_is_learnt_from_the_list_for_a_while(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, versions: dict[str, Any], condition: Condition
) -> None:
    an_f_series(cloud)
    a_list(cloud, {**a_device("F1155-12"), **versions})
    await nibe.connections("account-1", NOW)
    assert (await nibe.observe(pump, OFFSET, NOW)).condition is condition
    later = NOW + timedelta(minutes=11)
    assert (await nibe.observe(pump, OFFSET, later)).condition is Condition.NORMAL


async def test_a_firmware_on_its_way_is_learnt_from_the_device_of_a_silent_unit(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, stamp=OLD)
    firmware = {"currentFwVersion": "1.0", "desiredFwVersion": "1.1"}
    cloud.on("GET", DEVICE, Answer({**a_device("F1155-12"), "firmware": firmware}))
    assert (await nibe.read(pump, OFFSET, NOW)).condition is Condition.UPDATING
    a_list(cloud, a_device("F1155-12", "dev/1"))  # which names no wished version
    await nibe.connections("account-1", NOW)
    assert (await nibe.observe(pump, OFFSET, NOW)).condition is Condition.UPDATING


async def test_of_a_budget_kept_for_urgent_calls_only_urgent_reads_and_writes_are_sent(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    left = {"RateLimit-Limit": "25", "RateLimit-Remaining": "5", "RateLimit-Reset": "40"}
    an_f_series(cloud)
    cloud.on("GET", POINTS, lambda r: Answer(only_asked(r, f_series_points()), headers=left))
    await nibe.observe(pump, OFFSET, NOW)
    cloud.requests.clear()
    for routine in (
        nibe.observe(pump, OFFSET, NOW),
        nibe.read(pump, OFFSET, NOW),
        nibe.write(pump, OFFSET, 1.0, NOW),
        nibe.connections("account-1", NOW),
        nibe.capability(pump, NOW),
    ):
        with pytest.raises(RateLimited) as raised:
            await routine
        assert raised.value.retry_at == NOW + timedelta(seconds=40)
    assert cloud.requests == []
    await nibe.read(pump, OFFSET, NOW, urgent=True)
    await nibe.write(pump, OFFSET, 1.0, NOW, urgent=True)
    assert paths(cloud) == [("GET", POINTS), ("PATCH", POINTS)]
