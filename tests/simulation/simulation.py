"""The run of one script: the real decisions and the real verification in a world of discrete events.

Protects: the rules are checked after every decision, every vendor call and every sweep.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from domain.modes import Circuit
from domain.oem.readings import Condition
from domain.steering.decide import decide
from domain.steering.pump_state import (
    ComfortChanged,
    Decision,
    Event,
    Kept,
    MessageRefused,
    OrderGiven,
    OrderLifted,
    OverrideEnded,
    OverrideRequested,
    PlanArrived,
    PumpState,
    RetireRequested,
    RetryRequested,
    SteeringConsent,
    Woke,
)
from domain.steering.requests import problem_with_act
from domain.steering.sweep_policy import PASS
from tests.builders import OFFSET
from tests.simulation.event_text import named, short
from tests.simulation.judging.rules import Rules
from tests.simulation.script import SLOT, Incident, Script
from tests.simulation.simulated_pump import ManualSetting, SimulatedPump
from tests.simulation.sweep import Sweep
from tests.simulation.workers import Workers
from workflows.contracts import ONE_DAY

FOREIGN = {Circuit.HEATING: (-6.0, -5.0, -4.0, 5.0, 6.0, 7.0), Circuit.HOT_WATER: (4.0,)}
"""Manual settings that match none of our levels on any baseline that a script begins with."""
CALM_KINDS = {
    "plan", "override", "end-override", "order", "lift", "consent", "comfort", "retire", "refused", "cold snap",
    "window open",
}  # fmt: skip
"""Incidents that change targets or rooms but delay no command."""


class Simulation:
    """One script being run."""

    def __init__(self, script: Script, *, traced: bool = False) -> None:
        self.pump = SimulatedPump(script, traced=traced)
        self._rules = Rules(self.pump)
        self.counts: Counter[str] = Counter()
        """Decisions by kind of event."""
        self._workers = Workers(self.pump, self._rules)
        self._sweep = Sweep(self.pump)
        self._alarm = 0
        self._wake_at: datetime | None = None
        self._keeping = 0
        self._run_started = script.start

    @property
    def steps(self) -> int:
        """Decisions made."""
        return self._rules.steps

    @property
    def days(self) -> float:
        """Simulated days so far."""
        return (self.pump.now - self.pump.script.start).total_seconds() / 86_400

    def run(self) -> None:
        """Run to the end; raises `rules.Violation` at the first broken rule."""
        pump, script = self.pump, self.pump.script
        for incident in script.incidents:
            pump.later(incident.at, "incident", incident)
        for n in range(1, int((script.end - script.start) / SLOT) + 1):
            pump.later(script.start + n * SLOT, "sweep", n)
        self._step(Woke())
        while (upcoming := pump.next_until(script.end)) is not None:
            self._turn(*upcoming)
        pump.now = script.end
        self._rules.at_the_end()

    # --- the event loop ----------------------------------------------------------------------------------------

    def _turn(self, kind: str, what: Any) -> None:
        match kind:
            case "incident":
                self._incident(what)
            case "sweep":
                self._on_sweep(what)
            case "event":
                self._step(what)
            case "woke" if what == self._alarm:
                self._wake_at = None
                self._step(Woke())
            case "attempt":
                self._workers.attempt(what)
            case "resume":
                self._workers.resume(*what)
            case "close":
                self._workers.close(what)
            case "kept":
                self._keeping -= 1
                self._step(Kept(keys=self.pump.ledger.store(what)))
            case "moved by another":
                self.pump.move(OFFSET, what)
                self.pump.trace(f"another controller sets heating to {what:g}")
            case _:
                pass

    def _step(self, event: Event) -> None:
        if self.pump.state.retired:
            return
        self.counts[event.kind] += 1
        before = self.pump.state
        self._rules.before(before)
        decision = decide(before, event, self.pump.now)
        state = decision.state
        if self.pump.is_traced:
            self._tell_step(event, state)
        learnt = _learnt(before, state)
        self.pump.oracle.hear(event, self.pump.now, decision, learnt)
        if state.outbox is not before.outbox:
            self.pump.outbox_keys.update(e.key for e in state.outbox)
        if state.journal is not before.journal:
            self.pump.outbox_keys.update(e.key for e in state.journal)
        self.pump.state = state
        self._rules.after(event, decision)
        for circuit, (setting, _) in learnt.items():
            self._rules.learnt(circuit, setting)
            self.pump.baseline[self.pump.lever_of(circuit)] = setting
        self._carry_out(decision)

    def _carry_out(self, decision: Decision) -> None:
        state = decision.state
        for circuit in decision.cancels:
            self._workers.cancel(circuit)
        for command in decision.starts:
            self._workers.start(command)
        if state.owes_ledger and not state.has_open and not self._keeping:
            self._keeping += 1
            self.pump.later(self.pump.now + timedelta(seconds=0.3), "kept", state)
        if decision.wake_at != self._wake_at:
            self._alarm += 1
            self._wake_at = decision.wake_at
            if decision.wake_at is not None:
                self.pump.later(decision.wake_at, "woke", self._alarm)
        if state.retired:
            # A change since the last sweep had not been seen when the pump was retired.
            self.pump.moved_after_us |= {lever for lever, at in self.pump.moved_at.items() if self.pump.now - at < PASS}
            self.pump.ledger.store(state)
            self.pump.state = state.model_copy(update={"outbox": (), "journal": ()})

    def _tell_step(self, event: Event, state: PumpState) -> None:
        ruling = self.pump.oracle.rules(self.pump.now, Circuit.HEATING)
        seen = f"settled {state.heating.settled}, open {state.heating.open and state.heating.open.command.mode}"
        self.pump.trace(f"{short(event)} -> {seen} (before it {ruling.by} said {ruling.level})")

    # --- what happens ----------------------------------------------------------------------------------------------

    def _incident(self, incident: Incident) -> None:
        if incident.kind not in CALM_KINDS:
            self.pump.troubled_at = max(self.pump.troubled_at, incident.until or incident.at)
        if self.pump.is_traced:
            until = f" until {incident.until:%d %b %H:%M}" if incident.until else ""
            self.pump.trace(f"* {incident.kind}{named(incident.what)}{until}")
        event = self._event_of(incident)
        if event is not None and problem_with_act(self.pump.state, event, self.pump.now) is None:
            self._step(event)

    def _event_of(self, incident: Incident) -> Event | None:  # noqa: C901 -- one line a kind
        what: Any = incident.what
        match incident.kind:
            case "plan":
                return PlanArrived(plan=what)
            case "override":
                return OverrideRequested(override=what)
            case "end-override":
                return OverrideEnded(override_id=what)
            case "order":
                return OrderGiven(order=what)
            case "lift":
                return OrderLifted(order_id=what)
            case "consent":
                return SteeringConsent(opted_out=what)
            case "comfort":
                return ComfortChanged(band=what)
            case "retire":
                return RetireRequested()
            case "retry":
                return RetryRequested(give_up=what)
            case "refused":
                return MessageRefused(reason="a price plan was refused: revision: missing")
            case "touch":
                circuit, luck = what
                lever, setup = self.pump.lever_of(circuit), self.pump.setup(circuit)
                settings = [s for s in FOREIGN[circuit] if setup.level_of(s) is None] or [9.0]
                setting = settings[int(luck * len(settings))]
                self.pump.move(lever, setting)
                self.pump.manual[lever] = ManualSetting(setting=setting, at=self.pump.now)
            case "drift":
                self.pump.move(OFFSET, self.pump.setup(Circuit.HEATING).setting_for(what))
            case "condition" if what is Condition.EXTERNAL:
                self._compete(incident)
            case "crash" | "stall":
                self._workers.armed.append(incident.kind)
            case _:
                pass
        return None

    def _compete(self, incident: Incident) -> None:
        """Another controller moves the lever now and then, and puts it back when it goes."""
        assert incident.until is not None
        was, at = self.pump.cloud.true[OFFSET], self.pump.now
        while at < incident.until:
            self.pump.later(at, "moved by another", FOREIGN[Circuit.HEATING][at.minute % 6])
            at += timedelta(minutes=50)
        self.pump.later(incident.until - timedelta(seconds=1), "moved by another", was)

    def _on_sweep(self, n: int) -> None:
        self.pump.cloud.advance(self.pump.now)
        self._rules.swept(is_thorough=n % 4 == 0)
        if self.pump.state.retired:
            return
        if self.pump.now - self._run_started >= ONE_DAY and not self.pump.state.has_open and not self._keeping:
            self.pump.state = PumpState.model_validate_json(self.pump.state.model_dump_json())
            self._run_started = self.pump.now
            self._step(Woke())
        self._sweep.sweep(n)


def _learnt(before: PumpState, after: PumpState) -> dict[Circuit, tuple[float, datetime]]:
    """Settings that a decision took for a person's."""
    made = {}
    for circuit, had in after.circuits:
        was = before.circuit(circuit)
        if had.baseline_at is not None and (was is None or was.baseline_at != had.baseline_at):
            made[circuit] = (had.lever.baseline, had.baseline_at)
    return made
