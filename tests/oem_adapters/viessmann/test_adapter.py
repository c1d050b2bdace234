"""The Viessmann adapter against a cloud that answers as told."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from domain.oem.errors import NotExecutable, Rejected
from domain.oem.units import PumpAddress
from oem_adapters.viessmann.adapter import ViessmannIot
from oem_adapters.viessmann.manifest import HEATING_OFFSET, HOT_WATER_TARGET, MANIFEST
from oem_adapters.viessmann.quirks import SLOPE_LIFE
from tests.oem_adapters.conftest import NOW, SHORT
from tests.oem_adapters.loopback import Answer, Loopback
from tests.oem_adapters.vault import VaultInMemory, a_token

SHIFT, TANK = HEATING_OFFSET.name, HOT_WATER_TARGET.name
LIST = "/iot/v2/equipment/installations"
FEATURES = "/iot/v2/features/installations/12/gateways/g%2F1/devices/0/features"
CURVE = f"{FEATURES}/heating.circuits.1.heating.curve"
SET_CURVE = f"{CURVE}/commands/setCurve"
SET_TARGET = f"{FEATURES}/heating.dhw.temperature.main/commands/setTargetTemperature"
PUMP = PumpAddress(pump_id="pump-1", oem="viessmann", account_id="account-1", vendor_ref="12/g%2F1/0")
TAKEN = {"data": {"success": True, "reason": "COMMAND_EXECUTION_SUCCESS"}}


@pytest.fixture
def sut(cloud: Loopback, client: httpx.AsyncClient) -> ViessmannIot:
    vault = VaultInMemory(cloud.base_url, manifest=MANIFEST)
    vault.tokens["account-1"] = a_token()
    return ViessmannIot(client, vault, SHORT)


def a_feature(name: str, commands: Mapping[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    told = {key: {"type": "x", "value": value} for key, value in properties.items()}
    listed: dict[str, Any] = {"feature": name, "isEnabled": True, "isReady": True, "timestamp": NOW.isoformat()}
    return listed | {"properties": told, "commands": commands or {}}


def a_curve(shift: float, slope: float = 0.6, *, is_open: bool = True) -> dict[str, Any]:
    limits = {"shift": {"constraints": {"min": -13, "max": 40, "stepping": 1}}}
    commands = {"setCurve": {"isExecutable": is_open, "params": limits}}
    return a_feature("heating.circuits.1.heating.curve", commands, shift=shift, slope=slope)


def a_unit(cloud: Loopback, *more: dict[str, Any], shift: float = 2) -> None:
    """Its only circuit is the second one."""
    circuits = a_feature("heating.circuits", enabled=["1"])
    cloud.on("GET", FEATURES, Answer({"data": [circuits, a_curve(shift), *more]}))


async def test_connections_go_over_all_pages_and_name_heat_pumps_only(cloud: Loopback, sut: ViessmannIot) -> None:
    def page(number: int, following: str) -> Answer:
        devices = [
            {"id": "0", "deviceType": "heating", "status": "Online" if number == 1 else "Offline"},
            {"id": "gateway", "deviceType": "tcu", "status": "Online"},
            {"id": None},
        ]
        home = {"id": number, "gateways": [{"serial": "g/1", "devices": devices}, {"serial": "h", "devices": None}]}
        return Answer({"data": [home, {"id": 100 + number, "gateways": None}, None], "cursor": {"next": following}})

    cloud.on("GET", LIST, page(1, "more"), page(2, ""))
    assert await sut.connections("account-1", NOW) == {"1/g%2F1/0": True, "2/g%2F1/0": False}
    assert [request.query.get("cursor") for request in cloud.requests] == [None, "more"]


async def test_connections_end_with_a_cloud_that_repeats_itself(cloud: Loopback, sut: ViessmannIot) -> None:
    cloud.on("GET", LIST, Answer({"data": [{"id": 1}], "cursor": {"next": "more"}}))
    await sut.connections("account-1", NOW)
    assert len(cloud.requests) == 2


async def test_a_unit_is_steered_by_the_circuit_it_has(cloud: Loopback, sut: ViessmannIot) -> None:
    a_unit(cloud, shift=-3)
    found = await sut.capability(PUMP, NOW)
    assert (found.heating.wire_id, found.heating.baseline) == ("heating.circuits.1.heating.curve", -3.0)
    assert found.hot_water is None
    assert not found.has_room_sensor


async def test_a_unit_without_a_curve_cannot_be_steered(cloud: Loopback, sut: ViessmannIot) -> None:
    cloud.on("GET", FEATURES, Answer({"data": [a_feature("heating.circuits", enabled=["0"])]}))
    with pytest.raises(NotExecutable):
        await sut.capability(PUMP, NOW)


async def test_a_shift_is_written_with_the_slope_that_was_read_just_now(cloud: Loopback, sut: ViessmannIot) -> None:
    a_unit(cloud)
    cloud.on("POST", SET_CURVE, Answer(TAKEN))
    await sut.read(PUMP, SHIFT, NOW)
    await sut.write(PUMP, SHIFT, 4.0, NOW)
    assert [request.json for request in cloud.asked("POST", SET_CURVE)] == [{"shift": 4, "slope": 0.6}]
    assert len(cloud.requests) == 2


async def test_a_slope_that_a_person_changed_since_is_kept(cloud: Loopback, sut: ViessmannIot) -> None:
    a_unit(cloud)
    cloud.on("POST", SET_CURVE, Answer(TAKEN))
    cloud.on("GET", CURVE, Answer({"data": a_curve(2, slope=0.9)}))
    await sut.read(PUMP, SHIFT, NOW)
    await sut.write(PUMP, SHIFT, 4.0, NOW + SLOPE_LIFE * 1.01)
    assert [request.json for request in cloud.asked("POST", SET_CURVE)] == [{"shift": 4, "slope": 0.9}]


async def test_a_curve_that_is_closed_now_is_not_written(cloud: Loopback, sut: ViessmannIot) -> None:
    a_unit(cloud)
    cloud.on("GET", CURVE, Answer({"data": a_curve(2, is_open=False)}))
    await sut.read(PUMP, SHIFT, NOW)
    with pytest.raises(NotExecutable):
        await sut.write(PUMP, SHIFT, 4.0, NOW + SLOPE_LIFE * 1.01)
    assert cloud.asked("POST", SET_CURVE) == []


@pytest.mark.parametrize("success", [False, "false"])
async def test_a_success_that_is_none_is_tried_again_later(cloud: Loopback, sut: ViessmannIot, success: Any) -> None:
    a_unit(cloud)
    cloud.on("POST", SET_CURVE, Answer({"data": {"success": success, "reason": "x"}}))
    with pytest.raises(NotExecutable):
        await sut.write(PUMP, SHIFT, 4.0, NOW)


@pytest.mark.parametrize("body", [TAKEN, {"data": {"success": "true"}}, {}, None])
async def test_a_tanks_temperature_is_written_as_a_whole_number(cloud: Loopback, sut: ViessmannIot, body: Any) -> None:
    limits = {"temperature": {"constraints": {"min": 10, "max": 60, "stepping": 1, "efficientUpperBorder": 55}}}
    target = {"setTargetTemperature": {"isExecutable": True, "params": limits}}
    a_unit(cloud, a_feature("heating.dhw.temperature.main", target, value=50))
    cloud.on("POST", SET_TARGET, Answer(body, 202))
    await sut.write(PUMP, TANK, 53.0, NOW)
    assert [request.json for request in cloud.asked("POST", SET_TARGET)] == [{"temperature": 53}]


async def test_a_lever_that_a_unit_does_not_have_is_refused(cloud: Loopback, sut: ViessmannIot) -> None:
    a_unit(cloud)
    with pytest.raises(Rejected):
        await sut.write(PUMP, TANK, 50.0, NOW)
