"""The report's figures, joined from events and truth lines."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.report import Run, commands_figures, fidelity, writes_figures
from console.world import Truth
from domain.modes import Mode
from tests.builders import MIDNIGHT, a_plan, a_profile, at


def an_event(kind: str, minutes: float, command: str = "c1", write_no: int = 0, **given: Any) -> dict[str, Any]:
    return {
        "at": at(0, minutes),
        "pump": "p-0001",
        "command": command,
        "event": kind,
        "mode": "MAX",
        "write_no": write_no,
    } | given


def a_request(minutes: float, cause: str) -> dict[str, Any]:
    return {"kind": "request", "at": at(0, minutes).isoformat(), "pump": "p-0001", "cause": cause}


def a_change(minutes: float, value: float) -> dict[str, Any]:
    return {"kind": "state", "at": at(0, minutes).isoformat(), "pump": "p-0001", "value": value, "cause": "write"}


def test_every_command_is_counted_once_in_its_newest_state() -> None:
    events = [
        an_event("planned", 0),
        an_event("sent", 1, write_no=1),
        an_event("accepted", 1, write_no=1),
        an_event("applied", 3),
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
        "ignored_true": 1,
        "ignored_found": 1,
        "ignored_unlooked": 0,
    }


def test_an_ignored_write_that_was_superseded_before_anybody_looked_counts_in_neither() -> None:
    events = [an_event("sent", 1, write_no=1), an_event("superseded", 2)]
    assert writes_figures(events, [a_request(1.01, "ignored")])["ignored_true"] == 0
    assert writes_figures(events, [a_request(1.01, "ignored")])["ignored_unlooked"] == 1
    looked = [*events, an_event("write_ignored", 1.5, write_no=1)]
    assert writes_figures(looked, [a_request(1.01, "ignored")])["ignored_true"] == 1


def a_run(truth_lines: list[dict[str, Any]], hours: float = 2) -> Run:
    return Run(
        start=MIDNIGHT,
        end=at(hours),
        seed=1,
        speed=1,
        events=[],
        truth_lines=truth_lines,
        truth=Truth(slots=(), pumps=()),
        profiles={"p-0001": a_profile()},
        plans={"p-0001": [(MIDNIGHT, a_plan(1, {(0, 1): Mode.MAX}))]},
        overrides={},
        retired_at={},
        plan_row=None,
        prices=None,
        price_version=None,
        weather=None,
        planning_s=0,
        temporal={},
    )


def test_fidelity_is_measured_on_the_true_lever_at_the_end_of_each_slot() -> None:
    obeyed = a_run([a_change(6, 3.0), a_change(66, 0.0)])
    assert fidelity(obeyed) == 1.0
    deaf = a_run([])
    assert fidelity(deaf) == 0.5
    late = a_run([a_change(16, 3.0), a_change(66, 0.0)])
    assert fidelity(late) == 7 / 8


@given(st.lists(st.tuples(st.floats(0, 120), st.sampled_from([-2.0, 0.0, 3.0])), max_size=8))
def test_fidelity_is_a_share(changes: list[tuple[float, float]]) -> None:
    assert 0 <= fidelity(a_run([a_change(*change) for change in changes])) <= 1


def test_the_jitter_of_a_wish_is_not_held_against_us() -> None:
    from domain.plans import jitter

    delay_min = jitter("p-0001") / timedelta(minutes=1)
    assert fidelity(a_run([a_change(delay_min + 1, 3.0), a_change(60 + delay_min + 1, 0.0)])) == 1.0
