"""Workers: commands queued, taken up, tried again, cancelled, lost in crashes and continued by zombies.

Protects: a command's end reaches the pump as the server would tell it, never as the worker would have.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from benchmarks.years.attempt import Attempt, NotYet
from benchmarks.years.story import Incident
from domain.commands import Command, CommandEvent, CommandOutcome, CommandState
from domain.modes import Circuit, Mode
from domain.overrides import Override, OverrideKind
from domain.pump import CommandSettled, PumpState
from workflows.contracts import VERIFY_GRACE

if TYPE_CHECKING:
    from benchmarks.years.life import Life

START_TO_CLOSE = timedelta(seconds=60)


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


class Workers:
    """Those who carry out one pump's commands."""

    def __init__(self, life: "Life") -> None:
        self._life = life
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
        if run.attempt is None and not run.is_lost:
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
        run.attempt = None
        self._life.rules.settled(run.command, outcome)
        self._life.later(self._life.now, "event", CommandSettled(outcome=outcome))

    def close(self, run: Run) -> None:
        """The time of the whole command is over."""
        if not run.is_finished:
            never = run.attempts == 0
            state = CommandState.EXPIRED if never else CommandState.UNVERIFIED
            self._finish(run, state, "nobody took it up" if never else "time ran out before it was seen")

    def attempt(self, run: Run) -> None:
        """A worker takes it up."""
        if run.is_finished or run.attempt is not None:
            return
        run.is_lost = False
        if run.is_cancelled:
            self._supersede(run)
            return
        run.attempts += 1
        offset = (self._life.luck(13) * 2 - 1) * self._life.skew
        setup = self._life.setup(run.command.circuit)
        if run.command.baseline is not None:
            setup = setup.model_copy(update={"baseline": run.command.baseline})
        run.attempt = Attempt(
            command=run.command,
            outbox=run.outbox,
            setup=setup,
            books=self._life.books,
            cloud=self._life.cloud,
            clock=lambda: self._life.now + offset,
            true_clock=lambda: self._life.now,
            number=run.attempts,
            on_read=self._life.rules.read,
            on_write=self._life.rules.wrote,
            on_line=self._life.tell,
            luck=self._life.luck(14),
        )
        run.begun_at = self._life.now
        self.resume(run, run.attempt, run.attempt.run(), 0)

    def resume(self, run: Run, attempt: Attempt, going: Generator[float, None, CommandOutcome], turn: int) -> None:
        """An attempt goes on, as far as its next wait."""
        if self.armed and turn >= 1 and run.attempt is attempt and self._strikes(run, attempt, going, turn):
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
                self._life.later(self._life.now + max(later.delay, timedelta(milliseconds=1)), "attempt", run)
        except StopIteration as stop:
            if is_ours and not run.is_finished:
                self._ended(run, stop.value)
        else:
            self._life.later(self._life.now + timedelta(seconds=seconds), "resume", (run, attempt, going, turn + 1))

    def _strikes(self, run: Run, attempt: Attempt, going: Generator[float, None, CommandOutcome], turn: int) -> bool:
        """A crash ends the attempt where it is; a stall lets it go on when nobody counts on it any more."""
        assert run.begun_at is not None
        if self._life.luck(15) < 0.5:
            return False
        what = self.armed[0]
        if what == "stall" and attempt.holds_lock:
            return False
        self.armed.pop(0)
        self._life.tell(f"the worker at {run.command.command_id} {what}s")
        run.attempt = None
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
            self._life.later(self._life.now + wait, "resume", (run, attempt, going, turn + 1))
        run.is_lost = True
        self._life.later(run.begun_at + START_TO_CLOSE, "attempt", run)
        return True

    def _interfere(self, run: Run) -> None:
        """A person wishes something else in the very moment in which a worker hangs."""
        at = self._life.now + timedelta(seconds=5 + 40 * self._life.luck(18))
        wish = Override(
            override_id=f"in-between-{run.command.seq}",
            kind=OverrideKind.HOUSEHOLD,
            mode=Mode.MIN if run.command.mode is Mode.MAX else Mode.MAX,
            requested_at=at,
            until=at + timedelta(hours=1),
            who="resident",
            why="in the worst moment",
        )
        self._life.later(at, "incident", Incident(at=at, kind="override", what=wish))
