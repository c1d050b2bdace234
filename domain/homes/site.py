"""The site of a pump: what about its home binds steering, whatever anybody asks for.

Protects: the room floor, and a power limit that several pumps of one home share.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.base import Value
from domain.homes.comfort import ComfortBand
from domain.oem.lever import CAUTIOUS_LIMITS

FLOOR_BELOW_BAND_K = 1.0
"""A room so far below its household's band is warmed before anything else is considered."""
LOWEST_FLOOR_C = 17.0
"""No household's band, however wide, lets a room fall lower by our doing."""
LOWEST_EMPTY_C = 15.0
"""So far may an empty home's rooms fall, should nobody ever take a vacation's set-back back: no frost, no mould."""
TURN_GAP = timedelta(minutes=30)
"""Between the turns of two pumps of a home neither runs raised: the one that stops needs time to be seen to stop."""


class Emitter(StrEnum):
    """How the home gives heat to its rooms."""

    RADIATOR = "radiator"
    FLOOR = "floor"


class HomeShare(Value):
    """A home's power limit lets only some of its pumps run raised at a time; they take turns by the day."""

    home_id: str
    pumps: Annotated[int, Field(ge=1, le=20)]
    rank: Annotated[int, Field(ge=0)]
    raised_at_once: Annotated[int, Field(ge=0)]

    def has_turn(self, now: datetime) -> bool:
        """Whether this pump may run raised now. All pumps of a home compute the same turns, without talking."""
        return self._is_its_day(now) and self._is_its_day(now - TURN_GAP)

    def _is_its_day(self, moment: datetime) -> bool:
        return (self.rank + moment.toordinal()) % self.pumps < self.raised_at_once

    @staticmethod
    def next_turn(now: datetime) -> datetime:
        """When turns may next change: at midnight UTC, and a gap later."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + (TURN_GAP if now < midnight + TURN_GAP else timedelta(days=1))


class Site(Value):
    """What binds a pump by its home."""

    band: ComfortBand = ComfortBand()
    emitter: Emitter = Emitter.RADIATOR
    home: HomeShare | None = None
    """None for a home with one pump, or without a shared limit."""
    stuck_drop_k: float = CAUTIOUS_LIMITS.drop_k
    """What a set-back may cost the room if nobody ever takes it back; 0 for a lever that expires by itself."""
    stuck_fall_k: float = CAUTIOUS_LIMITS.fall_k
    """By how much the room may fall then from where it is now; 0 as above."""

    @property
    def may_set_back(self) -> bool:
        """Whether a set-back is safe to be stuck with: cloud and heatsteer may vanish at the worst moment."""
        return self.band.room_min_c - self.stuck_drop_k >= LOWEST_FLOOR_C

    @property
    def may_set_back_empty(self) -> bool:
        """As `may_set_back`, while nobody is at home."""
        return self.band.room_min_c - self.stuck_drop_k >= LOWEST_EMPTY_C

    @property
    def set_back_from_c(self) -> float:
        """The room temperature below which no set-back begins: stuck with it, the room could end too cold."""
        return LOWEST_FLOOR_C + self.stuck_fall_k

    def floor_c(self, at: datetime) -> float:
        """The room temperature below which nothing of ours may set back at this moment."""
        return floor_c(self.band, at)


def floor_c(band: ComfortBand, at: datetime) -> float:
    """The room temperature below which nothing of ours may set back a home of this band at this moment."""
    return max(LOWEST_FLOOR_C, band.at(at).room_min_c - FLOOR_BELOW_BAND_K)
