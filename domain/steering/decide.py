"""`decide`: every rule of steering one pump, in one pure function.

Protects: the outcome depends on precedence and revision only, never on the order of arrival; there is never more than
one write in flight on a lever; a plan never moves a pump inside its dwell; with no news a pump goes back to neutral.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from domain.commands.command import (
    Command,
    CommandEvent,
    CommandOutcome,
    CommandState,
    EventKind,
)
from domain.modes import Circuit, neutral_of
from domain.oem.readings import Condition
from domain.planning.price_plan import MAX_JITTER, PricePlan
from domain.steering.arbitration import target_at
from domain.steering.journalling import with_entries
from domain.steering.observations import REMEMBERED_FOR, noted, take_observation, touched
from domain.steering.orders import Order
from domain.steering.overrides import Override
from domain.steering.pump_state import (
    CircuitState,
    ComfortChanged,
    CommandSettled,
    Decision,
    Event,
    FailedTarget,
    Kept,
    MessageRefused,
    Observed,
    OpenCommand,
    OrderGiven,
    OrderLifted,
    OverrideEnded,
    OverrideRequested,
    PlanArrived,
    PumpState,
    RetireRequested,
    RetryRequested,
    SeenLever,
    SteeringConsent,
    Woke,
    WrittenLevel,
)
from domain.steering.reconcile import follow
from domain.steering.requests import problem_with_act

FIRST_RETRY = timedelta(minutes=15)
LAST_RETRY = timedelta(hours=2)
NEXT_TURN = timedelta(minutes=1)
"""After a command that never got to be written: its queue's rate and its own growing pauses were its back-off, and a
cloud that has just come back should not wait for ours on top."""
READ_ONLY_RETRY = timedelta(hours=6)
"""Remote control that somebody switched off is tried again this seldom: only a write can tell that it is back."""
COOL_RETRY = timedelta(hours=1)
"""A room too cool for a set-back to begin is checked again this seldom; it gains half a kelvin in so long."""
OBEYED_WITHIN = timedelta(minutes=15)
"""What a command that is obeyed later than this took longer is added to the run or pause that a plan must keep."""
KEPT_PLANS = 8
"""Today's and tomorrow's with revisions of parts of them; what a newer one covers whole is dropped before."""
KEPT_IDS = 32
"""How many override ids are remembered, so that a repeated request is known as such."""


def decide(state: PumpState, event: Event, now: datetime) -> Decision:  # noqa: C901 -- one line an event
    """What to do about `event` at steered time `now`. Total: every state and event has an answer."""
    before = state
    match event:
        case PlanArrived(plan=plan):
            state = _take_plan(state, plan, now)
        case MessageRefused(reason=reason):
            state = _refuse(state, reason, now)
        case OverrideRequested(override=override):
            state = _take_override(state, override, now)
        case OverrideEnded(override_id=override_id):
            kept = tuple(o for o in state.overrides if override_id is not None and o.override_id != override_id)
            state = _at_once(state.model_copy(update={"overrides": kept}))
        case OrderGiven(order=order):
            state = _take_order(state, order, now)
        case OrderLifted(order_id=order_id):
            state = _lift(state, order_id, now)
        case SteeringConsent(opted_out=opted_out):
            state = _take_consent(state, opted_out, now)
        case ComfortChanged(band=band):
            state = state.model_copy(update={"site": state.site.model_copy(update={"band": band})})
        case RetryRequested():
            state = _take_retry(state, event)
        case Observed():
            state = take_observation(state, event, now)
        case CommandSettled(outcome=outcome):
            state = _take_outcome(state, outcome, now)
        case RetireRequested():
            since = state.retiring_since or now
            state = _at_once(state.model_copy(update={"retiring": True, "retiring_since": since, "overrides": ()}))
        case Kept(keys=keys):
            state = _without(state, keys)
        case Woke():
            pass
    decision = follow(_forget_past(state, now), now)
    state = _handed(with_entries(before, decision.state, event.kind, now, decision.waits), decision.starts)
    return replace(decision, state=state)


def _take_plan(state: PumpState, plan: PricePlan, now: datetime) -> PumpState:
    if state.retiring or state.retired:
        return _refuse(state, f"plan revision {plan.revision} came after the pump was retired", now)
    if any(known.revision == plan.revision for known in state.plans):
        return state
    newer = [p for p in state.plans if p.revision > plan.revision]
    if any(_covers(p, plan) for p in newer):
        return _refuse(state, f"plan revision {plan.revision} came after revision {newer[-1].revision}", now)
    left = [p for p in state.plans if p.revision > plan.revision or not _covers(plan, p, now)]
    by_revision = sorted((*left, plan), key=lambda p: p.revision)
    if len(by_revision) > KEPT_PLANS:
        by_revision.remove(next((p for p in by_revision if not p.covers(now)), by_revision[0]))
    return state.model_copy(update={"plans": tuple(by_revision)})


def _covers(one: PricePlan, other: PricePlan, now: datetime | None = None) -> bool:
    """Whether all that the other plan speaks of, or will from now on, is spoken of by this one."""
    begins = other.first_slot if now is None else max(other.first_slot, now - MAX_JITTER)
    return one.first_slot <= begins and other.valid_until <= one.valid_until


def _take_override(state: PumpState, override: Override, now: datetime) -> PumpState:
    if override.override_id in state.override_ids:
        return state
    if problem := problem_with_act(state, OverrideRequested(override=override), now):
        return _refuse(state, problem, now)
    if override.requested_at > now:  # a clock ahead of ours must not outrank what people ask for later
        override = override.model_copy(update={"requested_at": now})
    return _at_once(
        state.model_copy(
            update={
                "overrides": (*state.overrides, override),
                "override_ids": (*state.override_ids, override.override_id)[-KEPT_IDS:],
            }
        )
    )


def _take_order(state: PumpState, order: Order, now: datetime) -> PumpState:
    if order.order_id in state.order_ids or any(known.order_id == order.order_id for known in state.orders):
        return state
    if problem := problem_with_act(state, OrderGiven(order=order), now):
        return _refuse(state, problem, now)
    return _at_once(_with_order_id(state.model_copy(update={"orders": (*state.orders, order)}), order.order_id))


def _with_order_id(state: PumpState, order_id: str) -> PumpState:
    """Given or lifted once is for good, in whatever order the two arrive."""
    if order_id in state.order_ids:
        return state
    return state.model_copy(update={"order_ids": (*state.order_ids, order_id)[-KEPT_IDS:]})


def _lift(state: PumpState, order_id: str | None, now: datetime) -> PumpState:
    lifted = tuple(
        o.model_copy(update={"lifted_at": now}) if order_id in (None, o.order_id) and o.lifted_at is None else o
        for o in state.orders
    )
    state = state.model_copy(update={"orders": lifted})
    return state if order_id is None else _with_order_id(state, order_id)


def _take_consent(state: PumpState, opted_out: bool, now: datetime) -> PumpState:
    if state.retiring or state.retired:
        return _refuse(state, "the pump is retired", now)
    update: dict[str, object] = {"opted_out": opted_out}
    if not opted_out and state.watch.competing_until is not None:
        # A person says that it may be steered: whoever else was at the lever is gone.
        update |= {"watch": state.watch.model_copy(update={"competing_until": None}), "touches": ()}
    return _at_once(state.model_copy(update=update))


def _take_retry(state: PumpState, given: RetryRequested) -> PumpState:
    had = state.circuit(given.circuit)
    if had is None:
        return state
    if not given.give_up:
        return _writable(state.with_circuit(given.circuit, had.model_copy(update={"failed": None, "drift": None})))
    if had.failed is None or given.mode not in (None, had.failed.mode) or had.failed.mode is neutral_of(given.circuit):
        return state  # neutral is what is safe to be in: nobody gives that up
    given_up = had.failed.model_copy(update={"retry_at": None})
    return state.with_circuit(given.circuit, had.model_copy(update={"failed": given_up}))


def _refuse(state: PumpState, reason: str, now: datetime) -> PumpState:
    """Say it where an operator sees it, and write it down."""
    return noted(state.model_copy(update={"refusal": reason}), EventKind.REFUSED, now, reason)


def _at_once(state: PumpState) -> PumpState:
    """A person does not wait for a back-off."""
    for circuit, had in state.circuits:
        if had.failed is not None or had.drift is not None:
            state = state.with_circuit(circuit, had.model_copy(update={"failed": None, "drift": None}))
    return _writable(state)


def _writable(state: PumpState) -> PumpState:
    """Only a write can tell that remote control is back: a person's override tries."""
    return state.model_copy(update={"watch": state.watch.model_copy(update={"read_only_until": None})})


def _take_outcome(state: PumpState, outcome: CommandOutcome, now: datetime) -> PumpState:
    for circuit, had in state.circuits:
        if had.open is None or had.open.command.command_id != outcome.command_id:
            continue
        state = _end(state, circuit, had, had.open, outcome, now)
        if outcome.stamp is not None:
            stamp = max(outcome.stamp, state.watch.stamp or outcome.stamp)
            state = state.model_copy(update={"watch": state.watch.model_copy(update={"stamp": stamp})})
        if outcome.is_read_only:
            watch = state.watch.model_copy(update={"read_only_until": now + READ_ONLY_RETRY})
            state = state.model_copy(update={"watch": watch})
        if outcome.is_too_cool:
            state = state.model_copy(update={"watch": state.watch.model_copy(update={"cool_until": now + COOL_RETRY})})
        if outcome.foreign_setting is not None and state.watch.condition is not Condition.EXTERNAL:
            lever = SeenLever(circuit=circuit, setting=outcome.foreign_setting, ends_at=outcome.foreign_ends_at)
            return touched(state, lever, outcome.at)
    return state


def _end(
    state: PumpState, circuit: Circuit, had: CircuitState, opened: OpenCommand, outcome: CommandOutcome, now: datetime
) -> PumpState:
    command = opened.command
    if outcome.recorded:
        state = _without(state, opened.handed)
    else:
        state = state.model_copy(update={"outbox": (*state.outbox, _line(command, outcome.state, outcome))})
    ended = had.model_copy(update={"open": None, "settled_at": outcome.at})
    seen = had.lever.level_of(outcome.seen_setting, command.mode)
    match outcome.state:
        case CommandState.APPLIED | CommandState.EFFECTIVE:
            reached = {
                "settled": command.mode,
                "failed": None,
                "temporary": None,
                "changed_at": _run_since(had, command, outcome.at),
                "written": _written(had, command, outcome),
            }
            return state.with_circuit(circuit, ended.model_copy(update=reached))
        case CommandState.SUPERSEDED:
            return state.with_circuit(circuit, ended.model_copy(update={"settled": seen}))
        case _:
            # Its time ran out and it is still the target: somebody should know, whatever the retries bring.
            dies = outcome.state is CommandState.EXPIRED and target_at(state, now, circuit).mode is command.mode
            failed = _failed(state, had.failed, command, outcome, now, dies=dies)
            dies = dies and failed.retry_at is not None
            if state.watch.condition is Condition.INSTALLER:
                # A unit that somebody works on takes nothing up; what ends the wait is that they have gone.
                failed = failed.model_copy(update={"retry_at": None})
            # Where nothing was taken, the lever is where it was.
            is_unmoved = outcome.state in (CommandState.EXPIRED, CommandState.REJECTED) and seen is None
            found = (had.settled, had.settled_at) if is_unmoved else (seen, outcome.at)
            ended = ended.model_copy(update={"settled": found[0], "settled_at": found[1], "failed": failed})
            state = state.with_circuit(circuit, ended)
            if dies:
                letter = _line(command, CommandState.DEAD_LETTERED, outcome)
                state = state.model_copy(update={"outbox": (*state.outbox, letter)})
            return state


def _failed(
    state: PumpState, had: FailedTarget | None, command: Command, outcome: CommandOutcome, now: datetime, *, dies: bool
) -> FailedTarget:
    """What is remembered of a target that was not brought about, and when it is tried again: later each time."""
    before = had if had and had.mode is command.mode else None
    # A unit that obeys nothing does not begin anew with each of a plan's modes.
    count = had.count + 1 if had and (before or had.is_ignored) else 1
    wait = min(FIRST_RETRY * 2 ** min(count - 1, 8), LAST_RETRY)
    if outcome.state is CommandState.EXPIRED and state.watch.silent_since is None:
        wait = NEXT_TURN
    is_given_up = before is not None and before.retry_at is None
    return FailedTarget(
        mode=command.mode,
        count=count,
        retry_at=None if is_given_up else now + wait,
        reason=outcome.reason,
        authority=command.authority,
        ran_out=dies or (before is not None and before.ran_out),
        is_ignored=outcome.state is CommandState.IGNORED or (had is not None and had.is_ignored),
    )


def _run_since(had: CircuitState, command: Command, at: datetime) -> datetime | None:
    """Since when the level's run or pause counts: its decision, but for one that took long to be obeyed."""
    return max(had.changed_at, at - OBEYED_WITHIN) if had.changed_at == command.decided_at else had.changed_at


def _written(had: CircuitState, command: Command, outcome: CommandOutcome) -> WrittenLevel | None:
    """What is known of the write behind a level that was reached; kept only where it matters, for it may expire."""
    if had.lever.spec.expires_after is None:
        return None
    if outcome.written_at is not None:
        return WrittenLevel(level=command.mode, at=outcome.written_at)
    return had.written if had.settled is command.mode else None


def _line(command: Command, state: CommandState, outcome: CommandOutcome) -> CommandEvent:
    return CommandEvent(
        command_id=command.command_id,
        pump_id=command.pump_id,
        at=outcome.at,
        kind=EventKind(state.value),
        reason=outcome.reason,
    )


def _handed(state: PumpState, starts: tuple[Command, ...]) -> PumpState:
    """The state once the activities of these commands are given everything that waits for the ledger."""
    if not starts:
        return state
    keys = (*(line.key for line in state.outbox), *(entry.key for entry in state.journal))
    for command in starts:
        had = state.circuit(command.circuit)
        if had is not None and had.open is not None:
            opened = had.open.model_copy(update={"handed": keys})
            state = state.with_circuit(command.circuit, had.model_copy(update={"open": opened}))
    return state


def _without(state: PumpState, keys: tuple[str, ...]) -> PumpState:
    """The state once the ledger holds these lines of its outbox and journal."""
    left = {
        "outbox": tuple(line for line in state.outbox if line.key not in keys),
        "journal": tuple(entry for entry in state.journal if entry.key not in keys),
    }
    return state.model_copy(update=left)


def _forget_past(state: PumpState, now: datetime) -> PumpState:
    """Drop what no longer matters, so that the state stays small for years."""
    day = timedelta(hours=24)
    for circuit, had in state.circuits:
        changes = tuple(t for t in had.plan_changes if now - t < day)
        if changes != had.plan_changes:
            state = state.with_circuit(circuit, had.model_copy(update={"plan_changes": changes}))
    kept = {
        "overrides": tuple(o for o in state.overrides if o.until > now),
        "orders": tuple(o for o in state.orders if o.holds(state.pump_id, now)),
        "plans": tuple(p for p in state.plans if p.valid_until + MAX_JITTER > now),
        "touches": tuple(t for t in state.touches if now - t < REMEMBERED_FOR),
    }
    is_less = any(len(those) < len(getattr(state, name)) for name, those in kept.items())
    return state.model_copy(update=kept) if is_less else state
