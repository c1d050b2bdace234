"""The write-and-verify loop of one command without a server: the steps of `activities.pumps`, in its order.

Protects: what is tried here is the real `domain.verification`; only the waiting between its steps belongs to the world,
which may stop an attempt at any of them.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import ClassVar

from benchmarks.years.cloud import TIMING, Cloud, Sent
from domain import verification
from domain.commands import Command, CommandEvent, CommandOutcome, CommandState, EventKind
from domain.enrolment import LeverSetup
from domain.modes import Circuit, Lever
from domain.oem import AuthExpired, Malformed, NotExecutable, OemError, Offline, RateLimited, Rejected, Unavailable
from domain.verification import Answer, End, Look, Progress, Step, Verdict, Wait, Write, WriteRecord

FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=2)
OFFLINE_LOOK = timedelta(minutes=5)
NOT_NOW_LOOK = timedelta(minutes=10)
LOOK_BACK = 3
_ANSWERS = {
    EventKind.ACCEPTED: Answer.ACCEPTED,
    EventKind.WRITE_REFUSED: Answer.REFUSED,
    EventKind.WRITE_LOST: Answer.LOST,
}
_ENDS = {kind: kind.state for kind in EventKind if kind.state is not None and kind.state.is_settled}


class NotYet(Exception):
    """Come back after a delay."""

    def __init__(self, reason: str, delay: timedelta) -> None:
        super().__init__(reason)
        self.delay = delay


@dataclass
class Books:
    """The ledger's memory of commands, with its locks."""

    commands: dict[str, Command] = field(default_factory=dict)
    lines: dict[str, list[CommandEvent]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    ends: dict[str, CommandState] = field(default_factory=dict)
    folded: dict[str, tuple[int, tuple[WriteRecord, ...]]] = field(default_factory=dict)
    senders: dict[Lever, dict[str, Command]] = field(default_factory=dict)
    """Commands that wrote on a lever, by id; who wrote last comes last."""
    newest: dict[Circuit, int] = field(default_factory=dict)
    locked: dict[Lever, object] = field(default_factory=dict)
    is_fenced: ClassVar[bool] = True

    def begin(self, command: Command, outbox: Sequence[CommandEvent]) -> None:
        """As `domain.ports.CommandLog.begin`."""
        self._know(command)
        self.record(outbox)

    def _know(self, command: Command) -> None:
        self.commands.setdefault(command.command_id, command)
        self.newest[command.circuit] = max(self.newest.get(command.circuit, 0), command.seq)

    def record(self, events: Sequence[CommandEvent]) -> None:
        """As `domain.ports.CommandLog.record`."""
        for event in events:
            if event.command is not None:
                self._know(event.command)
            if event.key in self.keys:
                continue
            self.keys.add(event.key)
            self.lines.setdefault(event.command_id, []).append(event)
            if event.kind in _ENDS:
                self.ends.setdefault(event.command_id, _ENDS[event.kind])
            if event.kind is EventKind.SENT and event.lever is not None:
                command = self.commands[event.command_id]
                known = self.senders.setdefault(event.lever, {})
                known.pop(command.command_id, None)
                known[command.command_id] = command

    def progress(self, command: Command, lever: Lever) -> Progress:
        """As `domain.ports.CommandLog.progress`."""
        own = self._writes(command.command_id)
        ended = self.ends.get(command.command_id)
        *others, before = (None, *self._writes_before(command, lever))
        return Progress(writes=own, before=before, others=tuple(w for w in others if w is not None), ended=ended)

    def _writes_before(self, command: Command, lever: Lever) -> list[WriteRecord]:
        newest_first = islice(reversed(self.senders.get(lever, {}).values()), LOOK_BACK + 2)
        earlier = [c for c in newest_first if c.seq < command.seq][:LOOK_BACK][::-1]
        writes = [w for c in earlier for w in self._writes(c.command_id)]
        return [w for w in writes if w.answer is not Answer.REFUSED]

    def _writes(self, command_id: str) -> tuple[WriteRecord, ...]:
        lines = self.lines.get(command_id, [])
        known = self.folded.get(command_id)
        if known is None or known[0] != len(lines):
            known = self.folded[command_id] = (len(lines), _writes(lines))
        return known[1]

    def is_newest(self, command: Command) -> bool:
        """Whether no newer command of its circuit is known."""
        return not self.is_fenced or self.newest.get(command.circuit, 0) <= command.seq

    def has_ended(self, command_id: str) -> bool:
        """Whether a final state, or unverified, is written down."""
        return command_id in self.ends


def _writes(lines: Sequence[CommandEvent]) -> tuple[WriteRecord, ...]:
    writes: dict[int, WriteRecord] = {}
    for line in lines:
        n = line.write_no
        if line.kind is EventKind.SENT:
            assert line.setting is not None
            writes[n] = WriteRecord(write_no=n, at=line.at, setting=line.setting, answer=Answer.LOST)
        elif n in writes and line.kind in _ANSWERS:
            writes[n] = writes[n].model_copy(update={"answer": _ANSWERS[line.kind]})
        elif n in writes and line.kind is EventKind.WRITE_IGNORED:
            writes[n] = writes[n].model_copy(update={"ignored": True})
    return tuple(writes[n] for n in sorted(writes))


@dataclass
class Attempt:
    """One attempt at a command; `run` yields seconds to pass and ends with an outcome or with `NotYet`."""

    command: Command
    outbox: tuple[CommandEvent, ...]
    setup: LeverSetup
    books: Books
    cloud: Cloud
    clock: Callable[[], datetime]
    """This worker's clock."""
    true_clock: Callable[[], datetime]
    number: int
    on_read: Callable[[Command, float | None], None]
    on_write: Callable[[Sent, Command], None]
    on_line: Callable[[str], None]
    luck: float = 0.5
    seen: float | None = None
    foreign: float | None = None
    is_read_only: bool = False
    holds_lock: bool = False

    def run(self) -> Generator[float, None, CommandOutcome]:
        """As `activities.pumps._Attempt.run`."""
        self.setting = self.setup.setting_for(self.command.mode)
        self.lever = self.setup.lever
        self.books.begin(self.command, self.outbox)
        progress = self.books.progress(self.command, self.lever)
        step = verification.before_looking(self.command, self.setting, progress, TIMING, self.clock())
        if isinstance(step, Look):
            yield 0.5 + 8 * self.luck**4
            step = self._look(progress)
            yield 0.2
        match step:
            case End():
                return self._end(step)
            case Wait(delay=delay, reason=reason):
                raise NotYet(reason, self._in_time(delay))
            case Write():
                return (yield from self._write(progress))
            case Look():
                raise AssertionError("a look follows a look")

    def _look(self, progress: Progress) -> Step:
        try:
            reading = self.cloud.read(self.lever, self.true_clock())
        except Rejected as error:
            return End(
                state=CommandState.UNVERIFIED if progress.open_write else CommandState.REJECTED, reason=str(error)
            )
        except OemError as error:
            raise self._come_back_after(error) from error
        self.on_read(self.command, reading.setting)
        verdict, step = verification.after_looking(self.command, self.setting, progress, reading, TIMING, self.clock())
        if verdict is not Verdict.UNKNOWN:
            self.seen = reading.setting
        if verdict is Verdict.NOT_OBEYED and self.setup.level_of(reading.setting) is None:
            self.foreign = reading.setting
            return End(state=CommandState.SUPERSEDED, reason=f"somebody set it to {reading.setting:g} meanwhile")
        written = progress.open_write
        if verdict is Verdict.NOT_OBEYED and written is not None and written.answer is Answer.ACCEPTED:
            self._record(EventKind.WRITE_IGNORED, written.write_no)
        return step

    def _write(self, progress: Progress) -> Generator[float, None, CommandOutcome]:
        write_no = len(progress.writes) + 1
        waited = 0.0
        while self.lever in self.books.locked:
            waited += 3.0
            if waited > 50:
                raise NotYet("the attempt took too long", FIRST_BACKOFF)
            yield 3.0
        self._lock()
        try:
            if not self.books.is_newest(self.command):
                return self._end(End(state=CommandState.SUPERSEDED, reason="a newer command took the lever"))
            if self.has_moved(progress):
                raise NotYet("somebody else moved on with it", timedelta(seconds=1))
            if self.is_late():
                return self._end(verification.out_of_time(progress))
            self._record(EventKind.SENT, write_no)
            sent = Sent(self.command.command_id, self.command.seq, self.lever, self.setting, self.true_clock())
            self.on_write(sent, self.command)
            yield 0.2 + 3 * self.luck
            error = self.cloud.write(sent, self.true_clock())
            yield 30.0 if error is not None and isinstance(error, Unavailable) else 0.2
            sent.answered_at = self.true_clock()
            if error is not None:
                taken = isinstance(error, Malformed) or (isinstance(error, Unavailable) and error.maybe_taken)
                self._record(EventKind.WRITE_LOST if taken else EventKind.WRITE_REFUSED, write_no)
                if isinstance(error, Rejected):
                    self.is_read_only = error.is_read_only
                    return self._end(End(state=CommandState.REJECTED, reason=str(error)))
                raise self._come_back_after(error)
            self._record(EventKind.ACCEPTED, write_no)
        finally:
            self._unlock()
        raise NotYet("accepted, not seen yet", TIMING.usual_delay)

    def has_moved(self, progress: Progress) -> bool:
        """Whether somebody else went on with the command while this attempt did not look."""
        again = self.books.progress(self.command, self.lever)
        return len(again.writes) != len(progress.writes) or again.ended is not None or again.before != progress.before

    def is_late(self) -> bool:
        """Whether the command's time is over."""
        return self.clock() >= self.command.expires_at

    def _lock(self) -> None:
        self.holds_lock = True
        if self.books.is_fenced:
            self.books.locked[self.lever] = self

    def _unlock(self) -> None:
        self.holds_lock = False
        if self.books.locked.get(self.lever) is self:
            del self.books.locked[self.lever]

    def _end(self, end: End) -> CommandOutcome:
        self.books.record([self._line(EventKind(end.state.value), 0, end.reason)])
        self.on_line(f"{self.command.command_id} ended {end.state.value} {end.reason}")
        return CommandOutcome(
            command_id=self.command.command_id,
            state=end.state,
            at=self.clock(),
            reason=end.reason,
            seen_mode=self.setup.level_of(self.seen, self.command.mode),
            foreign_setting=self.foreign,
            is_read_only=self.is_read_only,
        )

    def _record(self, kind: EventKind, write_no: int) -> None:
        self.books.record([self._line(kind, write_no, "")])
        self.on_line(f"{self.command.command_id} {kind.value} #{write_no} {self.lever.value}={self.setting:g}")

    def _line(self, kind: EventKind, write_no: int, reason: str) -> CommandEvent:
        return CommandEvent(
            command_id=self.command.command_id,
            pump_id=self.command.pump_id,
            at=self.clock(),
            kind=kind,
            write_no=write_no,
            lever=self.lever,
            setting=self.setting,
            reason=reason[:400],
        )

    def _come_back_after(self, error: OemError) -> NotYet:
        match error:
            case RateLimited(retry_at=retry_at):
                delay = max(retry_at - self.clock(), timedelta(seconds=1))
            case Offline():
                delay = OFFLINE_LOOK
            case NotExecutable() | AuthExpired():
                delay = NOT_NOW_LOOK
            case _:
                delay = min(FIRST_BACKOFF * 2 ** min(self.number - 1, 8), LONGEST_BACKOFF)
        return NotYet(f"{type(error).__name__}: {error}", self._in_time(delay))

    def _in_time(self, delay: timedelta) -> timedelta:
        remaining = self.command.expires_at - self.clock()
        return min(delay, remaining + timedelta(seconds=1)) if remaining > timedelta() else delay
