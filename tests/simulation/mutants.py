"""Mutants: the code broken on purpose, one rule at a time, to show that the rules of a run would notice.

Protects: a patch lasts as long as its `with`, whatever happens inside.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

from activities import attempt
from domain.commands import verification
from domain.commands.command import Authority, CommandState
from domain.commands.verification import Answer, End, Look, Write
from domain.modes import Mode
from domain.steering import arbitration as targets
from domain.steering import decide as steering
from domain.steering import observations as watching
from domain.steering import orders
from domain.steering import reconcile as following
from domain.steering.pump_state import Decision, PumpState
from tests.simulation.fake_ledger import FakeLedger

NEVER = timedelta(days=30)


@contextmanager
def patched(*patches: tuple[Any, str, Any]) -> Iterator[None]:
    """Attributes of modules or classes replaced for a while."""
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in patches]
    try:
        for owner, name, value in patches:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in kept:
            setattr(owner, name, value)


def _expiry_unchecked() -> AbstractContextManager[None]:
    before, after = verification.before_looking, verification.after_looking

    def later(command: Any) -> Any:
        return command.model_copy(update={"expires_at": command.expires_at + NEVER})

    return patched(
        (verification, "before_looking", lambda command, *rest: before(later(command), *rest)),
        (verification, "after_looking", lambda command, *rest: after(later(command), *rest)),
        (attempt, "_is_late", lambda *_: False),
    )


def _ok_is_believed() -> AbstractContextManager[None]:
    real = verification.before_looking

    def believing(command: Any, progress: Any, *rest: Any) -> Any:
        written = progress.open_write
        if written is not None and written.answer is Answer.ACCEPTED:
            return End(state=CommandState.APPLIED)
        return real(command, progress, *rest)

    return patched((verification, "before_looking", believing))


def _newest_arrival_wins() -> AbstractContextManager[None]:
    def take(state: PumpState, plan: Any, _: Any) -> PumpState:
        others = tuple(p for p in state.plans if p.revision != plan.revision)
        return state.model_copy(update={"plans": (*others, plan)[-steering.KEPT_PLANS :]})

    return patched((steering, "_take_plan", take))


def _household_is_outranked() -> AbstractContextManager[None]:
    def weakest(overrides: Any, now: Any, circuit: Any) -> Any:
        running = [o for o in overrides if o.until > now and o.circuit in (None, circuit)]
        return min(running, key=lambda o: o.requested_at, default=None)

    return patched((targets, "strongest", weakest))


def _plan_outranks_people() -> AbstractContextManager[None]:
    return patched((targets, "strongest", lambda *_: None))


def _no_dwell() -> AbstractContextManager[None]:
    return patched((following, "_dwell_end", lambda *_: None))


def _no_daily_limit() -> AbstractContextManager[None]:
    return patched((following, "_too_many_changes", lambda *_: False))


def _blind_retry() -> AbstractContextManager[None]:
    real = verification.before_looking

    def blind(command: Any, progress: Any, timing: Any, now: Any) -> Any:
        step = real(command, progress, timing, now)
        is_unsure = bool(progress.writes) and progress.writes[-1].answer is not Answer.ACCEPTED
        return Write() if isinstance(step, Look) and is_unsure and now < command.expires_at else step

    return patched((verification, "before_looking", blind))


def _lost_writes_forgotten() -> AbstractContextManager[None]:
    real = verification.before_looking

    def forgetful(command: Any, progress: Any, *rest: Any) -> Any:
        return real(command, progress.model_copy(update={"before": None, "others": ()}), *rest)

    return patched((verification, "before_looking", forgetful))


def _two_at_once() -> AbstractContextManager[None]:
    real = following._follow_with_open

    def careless(state: Any, circuit: Any, had: Any, opened: Any, target: Any, now: Any) -> Decision:
        if opened.command.mode is target.mode or target.is_held:
            return real(state, circuit, had, opened, target, now)
        free = had.model_copy(update={"open": None})
        return following._start(state.with_circuit(circuit, free), circuit, free, target, now)

    return patched((following, "_follow_with_open", careless))


def _no_fence() -> AbstractContextManager[None]:
    return patched((FakeLedger, "is_fenced", False), (attempt, "_has_moved", lambda *_: False))


def _no_floor() -> AbstractContextManager[None]:
    return patched((targets, "_floor", lambda *_: (Mode.MIN, "")))


def _no_revert() -> AbstractContextManager[None]:
    real = following._follow

    def staying(state: PumpState, circuit: Any, now: Any) -> Decision:
        return Decision(state=state) if state.opted_out else real(state, circuit, now)

    return patched((following, "_follow", staying))


def _no_jitter() -> AbstractContextManager[None]:
    return patched((targets, "jitter", lambda _: timedelta()))


def _people_wait() -> AbstractContextManager[None]:
    real = following._start

    def slow(state: PumpState, circuit: Any, had: Any, target: Any, now: Any, **how: Any) -> Decision:
        late = state.overrides and now - max(o.requested_at for o in state.overrides) < timedelta(hours=2)
        if target.authority is Authority.OVERRIDE and late:
            return Decision(state=state, wake_at=now + timedelta(minutes=20))
        return real(state, circuit, had, target, now, **how)

    return patched((following, "_start", slow))


def _no_stagger() -> AbstractContextManager[None]:
    return patched((orders, "stagger", lambda _: timedelta()))


def _outbox_lost() -> AbstractContextManager[None]:
    return patched((steering, "_without", lambda state, _: state.model_copy(update={"outbox": (), "journal": ()})))


def _limits_late() -> AbstractContextManager[None]:
    real = following._start
    first: dict[Any, Any] = {}

    def slow(state: PumpState, circuit: Any, had: Any, target: Any, now: Any, **how: Any) -> Decision:
        if target.authority is Authority.LIMITED:
            key = (state.pump_id, circuit, target.mode)
            if not timedelta() <= now - first.get(key, now - NEVER) <= timedelta(hours=12):
                first[key] = now
            if now < first[key] + timedelta(hours=5):
                wake = following._earliest(now, first[key] + timedelta(hours=5), target.until)
                return Decision(state=state, wake_at=wake)
            del first[key]
        return real(state, circuit, had, target, now, **how)

    return patched((following, "_start", slow))


def _never_cancelled() -> AbstractContextManager[None]:
    def stubborn(state: PumpState, *rest: Any) -> Decision:
        *_, target, now = rest
        return Decision(state=state, wake_at=following._earliest(now, target.until))

    return patched((following, "_follow_with_open", stubborn))


def _touch_not_held() -> AbstractContextManager[None]:
    real = watching.touched

    def forgetful(state: PumpState, *rest: Any) -> Any:
        return real(state, *rest).model_copy(update={"overrides": state.overrides})

    return patched((watching, "touched", forgetful), (steering, "touched", forgetful))


def _always_given_up() -> AbstractContextManager[None]:
    real = steering._end

    def hopeless(state: PumpState, circuit: Any, *rest: Any) -> PumpState:
        after = real(state, circuit, *rest)
        had = after.circuit(circuit)
        if had is None or had.failed is None:
            return after
        failed = had.failed.model_copy(update={"retry_at": None})
        return after.with_circuit(circuit, had.model_copy(update={"failed": failed}))

    return patched((steering, "_end", hopeless))


def _handed_over_at_once() -> AbstractContextManager[None]:
    real = watching._next_drift

    def alarmed(had: Any, level: Any, as_of: Any) -> Any:
        much = {"count": 9, "retry_at": as_of + watching.HANDED_OVER_FOR}
        return real(had, level, as_of).model_copy(update=much)

    return patched((watching, "_next_drift", alarmed))


def _back_off_binds_all() -> AbstractContextManager[None]:
    real = following._back_off

    def shy(state: PumpState, had: Any, target: Any, now: Any) -> Any:
        if had.failed is not None and had.failed.retry_at is not None and had.failed.retry_at > now:
            return True, had.failed.retry_at
        return real(state, had, target, now)

    return patched((following, "_back_off", shy))


MUTANTS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "expiry unchecked": _expiry_unchecked,
    "200 believed": _ok_is_believed,
    "newest arrival wins": _newest_arrival_wins,
    "household outranked": _household_is_outranked,
    "plan outranks people": _plan_outranks_people,
    "no dwell": _no_dwell,
    "no daily limit": _no_daily_limit,
    "blind retry": _blind_retry,
    "lost writes forgotten": _lost_writes_forgotten,
    "two at once": _two_at_once,
    "no fence": _no_fence,
    "no floor": _no_floor,
    "no revert": _no_revert,
    "no jitter": _no_jitter,
    "no stagger": _no_stagger,
    "people wait": _people_wait,
    "outbox lost": _outbox_lost,
    "limits late": _limits_late,
    "never cancelled": _never_cancelled,
    "touch not held": _touch_not_held,
    "always given up": _always_given_up,
    "handed over at once": _handed_over_at_once,
    "back-off binds all": _back_off_binds_all,
}
"""Each breaks one promise."""
