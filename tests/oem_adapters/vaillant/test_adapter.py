"""The Vaillant adapter against a cloud that answers as told."""

from typing import Any

import httpx
import pytest

from domain.oem.errors import NotExecutable, Offline, Rejected
from domain.oem.units import PumpAddress
from oem_adapters.vaillant.adapter import VaillantApp
from oem_adapters.vaillant.manifest import HOT_WATER_TARGET, MANIFEST, ROOM_SETPOINT
from tests.oem_adapters.conftest import NOW, SHORT
from tests.oem_adapters.loopback import Answer, Loopback
from tests.oem_adapters.vault import VaultInMemory, a_token

ROOM, TANK = ROOM_SETPOINT.name, HOT_WATER_TARGET.name
BASE = "/service-connected-control/end-user-app-api/v1"
SYSTEM, CONNECTED = f"{BASE}/systems/s1/tli", f"{BASE}/systems/s1/meta-info/connection-status"
VETO = f"{SYSTEM}/zones/0/quick-veto"
PUMP = PumpAddress(pump_id="pump-1", oem="vaillant", account_id="account-1", vendor_ref="s1")


@pytest.fixture
def sut(cloud: Loopback, client: httpx.AsyncClient) -> VaillantApp:
    vault = VaultInMemory(cloud.base_url, manifest=MANIFEST)
    vault.tokens["account-1"] = a_token()
    return VaillantApp(client, vault, SHORT)


def a_system(outdoor_c: float = 3.0, function: str = "NONE", mode: str = "MANUAL") -> Answer:
    zone = {"index": 0, "desiredRoomTemperatureSetpoint": 21.0, "currentSpecialFunction": function}
    heating = {"operationModeHeating": mode, "manualModeSetpointHeating": 21.0}
    tank = {"index": 255, "tappingSetpoint": 50.0}
    return Answer(
        {
            "state": {"system": {"outdoorTemperature": outdoor_c}, "zones": [zone]},
            "properties": {},
            "configuration": {"zones": [{"index": 0, "heating": heating}], "dhw": [tank]},
        }
    )


async def test_a_look_that_sees_nothing_move_asks_for_the_connection(cloud: Loopback, sut: VaillantApp) -> None:
    cloud.on("GET", SYSTEM, a_system(3.0), a_system(3.1), a_system(3.1))
    cloud.on("GET", CONNECTED, Answer({"connected": True}), Answer({"connected": False}))
    for _ in range(2):
        assert (await sut.read(PUMP, ROOM, NOW)).as_of == NOW
    assert len(cloud.asked("GET", CONNECTED)) == 1, "the first look knows nothing yet, the second saw the air warm up"
    with pytest.raises(Offline):
        await sut.read(PUMP, ROOM, NOW)


@pytest.mark.parametrize("answer", [{}, {"connected": None}, {"connected": "yes"}])
async def test_a_connection_that_is_not_told_is_none(cloud: Loopback, sut: VaillantApp, answer: Any) -> None:
    cloud.on("GET", SYSTEM, a_system())
    cloud.on("GET", CONNECTED, Answer(answer))
    with pytest.raises(Offline):
        await sut.read(PUMP, ROOM, NOW)


async def test_a_veto_is_begun_for_three_hours_and_changed_while_it_is_in_force(
    cloud: Loopback, sut: VaillantApp
) -> None:
    cloud.on("GET", SYSTEM, a_system(), a_system(function="QUICK_VETO"))
    for method in ("POST", "PATCH"):
        cloud.on(method, VETO, Answer({}))
    await sut.capability(PUMP, NOW)
    await sut.write(PUMP, ROOM, 22.5, NOW)
    await sut.capability(PUMP, NOW)
    await sut.write(PUMP, ROOM, 19.0, NOW)
    assert [r.json for r in cloud.asked("POST", VETO)] == [{"desiredRoomTemperatureSetpoint": 22.5, "duration": 3.0}]
    assert [r.json for r in cloud.asked("PATCH", VETO)] == [{"desiredRoomTemperatureSetpoint": 19.0, "duration": 3.0}]


async def test_a_veto_that_does_not_fit_is_tried_the_other_way_once(cloud: Loopback, sut: VaillantApp) -> None:
    cloud.on("GET", SYSTEM, a_system())
    cloud.on("POST", VETO, Answer({}, 409))
    cloud.on("PATCH", VETO, Answer({}), Answer({}, 409))
    await sut.write(PUMP, ROOM, 22.5, NOW)
    with pytest.raises(NotExecutable):
        await sut.write(PUMP, ROOM, 22.5, NOW)


async def test_the_households_own_temperature_ends_a_veto_and_a_revert_does_whatever_it_is(
    cloud: Loopback, sut: VaillantApp
) -> None:
    cloud.on("GET", SYSTEM, a_system(function="QUICK_VETO"))
    cloud.on("DELETE", VETO, Answer({}))
    await sut.write(PUMP, ROOM, 21.0, NOW)
    await sut.revert(PUMP, ROOM, 20.0, NOW)
    assert len(cloud.asked("DELETE", VETO)) == 2


async def test_a_tank_is_set_back_to_the_households_own(cloud: Loopback, sut: VaillantApp) -> None:
    path = f"{SYSTEM}/domestic-hot-water/255/temperature"
    cloud.on("GET", SYSTEM, a_system())
    cloud.on("PATCH", path, Answer({}))
    await sut.revert(PUMP, TANK, 48.0, NOW)
    assert [r.json for r in cloud.asked("PATCH", path)] == [{"setpoint": 48}]
    with pytest.raises(Rejected):
        await sut.write(PUMP, TANK, 48.5, NOW)


async def test_a_home_whose_program_moves_its_temperature_is_not_steered(cloud: Loopback, sut: VaillantApp) -> None:
    cloud.on("GET", SYSTEM, a_system(mode="TIME_CONTROLLED"))
    with pytest.raises(NotExecutable, match="time program"):
        await sut.capability(PUMP, NOW)
