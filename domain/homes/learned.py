"""What was learned of one house from its observations: figures with intervals, errors ahead, and what is believed.

Protects: a figure that did not earn belief on days it had not seen is kept and shown, and never planned with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.base import Instant, Value
from domain.modes import Mode
from domain.slots import SLOT_HOURS


class Source(StrEnum):
    """Where a figure that is planned with comes from."""

    CLASS = "class"
    """The building class, as before anything was observed."""
    FLEET = "fleet"
    """The mean of the houses that could be learned."""
    LEARNED = "learned"
    """The house's own observations."""


class Fitted(Value):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class AheadErrors(Value):
    """Errors a day ahead on days that were not learned from."""

    learned: float
    prior: float
    """Of the building class."""
    persistence: float
    """Of "it stays as it is": the room of the start, the energy of the day before."""
    days: int

    @property
    def earned(self) -> bool:
        """Whether what was learned beats both."""
        return self.learned < self.prior and self.learned < self.persistence


class ForetoldDay(Value):
    """A day that was not learned from: its room by the hour, as seen and as it was foretold from its first hour."""

    start: Instant
    seen_c: tuple[float | None, ...]
    learned_c: tuple[float, ...]
    prior_c: tuple[float, ...]


class LearnedHouse(Value):
    """One version of what is known of a pump's house. Factors multiply the figure of the building class."""

    pump_id: str
    learned_at: Instant
    since: Instant
    """The oldest observation that it rests on."""
    room_days: int
    power_days: int
    rooms: Source = Source.CLASS
    power: Source = Source.CLASS
    held_c: Fitted | None = None
    """Room that the unit's own control holds in steady weather without sun, as the sensor shows it."""
    capacity: Fitted | None = None
    """Factor of the accessible heat capacity."""
    authority: Fitted | None = None
    """Factor of what a mode does to the heating water; a pump whose interval holds zero is not steered."""
    aperture: Fitted | None = None
    """Factor of what the sun brings."""
    power_scale: Fitted | None = None
    """Factor of the electricity that heating takes."""
    room_errors_k: AheadErrors | None = None
    """Root mean square over 24 h, K."""
    power_errors_pct: AheadErrors | None = None
    """Root mean square of a day's energy, percent."""
    foretold: ForetoldDay | None = None
    reason: str = ""
    """What stands against it, where something is not believed."""


@dataclass(frozen=True)
class HouseRecord:
    """A house's past on contiguous slots, oldest first; None where nothing was observed."""

    start: datetime
    room_c: Sequence[float | None]
    """Mean of what the sensor showed in the slot."""
    heating_kw: Sequence[float | None]
    """Mean electrical power for heating; None as well where the unit does not tell hot water apart."""
    modes: Sequence[Mode]
    outdoor_c: Sequence[float]
    sun_w_per_m2: Sequence[float]

    @property
    def days(self) -> float:
        """How long it is."""
        return len(self.outdoor_c) * SLOT_HOURS / 24


@dataclass(frozen=True)
class ObservedSlot:
    """What was observed of a pump in a slot."""

    slot: datetime
    room_c: float | None
    heating_w: float | None
    """Mean power, zero counted for the samples that went into the tank."""
    on_water: bool
    """Whether a sample of the slot said that the tank is charged."""


class ObservedHouses(Protocol):
    """The ledger's memory of what was observed."""

    async def observed(
        self, pump_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[ObservedSlot]]:
        """What was observed of each pump in [start, end), one row a slot with observations, oldest first."""
        ...

    async def modes(
        self, pump_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[tuple[datetime, Mode]]]:
        """The pumps' targets from their decision on, oldest first, those of the day before `start` included."""
        ...


class LearnedHouses(Protocol):
    """The ledger's memory of what was learned."""

    async def newest(self, pump_ids: Sequence[str]) -> Mapping[str, LearnedHouse]:
        """The newest version of each pump that has one."""
        ...

    async def keep(self, learned: Sequence[LearnedHouse]) -> int:
        """Append versions; one of the same moment is stored once. Returns how many were new."""
        ...
