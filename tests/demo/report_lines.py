"""Lines of `commands.jsonl` and `truth.jsonl` for tests of the report, and runs made of them."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from application.fleet.starting import first_state
from console.cli.demo.report_text import print_report
from demo.report.recording import Run
from demo.simulator_client import Truth
from domain.commands.command import CommandState
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit, Mode
from domain.steering.decide import decide
from domain.steering.journal import JournalEntry
from domain.steering.pump_state import CommandSettled, Event, Observed, PlanArrived, SeenLever, Woke
from tests.builders import MIDNIGHT, a_plan, a_profile, an_outcome, at

PUMP = "p-0001"
OFFSET = "heating_offset"


def an_event(kind: str, minutes: float, command: str = "c1", write_no: int = 0, **given: Any) -> dict[str, Any]:
    """A line of `commands.jsonl`, of a plan's MAX on the offset lever unless said otherwise."""
    return {
        "at": at(0, minutes),
        "pump": PUMP,
        "command": command,
        "event": kind,
        "mode": "MAX",
        "authority": "plan",
        "write_no": write_no,
    } | given


def a_write(
    minutes: float, setting: float, answer: str | None, answered: float = 0.0, command: str = "c1", **given: Any
) -> list[dict[str, Any]]:
    """An intended write, and its answer so many minutes later."""
    sent = an_event("sent", minutes, command, 1, setting=setting, lever=OFFSET, **given)
    if answer is None:
        return [sent]
    return [sent, sent | {"event": answer, "at": at(0, minutes + answered)}]


def a_request(minutes: float, cause: str, **given: Any) -> dict[str, Any]:
    """A write request as the truth has it."""
    return {"kind": "request", "at": at(0, minutes).isoformat(), "pump": PUMP, "cause": cause} | given


def a_change(minutes: float, value: float, cause: str = "write", **given: Any) -> dict[str, Any]:
    """A true change of the lever."""
    when = at(0, minutes).isoformat()
    line = {"kind": "state", "at": when, "pump": PUMP, "lever": OFFSET, "circuit": "heating"}
    return line | {"value": value, "cause": cause} | given


def an_outage(start_min: float, end_min: float) -> list[dict[str, Any]]:
    """A vendor's outage as the truth has it."""
    return [
        {"kind": "outage", "at": at(0, minutes).isoformat(), "oem": "nibe", "begins": begins}
        for minutes, begins in ((start_min, True), (end_min, False))
    ]


def a_call(minutes: float) -> dict[str, Any]:
    """A call that reached the vendor in its outage."""
    return {"kind": "call", "at": at(0, minutes).isoformat(), "oem": "nibe", "method": "GET", "fate": "http-500"}


def a_breaker(minutes: float, state: str) -> dict[str, Any]:
    """A change of the vendor's breaker."""
    return {"oem": "nibe", "state": state, "at": at(0, minutes), "rate_per_min": 1.0, "reason": "as the test says"}


def a_journal(profile: PumpProfile, *events: tuple[datetime, Event], until: datetime) -> Sequence[JournalEntry]:
    """What a pump decides upon these events: awake whenever it asks to be, and obeyed at once."""
    state = first_state(profile)
    journal: dict[str, JournalEntry] = {}
    heap: list[tuple[datetime, Event]] = [(MIDNIGHT, Woke()), *events]
    while heap:
        now, event = heap.pop(0)
        decision = decide(state, event, now)
        state = decision.state
        journal |= {entry.key: entry for entry in state.journal}
        settled: list[tuple[datetime, Event]] = [
            (now, CommandSettled(outcome=an_outcome(command.command_id, CommandState.APPLIED, now)))
            for command in decision.starts
        ]
        wake_at = decision.wake_at
        is_first = wake_at is not None and wake_at <= until and (not heap or wake_at < heap[0][0])
        heap = [*settled, *([(wake_at, Woke())] if wake_at is not None and is_first and not settled else []), *heap]
    return list(journal.values())


def seen_by_hand(minutes: float, setting: float) -> tuple[datetime, Event]:
    """A person's setting on the heating, as the pump learnt it."""
    lever = SeenLever(circuit=Circuit.HEATING, setting=setting)
    return at(0, minutes), Observed(as_of=at(0, minutes), levers=(lever,))


def a_run(truth_lines: list[dict[str, Any]], hours: float = 2, **given: Any) -> Run:
    """One pump with a plan of an hour's MAX from midnight on; `happened`: what else its workflow learnt."""
    made: datetime = given.pop("made", MIDNIGHT)
    profile = given.pop("profile", a_profile())
    plan = given.pop("plan", a_plan(1, {(0, 1): Mode.MAX}))
    happened = sorted([(made, PlanArrived(plan=plan)), *given.pop("happened", [])], key=lambda pair: pair[0])
    return Run(
        start=MIDNIGHT,
        end=at(hours),
        seed=1,
        speed=1,
        events=given.pop("events", []),
        truth_lines=truth_lines,
        truth=given.pop("truth", Truth(slots=(), pumps=())),
        profiles={PUMP: profile},
        plans={PUMP: [(made, plan)]},
        journal={PUMP: a_journal(profile, *happened, until=at(hours))},
        plan_row=given.pop("plan_row", None),
        prices=None,
        price_version=None,
        weather=None,
        planning_s=0,
        temporal={"actions": 0, "events": 0},
        **given,
    )


def printed(report: dict[str, Any]) -> str:
    """The report as a person reads it, on one long line a row."""
    page = Console(file=io.StringIO(), width=400)
    print_report(report, ZoneInfo("Europe/Berlin"), page)
    assert isinstance(page.file, io.StringIO)
    return page.file.getvalue()
