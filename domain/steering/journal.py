"""The journal: what a pump decided, event by event, as the ledger keeps it.

Protects: an answer about the past reads what was decided then; nobody works it out a second time from other tables.
"""

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from domain.base import Instant, Value
from domain.homes.comfort import ComfortBand
from domain.modes import Circuit
from domain.steering.orders import Order
from domain.steering.overrides import Override
from domain.steering.target import Decided
from domain.steering.watch import Watch


class BaselineSetting(Value):
    """The setting that a person last gave a lever."""

    setting: float
    at: Instant | None = None
    """When it was seen; None where it is as enrolled."""
    stamp: Instant | None = None
    """The same by the own timestamp of the reading that showed it."""


class Standing(Value):
    """What a pump's targets rest on beside time: enough to explain them, and to start its workflow again."""

    plans: tuple[int, ...] = ()
    """Revisions of the plans it had."""
    overrides: tuple[Override, ...] = ()
    orders: tuple[Order, ...] = ()
    watch: Watch = Watch()
    """Without the timestamps of single readings."""
    manual_changes: tuple[Instant, ...] = ()
    """When people were seen to set the pump within the last 24 hours."""
    baselines: dict[Circuit, BaselineSetting] = Field(default_factory=dict)
    """Of every lever."""
    band: ComfortBand = ComfortBand()
    opted_out: bool = False
    retiring_since: Instant | None = None
    retired: bool = False


class JournalEntry(Value):
    """One decision on one circuit, written only where something decided or standing changed."""

    pump_id: str
    number: int
    """Counts a pump's entries; with `pump_id` and `at` it makes the entry one of its kind."""
    at: Instant
    event: str
    """Kind of the event that was decided upon."""
    circuit: Circuit
    decided: Decided
    standing: Standing | None = None
    """None where it is as the entry before says."""

    @property
    def key(self) -> str:
        """What makes the entry one of its kind."""
        return f"{self.pump_id}/journal/{self.number}"

    @property
    def may_wait(self) -> bool:
        """Whether the entry may wait for the next command to carry it.

        What a person said must not be lost with a workflow that is terminated; all else can be observed again.
        """
        return self.event not in _BY_PEOPLE


_BY_PEOPLE = frozenset({"override", "end-override", "consent", "comfort", "retire"})


class JournalView(Value):
    """The journal of one pump as of a moment."""

    decided: dict[Circuit, JournalEntry] = Field(default_factory=dict)
    """The newest entry of each circuit."""
    standing: Standing | None = None

    def then(self, later: Iterable[JournalEntry]) -> "JournalView":
        """The view after later entries, in order."""
        decided, standing = dict(self.decided), self.standing
        for entry in later:
            decided[entry.circuit] = entry
            standing = entry.standing or standing
        return JournalView(decided=decided, standing=standing)


def as_of(entries: Iterable[JournalEntry], moment: datetime) -> JournalView:
    """What a pump's entries (in order) say of a moment."""
    return JournalView().then(entry for entry in entries if entry.at <= moment)
