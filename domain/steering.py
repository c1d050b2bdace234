"""`decide`: every rule of steering one pump, in one pure function.

Protects: the outcome depends on precedence and revision only, never on the order of arrival; there is never more than
one write in flight; a plan never moves a pump inside its dwell; with no news a pump goes back to neutral.
"""

from datetime import datetime, timedelta

from domain.commands import (
    USEFUL_FOR,
    Authority,
    Command,
    CommandEvent,
    CommandOutcome,
    CommandState,
    EventKind,
)
from domain.modes import NEUTRAL, Mode
from domain.overrides import Override, problem_with, strongest
from domain.plans import MAX_JITTER, PricePlan, jitter
from domain.pump import (
    CommandSettled,
    Decision,
    Event,
    FailedWish,
    Kept,
    MessageRefused,
    Observed,
    OpenCommand,
    OverrideEnded,
    OverrideRequested,
    PlanArrived,
    PumpState,
    RetireRequested,
    Wish,
    Woke,
)

MIN_RUN = timedelta(minutes=60)
"""A plan keeps a raised mode at least this long."""
MIN_PAUSE = timedelta(minutes=30)
"""A plan keeps a set-back or neutral at least this long."""
MAX_PLAN_CHANGES = 8
"""Plan-made changes in any 24 hours; beyond them a pump stays neutral."""
FIRST_RETRY = timedelta(minutes=15)
LAST_RETRY = timedelta(hours=2)
KEPT_PLANS = 4
"""Today's and tomorrow's, each with a revision."""
KEPT_IDS = 32
"""How many override ids are remembered, so that a repeated request is known as such."""


def wish_at(state: PumpState, now: datetime) -> Wish:
    """The newest valid wish: opted out, then people, then the plan on its jittered edges, then neutral."""
    if state.retiring or state.retired:
        return Wish(mode=NEUTRAL, authority=Authority.OPTED_OUT, until=None)
    if override := strongest(state.overrides, now):
        return Wish(mode=override.mode, authority=Authority.OVERRIDE, until=override.until)
    delay = jitter(state.pump_id)
    plan_time = now - delay
    plan = next((p for p in reversed(state.plans) if p.covers(plan_time)), None)
    edges = [p.first_slot for p in state.plans if p.first_slot > plan_time]
    if plan is None:
        return Wish(mode=NEUTRAL, authority=Authority.NEUTRAL, until=min(edges) + delay if edges else None)
    edge = min([e for e in (plan.next_edge(plan_time), *edges) if e is not None], default=None)
    return Wish(
        mode=plan.mode_at(plan_time),
        authority=Authority.PLAN,
        until=edge + delay if edge else None,
        revision=plan.revision,
    )


def decide(state: PumpState, event: Event, now: datetime) -> Decision:
    """What to do about `event` at steered time `now`. Total: every state and event has an answer."""
    match event:
        case PlanArrived(plan=plan):
            state = _take_plan(state, plan)
        case MessageRefused(reason=reason):
            state = state.model_copy(update={"refusal": reason})
        case OverrideRequested(override=override):
            state = _take_override(state, override, now)
        case OverrideEnded(override_id=override_id):
            kept = tuple(o for o in state.overrides if override_id is not None and o.override_id != override_id)
            state = state.model_copy(update={"overrides": kept, "failed": None})
        case Observed():
            state = _take_observation(state, event)
        case CommandSettled(outcome=outcome):
            state = _take_outcome(state, outcome, now)
        case RetireRequested():
            state = state.model_copy(update={"retiring": True, "overrides": (), "failed": None})
        case Kept(keys=keys):
            state = _without(state, keys)
        case Woke():
            pass
    return _follow(_forget_past(state, now), now)


def _take_plan(state: PumpState, plan: PricePlan) -> PumpState:
    if state.retiring or state.retired:
        return state.model_copy(update={"refusal": f"plan revision {plan.revision} came after the pump was retired"})
    if any(known.revision == plan.revision for known in state.plans):
        return state
    by_revision = sorted((*state.plans, plan), key=lambda p: p.revision)
    return state.model_copy(update={"plans": tuple(by_revision[-KEPT_PLANS:])})


def _take_override(state: PumpState, override: Override, now: datetime) -> PumpState:
    if override.override_id in state.override_ids:
        return state
    if state.retiring or state.retired:
        return state.model_copy(update={"refusal": "an override came after the pump was retired"})
    if problem := problem_with(override, now):
        return state.model_copy(update={"refusal": problem})
    return state.model_copy(
        update={
            "overrides": (*state.overrides, override),
            "override_ids": (*state.override_ids, override.override_id)[-KEPT_IDS:],
            "failed": None,  # a person does not wait for a plan's back-off
        }
    )


def _take_observation(state: PumpState, seen: Observed) -> PumpState:
    """Believe an observation only where no command of ours is open and it is newer than what we last did."""
    if state.retired or state.open is not None or (state.settled_at is not None and seen.as_of <= state.settled_at):
        return state
    return state.model_copy(update={"settled": seen.mode, "settled_at": seen.as_of})


def _take_outcome(state: PumpState, outcome: CommandOutcome, now: datetime) -> PumpState:
    if state.open is None or state.open.command.command_id != outcome.command_id:
        return state
    command = state.open.command
    ended = state.model_copy(update={"open": None, "settled_at": outcome.at})
    if outcome.recorded:
        ended = _without(ended, state.open.handed)
    else:
        ended = ended.model_copy(update={"outbox": (*ended.outbox, _end_of(command, outcome))})
    match outcome.state:
        case CommandState.APPLIED | CommandState.EFFECTIVE:
            return ended.model_copy(update={"settled": command.mode, "failed": None})
        case CommandState.SUPERSEDED:
            return ended.model_copy(update={"settled": outcome.seen_mode})
        case _:
            count = state.failed.count + 1 if state.failed and state.failed.mode is command.mode else 1
            wait = min(FIRST_RETRY * 2 ** min(count - 1, 8), LAST_RETRY)
            failed = FailedWish(mode=command.mode, count=count, retry_at=now + wait, reason=outcome.reason)
            return ended.model_copy(update={"settled": outcome.seen_mode, "failed": failed})


def _without(state: PumpState, keys: tuple[str, ...]) -> PumpState:
    """The state once the ledger holds these lines of its outbox."""
    return state.model_copy(update={"outbox": tuple(e for e in state.outbox if e.key not in keys)})


def _end_of(command: Command, outcome: CommandOutcome) -> CommandEvent:
    return CommandEvent(
        command_id=command.command_id,
        pump_id=command.pump_id,
        at=outcome.at,
        kind=EventKind(outcome.state.value),
        reason=outcome.reason,
    )


def _forget_past(state: PumpState, now: datetime) -> PumpState:
    """Drop what no longer matters, so that the state stays small for years."""
    overrides = tuple(o for o in state.overrides if o.until > now)
    changes = tuple(t for t in state.plan_changes if now - t < timedelta(hours=24))
    plans = tuple(p for p in state.plans if p.valid_until + MAX_JITTER > now)
    if (overrides, changes, plans) == (state.overrides, state.plan_changes, state.plans):
        return state
    return state.model_copy(update={"overrides": overrides, "plan_changes": changes, "plans": plans})


def _follow(state: PumpState, now: datetime) -> Decision:
    """Compare the wish with what is, and start, cancel or wait."""
    if state.retired:
        return Decision(state=state)
    wish = wish_at(state, now)
    held_until = _dwell_end(state, wish, now)
    if held_until is not None:
        return Decision(state=state, wake_at=_earliest(now, held_until, wish.until))
    if wish.authority is Authority.PLAN and _too_many_changes(state, wish):
        wish = wish.model_copy(update={"mode": NEUTRAL})
    if state.open is not None:
        return _follow_with_open(state, state.open, wish, now)
    if state.settled is wish.mode:
        if state.retiring:
            return Decision(state=state.model_copy(update={"retired": True}))
        return Decision(state=state, wake_at=_earliest(now, wish.until))
    if state.failed is not None and state.failed.mode is wish.mode and state.failed.retry_at > now:
        return Decision(state=state, wake_at=_earliest(now, state.failed.retry_at, wish.until))
    return _start(state, wish, now)


def _follow_with_open(state: PumpState, opened: OpenCommand, wish: Wish, now: datetime) -> Decision:
    """While a command is open: cancel it once where the wish has moved on; its end brings the next decision."""
    if opened.command.mode is wish.mode or opened.cancelling:
        return Decision(state=state, wake_at=_earliest(now, wish.until))
    cancelling = state.model_copy(update={"open": opened.model_copy(update={"cancelling": True})})
    return Decision(state=cancelling, cancel=True, wake_at=_earliest(now, wish.until))


def _start(state: PumpState, wish: Wish, now: datetime) -> Decision:
    seq = state.last_seq + 1
    command = Command(
        command_id=f"{state.pump_id}-c{seq:05d}",
        pump_id=state.pump_id,
        seq=seq,
        mode=wish.mode,
        authority=wish.authority,
        revision=wish.revision,
        decided_at=now,
        expires_at=min(now + USEFUL_FOR, wish.until) if wish.until else now + USEFUL_FOR,
    )
    planned = CommandEvent(
        command_id=command.command_id, pump_id=state.pump_id, at=now, kind=EventKind.PLANNED, command=command
    )
    outbox = (*state.outbox, planned)
    update: dict[str, object] = {
        "open": OpenCommand(command=command, handed=tuple(e.key for e in outbox)),
        "last_seq": seq,
        "last": command,
        "outbox": outbox,
    }
    if state.last is None or state.last.mode is not wish.mode:
        update["changed_at"] = now
        if wish.authority is Authority.PLAN:
            update["plan_changes"] = (*state.plan_changes, now)
    return Decision(state=state.model_copy(update=update), start=command, wake_at=_earliest(now, wish.until))


def _dwell_end(state: PumpState, wish: Wish, now: datetime) -> datetime | None:
    """When a plan may next move this pump; None where it may now. Only a plan's step after a plan's step is bound."""
    last = state.last
    if wish.authority is not Authority.PLAN or last is None or last.authority is not Authority.PLAN:
        return None
    if last.mode is wish.mode or state.changed_at is None:
        return None
    keep = MIN_RUN if last.mode in (Mode.MID, Mode.MAX) else MIN_PAUSE
    end = state.changed_at + keep
    return end if end > now else None


def _too_many_changes(state: PumpState, wish: Wish) -> bool:
    """Whether following the plan would be one plan-made change more than a day may hold."""
    continues = state.last is not None and state.last.mode is wish.mode
    return wish.mode is not NEUTRAL and not continues and len(state.plan_changes) >= MAX_PLAN_CHANGES


def _earliest(now: datetime, *moments: datetime | None) -> datetime | None:
    return min((m for m in moments if m is not None and m > now), default=None)
