"""Events and incidents as lines of a timeline.

Protects: nobody has to read a dumped value to understand a failing run.
"""

from typing import Any

from domain.modes import Mode
from domain.oem.readings import Condition
from domain.steering.overrides import Override
from domain.steering.pump_state import CommandSettled, Event, Observed


def short(event: Event) -> str:
    """An event."""
    match event:
        case CommandSettled(outcome=outcome):
            return f"{outcome.command_id} settled {outcome.state}"
        case Observed(silent=True):
            return "observed silent"
        case Observed():
            seen = ", ".join(f"{one.circuit} {one.setting:g}" for one in event.levers)
            stamp = event.stamp or event.as_of
            return f"observed {seen}, room {event.room_c}, {event.condition} (stamped {stamp:%H:%M:%S})"
        case _:
            return event.kind


def named(what: Any) -> str:
    """What an incident is about."""
    match what:
        case None:
            return ""
        case Override():
            return f" {what.override_id} {what.source} {what.kind} {what.mode} until {what.until:%d %b %H:%M}"
        case Mode() | Condition():
            return f" {what.value}"
    if hasattr(what, "segments"):
        parts = " ".join(f"{s.start:%H:%M}-{s.end:%H:%M} {s.mode}" for s in what.segments)
        validity = f"{what.first_slot:%d %b %H:%M}-{what.valid_until:%d %b %H:%M}"
        return f" r{what.revision} {validity} floor {what.floor}: {parts}"
    if hasattr(what, "order_id"):
        return f" {what.order_id} {what.kind} {what.cap or ''} until {what.until}"
    return f" {what}"
