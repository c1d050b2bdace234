"""Plays one controller through a season in the houses of one place, minute by minute, without clouds in between.

The houses are the simulator's (several masses, a unit's own control, defrosts, a tank, people); every controller meets
the same weather, people and airing to the last bit, so that differences between controllers are theirs alone.

Invariant: a controller sees sheets, room sensors, prices and a forecast, never the simulator's insides.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.backtest.controllers import CONTROLLERS, Asked, Day
from benchmarks.backtest.season import Place, days_from, flat_prices, prices_of, write_weather
from benchmarks.shifting import profile_of
from domain.clock import SteeringClock
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit, HotWaterMode, Mode
from domain.planning.price_plan import jitter
from domain.planning.series import HomePrices, WeatherSeries
from domain.planning.tariff import WHOLESALE, home_prices
from domain.slots import SLOT
from simulator.app import build_fleet
from simulator.config import SimulatorConfig
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.physics.house import STEP_S, HouseState, house_stored_kwh, step_house
from simulator.seeded import smooth

DAY_SLOTS, SLOT_MIN = 96, 15
PLANNED_BEFORE_H = 10.75
"""Day-ahead plans are made at 13:15."""
FORECAST_ERROR_K = 1.5
"""Root mean square after 24 h, growing with the root of the lead."""
SUN_ERROR = 0.3
SMOOTH_RMS = 0.85
KWH_PER_W_MIN = STEP_S / 3.6e6

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """One controller in one place."""

    controller: str
    place: Place
    place_number: int
    prices: Path | None
    """None for a constant price."""
    constant_eur_per_mwh: float
    fees_eur_per_mwh: float
    weather: Path
    first: date
    days: int
    houses: int
    seed: int


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


def play(task: Task) -> Played:
    """Play a task from its first day to its last."""
    bounds = days_from(task.first, task.days)
    with tempfile.TemporaryDirectory() as scratch:
        fleet = _fleet(task, bounds[0][0], bounds[-1][1], Path(scratch))
        season = _Season(task, fleet)
        for start, end in bounds:
            season.live(start, end)
        fleet.close()
    return season.played()


def _fleet(task: Task, start: datetime, end: datetime, scratch: Path) -> SimulatedFleet:
    weather = scratch / "weather.json"
    write_weather(task.weather, task.place, start, end, weather)
    config = SimulatorConfig(
        clock=SteeringClock(epoch=start, start_wall=start),
        seed=task.seed * 100 + task.place_number,
        pumps=task.houses,
        day=task.first,
        weather_file=weather,
        truth_file=scratch / "truth.jsonl",
        ready_file=scratch / "ready.json",
    )
    return build_fleet(config)


class _Season:
    """The houses of a place on their way through the season."""

    def __init__(self, task: Task, fleet: SimulatedFleet) -> None:
        self._task, self._fleet, self._homes = task, fleet, fleet.homes
        self._profiles = [profile_of(fleet, home) for home in fleet.homes]
        self._states = [home.steered for home in fleet.homes]
        self._late_min = [int(jitter(home.unit.pump_id).total_seconds() // 60) for home in fleet.homes]
        self._settings = [_setting(profile, Mode.LOW, 0) for profile in self._profiles]
        self._comforts = [home.unit.spec.household.hot_water_setting for home in fleet.homes]
        self._starts = [-state.control.starts for state in self._states]
        self._below, self._above, self._backup = (np.zeros(len(fleet.homes)) for _ in range(3))
        self._days: list[tuple[Array, ...]] = []
        self._when_planned = [self._shown(home, state) for home, state in self._all()]

    def _all(self) -> list[tuple[Home, HouseState]]:
        return list(zip(self._homes, self._states, strict=True))

    def _shown(self, home: Home, state: HouseState) -> float | None:
        """A room sensor's reading, in its steps."""
        spec = home.unit.spec
        return round(state.rooms.air_c + spec.room_sensor_k, 1) if spec.has_room_sensor else None

    def live(self, start: datetime, end: datetime) -> None:
        """One market day."""
        prices = self._prices(start, end)
        shown = [self._shown(home, state) for home, state in self._all()]
        day = Day(prices, self._weather(start, end, 1.0), self._weather(start, end, 0.0), shown, self._when_planned)
        asked = CONTROLLERS[self._task.controller](day, self._profiles)
        slots = day.slots
        kwh, tank, room = (np.zeros((len(self._homes), slots)) for _ in range(3))
        planned_at = slots * SLOT_MIN - int(PLANNED_BEFORE_H * 60)
        for minute in range(slots * SLOT_MIN):
            if minute == planned_at:
                self._when_planned = [self._shown(home, state) for home, state in self._all()]
            moment_s = start.timestamp() + minute * STEP_S
            self._fleet.outside.refresh(moment_s)
            slot = minute // SLOT_MIN
            for i, (home, state) in enumerate(zip(self._homes, self._states, strict=True)):
                since = minute - self._late_min[i]
                if since >= 0 and since % SLOT_MIN == 0:
                    self._obey(i, asked[i], since // SLOT_MIN)
                spec = home.unit.spec
                step_house(spec, state, self._fleet.outside.days[i].around, self._settings[i], self._comforts[i])
                kwh[i, slot] += state.power_w * KWH_PER_W_MIN
                tank[i, slot] += state.tank_w * KWH_PER_W_MIN
                self._backup[i] += state.backup_w * KWH_PER_W_MIN
                air_c, band = state.rooms.air_c, spec.household.band
                if air_c < band.room_min_c:
                    self._below[i] += (band.room_min_c - air_c) / 60
                elif air_c > band.room_max_c:
                    self._above[i] += (air_c - band.room_max_c) / 60
                room[i, slot] = air_c
        expected_kwh = _rows([a.expected_kw for a in asked], slots) / 4
        expected_room = _rows([a.expected_room_c for a in asked], slots)
        self._days.append((np.array(prices.price_eur_per_mwh), kwh, tank, expected_kwh, room, expected_room))

    def _obey(self, i: int, asked: Asked, slot: int) -> None:
        home, profile = self._homes[i], self._profiles[i]
        mode = asked.mode_in(slot, self._shown(home, self._states[i]), profile)
        self._settings[i] = _setting(profile, mode, asked.lower_by_steps)
        if profile.hot_water is not None:
            level = asked.hot_water[slot] if asked.hot_water else HotWaterMode.NORMAL
            self._comforts[i] = profile.hot_water.setting_for(level)

    def _prices(self, start: datetime, end: datetime) -> HomePrices:
        task = self._task
        if task.prices is None:
            spot = flat_prices(task.constant_eur_per_mwh, start, end)
        else:
            spot = prices_of(task.prices, start, end)
        prices = home_prices(spot, WHOLESALE)
        fees = task.fees_eur_per_mwh
        return prices.model_copy(update={"price_eur_per_mwh": tuple(p + fees for p in prices.price_eur_per_mwh)})

    def _weather(self, start: datetime, end: datetime, error: float) -> WeatherSeries:
        """Yesterday as it was, and the day as it comes or, with an error of 1, as it is forecast."""
        outdoor, sun, seed = [], [], self._fleet.config.seed
        weather, slots = self._fleet.weather, (end - start) // SLOT
        for i in range(-DAY_SLOTS, slots):
            moment_s = start.timestamp() + 900.0 * (i + 0.5)
            temperature, radiation = weather.truth(moment_s)
            lead_h = max(PLANNED_BEFORE_H + i / 4, 0.0)
            wrong = error * (lead_h / 24) ** 0.5 / SMOOTH_RMS
            made = int(start.timestamp())
            outdoor.append(temperature + wrong * FORECAST_ERROR_K * smooth(i / 24, seed, "forecast", made))
            cloud = 1 + wrong * SUN_ERROR * smooth(i / 12, seed, "clouds", made)
            sun.append(max(radiation * cloud, 0.0))
        return WeatherSeries(
            cell="50.0,10.0", source="backtest", start=start - DAY_SLOTS * SLOT, outdoor_c=tuple(outdoor),
            radiation_w_per_m2=tuple(sun),
        )  # fmt: skip

    def played(self) -> Played:
        """The whole season."""
        price, kwh, tank, expected, room, expected_room = (
            np.concatenate(parts, axis=-1) for parts in zip(*self._days, strict=True)
        )
        starts = [
            float(before + state.control.starts) for before, (_, state) in zip(self._starts, self._all(), strict=True)
        ]
        stored = [house_stored_kwh(home.unit.spec, state) for home, state in self._all()]
        return Played(
            price, kwh, tank, expected, room, expected_room, self._below, self._above, self._backup,
            np.array(starts), np.array(stored), 4 * kwh.max(axis=1),
        )  # fmt: skip


def _setting(profile: PumpProfile, mode: Mode, lower_by_steps: int) -> float:
    lever = profile.lever_of(Circuit.HEATING)
    return lever.setting_for(mode) - lower_by_steps * lever.step


def _rows(series: Sequence[Sequence[float]], slots: int) -> Array:
    """(H, N), NaN where a house has none."""
    return np.array([values if len(values) else [np.nan] * slots for values in series], dtype=float)
