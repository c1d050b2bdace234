"""What an operator reads of a pump in the Web UI: authority, alert and a page of details, from its state alone."""

from datetime import datetime

from temporalio.common import SearchAttributePair, TypedSearchAttributes

from domain.commands import Authority
from domain.plans import jitter
from domain.pump import PumpState
from domain.steering import wish_at
from workflows.contracts import PUMP_ALERT, PUMP_AUTHORITY, PUMP_OEM


def authority_of(state: PumpState, now: datetime) -> str:
    """Who steers now."""
    return wish_at(state, now).authority.value


def alert_of(state: PumpState) -> str:
    """What a person should look at: "none", or why the newest wish does not hold."""
    if state.failed is not None and state.failed.count >= 2:
        return "unreached"
    return "none"


def details_of(state: PumpState, now: datetime) -> str:
    """The page of one pump, in Markdown."""
    wish = wish_at(state, now)
    seen = state.settled.value if state.settled else "unknown"
    lines = [
        f"**{wish.mode.value}** wished by **{wish.authority.value}**"
        + (f" (revision {wish.revision})" if wish.revision else "")
        + (f" until {wish.until:%d %b %H:%M} UTC" if wish.until else ""),
        f"- last seen: {seen}" + (f" at {state.settled_at:%d %b %H:%M} UTC" if state.settled_at else ""),
    ]
    if state.open is not None:
        opened = state.open
        word = "being replaced" if opened.cancelling else "being written and verified"
        lines.append(f"- {opened.command.command_id}: {opened.command.mode.value}, {word}")
    if state.failed is not None:
        lines.append(
            f"- {state.failed.mode.value} failed {state.failed.count}x ({state.failed.reason}); "
            f"again at {state.failed.retry_at:%d %b %H:%M} UTC"
        )
    lines += [
        f"- override {o.override_id} by {o.who} ({o.kind.value}): "
        f"{o.mode.value} until {o.until:%d %b %H:%M} UTC, {o.why}"
        for o in state.overrides
    ]
    if state.refusal:
        lines.append(f"- refused: {state.refusal}")
    if state.plan is not None:
        delay_s = round(jitter(state.pump_id).total_seconds())
        lines.append(f"\nPlan revision {state.plan.revision}, every edge {delay_s} s later here:\n")
        lines += [f"- {s.start:%d %b %H:%M} to {s.end:%H:%M} UTC {s.mode.value}" for s in state.plan.segments]
    return "\n".join(lines)


def first_search_attributes(oem: str) -> TypedSearchAttributes:
    """What a pump's workflow is started with, so that a list shows it before its first decision."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(PUMP_OEM, oem),
            SearchAttributePair(PUMP_AUTHORITY, Authority.NEUTRAL.value),
            SearchAttributePair(PUMP_ALERT, "none"),
        ]
    )
