"""Times, durations and counts as people type them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from console.cli.errors import UsageError
from console.cli.time_parsing import end_of, parse_at, parse_duration, parse_until
from console.cli.words import counted
from tests.builders import at

TZ = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("text", ["", " ", "٣h", "2 weeks", "h", "-1h", "1.5h", "0m"])
def test_what_is_no_duration_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(UsageError, match="--for"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "٠٦:٤٠", "25:00", "soon", "٢٠٢٦-01-15T06:40"])
def test_what_is_no_time_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(UsageError, match="--until"):
        parse_until(text, at(12), TZ)
    with pytest.raises(UsageError, match="--at"):
        parse_at(text, at(12), TZ)


def test_a_past_time_of_day_is_the_last_one_and_an_end_is_the_next_one() -> None:
    assert parse_at("06:40", at(12), TZ) == at(5, 40)
    assert parse_at("14:00", at(12), TZ) == at(13 - 24)
    assert parse_until("06:40", at(12), TZ) == at(5 + 24, 40)
    with pytest.raises(UsageError, match="still to come"):
        parse_at("2026-01-15T14:00", at(12), TZ)


def berlin(text: str) -> datetime:
    """A moment by its local time and offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "said", "meant"),
    [
        ("2026-10-25T02:50+02:00", "02:10", "2026-10-25T02:10+01:00"),
        ("2026-10-25T02:05+02:00", "02:10", "2026-10-25T02:10+02:00"),
        ("2026-10-25T02:05+01:00", "02:10", "2026-10-25T02:10+01:00"),
        ("2026-10-25T02:50+01:00", "02:10", "2026-10-26T02:10+01:00"),
        ("2026-10-24T18:00+02:00", "02:10", "2026-10-25T02:10+02:00"),
        ("2026-10-24T18:00+02:00", "03:00", "2026-10-25T03:00+01:00"),
        ("2026-10-25T02:50+02:00", "2026-10-25T02:10", "2026-10-25T02:10+01:00"),
        ("2026-10-24T18:00+02:00", "2026-10-25T02:10", "2026-10-25T02:10+02:00"),
        ("2026-03-29T01:50+01:00", "02:30", "2026-03-29T03:00+02:00"),
        ("2026-03-29T01:50+01:00", "03:00", "2026-03-29T03:00+02:00"),
        ("2026-03-29T03:10+02:00", "02:30", "2026-03-30T02:30+02:00"),
        ("2026-03-28T20:00+01:00", "2026-03-29T02:30", "2026-03-29T03:00+02:00"),
        ("2026-03-28T20:00+01:00", "19:00", "2026-03-29T19:00+02:00"),
    ],
)
def test_an_end_in_a_night_of_clock_change_is_the_nearest_to_come(now: str, said: str, meant: str) -> None:
    assert parse_until(said, berlin(now), TZ) == berlin(meant)


@pytest.mark.parametrize(
    ("now", "said", "meant"),
    [
        ("2026-10-25T02:05+01:00", "02:10", "2026-10-25T02:10+02:00"),
        ("2026-10-25T08:00+01:00", "02:10", "2026-10-25T02:10+01:00"),
        ("2026-10-25T08:00+01:00", "2026-10-25T02:10", "2026-10-25T02:10+01:00"),
        ("2026-10-25T02:05+01:00", "2026-10-25T02:10", "2026-10-25T02:10+02:00"),
        ("2026-03-29T08:00+02:00", "02:30", "2026-03-29T03:00+02:00"),
        ("2026-03-29T08:00+02:00", "09:00", "2026-03-28T09:00+01:00"),
    ],
)
def test_a_past_time_in_a_night_of_clock_change_is_the_nearest_that_was(now: str, said: str, meant: str) -> None:
    assert parse_at(said, berlin(now), TZ) == berlin(meant)


def test_a_duration_of_nothing_is_only_taken_where_nothing_can_be_meant() -> None:
    assert parse_duration("0m", "--wait", or_none=True) == timedelta()


def test_an_end_is_given_once_and_an_empty_duration_is_no_end() -> None:
    assert end_of(None, "2h")(at(1)) == at(3)
    assert end_of(None, None, timedelta(hours=12))(at(1)) == at(13)
    with pytest.raises(UsageError, match="--for ''"):
        end_of(None, "")
    with pytest.raises(UsageError, match="one end"):
        end_of("18:30", "2h")
    with pytest.raises(UsageError, match="give an end"):
        end_of(None, None)


def test_one_is_one() -> None:
    assert [counted(1, "pump"), counted(2, "pump"), counted(1, "pump is", "pumps are")] == [
        "1 pump",
        "2 pumps",
        "1 pump is",
    ]
