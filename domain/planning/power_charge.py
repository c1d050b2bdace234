"""What a grid charges by peak power: the mean of a month's highest hours of the whole house, at a price per kilowatt.

Protects: an hour counts only when all its quarters are known, and the peaks of a month are those the bill names: the
highest of each day where they must lie on different days, else simply the highest.

Symbols: h a charged interval (an hour, or a quarter where the grid bills quarters), kw_h its mean power; N `peaks`.

    level = mean of the N largest of { max over h of day d of kw_h : days d }       different days
    level = mean of the N largest kw_h                                              else
    charge = price (max(level, least))        a rate per kilowatt, or the step that the level lies in
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, FiniteFloat, model_validator

from domain.base import Instant, Value
from domain.planning.local_times import LocalTimes
from domain.slots import SLOT, slot_start


class PowerStep(Value):
    """A step of a price list by level of power."""

    from_kw: Annotated[FiniteFloat, Field(ge=0)]
    per_month: FiniteFloat


class PowerCharge(Value):
    """One way of charging for peak power, in its own dates; amounts are the tariff's currency, without VAT."""

    name: str
    source: str
    """Who says so, in words a person can check."""
    begins: date
    """First local day of the first month in which it holds."""
    ends: date | None = None
    """First local day on which it holds no more; None for no end."""
    times: LocalTimes = LocalTimes()
    """When power counts; its months are those in which anything is charged."""
    peaks: Annotated[int, Field(ge=1, le=31)]
    different_days: bool
    """Whether each counted peak must lie on a day of its own."""
    minutes: Literal[15, 60] = 60
    per_kw_month: FiniteFloat | None = None
    steps: tuple[PowerStep, ...] = ()
    """In place of a rate per kilowatt, from 0 kW upwards."""
    least_kw: Annotated[FiniteFloat, Field(ge=0)] = 0.0
    """A level below this is billed as this."""
    vat_pct: Annotated[FiniteFloat, Field(ge=0, le=50)] = 0.0

    @model_validator(mode="after")
    def _has_one_price(self) -> Self:
        if (self.per_kw_month is None) is (not self.steps):
            raise ValueError("give either per_kw_month or steps")
        levels = [step.from_kw for step in self.steps]
        if self.steps and (levels[0] != 0 or any(a >= b for a, b in pairwise(levels))):
            raise ValueError("steps begin at 0 kW and go upwards")
        if self.begins.day != 1 or (self.ends is not None and self.ends.day != 1):
            raise ValueError("a power charge begins and ends with a month")
        return self

    def holds_in(self, year: int, month: int) -> bool:
        """Whether it is charged in a month."""
        first = date(year, month, 1)
        in_dates = self.begins <= first and (self.ends is None or first < self.ends)
        return in_dates and (not self.times.months or month in self.times.months)

    def meets(self, other: Self) -> bool:
        """Whether both hold in some month."""
        ends, other_ends = self.ends or date.max, other.ends or date.max
        months, others = set(self.times.months or range(1, 13)), set(other.times.months or range(1, 13))
        return self.begins < other_ends and other.begins < ends and bool(months & others)

    def interval_of(self, slot: datetime, tz: ZoneInfo) -> datetime | None:
        """UTC start of the charged interval that holds a slot; None where nothing is charged."""
        start = slot if self.minutes == 15 else slot.replace(minute=0)
        local = start.astimezone(tz)
        return start if self.holds_in(local.year, local.month) and self.times.holds(local) else None

    def days_of(self, day: date) -> int:
        """How many days of a local day's month can count."""
        first = day.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
        return sum(self.times.holds_on(first + timedelta(days=n)) for n in range((after - first).days))

    def amount(self, level_kw: float) -> float:
        """What a month of this level costs in the tariff's currency, with VAT."""
        level = max(level_kw, self.least_kw)
        if self.per_kw_month is not None:
            net = self.per_kw_month * level
        else:
            net = next(step.per_month for step in reversed(self.steps) if step.from_kw <= level)
        return net * (1 + self.vat_pct / 100)

    def per_kw(self, level_kw: float) -> float:
        """What a kilowatt more costs near a level, with VAT: of steps, the slope of the one that the level lies in."""
        vat = 1 + self.vat_pct / 100
        if self.per_kw_month is not None:
            return self.per_kw_month * vat
        above = [step for step in self.steps if step.from_kw > level_kw]
        if not above:
            return 0.0
        below = self.steps[len(self.steps) - len(above) - 1]
        return (above[0].per_month - below.per_month) / (above[0].from_kw - below.from_kw) * vat


class Peak(Value):
    """The mean power of a charged interval."""

    at: Instant
    kw: float


class PowerBill(Value):
    """What peak power costs in a month, as far as it is known."""

    peaks: tuple[Peak, ...]
    """Those that count, highest first."""
    level_kw: float
    amount: float
    """In the tariff's currency, with VAT."""


def day_peaks(charge: PowerCharge, slot_kw: Mapping[datetime, float], tz: ZoneInfo) -> tuple[Peak, ...]:
    """The intervals of some slots that may count for the month, highest first: at most `peaks`, one a day where they
    must lie on different days. `slot_kw` is the whole house's mean power by UTC slot."""
    quarters: dict[datetime, list[float]] = {}
    for slot, kw in slot_kw.items():
        interval = charge.interval_of(slot_start(slot), tz)
        if interval is not None:
            quarters.setdefault(interval, []).append(kw)
    whole = timedelta(minutes=charge.minutes) // SLOT
    known = [Peak(at=at, kw=sum(kws) / whole) for at, kws in quarters.items() if len(kws) == whole]
    return counted(charge, known, tz)


def counted(charge: PowerCharge, peaks: Iterable[Peak], tz: ZoneInfo) -> tuple[Peak, ...]:
    """Of a month's peaks those that count, highest first; of equal ones the earlier."""
    found: list[Peak] = []
    days: set[date] = set()
    for peak in sorted(peaks, key=lambda peak: (-peak.kw, peak.at)):
        day = peak.at.astimezone(tz).date()
        if charge.different_days and day in days:
            continue
        days.add(day)
        found.append(peak)
        if len(found) == charge.peaks:
            break
    return tuple(found)


def bill(charge: PowerCharge, peaks: Sequence[Peak], tz: ZoneInfo) -> PowerBill:
    """The bill of a month from the peaks of its days (see `day_peaks`); fewer than `peaks` count as they are."""
    found = counted(charge, peaks, tz)
    level = sum(peak.kw for peak in found) / len(found) if found else 0.0
    return PowerBill(peaks=found, level_kw=level, amount=charge.amount(level))
