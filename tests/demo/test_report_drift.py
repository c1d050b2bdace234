"""Levers that moved without us, and what the report says we made of them."""

from typing import Any

import pytest

from demo.report.drift import drift_figures, touched_figures
from demo.report.targets import Targets
from tests.builders import at
from tests.demo.report_lines import a_change, a_run, a_write, an_event

RAISED = [a_change(0, 0.0, "initial"), a_change(6, 3.0)]


def seen(kind: str, minutes: float, known: float, setting: float = 0.0) -> dict[str, Any]:
    """A line with which we noticed the lever."""
    return an_event(kind, minutes, setting=setting, circuit="heating", known_at=at(0, known))


def drift_of(truth: list[dict[str, Any]], events: list[dict[str, Any]]) -> dict[str, Any]:
    run = a_run([*RAISED, *truth], events=events)
    return drift_figures(run, Targets(run))


def test_a_drift_is_found_by_the_line_written_before_the_lever_moved_again() -> None:
    figures = drift_of([a_change(10, 0.0, "drift"), a_change(32, 3.0)], [seen("drifted", 25, 27)])
    assert (figures["true"], figures["found"], figures["missed"], figures["unlooked"]) == (1, 1, 0, 0)
    assert figures["minutes_p99"] == 17.0, "from the fall to when it was written down"


def test_a_drift_that_stood_against_the_target_and_was_never_seen_is_missed() -> None:
    figures = drift_of([a_change(10, 0.0, "drift"), a_change(32, 3.0)], [seen("drifted", 33, 34)])
    assert (figures["true"], figures["found"], figures["missed"]) == (1, 0, 1)
    assert figures["minutes_p99"] is None


@pytest.mark.parametrize(
    "truth",
    [
        [a_change(10, 0.0, "drift"), a_change(20, 3.0)],
        [a_change(10, 0.0, "drift"), a_change(20, 1.0, "household")],
        [a_change(55, 0.0, "drift")],
    ],
    ids=["overwritten-by-a-command", "overwritten-by-a-person", "soon-what-is-wished"],
)
def test_a_drift_that_was_over_before_anything_could_see_it_is_counted_apart(truth: list[dict[str, Any]]) -> None:
    figures = drift_of(truth, [])
    assert (figures["true"], figures["unlooked"]) == (0, 1)


def test_a_drift_taken_for_a_persons_hand_is_not_found() -> None:
    figures = drift_of([a_change(10, 1.5, "drift")], [seen("touched", 25, 27, 1.5)])
    assert (figures["true"], figures["found"], figures["taken_for_touch"]) == (1, 0, 1)


def test_a_drift_that_we_saw_where_none_was_is_unfounded() -> None:
    figures = drift_of([], [seen("drifted", 25, 27, 3.0)])
    assert (figures["true"], figures["unfounded"]) == (0, 1)
    assert drift_of([a_change(10, 0.0, "drift")], [seen("drifted", 25, 27)])["unfounded"] == 0


def test_a_drift_of_the_hours_after_the_run_is_none_of_its() -> None:
    assert drift_of([a_change(130, 0.0, "drift")], []) == drift_of([], [])


def test_a_persons_setting_is_found_and_left_alone() -> None:
    run = a_run([*RAISED, a_change(20, 1.5, "household")], events=[seen("touched", 25, 28, 1.5)])
    figures = touched_figures(run)
    assert (figures["true"], figures["found"], figures["fought"], figures["minutes_p99"]) == (1, 1, 0, 8.0)


def test_a_persons_setting_that_we_wrote_over_is_fought_and_knowingly_so_once_it_was_seen() -> None:
    truth = [*RAISED, a_change(20, 1.5, "household"), a_change(41, 3.0)]
    unaware = touched_figures(a_run(truth, events=a_write(40, 3.0, "accepted", 0.1)))
    assert (unaware["fought"], unaware["fought_knowingly"], unaware["missed"]) == (1, 0, 1)
    events = [seen("touched", 25, 28, 1.5), *a_write(40, 3.0, "accepted", 0.1, command="c2")]
    aware = touched_figures(a_run(truth, events=events))
    assert (aware["fought"], aware["fought_knowingly"], aware["found"]) == (1, 1, 1)


def test_a_write_long_after_the_hold_fights_nobody() -> None:
    truth = [*RAISED, a_change(20, 1.5, "household"), a_change(20 + 4 * 60 + 1, 3.0)]
    assert touched_figures(a_run(truth, hours=6))["fought"] == 0


def test_a_persons_setting_taken_for_a_fault_is_said_so() -> None:
    truth = [*RAISED, a_change(20, 1.0, "household"), a_change(41, 3.0)]
    figures = touched_figures(a_run(truth, events=[seen("drifted", 25, 28, 1.0)]))
    assert (figures["true"], figures["found"], figures["taken_for_drift"], figures["fought"]) == (1, 0, 1, 1)
