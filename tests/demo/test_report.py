"""The report's figures on commands, writes and fidelity, joined from events and truth lines."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.report.figures import build_report
from demo.report.targets import fidelity
from demo.report.writes import commands_figures, dwell_violations, latency_figures, writes_figures
from domain.modes import Circuit, HotWaterMode, Mode
from domain.planning.price_plan import HotWaterSegment, jitter
from domain.planning.series import Basis
from domain.steering.orders import Order, OrderKind
from domain.steering.pump_state import OrderGiven
from oem_adapters.nibe.manifest import HOT_WATER_COMFORT
from tests.builders import MIDNIGHT, a_lever, a_plan, a_profile, at
from tests.demo.report_lines import PUMP, a_change, a_request, a_run, a_write, an_event, printed, seen_by_hand
from tests.ledger.builders import prices


def test_every_command_is_counted_once_in_its_newest_state() -> None:
    events = [
        an_event("planned", 0),
        an_event("sent", 1, write_no=1),
        an_event("accepted", 1, write_no=1),
        an_event("applied", 3),
        an_event("drifted", 4, write_no=1),
        an_event("planned", 5, "c2"),
        an_event("superseded", 6, "c2"),
        an_event("planned", 7, "c3"),
    ]
    figures = commands_figures(events)
    assert figures["planned"] == 3
    assert (figures["applied"], figures["superseded"], figures["unresolved"]) == (1, 1, 1)
    assert figures["planned"] == sum(count for name, count in figures.items() if name != "planned")


def test_an_ignored_write_counts_in_truth_and_as_found() -> None:
    events = [an_event("sent", 1, write_no=1), an_event("accepted", 1, write_no=1)]
    truth = [a_request(1.01, "ignored")]
    assert writes_figures(events, truth)["ignored_true"] == 1
    assert writes_figures(events, truth)["ignored_found"] == 0
    found = [*events, an_event("write_ignored", 9, write_no=1), an_event("sent", 9, write_no=2)]
    assert writes_figures(found, truth) == {
        "sent": 2,
        "repeated": 1,
        "late": 0,
        "conflicting": 0,
        "ignored_true": 1,
        "ignored_found": 1,
        "ignored_unlooked": 0,
        "ignored_unanswered": 0,
    }


def test_an_ignored_write_that_was_superseded_before_anybody_looked_counts_in_neither() -> None:
    sent = [an_event("sent", 1, write_no=1), an_event("accepted", 1, write_no=1)]
    events = [*sent, an_event("superseded", 2)]
    assert writes_figures(events, [a_request(1.01, "ignored")])["ignored_true"] == 0
    assert writes_figures(events, [a_request(1.01, "ignored")])["ignored_unlooked"] == 1
    looked = [*events, an_event("write_ignored", 1.5, write_no=1)]
    assert writes_figures(looked, [a_request(1.01, "ignored")])["ignored_true"] == 1


def test_an_ignored_write_that_another_hand_made_true_could_not_be_found() -> None:
    events = [*a_write(1, 3.0, "accepted"), an_event("applied", 9, lever="heating_offset")]
    ignored = a_request(1.01, "ignored", lever="heating_offset")
    assert writes_figures(events, [ignored, a_change(4, 3.0, "drift")])["ignored_unlooked"] == 1
    assert writes_figures(events, [ignored, a_change(4, 1.0, "drift")])["ignored_true"] == 1
    again = [*events, *a_write(3, 3.0, "accepted", command="c2")]
    assert writes_figures(again, [ignored, a_change(4, 3.0)])["ignored_true"] == 1


def test_an_ignored_write_whose_acceptance_died_with_its_worker_is_counted_apart() -> None:
    figures = writes_figures([an_event("sent", 1, write_no=1)], [a_request(1.01, "ignored")])
    assert (figures["ignored_true"], figures["ignored_unanswered"]) == (0, 1)


def test_an_ignored_write_belongs_to_the_intent_on_its_own_lever() -> None:
    heating = a_write(1, 3.0, "accepted")
    water = [e | {"lever": "hot_water_comfort", "command": "c2", "at": at(0, 2)} for e in a_write(2, 2.0, "accepted")]
    events = [*heating, *water, an_event("superseded", 3, "c2")]
    figures = writes_figures(events, [a_request(2.5, "ignored", lever="heating_offset")])
    assert (figures["ignored_true"], figures["ignored_unlooked"]) == (1, 0)


@pytest.mark.parametrize(("sent_min", "late"), [(29, 0), (30, 1), (31, 1)])
def test_a_write_after_its_commands_time_is_late(sent_min: float, late: int) -> None:
    assert writes_figures(a_write(sent_min, 3.0, "accepted", expires_at=at(0, 30)), [])["late"] == late


@pytest.mark.parametrize(
    ("first", "later_min", "setting", "conflicting"),
    [
        (a_write(1, 3.0, "write_lost", 0.1), 7.9, 0.0, 1),
        (a_write(1, 3.0, "write_lost", 0.1), 8.1, 0.0, 0),
        (a_write(1, 3.0, None), 5.0, 0.0, 1),
        (a_write(1, 3.0, "accepted", 0.2), 1.1, 0.0, 1),
        (a_write(1, 3.0, "accepted", 0.2), 1.3, 0.0, 0),
        (a_write(1, 3.0, "write_refused", 0.2), 1.3, 0.0, 0),
        (a_write(1, 3.0, None), 5.0, 3.0, 0),
    ],
    ids=["lost", "lost-long-ago", "no-answer-known", "overlapping", "answered", "refused", "same-setting"],
)
def test_a_write_conflicts_while_an_earlier_one_of_another_setting_could_still_land(
    first: list[dict[str, Any]], later_min: float, setting: float, conflicting: int
) -> None:
    events = [*first, *a_write(later_min, setting, "accepted", command="c2")]
    assert writes_figures(events, [])["conflicting"] == conflicting


def a_course(*steps: tuple[float, str, str]) -> list[dict[str, Any]]:
    """Commands that were written, as (decided at minute, mode, authority)."""
    return [
        an_event("sent", minute, f"c{n}", 1, mode=mode, authority=authority, decided_at=at(0, minute))
        for n, (minute, mode, authority) in enumerate(steps)
    ]


@pytest.mark.parametrize(
    ("course", "violations"),
    [
        (a_course((0, "MAX", "plan"), (59, "LOW", "plan")), 1),
        (a_course((0, "MAX", "plan"), (60, "LOW", "plan")), 0),
        (a_course((0, "MIN", "plan"), (29, "LOW", "plan")), 1),
        (a_course((0, "MIN", "plan"), (30, "LOW", "plan")), 0),
        (a_course((0, "MAX", "plan"), (10, "LOW", "override")), 0),
        (a_course((0, "MAX", "plan"), (50, "MAX", "plan"), (65, "LOW", "plan")), 0),
        (a_course((0, "BOOST", "plan"), (5, "MAX", "plan")), 0),
    ],
    ids=["short-run", "full-run", "short-pause", "full-pause", "a-person", "written-again", "another-circuit"],
)
def test_a_plan_that_moves_a_pump_inside_its_dwell_is_counted(course: list[dict[str, Any]], violations: int) -> None:
    assert dwell_violations(course) == violations


def test_a_command_that_was_never_written_moved_no_pump() -> None:
    events = a_course((0, "MAX", "plan"), (10, "LOW", "plan"))
    events[1]["event"] = "planned"
    assert dwell_violations(events) == 0


def test_latency_runs_from_the_decision_to_the_first_such_line() -> None:
    events = [an_event("accepted", 1 + n, f"c{n}", 1, decided_at=at(0, 1)) for n in range(100)] + [
        an_event("accepted", 90, "c0", 2, decided_at=at(0, 1))
    ]
    figures = latency_figures(events)
    assert figures["accepted_s"] == {"p50": 49 * 60.0, "p99": 98 * 60.0}
    assert figures["effective_s"] == {"p50": None, "p99": None}


def test_fidelity_is_measured_on_the_true_lever_at_the_end_of_each_slot() -> None:
    obeyed = a_run([a_change(6, 3.0), a_change(66, 0.0)])
    assert fidelity(obeyed) == 1.0
    deaf = a_run([])
    assert fidelity(deaf) == 0.5
    late = a_run([a_change(16, 3.0), a_change(66, 0.0)])
    assert fidelity(late) == 7 / 8


@given(st.lists(st.tuples(st.floats(0, 120), st.sampled_from([-2.0, 0.0, 3.0])), max_size=8))
def test_fidelity_is_a_share(changes: list[tuple[float, float]]) -> None:
    share = fidelity(a_run([a_change(*change) for change in changes]))
    assert share is not None
    assert 0 <= share <= 1


def test_the_jitter_of_a_target_is_not_held_against_us() -> None:
    delay_min = jitter(PUMP) / timedelta(minutes=1)
    assert fidelity(a_run([a_change(delay_min + 1, 3.0), a_change(60 + delay_min + 1, 0.0)])) == 1.0


def test_a_persons_setting_is_the_target_from_when_it_was_seen_and_the_baseline_ever_after() -> None:
    truth = [a_change(0, 0.0, "initial"), a_change(6, 3.0), a_change(20, 1.5, "household")]
    touched = seen_by_hand(25, 1.5)
    assert fidelity(a_run(truth)) == 1 / 8, "nobody saw the manual change: only the first slot ended on target"
    assert fidelity(a_run(truth, happened=[touched])) == 1.0
    after_the_hold = [*truth, a_change(26 + 4 * 60, 4.5)]
    plan = a_plan(1, {(0, 6): a_run([]).plans[PUMP][0][1].segments[0].mode})
    assert fidelity(a_run(after_the_hold, hours=6, plan=plan, happened=[touched])) == 1.0


def test_the_baseline_of_the_first_hours_is_the_enrolled_one_though_a_person_makes_another_later() -> None:
    truth = [a_change(6, 3.0), a_change(66, 0.0), a_change(95, 1.5, "household")]
    assert fidelity(a_run(truth, happened=[seen_by_hand(100, 1.5)])) == 1.0


def test_a_pump_that_wakes_late_is_held_against_what_it_should_have_done_in_time() -> None:
    in_time = a_run([a_change(0, 0.0, "initial")], plan=a_plan(1, {(1, 2): Mode.MAX}))
    edge, late = at(1) + jitter(PUMP), at(1, 40)
    entries = [e.model_copy(update={"at": late}) if e.at == edge else e for e in in_time.journal[PUMP]]
    asleep = replace(in_time, journal={PUMP: entries})
    assert fidelity(asleep) == fidelity(in_time) == 0.5


def test_slots_in_which_nothing_may_be_written_ask_nothing_of_a_lever() -> None:
    order = Order(
        order_id="b1", kind=OrderKind.BLACKOUT, scope="all", since=MIDNIGHT, who="operator", why="no power at the site"
    )
    run = a_run([a_change(66, 3.0)], happened=[(MIDNIGHT, OrderGiven(order=order))])
    assert fidelity(run) is None
    begun = a_run([a_change(6, 3.0), a_change(66, 0.0)], happened=[(at(0, 50), OrderGiven(order=order))])
    assert fidelity(begun) == 1.0


def test_hot_water_has_its_own_fidelity_on_its_own_lever() -> None:
    water = a_lever(HOT_WATER_COMFORT, 1.0)
    segment = HotWaterSegment(start=MIDNIGHT, end=at(1), mode=HotWaterMode.BOOST)
    plan = a_plan(1).model_copy(update={"hot_water": (segment,)})
    truth = [
        a_change(0, 1.0, "initial", lever="hot_water_comfort", circuit="hot_water"),
        a_change(0, 0.0, "initial"),
        a_change(6, 2.0, lever="hot_water_comfort", circuit="hot_water"),
    ]
    run = a_run(truth, profile=a_profile(hot_water=water), plan=plan)
    assert fidelity(run, Circuit.HEATING) == 1.0
    assert fidelity(run, Circuit.HOT_WATER) == 0.5
    assert fidelity(a_run(truth), Circuit.HOT_WATER) is None


def test_a_hand_on_the_heating_leaves_the_hot_water_to_the_plan() -> None:
    water = a_lever(HOT_WATER_COMFORT, 1.0)
    segment = HotWaterSegment(start=MIDNIGHT, end=at(2), mode=HotWaterMode.BOOST)
    plan = a_plan(1).model_copy(update={"hot_water": (segment,)})
    truth = [
        a_change(0, 1.0, "initial", lever="hot_water_comfort", circuit="hot_water"),
        a_change(6, 2.0, lever="hot_water_comfort", circuit="hot_water"),
    ]
    run = a_run(truth, profile=a_profile(hot_water=water), plan=plan, happened=[seen_by_hand(25, 1.5)])
    assert fidelity(run, Circuit.HOT_WATER) == 1


def test_a_quiet_report_says_nothing_of_troubles() -> None:
    report = build_report(a_run([a_change(6, 3.0), a_change(66, 0.0)]))
    text = printed(report)
    for word in ("outage", "drift", "by hand", "kills", "late", "conflicting"):
        assert word not in text
    assert "100.0 %" in text
    assert report["schema"] == 1
    assert (report["outage"], report["kills"], report["hot_water_fidelity_pct"]) == (None, None, None)


@pytest.mark.parametrize("basis", list(Basis))
def test_a_report_says_whether_its_prices_were_published_estimated_or_flat(basis: Basis) -> None:
    planned_with = prices().model_copy(update={"basis": basis})
    report = build_report(replace(a_run([]), prices=planned_with, price_version=3))
    assert (report["prices"]["basis"], report["prices"]["version"]) == (basis.value, 3)
    assert f"{basis.value}, every 15 min" in printed(report)
