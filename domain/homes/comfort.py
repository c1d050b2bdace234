"""Room temperatures a household accepts: one band, or a week of bands by time of day.

Protects: whatever a week says, every moment has exactly one band, also in an hour that a clock change repeats.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from domain.base import Value


class DayKind(StrEnum):
    """A day of the week, or a public holiday."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"
    HOLIDAY = "holiday"


WEEK = tuple(kind for kind in DayKind if kind is not DayKind.HOLIDAY)


class Accepted(Value):
    """Room temperatures a household accepts, in degrees C."""

    room_min_c: Annotated[float, Field(ge=14, le=24)] = 20.0
    room_max_c: Annotated[float, Field(ge=18, le=28)] = 23.5

    @model_validator(mode="after")
    def _has_width(self) -> Self:
        if self.room_max_c - self.room_min_c < 1.0:
            raise ValueError("a comfort band must be at least 1 K wide")
        return self


class ComfortRule(Value):
    """On such days from one local time to another; over midnight where it ends earlier than it begins."""

    days: Annotated[tuple[DayKind, ...], Field(min_length=1)]
    start: time
    end: time
    """24 hours where it is the same."""
    accepts: Accepted

    def holds(self, kinds: Sequence[DayKind], kinds_before: Sequence[DayKind], clock: time) -> bool:
        """Whether it holds at this time of a day of these kinds, the day before being of those."""
        on_day = any(kind in self.days for kind in kinds)
        if self.start < self.end:
            return on_day and self.start <= clock < self.end
        return (on_day and clock >= self.start) or (clock < self.end and any(k in self.days for k in kinds_before))


class ComfortWeek(Value):
    """Rules by weekday and time of day; the first that holds counts."""

    tz: str
    rules: Annotated[tuple[ComfortRule, ...], Field(min_length=1, max_length=40)]
    holidays: tuple[date, ...] = ()
    """Public holidays as far ahead as they were looked up. One is like a Sunday, unless some rule is for holidays."""
    holidays_of: str = ""
    """The country, or the part of one, that they are of."""

    @field_validator("tz")
    @classmethod
    def _exists(cls, tz: str) -> str:
        ZoneInfo(tz)
        return tz

    def at(self, moment: datetime) -> Accepted | None:
        """What is accepted at a moment; None where no rule holds."""
        local = moment.astimezone(ZoneInfo(self.tz))
        kinds, before = self._kinds(local.date()), self._kinds(local.date() - timedelta(days=1))
        return next((rule.accepts for rule in self.rules if rule.holds(kinds, before, local.time())), None)

    def _kinds(self, day: date) -> tuple[DayKind, ...]:
        if day not in self.holidays:
            return (WEEK[day.weekday()],)
        is_for_holidays = any(DayKind.HOLIDAY in rule.days for rule in self.rules)
        return (DayKind.HOLIDAY if is_for_holidays else DayKind.SUN,)


class ComfortBand(Accepted):
    """What a household accepts at all times, or whenever its week says nothing else."""

    week: ComfortWeek | None = None

    def at(self, moment: datetime) -> Accepted:
        """What is accepted at a moment."""
        return (self.week and self.week.at(moment)) or self

    def over(self, starts: Sequence[datetime]) -> tuple[tuple[float, float], ...]:
        """Lowest and highest accepted room in each of these slots; empty where there is no week."""
        if self.week is None:
            return ()
        found = [self.at(start) for start in starts]
        return tuple((one.room_min_c, one.room_max_c) for one in found)


def week_rules(text: str) -> tuple[ComfortRule, ...]:
    """Rules out of "mon-fri 06:30-22:00 20.5-23; sat,sun,holiday 08:00-23:30 21-23", one a line or by semicolons.

    What follows a # is a remark. Raises ValueError with a sentence that names the rule.
    """
    lines = [line.partition("#")[0].strip() for part in text.splitlines() for line in part.split(";")]
    return tuple(_rule(line) for line in lines if line)


def _rule(line: str) -> ComfortRule:
    try:
        days, hours, band = line.split()
        start, end = (time.fromisoformat("00:00" if hour == "24:00" else hour.zfill(5)) for hour in hours.split("-"))
        low, high = (float(limit) for limit in band.split("-"))
        kinds = tuple(kind for part in days.lower().split(",") for kind in _days(part))
        return ComfortRule(days=kinds, start=start, end=end, accepts=Accepted(room_min_c=low, room_max_c=high))
    except ValueError:
        how = "write days, hours and degrees C, such as mon-fri 06:30-22:00 20.5-23"
        raise ValueError(f"{line!r} is no rule of a week: {how}") from None


def _days(part: str) -> tuple[DayKind, ...]:
    if part == "all":
        return tuple(DayKind)
    first, dash, last = part.partition("-")
    if not dash:
        return (DayKind(first),)
    begin, end = WEEK.index(DayKind(first)), WEEK.index(DayKind(last))
    return WEEK[begin : end + 1] if begin <= end else WEEK[begin:] + WEEK[: end + 1]
