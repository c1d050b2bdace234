"""Plays every controller through a season in the houses of one place.

Invariant: all controllers meet the same weather, people and airing to the last bit, so that differences between them
are theirs alone.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np

from backtest.controllers import CONTROLLERS, PLANNED_BEFORE_H, Day
from backtest.life import SLOT_MIN, Life, Played
from backtest.profiles import profile_of
from backtest.season import PRICE_AREA, Local, days_from
from domain.clock import SteeringClock
from domain.planning.series import HomePrices, WeatherSeries, WholesalePrices
from domain.planning.tariff import WHOLESALE, home_prices
from domain.slots import SLOT
from simulator.app import build_fleet
from simulator.config import SimulatorConfig
from simulator.homes.fleet import SimulatedFleet
from simulator.physics.house import STEP_S
from simulator.seeded import smooth

DAY_SLOTS = 96
FORECAST_ERROR_K = 1.5
"""Root mean square after 24 h, growing with the root of the lead."""
SUN_ERROR = 0.3
SMOOTH_RMS = 0.85
LOOK_EVERY_MIN = 60
"""Of steered time, between two looks whether to stop."""


@dataclass(frozen=True)
class Task:
    """One place."""

    local: Local
    number: int
    """The place's own; it takes part in the draw of houses."""
    price_eur_per_mwh: Sequence[float]
    """What a kilowatt-hour costs, by slot from the first day's start to the last day's end."""
    first: date
    days: int
    houses: int
    seed: int


class Stopped(Exception):
    """Whoever asked wants no more of it."""


def play(
    task: Task, day_done: Callable[[], None] = lambda: None, is_stopped: Callable[[], bool] = lambda: False
) -> dict[str, Played]:
    """Play a task from its first day to its last; by controller. Raises Stopped soon after it is asked to stop."""
    bounds = days_from(task.first, task.days)
    with tempfile.TemporaryDirectory() as scratch:
        fleet = _fleet(task, bounds[0][0], Path(scratch))
        profiles = [profile_of(fleet, home) for home in fleet.homes]
        lives = {name: Life(name, fleet, profiles, bounds[0][0]) for name in CONTROLLERS}
        days = _Days(task, fleet)
        try:
            for start, end in bounds:
                _live(list(lives.values()), fleet, days.day(start, end), is_stopped)
                day_done()
        finally:
            fleet.close()
    return {name: life.played(np.array(task.price_eur_per_mwh)) for name, life in lives.items()}


def _live(lives: Sequence[Life], fleet: SimulatedFleet, day: Day, is_stopped: Callable[[], bool]) -> None:
    """One market day of all lives."""
    for life in lives:
        life.begin(day)
    minutes = day.slots * SLOT_MIN
    start_s, outside = day.prices.start.timestamp(), fleet.outside
    around = [of_house.around for of_house in outside.days]
    for minute in range(minutes):
        if minute % LOOK_EVERY_MIN == 0 and is_stopped():
            raise Stopped
        if minute == minutes - int(PLANNED_BEFORE_H * 60):
            for life in lives:
                life.keep_what_is_shown()
        outside.refresh(start_s + minute * STEP_S)
        for life in lives:
            life.step(minute, around)
    for life in lives:
        life.end()


def _fleet(task: Task, start: datetime, scratch: Path) -> SimulatedFleet:
    weather = scratch / "weather.json"
    weather.write_text(task.local.weather, encoding="utf-8")
    config = SimulatorConfig(
        clock=SteeringClock(epoch=start, start_wall=start),
        seed=task.seed * 100 + task.number,
        pumps=task.houses,
        day=task.first,
        weather_file=weather,
        truth_file=scratch / "truth.jsonl",
        ready_file=scratch / "ready.json",
    )
    return build_fleet(config)


class _Days:
    """What is known of each day, and what comes."""

    def __init__(self, task: Task, fleet: SimulatedFleet) -> None:
        self._task, self._fleet = task, fleet

    def day(self, start: datetime, end: datetime) -> Day:
        """A market day; the rooms are each life's own."""
        return Day(self._prices(start, end), self._weather(start, end, 1.0), self._weather(start, end, 0.0))

    def _prices(self, start: datetime, end: datetime) -> HomePrices:
        task = self._task
        first = (start - days_from(task.first, 1)[0][0]) // SLOT
        spot = WholesalePrices(
            price_area=PRICE_AREA, source="backtest", resolution_min=15, start=start,
            price_eur_per_mwh=tuple(task.price_eur_per_mwh[first : first + (end - start) // SLOT]),
        )  # fmt: skip
        return home_prices(spot, WHOLESALE)

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
