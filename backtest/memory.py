"""What a vendor's cloud would have shown of the houses so far, and what is learned from it as the season goes.

Once a quarter of an hour, five minutes old, some lost; rooms in the sensor's steps; power of half of the units,
and none of it while a unit charges its tank.

Invariant: nothing goes in that a cloud would not show, and for the first fortnight nothing is learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.homes.enrolment import PumpProfile
from domain.homes.learned import HouseRecord, LearnedHouse
from domain.modes import Mode
from domain.slots import SLOT
from optimizer.learning import learn, with_the_fleet
from simulator.physics.house import HouseState
from simulator.seeded import share

FIRST_DAYS = 14
AGAIN_AFTER_DAYS = 2
MOST_DAYS = 28
SAMPLED_AT_MIN = 10
"""Into the slot: five minutes before its end."""
LOST = 0.04
SHOW_POWER = 0.5
"""Share of the units whose cloud shows electrical power; of the others the fleet's mean is taken."""


@dataclass
class _Seen:
    room_c: list[float | None] = field(default_factory=list)
    heating_kw: list[float | None] = field(default_factory=list)
    modes: list[Mode] = field(default_factory=list)


class Memory:
    """The past of the houses of one life."""

    def __init__(self, name: str, profiles: Sequence[PumpProfile], start: datetime) -> None:
        self._name, self._profiles, self._start = name, profiles, start
        self._shows_power = [share("shows-power", i) < SHOW_POWER for i in range(len(profiles))]
        self._seen = [_Seen() for _ in profiles]
        self._outdoor_c: list[float] = []
        self._sun: list[float] = []
        self._learned: list[LearnedHouse | None] = [None] * len(profiles)

    def sample(self, i: int, mode: Mode, room_c: float | None, state: HouseState) -> None:
        """One slot of one house."""
        seen = self._seen[i]
        is_lost = share(self._name, "lost", i, len(seen.modes)) < LOST
        heating_w = 0.0 if state.control.on_water else state.power_w - state.tank_w
        seen.room_c.append(None if is_lost else room_c)
        seen.heating_kw.append(None if is_lost or not self._shows_power[i] else heating_w / 1000)
        seen.modes.append(mode)

    def end_day(self, outdoor_c: Sequence[float], sun_w_per_m2: Sequence[float]) -> None:
        """A day has gone; this was its weather."""
        self._outdoor_c += outdoor_c
        self._sun += sun_w_per_m2

    def learned(self) -> list[LearnedHouse | None]:
        """What is known now; learned anew every other day."""
        days = len(self._outdoor_c) * SLOT // timedelta(days=1)
        if days >= FIRST_DAYS and (days - FIRST_DAYS) % AGAIN_AFTER_DAYS == 0:
            found = [self._learn(i, profile) for i, profile in enumerate(self._profiles)]
            self._learned = [*with_the_fleet(found)]
        return self._learned

    def _learn(self, i: int, profile: PumpProfile) -> LearnedHouse:
        slots = len(self._outdoor_c)
        first = max(0, slots - MOST_DAYS * 96)
        seen = self._seen[i]
        record = HouseRecord(
            start=self._start + first * SLOT,
            room_c=seen.room_c[first:slots],
            heating_kw=seen.heating_kw[first:slots],
            modes=seen.modes[first:slots],
            outdoor_c=self._outdoor_c[first:],
            sun_w_per_m2=self._sun[first:],
        )
        return learn(profile, record, self._start + slots * SLOT)
