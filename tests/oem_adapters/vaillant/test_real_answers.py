"""Real answers of two homes and refusals as clients report them: what they mean, and that nothing is made up."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.oem.errors import NotExecutable, RateLimited
from domain.oem.readings import Busy, Condition, Reading
from oem_adapters.vaillant.manifest import HOT_WATER_TARGET, ROOM_SETPOINT
from oem_adapters.vaillant.mapping import levers_of, reading_of
from oem_adapters.vaillant.models import CLAIMS, CONNECTION, DOCUMENT, Document
from oem_adapters.vaillant.quirks import refusal_of

ROOM, TANK = ROOM_SETPOINT.name, HOT_WATER_TARGET.name
NOW = datetime(2026, 1, 21, 6, 0, tzinfo=UTC)


def documents(folder: Path, home: str) -> Iterator[Path]:
    return (folder / "oem/vaillant" / home).glob("*/system.json")


def real(folder: Path, home: str) -> Document:
    (path,) = documents(folder, home)
    return DOCUMENT.validate_json(path.read_bytes())


def read(document: Document) -> Reading:
    return reading_of(ROOM, document, NOW)


def test_a_home_whose_program_changes_its_temperature_is_read_and_not_steered(real_data: Path) -> None:
    document = real(real_data, "current_power")
    reading = read(document)
    assert (reading.room_c, reading.outdoor_c, reading.supply_c) == (23.2875, 8.019531, 26.0)
    assert (reading.target_c, reading.hot_water_c) == (27.00972, 43.0)
    assert reading.settings == {ROOM: 20.0, TANK: 48.0}
    assert (reading.condition, reading.busy) == (Condition.NORMAL, None)
    levers = levers_of(document)
    assert set(levers) == {TANK}, "22 C from 4 to 22 h and 20 C by night"
    assert (levers[TANK].minimum, levers[TANK].maximum, levers[TANK].step) == (35.0, 70.0, 1.0)


def test_a_home_that_keeps_one_temperature_is_steered_by_a_veto_that_ends(real_data: Path) -> None:
    lever = levers_of(real(real_data, "systemflow_and_energymanagerstate"))[ROOM]
    assert (lever.baseline, lever.wire_id, lever.step) == (22.0, "0", 0.5)
    assert lever.spec.expires_after == timedelta(hours=3)


def test_real_homes_and_connections_are_read(real_data: Path) -> None:
    folder = real_data / "oem/vaillant/current_power"
    (home,) = CLAIMS.validate_json((folder / "homes.json").read_bytes())
    assert (home.online, len(home.system_id)) == ("ONLINE", 40)
    (path,) = folder.glob("*/connection_status.json")
    assert CONNECTION.validate_json(path.read_bytes()).connected


def a_document(**changed: Any) -> Document:
    """A home that keeps 21 C by hand."""
    zone: dict[str, Any] = {"index": 0, "desiredRoomTemperatureSetpoint": 21.0, "currentSpecialFunction": "NONE"}
    heating = {"operationModeHeating": "MANUAL", "manualModeSetpointHeating": 21.0}
    whole: dict[str, Any] = {
        "state": {"system": changed.pop("system", {}), "zones": [zone | changed.pop("zone", {})]},
        "properties": changed.pop("properties", {}),
        "configuration": {"zones": [{"index": 0, "heating": heating | changed.pop("heating", {})}]},
    }
    return DOCUMENT.validate_json(json.dumps(whole | changed))


@pytest.mark.parametrize(
    ("given", "condition"),
    [
        ({}, Condition.NORMAL),
        ({"system": {"systemOff": True}}, Condition.OFF),
        ({"zone": {"currentSpecialFunction": "SYSTEM_OFF"}}, Condition.OFF),
        ({"zone": {"currentSpecialFunction": "HOLIDAY"}}, Condition.AWAY),
        ({"properties": {"system": {"externalEnergyManagementActivation": True}}}, Condition.EXTERNAL),
    ],
)
def test_who_else_holds_a_unit_is_told(given: dict[str, Any], condition: Condition) -> None:
    assert read(a_document(**given)).condition is condition


@pytest.mark.parametrize("told", [0.0, -32768, None, "21", 99])
def test_a_temperature_that_nobody_sets_is_no_setting(told: Any) -> None:
    assert read(a_document(zone={"desiredRoomTemperatureSetpoint": told})).setting is None
    assert ROOM not in levers_of(a_document(heating={"manualModeSetpointHeating": told}))


def test_a_veto_is_the_setting_and_never_the_households_own() -> None:
    document = a_document(zone={"desiredRoomTemperatureSetpoint": 19.0, "currentSpecialFunction": "QUICK_VETO"})
    assert read(document).setting == 19.0
    assert levers_of(document)[ROOM].baseline == 21.0


def test_a_veto_tells_when_it_ends_and_a_temperature_that_stays_does_not() -> None:
    until = {"quickVetoEndDateTime": "2026-01-21T09:00:00Z"}
    vetoed = a_document(zone={"currentSpecialFunction": "QUICK_VETO"} | until)
    assert read(vetoed).ends == {ROOM: datetime(2026, 1, 21, 9, 0, tzinfo=UTC)}
    assert read(a_document(zone={"currentSpecialFunction": "NONE"} | until)).ends == {}
    unset = {"currentSpecialFunction": "QUICK_VETO", "quickVetoEndDateTime": "1970-01-01T00:00:00Z"}
    assert read(a_document(zone=unset)).ends == {}


def test_nulls_and_odd_elements_spoil_nothing() -> None:
    document = DOCUMENT.validate_json(
        b'{"state": {"system": null, "zones": [null, 3, {}], "circuits": null, "dhw": "x"}, "configuration": null}'
    )
    reading = read(document)
    assert (reading.setting, reading.room_c, reading.condition) == (None, None, Condition.NORMAL)
    assert levers_of(document) == {}


def test_a_tank_that_is_charged_keeps_the_compressor_busy() -> None:
    assert read(a_document(system={"energyManagerState": "DHW"})).busy is Busy.HOT_WATER


@pytest.mark.parametrize(
    ("words", "wait"),
    [
        ("Out of call volume quota. Quota will be replenished in 00:02:35.", timedelta(minutes=2, seconds=35)),
        ("Out of call volume quota. Quota will be replenished in 1.02:00:00.", timedelta(days=1, hours=2)),
        ("Out of call volume quota. Quota will be replenished in 00:00:00.", timedelta(seconds=1)),
        ("Out of call volume quota.", timedelta(hours=1)),
    ],
)
def test_a_quota_is_replenished_when_the_words_say(words: str, wait: timedelta) -> None:
    answer = httpx.Response(403, json={"statusCode": 403, "message": words})
    error = refusal_of("a call", answer, False, NOW)
    assert isinstance(error, RateLimited)
    assert error.retry_at == NOW + wait


@pytest.mark.parametrize("content", [b"", b"<html/>", b'{"message": "Forbidden"}', b"[]", b'{"message": 5}'])
def test_another_403_is_left_to_its_status(content: bytes) -> None:
    assert refusal_of("a call", httpx.Response(403, content=content), True, NOW) is None


def test_a_veto_that_does_not_fit_is_not_executable() -> None:
    assert isinstance(refusal_of("a call", httpx.Response(409), True, NOW), NotExecutable)
