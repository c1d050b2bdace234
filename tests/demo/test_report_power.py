"""What the fleet drew is read in truth: tanks and back-up heaters included, beside the twins."""

from typing import Any

from demo.report.figures import build_report
from demo.report.power import power_figures
from demo.simulator_client import PumpTruth, Truth
from tests.demo.report_lines import a_run, printed


def a_pump_that_drew(*kwh: float, twin: tuple[float, ...]) -> PumpTruth:
    return PumpTruth(
        pump="p-0001",
        lever="heating_offset",
        baseline_setting=0,
        kwh=kwh,
        baseline_kwh=twin,
        room_c=(21.0,) * len(kwh),
        baseline_room_c=(21.0,) * len(kwh),
        kelvin_hours=0,
        baseline_kelvin_hours=0,
        stored_heat_kwh=0,
    )


def figures(cap_kw: float | None) -> dict[str, Any]:
    pumps = (
        a_pump_that_drew(0.5, 1.0, 0.25, twin=(0.5, 0.5, 0.5)),
        a_pump_that_drew(0.5, 0.5, 0.25, twin=(0.5, 0.75, 0.5)),
    )
    row = {"revision": 1, "certificate": {"cap_kw": cap_kw}}
    run = a_run([], truth=Truth(slots=(), pumps=pumps), plan_row=row)
    return power_figures(run)


def test_what_lies_over_the_limit_is_counted_in_slots_and_energy_for_fleet_and_twins() -> None:
    assert figures(4.5) == {
        "cap_kw": 4.5,
        "peak_kw": 6.0,
        "over_cap_slots": 1,
        "over_cap_kwh": 0.375,
        "baseline_peak_kw": 5.0,
        "baseline_over_cap_slots": 1,
        "baseline_over_cap_kwh": 0.125,
    }


def test_without_a_limit_nothing_lies_over_it() -> None:
    free = figures(None)
    assert (free["peak_kw"], free["over_cap_slots"], free["over_cap_kwh"]) == (6.0, None, None)


def test_a_report_says_it_in_a_line() -> None:
    assert "at most 0.0 kW (own control 0.0 kW)" in printed(build_report(a_run([])))
