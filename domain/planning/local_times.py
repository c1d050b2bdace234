"""Local times at which a tariff charges something: months, weekdays, hours of the clock, and days left out.

Protects: the hours past midnight belong to the day on which a window began.
"""

from datetime import date, datetime, time
from typing import Annotated

from pydantic import Field

from domain.base import Value


class LocalTimes(Value):
    """Months, weekdays and hours; by default all of them."""

    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = ()
    """Empty for every month."""
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = ()
    """1 is Monday; empty for every day."""
    start: time = time()
    end: time = time()
    """Local, exclusive; midnight is the end of the day, and an end before the start lies on the day after."""
    not_on: tuple[date, ...] = ()
    """Days on which no window begins, such as public holidays."""

    def holds(self, local: datetime) -> bool:
        """Whether a local time lies in it; the hours past midnight belong to the day on which the window began."""
        clock = local.time()
        if self.start < self.end or self.end == time():
            return self.start <= clock and (clock < self.end or self.end == time()) and self.holds_on(local.date())
        if clock >= self.start:
            return self.holds_on(local.date())
        return clock < self.end and self.holds_on(date.fromordinal(local.toordinal() - 1))

    def holds_on(self, day: date) -> bool:
        """Whether a window begins on a local day."""
        return (
            (not self.months or day.month in self.months)
            and (not self.weekdays or day.isoweekday() in self.weekdays)
            and day not in self.not_on
        )
