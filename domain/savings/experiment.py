"""Who is not steered, and when: a draw that anybody can repeat.

Protects: whether a home is steered on a day depends on the experiment's seed, the pump's id and the block of days and
on nothing that could know what the day would earn; so the difference between the arms is what steering does.
"""

import hashlib
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.base import Value


class Arm(StrEnum):
    """What a home is drawn for on a day."""

    STEERED = "steered"
    NEUTRAL = "neutral"
    """Left to its own control, so that the others can be compared with it."""


class Experiment(Value):
    """Shares of homes that are left neutral, in blocks of days.

    Two draws for each rotation, either of which leaves a home neutral: the rotating holdout (for the whole rotation)
    and the switchback (for one of its blocks, any with equal chance). That every home that switches does so for as long
    as the others keeps their weights alike, and the interval true.
    """

    seed: int
    begins: date
    """First local day; none is left neutral before it."""
    holdout_share: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    switchback_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Of the homes, in each rotation."""
    block_days: Annotated[int, Field(ge=3, le=28)] = 7
    rotation_blocks: Annotated[int, Field(ge=2, le=52)] = 4
    washout_days: Annotated[int, Field(ge=0, le=3)] = 1
    """First days of a block that follows one of the other arm: the house still holds that one's heat."""

    def block(self, day: date) -> int:
        """The number of a day's block; negative before the experiment begins."""
        return (day - self.begins).days // self.block_days

    def arm(self, pump_id: str, day: date) -> Arm:
        """What a pump is drawn for on a local day."""
        return self._arm_in(pump_id, self.block(day))

    def is_washout(self, pump_id: str, day: date) -> bool:
        """Whether the day is too near a change of arm to be counted for either."""
        block = self.block(day)
        into = (day - self.begins).days - block * self.block_days
        return into < self.washout_days and self._arm_in(pump_id, block) is not self._arm_in(pump_id, block - 1)

    def next_block(self, day: date) -> date:
        """The first day of the block after a day's."""
        return self.begins + timedelta(days=(self.block(day) + 1) * self.block_days)

    def _arm_in(self, pump_id: str, block: int) -> Arm:
        if block < 0:
            return Arm.STEERED
        rotation, into = divmod(block, self.rotation_blocks)
        if self._draw("holdout", pump_id, rotation) < self.holdout_share:
            return Arm.NEUTRAL
        switches = self._draw("switchback", pump_id, rotation) < self.switchback_share
        turn = int(self._draw("turn", pump_id, rotation) * self.rotation_blocks)
        return Arm.NEUTRAL if switches and into == turn else Arm.STEERED

    def _draw(self, kind: str, pump_id: str, number: int) -> float:
        """A share in [0, 1), even over pumps and numbers."""
        text = f"{self.seed}/{kind}/{pump_id}/{number}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2.0**64
