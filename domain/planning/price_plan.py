"""Price plans: what one pump receives, ordered by revision, on its own jittered edges.

Protects: a plan is whole and unambiguous (ordered, non-overlapping segments), and the highest revision wins whatever
the order of arrival.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from domain.base import Instant, Value, own_share
from domain.modes import Circuit, HotWaterMode, Level, Mode, neutral_of
from domain.slots import SLOT

MAX_JITTER = timedelta(minutes=5)
"""Every pump moves its plan's edges later by its own share of this, so that a fleet never steps as one."""


LONGEST_PLAN = timedelta(days=3)
"""No market publishes further ahead; a longer plan is a mistake."""


class ModeSegment(Value):
    """One mode over [start, end)."""

    start: Instant
    end: Instant
    mode: Mode

    @model_validator(mode="after")
    def _runs_forward(self) -> "ModeSegment":
        if self.end <= self.start:
            raise ValueError(f"segment ends at {self.end:%F %H:%M} UTC, not after its start {self.start:%F %H:%M} UTC")
        return self


class HotWaterSegment(Value):
    """One hot-water mode over [start, end)."""

    start: Instant
    end: Instant
    mode: HotWaterMode

    @model_validator(mode="after")
    def _runs_forward(self) -> "HotWaterSegment":
        if self.end <= self.start:
            raise ValueError(f"segment ends at {self.end:%F %H:%M} UTC, not after its start {self.start:%F %H:%M} UTC")
        return self


class PricePlan(Value):
    """Mode segments for one pump with the revision they belong to.

    Gaps between segments, and everything after the last one, are neutral.
    """

    revision: Annotated[int, Field(ge=1)]
    segments: Annotated[tuple[ModeSegment, ...], Field(max_length=200)]
    hot_water: Annotated[tuple[HotWaterSegment, ...], Field(max_length=200)] = ()
    """As `segments`, for hot water."""
    floor: Literal[Mode.MIN, Mode.LOW] = Mode.MIN
    """No mode below this while the plan is valid: LOW in a cold snap."""
    expected_room_c: tuple[float, ...] = ()
    """Expected room temperature at the end of each slot from `first_slot` on; empty where no room is measured."""
    first_slot: Instant
    valid_until: Instant
    """With no newer plan the pump is neutral from here on."""

    @model_validator(mode="after")
    def _is_ordered(self) -> "PricePlan":
        courses: tuple[Sequence[ModeSegment | HotWaterSegment], ...] = (self.segments, self.hot_water)
        for segments in courses:
            for earlier, later in pairwise(segments):
                if later.start < earlier.end:
                    raise ValueError(
                        f"segments overlap or are out of order at {later.start:%F %H:%M} UTC: "
                        "sort them and let each end before the next starts"
                    )
            if segments and segments[-1].end > self.valid_until:
                raise ValueError("the last segment ends after the plan's validity")
            if segments and segments[0].start < self.first_slot:
                raise ValueError("the first segment starts before the plan's first slot")
        if not timedelta() < self.valid_until - self.first_slot <= LONGEST_PLAN:
            raise ValueError(f"a plan must last more than nothing and at most {LONGEST_PLAN.days} days")
        return self

    def covers(self, moment: datetime) -> bool:
        """Whether this plan speaks of `moment` (unjittered)."""
        return self.first_slot <= moment < self.valid_until

    def level_at(self, circuit: Circuit, moment: datetime) -> Level:
        """The plan's level for a circuit at `moment` (unjittered)."""
        segments = self.segments if circuit is Circuit.HEATING else self.hot_water
        if moment < self.valid_until:
            for segment in segments:
                if segment.start <= moment < segment.end:
                    return segment.mode
        return neutral_of(circuit)

    def modes_from(self, first_slot: datetime, slots: int) -> tuple[Mode, ...]:
        """The heating's mode in each of `slots` slots (unjittered); neutral where the plan does not speak of one."""
        levels = (self.level_at(Circuit.HEATING, first_slot + n * SLOT) for n in range(slots))
        return tuple(level for level in levels if isinstance(level, Mode))

    def next_edge(self, circuit: Circuit, moment: datetime) -> datetime | None:
        """First instant after `moment` at which the plan's level may change (unjittered), or None."""
        segments = self.segments if circuit is Circuit.HEATING else self.hot_water
        edges = [e for s in segments for e in (s.start, s.end) if e > moment]
        if self.valid_until > moment:
            edges.append(self.valid_until)
        return min(edges, default=None)


def in_force(plans: Sequence[PricePlan], pump_id: str, now: datetime) -> PricePlan | None:
    """Of a pump's plans (by revision) the newest that covers this moment, on the pump's own jittered edges."""
    plan_time = now - jitter(pump_id)
    return next((plan for plan in reversed(plans) if plan.covers(plan_time)), None)


def jitter(pump_id: str) -> timedelta:
    """The pump's own delay of every plan edge: fixed per pump, spread evenly over `MAX_JITTER`."""
    return MAX_JITTER * own_share(pump_id)


def hot_water_segments(
    first_slot: datetime, slot: timedelta, modes: tuple[HotWaterMode, ...]
) -> tuple[HotWaterSegment, ...]:
    """Merge equal neighbouring slots into segments; NORMAL needs none."""
    runs = ((mode, list(run)) for mode, run in groupby(enumerate(modes), key=lambda pair: pair[1]))
    return tuple(
        HotWaterSegment(start=first_slot + run[0][0] * slot, end=first_slot + (run[-1][0] + 1) * slot, mode=mode)
        for mode, run in runs
        if mode is not HotWaterMode.NORMAL
    )


def segments_from_modes(first_slot: datetime, slot: timedelta, modes: tuple[Mode, ...]) -> tuple[ModeSegment, ...]:
    """Merge equal neighbouring slots into segments."""
    segments: list[ModeSegment] = []
    for i, mode in enumerate(modes):
        start = first_slot + i * slot
        if segments and segments[-1].mode is mode:
            segments[-1] = ModeSegment(start=segments[-1].start, end=start + slot, mode=mode)
        else:
            segments.append(ModeSegment(start=start, end=start + slot, mode=mode))
    return tuple(segments)
