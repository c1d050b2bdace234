"""What an observation means: our own setting, a drift, a person's hand, a unit gone silent, a room too cold.

Protects: people win. A setting that none of ours explains is a person's, becomes the baseline, and is left alone for a
while; a setting of ours that comes back is a drift and is steered back a few times; the same one coming back again is
somebody who insists. What is old or under way explains nothing.
"""

from datetime import datetime, timedelta

from domain.commands.command import CommandEvent, EventKind
from domain.modes import Circuit, Level, Mode, neutral_of
from domain.oem.readings import Condition
from domain.steering.competing import MANUAL_CHANGE, is_another_controller, is_left_to_another, left_to_it
from domain.steering.expiry import has_lapsed
from domain.steering.overrides import Override, OverrideKind, OverrideSource, asked_of
from domain.steering.pump_state import CircuitState, Drift, Observed, PumpState, SeenLever, TemporarySetting
from domain.steering.watch import Watch

TOUCH_HOLDS = (timedelta(hours=4), timedelta(hours=8), timedelta(hours=24))
"""For how long a person's setting stands, by how many they made within `REMEMBERED_FOR`."""
REMEMBERED_FOR = timedelta(hours=24)
"""Manual changes within this window lengthen the next hold."""
DRIFT_MEMORY = timedelta(hours=12)
"""Drifts within this of each other are counted as one story."""
DRIFT_PAUSE = timedelta(minutes=15)
"""Before a second and third steering back; doubled each time."""
OFFLINE_AFTER = timedelta(hours=1)
"""A shorter silence is the vendor's flapping and no operator's business."""
HANDED_OVER_FOR = timedelta(hours=24)
"""A pump that keeps drifting is left to a person for so long."""
INSISTS_WITHIN = timedelta(hours=6)
LANDS_WITHIN = timedelta(hours=3)
"""After a command was decided: its useful time, and the longest that a vendor's write was seen to take."""
CLOCK_SET_BACK = timedelta(minutes=30)
"""A stamp that lies so far behind the one before is of a clock that was set, and no picture that came late."""
COLD_HYSTERESIS_K = 0.3
TANK_FLOOR_C = 38.0
"""A tank below this makes no comfortable shower; nothing of ours holds it back then."""
TANK_HYSTERESIS_K = 2.0


def take_observation(state: PumpState, seen: Observed, now: datetime) -> PumpState:
    """The state after an observation."""
    if state.retired:
        return state
    stamp = seen.stamp or seen.as_of
    if seen.as_of > now:
        seen = seen.model_copy(update={"as_of": now})  # a clock ahead of ours must not outdate what honest ones say
    if state.watch.as_of is not None and seen.as_of < state.watch.as_of:
        return state
    if seen.silent:
        since = state.watch.silent_since or seen.as_of
        return state.model_copy(update={"watch": state.watch.model_copy(update={"silent_since": since})})
    if _is_out_of_order(state.watch.stamp, stamp, seen.as_of):
        return state
    was_silent = state.watch.silent_since is not None
    was = state.watch.condition
    # Of a clock that is ahead, a reading reported twice would seem newer than what was done about it meanwhile.
    is_new = stamp != state.watch.stamp
    state = state.model_copy(update={"watch": _watched(state, seen, stamp)})
    for circuit, had in state.circuits:
        lever = next((one for one in seen.levers if one.circuit is circuit), None)
        kept = had
        if was_silent or (was is not Condition.NORMAL and seen.condition is Condition.NORMAL):
            # It can be reached again: the newest target at once, but for one that a person gave up meanwhile.
            is_given_up = had.failed is not None and had.failed.retry_at is None and was is Condition.NORMAL
            kept = had if is_given_up else had.model_copy(update={"failed": None})
        state = state.with_circuit(circuit, kept)
        if lever is not None and is_new:
            state = _take_lever(state, kept, lever, seen, now)
    return state


def _is_out_of_order(known: datetime | None, stamp: datetime, as_of: datetime) -> bool:
    """Whether a picture of a clock that is ahead comes after a newer one of the same clock.

    Its time in ours is only known to be no later than the look, so that it would seem newer than what was seen before.
    """
    return known is not None and stamp > as_of and timedelta() < known - stamp < CLOCK_SET_BACK


def _watched(state: PumpState, seen: Observed, stamp: datetime) -> Watch:
    watch, floor_c = state.watch, state.site.floor_c(seen.as_of)
    is_cold, is_tank_cold = watch.is_cold, watch.is_tank_cold
    is_back = watch.condition is Condition.REMOTE_DISABLED and seen.condition is Condition.NORMAL
    if seen.room_c is not None:
        is_cold = seen.room_c < floor_c + (COLD_HYSTERESIS_K if is_cold else 0.0)
    if seen.hot_water_c is not None:
        is_tank_cold = seen.hot_water_c < TANK_FLOOR_C + (TANK_HYSTERESIS_K if is_tank_cold else 0.0)
    return Watch(
        as_of=seen.as_of,
        condition=seen.condition,
        is_cold=is_cold,
        competing_until=watch.competing_until,
        cool_until=watch.cool_until,
        is_tank_cold=is_tank_cold,
        stamp=stamp,
        read_only_until=None if is_back else watch.read_only_until,
    )


def _take_lever(state: PumpState, had: CircuitState, lever: SeenLever, seen: Observed, now: datetime) -> PumpState:
    """Believe a setting only where no command of ours is open and it is newer than what we last did."""
    if had.open is not None or (had.settled_at is not None and seen.as_of <= had.settled_at):
        return state
    if _still_stands(had, lever):
        return state.with_circuit(lever.circuit, had.model_copy(update={"settled_at": seen.as_of}))
    if had.temporary is not None and lever.setting == had.lever.baseline:
        state, had = _without_temporary(state, lever.circuit, had)
    level = had.level_of(lever.setting)
    if level is not None and level is had.settled:
        is_over = had.drift is not None and now > max(had.drift.at + DRIFT_MEMORY, had.drift.retry_at)
        calm = had.model_copy(update={"settled_at": seen.as_of, "drift": None if is_over else had.drift})
        return state.with_circuit(lever.circuit, calm)
    if has_lapsed(lever.circuit, had, level, seen.as_of):
        lapsed = had.model_copy(update={"settled": level, "settled_at": seen.as_of})
        return state.with_circuit(lever.circuit, lapsed)
    was_neutral = had.settled is neutral_of(lever.circuit)
    may_be_ours = level in (neutral_of(lever.circuit), had.last.mode if had.last is not None else None)
    if level is not None and had.settled is None and (may_be_ours or seen.condition is Condition.NORMAL):
        learnt = had.model_copy(update={"settled": level, "settled_at": seen.as_of})
        return state.with_circuit(lever.circuit, learnt)
    if seen.condition is not Condition.NORMAL or state.is_shadowed(now) or is_left_to_another(state, now):
        # Away mode, another controller, an installer or the system that steers while we observe explains it; it is
        # checked again once they have gone. What moved after it was seen in neutral is theirs, whatever its value:
        # restoring it again would be a fight.
        kept = None if was_neutral or had.settled is None else level
        theirs = had.model_copy(update={"settled": kept, "settled_at": seen.as_of})
        return state.with_circuit(lever.circuit, theirs)
    is_left_alone = state.opted_out and was_neutral and _is_long_done(had, seen.as_of)
    # What ends by itself was set for a while, and by nobody of us where nothing of ours stands.
    is_theirs = lever.ends_at is not None and was_neutral and _is_long_done(had, seen.as_of)
    if level is None or is_left_alone or is_theirs:
        return touched(state, lever, seen.as_of)
    drift = _next_drift(had, level, seen.as_of)
    is_harmful = level is Mode.MIN and state.watch.is_cold
    if _insists(had, level, seen.as_of) and not drift.is_handed_over and not is_harmful:
        # Still counted: a unit that falls back again and again is no household, and a person has to look.
        return touched(state, lever, seen.as_of, drift.model_copy(update={"level": neutral_of(lever.circuit)}))
    return _drifted(state, had, lever, drift)


def _still_stands(had: CircuitState, lever: SeenLever) -> bool:
    """Whether a person's temporary setting is seen once more: it is known already."""
    known = had.temporary
    return known is not None and lever.setting == known.setting and lever.ends_at in (None, known.ends_at)


def _without_temporary(state: PumpState, circuit: Circuit, had: CircuitState) -> tuple[PumpState, CircuitState]:
    """The end of a person's temporary setting, by itself or by them: no change of theirs, and its hold is over."""
    assert had.temporary is not None
    ended = had.model_copy(update={"temporary": None})
    left = tuple(o for o in state.overrides if o.override_id != had.temporary.hold_id)
    return state.with_circuit(circuit, ended).model_copy(update={"overrides": left}), ended


def _insists(had: CircuitState, level: Level, as_of: datetime) -> bool:
    """Whether a setting that we corrected came back: once may be a fault, twice is somebody's hand."""
    drift = had.drift
    return drift is not None and drift.level is level and as_of - drift.at < INSISTS_WITHIN


def _is_long_done(had: CircuitState, as_of: datetime) -> bool:
    """Whether nothing that we ever wrote can still land."""
    return had.last is None or as_of - had.last.decided_at > LANDS_WITHIN


def _next_drift(had: CircuitState, level: Level, as_of: datetime) -> Drift:
    is_known = had.drift is not None and as_of - had.drift.at < DRIFT_MEMORY
    count = had.drift.count + 1 if had.drift is not None and is_known else 1
    pause = timedelta() if count == 1 else DRIFT_PAUSE * 2 ** (count - 2)
    drift = Drift(level=level, count=count, at=as_of, retry_at=as_of + pause)
    return drift.model_copy(update={"retry_at": as_of + HANDED_OVER_FOR}) if drift.is_handed_over else drift


def hold_of(circuit: Circuit, setting: float, at: datetime, nth: int) -> Override:
    """The target that a setting by hand stands for: `nth` within a day, from 1 on, and the longer the more often."""
    mode, hot_water = asked_of(OverrideKind.THERMOSTAT)
    return Override(
        override_id=f"{MANUAL_CHANGE}{circuit.value}-{at:%Y%m%dT%H%M%S}",
        source=OverrideSource.HOUSEHOLD,
        kind=OverrideKind.THERMOSTAT,
        mode=mode,
        hot_water=hot_water,
        circuit=circuit,
        requested_at=at,
        until=at + TOUCH_HOLDS[min(nth, len(TOUCH_HOLDS)) - 1],
        who="somebody at the pump",
        why=f"set to {setting:g} by hand",
    )


def touched(state: PumpState, lever: SeenLever, as_of: datetime, drift: Drift | None = None) -> PumpState:
    """The state after a person set a lever: their setting is the baseline, and stands for a while.

    One that ends by itself becomes no baseline: it stands until then, and its end is no second change.
    `drift`: what stays in memory where it may have been no person.
    """
    had = state.circuit(lever.circuit)
    assert had is not None, "only circuits that exist are seen"
    touches = (*(at for at in state.touches if as_of - at < REMEMBERED_FOR), as_of)
    is_first = len(touches) == 1 or had.baseline_before is None
    standing = hold_of(lever.circuit, lever.setting, as_of, len(touches))
    update: dict[str, object] = {
        "settled": neutral_of(lever.circuit),
        "settled_at": as_of,
        "drift": drift,
        "failed": None,
        "temporary": None,
        "baseline_before": had.lever.baseline if is_first else had.baseline_before,
    }
    if lever.ends_at is not None and lever.ends_at > as_of:
        standing = standing.model_copy(update={"until": lever.ends_at})
        update["temporary"] = TemporarySetting(
            setting=lever.setting, ends_at=lever.ends_at, hold_id=standing.override_id
        )
    else:
        update |= {
            "lever": had.lever.model_copy(update={"baseline": lever.setting}),
            "baseline_at": as_of,
            "baseline_stamp": state.watch.stamp or as_of,
        }
    theirs = had.model_copy(update=update)
    same = [o for o in state.overrides if o.kind is OverrideKind.THERMOSTAT and o.circuit in (None, lever.circuit)]
    others = tuple(o for o in state.overrides if o not in same or o.until > standing.until)
    state = state.with_circuit(lever.circuit, theirs).model_copy(
        update={"touches": touches, "overrides": (*others, standing)}
    )
    reason = f"a person set it to {lever.setting:g}"
    if is_another_controller(touches):
        state = left_to_it(state, as_of)
        reason = (
            f"set to {lever.setting:g}, the {len(touches)}th time in a day: another controller, left to it for a day"
        )
    return noted(state, EventKind.TOUCHED, as_of, reason, had, lever.setting)


def _drifted(state: PumpState, had: CircuitState, lever: SeenLever, drift: Drift) -> PumpState:
    was = "unknown" if had.settled is None else had.settled.value
    fallen = had.model_copy(update={"settled": drift.level, "settled_at": drift.at, "drift": drift})
    reason = f"seen in {drift.level.value} after {was}, and nobody explains it ({drift.count}x)"
    return noted(state.with_circuit(lever.circuit, fallen), EventKind.DRIFTED, drift.at, reason, had, lever.setting)


def noted(
    state: PumpState,
    kind: EventKind,
    at: datetime,
    reason: str,
    circuit: CircuitState | None = None,
    setting: float | None = None,
) -> PumpState:
    """The state with a line for the ledger on something that is no step of a command."""
    note = state.last_note + 1
    last = circuit.last if circuit is not None else None
    line = CommandEvent(
        command_id=last.command_id if last is not None else f"{state.pump_id}-c00000",
        pump_id=state.pump_id,
        at=at,
        kind=kind,
        write_no=note,
        lever=circuit.lever.name if circuit is not None else None,
        setting=setting,
        reason=reason[:400],
    )
    return state.model_copy(update={"last_note": note, "outbox": (*state.outbox, line)})
