"""Levers that moved without us: what fell back by itself, what people set by hand, and whether we saw which was which.

Protects: what could not be seen, because it was overwritten first, is counted apart and never as found; a person's
setting that we wrote over is counted, known to us or not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from demo.report.recording import DETECTABLE, Run, circuit_of, moment, percentile
from demo.report.targets import Targets
from demo.report.writes import writes_of
from domain.modes import Circuit
from domain.steering.observations import TOUCH_HOLDS

_REMOTE = ("write", "late-write")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Episode:
    """A true setting of a lever that was none of our doing, until the lever moved again."""

    pump: str
    circuit: Circuit
    lever: str | None
    value: float
    at: datetime
    until: datetime
    """When it ended; the end of the record where it did not."""
    ended_by: str | None


@dataclass(frozen=True)
class Noticed:
    """A line with which we noticed a lever that moved."""

    kind: str
    at: datetime
    """The pump's own stamp of the picture that showed it."""
    known_at: datetime
    """When it was written down."""


def episodes(run: Run, cause: str, *, run_only: bool = True) -> list[Episode]:
    """Every true change of this cause, in the order of time; with `run_only` those after the run's end are left out."""
    by_lever: dict[tuple[str, str | None], list[Mapping[str, Any]]] = {}
    for line in run.truth_lines:
        if line["kind"] == "state":
            by_lever.setdefault((line["pump"], line.get("lever")), []).append(line)
    found = []
    for (pump, lever), lines in by_lever.items():
        lines.sort(key=lambda line: moment(line["at"]))
        followers: list[Mapping[str, Any] | None] = [*lines[1:], None]
        for begun, after in zip(lines, followers, strict=True):
            at = moment(begun["at"])
            if begun["cause"] != cause or (run_only and at >= run.end) or pump not in run.profiles:
                continue
            until = max(run.end, at) if after is None else moment(after["at"])
            circuit = circuit_of(begun)
            ended_by = None if after is None else str(after["cause"])
            found.append(Episode(pump, circuit, lever, float(begun["value"]), at, until, ended_by))
    return sorted(found, key=lambda one: one.at)


def drift_figures(run: Run, targets: Targets) -> dict[str, Any]:
    """Settings that fell back by themselves, against the target and for a detectable time, and what we made of them.

    true = found + taken_for_touch + missed. `unlooked` were over before anything could see them; `unfounded` are lines
    that say drift where the lever stood as we had left it.
    """
    noticed = _noticed(run)
    found: list[float] = []
    mistaken = missed = unlooked = 0
    for one in episodes(run, "drift"):
        seen = _first(noticed, one)
        if seen is not None and seen.kind == "drifted":
            found.append((seen.known_at - one.at).total_seconds() / 60)
        elif seen is not None:
            mistaken += 1
        elif _stood_against(targets, one):
            missed += 1
        else:
            unlooked += 1
    return {
        "true": len(found) + mistaken + missed,
        "found": len(found),
        "taken_for_touch": mistaken,
        "missed": missed,
        "unlooked": unlooked,
        "unfounded": _unfounded(run, noticed),
        "minutes_p50": percentile(found, 0.5),
        "minutes_p99": percentile(found, 0.99),
    }


def touched_figures(run: Run) -> dict[str, Any]:
    """Settings that people made by hand and that stood for a detectable time, and what we made of them.

    true = found + taken_for_drift + missed. `fought` were overwritten from afar within the time a person's setting
    stands; `fought_knowingly` after we had seen a person in it.
    """
    noticed = _noticed(run)
    sent = writes_of(run.events)
    counts = dict.fromkeys(("found", "taken_for_drift", "missed", "unlooked", "fought", "fought_knowingly"), 0)
    minutes: list[float] = []
    for one in episodes(run, "household"):
        seen = _first(noticed, one)
        if seen is not None and seen.kind == "touched":
            counts["found"] += 1
            minutes.append((seen.known_at - one.at).total_seconds() / 60)
        elif seen is not None:
            counts["taken_for_drift"] += 1
        else:
            counts["missed" if one.until - one.at >= DETECTABLE else "unlooked"] += 1
        if one.ended_by in _REMOTE and one.until - one.at < TOUCH_HOLDS[0]:
            counts["fought"] += 1
            if seen is not None and seen.kind == "touched":
                own = [w.at for w in sent if (w.pump, w.lever) == (one.pump, one.lever) and w.at <= one.until]
                counts["fought_knowingly"] += bool(own) and own[-1] > seen.known_at
    true = counts["found"] + counts["taken_for_drift"] + counts["missed"]
    return {"true": true} | counts | {"minutes_p50": percentile(minutes, 0.5), "minutes_p99": percentile(minutes, 0.99)}


def _noticed(run: Run) -> dict[tuple[str, Circuit], list[Noticed]]:
    by_circuit: dict[tuple[str, Circuit], list[Noticed]] = {}
    for line in run.events:
        if line["event"] in ("drifted", "touched"):
            at = moment(line["at"])
            one = Noticed(kind=line["event"], at=at, known_at=max(at, moment(line.get("known_at") or at)))
            by_circuit.setdefault((line["pump"], circuit_of(line)), []).append(one)
    for lines in by_circuit.values():
        lines.sort(key=lambda line: line.at)
    return by_circuit


def _unfounded(run: Run, noticed: Mapping[tuple[str, Circuit], Sequence[Noticed]]) -> int:
    moved = [*episodes(run, "drift", run_only=False), *episodes(run, "household", run_only=False)]
    return sum(
        line.kind == "drifted"
        and not any((one.pump, one.circuit) == key and one.at <= line.at < one.until for one in moved)
        for key, lines in noticed.items()
        for line in lines
    )


def _first(noticed: Mapping[tuple[str, Circuit], Sequence[Noticed]], one: Episode) -> Noticed | None:
    lines = noticed.get((one.pump, one.circuit), ())
    return next((line for line in lines if one.at <= line.at < one.until), None)


def _stood_against(targets: Targets, one: Episode) -> bool:
    """Whether it stood, and against the target, for as long as it takes to be seen."""
    if one.until - one.at < DETECTABLE:
        return False
    minutes = range(DETECTABLE // _MINUTE + 1)
    return all(targets.contradicts(one.pump, one.circuit, one.at + m * _MINUTE, one.value) for m in minutes)
