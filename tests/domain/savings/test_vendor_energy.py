"""What vendors report of energy: summed over circuits, small buckets joined, and no nonsense hidden in a sum."""

from datetime import timedelta

from domain.oem.energy import EnergyCircuit, EnergyKind, EnergyReading
from domain.savings.energy import CounterReading, Total
from domain.savings.vendor_energy import reported_by_vendor
from tests.builders import MIDNIGHT, at

HEATING, WATER = EnergyCircuit.HEATING, EnergyCircuit.HOT_WATER


def buckets(*kwh: float, water: float = 0.0, step_kwh: float = 1.0) -> list[EnergyReading]:
    """Of two hours each, from midnight on."""
    return [
        EnergyReading(
            kind=EnergyKind.BUCKET,
            start=at(2 * n),
            end=at(2 * n + 2),
            kwh={HEATING: used, WATER: water},
            step_kwh=step_kwh,
        )
        for n, used in enumerate(kwh)
    ]


def spans(readings: list[EnergyReading]) -> list[tuple[float, float, float]]:
    """Beginning and end in hours, and kWh."""
    hour = timedelta(hours=1)
    totals = reported_by_vendor(readings).own_totals
    return [((t.start - MIDNIGHT) / hour, (t.end - MIDNIGHT) / hour, t.kwh) for t in totals]


def test_buckets_of_whole_kilowatt_hours_are_joined_until_their_rounding_is_small() -> None:
    assert spans(buckets(1, 0, 2, 1, 5, 0, 1, 3)) == [(0, 8, 4), (8, 10, 5), (10, 16, 4)]


def test_what_is_left_at_the_end_of_a_day_goes_with_the_group_before_it() -> None:
    assert spans(buckets(4, 5, 1, 1)) == [(0, 2, 4), (2, 8, 7)]
    assert spans(buckets(1, 0, 1)) == [(0, 6, 2)]


def test_finely_counted_buckets_stay_as_they_are() -> None:
    assert spans(buckets(0.3, 0.9, step_kwh=0.001)) == [(0, 2, 0.3), (2, 4, 0.9)]


def test_buckets_on_both_sides_of_a_gap_are_not_joined() -> None:
    first, _, third = buckets(1, 1, 1)
    assert spans([first, third]) == [(0, 2, 1), (4, 6, 1)]


def test_all_circuits_are_summed_and_a_negative_one_is_not_hidden_by_the_others() -> None:
    assert spans(buckets(3, water=2)) == [(0, 2, 5)]
    assert spans(buckets(4, -5, 4, water=7)) == [(0, 2, 11), (2, 4, -5), (4, 6, 11)]


def test_a_counter_is_a_counter_and_a_total_a_total() -> None:
    unit = {EnergyCircuit.UNIT: 812.4}
    counter = EnergyReading(kind=EnergyKind.COUNTER, end=at(5), kwh=unit, step_kwh=0.1)
    day = EnergyReading(kind=EnergyKind.TOTAL, start=MIDNIGHT, end=at(24), kwh={HEATING: 9.0, WATER: 2.5}, step_kwh=0.1)
    reported = reported_by_vendor([counter, day])
    assert reported.own_counters == (CounterReading(at=at(5), kwh=812.4),)
    assert reported.own_totals == (Total(start=MIDNIGHT, end=at(24), kwh=11.5),)
    assert not reported.counters
    assert not reported.totals
