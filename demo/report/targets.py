"""What every pump decided at every moment of a run, and whether its true levers stood so.

Protects: the targets are the pumps' own, read from the journal; nothing is worked out a second time.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime

from demo.report.recording import Run, newest_before
from demo.simulator_client import true_settings
from domain.modes import Circuit
from domain.slots import SLOT
from domain.steering.journal import JournalEntry
from domain.steering.target import Decided

_SAME = 1e-6
_ON_WAKING = "woke"


class Targets:
    """Answers for one run; settings are absolute, in each lever's own unit."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._settings = {circuit: true_settings(run.truth_lines, circuit) for circuit in Circuit}
        self._entries: dict[tuple[str, Circuit], list[JournalEntry]] = {}
        for pump, entries in run.journal.items():
            for entry in entries:
                self._entries.setdefault((pump, entry.circuit), []).append(entry)

    def circuits(self, pump: str) -> tuple[Circuit, ...]:
        """What is steered of a pump."""
        return tuple(circuit for circuit in Circuit if (pump, circuit) in self._entries)

    def at(self, pump: str, circuit: Circuit, when: datetime) -> Decided | None:
        """What the pump had decided; None before its first decision."""
        return decided_at(self._entries.get((pump, circuit), ()), when)

    def setting(self, pump: str, circuit: Circuit, when: datetime) -> float | None:
        """The setting that brings the target about; None while nothing may be written."""
        decided = self.at(pump, circuit, when)
        return None if decided is None or decided.target.is_held else decided.setting

    def lever(self, pump: str, circuit: Circuit, when: datetime) -> float:
        """Where the lever truly stood."""
        stood = newest_before(self._settings[circuit].get(pump, ()), when)
        return self._entries[pump, circuit][0].decided.baseline if stood is None else stood

    def holds(self, pump: str, circuit: Circuit, when: datetime) -> bool | None:
        """Whether the lever truly stood at the target; None while nothing might be written."""
        setting = self.setting(pump, circuit, when)
        return None if setting is None else abs(self.lever(pump, circuit, when) - setting) < _SAME

    def contradicts(self, pump: str, circuit: Circuit, when: datetime, setting: float) -> bool:
        """Whether a setting is not that of the target then."""
        wanted = self.setting(pump, circuit, when)
        return wanted is not None and abs(setting - wanted) >= _SAME


def decided_at(entries: Sequence[JournalEntry], when: datetime) -> Decided | None:
    """What one circuit's entries (in order) say of a moment.

    A pump that should have woken and did so late, for its worker was dead or slow, is held against what it then
    decided: its lateness is no excuse for its lever.
    """
    index = bisect_right(entries, when, key=lambda entry: entry.at) - 1
    if index < 0:
        return None
    decided = entries[index].decided
    is_over = decided.target.until is not None and decided.target.until <= when
    if is_over and index + 1 < len(entries) and entries[index + 1].event == _ON_WAKING:
        return entries[index + 1].decided
    return decided


def fidelity(run: Run, circuit: Circuit = Circuit.HEATING, targets: Targets | None = None) -> float | None:
    """Share of pump-slots at whose end the true lever equals the newest valid (jittered) target.

    Slots in which nothing may be written ask nothing of a lever and are left out; None where no pump has the lever.
    """
    targets = targets or Targets(run)
    slots = round((run.end - run.start) / SLOT)
    right = total = 0
    for pump in run.profiles:
        if circuit not in targets.circuits(pump):
            continue
        for i in range(slots):
            held = targets.holds(pump, circuit, run.start + (i + 1) * SLOT)
            right += held is True
            total += held is not None
    return right / total if total else None
