"""The houses of a place under one controller, minute by minute, without clouds in between.

The houses are the simulator's (several masses, a unit's own control, defrosts, a tank, people), which is another
physics than the planner's.

Invariant: a controller sees sheets, room sensors, prices and a forecast, never the simulator's insides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from backtest.controllers import CONTROLLERS, LEARNING, Asked, Day
from backtest.memory import SAMPLED_AT_MIN, Memory
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit, HotWaterMode, Mode
from domain.planning.price_plan import jitter
from simulator.homes.fleet import SimulatedFleet
from simulator.physics.building import Surroundings
from simulator.physics.house import STEP_S, HouseSpec, HouseState, house_stored_kwh, step_house

SLOT_MIN = 15
MODES = tuple(Mode)
KWH_PER_W_MIN = STEP_S / 3.6e6

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Played:
    """What became of H houses over N slots."""

    price_eur_per_mwh: Array
    """(N,)"""
    kwh: Array
    """(H, N), as the next three."""
    tank_kwh: Array
    expected_kwh: Array
    """Of the heating; NaN where nothing was expected."""
    room_c: Array
    """True room at the slot's end."""
    expected_room_c: Array
    """NaN where nothing was expected."""
    below_kh: Array
    """Outside the household's band, (H,), as the rest."""
    above_kh: Array
    backup_kwh: Array
    starts: Array
    stored_kwh: Array
    """Heat held at the end."""
    nameplate_kw: Array
    """Highest mean power of any slot."""
    modes: npt.NDArray[np.int8]
    """Mode at the slot's end as its place in `Mode`, (H, N)."""
    band_c: Array
    """What each household accepts, (H, 2)."""


class Life:
    """The houses of a place under one controller, on their way through the season."""

    def __init__(self, name: str, fleet: SimulatedFleet, profiles: Sequence[PumpProfile], start: datetime) -> None:
        self._controller, self._profiles = CONTROLLERS[name], profiles
        self._memory = Memory(name, profiles, start) if name in LEARNING else None
        self._day: Day | None = None
        self._specs = [home.unit.spec for home in fleet.homes]
        self._states = [home.steered.copy() for home in fleet.homes]
        self._late_min = [int(jitter(home.unit.pump_id).total_seconds() // 60) for home in fleet.homes]
        self._settings = [_setting(profile, Mode.LOW, 0) for profile in profiles]
        self._comforts = [spec.household.hot_water_setting for spec in self._specs]
        self._starts_before = [state.control.starts for state in self._states]
        self._below, self._above, self._backup = ([0.0] * len(self._specs) for _ in range(3))
        self._when_planned = self.shown()
        self._modes = [Mode.LOW] * len(profiles)
        self._asked: list[Asked] = []
        self._days: list[tuple[Array, ...]] = []
        self._slot: list[tuple[list[float], ...]] = []

    def shown(self) -> list[float | None]:
        """What the room sensors read, in their steps."""
        pairs = zip(self._specs, self._states, strict=True)
        return [self._room(spec, state) for spec, state in pairs]

    def keep_what_is_shown(self) -> None:
        """Tomorrow's plan is made now."""
        self._when_planned = self.shown()

    def begin(self, day: Day) -> None:
        """A day is about to begin."""
        self._day = day
        learned = self._memory.learned() if self._memory else [None] * len(self._specs)
        known = replace(day, room_c=self.shown(), room_when_planned_c=self._when_planned, learned=learned)
        self._asked, self._slot = self._controller(known, self._profiles), []

    def step(self, minute: int, around: Sequence[Surroundings]) -> None:
        """One minute of a day, in all houses."""
        if minute % SLOT_MIN == 0:
            self._slot.append(tuple([0.0] * len(self._specs) for _ in range(4)))
        kwh, tank, room, modes = self._slot[-1]
        for i, (spec, state) in enumerate(zip(self._specs, self._states, strict=True)):
            since = minute - self._late_min[i]
            if since >= 0 and since % SLOT_MIN == 0:
                self._obey(i, since // SLOT_MIN)
            step_house(spec, state, around[i], self._settings[i], self._comforts[i])
            kwh[i] += state.power_w * KWH_PER_W_MIN
            tank[i] += state.tank_w * KWH_PER_W_MIN
            self._backup[i] += state.backup_w * KWH_PER_W_MIN
            air_c, band = state.rooms.air_c, spec.household.band
            if air_c < band.room_min_c:
                self._below[i] += (band.room_min_c - air_c) / 60
            elif air_c > band.room_max_c:
                self._above[i] += (air_c - band.room_max_c) / 60
            room[i], modes[i] = air_c, MODES.index(self._modes[i])
            if self._memory is not None and minute % SLOT_MIN == SAMPLED_AT_MIN:
                mode = self._asked[i].modes[minute // SLOT_MIN]
                self._memory.sample(i, mode, self._room(spec, state), state)

    def end(self) -> None:
        """The day is over."""
        kwh, tank, room, modes = (np.array(rows).T for rows in zip(*self._slot, strict=True))
        slots = kwh.shape[1]
        expected_kwh = _rows([asked.expected_kw for asked in self._asked], slots) / 4
        expected_room = _rows([asked.expected_room_c for asked in self._asked], slots)
        self._days.append((kwh, tank, expected_kwh, room, expected_room, modes))
        if self._memory is not None and self._day is not None:
            truth, slots = self._day.truth, self._day.slots
            self._memory.end_day(truth.outdoor_c[-slots:], truth.radiation_w_per_m2[-slots:])

    def _obey(self, i: int, slot: int) -> None:
        asked, profile = self._asked[i], self._profiles[i]
        room_c = self._room(self._specs[i], self._states[i]) if asked.looks_at_room else None
        self._modes[i] = asked.mode_in(slot, room_c, profile)
        self._settings[i] = _setting(profile, self._modes[i], asked.lower_by_steps)
        if profile.hot_water is not None:
            level = asked.hot_water[slot] if asked.hot_water else HotWaterMode.NORMAL
            self._comforts[i] = profile.hot_water.setting_for(level)

    @staticmethod
    def _room(spec: HouseSpec, state: HouseState) -> float | None:
        return round(state.rooms.air_c + spec.room_sensor_k, 1) if spec.has_room_sensor else None

    def played(self, price_eur_per_mwh: Array) -> Played:
        """The whole season."""
        kwh, tank, expected, room, expected_room, modes = (
            np.concatenate(parts, axis=1) for parts in zip(*self._days, strict=True)
        )
        starts = [state.control.starts for state in self._states]
        stored = [house_stored_kwh(spec, state) for spec, state in zip(self._specs, self._states, strict=True)]
        return Played(
            price_eur_per_mwh, kwh, tank, expected, room, expected_room,
            np.array(self._below), np.array(self._above), np.array(self._backup),
            np.array(starts, dtype=float) - self._starts_before, np.array(stored), 4 * kwh.max(axis=1),
            modes.astype(np.int8),
            np.array([(spec.household.band.room_min_c, spec.household.band.room_max_c) for spec in self._specs]),
        )  # fmt: skip


def _setting(profile: PumpProfile, mode: Mode, lower_by_steps: int) -> float:
    lever = profile.lever_of(Circuit.HEATING)
    return lever.setting_for(mode) - lower_by_steps * lever.step


def _rows(series: Sequence[Sequence[float]], slots: int) -> Array:
    """(H, N), NaN where a house has none."""
    return np.array([values if len(values) else [np.nan] * slots for values in series], dtype=float)
