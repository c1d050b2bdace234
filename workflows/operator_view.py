"""What an operator reads of a pump in the Web UI: authority, alert and a page of details, from its state alone."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from temporalio.common import SearchAttributePair, TypedSearchAttributes

from domain.commands.command import Authority
from domain.modes import Circuit, Mode
from domain.oem.readings import Condition
from domain.planning.price_plan import jitter
from domain.steering.arbitration import plan_in_force, target_at
from domain.steering.competing import is_left_to_another
from domain.steering.observations import OFFLINE_AFTER
from domain.steering.orders import OrderKind
from domain.steering.overrides import Override, OverrideKind
from domain.steering.pump_state import CircuitState, PumpState
from workflows.contracts import PUMP_ALERT, PUMP_AUTHORITY, PUMP_OEM


def authority_of(state: PumpState, now: datetime) -> str:
    """Who steers the heating now."""
    return target_at(state, now).authority.value


class Alert(StrEnum):
    """What a person should look at, the worst first."""

    COLD = "cold"
    DRIFTING = "drifting"
    COMPETING = "competing"
    OFFLINE = "offline"
    READ_ONLY = "read-only"
    DEAD_LETTER = "dead-letter"
    UNREACHED = "unreached"
    UNVERIFIED = "unverified"
    HELD = "held"
    TOUCHED = "touched"
    NONE = "none"


def alert_of(state: PumpState, now: datetime) -> Alert:
    """The one thing a person should look at first."""
    watch = state.watch
    if watch.is_cold:
        return Alert.COLD
    if any(had.drift is not None and had.drift.is_handed_over for _, had in state.circuits):
        return Alert.DRIFTING
    if is_left_to_another(state, now):
        return Alert.COMPETING
    if watch.silent_since is not None and now - watch.silent_since >= OFFLINE_AFTER:
        return Alert.OFFLINE
    if watch.read_only_until is not None and watch.read_only_until > now:
        return Alert.READ_ONLY
    if state.is_shadowed(now):
        return Alert.HELD  # what stands at the unit is another system's
    if any(had.failed is not None and had.failed.ran_out for _, had in state.circuits):
        return Alert.DEAD_LETTER
    if any(had.failed is not None and had.failed.count >= 2 for _, had in state.circuits):
        return Alert.UNREACHED
    if any(had.settled is None and had.open is None for _, had in state.circuits):
        return Alert.UNVERIFIED
    if any(o.kind in (OrderKind.STOP, OrderKind.BLACKOUT) and o.holds(state.pump_id, now) for o in state.orders):
        return Alert.HELD
    if any(o.kind is OverrideKind.THERMOSTAT and o.until > now for o in state.overrides):
        return Alert.TOUCHED
    return Alert.NONE


def bounded_by(state: PumpState, override: Override, now: datetime) -> str:
    """What keeps an override from being followed to the letter; empty where nothing does."""
    target = target_at(state, now)
    asked = override.mode_at(now, state.site.emitter)
    return target.reason or target.authority.value if target.mode is not asked or target.is_held else ""


def details_of(state: PumpState, now: datetime) -> str:
    """The page of one pump, in Markdown."""
    lines = [line for circuit, had in state.circuits for line in _circuit(state, circuit, had, now)]
    watch = state.watch
    if watch.silent_since is not None:
        lines.append(f"- silent since {_moment(watch.silent_since)}")
    if watch.condition is not Condition.NORMAL:
        lines.append(f"- the unit says: {watch.condition.value}")
    lines += [
        f"- order {o.order_id} by {o.who}: {o.kind.value}{f' at {o.cap.value}' if o.cap else ''} ({o.scope}), {o.why}"
        + (f", lifted {_moment(o.lifted_at)}" if o.lifted_at else "")
        for o in state.orders
    ]
    lines += [
        f"- override {o.override_id} by {o.who} ({o.source.value}): {o.kind.value} {o.mode.value} "
        f"until {_moment(o.until)}, {o.why}"
        for o in state.overrides
    ]
    plan = plan_in_force(state, now)
    if plan is not None and plan.floor is not Mode.MIN and state.site.may_set_back:
        lines.append("- cold snap: neutral or above only, whoever asks")
    if state.refusal:
        lines.append(f"- refused: {state.refusal}")
    if state.plan is not None:
        delay_s = round(jitter(state.pump_id).total_seconds())
        lines.append(f"\nPlan revision {state.plan.revision}, every edge {delay_s} s later here:\n")
        lines += [f"- {s.start:%d %b %H:%M} to {s.end:%H:%M} UTC {s.mode.value}" for s in state.plan.segments]
        lines += [
            f"- {s.start:%d %b %H:%M} to {s.end:%H:%M} UTC hot water {s.mode.value}" for s in state.plan.hot_water
        ]
    return "\n".join(lines)


def _circuit(state: PumpState, circuit: Circuit, had: CircuitState, now: datetime) -> Iterator[str]:
    target = target_at(state, now, circuit)
    what = "" if circuit is Circuit.HEATING else "hot water "
    yield (
        f"**{what}{target.mode.value}** asked for by **{target.authority.value}**"
        + (f" (revision {target.revision})" if target.revision else "")
        + (f": {target.reason}" if target.reason else "")
        + (f", until {_moment(target.until)}" if target.until else "")
        + (", nothing may be written now" if target.is_held else "")
        + "\n"
    )
    seen = had.settled.value if had.settled else "unknown"
    yield f"- last seen: {seen}" + (f" at {_moment(had.settled_at)}" if had.settled_at else "")
    if had.open is not None:
        word = "being replaced" if had.open.cancelling else "being written and verified"
        yield f"- {had.open.command.command_id}: {had.open.command.mode.value}, {word}"
    if had.failed is not None:
        again = f"again at {_moment(had.failed.retry_at)}" if had.failed.retry_at else "given up until another target"
        yield f"- {had.failed.mode.value} failed {had.failed.count}x ({had.failed.reason}); {again}"
    if had.drift is not None:
        steered = "left as it is for now" if had.drift.level is had.settled else "steered back"
        word = "handed to a person" if had.drift.is_handed_over else steered
        yield f"- drifted to {had.drift.level.value} {had.drift.count}x, last {_moment(had.drift.at)}: {word}"


def _moment(moment: datetime) -> str:
    return f"{moment:%d %b %H:%M} UTC"


def first_search_attributes(oem: str) -> TypedSearchAttributes:
    """What a pump's workflow is started with, so that a list shows it before its first decision."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(PUMP_OEM, oem),
            SearchAttributePair(PUMP_AUTHORITY, Authority.NEUTRAL.value),
            SearchAttributePair(PUMP_ALERT, Alert.NONE.value),
        ]
    )
