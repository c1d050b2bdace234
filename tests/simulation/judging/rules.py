"""What must hold after every step of a run, each rule in a few lines of its own.

Protects: rules judge by the true state and by the events that reached the pump, and by the pump's own state only where
that state is what they judge.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.commands.command import Authority, Command, CommandOutcome, CommandState
from domain.modes import Circuit, HotWaterMode, Level, Mode
from domain.oem.lever import LeverName
from domain.oem.readings import Condition, Reading
from domain.steering.arbitration import target_at
from domain.steering.journal import as_of
from domain.steering.journalling import standing_of
from domain.steering.overrides import OverrideKind
from domain.steering.pump_state import CircuitState, Decision, Event, PumpState
from tests.simulation.fake_cloud import TIMING, Sent
from tests.simulation.judging.oracle import Ruling
from tests.simulation.judging.promptness import (
    CALM_FOR,
    PROMPT,
    CircuitHistory,
    late,
    left_wrongly,
    moved_on,
    waits_for_another,
)
from tests.simulation.simulated_pump import SimulatedPump

NEUTRAL: dict[Circuit, Level] = {Circuit.HEATING: Mode.LOW, Circuit.HOT_WATER: HotWaterMode.NORMAL}
MIN_RUN = timedelta(minutes=60)
MIN_PAUSE = timedelta(minutes=30)
MAX_PLAN_CHANGES = 8
MOST_WRITES_A_DAY = 60
"""Of one lever, whatever happens: a vendor's budget for a pump is of this order."""
SET_BACK_FROM_C = 20.7
"""A room cooler than this could end below 17 C, were it stuck with a set-back for two days of hard frost."""
MOST_STATE_BYTES = 64_000
COLD_RETRY = timedelta(hours=1)
"""A home that something keeps setting back is helped this often while it is cold."""
COLD_GRACE = timedelta(minutes=3)
"""A write under way may end after the room was seen to be cold."""
SETTLES_WITHIN = timedelta(hours=6)
"""Without faults and with an unchanged target every lever is right after this: two retries at the longest back-off."""
INVARIANTS = (
    "precedence", "dwell", "plan changes", "expiry", "floor", "one in flight", "no old write after a newer one",
    "read before rewrite", "applied means seen", "people win", "revert", "every target ends", "settles", "wakes",
    "json", "outbox", "journal", "size", "writes a day", "stop", "promptness", "moved on", "own back-off", "hands",
    "given up", "handed over",
)  # fmt: skip


class Violation(Exception):
    """A rule was broken."""

    def __init__(self, rule: str, at: datetime, what: str) -> None:
        super().__init__(f"{rule} at {at:%d %b %H:%M:%S}: {what}")
        self.rule, self.at, self.what = rule, at, what


@dataclass
class HeldSetting:
    """A setting that a person made and the pump learnt."""

    setting: float
    at: datetime
    until: datetime


class Rules:
    """The rules of one run, with what they must remember."""

    def __init__(self, pump: SimulatedPump) -> None:
        self.pump = pump
        self.courses = {circuit: CircuitHistory() for circuit, _ in pump.state.circuits}
        self.held: dict[LeverName, HeldSetting] = {}
        self.last_read: dict[str, tuple[datetime, float | None]] = {}
        self.last_room_c: dict[str, float | None] = {}
        self.steps = 0
        self.decided_at = pump.script.start
        self.moments: list[tuple[datetime, PumpState]] = []
        """Now and then, between decisions: what the journal must later tell."""

    def _fail(self, rule: str, what: str) -> None:
        raise Violation(rule, self.pump.now, what)

    def before(self, state: PumpState) -> None:
        """What holds until something happens is what was last decided."""
        if self.steps % 8 or not state.decided:
            return
        now = self.pump.now
        for circuit, decided in state.decided.items():
            if decided.target.until is not None and decided.target.until <= now:
                continue
            if (target := target_at(state, now, circuit)) != decided.target:
                self._fail("journal", f"{circuit.value} is {target}, and the journal says {decided.target}")
        if now > self.decided_at:
            self.moments.append((self.decided_at + (now - self.decided_at) / 2, state))

    # --- after every decision --------------------------------------------------------------------------------------

    def after(self, event: Event, decision: Decision) -> None:
        """Everything that a decision alone can break."""
        self.steps += 1
        now, state = self.pump.now, decision.state
        self.decided_at = now
        if decision.wake_at is not None and decision.wake_at <= now:
            self._fail("wakes", f"wakes at {decision.wake_at:%H:%M:%S}, which is not ahead")
        if self.pump.oracle.manual_changes.wrong:
            self._fail("hands", self.pump.oracle.manual_changes.wrong)
        for command in decision.starts:
            self._started(command)
        if state.retired:
            return
        for circuit, had in state.circuits:
            ruling = self.pump.oracle.rules(now, circuit)
            most = self.pump.oracle.most(now) if circuit is Circuit.HEATING else None
            self.courses[circuit].rules(ruling, most, now)
            self._is_in_time(circuit, had, ruling, decision)
            if event.kind in ("settled", "kept", "woke") and self.steps % 4:
                continue  # what starts is judged in any case
            target = target_at(state, now, circuit)
            # Under another controller a foreign setting is left alone, which only the pump's own state knows.
            is_held = ruling.is_held or (ruling.by == "outside" and target.is_held and had.settled is None)
            if target.mode is not ruling.level or target.is_held is not is_held:
                self._fail(
                    "precedence",
                    f"{circuit.value}: {target.mode}{' held' * target.is_held} ({target.authority}, {target.reason}), "
                    f"but {ruling.by} says {ruling.level}{' held' * ruling.is_held}",
                )
            is_set_back = circuit is Circuit.HEATING and had.settled is Mode.MIN and had.open is None
            is_drifting = had.drift is not None and now < had.drift.at + COLD_RETRY
            waits = had.failed is not None or is_drifting or state.watch.silent_since is not None
            waits = waits or self.pump.oracle.condition is Condition.INSTALLER  # it takes nothing up
            if (
                is_set_back
                and self.pump.oracle.is_cold
                and ruling.level is Mode.LOW
                and not waits
                and not target.is_held
            ):
                self._fail("floor", "left set back though a room was seen below its floor")
        if self.steps % 6 == 0:
            self._wakes_in_time(decision)
        if self.steps % 12 == 0:
            self._survives_json(state)

    def _is_in_time(self, circuit: Circuit, had: CircuitState, ruling: Ruling, decision: Decision) -> None:
        """No target waits for another's back-off, and none is given up or handed over without cause."""
        if what := moved_on(self.pump, circuit, ruling, decision):
            self._fail("moved on", what)
        if wrong := left_wrongly(self.pump, circuit, had):
            self._fail(*wrong)
        if what := waits_for_another(self.pump, circuit, had, ruling):
            self._fail("own back-off", what)

    def _started(self, command: Command) -> None:
        now, circuit = self.pump.now, command.circuit
        course = self.courses[circuit]
        if self.pump.is_running(circuit):
            self._fail("one in flight", f"{command.command_id} starts while another command of {circuit.value} is open")
        ruling = self.pump.oracle.rules(now, circuit)
        is_plan = command.authority is Authority.PLAN
        is_neutral = command.mode is NEUTRAL[circuit]
        if ruling.is_held or (command.mode is not ruling.level and not (is_plan and is_neutral)):
            held = " and nothing may be written" * ruling.is_held
            self._fail(
                "precedence", f"{command.command_id} starts {command.mode}, {ruling.by} says {ruling.level}{held}"
            )
        if command.mode is Mode.MIN and self.pump.oracle.is_cold and ruling.by != "outside":
            self._fail("floor", f"{command.command_id} sets back while a room is below its floor")
        if command.expires_at <= now:
            self._fail("expiry", f"{command.command_id} is born expired")
        if course.last is None or course.last.mode is not command.mode:
            self._changes(course, command, is_plan=is_plan, is_neutral=is_neutral)
            course.run_since = now
        course.last = command

    def _changes(self, course: CircuitHistory, command: Command, *, is_plan: bool, is_neutral: bool) -> None:
        now, last = self.pump.now, course.last
        if is_plan and last is not None and last.authority is Authority.PLAN and course.run_since is not None:
            keep = MIN_RUN if last.mode in (Mode.MID, Mode.MAX) else MIN_PAUSE
            by_floor = self.pump.oracle.rules(now, command.circuit).by == "floor"
            if now - course.run_since < keep and not by_floor:
                self._fail("dwell", f"a plan leaves {last.mode} for {command.mode} after {now - course.run_since}")
        if is_plan:
            course.plan_changes = [t for t in course.plan_changes if now - t < timedelta(hours=24)]
            if len(course.plan_changes) >= MAX_PLAN_CHANGES and not is_neutral:
                self._fail("plan changes", f"{len(course.plan_changes) + 1} plan-made changes within a day")
            course.plan_changes.append(now)

    def _wakes_in_time(self, decision: Decision) -> None:
        """Nothing that only time changes may happen before the pump wakes."""
        now, state = self.pump.now, decision.state
        ahead = decision.wake_at - now if decision.wake_at is not None else timedelta(hours=30)
        for circuit, had in state.circuits:
            ruling = self.pump.oracle.rules(now, circuit)
            waits = had.open is not None or had.settled is ruling.level or ruling.is_held or ruling.by == "outside"
            gave_up = had.failed is not None and had.failed.retry_at is None
            if decision.wake_at is None and not waits and not gave_up:
                course = self.courses[circuit]
                if len(course.plan_changes) < MAX_PLAN_CHANGES:
                    self._fail("wakes", f"{circuit.value} is not where it should be, and nothing will ever wake it")
            for part in (0.25, 0.6, 0.999):
                moment = now + ahead * part
                if moment == decision.wake_at:
                    continue  # less than a millisecond ahead, the clock's last digit rounds up to the wake itself
                later = self.pump.oracle.rules(moment, circuit)
                if later.level is not ruling.level or later.is_held is not ruling.is_held:
                    self._fail(
                        "wakes", f"{circuit.value} changes to {later.level} before it wakes ({decision.wake_at})"
                    )

    def _survives_json(self, state: PumpState) -> None:
        text = state.model_dump_json()
        if PumpState.model_validate_json(text) != state:
            self._fail("json", "the state is another one after a round trip")
        if len(text) > MOST_STATE_BYTES or len(state.outbox) > 64:
            self._fail("size", f"{len(text)} bytes of state, {len(state.outbox)} lines in the outbox")

    def learnt(self, circuit: Circuit, setting: float) -> None:
        """The pump took a setting for a person's."""
        lever = self.pump.lever_of(circuit)
        if setting != self.pump.baseline[lever] and (lever, setting) not in self.pump.foreign_settings:
            self._fail("people win", f"{lever}={setting:g} is taken for a person's, and only we ever wrote it")
        hold = next(t for t in reversed(self.pump.oracle.touches) if t.circuit is circuit)
        self.held[lever] = HeldSetting(setting, self.pump.now, hold.until)

    def settled(self, command: Command, outcome: CommandOutcome) -> None:
        """A command's end reaches the pump."""
        if outcome.state is CommandState.APPLIED:
            lever = self.pump.lever_of(command.circuit)
            wrote = [s for s in self.pump.cloud.sent if s.command_id == command.command_id]
            setting = wrote[-1].setting if wrote else self.last_read[command.command_id][1]
            since = wrote[-1].at if wrote else command.decided_at
            slack = TIMING.reading_max_age if not wrote else self.pump.skew
            if setting is None or not self.pump.cloud.stood_at(lever, setting, since - slack):
                self._fail("applied means seen", f"{command.command_id} is called applied, the lever never stood there")

    # --- at every call ---------------------------------------------------------------------------------------------

    def read(self, command: Command, reading: Reading) -> None:
        """A command's attempt saw the lever and the room."""
        self.last_read[command.command_id] = (self.pump.now, reading.setting)
        self.last_room_c[command.command_id] = reading.room_c

    def wrote(self, sent: Sent, command: Command) -> None:
        """A write begins."""
        now, skew = self.pump.now, self.pump.skew
        if now >= command.expires_at + skew + timedelta(seconds=1):
            self._fail("expiry", f"{sent.command_id} is written {now - command.expires_at} after it expired")
        earlier = [s for s in self.pump.cloud.sent if s.lever is sent.lever]
        own = [s for s in earlier if s.command_id == sent.command_id]
        read_at = self.last_read.get(sent.command_id, (None, None))[0]
        if own and (read_at is None or read_at <= own[-1].at):
            self._fail("read before rewrite", f"{sent.command_id} writes again without a read in between")
        for other in earlier[-12:]:
            if other.answered_at is None:
                self._fail("one in flight", f"{sent.command_id} writes while {other.command_id} is being answered")
            if other.seq > sent.seq:
                self._fail("no old write after a newer one", f"{sent.command_id} writes after {other.command_id} did")
            still = now - other.at < TIMING.longest_in_flight - 2 * skew - timedelta(seconds=2)
            if other.fate == "maybe taken" and still and other.setting != sent.setting:
                self._fail(
                    "no old write after a newer one",
                    f"{sent.command_id} writes {sent.setting:g} {now - other.at} after {other.command_id} "
                    f"wrote {other.setting:g} and got no answer",
                )
        if command.mode is Mode.MIN:
            since = self.pump.oracle.cold_since
            if since is not None and now - since > COLD_GRACE and command.authority is Authority.PLAN:
                self._fail("floor", f"{sent.command_id} writes a set-back {now - since} after a room was seen too cold")
            was, room_c = (
                self.pump.oracle.manual_changes.known[command.circuit].level,
                self.last_room_c.get(sent.command_id),
            )
            begins = not own and was is not Mode.MIN and command.authority is not Authority.VACATION
            if begins and (room_c is None or room_c < SET_BACK_FROM_C):
                self._fail("floor", f"{sent.command_id} begins a set-back in a room seen at {room_c} C")
        self._people_win(sent, command)
        if len(earlier) >= MOST_WRITES_A_DAY and now - earlier[-MOST_WRITES_A_DAY].at < timedelta(hours=24):
            self._fail("writes a day", f"{MOST_WRITES_A_DAY} writes to {sent.lever} within a day")

    def _people_win(self, sent: Sent, command: Command) -> None:
        now, held = self.pump.now, self.held.get(sent.lever)
        if held is not None and now < held.until - self.pump.vendor_skew and sent.setting != held.setting:
            person = self.pump.oracle.person(now, command.circuit)
            is_newer = person is not None and person.kind is not OverrideKind.THERMOSTAT
            ended = any(t.override_id in self.pump.oracle.ended for t in self.pump.oracle.touches)
            ruling = self.pump.oracle.rules(now, command.circuit)
            if not is_newer and not ended and ruling.by == "person" and command.decided_at > held.at:
                self._fail(
                    "people win", f"{sent.command_id} writes {sent.setting:g} over {held.setting:g} set by a person"
                )
        seen = self.last_read.get(sent.command_id, (None, None))[1]
        touched = self.pump.manual.get(sent.lever)
        if (
            touched is not None
            and seen == touched.setting
            and seen != sent.setting
            and touched.at > command.decided_at
            and seen != self.pump.baseline[sent.lever]
        ):
            self._fail("people win", f"{sent.command_id} overwrites a person's {seen:g} with {sent.setting:g}")

    def _journal_tells(self, state: PumpState) -> None:
        """Replayed from the ledger and what still waits for it, the journal says what was decided at any moment."""
        entries = (*self.pump.ledger.journal, *state.journal)
        for moment, then in self.moments[-100:]:
            view = as_of(entries, moment)
            told = {circuit: entry.decided for circuit, entry in view.decided.items()}
            if told != then.decided or view.standing != standing_of(then):
                self._fail("journal", f"it tells {told} of {moment:%d %b %H:%M:%S}, and it was {then.decided}")

    # --- now and then, and at the end ------------------------------------------------------------------------------

    def swept(self, *, is_thorough: bool) -> None:
        """Without faults and with an unchanged target, the lever must be where it should."""
        now, state = self.pump.now, self.pump.state
        if state.retired or now - self.pump.troubled_at < CALM_FOR:
            return
        for circuit, had in state.circuits:
            course = self.courses[circuit]
            if what := late(self.pump, circuit, had, course):
                self._fail("promptness", what)
            if not is_thorough:
                continue
            ruling = self.pump.oracle.rules(now, circuit)
            if (
                ruling.is_held
                or ruling.by == "outside"
                or course.ruled_since is None
                or now - course.ruled_since < SETTLES_WITHIN
            ):
                continue
            if course.ruled != (ruling.level, ruling.is_held):
                continue
            gave_up = had.failed is not None and had.failed.retry_at is None
            handed_over = had.drift is not None and had.drift.is_handed_over
            if (
                gave_up
                or handed_over
                or (had.open is not None and now - had.open.command.decided_at < PROMPT)
                or (ruling.by == "plan" and len(course.plan_changes) >= MAX_PLAN_CHANGES)
            ):
                continue
            lever = self.pump.lever_of(circuit)
            should = self.pump.setup(circuit).setting_for(ruling.level)
            if self.pump.cloud.true[lever] != should:
                rule = "stop" if ruling.by == "stop" else "revert" if ruling.by == "gone" else "settles"
                self._fail(rule, f"{lever} stands at {self.pump.cloud.true[lever]:g}, {ruling.by} says {should:g}")

    def at_the_end(self) -> None:
        """After the calm everything is said and done."""
        state, pump = self.pump.state, self.pump
        self._journal_tells(state)
        if state.outbox:
            self._fail("outbox", f"{len(state.outbox)} lines never reached the ledger: {state.outbox[0].key}")
        if lost := pump.outbox_keys - pump.ledger.keys - {entry.key for entry in state.journal}:
            self._fail("outbox", f"lines were lost: {sorted(lost)[:3]}")
        for command in pump.commands:
            if not pump.ledger.has_ended(command.command_id):
                self._fail("every target ends", f"{command.command_id} has no end in the ledger")
        for circuit, had in state.circuits:
            if had.open is not None:
                self._fail("every target ends", f"{had.open.command.command_id} is still open after the calm")
            gave_up = had.failed is not None and had.failed.retry_at is None
            handed_over = had.drift is not None and had.drift.is_handed_over
            is_gone = state.opted_out or state.retiring
            lever = pump.lever_of(circuit)
            theirs = pump.baseline[lever]
            touched = pump.manual.get(lever)
            is_by_hand = touched is not None and pump.cloud.true[lever] == touched.setting
            if lever in pump.moved_after_us or (state.retired and is_by_hand):
                continue  # the last change was a person's
            if is_gone and not gave_up and not handed_over and pump.cloud.true[lever] != theirs:
                self._fail("revert", f"{lever} was left at {pump.cloud.true[lever]:g}, theirs is {theirs:g}")
        if state.retiring and not state.retired:
            self._fail("revert", "it was asked to retire and never came to it")
