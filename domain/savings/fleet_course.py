"""What a fleet did over a span of quarter-hours beside what it would have done under own control, for pictures.

Protects: every series has one value per slot, so that pictures of one span lie exactly below each other.
"""

from typing import Self

from pydantic import FiniteFloat, model_validator

from domain.base import Instant, Value
from domain.modes import Mode


class PumpCourse(Value):
    """One pump in close-up; one value per slot each."""

    pump: str
    modes: tuple[Mode, ...]
    kw: tuple[FiniteFloat, ...]
    """Mean power."""
    own_kw: tuple[FiniteFloat, ...]
    """Under own control."""
    room_c: tuple[FiniteFloat, ...]
    own_room_c: tuple[FiniteFloat, ...]
    band_c: tuple[tuple[FiniteFloat, FiniteFloat], ...]
    """What the household accepts."""


class FleetCourse(Value):
    """A fleet, and one pump of it; one value per slot each."""

    start: Instant
    price_eur_per_mwh: tuple[FiniteFloat, ...]
    """Empty where no prices are known."""
    load_kw: tuple[FiniteFloat, ...]
    own_load_kw: tuple[FiniteFloat, ...]
    """Under own control."""
    cap_kw: FiniteFloat | None = None
    """Limit that was planned under; None without one."""
    room_c: tuple[tuple[FiniteFloat, FiniteFloat, FiniteFloat], ...]
    """Coldest, mean and warmest room."""
    own_room_c: tuple[FiniteFloat, ...]
    """Mean room under own control."""
    modes: dict[Mode, tuple[int, ...]]
    """Pumps in each mode."""
    one: PumpCourse | None = None

    @property
    def slots(self) -> int:
        """How many quarter-hours it spans."""
        return len(self.load_kw)

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        series = [self.own_load_kw, self.room_c, self.own_room_c, *self.modes.values()]
        series += [self.price_eur_per_mwh] if self.price_eur_per_mwh else []
        if self.one is not None:
            one = self.one
            series += [one.modes, one.kw, one.own_kw, one.room_c, one.own_room_c, one.band_c]
        if any(len(values) != self.slots for values in series):
            raise ValueError("the series of a course must have one value per slot")
        return self
