"""What a whole house draws: as its meter says, or as is assumed where it has none.

Protects: a saving by lower peaks that rests on an assumed household is never called measured.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from pydantic import Field, FiniteFloat

from domain.base import Instant, Value
from domain.planning.power_charge import Peak, PowerCharge, day_peaks
from domain.slots import SLOT, SLOT_HOURS

HOUSEHOLD_KW = (
    0.22, 0.20, 0.19, 0.18, 0.19, 0.23, 0.38, 0.48, 0.45, 0.42, 0.42, 0.46,
    0.52, 0.46, 0.42, 0.42, 0.50, 0.66, 0.76, 0.74, 0.64, 0.52, 0.40, 0.28,
)  # fmt: skip
"""By local hour, of everything but the heat pump; an assumption (some 3,700 kWh a year), from no source: an even shape
that hides a household's real peaks. Whatever rests on it is called estimated."""
BASE_FROM_DAYS = 14
"""So many days of a meter make a home's expected base load."""


class MeterReadings(Value):
    """A stretch of whole-house energy by slot, one version of it: never changed, replaced by a later one."""

    pump_id: str
    """A pump of the home; a home of several is metered under each."""
    source: str
    start: Instant
    kwh: Annotated[tuple[Annotated[FiniteFloat, Field(ge=0)], ...], Field(min_length=1)]
    raw_sha256: str
    """Of the document as it was sent."""

    def where(self, is_kept: Sequence[bool]) -> "list[MeterReadings]":
        """Its contiguous stretches of the slots that are kept."""
        edges = [n for n in range(len(is_kept) + 1) if (n > 0 and is_kept[n - 1]) != (n < len(is_kept) and is_kept[n])]
        return [
            self.model_copy(update={"start": self.start + first * SLOT, "kwh": self.kwh[first:end]})
            for first, end in zip(edges[::2], edges[1::2], strict=True)
        ]


class MetersAsked(Value):
    """What services of whole-house meters answered."""

    readings: tuple[MeterReadings, ...] = ()
    problems: tuple[str, ...] = ()
    """What is missing and why, a sentence for each service."""


class MeterSource(Protocol):
    """Services of whole-house meters; a service that fails is named in the answer and costs the others nothing."""

    async def readings(self, price_area: str, pump_ids: Sequence[str], start: datetime, end: datetime) -> MetersAsked:
        """What these pumps' houses drew in [start, end), as far as a service is known for them."""
        ...


class MeterLog(Protocol):
    """Where readings are kept."""

    async def store(self, readings: Sequence[MeterReadings], received_at: datetime) -> int:
        """Append what differs from what is known, as later versions; returns how many stretches that was."""
        ...


class MonthPeaks(Value):
    """What is known of a home's peaks in a month."""

    peaks: tuple[Peak, ...]
    """Of each settled day those that may count."""
    is_metered: bool
    """Whether all of them were metered."""


class HouseLoads(Protocol):
    """Whole-house load in the ledger."""

    async def loads_kw(
        self, pump_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Mapping[datetime, float]]:
        """Metered mean power by slot, the newest version of each; a pump without any is missing."""
        ...

    async def base_kw(self, pump_ids: Sequence[str], before: datetime) -> Mapping[str, Mapping[int, float]]:
        """Mean power without the pump by UTC hour of the day, over `BASE_FROM_DAYS`; without a meter it is missing."""
        ...

    async def month_peaks(self, pump_ids: Sequence[str], first: date, last: date) -> Mapping[str, MonthPeaks]:
        """Peaks of the settled days, both included; a pump without any is missing."""
        ...


def household_kw(slots: Sequence[datetime], tz: ZoneInfo, base_by_hour: Mapping[int, float] | None) -> list[float]:
    """Expected power of a home without its pump by slot: from its meter by UTC hour, or as is assumed."""
    if base_by_hour:
        middle = sum(base_by_hour.values()) / len(base_by_hour)
        return [base_by_hour.get(slot.hour, middle) for slot in slots]
    return [HOUSEHOLD_KW[slot.astimezone(tz).hour] for slot in slots]


def peaks_of_day(
    charge: PowerCharge,
    tz: ZoneInfo,
    slots: Sequence[datetime],
    kwh: Sequence[Sequence[float]],
    metered_kw: Mapping[datetime, float] | None,
) -> tuple[tuple[Peak, ...], tuple[Peak, ...]]:
    """Peaks of a whole house on a day, and as they would have been with its pump under own control.

    `kwh` is the pump's energy by slot as it was and under own control. Where the house is metered, slots that its
    meter does not know make no peak.
    """
    was, unsteered = ([one / SLOT_HOURS for one in course] for course in kwh)
    if metered_kw is None:
        base = dict(zip(slots, household_kw(slots, tz, None), strict=True))
    else:
        pump = dict(zip(slots, was, strict=True))
        base = {slot: max(0.0, kw - pump[slot]) for slot, kw in metered_kw.items() if slot in pump}
    as_was = {slot: base[slot] + kw for slot, kw in zip(slots, was, strict=True) if slot in base}
    if metered_kw is not None:
        as_was = {slot: kw for slot, kw in metered_kw.items() if slot in as_was}
    as_own = {slot: base[slot] + kw for slot, kw in zip(slots, unsteered, strict=True) if slot in base}
    return day_peaks(charge, as_was, tz), day_peaks(charge, as_own, tz)
