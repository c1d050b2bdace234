"""Estimates for a silent market: the shape of days like it, at the level last known."""

from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.planning.estimate import LEAST_DAYS, estimated_prices
from domain.planning.series import Basis, WholesalePrices
from domain.slots import bounds_of, market_day_slots

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = date(2026, 1, 16)


def a_day(day: date, price: Callable[[int], float]) -> WholesalePrices:
    """A published day from its price by local hour."""
    slots = market_day_slots(day, BERLIN)
    return WholesalePrices(
        price_area="DE-LU",
        source="as the test says",
        resolution_min=15,
        start=slots[0],
        price_eur_per_mwh=tuple(price(slot.astimezone(BERLIN).hour) for slot in slots),
    )


def evening_peak(level: float) -> Callable[[int], float]:
    return lambda hour: level + (100.0 if 17 <= hour < 20 else 0.0)


def noon_trough(level: float) -> Callable[[int], float]:
    return lambda hour: level - (50.0 if 11 <= hour < 15 else 0.0)


def days_before(day: date, count: int) -> list[date]:
    return [day - timedelta(days=n) for n in range(count, 0, -1)]


def test_a_working_day_has_the_shape_of_working_days_at_the_level_of_the_newest_day() -> None:
    known = [
        a_day(day, noon_trough(60.0) if day.isoweekday() > 5 else evening_peak(80.0 + day.day))
        for day in days_before(FRIDAY, 10)
    ]
    estimate = estimated_prices(known, FRIDAY, BERLIN.key)
    assert estimate is not None
    assert (estimate.basis, estimate.price_area) == (Basis.ESTIMATED, "DE-LU")
    by_hour = dict(enumerate(estimate.price_eur_per_mwh[::4]))
    mean = sum(known[-1].price_eur_per_mwh) / 96
    assert sum(estimate.price_eur_per_mwh) / 96 == pytest.approx(mean, abs=0.01)
    assert by_hour[18] - by_hour[12] == pytest.approx(100.0, abs=0.02)
    assert estimate.provenance.verdicts == ("Estimated from 8 days of the same kind up to 2026-01-15.",)


def test_with_too_few_days_of_its_kind_all_days_serve_and_with_too_few_in_all_there_is_no_estimate() -> None:
    sunday = date(2026, 1, 18)
    known = [a_day(day, evening_peak(80.0)) for day in days_before(sunday, LEAST_DAYS)]
    estimate = estimated_prices(known, sunday, BERLIN.key)
    assert estimate is not None
    assert estimate.provenance.verdicts[0].startswith("Estimated from 3 days up to")
    assert estimated_prices(known[1:], sunday, BERLIN.key) is None
    later = a_day(sunday + timedelta(days=1), evening_peak(10.0))
    assert estimated_prices([*known[1:], later], sunday, BERLIN.key) is None, "nothing is learned from the future"


@pytest.mark.parametrize(("day", "slots"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_a_day_on_which_clocks_change_is_estimated_by_local_time_and_is_whole(day: date, slots: int) -> None:
    known = [a_day(before, evening_peak(80.0)) for before in days_before(day, 5)]
    estimate = estimated_prices(known, day, BERLIN.key)
    assert estimate is not None
    assert len(estimate.price_eur_per_mwh) == slots
    start, _ = bounds_of(day, BERLIN.key)
    dear = {
        (start + n * timedelta(minutes=15)).astimezone(BERLIN).hour
        for n, price in enumerate(estimate.price_eur_per_mwh)
        if price > 150
    }
    assert dear == {17, 18, 19}


def test_what_follows_a_day_of_23_hours_has_the_hour_that_it_lacked() -> None:
    monday = date(2026, 3, 30)
    known = [a_day(day, float) for day in days_before(monday, 4)]
    estimate = estimated_prices(known, monday, BERLIN.key)
    assert estimate is not None
    assert len(estimate.price_eur_per_mwh) == 96
    assert list(estimate.price_eur_per_mwh[::4]) == sorted(estimate.price_eur_per_mwh[::4])
