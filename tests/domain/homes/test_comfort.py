"""A household's week: bands by weekday, holiday and time of day, over midnight and over clock changes."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.homes.comfort import ComfortBand, ComfortWeek, DayKind, week_rules
from domain.homes.site import LOWEST_FLOOR_C, Site
from domain.slots import market_day_slots

BERLIN = ZoneInfo("Europe/Berlin")
RULES = """
mon-fri 06:30-08:30 21-23   # breakfast
mon-fri 16:00-22:00 21-23.5
sat,sun,holiday 8:00-23:00 21.5-24
all 23:00-06:00 17.5-22     # nights
"""
EPIPHANY = date(2026, 1, 6)
"""A Tuesday."""


def a_band(holidays: tuple[date, ...] = (), rules: str = RULES) -> ComfortBand:
    week = ComfortWeek(tz=BERLIN.key, rules=week_rules(rules), holidays=holidays)
    return ComfortBand(room_min_c=19.5, room_max_c=23, week=week)


def lowest_at(band: ComfortBand, local: str) -> float:
    return band.at(datetime.fromisoformat(local).replace(tzinfo=BERLIN)).room_min_c


@pytest.mark.parametrize(
    ("local", "low_c"),
    [
        ("2026-01-14T06:29", 19.5),
        ("2026-01-14T06:30", 21.0),
        ("2026-01-14T08:30", 19.5),
        ("2026-01-14T22:30", 19.5),
        ("2026-01-14T23:00", 17.5),
        ("2026-01-15T05:59", 17.5),
        ("2026-01-15T06:00", 19.5),
        ("2026-01-17T08:00", 21.5),
        ("2026-01-18T22:59", 21.5),
        ("2026-01-19T07:00", 21.0),
    ],
)
def test_the_band_of_a_moment_follows_weekday_and_time_of_day_and_is_the_usual_one_between(
    local: str, low_c: float
) -> None:
    assert lowest_at(a_band(), local) == low_c


def test_a_holiday_is_what_its_rules_say_and_a_sunday_where_none_is_for_holidays() -> None:
    assert lowest_at(a_band(), "2026-01-06T12:00") == 19.5
    assert lowest_at(a_band((EPIPHANY,)), "2026-01-06T12:00") == 21.5
    sundays = "sun 10:00-20:00 22-24"
    assert lowest_at(a_band((EPIPHANY,), sundays), "2026-01-06T12:00") == 22.0
    assert lowest_at(a_band((EPIPHANY,), sundays), "2026-01-07T12:00") == 19.5


@pytest.mark.parametrize(("day", "slots"), [(date(2026, 3, 29), 92), (date(2025, 10, 26), 100)])
def test_every_slot_of_a_day_of_clock_change_has_its_band(day: date, slots: int) -> None:
    accepted = a_band().over(market_day_slots(day, BERLIN))
    assert len(accepted) == slots
    nights = sum(low == 17.5 for low, _ in accepted)
    assert nights == slots - 96 + 28, "six hours of the morning, one of the evening, and what the clock does at two"


def test_a_home_without_a_week_has_one_band_and_tells_the_planner_nothing_by_slot() -> None:
    band = ComfortBand(room_min_c=20, room_max_c=23)
    assert band.at(datetime(2026, 1, 14, tzinfo=BERLIN)) is band
    assert band.over(market_day_slots(date(2026, 1, 14), BERLIN)) == ()


def test_the_floor_under_everything_follows_the_week_but_never_below_the_lowest() -> None:
    site = Site(band=a_band())
    noon, night = datetime(2026, 1, 17, 12, tzinfo=BERLIN), datetime(2026, 1, 18, 0, tzinfo=BERLIN)
    assert site.floor_c(noon) == 20.5
    assert site.floor_c(night) == LOWEST_FLOOR_C
    assert site.floor_c(night + timedelta(hours=7)) == 18.5


def test_a_band_is_the_same_after_it_was_stored() -> None:
    band = a_band((EPIPHANY,))
    assert ComfortBand.model_validate(band.model_dump(mode="json")) == band


@pytest.mark.parametrize(
    "text",
    ["mon 6-7 20-22", "someday 06:00-07:00 20-22", "mon 06:00-07:00 20-20.5", "mon 20-22", "mon 06:00-25:00 20-22"],
)
def test_what_is_no_rule_is_refused_by_its_own_words(text: str) -> None:
    with pytest.raises(ValueError, match="is no rule of a week: write days, hours and degrees C") as refusal:
        week_rules(f"sat 08:00-09:00 20-22; {text}")
    assert text in str(refusal.value)


@given(st.dates(date(2025, 1, 1), date(2027, 1, 1)), st.times(), st.sampled_from(list(DayKind)))
def test_every_moment_has_exactly_one_band(day: date, clock: time, kind: DayKind) -> None:
    band = a_band((day,), f"{kind.value} 18:00-06:00 18-22; fri-mon 05:00-24:00 20-23")
    lowest = band.at(datetime.combine(day, clock, tzinfo=BERLIN)).room_min_c
    assert lowest in {18.0, 20.0, 19.5}
