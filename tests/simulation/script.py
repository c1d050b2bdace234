"""A script: everything that people, operators, planners, vendors and chance do to one pump, fixed before the run.

Protects: a run is a function of its script, so a failing one replays exactly and can be shortened.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.homes.comfort import ComfortBand
from domain.homes.site import Emitter, HomeShare
from domain.oem.lever import LeverName

FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SLOT = timedelta(minutes=15)
CALM = timedelta(hours=36)
"""The undisturbed end of every run, after which everything must have settled."""
WINDOWS = ("outage", "offline", "budget", "ignore", "lose", "stale", "condition", "cold snap", "window open", "slow")
"""Incidents that last; all others are instantaneous."""
_MASK = (1 << 64) - 1


def share(*parts: int) -> float:
    """A number in [0, 1) that depends on the parts alone: removing one incident leaves the other draws unchanged."""
    x = 0x9E3779B97F4A7C15
    for part in parts:
        x = ((x ^ (part & _MASK)) * 0xBF58476D1CE4E5B9) & _MASK
        x = ((x ^ (x >> 29)) * 0x94D049BB133111EB) & _MASK
        x ^= x >> 32
    return x / 2**64


@dataclass(frozen=True)
class Incident:
    """Something that happens at `at`, or lasts from then until `until`."""

    at: datetime
    kind: str
    what: Any = None
    until: datetime | None = None


@dataclass(frozen=True)
class Script:
    """One pump's whole run, written in advance."""

    seed: int
    number: int
    days: int
    pump_id: str
    baseline: dict[LeverName, float]
    band: ComfortBand
    emitter: Emitter
    home: HomeShare | None
    vendor_skew_s: int
    """How far the vendor's clock is ahead."""
    worker_skew_s: int
    """Workers' clocks differ from the true time by up to this."""
    incidents: tuple[Incident, ...]

    @property
    def start(self) -> datetime:
        """When steering begins."""
        return FIRST_DAY

    @property
    def end(self) -> datetime:
        """When the run is checked for the last time."""
        return FIRST_DAY + self.days * DAY

    def only(self, incidents: tuple[Incident, ...]) -> "Script":
        """The same pump with other incidents."""
        return replace(self, incidents=incidents)
