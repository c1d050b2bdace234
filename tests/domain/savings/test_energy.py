"""Energy by slot: the best evidence wins, and garbage changes no figure silently."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from domain.savings.energy import (
    CounterReading,
    EnergyCourse,
    Evidence,
    Flag,
    PowerSample,
    Reported,
    Total,
    energy_course,
)
from domain.slots import SLOT
from tests.builders import MIDNIGHT, at

SLOTS = tuple(MIDNIGHT + n * SLOT for n in range(96))
MODEL = (0.25,) * 96
LIMIT_KW = 12.0
"""Of a pump of 3 kW with its heater."""
TOMORROW_NOON = MIDNIGHT + timedelta(days=1, hours=12)


def course(reported: Reported, now: datetime = TOMORROW_NOON, model: Sequence[float] = MODEL) -> EnergyCourse:
    return energy_course(SLOTS, reported, model, LIMIT_KW, now)


def counters(kwh_by_hour: Sequence[float], start: datetime = MIDNIGHT, base: float = 500.0) -> list[CounterReading]:
    """A counter read every hour that rises by these."""
    readings = [CounterReading(at=start, kwh=base)]
    for n, kwh in enumerate(kwh_by_hour):
        readings.append(CounterReading(at=start + timedelta(hours=n + 1), kwh=readings[-1].kwh + kwh))
    return readings


A_DAY = [0.4 + 0.1 * (n % 5) for n in range(24)]


def flags(found: EnergyCourse) -> list[Flag]:
    return [one.flag for one in found.excluded]


def test_a_counter_read_every_hour_is_a_meter_and_its_sum_is_the_day() -> None:
    found = course(Reported(counters=tuple(counters(A_DAY))))
    assert set(found.evidence) == {Evidence.METER}
    assert sum(found.kwh) == pytest.approx(sum(A_DAY), abs=1e-3)
    assert not found.excluded


def test_without_any_report_all_slots_are_marked_as_modelled() -> None:
    found = course(Reported())
    assert found.evidence == (Evidence.MODEL,) * 96
    assert found.kwh == MODEL
    assert found.modelled_share == 1.0


def test_samples_of_power_speak_for_half_an_hour_and_no_longer() -> None:
    found = course(Reported(power=tuple(PowerSample(at=at(n / 2), watt=800) for n in range(4))))
    assert found.evidence[:8] == (Evidence.POWER,) * 8
    assert found.kwh[:8] == pytest.approx([0.2] * 8)
    assert set(found.evidence[8:]) == {Evidence.MODEL}


def test_a_days_total_is_spread_by_what_the_model_expects_of_each_slot() -> None:
    model = tuple(0.1 if n < 48 else 0.3 for n in range(96))
    found = course(Reported(totals=(Total(start=MIDNIGHT, end=at(24), kwh=19.2),)), model=model)
    assert set(found.evidence) == {Evidence.TOTAL}
    assert found.kwh[0] == pytest.approx(0.1)
    assert found.kwh[95] == pytest.approx(0.3)


def test_what_was_measured_stands_and_the_total_fills_the_rest() -> None:
    found = course(Reported(counters=tuple(counters(A_DAY[:6])), totals=(Total(start=MIDNIGHT, end=at(24), kwh=20.0),)))
    assert found.evidence[:24] == (Evidence.METER,) * 24
    assert set(found.evidence[24:]) == {Evidence.TOTAL}
    assert sum(found.kwh) == pytest.approx(20.0, abs=1e-3)


def test_a_gap_of_a_counter_keeps_its_sum_and_loses_the_class_of_a_meter() -> None:
    readings = counters(A_DAY)
    found = course(Reported(counters=(*readings[:5], *readings[9:])))
    assert set(found.evidence[16:36]) == {Evidence.TOTAL}
    assert found.evidence.count(Evidence.METER) == 96 - 20
    assert sum(found.kwh) == pytest.approx(sum(A_DAY), abs=1e-3)


def test_a_counter_that_starts_again_costs_the_hour_it_happened_in_and_no_other() -> None:
    readings = [r if r.at < at(6) else CounterReading(at=r.at, kwh=r.kwh - 502.0) for r in counters(A_DAY)]
    found = course(Reported(counters=tuple(readings)))
    assert flags(found) == [Flag.RESET]
    assert [n for n, evidence in enumerate(found.evidence) if evidence is not Evidence.METER] == [20, 21, 22, 23]


def test_forty_kilowatts_from_a_pump_of_three_are_excluded() -> None:
    wild = [*A_DAY[:10], 40.0, *A_DAY[11:]]
    found = course(Reported(counters=tuple(counters(wild))))
    assert flags(found) == [Flag.TOO_HIGH]
    assert max(found.kwh) < 0.3
    of_power = course(Reported(power=(PowerSample(at=at(1), watt=40_000),)))
    assert flags(of_power) == [Flag.TOO_HIGH]
    assert of_power.kwh == MODEL


@pytest.mark.parametrize(("kwh", "flag"), [(-3.0, Flag.NEGATIVE), (math.nan, Flag.NOT_A_NUMBER)])
def test_energy_that_is_negative_or_no_number_is_excluded_wherever_it_is_reported(kwh: float, flag: Flag) -> None:
    found = course(
        Reported(
            counters=(CounterReading(at=at(1), kwh=kwh),),
            totals=(Total(start=MIDNIGHT, end=at(24), kwh=kwh),),
            power=(PowerSample(at=at(1), watt=kwh),),
        )
    )
    assert flags(found) == [flag] * 3
    assert found.kwh == MODEL


def test_a_stamp_of_tomorrow_is_excluded() -> None:
    found = course(Reported(counters=tuple(counters([1.0] * 24))), now=at(12))
    assert flags(found) == [Flag.FUTURE] * 12
    assert found.evidence.count(Evidence.METER) == 48


def test_a_day_that_repeats_the_day_before_to_the_watt_hour_is_a_copy() -> None:
    yesterday = MIDNIGHT - timedelta(days=1)
    found = course(Reported(counters=tuple(counters(A_DAY + A_DAY, yesterday))))
    assert flags(found) == [Flag.COPY] * 24
    assert set(found.evidence) == {Evidence.MODEL}
    another = course(Reported(counters=tuple(counters([*A_DAY, 0.401, *A_DAY[1:]], yesterday))))
    assert not another.excluded


def test_of_a_day_reported_twice_the_newer_total_counts_and_the_older_one_is_flagged() -> None:
    twice = (Total(start=MIDNIGHT, end=at(24), kwh=30.0), Total(start=MIDNIGHT, end=at(24), kwh=24.0))
    found = course(Reported(totals=twice))
    assert flags(found) == [Flag.DUPLICATE]
    assert sum(found.kwh) == pytest.approx(24.0, abs=1e-3)


def test_a_total_smaller_than_what_was_measured_is_contradicted() -> None:
    found = course(Reported(counters=tuple(counters(A_DAY)), totals=(Total(start=MIDNIGHT, end=at(24), kwh=2.0),)))
    assert flags(found) == [Flag.CONTRADICTED]
    assert sum(found.kwh) == pytest.approx(sum(A_DAY), abs=1e-3)


def test_the_unit_s_own_counter_serves_where_no_meter_does_and_is_never_one_series_with_it() -> None:
    own = tuple(CounterReading(at=r.at, kwh=r.kwh + 5000) for r in counters(A_DAY))
    found = course(Reported(counters=tuple(counters(A_DAY[:6])), own_counters=own))
    assert found.evidence[:24] == (Evidence.METER,) * 24
    assert set(found.evidence[24:]) == {Evidence.COUNTER}
    assert sum(found.kwh) == pytest.approx(sum(A_DAY))
    assert not found.excluded


def test_a_unit_s_own_counter_that_runs_back_is_excluded_and_counted() -> None:
    readings = counters(A_DAY)
    own = (*readings[:10], *(CounterReading(at=r.at, kwh=r.kwh - 90) for r in readings[10:]))
    found = course(Reported(own_counters=own))
    assert [(e.flag, e.source) for e in found.excluded] == [(Flag.RESET, Evidence.COUNTER)]
    assert found.evidence[36:40] == (Evidence.MODEL,) * 4


def test_a_day_of_a_vendor_gives_way_to_one_that_a_person_brought_and_that_is_said() -> None:
    both = (Total(start=MIDNIGHT, end=at(24), kwh=11.0),), (Total(start=MIDNIGHT, end=at(24), kwh=12.0),)
    found = course(Reported(own_totals=both[0], totals=both[1]))
    assert sum(found.kwh) == pytest.approx(12.0)
    assert [(e.flag, e.value) for e in found.excluded] == [(Flag.DUPLICATE, 11.0)]
