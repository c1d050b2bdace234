"""A vendor's outage in the report: what it was asked meanwhile, how it was met when it came back, and who got cold.

Protects: calls are those that reached the vendor's own door, and recovery is a matter of true levers.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from demo.report.recording import Run, moment
from demo.report.targets import Targets

_MINUTE = timedelta(minutes=1)
RUSH = timedelta(hours=1)
"""For so long after an outage the calls of every minute are counted."""
LONGEST_RECOVERY = timedelta(hours=6)


@dataclass(frozen=True)
class Outage:
    """One outage as it truly was."""

    oem: str
    starts: datetime
    ends: datetime


def outages_of(run: Run) -> list[Outage]:
    """Every outage of the truth, in the order of time; one that never ended ends with the run."""
    begun: dict[str, datetime] = {}
    found: list[Outage] = []
    for line in run.truth_lines:
        if line["kind"] != "outage":
            continue
        at = moment(line["at"])
        if line["begins"]:
            begun.setdefault(line["oem"], at)
        elif line["oem"] in begun:
            found.append(Outage(line["oem"], begun.pop(line["oem"]), at))
    found += [Outage(oem, starts, max(run.end, starts)) for oem, starts in begun.items()]
    return sorted(found, key=lambda outage: outage.starts)


def outage_figures(run: Run, targets: Targets) -> dict[str, Any] | None:
    """The figures of all outages of a run; None without one."""
    outages = outages_of(run)
    if not outages:
        return None
    recoveries = [recovery(run, targets, outage) for outage in outages]
    recovered = [minutes for minutes in recoveries if minutes is not None]
    return {
        "outages": [
            {"oem": o.oem, "starts": o.starts.isoformat(), "ends": o.ends.isoformat()}
            | {"breaker_opened_after_min": _minutes(_opened(run, o), o.starts), "recovery_min": minutes}
            for o, minutes in zip(outages, recoveries, strict=True)
        ],
        "minutes": round(sum((o.ends - o.starts) / _MINUTE for o in outages), 1),
        "calls": _calls(run, outages),
        "breaker": [{**row, "at": moment(row["at"]).isoformat()} for row in run.breakers],
        "recovery_min": max(recovered) if len(recovered) == len(recoveries) else None,
    } | _seen(run, outages)


def recovery(run: Run, targets: Targets, outage: Outage) -> float | None:
    """Minutes until every lever of the vendor's pumps had been at its target once; None where one never was."""
    longest = 0
    for pump, profile in run.profiles.items():
        if profile.enrolment.oem != outage.oem:
            continue
        for circuit in targets.circuits(pump):
            minutes = range(LONGEST_RECOVERY // _MINUTE)
            first = next(
                (m for m in minutes if targets.holds(pump, circuit, outage.ends + m * _MINUTE) is not False), None
            )
            if first is None:
                return None
            longest = max(longest, first)
    return float(longest)


def _opened(run: Run, outage: Outage) -> datetime | None:
    for row in run.breakers:
        if row["oem"] == outage.oem and row["state"] == "open" and outage.starts <= moment(row["at"]) < outage.ends:
            return moment(row["at"])
    return None


def _minutes(when: datetime | None, since: datetime) -> float | None:
    return None if when is None else round((when - since) / _MINUTE, 2)


def _calls(run: Run, outages: list[Outage]) -> dict[str, int]:
    """Calls in outages before and after the breaker opened, and the most of any minute after; all, where it did not."""
    before = 0
    after: Counter[datetime] = Counter()
    for line in run.truth_lines:
        if line["kind"] != "call":
            continue
        at = moment(line["at"])
        outage = next((o for o in outages if o.oem == line["oem"] and o.starts <= at < o.ends), None)
        if outage is None:
            continue
        opened = _opened(run, outage)
        if opened is not None and at < opened:
            before += 1
        else:
            after[at.replace(second=0, microsecond=0)] += 1
    return {"before_open": before, "total": after.total(), "max_per_min": max(after.values(), default=0)}


def _seen(run: Run, outages: list[Outage]) -> dict[str, Any]:
    seen = run.outage
    if seen is None:
        return {}
    rush = [
        calls
        for minute, calls in seen.calls_by_minute.items()
        if any(o.ends - _MINUTE < minute < o.ends + RUSH for o in outages)
    ]
    at = outages[0].ends
    floors_c = {pump: profile.site.floor_c(at) for pump, profile in run.profiles.items()}
    above_k = [lowest_c - floors_c[pump] for pump, lowest_c in seen.room_min_c.items() if pump in floors_c]
    return {
        "peak_calls_per_min": max(rush, default=0),
        "granted_calls_per_min": seen.granted_per_min,
        "max_events_per_pump": seen.max_events_per_pump,
        "worst_room_c": round(min(seen.room_min_c.values()), 2) if seen.room_min_c else None,
        "worst_room_above_floor_k": round(min(above_k), 2) if above_k else None,
    }
