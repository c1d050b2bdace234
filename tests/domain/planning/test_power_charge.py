"""Bills by peak power: exact against plain enumeration, on whole hours of the right times."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.planning.local_times import LocalTimes
from domain.planning.power_charge import Peak, PowerCharge, bill, counted, day_peaks
from domain.slots import SLOT, market_day_slots

STOCKHOLM = ZoneInfo("Europe/Stockholm")
MONDAY = date(2026, 1, 12)


def a_charge(**given_fields: object) -> PowerCharge:
    plain = {"name": "power", "source": "as the test says", "begins": date(2026, 1, 1), "peaks": 3}
    rate = {} if "steps" in given_fields else {"per_kw_month": 100.0}
    return PowerCharge.model_validate(plain | {"different_days": True} | rate | given_fields)


def a_day(day: date, kw: float = 1.0, **by_hour: float) -> dict[datetime, float]:
    """A day of even power but for some local hours, given as h07=5.0."""
    return {
        slot: by_hour.get(f"h{slot.astimezone(STOCKHOLM).hour:02}", kw) for slot in market_day_slots(day, STOCKHOLM)
    }


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(0, 60)), max_size=9, unique_by=lambda p: p[:2]
    ),
    st.integers(1, 4),
    st.booleans(),
)
def test_the_peaks_that_count_are_those_of_the_dearest_choice_that_the_contract_allows(
    hours: list[tuple[int, int, int]], peaks: int, different_days: bool
) -> None:
    charge = a_charge(peaks=peaks, different_days=different_days)
    start = datetime(2026, 1, 12, 0, tzinfo=STOCKHOLM).astimezone(UTC)
    known = [Peak(at=start + timedelta(days=d, hours=h), kw=kw / 10) for d, h, kw in hours]

    def allowed(chosen: tuple[Peak, ...]) -> bool:
        days = [peak.at.astimezone(STOCKHOLM).date() for peak in chosen]
        return not different_days or len(set(days)) == len(days)

    sizes = [n for n in range(peaks + 1) if any(allowed(c) for c in combinations(known, n))]
    most = max(sizes)
    dearest = max((sum(p.kw for p in c) for c in combinations(known, most) if allowed(c)), default=0.0)
    made = bill(charge, known, STOCKHOLM)
    assert len(made.peaks) == most
    assert made.level_kw * max(most, 1) == pytest.approx(dearest)
    assert made.amount == pytest.approx(100 * made.level_kw)


@given(st.lists(st.lists(st.integers(0, 50), min_size=24, max_size=24), min_size=1, max_size=5), st.booleans())
def test_a_month_billed_from_the_peaks_of_its_days_is_the_month_billed_from_all_its_hours(
    days: list[list[int]], different_days: bool
) -> None:
    charge = a_charge(different_days=different_days, peaks=2)
    load: dict[datetime, float] = {}
    by_day: list[Peak] = []
    for n, kws in enumerate(days):
        one = a_day(MONDAY + timedelta(days=n), **{f"h{h:02}": kw / 10 for h, kw in enumerate(kws)})
        load |= one
        by_day += day_peaks(charge, one, STOCKHOLM)
    assert counted(charge, by_day, STOCKHOLM) == day_peaks(charge, load, STOCKHOLM)


def test_an_hour_counts_by_its_mean_and_only_when_all_its_quarters_are_known() -> None:
    load = a_day(MONDAY)
    eight, ten = (datetime(2026, 1, 12, hour, tzinfo=STOCKHOLM).astimezone(UTC) for hour in (8, 10))
    load |= {eight + n * SLOT: kw for n, kw in enumerate((9.0, 1.0, 1.0, 1.0))}
    load |= {ten + n * SLOT: 20.0 for n in range(4)}
    del load[ten]
    (peak,) = day_peaks(a_charge(), load, STOCKHOLM)
    assert (peak.at, peak.kw) == (eight, 3.0)
    quarters = day_peaks(a_charge(minutes=15, different_days=False), load, STOCKHOLM)
    assert [found.kw for found in quarters] == [20.0, 20.0, 20.0]


def test_only_the_contracts_months_weekdays_and_hours_count() -> None:
    times = LocalTimes(months=(1, 11), weekdays=(1, 2, 3, 4, 5), start=time(7), end=time(19))
    charge = a_charge(times=times)
    (peak,) = day_peaks(charge, a_day(MONDAY, h03=9.0, h06=8.0, h07=4.0, h18=5.0, h19=7.0), STOCKHOLM)
    assert (peak.at.astimezone(STOCKHOLM).hour, peak.kw) == (18, 5.0)
    assert day_peaks(charge, a_day(date(2026, 1, 17), h12=9.0), STOCKHOLM) == ()
    assert day_peaks(charge, a_day(date(2026, 6, 15), h12=9.0), STOCKHOLM) == ()
    assert charge.days_of(MONDAY) == 22


def test_the_doubled_hour_of_the_autumn_sunday_is_two_hours_of_one_day() -> None:
    sunday = date(2026, 10, 25)
    load = a_day(sunday, h02=6.0)
    peaks = day_peaks(a_charge(different_days=False), load, STOCKHOLM)
    assert [peak.kw for peak in peaks] == [6.0, 6.0, 1.0]
    assert len(day_peaks(a_charge(), load, STOCKHOLM)) == 1


def test_steps_charge_the_one_that_the_level_lies_in_and_a_kilowatt_more_costs_its_slope() -> None:
    steps = [{"from_kw": 0, "per_month": 100}, {"from_kw": 2, "per_month": 160}, {"from_kw": 5, "per_month": 250}]
    charge = a_charge(steps=steps, vat_pct=25)
    assert [charge.amount(kw) for kw in (0.0, 1.99, 2.0, 5.0, 80.0)] == [125.0, 125.0, 200.0, 312.5, 312.5]
    assert [charge.per_kw(kw) for kw in (1.0, 2.0, 5.0)] == pytest.approx([37.5, 37.5, 0.0])


def test_a_level_below_the_least_is_billed_as_the_least() -> None:
    assert a_charge(least_kw=2.5).amount(1.0) == 250.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_kw_month": None},
        {"steps": [{"from_kw": 1, "per_month": 5}]},
        {"steps": [{"from_kw": 0, "per_month": 5}, {"from_kw": 0, "per_month": 6}]},
        {"begins": date(2026, 1, 2)},
    ],
)
def test_a_charge_that_no_bill_can_be_made_from_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        a_charge(**wrong)
