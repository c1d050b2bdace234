"""Which acts of people and operators a pump refuses, and why: asked before an act is sent, taken, and decided upon.

Protects: a refused act changes nothing, and whoever asked reads one sentence with the way out.
"""

from datetime import datetime

from domain.steering.orders import problem_with_order
from domain.steering.overrides import problem_with
from domain.steering.pump_state import (
    Event,
    OrderGiven,
    OrderLifted,
    OverrideEnded,
    OverrideRequested,
    PumpState,
    RetireRequested,
    RetryRequested,
    SteeringConsent,
)

MOST_ORDERS = 16
"""Orders that may stand on a pump at a time."""
MOST_OVERRIDES = 64
"""Overrides that may run on a pump at a time: a caller that asks every minute must not make its state grow for ever."""


def problem_with_act(state: PumpState, event: Event, now: datetime) -> str | None:
    """Why a pump refuses `event` at `now`, as a sentence; None where it does not. Not for what merely happens."""
    if state.retired or (state.retiring and not isinstance(event, OrderLifted)):
        return "this pump is retired and steered no more"
    match event:
        case OverrideRequested() if state.is_shadowed(now):
            return "this pump is in shadow mode, and another system steers it: cut it over first"
        case OverrideRequested(override=override):
            running = [o.override_id for o in state.overrides if o.until > now]
            if len(running) >= MOST_OVERRIDES and override.override_id not in running:
                return f"{MOST_OVERRIDES} overrides run on this pump already: end some first, or all of them"
            return problem_with(override, now)
        case OverrideEnded(override_id=override_id):
            return _no_override(state, override_id, now)
        case OrderGiven(order=order):
            if len(state.orders) >= MOST_ORDERS and all(o.order_id != order.order_id for o in state.orders):
                return f"{MOST_ORDERS} orders stand on this pump already: lift one first"
            return problem_with_order(order, now)
        case SteeringConsent(opted_out=opted_out) if opted_out is state.opted_out:
            return "this pump is opted out already" if opted_out else "this pump is steered already"
        case RetryRequested(circuit=circuit) if state.circuit(circuit) is None:
            return f"this pump has no {circuit.value.replace('_', ' ')} lever"
        case RetireRequested() | _:
            return None


def _no_override(state: PumpState, override_id: str | None, now: datetime) -> str | None:
    running = {o.override_id for o in state.overrides if o.until > now}
    if override_id is None:
        return None if running else "no override is in force on this pump"
    if override_id in running:
        return None
    return f"override {override_id} is not in force: {', '.join(sorted(running)) or 'none'} is"
