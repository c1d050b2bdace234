"""A submitted plan's file: read in any layout, or refused with the place of the first thing wrong and a way out."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.modes import Mode
from domain.submission import SubmittedPlan, modes_over, submitted_plan
from tests.builders import at

SPRING, AUTUMN = "2026-03-29", "2026-10-25"
LOCAL_MIDNIGHT = "2026-01-15T00:00+01:00"


def tz_of(price_area: str) -> str:
    if price_area != "DE-LU":
        raise LookupError(f"price area {price_area} is not known; known are DE-LU.")
    return "Europe/Berlin"


def a_file(pumps: Any, **more: Any) -> str:
    return json.dumps({"price_area": "DE-LU", "day": "2026-01-15", "pumps": pumps, **more})


def read(pumps: Any, **more: Any) -> SubmittedPlan:
    return submitted_plan(a_file(pumps, **more), tz_of)


def a_segment(start: str, end: str, mode: str = "LOW") -> dict[str, str]:
    return {"start": start, "end": end, "mode": mode}


def test_modes_by_quarter_hours_and_segments_are_the_same_plan_and_submission() -> None:
    by_slot = read({"p-0001": ["LOW"] * 12 + ["MAX"] * 12 + ["LOW"] * 72}, planned_by="another optimiser 1.4")
    by_segment = read(
        {
            "p-0001": [
                a_segment(LOCAL_MIDNIGHT, "2026-01-15T02:00:00Z"),
                a_segment("2026-01-15T02:00:00Z", "2026-01-15T04:00:00Z", "MAX"),
                a_segment("2026-01-15T04:00:00Z", "2026-01-15T05:00:00Z", "MAX"),
                a_segment("2026-01-15T05:00:00Z", "2026-01-15T23:00:00Z"),
            ]
        },
        planned_by="another optimiser 1.4",
    )
    assert by_slot == by_segment
    assert by_slot.key == by_segment.key
    assert [(s.start, s.end, s.mode) for s in by_slot.pumps["p-0001"]] == [
        (at(-1), at(2), Mode.LOW),
        (at(2), at(5), Mode.MAX),
        (at(5), at(23), Mode.LOW),
    ]
    assert read({"p-0001": ["LOW"] * 96}).key not in {by_slot.key, read({"p-0002": ["LOW"] * 96}).key}


@pytest.mark.parametrize(("day", "slots"), [(SPRING, 92), ("2026-01-15", 96), (AUTUMN, 100)])
def test_a_day_has_as_many_modes_as_quarter_hours(day: str, slots: int) -> None:
    plan = read({"p-0001": ["LOW"] * slots}, day=day)
    (segment,) = plan.pumps["p-0001"]
    assert (segment.end - segment.start) == slots * timedelta(minutes=15)
    with pytest.raises(ValueError, match=rf"pumps.p-0001: holds {slots - 1} modes: .* each of the day's {slots} "):
        read({"p-0001": ["LOW"] * (slots - 1)}, day=day)


def test_slots_that_no_segment_speaks_of_are_told_from_neutral_ones() -> None:
    plan = read({"p-0001": [a_segment("2026-01-15T02:00:00Z", "2026-01-15T02:30:00Z", "MIN")]})
    assert modes_over(plan.pumps["p-0001"], at(1, 45), 4) == (None, Mode.MIN, Mode.MIN, None)
    assert modes_over(plan.pumps["p-0001"], at(2, 15), 2) == (Mode.MIN, None), "a day that has begun"


BAD: dict[str, tuple[str, str]] = {
    "no JSON": ("{price_area:", "Invalid JSON: "),
    "no object": ("[1]", "Input should be an object"),
    "no pump": (a_file({}), "pumps: Dictionary should have at least 1 item"),
    "no day": ('{"price_area": "DE-LU", "pumps": {"p": ["LOW"]}}', "day: Field required"),
    "no such day": (a_file({"p": ["LOW"]}, day="2026-02-30"), "day: Input should be a valid date"),
    "unknown area": (a_file({"p": ["LOW"]}, price_area="XX"), "price_area: price area XX is not known; known are"),
    "unknown field": (a_file({"p": ["LOW"]}, area="DE-LU"), "area: Extra inputs are not permitted"),
    "control characters": (a_file({"p": ["LOW"]}, planned_by="a\nb"), "planned_by: must be one printable line"),
    "unknown mode": (a_file({"p-0001": ["LOW"] * 95 + ["TURBO"]}), "pumps.p-0001.95: Input should be 'MIN', 'LOW'"),
    "nothing for a pump": (a_file({"p-0001": []}), "pumps.p-0001: is empty: give a mode for each of the day's 96"),
    "naive times": (
        a_file({"p-0001": [a_segment("2026-01-15T02:00:00", "2026-01-15T03:00:00Z")]}),
        "pumps.p-0001.0.start: Input should have timezone info",
    ),
    "backwards": (
        a_file({"p-0001": [a_segment("2026-01-15T03:00:00Z", "2026-01-15T02:00:00Z")]}),
        "pumps.p-0001.0: segment ends at 2026-01-15 02:00 UTC, not after its start",
    ),
    "off the slots": (
        a_file({"p-0001": [a_segment("2026-01-15T02:05:00Z", "2026-01-15T03:00:00Z")]}),
        "pumps.p-0001.0: 2026-01-15 02:05 to 2026-01-15 03:00 UTC is off the quarter-hours: begin and end on them",
    ),
    "another day": (
        a_file({"p-0001": [a_segment("2026-01-15T22:00:00Z", "2026-01-15T23:15:00Z")]}),
        "is not within the market day, 2026-01-14 23:00 to 2026-01-15 23:00 UTC",
    ),
    "overlap": (
        a_file(
            {
                "p-0001": [
                    a_segment("2026-01-15T02:00:00Z", "2026-01-15T04:00:00Z"),
                    a_segment("2026-01-15T03:00:00Z", "2026-01-15T05:00:00Z", "MAX"),
                ]
            }
        ),
        "pumps.p-0001.1: 2026-01-15 03:00 to 2026-01-15 05:00 UTC begins before the one ahead of it ends: sort them",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_file_is_refused_with_one_sentence_that_names_the_place(fault: str) -> None:
    text, sentence = BAD[fault]
    with pytest.raises(ValueError, match=r"^[^\n]+$") as refused:
        submitted_plan(text, tz_of)
    assert sentence in str(refused.value)


def test_the_market_day_is_the_areas_own() -> None:
    plan = read({"p-0001": ["LOW"] * 96})
    assert plan.pumps["p-0001"][0].start == datetime.fromisoformat(LOCAL_MIDNIGHT)
