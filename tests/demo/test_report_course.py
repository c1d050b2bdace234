"""The run slot by slot, and the page that shows it."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from console.cli.demo.page import page_of
from demo.report.figures import build_report
from demo.report.recording import Run
from demo.simulator_client import PumpTruth, Truth
from domain.modes import Mode
from domain.savings.fleet_course import FleetCourse
from domain.slots import SLOT
from tests.builders import MIDNIGHT, at
from tests.demo.report_lines import PUMP, a_change, a_run, a_write, an_event

TZ = ZoneInfo("Europe/Berlin")
SLOTS = 8


def a_truth(pump: str, kwh: float, room_c: float) -> PumpTruth:
    return PumpTruth(
        pump=pump,
        lever="heating_offset",
        baseline_setting=0.0,
        kwh=(kwh,) * SLOTS,
        baseline_kwh=(0.25,) * SLOTS,
        room_c=(room_c,) * SLOTS,
        baseline_room_c=(21.0,) * SLOTS,
        kelvin_hours=0.0,
        baseline_kelvin_hours=0.0,
        stored_heat_kwh=0.0,
    )


def a_steered_run() -> Run:
    events = [
        an_event("planned", 1),
        *a_write(1, 3.0, "accepted", 0.2),
        an_event("write_ignored", 8, "c1", 1),
        an_event("sent", 9, "c1", 2),
        an_event("accepted", 9, "c1", 2),
        an_event("applied", 12),
        an_event("effective", 30),
    ]
    slots = tuple(MIDNIGHT + n * SLOT for n in range(SLOTS))
    truth = Truth(slots=slots, pumps=(a_truth(PUMP, 0.5, 21.5),))
    return a_run([a_change(10, 3.0), a_change(66, 0.0)], events=events, truth=truth)


def test_power_rooms_and_modes_stand_in_the_report_slot_by_slot() -> None:
    report = build_report(a_steered_run())
    course = FleetCourse.model_validate(report["course"])
    assert course.start == MIDNIGHT
    assert course.load_kw == (2.0,) * SLOTS
    assert course.own_load_kw == (1.0,) * SLOTS
    assert course.room_c == ((21.5, 21.5, 21.5),) * SLOTS
    assert course.one is not None
    assert course.one.modes[0] is Mode.MAX
    assert course.one.modes[-1] is Mode.LOW
    assert course.modes[Mode.MAX][0] == 1
    assert {sum(slot) for slot in zip(*course.modes.values(), strict=True)} == {1}
    assert report["commands_of_one"] == [
        {
            "at": at(0, 1).isoformat(),
            "circuit": "heating",
            "mode": "MAX",
            "authority": "plan",
            "writes": 2,
            "ignored": 1,
            "state": "effective",
            "seen_after_s": 660,
        }
    ]


def test_a_page_shows_figures_pictures_and_what_became_of_every_command() -> None:
    page = page_of(build_report(a_steered_run()), TZ)
    for said in ("Power of all pumps", "Rooms", PUMP, "forced", "read back, and felt", "11.0 min"):
        assert said in page
    assert "[bold" not in page
    assert "http" not in page


def test_a_run_of_which_the_simulator_told_nothing_has_a_page_without_pictures() -> None:
    run = a_steered_run()
    report = build_report(replace(run, truth=Truth(slots=(), pumps=())))
    assert report["course"] is None
    assert "<svg" not in page_of(report, TZ)


def test_series_of_unequal_length_are_no_course() -> None:
    course = FleetCourse.model_validate(build_report(a_steered_run())["course"])
    with pytest.raises(ValueError, match="one value per slot"):
        FleetCourse.model_validate(course.model_dump() | {"own_load_kw": (1.0,)})
    assert course.slots * SLOT == timedelta(hours=2)
