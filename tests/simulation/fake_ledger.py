"""The ledger and the vendor's cloud as an attempt of a simulated run sees them, without a server or an event loop.

Protects: what is tried is the real `activities.attempt`; only the waiting belongs to the world, which may stop an
attempt wherever it waits.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import ClassVar

from domain.commands.command import Command, CommandEvent, CommandState, EventKind
from domain.commands.verification import Answer, Progress, WriteRecord
from domain.modes import Circuit
from domain.oem.errors import Unavailable
from domain.oem.lever import LeverName
from domain.oem.readings import Reading
from domain.oem.timing import VendorTiming
from domain.oem.units import PumpAddress
from domain.ports import Recorder
from domain.steering.journal import JournalEntry
from domain.steering.pump_state import PumpState
from tests.simulation.fake_cloud import TIMING, FakeCloud, Sent

LOOK_BACK = 3
LONGEST_WAIT_S = 50.0
"""After so long without the lever's lock an attempt is ended."""
_ANSWERS = {
    EventKind.ACCEPTED: Answer.ACCEPTED,
    EventKind.WRITE_REFUSED: Answer.REFUSED,
    EventKind.WRITE_LOST: Answer.LOST,
}
_ENDS = {kind: kind.state for kind in EventKind if kind.state is not None and kind.state.is_settled}


class Pass:
    """Awaited, it lets seconds pass: it yields their number to whatever drives the coroutine."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self._seconds


@dataclass
class FakeLedger:
    """The ledger's memory of commands, with its locks."""

    commands: dict[str, Command] = field(default_factory=dict)
    lines: dict[str, list[CommandEvent]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    ends: dict[str, CommandState] = field(default_factory=dict)
    folded: dict[str, tuple[int, tuple[WriteRecord, ...]]] = field(default_factory=dict)
    senders: dict[LeverName, dict[str, Command]] = field(default_factory=dict)
    """Commands that wrote on a lever, by id; who wrote last comes last."""
    newest: dict[Circuit, int] = field(default_factory=dict)
    locked: dict[LeverName, object] = field(default_factory=dict)
    journal: list[JournalEntry] = field(default_factory=list)
    is_fenced: ClassVar[bool] = True

    def store(self, state: PumpState) -> tuple[str, ...]:
        """Take what waits for the ledger in a state; returns the keys."""
        self.record(state.outbox)
        new = [entry for entry in state.journal if entry.key not in self.keys]
        self.journal += new
        self.keys.update(entry.key for entry in new)
        return (*(event.key for event in state.outbox), *(entry.key for entry in state.journal))

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

    def progress(self, command: Command) -> Progress:
        """As `domain.ports.CommandLog.progress`."""
        own = self._writes(command.command_id)
        ended = self.ends.get(command.command_id)
        *others, before = (None, *self._writes_before(command))
        return Progress(writes=own, before=before, others=tuple(w for w in others if w is not None), ended=ended)

    def _writes_before(self, command: Command) -> list[WriteRecord]:
        newest_first = islice(reversed(self.senders.get(command.lever, {}).values()), LOOK_BACK + 2)
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
class AttemptPorts:
    """What one attempt meets: ports of `domain.ports` that take the world's time."""

    command: Command
    ledger: FakeLedger
    cloud: FakeCloud
    true_clock: Callable[[], datetime]
    on_read: Callable[[Command, Reading], None]
    on_write: Callable[[Sent, Command], None]
    on_line: Callable[[str], None] | None
    """None if they are not traced."""
    luck: float

    @property
    def timing(self) -> VendorTiming:
        """As `LeverAccess.timing`."""
        return TIMING

    @property
    def holds_lock(self) -> bool:
        """Whether the attempt is between its check and its answer."""
        return any(holder is self for holder in self.ledger.locked.values())

    async def begin(self, command: Command, outbox: Sequence[CommandEvent]) -> None:
        """As `CommandLog.begin`."""
        self.ledger.begin(command, outbox)

    async def record(self, events: Sequence[CommandEvent]) -> None:
        """As `CommandLog.record`."""
        self.ledger.record(events)
        if self.on_line is None:
            return
        for event in events:
            setting = "" if event.setting is None else f" {event.lever}={event.setting:g}"
            self.on_line(f"{event.command_id} {event.kind} #{event.write_no}{setting} {event.reason}")

    async def progress(self, command: Command) -> Progress:
        """As `CommandLog.progress`."""
        return self.ledger.progress(command)

    def fence(self, command: Command) -> "LeverLock":
        """As `CommandLog.fence`."""
        return LeverLock(self, command)

    async def store(self, observations: Sequence[tuple[str, Reading]], seen_at: datetime) -> None:
        """As `ObservationLog.store`: not used here."""

    async def newest(self, pump_ids: Sequence[str]) -> dict[str, Reading]:
        """As `ObservationLog.newest`."""
        return {}

    async def read(self, pump: PumpAddress, lever: LeverName, now: datetime, *, urgent: bool = False) -> Reading:
        """As `LeverAccess.read`."""
        await Pass(0.5 + 8 * self.luck**4)
        reading = self.cloud.read(lever, self.true_clock())
        self.on_read(self.command, reading)
        await Pass(0.2)
        return reading

    async def write(
        self, pump: PumpAddress, lever: LeverName, setting: float, now: datetime, *, urgent: bool = False
    ) -> None:
        """As `LeverAccess.write`."""
        sent = Sent(self.command.command_id, self.command.seq, lever, setting, self.true_clock())
        self.on_write(sent, self.command)
        await Pass(0.2 + 3 * self.luck)
        error = self.cloud.write(sent, self.true_clock())
        await Pass(30.0 if isinstance(error, Unavailable) else 0.2)
        sent.answered_at = self.true_clock()
        if error is not None:
            raise error


class LeverLock:
    """The lever's lock, as `CommandLog.fence`."""

    def __init__(self, ports: AttemptPorts, command: Command) -> None:
        self._ports, self._command, self._lever = ports, command, command.lever

    async def __aenter__(self) -> Recorder | None:
        ledger, waited_s = self._ports.ledger, 0.0
        while self._lever in ledger.locked:
            waited_s += 3.0
            if waited_s > LONGEST_WAIT_S:
                raise TimeoutError
            await Pass(3.0)
        if ledger.is_fenced:
            ledger.locked[self._lever] = self._ports
        return self._ports.record if ledger.is_newest(self._command) else None

    async def __aexit__(self, *_: object) -> None:
        if self._ports.ledger.locked.get(self._lever) is self._ports:
            del self._ports.ledger.locked[self._lever]
