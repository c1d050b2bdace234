"""Units and accounts that are not as the usual ones: other zones, lost parameters, rights to look only."""

from typing import Any

import pytest

from domain.oem.errors import Rejected
from domain.oem.units import PumpAddress
from oem_adapters.nibe.adapter import NibeMyUplink
from oem_adapters.nibe.manifest import HEATING_OFFSET, ROOM_SETPOINT
from tests.oem_adapters.conftest import NOW
from tests.oem_adapters.loopback import Answer, Loopback, Reply, Request
from tests.oem_adapters.nibe.bodies import a_device, a_point, a_system, a_zone, f_series_points, s_series_points
from tests.oem_adapters.nibe.cloud import DEVICE, POINTS, ZONES, an_f_series, an_s_series, modified, only_asked, paths

OFFSET, ROOM = HEATING_OFFSET.name, ROOM_SETPOINT.name
SYSTEMS = "/v2/systems/me"


def a_setpoint(parameter_id: str, value: float, zone_id: str | None) -> dict[str, Any]:
    fields = {"writable": True, "minValue": 50, "maxValue": 350, "stepValue": 5, "zoneId": zone_id}
    return a_point(parameter_id, value, **fields, smartHomeCategories=["sh-indoorSpHeat"], category="NIBE S1255-12")


def two_zones(cloud: Loopback, *setpoints: dict[str, Any]) -> None:
    """Zone 2 can only be commanded, zone 3 heats at 22."""
    an_s_series(cloud, a_zone("2", commandOnly=True, setpointHeat=20), a_zone("3", setpointHeat=22, temperature=None))
    others = [point for point in s_series_points() if point["parameterId"] != "47751"]
    cloud.on("GET", POINTS, lambda r: Answer(only_asked(r, [*others, *setpoints])))
    cloud.on("PATCH", f"{DEVICE}/zones/3", modified)


@pytest.mark.parametrize("written_first", [True, False])
async def test_the_zone_that_is_read_is_the_zone_that_is_written(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, written_first: bool
) -> None:
    two_zones(cloud, a_setpoint("47751", 20, "2"), a_setpoint("47752", 22, "3"))
    if written_first:
        await nibe.write(pump, ROOM, 22.5, NOW)
        assert paths(cloud)[-1] == ("PATCH", f"{DEVICE}/zones/3")
    for _ in range(2):
        assert (await nibe.read(pump, ROOM, NOW)).setting == 22.0
        assert (await nibe.observe(pump, ROOM, NOW)).setting == 22.0
    assert (await nibe.capability(pump, NOW)).heating.baseline == 22.0
    assert len(cloud.asked("GET", ZONES)) == 1 + 1, "once to learn the zone, once for the capability"


async def test_a_point_of_another_zone_is_never_read_for_the_one_that_is_written(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    two_zones(cloud, a_setpoint("47751", 20, "2"))
    await nibe.write(pump, ROOM, 22.5, NOW)
    assert (await nibe.read(pump, ROOM, NOW)).setting == 22.0, "of the zone itself, though it has no stamp"


async def test_of_points_that_name_no_zone_none_is_guessed(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    two_zones(cloud, a_setpoint("47751", 20, None), a_setpoint("47752", 19, None))
    assert (await nibe.read(pump, ROOM, NOW)).setting == 22.0


async def test_the_room_that_is_told_belongs_to_the_zone(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    rooms = [
        a_point("48351", 18.0, zoneId="2", smartHomeCategories=["sh-indoorTemp"]),
        a_point("48352", 21.4, zoneId="3", smartHomeCategories=["sh-indoorTemp"]),
    ]
    two_zones(cloud, a_setpoint("47751", 20, "2"), a_setpoint("47752", 22, "3"), *rooms)
    assert (await nibe.read(pump, ROOM, NOW)).room_c == 21.4


async def test_a_parameter_lost_in_an_update_costs_one_refusal_and_is_not_asked_again(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress
) -> None:
    an_f_series(cloud, offset=2)
    await nibe.observe(pump, OFFSET, NOW)
    left = [point for point in f_series_points(offset=3) if point["parameterId"] != "41778"]

    def strict(request: Request) -> Reply:
        if "41778" in request.query.get("parameters", ""):
            return Answer({"status": 404, "error": "no such parameter"}, 404)
        return Answer(only_asked(request, left))

    cloud.on("GET", POINTS, strict)
    cloud.requests.clear()
    for _ in range(3):
        found = await nibe.observe(pump, OFFSET, NOW)
        assert (found.setting, found.compressor_hz) == (3.0, None)
    asked = [request.query.get("parameters", "all") for request in cloud.asked("GET", POINTS)]
    assert len(asked) == 1 + 1 + 2
    assert asked[1] == "all"
    assert "41778" in asked[0]
    assert not any("41778" in one for one in asked[2:])


async def test_a_unit_that_is_gone_is_refused_as_before(cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress) -> None:
    an_f_series(cloud)
    await nibe.observe(pump, OFFSET, NOW)
    cloud.on("GET", POINTS, Answer({"status": 404}, 404))
    with pytest.raises(Rejected):
        await nibe.observe(pump, OFFSET, NOW)


@pytest.mark.parametrize(
    ("level", "is_refused"), [("viewer", True), ("manager", False), ("admin", False), (None, False)]
)
async def test_an_account_that_may_only_look_cannot_enrol_a_pump_and_is_told_who_can_help(
    cloud: Loopback, nibe: NibeMyUplink, pump: PumpAddress, level: str | None, is_refused: bool
) -> None:
    an_f_series(cloud)
    system = {**a_system(1, a_device("F1155-12")), "securityLevel": level}
    cloud.on("GET", SYSTEMS, Answer({"page": 1, "numItems": 1, "systems": [system]}))
    if not is_refused:
        assert (await nibe.capability(pump, NOW)).heating.name == OFFSET
        return
    with pytest.raises(Rejected, match="owner") as raised:
        await nibe.capability(pump, NOW)
    assert raised.value.is_read_only
    assert paths(cloud) == [("GET", SYSTEMS)], "nothing more is spent on it"
    assert (await nibe.observe(pump, OFFSET, NOW)).setting == 0.0, "it may be read"


async def test_a_system_without_devices_costs_the_others_nothing(cloud: Loopback, nibe: NibeMyUplink) -> None:
    systems = [{**a_system(1), "devices": None}, a_system(2)]
    cloud.on("GET", SYSTEMS, Answer({"page": None, "numItems": None, "systems": systems}))
    assert await nibe.connections("account-1", NOW) == {"sys-2/dev-2": True}
