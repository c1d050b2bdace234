"""Commands and writes in the report: where each command ended, what became of each write, and how long it took.

Protects: a write that came late, crossed another one or moved a pump inside its dwell is counted, whoever is to blame.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from demo.report.recording import Lines, moment, percentile
from domain.commands.command import Authority, CommandState, EventKind
from domain.modes import Circuit, HotWaterMode, Mode
from domain.steering.reconcile import MIN_PAUSE, MIN_RUN

ENDS = ("applied", "effective", "ignored", "rejected", "superseded", "expired", "dead_lettered", "unverified")
LONGEST_IN_FLIGHT = timedelta(minutes=7)
"""After this a write that was taken has landed or never will, at a vendor of whom nothing else is said."""
_RAISED = (Mode.MID.value, Mode.MAX.value)


def commands_figures(events: Lines) -> dict[str, int]:
    """How many commands there were, and where each ended: in the newest state its events name."""
    newest: dict[str, tuple[datetime, str]] = {}
    for event in events:
        if EventKind(event["event"]).state is None:
            continue
        at, held = moment(event["at"]), newest.get(event["command"])
        if held is None or at >= held[0]:
            newest[event["command"]] = (at, event["event"])
    counts = Counter(state for _, state in newest.values())
    ends = {name: counts[name] for name in ENDS}
    return {"planned": len(newest)} | ends | {"unresolved": len(newest) - sum(ends.values())}


def writes_figures(
    events: Lines, truth_lines: Sequence[dict[str, Any]], in_flight: Mapping[str, timedelta] | None = None
) -> dict[str, int]:
    """Writes we sent; late and conflicting ones; those that a cloud accepted and a pump ignored, as found and in truth.

    A truth line belongs to the newest intent of its lever before it. An ignored write whose command was superseded
    before its read-back, or whose lever came to stand as asked by another hand, counts in neither figure, but as
    `ignored_unlooked`; one whose acceptance never reached us, as `ignored_unanswered`. `in_flight`: by pump, after what
    time a write has landed or never will.
    """
    writes = writes_of(events)
    found = {(e["command"], e["write_no"]) for e in events if e["event"] == EventKind.WRITE_IGNORED}
    return {
        "sent": len(writes),
        "repeated": sum(w.write_no > 1 for w in writes),
        "late": sum(w.expires_at is not None and w.at >= w.expires_at for w in writes),
        "conflicting": _conflicting(writes, in_flight or {}),
        "ignored_found": len(found),
    } | _ignored(events, truth_lines, writes, found)


@dataclass(frozen=True)
class SentWrite:
    """One write as the ledger knows it."""

    pump: str
    lever: str | None
    command: str
    write_no: int
    at: datetime
    setting: float | None
    expires_at: datetime | None
    answered_at: datetime | None
    """None where no answer came, or it was lost."""
    is_refused: bool

    def may_land_at(self, when: datetime, longest: timedelta) -> bool:
        """Whether it could still take effect then, without its sender having been told of it."""
        if self.answered_at is not None:
            return when < self.answered_at
        return when < self.at + longest


def writes_of(events: Lines) -> list[SentWrite]:
    """Every write that was intended, in the order of time."""
    kinds = (EventKind.ACCEPTED, EventKind.WRITE_REFUSED)
    answers = {(e["command"], e["write_no"]): e for e in events if e["event"] in kinds}
    writes = []
    for event in events:
        if event["event"] != EventKind.SENT:
            continue
        answer = answers.get((event["command"], event["write_no"]))
        expires_at = event.get("expires_at")
        writes.append(
            SentWrite(
                pump=event["pump"],
                lever=event.get("lever"),
                command=event["command"],
                write_no=event["write_no"],
                at=moment(event["at"]),
                setting=event.get("setting"),
                expires_at=None if expires_at is None else moment(expires_at),
                answered_at=None if answer is None else moment(answer["at"]),
                is_refused=answer is not None and answer["event"] == EventKind.WRITE_REFUSED,
            )
        )
    return sorted(writes, key=lambda w: w.at)


def _conflicting(writes: Sequence[SentWrite], in_flight: Mapping[str, timedelta]) -> int:
    """Writes sent while an earlier one of another value on the same lever could still land."""
    by_lever: dict[tuple[str, str | None], list[SentWrite]] = {}
    count = 0
    for write in writes:
        earlier = by_lever.setdefault((write.pump, write.lever), [])
        longest = in_flight.get(write.pump, LONGEST_IN_FLIGHT)
        count += any(w.setting != write.setting and w.may_land_at(write.at, longest) for w in earlier)
        earlier.append(write)
    return count


def _ignored(
    events: Lines, truth_lines: Sequence[dict[str, Any]], writes: Sequence[SentWrite], found: set[tuple[str, int]]
) -> dict[str, int]:
    superseded = {e["command"] for e in events if e["event"] == CommandState.SUPERSEDED}
    by_lever: dict[tuple[str, str | None], list[SentWrite]] = {}
    for write in writes:
        by_lever.setdefault((write.pump, write.lever), []).append(write)
    true = unlooked = unanswered = 0
    for line in truth_lines:
        if line["kind"] != "request" or line["cause"] != "ignored":
            continue
        at = moment(line["at"])
        intents = by_lever.get((line["pump"], line.get("lever")), [])
        index = bisect_right(intents, at, key=lambda w: w.at) - 1
        intent = intents[index] if index >= 0 else None
        if intent is None or (intent.command, intent.write_no) in found:
            true += 1
        elif intent.answered_at is None:
            unanswered += 1
        elif intent.command in superseded or _came_true(truth_lines, intent, at, intents[index + 1 : index + 2]):
            unlooked += 1
        else:
            true += 1
    return {"ignored_true": true, "ignored_unlooked": unlooked, "ignored_unanswered": unanswered}


def _came_true(
    truth_lines: Sequence[dict[str, Any]], intent: SentWrite, since: datetime, following: Sequence[SentWrite]
) -> bool:
    """Whether the lever came to stand as an ignored write had asked, before anything else was written."""
    return any(
        line["kind"] == "state"
        and (line["pump"], line.get("lever"), line["value"]) == (intent.pump, intent.lever, intent.setting)
        and since < moment(line["at"])
        and not any(moment(line["at"]) >= after.at for after in following)
        for line in truth_lines
    )


def dwell_violations(events: Lines) -> int:
    """Changes by plan so soon after a change by plan that the pump was moved inside its run or its pause.

    Only commands that were written count, by the time each was decided.
    """
    sent = {e["command"] for e in events if e["event"] == EventKind.SENT}
    by_circuit: dict[tuple[str, Circuit], dict[str, Mapping[str, Any]]] = {}
    for event in events:
        if event["command"] in sent and event.get("decided_at") is not None:
            key = (event["pump"], _circuit_of_mode(event))
            by_circuit.setdefault(key, {}).setdefault(event["command"], event)
    return sum(_violations(list(commands.values())) for commands in by_circuit.values())


def _circuit_of_mode(event: Mapping[str, Any]) -> Circuit:
    return Circuit.HOT_WATER if event["mode"] in tuple(HotWaterMode) else Circuit.HEATING


def _violations(commands: list[Mapping[str, Any]]) -> int:
    commands.sort(key=lambda c: (moment(c["decided_at"]), c["command"]))
    count = 0
    changed_at = moment(commands[0]["decided_at"])
    for earlier, later in pairwise(commands):
        if later["mode"] == earlier["mode"]:
            continue
        decided_at = moment(later["decided_at"])
        keep = MIN_RUN if earlier["mode"] in _RAISED else MIN_PAUSE
        by_plan = earlier["authority"] == later["authority"] == Authority.PLAN
        count += by_plan and decided_at - changed_at < keep
        changed_at = decided_at
    return count


def latency_figures(events: Lines) -> dict[str, dict[str, float | None]]:
    """Steered seconds from a command's decision to when it was first accepted, seen obeyed, seen to have an effect."""
    firsts: dict[str, dict[str, float]] = {"accepted": {}, "applied": {}, "effective": {}}
    for event in events:
        if event["event"] in firsts and event.get("decided_at") is not None:
            taken_s = (moment(event["at"]) - moment(event["decided_at"])).total_seconds()
            known = firsts[event["event"]]
            known[event["command"]] = min(taken_s, known.get(event["command"], taken_s))
    return {
        f"{name}_s": {"p50": percentile([*known.values()], 0.5), "p99": percentile([*known.values()], 0.99)}
        for name, known in firsts.items()
    }
