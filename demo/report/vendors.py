"""Each vendor of a fleet in the report: what its cloud was asked, and how its pumps obeyed.

Protects: a vendor's figures are the fleet's own figures over its pumps alone, so that they can be compared.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from demo.report.recording import Lines, Run, moment, percentile
from demo.report.targets import Targets, fidelity
from demo.report.writes import commands_figures
from domain.commands.command import CommandState, EventKind
from domain.modes import Circuit


def vendor_figures(run: Run, targets: Targets) -> dict[str, dict[str, Any]]:
    """By vendor: pumps, calls in the run, the share of its grant that the busiest account used, steered seconds from a
    write's acceptance to when it was seen, writes found ignored, the share of obeyed commands with physical evidence,
    and the fidelity of its heating levers.
    """
    return {
        oem: _figures(run, targets, oem) for oem in sorted({profile.enrolment.oem for profile in run.profiles.values()})
    }


def _figures(run: Run, targets: Targets, oem: str) -> dict[str, Any]:
    profiles = {pump: profile for pump, profile in run.profiles.items() if profile.enrolment.oem == oem}
    events = [event for event in run.events if event["pump"] in profiles]
    commands = commands_figures(events)
    obeyed = commands["applied"] + commands["effective"]
    seconds = list(_verified_after_s(events))
    held = fidelity(replace(run, profiles=profiles), Circuit.HEATING, targets)
    return {
        "pumps": len(profiles),
        "calls": sum(account.calls for account in run.accounts if account.oem == oem),
        "quota_pct": _quota_pct(run, oem),
        "verify_s_p50": percentile(seconds, 0.5),
        "verify_s_p95": percentile(seconds, 0.95),
        "ignored": sum(event["event"] == EventKind.WRITE_IGNORED for event in events),
        "evidence_pct": round(100 * commands["effective"] / obeyed, 1) if obeyed else None,
        "fidelity_pct": round(100 * held, 3) if held is not None else None,
    }


def _quota_pct(run: Run, oem: str) -> float | None:
    """The busiest account's calls over the most that its quotas allow in the run."""
    shares = [account.calls / account.granted for account in run.accounts if account.oem == oem and account.granted]
    return round(100 * max(shares), 1) if shares else None


def _verified_after_s(events: Lines) -> Iterable[float]:
    """Of each command that was seen to be obeyed, from the newest acceptance before that."""
    accepted: dict[str, datetime] = {}
    seen: set[str] = set()
    for event in sorted(events, key=lambda event: moment(event["at"])):
        command = event["command"]
        if event["event"] == EventKind.ACCEPTED:
            accepted[command] = moment(event["at"])
        elif event["event"] == CommandState.APPLIED and command in accepted and command not in seen:
            seen.add(command)
            yield (moment(event["at"]) - accepted[command]).total_seconds()
