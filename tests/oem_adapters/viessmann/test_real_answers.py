"""Real answers of three heat pumps and real refusals: what they mean, and that no sentinel gets through."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from domain.modes import Mode
from domain.oem.energy import EnergyCircuit
from domain.oem.errors import NotExecutable, OemError, Offline, RateLimited, Rejected
from domain.oem.lever import LeverName
from domain.oem.readings import Condition, Reading
from oem_adapters.viessmann.energy import energy_of
from oem_adapters.viessmann.manifest import HEATING_OFFSET, HOT_WATER_TARGET
from oem_adapters.viessmann.mapping import levers_of, newest_stamp, reading_of, slope_of
from oem_adapters.viessmann.models import LISTING, Feature, Features, read_each
from oem_adapters.viessmann.quirks import refusal_of

SHIFT, TANK = HEATING_OFFSET.name, HOT_WATER_TARGET.name
CURVE = "heating.circuits.0.heating.curve"
NOW = datetime(2025, 10, 5, 10, 12, tzinfo=UTC)


def features(content: bytes) -> Features:
    return Features(read_each(Feature, LISTING.validate_json(content).data))


def read(content: bytes, now: datetime = NOW, lever: LeverName = SHIFT) -> Reading:
    found = features(content)
    as_of = newest_stamp(found, now)
    assert as_of is not None
    return reading_of(lever, found, as_of)


def real(folder: Path, name: str) -> bytes:
    return (folder / "oem/viessmann" / name).read_bytes()


def test_a_vitocal_250_a_is_read_with_its_curve_its_tank_and_no_room(real_data: Path) -> None:
    content = real(real_data, "Vitocal250A.json")
    reading, found = read(content), features(content)
    assert reading.as_of == datetime(2025, 10, 5, 10, 9, 28, 719000, tzinfo=UTC)
    assert reading.settings == {SHIFT: 4.0, TANK: 55.0}
    assert (reading.outdoor_c, reading.supply_c, reading.target_c, reading.hot_water_c) == (12.2, 29.8, 30.0, 46.8)
    assert (reading.room_c, reading.power_w, reading.compressor_hz) == (None, 0.0, 0.0)
    assert (reading.condition, reading.busy) == (Condition.NORMAL, None)
    lever = levers_of(found)[SHIFT]
    assert (lever.minimum, lever.maximum, lever.step, lever.setting_for(Mode.MIN)) == (-13.0, 40.0, 1.0, 0.0)
    assert slope_of(found.get(CURVE)) == 0.6


def test_a_vitocal_222_s_has_no_inverter_that_is_connected(real_data: Path) -> None:
    reading = read(real(real_data, "Vitocal222S.json"), datetime(2025, 10, 5, 16, 30, tzinfo=UTC))
    assert reading.settings == {SHIFT: -1.0, TANK: 52.0}
    assert (reading.supply_c, reading.power_w, reading.compressor_hz) == (26.7, None, 20.0)
    assert reading.condition is Condition.NORMAL


def test_a_vitocal_200_s_in_summer_is_off_and_aims_at_nothing(real_data: Path) -> None:
    reading = read(real(real_data, "Vitocal200S.json"), datetime(2021, 8, 17, 8, 12, tzinfo=UTC))
    assert reading.condition is Condition.OFF, "its mode is hot water only"
    assert reading.target_c is None, "0 is no temperature to aim at"
    assert (reading.supply_c, reading.outdoor_c, reading.hot_water_c) == (27.8, 13.5, 53.9)
    assert reading.settings == {SHIFT: -2.0, TANK: 40.0}


def test_an_answer_of_a_gateway_that_hangs_is_as_old_as_its_newest_stamp(real_data: Path) -> None:
    later = NOW + timedelta(days=3)
    assert later - read(real(real_data, "Vitocal250A.json"), later).as_of > timedelta(days=3)


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [("device_offline", 400, Offline), ("gateway_offline", 400, Offline), ("rate_limit", 429, RateLimited)],
)
def test_a_real_refusal_means_what_its_body_says(
    real_data: Path, name: str, status: int, expected: type[OemError]
) -> None:
    answer = httpx.Response(status, content=real(real_data, f"errors/{name}.json"))
    assert isinstance(refusal_of("a call", answer, False, NOW), expected)


@pytest.mark.parametrize(("name", "status"), [("error_500", 500), ("error_502", 502), ("expired_token", 401)])
def test_a_failure_of_the_cloud_is_left_to_its_status(real_data: Path, name: str, status: int) -> None:
    answer = httpx.Response(status, content=real(real_data, f"errors/{name}.json"))
    assert refusal_of("a call", answer, False, NOW) is None


def refused(status: int, kind: str, *, is_write: bool = False, **extended: Any) -> OemError | None:
    body = {"viErrorId": "x", "statusCode": status, "errorType": kind, "message": "m", "extendedPayload": extended}
    return refusal_of("a call", httpx.Response(status, content=json.dumps(body).encode()), is_write, NOW)


def test_the_reset_of_a_budget_is_in_milliseconds() -> None:
    error = refused(429, "RATE_LIMIT_EXCEEDED", limitReset=int((NOW.timestamp() + 90) * 1000))
    assert isinstance(error, RateLimited)
    assert error.retry_at == NOW + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("reset", "until"),
    [(0, timedelta(seconds=1)), (NOW.timestamp() * 2e3, timedelta(days=1)), (None, None), ("soon", None), (1e30, None)],
)
def test_a_reset_that_cannot_be_is_bounded_or_left_to_the_window(reset: Any, until: timedelta | None) -> None:
    error = refused(429, "RATE_LIMIT_EXCEEDED", limitReset=reset)
    assert (error.retry_at - NOW if isinstance(error, RateLimited) else None) == until


def test_a_command_that_is_not_there_now_may_be_there_later() -> None:
    assert isinstance(refused(502, "COMMAND_NOT_FOUND", is_write=True), NotExecutable)


def test_a_package_that_is_not_paid_for_is_final_and_says_so_of_a_write() -> None:
    write, look = refused(403, "PACKAGE_NOT_PAID_FOR", is_write=True), refused(403, "PACKAGE_NOT_PAID_FOR")
    assert isinstance(write, Rejected)
    assert write.is_read_only
    assert isinstance(look, Rejected)
    assert not look.is_read_only


@pytest.mark.parametrize("content", [b"", b"<html>502</html>", b"[]", b"null", b'{"errorType": 5}', b'{"error": "x"}'])
def test_a_body_without_words_is_left_to_its_status(content: bytes) -> None:
    assert refusal_of("a call", httpx.Response(502, content=content), False, NOW) is None


def a_feature(name: str, **properties: Any) -> dict[str, Any]:
    told = {key: {"type": "x", "value": value} for key, value in properties.items()}
    return {"feature": name, "isEnabled": True, "isReady": True, "timestamp": NOW.isoformat(), "properties": told}


def test_one_odd_feature_spoils_nothing() -> None:
    odd: list[Any] = [None, 3, {}, {"feature": None}, {"feature": "heating.circuits", "properties": None}]
    odd += [a_feature("heating.circuits.0.sensors.temperature.room", value=float("1e400")), {"feature": 7}]
    good = a_feature("heating.sensors.temperature.outside", status="connected", value=-3.5)
    content = json.dumps({"data": [*odd, good, good | {"feature": "x", "timestamp": "yesterday"}]}).encode()
    reading = read(content)
    assert (reading.outdoor_c, reading.room_c, reading.setting) == (-3.5, None, None)


@pytest.mark.parametrize("shift", [-3276.8, -32768, 41, "4", None, True])
def test_a_shift_outside_of_its_range_is_no_setting(shift: Any) -> None:
    curve = a_feature(CURVE, shift=shift, slope=0.6)
    curve["commands"] = {
        "setCurve": {"isExecutable": True, "params": {"shift": {"constraints": {"min": -13, "max": 40}}}}
    }
    content = json.dumps({"data": [a_feature("heating.circuits", enabled=["0"]), curve]}).encode()
    assert read(content).setting is None
    assert levers_of(features(content)) == {}


@pytest.mark.parametrize(
    ("feature", "properties", "condition"),
    [
        ("heating.circuits.0.operating.modes.active", {"value": "standby"}, Condition.OFF),
        ("heating.operating.programs.holidayAtHome", {"active": True}, Condition.AWAY),
        ("heating.circuits.0.operating.programs.active", {"value": "holiday"}, Condition.AWAY),
        ("device.lock.external", {"active": True}, Condition.EXTERNAL),
        ("device.power.consumption.limitation", {"value": "14aOn"}, Condition.EXTERNAL),
        ("device.power.consumption.limitation", {"value": "14aOff"}, Condition.NORMAL),
        ("heating.circuits.0.operating.programs.active", {"value": "reducedHeating"}, Condition.NORMAL),
    ],
)
def test_who_else_holds_a_unit_is_told(feature: str, properties: dict[str, Any], condition: Condition) -> None:
    assert read(json.dumps({"data": [a_feature(feature, **properties)]}).encode()).condition is condition


BERLIN = ZoneInfo("Europe/Berlin")


def test_the_days_of_a_vitocal_250_a_are_totals_of_heating_and_hot_water_from_midnight_to_midnight(
    real_data: Path,
) -> None:
    found = energy_of(features(real(real_data, "Vitocal250A.json")), BERLIN, NOW)
    assert len(found) == 7
    newest = found[-1]
    assert newest.start == datetime(2025, 10, 3, 22, tzinfo=UTC)
    assert newest.end == datetime(2025, 10, 4, 22, tzinfo=UTC)
    assert newest.kwh == {EnergyCircuit.HEATING: 6.8, EnergyCircuit.HOT_WATER: 5.8}
    told = features(real(real_data, "Vitocal250A.json")).value("heating.power.consumption.total", "day")
    assert [one.unit_kwh for one in reversed(found)] == pytest.approx(told[1:]), "as the unit itself sums them"


def test_lists_that_stood_still_for_a_week_under_a_fresh_stamp_are_no_evidence(real_data: Path) -> None:
    standing = features(real(real_data, "Vitocal222S.json"))
    consumption = standing.get("heating.power.consumption.heating")
    assert consumption is not None
    assert consumption.stamp == datetime(2025, 10, 5, 16, 25, 22, 816000, tzinfo=UTC)
    assert energy_of(standing, BERLIN, datetime(2025, 10, 5, 16, 30, tzinfo=UTC)) == []


def test_lists_of_yesterday_are_no_evidence_until_the_unit_told_today(real_data: Path) -> None:
    assert energy_of(features(real(real_data, "Vitocal250A.json")), BERLIN, NOW + timedelta(days=1)) == []


def test_a_unit_without_lists_has_no_energy(real_data: Path) -> None:
    now = datetime(2021, 8, 17, 8, 12, tzinfo=UTC)
    assert energy_of(features(real(real_data, "Vitocal200S.json")), BERLIN, now) == []


def test_a_list_whose_week_is_not_the_sum_of_its_days_is_no_evidence(real_data: Path) -> None:
    answer = json.loads(real(real_data, "Vitocal250A.json"))
    for feature in answer["data"]:
        if feature["feature"] == "heating.power.consumption.dhw":
            feature["properties"]["week"]["value"][0] -= 2.6  # as where today were not yet in the week
    assert energy_of(features(json.dumps(answer).encode()), BERLIN, NOW) == []
