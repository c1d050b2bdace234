"""Energy of real systems: which parts count, in which unit, and which hours are known."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.oem.energy import EnergyCircuit
from oem_adapters.vaillant.energy import Part, energy_of, parts_of
from oem_adapters.vaillant.models import BUCKETS, GENERATORS, Bucket

PUMP = "3c3eaad9bccc3fa36de288360b99f93520ad1d0c"
HEATER = "adaf28b5c41be9e92675d7b1f73883deb2d739f5"
DAY = datetime(2025, 10, 23, tzinfo=UTC)


def real(folder: Path, home: str, name: str) -> bytes:
    (path,) = (folder / "oem/vaillant" / home).glob(f"*/{name}.json")
    return path.read_bytes()


def buckets(told: bytes) -> list[Bucket]:
    return BUCKETS.validate_json(told).buckets


def test_heat_pump_and_electric_heater_of_a_real_system_count_and_its_ventilation_does_not(real_data: Path) -> None:
    parts = parts_of(GENERATORS.validate_json(real(real_data, "current_power", "current_system")))
    assert {(part.device_id, part.circuit) for part in parts} == {
        (device, circuit) for device in (PUMP, HEATER) for circuit in (EnergyCircuit.HEATING, EnergyCircuit.HOT_WATER)
    }
    assert min(part.until for part in parts) == datetime(2025, 10, 24, 20, 47, 47, 445000, tzinfo=UTC)


def test_the_second_generator_of_a_real_hybrid_system_is_not_the_pump_s(real_data: Path) -> None:
    parts = parts_of(GENERATORS.validate_json(real(real_data, "systemflow_and_energymanagerstate", "current_system")))
    assert {part.device_id for part in parts} == {"40f450aeeee14302bf9e13e01b9d6a0c"}
    assert len(parts) == 2


def test_hours_of_a_real_answer_are_watt_hours(real_data: Path) -> None:
    told = buckets(real(real_data, "current_power", "device_buckets"))
    water = Part(PUMP, "DOMESTIC_HOT_WATER", DAY + timedelta(days=2))
    found = energy_of({water: told})
    assert len(found) == 24
    assert (found[0].start, found[-1].end) == (DAY, DAY + timedelta(days=1))
    assert found[5].kwh == {EnergyCircuit.HOT_WATER: 0.572}
    assert sum(one.unit_kwh for one in found) == pytest.approx(4.1839, abs=8 * 0.0005), "as the answer sums it"


def test_an_hour_that_one_part_does_not_know_yet_is_left_out_though_a_zero_stands_there(real_data: Path) -> None:
    told = buckets(real(real_data, "current_power", "device_buckets"))
    until_noon = Part(HEATER, "DOMESTIC_HOT_WATER", DAY + timedelta(hours=12, minutes=20))
    both = {Part(PUMP, "DOMESTIC_HOT_WATER", DAY + timedelta(days=2)): told, until_noon: told}
    found = energy_of(both)
    assert found[-1].end == DAY + timedelta(hours=12)
    assert found[5].kwh == {EnergyCircuit.HOT_WATER: pytest.approx(2 * 0.572)}


def test_an_hour_without_a_number_is_no_hour_without_use(real_data: Path) -> None:
    answer = json.loads(real(real_data, "current_power", "device_buckets"))
    answer["data"][5]["value"] = None
    told = buckets(json.dumps(answer).encode())
    starts = [one.start for one in energy_of({Part(PUMP, "HEATING", DAY + timedelta(days=2)): told})]
    assert DAY + timedelta(hours=5) not in starts
    assert len(starts) == 23


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"primary_heat_generator": None},
        {"primary_heat_generator": []},
        {"primary_heat_generator": {"device_uuid": "a", "emfValid": False, "data": None}},
        {"primary_heat_generator": {"device_uuid": "a", "emfValid": True, "data": [None, {"to": 7}]}},
    ],
)
def test_a_system_whose_parts_are_not_told_has_no_energy(odd: dict[str, Any]) -> None:
    assert parts_of(GENERATORS.validate_python(odd)) == []
