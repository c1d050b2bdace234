"""From a pump's state to what is done: each circuit's target against what is, and start, cancel or wait.

Protects: never more than one command open on a lever; a plan never moves a pump inside its dwell or more often than a
day may hold; nothing is written where nothing may be.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from domain.commands.command import USEFUL_FOR, Authority, Command, CommandEvent, EventKind
from domain.modes import Circuit, Mode, neutral_of
from domain.oem.readings import Condition
from domain.steering.arbitration import forbidden, target_at
from domain.steering.expiry import lapses_at, lapses_soon, renewed_at
from domain.steering.observations import OFFLINE_AFTER, noted
from domain.steering.pump_state import CircuitState, Decision, FailedTarget, OpenCommand, PumpState
from domain.steering.target import Bound, BoundKind, Target

MIN_RUN = timedelta(minutes=60)
"""A plan keeps a raised mode at least this long."""
MIN_PAUSE = timedelta(minutes=30)
"""A plan keeps a set-back or neutral at least this long."""
MAX_PLAN_CHANGES = 8
"""Plan-made changes of a circuit in any 24 hours; beyond them it stays neutral."""
WORTH_STARTING = timedelta(minutes=6)
"""A plan's target that ends sooner is not begun: the jitter of a plan's edge leaves such slivers after an override."""
COLD_RETRY = timedelta(hours=1)
"""A setting that keeps falling back to a set-back is lifted this often where a room is below its floor."""
RETIRE_UNSEEN_AFTER = timedelta(hours=24)
"""A unit that could not be seen for so long is retired as it was last seen."""
SILENT_RETRY = timedelta(hours=2)
"""A silent pump is written to this seldom: what brings it back is the observation that it reports again."""


def follow(state: PumpState, now: datetime) -> Decision:
    """Compare each circuit's target with what is, and start, cancel or wait."""
    if state.retired:
        return Decision(state=state)
    if state.retiring and not state.has_open and state.is_shadowed(now):
        return Decision(state=state.model_copy(update={"retired": True}))  # nothing of ours is to be taken back
    silent_since = state.watch.silent_since
    if state.retiring and silent_since and now >= silent_since + RETIRE_UNSEEN_AFTER and not state.has_open:
        return Decision(state=_let_go_unseen(state, silent_since, now))
    wakes = [silent_since + OFFLINE_AFTER if silent_since else None]
    starts: tuple[Command, ...] = ()
    cancels: tuple[Circuit, ...] = ()
    waits: dict[Circuit, Bound] = {}
    for circuit in tuple(name for name, _ in state.circuits):
        part = _follow(state, circuit, now)
        state, starts, cancels = part.state, starts + part.starts, cancels + part.cancels
        waits |= part.waits
        wakes.append(part.wake_at)
    if state.retiring:
        # What moved while nobody could see it is put back before the pump is let go, where it comes back in time.
        unseen_until = silent_since + RETIRE_UNSEEN_AFTER if silent_since else now
        is_neutral = all(h.open is None and h.settled is neutral_of(c) for c, h in state.circuits)
        owes_a_look = any(_owes_a_look(state, h, now) for _, h in state.circuits)
        owes_a_look = owes_a_look and not target_at(state, now).is_held
        if is_neutral and not owes_a_look and now >= unseen_until:
            return Decision(state=state.model_copy(update={"retired": True}))
        wakes.append(unseen_until)
        if owes_a_look and state.retiring_since is not None:
            wakes.append(state.retiring_since + RETIRE_UNSEEN_AFTER)
    return Decision(state=state, starts=starts, cancels=cancels, wake_at=_earliest(now, *wakes), waits=waits)


def _let_go_unseen(state: PumpState, silent_since: datetime, now: datetime) -> PumpState:
    """Retired though it was not seen in neutral; what it may have been left in is written down for a person."""
    left = [
        f"{circuit.value} in {had.settled or 'an unknown setting'}"
        for circuit, had in state.circuits
        if had.settled is not neutral_of(circuit)
    ]
    if left:
        since = f"silent since {silent_since:%F %H:%M} UTC"
        reason = f"retired unseen, {since}: it may have been left with {', '.join(left)}"
        state = noted(state, EventKind.REFUSED, now, reason)
    return state.model_copy(update={"retired": True})


def _follow(state: PumpState, circuit: Circuit, now: datetime) -> Decision:
    had = state.circuit(circuit)
    assert had is not None, "only circuits that exist are followed"
    target = target_at(state, now, circuit)
    if bound := _bound_at_stake(state, circuit, had, target, now):
        # What a floor or a limit forbids waits for nobody's dwell, edge or count: this step is theirs, not the plan's.
        target = replace(target, authority=bound.authority, reason=bound.reason)
    held_until = _dwell_end(had, target, now)
    if held_until is not None and not target.is_held:
        dwell = Bound(kind=BoundKind.DWELL, until=held_until)
        return Decision(state=state, wake_at=_earliest(now, held_until, target.until), waits={circuit: dwell})
    state, had = _without_given_up(state, circuit, had, target)
    neutral = neutral_of(circuit)
    if target.authority is Authority.PLAN and target.mode is not neutral and _too_many_changes(had, target):
        limited = _approach(state, circuit, had, replace(target, mode=neutral), now)
        return replace(limited, waits={circuit: Bound(kind=BoundKind.DAILY_CHANGES), **limited.waits})
    return _approach(state, circuit, had, target, now)


def _approach(state: PumpState, circuit: Circuit, had: CircuitState, target: Target, now: datetime) -> Decision:
    """One step towards a target that nothing but a failure or an open command keeps back."""
    if had.open is not None:
        return _follow_with_open(state, circuit, had, had.open, target, now)
    is_there = had.settled is target.mode and not _owes_a_look(state, had, now)
    renewed = _renewed_at(state, circuit, had, target, now) if is_there else None
    if target.is_held or (is_there and (renewed is None or renewed > now)):
        return Decision(state=state, wake_at=_earliest(now, renewed, target.until))
    may_lapse = target.mode is neutral_of(circuit) and target.authority in (Authority.PLAN, Authority.NEUTRAL)
    if may_lapse and (lapsed := lapses_soon(circuit, had, now)) is not None:
        return Decision(state=state, wake_at=_earliest(now, lapsed, target.until))
    if target.authority is Authority.PLAN and target.until is not None and target.until - now < WORTH_STARTING:
        # A sliver between two targets: written at best when it is over, and it would bind the next step by its dwell.
        return Decision(state=state, wake_at=_earliest(now, target.until))
    wait, until = _back_off(state, had, target, now)
    if wait:
        back_off = Bound(kind=BoundKind.BACK_OFF, until=until, what=_why_backing_off(state, had))
        return Decision(state=state, wake_at=_earliest(now, until, target.until), waits={circuit: back_off})
    return _start(state, circuit, had, target, now, renews=is_there and renewed is not None)


def _renewed_at(
    state: PumpState, circuit: Circuit, had: CircuitState, target: Target, now: datetime
) -> datetime | None:
    """When the setting must be renewed, because it expires before its target ends; None where it need not."""
    renewed, end = renewed_at(circuit, had, now), lapses_at(circuit, had)
    if renewed is None or renewed > now or end is None:
        return renewed
    return None if _useful_until(state, circuit, target, now) <= end else renewed


def _bound_at_stake(
    state: PumpState, circuit: Circuit, had: CircuitState, target: Target, now: datetime
) -> Target | None:
    """The floor or limit that forbids what a plan would keep, or has under way."""
    if target.authority is not Authority.PLAN:
        return None
    kept = {level for level in (had.settled, had.last.mode if had.last else None) if level not in (None, target.mode)}
    return next((bound for level in kept if (bound := forbidden(state, level, now, circuit))), None)


def _without_given_up(
    state: PumpState, circuit: Circuit, had: CircuitState, target: Target
) -> tuple[PumpState, CircuitState]:
    """What a person gave up is given up until the target changes, and no longer."""
    failed = had.failed
    if failed is None or failed.retry_at is not None or _is_same(failed, target):
        return state, had
    had = had.model_copy(update={"failed": None})
    return state.with_circuit(circuit, had), had


def _back_off(state: PumpState, had: CircuitState, target: Target, now: datetime) -> tuple[bool, datetime | None]:
    """Whether to leave the pump alone for now, and until when (None: until something changes)."""
    failed, drift = had.failed, had.drift
    # Left to a person, given up or not: a home that is set back and cold is helped now and then.
    is_cold = _is_left_cold(state, had)
    if failed is not None and (_is_same(failed, target) or _binds_a_plan(failed, target)):
        again_at = failed.retry_at
        if is_cold and again_at is None and had.last is not None:
            again_at = had.last.decided_at + COLD_RETRY
        if again_at is None or again_at > now:
            return True, again_at
    if drift is not None:
        again = min(drift.retry_at, drift.at + COLD_RETRY) if is_cold else drift.retry_at
        if again > now:
            return True, again
    silent_since = state.watch.silent_since
    if silent_since is not None and had.last is not None and had.last.decided_at >= silent_since:
        # One try after it fell silent; then seldom. What it missed is not queued up: only the newest target counts.
        again = had.last.decided_at + SILENT_RETRY
        return again > now, again
    return False, None


def _why_backing_off(state: PumpState, had: CircuitState) -> str:
    if had.failed is not None:
        return had.failed.reason
    if had.drift is not None:
        return f"drifted to {had.drift.level.value} {had.drift.count}x"
    return "the pump does not report" if state.watch.silent_since is not None else ""


def _is_left_cold(state: PumpState, had: CircuitState) -> bool:
    # A unit that somebody works on takes nothing up: there it would only be written to in vain.
    return state.watch.is_cold and had.settled is Mode.MIN and state.watch.condition is not Condition.INSTALLER


def _owes_a_look(state: PumpState, had: CircuitState, now: datetime) -> bool:
    """Whether a pump that leaves was last seen in neutral before it was asked to: it may have moved since."""
    since, seen_at = state.retiring_since, had.settled_at
    if since is None or had.last is None or state.watch.condition is not Condition.NORMAL:
        return False
    is_seen = seen_at is not None and seen_at >= since
    return not is_seen and state.watch.silent_since is None and now < since + RETIRE_UNSEEN_AFTER


def _binds_a_plan(failed: FailedTarget, target: Target) -> bool:
    """Whether a plan waits for what failed: for its own on a unit that obeys nothing, for whoever asks for the same."""
    is_its_own = failed.is_ignored and failed.authority is Authority.PLAN
    return target.authority is Authority.PLAN and (failed.mode is target.mode or is_its_own)


def _is_same(failed: FailedTarget, target: Target) -> bool:
    return (failed.mode, failed.authority) == (target.mode, target.authority)


def _follow_with_open(
    state: PumpState, circuit: Circuit, had: CircuitState, opened: OpenCommand, target: Target, now: datetime
) -> Decision:
    """While a command is open: cancel it once where the target has moved on; its end brings the next decision."""
    waits_in_line = target.is_urgent and opened.command.authority is Authority.PLAN
    is_given_up = had.failed is not None and had.failed.retry_at is None and _is_same(had.failed, target)
    is_given_up = is_given_up and not _is_left_cold(state, had)
    is_served = opened.command.mode is target.mode and not target.is_held and not waits_in_line and not is_given_up
    # At a plan's own edge the command has run out and ends by itself, unwritten; calling it back would only cost more.
    ends_by_itself = target.authority is Authority.PLAN and not target.is_held and now >= opened.command.expires_at
    if is_served or opened.cancelling or ends_by_itself:
        return Decision(state=state, wake_at=_earliest(now, target.until))
    cancelling = had.model_copy(update={"open": opened.model_copy(update={"cancelling": True})})
    return Decision(
        state=state.with_circuit(circuit, cancelling), cancels=(circuit,), wake_at=_earliest(now, target.until)
    )


def _useful_until(state: PumpState, circuit: Circuit, target: Target, now: datetime) -> datetime:
    """How long a command for the target is worth writing: an edge at which the target stays as it is ends nothing."""
    end, moment, until = now + USEFUL_FOR, now, target.until
    while until is not None and moment < until < end:
        later = target_at(state, until, circuit)
        if later.mode is not target.mode or later.is_held:
            return until
        moment, until = until, later.until
    return end


def _start(
    state: PumpState, circuit: Circuit, had: CircuitState, target: Target, now: datetime, *, renews: bool = False
) -> Decision:
    seq = state.last_seq + 1
    begins = target.mode is Mode.MIN and had.settled is not Mode.MIN and target.authority is not Authority.VACATION
    command = Command(
        command_id=f"{state.pump_id}-c{seq:05d}",
        pump_id=state.pump_id,
        seq=seq,
        mode=target.mode,
        authority=target.authority,
        revision=target.revision,
        lever=had.lever.name,
        setting=had.lever.setting_for(target.mode),
        own_settings=tuple(had.lever.setting_for(level) for level in type(target.mode)),
        baseline_at=had.baseline_at,
        baseline_stamp=had.baseline_stamp,
        renews=renews,
        begins_from_c=state.site.set_back_from_c if begins else None,
        decided_at=now,
        expires_at=_useful_until(state, circuit, target, now),
    )
    planned = CommandEvent(
        command_id=command.command_id,
        pump_id=state.pump_id,
        at=now,
        kind=EventKind.PLANNED,
        command=command,
        reason=target.reason[:400],
    )
    update: dict[str, object] = {
        "open": OpenCommand(command=command),
        "last": command,
    }
    if had.last is None or had.last.mode is not target.mode:
        update["changed_at"] = now
        if target.authority is Authority.PLAN:
            update["plan_changes"] = (*had.plan_changes, now)
    state = state.with_circuit(circuit, had.model_copy(update=update))
    state = state.model_copy(update={"last_seq": seq, "outbox": (*state.outbox, planned)})
    return Decision(state=state, starts=(command,), wake_at=_earliest(now, target.until))


def _dwell_end(had: CircuitState, target: Target, now: datetime) -> datetime | None:
    """When a plan may next move this circuit; None where it may now. Only a plan's step after a plan's is bound."""
    last = had.last
    if target.authority is not Authority.PLAN or last is None or last.authority is not Authority.PLAN:
        return None
    if last.mode is target.mode or had.changed_at is None:
        return None
    keep = MIN_RUN if last.mode in (Mode.MID, Mode.MAX) else MIN_PAUSE
    end = had.changed_at + keep
    return end if end > now else None


def _too_many_changes(had: CircuitState, target: Target) -> bool:
    """Whether following the plan would be one plan-made change more than a day may hold."""
    continues = had.last is not None and had.last.mode is target.mode
    return not continues and len(had.plan_changes) >= MAX_PLAN_CHANGES


def _earliest(now: datetime, *moments: datetime | None) -> datetime | None:
    return min((m for m in moments if m is not None and m > now), default=None)
