"""What went wrong in a run and how it was met, as a person reads it; nothing on a quiet day."""

from collections.abc import Mapping
from typing import Any


def trouble_rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows on killed workers, outages, drifted levers and people at the pump, each only where there was one."""
    rows = []
    if kills := report["kills"]:
        by_role = ", ".join(f"{role} {count}" for role, count in kills["by_role"].items())
        rows.append(("kills", f"{kills['count']} workers killed and replaced" + (f" ({by_role})" if by_role else "")))
    if outage := report["outage"]:
        rows += _outage_rows(outage)
    drift, touched = report["drift"], report["touched"]
    if drift["true"] or drift["unlooked"] or drift["unfounded"]:
        rows.append(("drift", _drift(drift)))
    if touched["true"] or touched["unlooked"]:
        rows.append(("by hand", _touched(touched)))
    return rows


def _outage_rows(outage: Mapping[str, Any]) -> list[tuple[str, str]]:
    oems = ", ".join(sorted({one["oem"] for one in outage["outages"]}))
    opened = [one["breaker_opened_after_min"] for one in outage["outages"]]
    breaker = "the breaker never opened" if None in opened else f"the breaker opened after {max(opened):.1f} min"
    calls = outage["calls"]
    recovery = outage["recovery_min"]
    met = (
        "not every pump was on its target again"
        if recovery is None
        else f"every pump on its target after {recovery:.0f} min"
    )
    rows = [
        (
            "outage",
            f"{oems} cut off for {outage['minutes']:.0f} min; {breaker}, then {calls['total']} calls, "
            f"at most {calls['max_per_min']} a minute; once it was back, {met}",
        )
    ]
    if "peak_calls_per_min" not in outage:
        return rows
    cold = outage["worst_room_c"]
    above = outage["worst_room_above_floor_k"]
    room = "" if cold is None else f"; coldest room {cold:.1f} C, at the closest {above:+.1f} K from its floor"
    rows.append(
        (
            "return",
            f"at most {outage['peak_calls_per_min']} calls a minute of {outage['granted_calls_per_min']} granted; "
            f"at most {outage['max_events_per_pump']} history events a pump in the outage{room}",
        )
    )
    return rows


def _drift(drift: Mapping[str, Any]) -> str:
    said = f"{_settings(drift['true'])} fell back unasked, {drift['found']} found"
    if drift["minutes_p50"] is not None:
        said += f" ({drift['minutes_p50']:.0f} min after, 99 in 100 within {drift['minutes_p99']:.0f} min)"
    if drift["taken_for_touch"]:
        said += f", {drift['taken_for_touch']} taken for a person's hand"
    if drift["unfounded"]:
        said += f"; {drift['unfounded']} more were seen where none was"
    return said + _unlooked(drift["unlooked"])


def _touched(touched: Mapping[str, Any]) -> str:
    said = f"{_settings(touched['true'])} made by people, {touched['found']} seen as theirs"
    if touched["taken_for_drift"]:
        said += f", {touched['taken_for_drift']} taken for a fault at first"
    if touched["fought"]:
        said += f"; {touched['fought']} overwritten from afar, {touched['fought_knowingly']} of them knowingly"
    return said + _unlooked(touched["unlooked"])


def _unlooked(count: int) -> str:
    return f"; {count} more were over before anything could see them" if count else ""


def _settings(count: int) -> str:
    return "1 setting" if count == 1 else f"{count} settings"
