"""Workers: commands queued, taken up, tried again, cancelled, lost in crashes and continued by zombies.

Protects: a command's end reaches the pump as the server would tell it, never as the worker would have.
"""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from activities.attempt import FIRST_BACKOFF, CommandAttempt, Dependencies, RetryLater, close
from benchmarks.years.books import Meeting
from benchmarks.years.story import Incident
from domain.commands.command import Command, CommandEvent, CommandOutcome, CommandState
from domain.modes import Circuit, Mode
from domain.oem.cloud import PumpAddress
from domain.steering.arbitration import target_at
from domain.steering.overrides import Override, OverrideSource
from domain.steering.pump_state import CommandSettled, PumpState
from workflows.contracts import VERIFY_GRACE

if TYPE_CHECKING:
    from benchmarks.years.life import Life

START_TO_CLOSE = timedelta(seconds=60)
Going = Coroutine[Any, Any, CommandOutcome]
"""An attempt on its way; it yields the seconds it lets pass."""


@dataclass
class Run:
    """One command on its way."""

    command: Command
    outbox: tuple[CommandEvent, ...]
    attempts: int = 0
    meeting: Meeting | None = None
    """That of the attempt which the server waits for."""
    begun_at: datetime | None = None
    is_cancelled: bool = False
    is_finished: bool = False
    is_lost: bool = False
    """Its worker is gone; the server learns that when the attempt's time is over, and until then a cancel waits."""


class Workers:
    """Those who carry out one pump's commands."""

    def __init__(self, life: "Life") -> None:
        self._life = life
        pump_id = life.story.pump_id
        self._address = PumpAddress(
            pump_id=pump_id, oem="nibe", account_id="one", vendor_system_id="one", vendor_device_id=pump_id
        )
        self.runs: dict[Circuit, Run] = {}
        self.commands: list[Command] = []
        self.armed: list[str] = []
        """Crashes and stalls that wait for an attempt to strike."""

    def is_running(self, circuit: Circuit) -> bool:
        """Whether a command of the circuit is on its way."""
        run = self.runs.get(circuit)
        return run is not None and not run.is_finished

    def start(self, command: Command) -> None:
        """Queue a command."""
        run = Run(command=command, outbox=self._life.state.outbox)
        self.runs[command.circuit] = run
        self.commands.append(command)
        queued = 600.0 if self._life.cloud.window("slow", self._life.now) else 3.0
        self._life.later(self._life.now + timedelta(seconds=0.1 + queued * self._life.luck(12)), "attempt", run)
        self._life.later(command.expires_at + VERIFY_GRACE + timedelta(seconds=10), "close", run)
        self._life.tell(
            f"starts {command.command_id} {command.mode} by {command.authority} until {command.expires_at:%H:%M}"
        )

    def cancel(self, circuit: Circuit) -> None:
        """At once where it waits to try again, after its answer where an attempt is in flight."""
        run = self.runs.get(circuit)
        if run is None or run.is_finished:
            return
        run.is_cancelled = True
        self._life.tell(f"cancels {run.command.command_id}")
        if run.meeting is None and not run.is_lost:
            self._supersede(run)

    def _supersede(self, run: Run) -> None:
        self._finish(run, CommandState.SUPERSEDED, "a newer wish came; perhaps written")

    def _finish(self, run: Run, state: CommandState, reason: str) -> None:
        outcome = CommandOutcome(
            command_id=run.command.command_id, state=state, at=self._life.now, reason=reason, recorded=False
        )
        self._ended(run, outcome)

    def _ended(self, run: Run, outcome: CommandOutcome) -> None:
        run.is_finished = True
        run.meeting = None
        self._life.rules.settled(run.command, outcome)
        self._life.later(self._life.now, "event", CommandSettled(outcome=outcome))

    def close(self, run: Run) -> None:
        """The time of the whole command is over."""
        if run.is_finished:
            return
        if target_at(self._life.state, self._life.now, run.command.circuit).mode is not run.command.mode:
            self._finish(run, CommandState.SUPERSEDED, "the wish moved on before its turn came; perhaps written")
            return
        here, _ = self._meet(run)
        going = close(run.command, self._life.lever_of(run.command.circuit), here, self._life.now)
        try:
            while True:
                going.send(None)  # books only: no time passes
        except StopIteration as stop:
            self._ended(run, stop.value)

    def attempt(self, run: Run) -> None:
        """A worker takes it up."""
        if run.is_finished or run.meeting is not None:
            return
        run.is_lost = False
        if run.is_cancelled:
            self._supersede(run)
            return
        run.attempts += 1
        run.meeting, attempt = self._meet(run)
        run.begun_at = self._life.now
        self.resume(run, run.meeting, attempt.run(), 0)

    def _meet(self, run: Run) -> tuple[Meeting, CommandAttempt]:
        """What an attempt meets, and the attempt."""
        offset = (self._life.luck(13) * 2 - 1) * self._life.skew
        life = self._life
        setup = life.setup(run.command.circuit, run.command.baseline)
        here = Meeting(
            command=run.command,
            books=life.books,
            cloud=life.cloud,
            true_clock=lambda: life.now,
            on_read=life.rules.read,
            on_write=life.rules.wrote,
            on_line=life.tell if life.is_traced else None,
            luck=life.luck(14),
        )
        life.books.begin(run.command, run.outbox)
        around = Dependencies(
            adapter=here, commands=here, observations=here, vendors=None, now=lambda: life.now + offset
        )
        return here, CommandAttempt(run.command, self._address, setup, around, run.attempts)

    def resume(self, run: Run, meeting: Meeting, going: Going, turn: int) -> None:
        """An attempt goes on, as far as its next wait."""
        if self.armed and turn >= 1 and run.meeting is meeting and self._strikes(run, meeting, going, turn):
            return
        is_ours = run.meeting is meeting
        try:
            seconds = going.send(None)
        except RetryLater as later:
            if is_ours:
                self._comes_back(run, later.delay)
        except TimeoutError:
            if is_ours:
                self._comes_back(run, FIRST_BACKOFF)
        except StopIteration as stop:
            if is_ours and not run.is_finished:
                self._ended(run, stop.value)
        else:
            self._life.later(self._life.now + timedelta(seconds=seconds), "resume", (run, meeting, going, turn + 1))

    def _comes_back(self, run: Run, delay: timedelta) -> None:
        if run.is_finished:
            return
        run.meeting = None
        if run.is_cancelled:
            self._supersede(run)
        else:
            self._life.later(self._life.now + max(delay, timedelta(milliseconds=1)), "attempt", run)

    def _strikes(self, run: Run, meeting: Meeting, going: Going, turn: int) -> bool:
        """A crash ends the attempt where it is; a stall lets it go on when nobody counts on it any more."""
        assert run.begun_at is not None
        if self._life.luck(15) < 0.5:
            return False
        what = self.armed[0]
        if what == "stall" and meeting.holds_lock:
            return False
        self.armed.pop(0)
        self._life.troubled_at = max(self._life.troubled_at, self._life.now)
        self._life.tell(f"the worker at {run.command.command_id} {what}s")
        run.meeting = None
        if what == "crash":
            going.close()
            for sent in self._life.cloud.sent[-3:]:
                if sent.answered_at is None and sent.command_id == run.command.command_id:
                    sent.answered_at, sent.fate = self._life.now, "maybe taken"
            self._life.state = PumpState.model_validate_json(self._life.state.model_dump_json())
        else:
            if self._life.luck(17) < 0.6:
                self._interfere(run)
            wait = timedelta(seconds=70 + 1100 * self._life.luck(16))
            self._life.later(self._life.now + wait, "resume", (run, meeting, going, turn + 1))
        run.is_lost = True
        self._life.later(run.begun_at + START_TO_CLOSE, "attempt", run)
        return True

    def _interfere(self, run: Run) -> None:
        """A person wishes something else in the very moment in which a worker hangs."""
        at = self._life.now + timedelta(seconds=5 + 40 * self._life.luck(18))
        target = Override(
            override_id=f"in-between-{run.command.seq}",
            source=OverrideSource.HOUSEHOLD,
            mode=Mode.MIN if run.command.mode is Mode.MAX else Mode.MAX,
            requested_at=at,
            until=at + timedelta(hours=1),
            who="resident",
            why="in the worst moment",
        )
        self._life.later(at, "incident", Incident(at=at, kind="override", what=target))
