"""What a pump should do now, and by whose authority: the one place that arbitrates between everybody's requests.

Protects: the outcome depends on who asks and when, never on the order in which requests came in. From strong to weak:
the unit's own protection, the room and tank floors, opted out or in service, grid and home limits (a cap, never below
the floor), the newest household override, support on its behalf, an operator's stop, the plan, neutral.
"""

from dataclasses import replace
from datetime import datetime

from domain.commands.command import Authority
from domain.modes import Circuit, HotWaterMode, Level, Mode, at_least, at_most, neutral_of
from domain.oem.readings import Condition
from domain.planning.price_plan import PricePlan, in_force, jitter
from domain.steering.competing import is_left_to_another
from domain.steering.orders import Order, OrderKind
from domain.steering.overrides import Override, OverrideKind, strongest
from domain.steering.pump_state import CircuitState, PumpState
from domain.steering.target import Target

_BY_CONDITION = {
    Condition.UPDATING: (Authority.SERVICE, True, "its firmware is being changed"),
    Condition.INSTALLER: (Authority.SERVICE, False, "somebody works on the unit"),
    Condition.OFF: (Authority.OUTSIDE, False, "its heating was switched off at the unit"),
    Condition.REMOTE_DISABLED: (Authority.OUTSIDE, True, "remote control was switched off"),
    Condition.AWAY: (Authority.OUTSIDE, False, "away mode was set at the unit"),
    Condition.EXTERNAL: (Authority.COMPETING, False, "another controller moves it"),
}
"""Who steers under a condition, whether even a restore must wait, and why."""
_ANOTHER_AT_THE_LEVER = (Authority.COMPETING, False, "it is set again and again, as by another controller")
NOT_TO_BE_GIVEN_BACK = "the household's own setting lies beyond what can be written, and could not be given back"
NO_TURN = "another pump of the home has the power today"


def target_at(state: PumpState, now: datetime, circuit: Circuit = Circuit.HEATING) -> Target:
    """The newest valid target for a circuit, within what protects people, pump and grid."""
    read_only_until = state.watch.read_only_until
    is_read_only = read_only_until is not None and read_only_until > now
    condition = _BY_CONDITION.get(Condition.REMOTE_DISABLED if is_read_only else state.watch.condition)
    competing_until = state.watch.competing_until if is_left_to_another(state, now) else None
    if condition is None and competing_until is not None:
        condition = _ANOTHER_AT_THE_LEVER
    target = _asked_for(state, now, circuit)
    if target.authority is not Authority.OPTED_OUT and condition is None:
        target = _bounded(state, target, now, circuit)
    elif condition is not None:
        target = _under(condition, state, target, circuit)
        ends = _earliest(target.until, read_only_until if is_read_only else None, competing_until)
        target = replace(target, until=ends)
    return _in_shadow(state, _without_power(state, target, now), now, circuit)


def _under(condition: tuple[Authority, bool, str], state: PumpState, target: Target, circuit: Circuit) -> Target:
    """Only a restore may be written; where a setting is not ours, whoever is at the unit made it, and it stays."""
    authority, held, why = condition
    had = state.circuit(circuit)
    is_theirs = had is not None and had.settled is None and had.open is None
    if target.authority is Authority.OPTED_OUT:
        return replace(target, is_held=held or is_theirs)
    return Target(mode=neutral_of(circuit), authority=authority, until=None, is_held=held or is_theirs, reason=why)


def _without_power(state: PumpState, target: Target, now: datetime) -> Target:
    """Nothing is written in a blackout."""
    blackouts = _standing(state, OrderKind.BLACKOUT, now)
    if not blackouts:
        return target
    until = _earliest(target.until, *(o.ends_at(state.pump_id) for o in blackouts))
    why = f"no power ({blackouts[0].scope})"
    return replace(target, is_held=True, until=until, reason=why)


def _in_shadow(state: PumpState, target: Target, now: datetime, circuit: Circuit) -> Target:
    """Nothing is written while another system steers, not even a restore: what moves the lever is that system."""
    shadows = _standing(state, OrderKind.SHADOW, now)
    if not shadows:
        return target
    until = _earliest(*(o.ends_at(state.pump_id) for o in shadows))
    why = "in shadow mode: another system steers"
    return Target(mode=neutral_of(circuit), authority=Authority.COMPETING, until=until, is_held=True, reason=why)


def _asked_for(state: PumpState, now: datetime, circuit: Circuit) -> Target:
    neutral = neutral_of(circuit)
    if state.retiring or state.retired or state.opted_out:
        why = "opted out" if state.opted_out else "retired"
        return Target(mode=neutral, authority=Authority.OPTED_OUT, until=None, reason=why)
    override = strongest(state.overrides, now, circuit)
    if override is not None:
        level = _level_of(override, state, now, circuit)
        if level is not None:
            return Target(
                mode=level,
                authority=_AUTHORITY.get(override.kind, Authority.OVERRIDE),
                until=override.next_change(now, state.site.emitter),
                is_urgent=override.kind is OverrideKind.EMERGENCY,
                reason=f"{override.kind.value} of {override.who}",
            )
    planned = _planned(state, now, circuit)
    if override is not None:  # it leaves this circuit to the plan, and what it outranks may not, once it has ended
        until = _earliest(planned.until, override.next_change(now, state.site.emitter))
        planned = replace(planned, until=until)
    stop = next((o for o in _standing(state, OrderKind.STOP, now) if o.revision in (None, planned.revision)), None)
    if stop is None:
        return planned
    return Target(
        mode=neutral,
        authority=Authority.NEUTRAL,
        until=_earliest(planned.until, stop.ends_at(state.pump_id)),
        reason=f"stopped ({stop.scope})",
    )


_AUTHORITY = {OverrideKind.VACATION: Authority.VACATION, OverrideKind.THERMOSTAT: Authority.OUTSIDE}


def _level_of(override: Override, state: PumpState, now: datetime, circuit: Circuit) -> Level | None:
    if circuit is Circuit.HEATING:
        return override.mode_at(now, state.site.emitter)
    return override.hot_water_at(now, state.site.emitter)


def _planned(state: PumpState, now: datetime, circuit: Circuit) -> Target:
    """The plan of the highest revision that speaks of now, on its jittered edges; neutral without one."""
    delay = jitter(state.pump_id)
    plan_time = now - delay
    plan = plan_in_force(state, now)
    edges = [p.first_slot for p in state.plans if p.first_slot > plan_time]
    if plan is None:
        until = min(edges) + delay if edges else None
        return Target(mode=neutral_of(circuit), authority=Authority.NEUTRAL, until=until, reason="no plan")
    edge = min([e for e in (plan.next_edge(circuit, plan_time), *edges) if e is not None], default=None)
    return Target(
        mode=plan.level_at(circuit, plan_time),
        authority=Authority.PLAN,
        until=edge + delay if edge else None,
        revision=plan.revision,
    )


def plan_in_force(state: PumpState, now: datetime) -> PricePlan | None:
    """The plan of the highest revision that speaks of now."""
    return in_force(state.plans, state.pump_id, now)


def _standing(state: PumpState, kind: OrderKind, now: datetime) -> tuple[Order, ...]:
    return tuple(o for o in state.orders if o.kind is kind and o.holds(state.pump_id, now))


def _bounded(state: PumpState, target: Target, now: datetime, circuit: Circuit) -> Target:
    """The target under caps from above and floors from below; neutral where nothing could be given back afterwards."""
    had, neutral = state.circuit(circuit), neutral_of(circuit)
    if had is not None and target.mode is not neutral and not had.lever.can_be_given_back:
        return replace(target, mode=neutral, authority=Authority.NEUTRAL, reason=NOT_TO_BE_GIVEN_BACK)
    capping = [o for o in state.orders if o.highest is not None and o.holds(state.pump_id, now)]
    ends = [o.ends_at(state.pump_id) for o in capping]
    turn = state.site.home
    has_turn = turn is None or turn.has_turn(now)
    ends.append(turn.next_turn(now) if turn is not None else None)
    if circuit is Circuit.HOT_WATER:
        dimming = next((o for o in capping if o.kind is OrderKind.SECTION_14A), None)
        is_capped = any(o.kind is not OrderKind.SECTION_14A for o in capping)
        no_boost = NO_TURN if not has_turn else "" if dimming is None else f"{dimming.what} ({dimming.scope})"
        bounded = _bounded_hot_water(state, target, is_capped=is_capped, no_boost=no_boost)
        until = _earliest(target.until, *ends)
        return bounded if until == bounded.until else replace(bounded, until=until)
    assert isinstance(target.mode, Mode)
    mode, reason, authority = target.mode, target.reason, target.authority
    for order in capping:
        assert order.highest is not None
        if at_most(mode, order.highest) is not mode:
            what = order.what if order.kind is OrderKind.SECTION_14A else order.kind.value
            mode, authority, reason = order.highest, Authority.LIMITED, f"{what} ({order.scope})"
    if not has_turn and at_most(mode, Mode.LOW) is not mode:
        mode, authority, reason = Mode.LOW, Authority.LIMITED, NO_TURN
    cool_until = state.watch.cool_until
    ends.append(cool_until if cool_until is not None and cool_until > now else None)
    until = _earliest(target.until, *ends, _next_floor(state, now))
    floor, why = _floor(state, target.authority, now)
    if at_least(mode, floor) is not mode:
        mode, reason, authority = floor, why, Authority.NEUTRAL
    if (mode, authority, reason, until) == (target.mode, target.authority, target.reason, target.until):
        return target
    return replace(target, mode=mode, authority=authority, reason=reason, until=until)


def forbidden(state: PumpState, level: Level, now: datetime, circuit: Circuit) -> Target | None:
    """What stands where a plan asks for `level`, if a floor or a limit forbids it; None where it is allowed."""
    plain = Target(mode=level, authority=Authority.PLAN, until=None)
    bounded = _bounded(state, plain, now, circuit)
    return None if bounded.mode is level else bounded


def _floor(state: PumpState, authority: Authority, now: datetime) -> tuple[Mode, str]:
    """The lowest mode allowed, and why."""
    if state.watch.is_cold:
        return Mode.LOW, "a room is below its floor"
    cool_until = state.watch.cool_until
    is_cool = cool_until is not None and now < cool_until and not is_set_back(state.heating)
    if is_cool and authority is not Authority.VACATION:
        return Mode.LOW, "a room was too cool for a set-back to begin that it might be stuck with"
    plan = plan_in_force(state, now)
    if plan is not None and plan.floor is not Mode.MIN:
        return plan.floor, "cold snap"
    is_safe = state.site.may_set_back_empty if authority is Authority.VACATION else state.site.may_set_back
    if not is_safe:
        return Mode.LOW, "a set-back would not be safe to be stuck with here"
    return Mode.MIN, ""


def is_set_back(had: CircuitState) -> bool:
    """Whether a set-back has begun: it is judged by the room it began in, not by how it falls since."""
    return had.settled is Mode.MIN or (had.open is not None and had.open.command.mode is Mode.MIN)


def _next_floor(state: PumpState, now: datetime) -> datetime | None:
    """When a plan's floor next begins or ends; it binds people's overrides too, so their own ends do not tell."""
    if all(plan.floor is Mode.MIN for plan in state.plans):
        return None
    delay = jitter(state.pump_id)
    # Of all plans: a newer one without a floor ends an older one's floor where it begins.
    edges = [edge + delay for plan in state.plans for edge in (plan.first_slot, plan.valid_until)]
    return min((edge for edge in edges if edge > now), default=None)


def _bounded_hot_water(state: PumpState, target: Target, *, is_capped: bool, no_boost: str) -> Target:
    """`no_boost`: why no boost is allowed; empty where it is."""
    assert isinstance(target.mode, HotWaterMode)
    is_cold = state.watch.is_tank_cold
    if is_capped and (not is_cold or target.mode is HotWaterMode.BOOST):
        level = HotWaterMode.NORMAL if is_cold else HotWaterMode.HOLD
        return replace(target, mode=level, authority=Authority.LIMITED, reason="the grid is limited")
    if target.mode is HotWaterMode.BOOST and no_boost:
        return replace(target, mode=HotWaterMode.NORMAL, authority=Authority.LIMITED, reason=no_boost)
    if is_cold and target.mode is HotWaterMode.HOLD:
        return replace(target, mode=HotWaterMode.NORMAL, authority=Authority.NEUTRAL, reason="the tank is cold")
    return target


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((m for m in moments if m is not None), default=None)
