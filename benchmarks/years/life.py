"""One pump's life: real decisions and real verification in a world of discrete events, with the rules looked at.

Protects: no clock but the world's, no luck but the story's: the same story is the same life.
"""

import heapq
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from benchmarks.years.books import Books
from benchmarks.years.cloud import Cloud
from benchmarks.years.oracle import Oracle
from benchmarks.years.rules import Rules
from benchmarks.years.story import SLOT, Incident, Story, share
from benchmarks.years.sweep import Sweep
from benchmarks.years.words import named, short
from benchmarks.years.work import Workers
from domain.homes.enrolment import LeverSetup
from domain.homes.site import Site
from domain.modes import Circuit, HotWaterMode, Level, Lever
from domain.oem.cloud import Condition
from domain.steering.decide import decide
from domain.steering.pump_state import (
    CircuitState,
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
from workflows.contracts import ONE_DAY

START_TO_CLOSE = timedelta(seconds=60)
SILENT_AFTER = timedelta(minutes=30)
FOREIGN = {Circuit.HEATING: (-6.0, -5.0, -4.0, 5.0, 6.0, 7.0), Circuit.HOT_WATER: (4.0,)}
"""Settings by hand that are none of ours on any baseline a life begins with."""
CALM_KINDS = {
    "plan", "override", "end-override", "order", "lift", "consent", "comfort", "retire", "refused", "cold snap",
    "window open",
}  # fmt: skip
"""What changes wishes or rooms, and keeps no command away."""


@dataclass
class Touched:
    """The newest setting somebody made at the pump, seen by us or not."""

    setting: float
    at: datetime


@cache
def _setup(lever: Lever, baseline: float) -> LeverSetup:
    wide = lever is Lever.HEATING_OFFSET
    return LeverSetup(lever=lever, baseline=baseline, minimum=-10 if wide else 0, maximum=10 if wide else 4, step=1)


@cache
def _setting(lever: Lever, baseline: float, level: Level) -> float:
    return _setup(lever, baseline).setting_for(level)


class Life:
    """A story, lived."""

    def __init__(self, story: Story, *, traced: bool = False) -> None:
        self.story = story
        self.now = story.start
        self.cloud = Cloud(story, dict(story.baseline))
        self.books = Books()
        self.theirs = dict(story.baseline)
        has_hot_water = Lever.HOT_WATER_COMFORT in story.baseline
        self.state = PumpState(
            pump_id=story.pump_id,
            oem="nibe",
            site=Site(band=story.band, emitter=story.emitter, home=story.home),
            hot_water=CircuitState(settled=HotWaterMode.NORMAL) if has_hot_water else None,
        )
        self.oracle = Oracle(story.pump_id, story.emitter, story.home, story.band.room_min_c)
        self.skew = timedelta(seconds=story.worker_skew_s)
        self.vendor_skew = timedelta(seconds=story.vendor_skew_s)
        self.said: set[str] = set()
        self.touched: dict[Lever, Touched] = {}
        self.moved_after_us: set[Lever] = set()
        self.moved_at: dict[Lever, datetime] = {}
        """When a lever last moved without us."""
        self.by_hand: set[tuple[Lever, float]] = set()
        """What anybody but us ever set."""
        self.troubled_at = story.start - timedelta(days=1)
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []
        self.is_traced = traced
        self._heap: list[tuple[datetime, int, str, Any]] = []
        self._n = 0
        self._alarm = 0
        self._wake_at: datetime | None = None
        self._keeping = 0
        self._run_started = story.start
        self.workers = Workers(self)
        self.sweep = Sweep(self)
        self.rules = Rules(self)

    @property
    def steps(self) -> int:
        """Decisions made."""
        return self.rules.steps

    def live(self) -> None:
        """Live it; raises `rules.Violation` at the first broken rule."""
        for incident in self.story.incidents:
            self.later(incident.at, "incident", incident)
        for n in range(1, int((self.story.end - self.story.start) / SLOT) + 1):
            self.later(self.story.start + n * SLOT, "sweep", n)
        self._step(Woke())
        end = self.story.end
        while self._heap and self._heap[0][0] <= end:
            self.now, _, kind, what = heapq.heappop(self._heap)
            self._turn(kind, what)
        self.now = end
        self.rules.at_the_end()

    def setup(self, circuit: Circuit, baseline: float | None = None) -> LeverSetup:
        """The lever of a circuit as the ledger has it, on another baseline where one is given."""
        lever = self.lever_of(circuit)
        return _setup(lever, self.theirs[lever] if baseline is None else baseline)

    def setting_of(self, circuit: Circuit, level: Level) -> float:
        """What a level comes down to now."""
        lever = self.lever_of(circuit)
        return _setting(lever, self.theirs[lever], level)

    def lever_of(self, circuit: Circuit) -> Lever:
        """Which lever steers a circuit."""
        return Lever.HEATING_OFFSET if circuit is Circuit.HEATING else Lever.HOT_WATER_COMFORT

    def tell(self, text: str) -> None:
        """A line for the reader of a story."""
        if self.is_traced:
            self.lines.append(f"{self.now:%d %b %H:%M:%S}  {text}")

    # --- turns of the world ----------------------------------------------------------------------------------------

    def later(self, at: datetime, kind: str, what: Any) -> None:
        """Something of a kind known to `_turn` comes up."""
        self._n += 1
        heapq.heappush(self._heap, (at, self._n, kind, what))

    def luck(self, salt: int) -> float:
        """In [0, 1), for one purpose at one moment."""
        return share(self.story.seed, self.story.number, salt, int(self.now.timestamp() * 10))

    def _turn(self, kind: str, what: Any) -> None:
        match kind:
            case "incident":
                self._incident(what)
            case "sweep":
                self._sweep(what)
            case "event":
                self._step(what)
            case "woke" if what == self._alarm:
                self._wake_at = None
                self._step(Woke())
            case "attempt":
                self.workers.attempt(what)
            case "resume":
                self.workers.resume(*what)
            case "close":
                self.workers.close(what)
            case "kept":
                self._keeping -= 1
                self.books.record(what)
                self._step(Kept(keys=tuple(e.key for e in what)))
            case "rebase":
                self._keeping -= 1
                self.theirs[self.lever_of(what.circuit)] = what.setting
            case "moved by another":
                self._move(Lever.HEATING_OFFSET, what)
                self.tell(f"another controller sets heating to {what:g}")
            case _:
                pass

    def _step(self, event: Event) -> None:
        if self.state.retired:
            return
        self.counts[event.kind] += 1
        before = self.state
        decision = decide(before, event, self.now)
        state = decision.state
        if self.is_traced:
            self._tell_step(event, state)
        self.oracle.hear(event, self.now, decision)
        if state.outbox is not before.outbox:
            self.said.update(e.key for e in state.outbox)
        self.state = state
        self.rules.after(event, decision)
        for rebase in decision.rebases:
            self.rules.learnt(rebase.circuit, rebase.setting)
        self._carry_out(decision)

    def _carry_out(self, decision: Decision) -> None:
        state = decision.state
        for circuit in decision.cancels:
            self.workers.cancel(circuit)
        for command in decision.starts:
            self.workers.start(command)
        for rebase in decision.rebases:
            self._keeping += 1
            self.later(self.now + timedelta(seconds=1 + 30 * self.luck(11)), "rebase", rebase)
        if state.outbox and not state.has_open and not self._keeping:
            self._keeping += 1
            self.later(self.now + timedelta(seconds=0.3), "kept", state.outbox)
        if decision.wake_at != self._wake_at:
            self._alarm += 1
            self._wake_at = decision.wake_at
            if decision.wake_at is not None:
                self.later(decision.wake_at, "woke", self._alarm)
        if state.retired:
            # What moved within the sweep's last pass was seen by nobody when the pump was let go.
            self.moved_after_us |= {lever for lever, at in self.moved_at.items() if self.now - at < PASS}
            self.books.record(state.outbox)
            self.state = state.model_copy(update={"outbox": ()})

    def _tell_step(self, event: Event, state: PumpState) -> None:
        ruling = self.oracle.rules(self.now, Circuit.HEATING)
        seen = f"settled {state.heating.settled}, open {state.heating.open and state.heating.open.command.mode}"
        self.tell(f"{short(event)} -> {seen} (before it {ruling.by} said {ruling.level})")

    # --- what happens ----------------------------------------------------------------------------------------------

    def _incident(self, incident: Incident) -> None:
        if incident.kind not in CALM_KINDS:
            self.troubled_at = max(self.troubled_at, incident.until or incident.at)
        if self.is_traced:
            until = f" until {incident.until:%d %b %H:%M}" if incident.until else ""
            self.tell(f"* {incident.kind}{named(incident.what)}{until}")
        event = self._event_of(incident)
        if event is not None and problem_with_act(self.state, event, self.now) is None:
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
                lever, setup = self.lever_of(circuit), self.setup(circuit)
                settings = [s for s in FOREIGN[circuit] if setup.level_of(s) is None] or [9.0]
                setting = settings[int(luck * len(settings))]
                self._move(lever, setting)
                self.touched[lever] = Touched(setting=setting, at=self.now)
            case "drift":
                self._move(Lever.HEATING_OFFSET, self.setup(Circuit.HEATING).setting_for(what))
            case "condition" if what is Condition.EXTERNAL:
                self._compete(incident)
            case "crash" | "stall":
                self.workers.armed.append(incident.kind)
            case _:
                pass
        return None

    def _move(self, lever: Lever, setting: float) -> None:
        self.cloud.advance(self.now)
        self.cloud.set(lever, setting, self.now)
        self.by_hand.add((lever, setting))
        self.moved_at[lever] = self.now
        if self.state.retired:
            self.moved_after_us.add(lever)

    def _compete(self, incident: Incident) -> None:
        """Another controller moves the lever now and then, and puts it back when it goes."""
        assert incident.until is not None
        was, at = self.cloud.true[Lever.HEATING_OFFSET], self.now
        while at < incident.until:
            self.later(at, "moved by another", FOREIGN[Circuit.HEATING][at.minute % 6])
            at += timedelta(minutes=50)
        self.later(incident.until - timedelta(seconds=1), "moved by another", was)

    def _sweep(self, n: int) -> None:
        self.cloud.advance(self.now)
        self.rules.looked(is_thorough=n % 4 == 0)
        if self.state.retired:
            return
        if self.now - self._run_started >= ONE_DAY and not self.state.has_open and not self._keeping:
            self.state = PumpState.model_validate_json(self.state.model_dump_json())
            self._run_started = self.now
            self._step(Woke())
        self.sweep.look(n)
