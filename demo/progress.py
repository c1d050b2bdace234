"""What a run shows of itself while it goes on; how it is shown is a face's affair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Snapshot:
    """What is known at one moment, from the ledger alone."""

    now: datetime
    start: datetime
    end: datetime
    price_eur_per_mwh: float | None
    modes: Mapping[str, int]
    rooms: Sequence[float]
    states: Mapping[str, int]
    breakers: Mapping[str, str] = field(default_factory=dict)
    """Newest state by vendor."""
    down: Sequence[str] = ()
    """Vendors that are cut off now, as the run was asked to."""
    kills: Sequence[str] = ()
    """Roles of the workers killed so far."""


class Progress(Protocol):
    """Where a run shows how far it is."""

    def say(self, sentence: str) -> None:
        """What just happened."""
        ...

    def show(self, seen: Snapshot) -> None:
        """The newest state."""
        ...
