"""From a decision to the journal entries that record it.

Protects: an entry is written exactly where a target, a bound or what they rest on changed, so a quiet pump writes
little and no change is missed.
"""

from collections.abc import Mapping
from datetime import datetime

from domain.modes import Circuit, Mode
from domain.oem.readings import Condition
from domain.steering.arbitration import is_set_back, plan_in_force, target_at
from domain.steering.competing import is_left_to_another
from domain.steering.journal import BaselineSetting, JournalEntry, Standing
from domain.steering.overrides import strongest
from domain.steering.pump_state import PumpState
from domain.steering.target import Bound, BoundKind, Decided


def with_entries(
    before: PumpState, after: PumpState, event: str, now: datetime, waits: Mapping[Circuit, Bound]
) -> PumpState:
    """`after` with what was decided upon `event` added to its journal.

    `waits`: what keeps the pump from acting on a circuit's target yet.
    """
    is_first = before.last_entry == 0
    standing = standing_of(after) if is_first or _rests_on(before) != _rests_on(after) else None
    number, entries = after.last_entry, []
    for circuit, had in after.circuits:
        target = target_at(after, now, circuit)
        decided = Decided(
            target=target,
            lever=had.lever.name,
            setting=had.lever.setting_for(target.mode),
            baseline=had.lever.baseline,
            bounds=(*bounds_in_force(after, now, circuit), *([waits[circuit]] if circuit in waits else [])),
        )
        if decided == before.decided.get(circuit) and standing is None:
            continue
        number += 1
        entries.append(
            JournalEntry(
                pump_id=after.pump_id,
                number=number,
                at=now,
                event=event,
                circuit=circuit,
                decided=decided,
                standing=standing,
            )
        )
        standing = None
    if not entries:
        return after
    decided_now = after.decided | {entry.circuit: entry.decided for entry in entries}
    update = {"decided": decided_now, "last_entry": number, "journal": (*after.journal, *entries)}
    return after.model_copy(update=update)


def bounds_in_force(state: PumpState, now: datetime, circuit: Circuit) -> tuple[Bound, ...]:
    """Every limit that the circuit's target is held against now, whether or not it changes it."""
    bounds = [
        Bound(kind=BoundKind.ORDER, until=order.ends_at(state.pump_id), what=order.order_id)
        for order in state.orders
        if order.holds(state.pump_id, now)
    ]
    if state.opted_out or state.retiring or state.retired:
        return tuple(bounds)
    watch, home = state.watch, state.site.home
    if watch.read_only_until is not None and watch.read_only_until > now:
        return (*bounds, Bound(kind=BoundKind.READ_ONLY, until=watch.read_only_until))
    if watch.condition is not Condition.NORMAL:
        return (*bounds, Bound(kind=BoundKind.CONDITION, what=watch.condition.value))
    if is_left_to_another(state, now):
        return (*bounds, Bound(kind=BoundKind.CONDITION, until=watch.competing_until, what=Condition.EXTERNAL.value))
    if override := strongest(state.overrides, now, circuit):
        bounds.append(Bound(kind=BoundKind.OVERRIDE, until=override.until, what=override.override_id))
    if home is not None and not home.has_turn(now):
        bounds.append(Bound(kind=BoundKind.TURN, until=home.next_turn(now)))
    return (*bounds, *(_room_bounds(state, now) if circuit is Circuit.HEATING else _tank_bounds(state)))


def _room_bounds(state: PumpState, now: datetime) -> list[Bound]:
    bounds, cool_until, plan = [], state.watch.cool_until, plan_in_force(state, now)
    if state.watch.is_cold:
        bounds.append(Bound(kind=BoundKind.ROOM_FLOOR))
    if cool_until is not None and cool_until > now and not is_set_back(state.heating):
        bounds.append(Bound(kind=BoundKind.COOL_DOWN, until=cool_until))
    if plan is not None and plan.floor is not Mode.MIN:
        bounds.append(Bound(kind=BoundKind.COLD_SNAP, until=plan.valid_until))
    if not state.site.may_set_back:
        bounds.append(Bound(kind=BoundKind.STUCK_SAFETY))
    return bounds


def _tank_bounds(state: PumpState) -> list[Bound]:
    return [Bound(kind=BoundKind.TANK_FLOOR)] if state.watch.is_tank_cold else []


def standing_of(state: PumpState) -> Standing:
    """What the pump's targets rest on now."""
    return Standing(
        plans=tuple(plan.revision for plan in state.plans),
        overrides=state.overrides,
        orders=state.orders,
        watch=state.watch.model_copy(update={"as_of": None, "stamp": None}),
        manual_changes=state.touches,
        baselines={
            circuit: BaselineSetting(setting=had.lever.baseline, at=had.baseline_at, stamp=had.baseline_stamp)
            for circuit, had in state.circuits
        },
        band=state.site.band,
        opted_out=state.opted_out,
        retiring_since=state.retiring_since,
        retired=state.retired,
    )


def _rests_on(state: PumpState) -> tuple[object, ...]:
    """What `standing_of` is made from, to be compared without making it."""
    watch = state.watch
    return (
        tuple(plan.revision for plan in state.plans),
        state.overrides,
        state.orders,
        (watch.condition, watch.silent_since, watch.is_cold, watch.is_tank_cold),
        (watch.read_only_until, watch.cool_until),
        state.touches,
        tuple((had.lever.baseline, had.baseline_at) for _, had in state.circuits),
        state.site.band,
        state.opted_out,
        state.retiring_since,
        state.retired,
    )


def restored(state: PumpState, standing: Standing, now: datetime) -> PumpState:
    """A new workflow's first state with what the journal says of the one before; plans are delivered anew."""
    for circuit, had in state.circuits:
        if baseline := standing.baselines.get(circuit):
            known = {
                "lever": had.lever.model_copy(update={"baseline": baseline.setting}),
                "baseline_at": baseline.at,
                "baseline_stamp": baseline.stamp,
            }
            state = state.with_circuit(circuit, had.model_copy(update=known))
    return state.model_copy(
        update={
            "site": state.site.model_copy(update={"band": standing.band}),
            "overrides": tuple(override for override in standing.overrides if override.until > now),
            "watch": standing.watch,
            "touches": standing.manual_changes,
            "opted_out": standing.opted_out,
            "retiring": standing.retiring_since is not None,
            "retiring_since": standing.retiring_since,
        }
    )
