"""Deadlines: whoever binds a pump is obeyed at once, and no target is left unmet for good.

Protects: lateness is measured from when the oracle began to rule so, in times in which nothing keeps a command away.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.commands.command import Authority, Command
from domain.modes import Circuit
from domain.steering.pump_state import CircuitState, Decision
from tests.simulation.judging.manual_change_checker import LONGEST_PAUSE, MOST_DRIFTS
from tests.simulation.judging.oracle import Ruling
from tests.simulation.simulated_pump import SimulatedPump

PROMPT = timedelta(minutes=30)
"""A write under way, one that got no answer, and the newer one after both take half of it."""
CALM_FOR = timedelta(hours=6)
"""Since the last trouble: the longest useful time of a command, and its longest back-off after that."""
AUTHORITIES = {
    "person": (Authority.OVERRIDE, Authority.VACATION, Authority.OUTSIDE),
    "limit": (Authority.LIMITED,),
    "floor": (Authority.NEUTRAL,),
    "stop": (Authority.NEUTRAL,),
    "gone": (Authority.OPTED_OUT,),
}
"""In whose name a command is started for those whom no plan's dwell binds."""


@dataclass
class CircuitHistory:
    """What was ruled and started on one circuit."""

    last: Command | None = None
    run_since: datetime | None = None
    plan_changes: list[datetime] = field(default_factory=list)
    ruled: tuple[object, ...] = ()
    ruled_since: datetime | None = None
    ruling: Ruling | None = None
    bound_since: datetime | None = None
    """Since when a source that dwell times do not bind has ruled so; None under a plan."""
    most: Ruling | None = None
    most_since: datetime | None = None

    def rules(self, ruling: Ruling, most: Ruling | None, now: datetime) -> None:
        """What the oracle says at a decision."""
        if (ruling.level, ruling.is_held) != self.ruled:
            self.ruled, self.ruled_since = (ruling.level, ruling.is_held), now
            self.bound_since = None
        if self.ruling is not None and self.ruling.by != ruling.by:
            self.bound_since = None
        if ruling.by not in AUTHORITIES or ruling.is_held:
            self.bound_since = None
        elif self.bound_since is None:
            self.bound_since = now
        self.ruling = ruling
        if most != self.most:
            self.most, self.most_since = most, now


def late(pump: SimulatedPump, circuit: Circuit, had: CircuitState, course: CircuitHistory) -> str:
    """How a lever is late, in words; empty where it is in time. Called in calm times, at every sweep."""
    where = pump.cloud.true[pump.lever_of(circuit)]
    if course.bound_since is not None and pump.now - course.bound_since >= PROMPT:
        assert course.ruling is not None
        should, ruling = pump.setting_of(circuit, course.ruling.level), course.ruling
        is_late = where > should if ruling.by == "limit" else where != should
        if is_late and not _is_left(had, pump.now) and pump.oracle.rules(pump.now, circuit) == ruling:
            return f"{circuit.value} stands at {where:g}, {ruling.by} says {should:g} since {course.bound_since:%H:%M}"
    if course.most is not None and course.most_since is not None and pump.now - course.most_since >= PROMPT:
        should = pump.setting_of(circuit, course.most.level)
        if where > should and not _is_left(had, pump.now) and pump.oracle.most(pump.now) == course.most:
            return f"{circuit.value} stands at {where:g}, at most {should:g} is allowed since {course.most_since:%H:%M}"
    return ""


def _is_left(had: CircuitState, now: datetime) -> bool:
    """Whether it is given up, or was left alone until now: judged where it begins, see `left_wrongly`.

    Whatever ended the pause (a person's act, the end of a hand-over) shows as a young command.
    """
    gave_up = had.failed is not None and had.failed.retry_at is None
    is_young = had.open is not None and now - had.open.command.decided_at < PROMPT
    return gave_up or is_young or (had.drift is not None and now < had.drift.retry_at + PROMPT)


def moved_on(pump: SimulatedPump, circuit: Circuit, ruling: Ruling, decision: Decision) -> str:
    """A command in flight for an outdated target that was not cancelled; empty if there is none."""
    run = pump.runs.get(circuit)
    if run is None or run.is_finished or run.is_cancelled or circuit in decision.cancels:
        return ""
    is_bound = ruling.by in AUTHORITIES or ruling.by == "outside"
    if not ruling.is_held and (run.command.mode is ruling.level or not is_bound):
        return ""
    held = " and nothing may be written" * ruling.is_held
    return f"{run.command.command_id} for {run.command.mode} goes on, {ruling.by} says {ruling.level}{held}"


def left_wrongly(pump: SimulatedPump, circuit: Circuit, had: CircuitState) -> tuple[str, str] | None:
    """A target given up or a pump handed over although no event allows it: the rule, and what is wrong."""
    known = pump.oracle.manual_changes.known[circuit]
    if had.failed is not None and had.failed.retry_at is None and not known.may_be_given_up:
        return "given up", f"{circuit.value} {had.failed.mode} is given up, and nobody said so"
    drift = had.drift
    if drift is None or known.drifts > MOST_DRIFTS:
        return None
    if drift.is_handed_over or drift.retry_at - drift.at > LONGEST_PAUSE:
        return "handed over", f"{circuit.value} is handed over after {known.drifts} drifts"
    return None


def waits_for_another(pump: SimulatedPump, circuit: Circuit, had: CircuitState, ruling: Ruling) -> str:
    """A source bound by its own back-off only that waits for another's; empty if there is none."""
    known = pump.oracle.manual_changes.known[circuit]
    failed = known.failed
    if failed is None or known.open is not None or ruling.is_held or ruling.by not in AUTHORITIES:
        return ""
    if known.level is ruling.level or had.drift is not None or pump.state.watch.silent_since is not None:
        return ""
    if failed.mode is ruling.level and failed.authority in AUTHORITIES[ruling.by]:
        return ""
    return f"{circuit.value}: {ruling.by} says {ruling.level}, and waits for {failed.command_id} of {failed.authority}"
