"""The LG adapter against a loopback cloud: headers, codes, and what is peculiar to its documents."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.modes import Mode
from domain.oem.errors import (
    AuthExpired,
    Malformed,
    NotExecutable,
    OemError,
    Offline,
    RateLimited,
    Rejected,
    Unavailable,
)
from domain.oem.readings import Condition
from domain.oem.units import PumpAddress
from oem_adapters.lg import MANIFEST, LgThinq
from oem_adapters.lg.manifest import HOT_WATER_TARGET, ROOM_SETPOINT, WATER_TARGET
from oem_adapters.lg.quirks import SPENT_FOR
from tests.oem_adapters.conftest import PATIENT
from tests.oem_adapters.loopback import Answer, Loopback, Request
from tests.oem_adapters.vault import VaultInMemory

NOW = datetime(2026, 1, 21, 6, 0, tzinfo=UTC)
PUMP = PumpAddress(pump_id="pump-1", oem="lg", account_id="account-1", vendor_ref="dev-1")
ROOM, TANK = "roomTemperatureInUnits", "hotWaterTemperatureInUnits"


def span(least: float, most: float, step: float) -> dict[str, Any]:
    return {"type": "range", "mode": ["r", "w"], "value": {"w": {"min": least, "max": most, "step": step}}}


PROFILE = {
    "property": {
        ROOM: [
            {
                "airHeatTargetTemperature": span(16, 30, 0.5),
                "waterHeatTargetTemperature": span(15, 55, 1),
                "unit": {"type": "enum"},
            }
        ],
        TANK: [{"targetTemperature": span(30, 55, 1)}],
    }
}
STATE: dict[str, Any] = {
    "operation": {"boilerOperationMode": "POWER_ON", "roomTempMode": "AIR"},
    ROOM: [
        {"unit": "F", "airCurrentTemperature": 70, "airHeatTargetTemperature": 70},
        {
            "unit": "C",
            "airCurrentTemperature": 21,
            "outWaterCurrentTemperature": 33,
            "airHeatTargetTemperature": 20.5,
        },
    ],
    TANK: [{"unit": "C", "currentTemperature": 46, "targetTemperature": 48}],
}


class Cloud:
    """Answers with its documents until told otherwise."""

    def __init__(self) -> None:
        self.state: Any = STATE
        self.refusal: Answer | None = None
        self.requests: list[Request] = []

    async def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if self.refusal is not None:
            return self.refusal
        documents = {"profile": PROFILE, "state": self.state, "control": {}}
        return Answer({"messageId": "m", "response": documents[request.path.rpartition("/")[2]]})


@pytest.fixture
def thinq(cloud: Loopback) -> Cloud:
    there = Cloud()
    cloud.otherwise(there.answer)
    return there


@pytest.fixture
def lg(cloud: Loopback, client: httpx.AsyncClient) -> LgThinq:
    return LgThinq(client, VaultInMemory(cloud.base_url, "service-key", "personal-token", MANIFEST), PATIENT)


async def test_every_call_carries_the_vendors_headers_and_a_message_id_of_its_own(thinq: Cloud, lg: LgThinq) -> None:
    await lg.read(PUMP, ROOM_SETPOINT.name, NOW)
    await lg.read(PUMP, ROOM_SETPOINT.name, NOW)
    first, second = (request.headers for request in thinq.requests)
    assert (first["x-api-key"], first["x-service-phase"], first["x-country"]) == ("service-key", "OP", "DE")
    assert first["authorization"] == "Bearer personal-token"
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", first["x-message-id"])
    assert first["x-message-id"] != second["x-message-id"]


async def test_a_state_is_read_in_degrees_c_whatever_other_unit_stands_beside(thinq: Cloud, lg: LgThinq) -> None:
    reading = await lg.read(PUMP, ROOM_SETPOINT.name, NOW)
    assert (reading.setting, reading.room_c, reading.supply_c, reading.hot_water_c) == (20.5, 21, 33, 46)
    assert reading.settings == {ROOM_SETPOINT.name: 20.5, HOT_WATER_TARGET.name: 48}
    assert (reading.condition, reading.as_of) == (Condition.NORMAL, NOW)
    thinq.state = STATE | {"operation": {"boilerOperationMode": "POWER_OFF"}, ROOM: None}
    off = await lg.read(PUMP, ROOM_SETPOINT.name, NOW)
    assert (off.condition, off.setting, off.room_c) == (Condition.OFF, None, None)
    thinq.state = {"washer": {}}
    with pytest.raises(Malformed):
        await lg.read(PUMP, ROOM_SETPOINT.name, NOW)


async def test_a_unit_that_follows_its_water_is_moved_by_kelvins_of_water_and_given_back_its_own(
    thinq: Cloud, lg: LgThinq
) -> None:
    by_water = {
        "unit": "C",
        "airCurrentTemperature": 21,
        "airHeatTargetTemperature": 20,
        "waterHeatTargetTemperature": 35,
    }
    thinq.state = STATE | {"operation": {"boilerOperationMode": "POWER_ON", "roomTempMode": "WATER"}, ROOM: [by_water]}
    lever = (await lg.capability(PUMP, NOW)).heating
    assert (lever.name, lever.minimum, lever.maximum, lever.step) == (WATER_TARGET.name, 15, 55, 1)
    assert [lever.setting_for(mode) for mode in (Mode.MIN, Mode.LOW, Mode.MID, Mode.MAX)] == [31, 35, 37, 39]
    assert (await lg.read(PUMP, lever.name, NOW)).settings == {WATER_TARGET.name: 35, HOT_WATER_TARGET.name: 48}
    await lg.write(PUMP, lever.name, 31, NOW)
    assert thinq.requests[-1].path == "/devices/dev-1/control"
    assert json.loads(thinq.requests[-1].body) == {ROOM: {"waterHeatTargetTemperature": 31, "unit": "C"}}
    with pytest.raises(Rejected, match="15 to 55"):
        await lg.write(PUMP, lever.name, 56, NOW)
    with pytest.raises(Rejected, match="no room setpoint"):
        await lg.write(PUMP, ROOM_SETPOINT.name, 21, NOW)


async def test_a_capability_has_the_profiles_ranges_and_a_unit_without_a_target_none(thinq: Cloud, lg: LgThinq) -> None:
    capability = await lg.capability(PUMP, NOW)
    heating = capability.heating
    assert (heating.minimum, heating.maximum, heating.step, heating.baseline) == (16, 30, 0.5, 20.5)
    assert capability.hot_water is not None
    assert (capability.hot_water.minimum, capability.hot_water.baseline) == (30, 48)
    thinq.state = STATE | {"operation": {"roomTempMode": "WATER"}}
    with pytest.raises(NotExecutable, match="water temperature"):
        await lg.capability(PUMP, NOW)


async def test_a_control_takes_one_property_with_its_unit(thinq: Cloud, lg: LgThinq) -> None:
    await lg.capability(PUMP, NOW)
    await lg.write(PUMP, ROOM_SETPOINT.name, 21.0, NOW)
    assert thinq.requests[-1].path == "/devices/dev-1/control"
    assert thinq.requests[-1].json == {ROOM: {"airHeatTargetTemperature": 21, "unit": "C"}}
    sent = len(thinq.requests)
    for wrong in (15.5, 21.25, 30.5):
        with pytest.raises(Rejected):
            await lg.write(PUMP, ROOM_SETPOINT.name, wrong, NOW)
    assert len(thinq.requests) == sent


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "1314", RateLimited),
        (401, "1306", AuthExpired),  # 401 is a matter of tokens first
        (416, "1222", Offline),
        (400, "2301", Rejected),
        (400, "2302", NotExecutable),
        (400, "2305", NotExecutable),
        (400, "2209", Unavailable),
        (400, "1218", AuthExpired),
        (400, "1205", Rejected),
        (401, "1103", AuthExpired),
        (500, "", Unavailable),
    ],
)
async def test_a_refusal_is_read_by_its_code(
    thinq: Cloud, lg: LgThinq, status: int, code: str, error: type[OemError]
) -> None:
    await lg.capability(PUMP, NOW)
    thinq.refusal = Answer({"error": {"code": code, "message": "no"}}, status)
    with pytest.raises(error) as raised:
        await lg.write(PUMP, ROOM_SETPOINT.name, 21.0, NOW)
    if isinstance(raised.value, RateLimited):
        assert raised.value.retry_at == NOW + SPENT_FOR
    if code == "2301":
        assert isinstance(raised.value, Rejected)
        assert raised.value.is_read_only
