"""The steering clock: the one relation between wall time and time in the fleet's world.

Protects: every process of a stack, and every history, agrees on what steered time it is. Clock values travel in start
inputs and are never read from configuration twice.
"""

from datetime import datetime, timedelta

from pydantic import Field

from domain.base import Instant, Value


class SteeringClock(Value):
    """steered = epoch + (wall - start_wall) x speed, never before the epoch.

    In production `epoch == start_wall` and `speed == 1`, so that steered time is wall time from the start on.
    """

    epoch: Instant
    """Steered time at which time begins to run."""
    start_wall: Instant
    """Wall time at which steered time begins to run; may lie ahead, so that planning happens before time runs."""
    speed: float = Field(default=1.0, gt=0, le=100_000)
    """Steered seconds per wall second."""

    def steered(self, wall: datetime) -> datetime:
        """Steered time at the given wall time."""
        if wall <= self.start_wall:
            return self.epoch
        return self.epoch + (wall - self.start_wall) * self.speed

    def wall(self, steered: datetime) -> datetime:
        """Wall time at which the given steered time is reached; `start_wall` for anything up to the epoch."""
        if steered <= self.epoch:
            return self.start_wall
        return self.start_wall + (steered - self.epoch) / self.speed

    def wall_duration(self, steered: timedelta) -> timedelta:
        """How long a steered duration lasts on the wall."""
        return steered / self.speed
