"""Days of electricity as the vendor's own client gets them: their unit, their dates, and what is none."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.oem.energy import EnergyCircuit
from oem_adapters.lg.energy import counts, energy_of, span_of
from oem_adapters.lg.models import Document

TZ = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 30, 2, 0, tzinfo=UTC)
"""Four in the morning after the clocks went forward."""


def usage(*entries: Any) -> Document:
    return Document({"resultCode": "0000", "result": {"dataList": list(entries), "property": ["energyUsage"]}})


def test_a_day_is_watt_hours_from_midnight_to_midnight_also_where_it_has_23_hours() -> None:
    (found,) = energy_of(usage({"energyUsage": 12_340.0, "usedDate": "20260329"}), TZ, NOW)
    assert found.kwh == {EnergyCircuit.UNIT: 12.34}
    assert found.start == datetime.combine(date(2026, 3, 29), time(), TZ)
    assert found.end - found.start == timedelta(hours=23)


def test_the_seven_days_before_today_are_asked_for_at_once() -> None:
    assert span_of(TZ, NOW) == ("20260323", "20260329")


@pytest.mark.parametrize(
    "entry",
    [
        {"energyUsage": 100.0, "usedDate": "20260330"},
        {"energyUsage": 0, "usedDate": "20260329"},
        {"energyUsage": None, "usedDate": "20260329"},
        {"energyUsage": "100", "usedDate": "20260329"},
        {"energyUsage": 100.0, "usedDate": "2026-03"},
        {"energyUsage": 100.0},
        None,
    ],
)
def test_today_a_day_of_nothing_and_an_odd_entry_are_no_days_and_spoil_nothing(entry: Any) -> None:
    sound = {"energyUsage": 9_000.0, "usedDate": "20260328"}
    assert [one.unit_kwh for one in energy_of(usage(entry, sound), TZ, NOW)] == [9.0]


def test_a_negative_day_is_left_for_settlement_to_flag() -> None:
    (found,) = energy_of(usage({"energyUsage": -5.0, "usedDate": "20260329"}), TZ, NOW)
    assert found.unit_kwh == -0.005


@pytest.mark.parametrize("result", [{}, None, {"property": None}, {"property": ["waterUsage"]}])
def test_a_unit_whose_profile_names_no_energy_is_not_asked(result: Any) -> None:
    assert not counts(Document({"resultCode": "0000", "result": result}))
    assert counts(Document({"result": {"property": ["energyUsage"]}}))
