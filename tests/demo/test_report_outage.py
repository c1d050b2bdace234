"""A vendor's outage in the report, in figures and in words."""

from typing import Any

from demo.report.figures import build_report
from demo.report.outage import outage_figures
from demo.report.recording import OutageSeen
from demo.report.targets import Targets
from tests.builders import at
from tests.demo.report_lines import PUMP, a_breaker, a_call, a_change, a_run, an_outage, printed

SEEN = OutageSeen(
    calls_by_minute={at(0, 40): 90, at(0, 90): 14, at(0, 100): 9, at(0, 151): 60},
    granted_per_min=25,
    max_events_per_pump=7,
    room_min_c={PUMP: 19.5},
)


def an_outage_run(*more: dict[str, Any], **given: Any) -> Any:
    """An hour's outage from minute 30 to 90, in which the plan's MAX ends and cannot be reverted."""
    truth = [a_change(0, 0.0, "initial"), a_change(6, 3.0), *an_outage(30, 90), *more]
    breakers = [a_breaker(0, "closed"), a_breaker(33, "open"), a_breaker(91, "half-open"), a_breaker(94, "closed")]
    return a_run(truth, hours=3, breakers=breakers, outage=SEEN, **given)


def test_calls_are_counted_by_minute_from_the_opening_of_the_breaker_on() -> None:
    calls = [a_call(31), a_call(32), a_call(40.1), a_call(40.9), a_call(55)]
    run = an_outage_run(*calls, a_change(93, 0.0))
    figures = outage_figures(run, Targets(run))
    assert figures is not None
    assert figures["calls"] == {"before_open": 2, "total": 3, "max_per_min": 2}
    assert figures["outages"][0]["breaker_opened_after_min"] == 3.0
    assert figures["minutes"] == 60.0


def test_all_calls_count_where_the_breaker_never_opened() -> None:
    run = an_outage_run(
        a_call(31),
        a_call(50),
        a_change(93, 0.0),
    )
    closed = a_run(list(run.truth_lines), hours=3)
    figures = outage_figures(closed, Targets(closed))
    assert figures is not None
    assert figures["calls"] == {"before_open": 0, "total": 2, "max_per_min": 1}
    assert figures["outages"][0]["breaker_opened_after_min"] is None


def test_recovery_lasts_until_the_true_lever_is_on_its_target() -> None:
    run = an_outage_run(a_change(96.5, 0.0))
    figures = outage_figures(run, Targets(run))
    assert figures is not None
    assert figures["recovery_min"] == 7.0
    never = an_outage_run()
    stuck = outage_figures(never, Targets(never))
    assert stuck is not None
    assert stuck["recovery_min"] is None


def test_the_rush_after_an_outage_is_the_busiest_minute_of_the_hour_that_follows() -> None:
    run = an_outage_run(a_change(96, 0.0))
    figures = outage_figures(run, Targets(run))
    assert figures is not None
    assert figures["peak_calls_per_min"] == 14, "neither the calls before, nor those of two hours later"
    assert figures["worst_room_c"] == 19.5
    assert figures["worst_room_above_floor_k"] == 0.5


def test_the_printed_report_says_what_was_cut_killed_and_touched() -> None:
    truth = [a_call(40), a_change(93, 0.0), a_change(100, 1.5, "household"), a_change(120, 0.0, "drift")]
    run = an_outage_run(*truth, kills=[(at(1), "pumps"), (at(2), "planner")], given={"kill_worker_every_min": 60.0})
    text = printed(build_report(run))
    assert "nibe cut off for 60 min; the breaker opened after 3.0 min" in text
    assert "2 workers killed and replaced (pumps 1, planner 1)" in text
    assert "1 setting made by people" in text
    assert "every pump on its target after 3 min" in text
