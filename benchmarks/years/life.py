"""One pump's life: real decisions and real verification in a world of discrete events, with the rules looked at.

Protects: no clock but the world's, no luck but the story's: the same story is the same life.
"""

import heapq
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from benchmarks.years.attempt import Attempt, Books, NotYet
from benchmarks.years.cloud import Cloud, Sent
from benchmarks.years.oracle import Oracle
from benchmarks.years.rules import Rules
from benchmarks.years.story import SLOT, Incident, Story, share
from domain.acts import problem_with_act
from domain.commands import Command, CommandEvent, CommandOutcome, CommandState
from domain.enrolment import LeverSetup
from domain.modes import Circuit, HotWaterMode, Level, Lever, Mode
from domain.oem import Condition
from domain.overrides import Override, OverrideKind, Purpose
from domain.pump import (
    CircuitState,
    ComfortChanged,
    CommandSettled,
    Event,
    Kept,
    MessageRefused,
    Observed,
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
)
from domain.site import Site
from domain.steering import decide
from workflows.contracts import ONE_DAY, VERIFY_GRACE

START_TO_CLOSE = timedelta(seconds=60)
SILENT_AFTER = timedelta(minutes=30)
FOREIGN = {Circuit.HEATING: (-6.0, -5.0, -4.0, 5.0, 6.0, 7.0), Circuit.HOT_WATER: (4.0,)}
"""Settings by hand that are none of ours on any baseline a life begins with."""
CALM_KINDS = {"plan", "override", "end-override", "order", "lift", "consent", "comfort", "retire", "refused"}
"""What changes wishes and troubles nobody."""


@dataclass
class Run:
    """One command on its way."""

    command: Command
    outbox: tuple[CommandEvent, ...]
    attempts: int = 0
    attempt: Attempt | None = None
    begun_at: datetime | None = None
    is_cancelled: bool = False
    is_finished: bool = False
    is_lost: bool = False
    """Its worker is gone; the server learns that when the attempt's time is over, and until then a cancel waits."""


@dataclass
class Touched:
    """The newest setting somebody made at the pump, seen by us or not."""

    setting: float
    at: datetime


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
        self.runs: dict[Circuit, Run] = {}
        self.commands: list[Command] = []
        self.said: set[str] = set()
        self.touched: dict[Lever, Touched] = {}
        self.by_hand: set[tuple[Lever, float]] = set()
        """What anybody but us ever set."""
        self.troubled_at = story.start - timedelta(days=1)
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []
        self._traced = traced
        self._heap: list[tuple[datetime, int, str, Any]] = []
        self._n = 0
        self._alarm = 0
        self._wake_at: datetime | None = None
        self._keeping = 0
        self._run_started = story.start
        self._told: tuple[object, ...] = (Condition.NORMAL, False, False, False)
        self._is_cold = self._is_tank_cold = False
        self._armed: list[str] = []
        self._levels: dict[tuple[Circuit, float, float, Level | None], Level | None] = {}
        self.rules = Rules(self)

    @property
    def steps(self) -> int:
        """Decisions made."""
        return self.rules.steps

    def live(self) -> None:
        """Live it; raises `rules.Violation` at the first broken rule."""
        for incident in self.story.incidents:
            self._later(incident.at, "incident", incident)
        for n in range(1, int((self.story.end - self.story.start) / SLOT) + 1):
            self._later(self.story.start + n * SLOT, "sweep", n)
        self._step(Woke())
        while self._heap and self._heap[0][0] <= self.story.end:
            self.now, _, kind, what = heapq.heappop(self._heap)
            self._turn(kind, what)
        self.now = self.story.end
        self.rules.at_the_end()

    def setup(self, circuit: Circuit) -> LeverSetup:
        """The lever of a circuit as the ledger has it."""
        lever = self.lever_of(circuit)
        wide = lever is Lever.HEATING_OFFSET
        return LeverSetup(
            lever=lever, baseline=self.theirs[lever], minimum=-10 if wide else 0, maximum=10 if wide else 4, step=1
        )

    def lever_of(self, circuit: Circuit) -> Lever:
        """Which lever steers a circuit."""
        return Lever.HEATING_OFFSET if circuit is Circuit.HEATING else Lever.HOT_WATER_COMFORT

    def is_running(self, circuit: Circuit) -> bool:
        """Whether a command of the circuit is on its way."""
        run = self.runs.get(circuit)
        return run is not None and not run.is_finished

    def tell(self, text: str) -> None:
        """A line for the reader of a story."""
        if self._traced:
            self.lines.append(f"{self.now:%d %b %H:%M:%S}  {text}")

    # --- turns of the world ----------------------------------------------------------------------------------------

    def _later(self, at: datetime, kind: str, what: Any) -> None:
        self._n += 1
        heapq.heappush(self._heap, (at, self._n, kind, what))

    def _luck(self, salt: int) -> float:
        return share(self.story.seed, self.story.number, salt, int(self.now.timestamp() * 10))

    def _turn(self, kind: str, what: Any) -> None:  # noqa: C901 -- one line a kind
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
                self._attempt(what)
            case "resume":
                self._resume(*what)
            case "close":
                self._close(what)
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
        if self._traced:
            self._tell_step(event, state)
        touches: tuple[Override, ...] = ()
        if decision.rebases:
            touches = tuple(o for o in state.overrides if o.purpose is Purpose.THERMOSTAT)
        self.oracle.hear(event, self.now, touches)
        if state.outbox is not before.outbox:
            self.said.update(e.key for e in state.outbox)
        self.state = state
        self.rules.after(event, decision)
        for rebase in decision.rebases:
            touch = max((t for t in touches), key=lambda t: t.requested_at, default=None)
            self.rules.learnt(self.lever_of(rebase.circuit), rebase.setting, touch)
        for circuit in decision.cancels:
            self._cancel(circuit)
        for command in decision.starts:
            self._start(command)
        for rebase in decision.rebases:
            self._keeping += 1
            self._later(self.now + timedelta(seconds=1 + 30 * self._luck(11)), "rebase", rebase)
        if state.outbox and not state.has_open and not self._keeping:
            self._keeping += 1
            self._later(self.now + timedelta(seconds=0.3), "kept", state.outbox)
        if decision.wake_at != self._wake_at:
            self._alarm += 1
            self._wake_at = decision.wake_at
            if decision.wake_at is not None:
                self._later(decision.wake_at, "woke", self._alarm)
        if state.retired:
            self.books.record(state.outbox)
            self.state = state.model_copy(update={"outbox": ()})

    def _tell_step(self, event: Event, state: PumpState) -> None:
        ruling = self.oracle.rules(self.now, Circuit.HEATING)
        seen = f"settled {state.heating.settled}, open {state.heating.open and state.heating.open.command.mode}"
        self.tell(f"{_short(event)} -> {seen} (before it {ruling.by} said {ruling.level})")

    # --- commands --------------------------------------------------------------------------------------------------

    def _start(self, command: Command) -> None:
        run = Run(command=command, outbox=self.state.outbox)
        self.runs[command.circuit] = run
        self.commands.append(command)
        queued = 600.0 if self.cloud.window("slow", self.now) else 3.0
        self._later(self.now + timedelta(seconds=0.1 + queued * self._luck(12)), "attempt", run)
        self._later(command.expires_at + VERIFY_GRACE + timedelta(seconds=10), "close", run)
        self.tell(f"starts {command.command_id} {command.mode} by {command.authority} until {command.expires_at:%H:%M}")

    def _cancel(self, circuit: Circuit) -> None:
        run = self.runs.get(circuit)
        if run is None or run.is_finished:
            return
        run.is_cancelled = True
        self.tell(f"cancels {run.command.command_id}")
        if run.attempt is None and not run.is_lost:
            self._supersede(run)

    def _supersede(self, run: Run) -> None:
        self._finish(run, CommandState.SUPERSEDED, "a newer wish came; perhaps written")

    def _finish(self, run: Run, state: CommandState, reason: str) -> None:
        outcome = CommandOutcome(
            command_id=run.command.command_id, state=state, at=self.now, reason=reason, recorded=False
        )
        self._ended(run, outcome)

    def _ended(self, run: Run, outcome: CommandOutcome) -> None:
        run.is_finished = True
        run.attempt = None
        self.rules.settled(run.command, outcome)
        self._later(self.now, "event", CommandSettled(outcome=outcome))

    def _close(self, run: Run) -> None:
        if not run.is_finished:
            never = run.attempts == 0
            state = CommandState.EXPIRED if never else CommandState.UNVERIFIED
            self._finish(run, state, "nobody took it up" if never else "time ran out before it was seen")

    def _attempt(self, run: Run) -> None:
        if run.is_finished or run.attempt is not None:
            return
        run.is_lost = False
        if run.is_cancelled:
            self._supersede(run)
            return
        run.attempts += 1
        offset = (self._luck(13) * 2 - 1) * self.skew
        setup = self.setup(run.command.circuit)
        if run.command.baseline is not None:
            setup = setup.model_copy(update={"baseline": run.command.baseline})
        run.attempt = Attempt(
            command=run.command,
            outbox=run.outbox,
            setup=setup,
            books=self.books,
            cloud=self.cloud,
            clock=lambda: self.now + offset,
            true_clock=lambda: self.now,
            number=run.attempts,
            on_read=self.rules.read,
            on_write=self._writing,
            on_line=self.tell,
            luck=self._luck(14),
        )
        run.begun_at = self.now
        self._resume(run, run.attempt, run.attempt.run(), 0)

    def _writing(self, sent: Sent, command: Command) -> None:
        self.rules.wrote(sent, command)

    def _resume(self, run: Run, attempt: Attempt, going: Generator[float, None, CommandOutcome], turn: int) -> None:
        if self._armed and turn >= 1 and run.attempt is attempt and self._strikes(run, attempt, going, turn):
            return
        is_ours = run.attempt is attempt
        try:
            seconds = next(going)
        except NotYet as later:
            if not is_ours or run.is_finished:
                return
            run.attempt = None
            if run.is_cancelled:
                self._supersede(run)
            else:
                self._later(self.now + max(later.delay, timedelta(milliseconds=1)), "attempt", run)
        except StopIteration as stop:
            if is_ours and not run.is_finished:
                self._ended(run, stop.value)
        else:
            self._later(self.now + timedelta(seconds=seconds), "resume", (run, attempt, going, turn + 1))

    def _strikes(self, run: Run, attempt: Attempt, going: Generator[float, None, CommandOutcome], turn: int) -> bool:
        """A crash ends the attempt where it is; a stall lets it go on when nobody counts on it any more."""
        assert run.begun_at is not None
        if self._luck(15) < 0.5:
            return False
        what = self._armed[0]
        if what == "stall" and attempt.holds_lock:
            return False
        self._armed.pop(0)
        self.tell(f"the worker at {run.command.command_id} {what}s")
        run.attempt = None
        if what == "crash":
            going.close()
            for sent in self.cloud.sent[-3:]:
                if sent.answered_at is None:
                    sent.answered_at, sent.fate = self.now, "maybe taken"
            self.state = PumpState.model_validate_json(self.state.model_dump_json())
        else:
            if self._luck(17) < 0.6:
                self._interfere(run)
            wait = timedelta(seconds=70 + 1100 * self._luck(16))
            self._later(self.now + wait, "resume", (run, attempt, going, turn + 1))
        run.is_lost = True
        self._later(run.begun_at + START_TO_CLOSE, "attempt", run)
        return True

    def _interfere(self, run: Run) -> None:
        """A person wishes something else in the very moment in which a worker hangs."""
        at = self.now + timedelta(seconds=5 + 40 * self._luck(18))
        wish = Override(
            override_id=f"in-between-{run.command.seq}",
            kind=OverrideKind.HOUSEHOLD,
            mode=Mode.MIN if run.command.mode is Mode.MAX else Mode.MAX,
            requested_at=at,
            until=at + timedelta(hours=1),
            who="resident",
            why="in the worst moment",
        )
        self._later(at, "incident", Incident(at=at, kind="override", what=wish))

    # --- what happens ----------------------------------------------------------------------------------------------

    def _incident(self, incident: Incident) -> None:
        if incident.kind not in CALM_KINDS:
            self.troubled_at = max(self.troubled_at, incident.until or incident.at)
        until = f" until {incident.until:%d %b %H:%M}" if incident.until else ""
        self.tell(f"* {incident.kind}{_named(incident.what)}{until}")
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
                lever, settings = self.lever_of(circuit), FOREIGN[circuit]
                setting = settings[int(luck * len(settings))]
                self._move(lever, setting)
                self.touched[lever] = Touched(setting=setting, at=self.now)
            case "drift":
                self._move(Lever.HEATING_OFFSET, self.setup(Circuit.HEATING).setting_for(what))
            case "condition" if what is Condition.EXTERNAL:
                self._compete(incident)
            case "crash" | "stall":
                self._armed.append(incident.kind)
            case _:
                pass
        return None

    def _move(self, lever: Lever, setting: float) -> None:
        self.cloud.advance(self.now)
        self.cloud.set(lever, setting, self.now)
        self.by_hand.add((lever, setting))

    def _compete(self, incident: Incident) -> None:
        """Another controller moves the lever now and then, and puts it back when it goes."""
        assert incident.until is not None
        was, at = self.cloud.true[Lever.HEATING_OFFSET], self.now
        while at < incident.until:
            self._later(at, "moved by another", FOREIGN[Circuit.HEATING][at.minute % 6])
            at += timedelta(minutes=50)
        self._later(incident.until - timedelta(seconds=1), "moved by another", was)

    # --- the sweep -------------------------------------------------------------------------------------------------

    def _sweep(self, n: int) -> None:
        self.cloud.advance(self.now)
        if n % 4 == 0:
            self.rules.looked()
        if self.state.retired:
            return
        if self.now - self._run_started >= ONE_DAY and not self.state.has_open and not self._keeping:
            self.state = PumpState.model_validate_json(self.state.model_dump_json())
            self._run_started = self.now
            self._step(Woke())
        if self.cloud.window("outage", self.now) or self.cloud.window("budget", self.now):
            return
        seen = self._observe(is_routine=n % 32 == 0)
        if seen is None:
            return
        delay = 20 * self._luck(21) if self._luck(22) < 0.95 else 1200 * self._luck(21)
        self._later(self.now + timedelta(seconds=delay), "event", seen)
        if self._luck(23) < 0.05:
            self._later(self.now + timedelta(seconds=900 * self._luck(24)), "event", seen)

    def _level_of(self, circuit: Circuit, setting: float, had: CircuitState) -> Level | None:
        expected = had.last.mode if had.last is not None else None
        key = (circuit, setting, self.theirs[self.lever_of(circuit)], expected)
        if key not in self._levels:
            self._levels[key] = self.setup(circuit).level_of(setting, expected)
        return self._levels[key]

    def _observe(self, *, is_routine: bool) -> Observed | None:
        """What a sweep would tell: what contradicts or is news; silence where the picture is old."""
        cloud, shown = self.cloud, self.cloud.shown(self.now)
        if self.now - shown > SILENT_AFTER:
            was_told = self._told[1]
            self._told = (self._told[0], True, *self._told[2:])
            return None if was_told else Observed(as_of=self.now + self.vendor_skew, silent=True)
        floor_c = self.state.site.floor_c
        room_c = round(cloud.room_c, 2)
        self._is_cold = room_c < floor_c + (0.3 if self._is_cold else 0)
        tank_c = round(cloud.tank_c, 1) if self.state.hot_water is not None else None
        if tank_c is not None:
            self._is_tank_cold = tank_c < 38 + (2 if self._is_tank_cold else 0)
        seen: list[tuple[Circuit, Level | None, float]] = []
        contradicts = False
        for circuit, had in self.state.circuits:
            lever = self.lever_of(circuit)
            setting = cloud.value_at(lever, shown)
            level = self._level_of(circuit, setting, had)
            seen.append((circuit, level, setting))
            contradicts |= had.open is None and level is not had.settled
        told = (cloud.condition(self.now), False, self._is_cold, self._is_tank_cold)
        if not (contradicts or is_routine or told != self._told):
            return None
        self._told = told
        return Observed(
            as_of=shown + self.vendor_skew,
            levers=tuple(SeenLever(circuit=c, level=level, setting=setting) for c, level, setting in seen),
            condition=told[0],
            room_c=room_c,
            hot_water_c=tank_c,
        )


def _short(event: Event) -> str:
    match event:
        case CommandSettled(outcome=outcome):
            return f"{outcome.command_id} settled {outcome.state}"
        case Observed(silent=True):
            return "observed silent"
        case Observed():
            seen = ", ".join(f"{one.circuit} {one.level} {one.setting:g}" for one in event.levers)
            return f"observed {seen}, room {event.room_c}, {event.condition} (as of {event.as_of:%H:%M:%S})"
        case _:
            return event.kind


def _named(what: Any) -> str:
    match what:
        case None:
            return ""
        case Override():
            return f" {what.override_id} {what.kind} {what.purpose} {what.mode} until {what.until:%d %b %H:%M}"
        case Mode() | Condition():
            return f" {what.value}"
    if hasattr(what, "segments"):
        parts = " ".join(f"{s.start:%H:%M}-{s.end:%H:%M} {s.mode}" for s in what.segments)
        return f" r{what.revision} {what.first_slot:%d %b %H:%M}-{what.valid_until:%d %b %H:%M} floor {what.floor}: {parts}"
    if hasattr(what, "order_id"):
        return f" {what.order_id} {what.kind} {what.cap or ''} until {what.until}"
    return f" {what}"
