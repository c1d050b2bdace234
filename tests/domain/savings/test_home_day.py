"""How warm a home was, against what its household accepts at that hour."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.homes.comfort import ComfortBand, ComfortWeek, week_rules
from domain.savings.home_day import kelvin_hours

MIDNIGHT = datetime(2026, 1, 15, tzinfo=UTC)
WARM_BY_DAY = ComfortWeek(tz="UTC", rules=week_rules("all 06:00-22:00 21-23"))


def day_of(room_c: float) -> list[tuple[datetime, float]]:
    return [(MIDNIGHT + timedelta(minutes=15 * n), room_c) for n in range(96)]


@pytest.mark.parametrize(("room_c", "found"), [(20.0, 0.0), (19.5, 12.0), (23.5, 0.0), (24.0, 12.0)])
def test_every_slot_outside_the_band_counts_by_how_far_and_for_how_long(room_c: float, found: float) -> None:
    assert kelvin_hours(day_of(room_c), ComfortBand()) == pytest.approx(found)


def test_a_household_that_has_a_week_is_cold_by_day_in_rooms_it_accepts_by_night() -> None:
    band = ComfortBand(week=WARM_BY_DAY)
    assert kelvin_hours(day_of(20.5), band) == pytest.approx(0.5 * 16)
    assert kelvin_hours(day_of(20.5), ComfortBand()) == 0.0
