"""The Daikin adapter against a loopback cloud: calls that are saved, and refusals by their own words."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.oem.errors import Malformed, NotExecutable, OemError, Offline, Rejected
from domain.oem.ports import BulkReader
from domain.oem.readings import Reading
from domain.oem.units import PumpAddress
from oem_adapters.daikin import MANIFEST, DaikinOnecta
from oem_adapters.daikin.manifest import HEATING_OFFSET, ROOM_SETPOINT
from tests.oem_adapters.conftest import PATIENT
from tests.oem_adapters.daikin.bodies import a_device
from tests.oem_adapters.loopback import Answer, Loopback, Request
from tests.oem_adapters.vault import VaultInMemory, a_token

NOW = datetime(2026, 1, 21, 6, 0, tzinfo=UTC)
OFFSET = HEATING_OFFSET.name


class Cloud:
    """Answers with its devices and takes writes until told otherwise."""

    def __init__(self) -> None:
        self.devices: Any = [a_device("d-1"), a_device("d-2")]
        self.refusal: Answer | None = None
        self.calls: list[tuple[str, str, Any]] = []

    async def answer(self, request: Request) -> Answer:
        self.calls.append((request.method, request.path, request.json if request.method == "PATCH" else None))
        if request.method == "GET":
            return Answer(self.devices)
        return self.refusal or Answer(status=204, raw=b"")

    @property
    def reads(self) -> int:
        return sum(method == "GET" for method, _, _ in self.calls)


@pytest.fixture
def onecta(cloud: Loopback) -> Cloud:
    there = Cloud()
    cloud.otherwise(there.answer)
    return there


@pytest.fixture
def daikin(cloud: Loopback, client: httpx.AsyncClient) -> DaikinOnecta:
    vault = VaultInMemory(cloud.base_url, manifest=MANIFEST)
    vault.tokens["account-1"] = a_token()
    return DaikinOnecta(client, vault, PATIENT)


def a_pump(device_id: str = "d-1") -> PumpAddress:
    return PumpAddress(pump_id=f"pump-{device_id}", oem="daikin", account_id="account-1", vendor_ref=device_id)


async def test_one_call_reads_all_units_of_an_account(onecta: Cloud, daikin: DaikinOnecta) -> None:
    onecta.devices = [a_device("d-1"), a_device("d-2", controlMode={"value": "roomTemperature"}), {"id": "d-3"}]
    assert isinstance(daikin, BulkReader)
    told = await daikin.observe_account("account-1", NOW)
    assert onecta.reads == 1
    first, other, odd = told["d-1"], told["d-2"], told["d-3"]
    assert isinstance(first, Reading)
    assert first.setting == 1
    assert isinstance(other, Reading)
    assert (other.lever, other.setting) == (ROOM_SETPOINT.name, None)
    assert isinstance(odd, Malformed)


async def test_units_that_look_at_about_the_same_time_share_an_answer(onecta: Cloud, daikin: DaikinOnecta) -> None:
    await asyncio.gather(*(daikin.read(a_pump(one), OFFSET, NOW) for one in ("d-1", "d-2")))
    assert onecta.reads == 1
    await daikin.read(a_pump("d-1"), OFFSET, NOW + timedelta(seconds=30))
    assert onecta.reads == 2, "who was told already wants a newer one"
    await daikin.read(a_pump("d-2"), OFFSET, NOW + timedelta(seconds=40))
    assert onecta.reads == 2
    await daikin.read(a_pump("d-2"), OFFSET, NOW + timedelta(minutes=5))
    assert onecta.reads == 3


async def test_a_write_is_not_judged_by_an_answer_from_before_it(onecta: Cloud, daikin: DaikinOnecta) -> None:
    await daikin.read(a_pump("d-2"), OFFSET, NOW)
    await daikin.write(a_pump("d-1"), OFFSET, 3.0, NOW)
    assert onecta.reads == 1, "place and range were known"
    point = "/v1/gateway-devices/d-1/management-points/climateControlMainZone"
    body = {"value": 3, "path": "/operationModes/heating/setpoints/leavingWaterOffset"}
    assert onecta.calls[-1] == ("PATCH", f"{point}/characteristics/temperatureControl", body)
    await daikin.read(a_pump("d-1"), OFFSET, NOW + timedelta(seconds=20))
    assert onecta.reads == 2


@pytest.mark.parametrize("setting", [11.0, 0.5, float("nan")])
async def test_what_a_unit_does_not_take_is_not_sent(onecta: Cloud, daikin: DaikinOnecta, setting: float) -> None:
    with pytest.raises(Rejected):
        await daikin.write(a_pump(), OFFSET, setting, NOW)
    assert onecta.reads == len(onecta.calls)


async def test_what_cannot_be_set_now_is_not_sent_and_may_be_later(onecta: Cloud, daikin: DaikinOnecta) -> None:
    closed = a_device("d-1")
    closed["managementPoints"][1]["temperatureControl"]["value"]["operationModes"]["heating"]["setpoints"][
        "leavingWaterOffset"
    ]["settable"] = False
    onecta.devices = [closed]
    with pytest.raises(NotExecutable):
        await daikin.write(a_pump(), OFFSET, 3.0, NOW)
    with pytest.raises(NotExecutable):
        await daikin.capability(a_pump(), NOW)
    assert onecta.reads == len(onecta.calls)
    with pytest.raises(Rejected, match="control mode"):
        await daikin.write(a_pump(), ROOM_SETPOINT.name, 21.0, NOW)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "READ_ONLY_CHARACTERISTIC", NotExecutable),
        (409, "CONFLICT", NotExecutable),
        (400, "INVALID_VALUE", Rejected),
        (404, "", Rejected),
        (422, "INVALID_VALUE", Rejected),
    ],
)
async def test_a_refusal_is_read_by_its_own_words(
    onecta: Cloud, daikin: DaikinOnecta, status: int, code: str, error: type[OemError]
) -> None:
    onecta.refusal = Answer({"code": code, "message": "no"}, status)
    with pytest.raises(error):
        await daikin.write(a_pump(), OFFSET, 3.0, NOW)
    with pytest.raises(error):
        await daikin.write(a_pump(), OFFSET, 3.0, NOW)
    assert onecta.reads == 2, "what could be set is looked up anew after a refusal"


async def test_a_silent_unit_is_offline_once_it_is_said_to_be_disconnected(onecta: Cloud, daikin: DaikinOnecta) -> None:
    gone = {"isCloudConnectionUp": {"value": False}}
    onecta.devices = [a_device("d-1") | gone, a_device("d-2")]
    assert await daikin.connections("account-1", NOW) == {"d-1": False, "d-2": True}
    assert (await daikin.read(a_pump(), OFFSET, NOW)).setting == 1, "the flag alone may be a flicker"
    later = NOW + timedelta(hours=1)
    with pytest.raises(Offline):
        await daikin.read(a_pump(), OFFSET, later)
    told = await daikin.observe_account("account-1", later)
    assert isinstance(told["d-1"], Offline)
    assert isinstance(told["d-2"], Reading), "stale, and said so by its stamp"


async def test_a_unit_that_the_account_does_not_reach_any_more_is_refused(onecta: Cloud, daikin: DaikinOnecta) -> None:
    with pytest.raises(Rejected, match="no such unit"):
        await daikin.read(a_pump("d-9"), OFFSET, NOW)


@pytest.mark.parametrize("devices", [{"code": "OOPS"}, "text", None])
async def test_an_answer_of_another_shape_is_malformed(onecta: Cloud, daikin: DaikinOnecta, devices: Any) -> None:
    onecta.devices = devices
    with pytest.raises(Malformed):
        await daikin.read(a_pump(), OFFSET, NOW)
