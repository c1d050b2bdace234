"""What a report is made from, and the small words its parts share.

Protects: every part of the report reads the same lines; a line is one of `commands.jsonl` or `truth.jsonl` as they are
left to the reader.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from demo.simulator_client import Truth
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit
from domain.planning.price_plan import PricePlan
from domain.planning.series import WeatherSeries, WholesalePrices
from domain.steering.journal import JournalEntry

Lines = Sequence[Mapping[str, Any]]
DETECTABLE = timedelta(minutes=15)
"""What lasted less cannot have been seen: no vendor's budget lets a whole fleet be read more often."""


@dataclass(frozen=True)
class OutageSeen:
    """What only the running stack knew of a run with an outage."""

    calls_by_minute: Mapping[datetime, int]
    """Calls that reached the vendor's cloud, by steered minute."""
    granted_per_min: float
    max_events_per_pump: int
    """History events of any one pump's workflow inside the outages."""
    room_min_c: Mapping[str, float]
    """Lowest true room of each pump from the first outage's start on."""


@dataclass(frozen=True)
class AccountUse:
    """A vendor account's calls in a run, and its grant."""

    oem: str
    account_id: str
    calls: int
    granted: float | None
    """The most calls that its quotas allow in the run; None where no quota is known."""


@dataclass(frozen=True)
class Run:
    """Everything a report is made from."""

    start: datetime
    end: datetime
    seed: int
    speed: float
    events: Lines
    """Lines of `commands.jsonl`, in the order they were written down."""
    truth_lines: Sequence[dict[str, Any]]
    truth: Truth
    profiles: Mapping[str, PumpProfile]
    plans: Mapping[str, Sequence[tuple[datetime, PricePlan]]]
    journal: Mapping[str, Sequence[JournalEntry]]
    """What each pump decided, in order."""
    plan_row: Mapping[str, Any] | None
    prices: WholesalePrices | None
    price_version: int | None
    weather: WeatherSeries | None
    planning_s: float
    temporal: Mapping[str, Any]
    breakers: Lines = ()
    kills: Sequence[tuple[datetime, str]] = ()
    """Steered time and role of every worker that was killed."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """Faults, kills and outages as asked for."""
    outage: OutageSeen | None = None
    accounts: Sequence[AccountUse] = ()


def circuit_of(line: Mapping[str, Any]) -> Circuit:
    """What a line is about; a line that names nothing is about the heating."""
    return Circuit(line.get("circuit") or Circuit.HEATING)


def moment(value: Any) -> datetime:
    """A time of a line, whether it was read from a file or not."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def newest_before[T](steps: Sequence[tuple[datetime, T]], at: datetime) -> T | None:
    """What the newest step up to a moment says; None before the first."""
    index = bisect_right(steps, at, key=lambda step: step[0]) - 1
    return steps[index][1] if index >= 0 else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile, rounded; None without values."""
    if not values:
        return None
    return round(sorted(values)[max(0, ceil(share * len(values)) - 1)], 2)
