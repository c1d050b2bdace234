"""The world of one simulator: all houses and their twins, advanced minute by minute along the steering clock.

Protects: physics never runs ahead of the clock, every minute is computed once, and a restart goes on where it
stopped.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.building import settled
from simulator.commissioning import draw_house
from simulator.config import ConfigError, SimulatorConfig
from simulator.controller import ControlState
from simulator.faults import Dice
from simulator.history import SLOT_S, History, SlotBook
from simulator.house import STEP_S, HouseState, house_stored_kwh, step_house
from simulator.surroundings import Outside
from simulator.truth import StateCause, TruthLog
from simulator.unit import Unit
from simulator.weather import DAY_S, Weather, read_weather_file

LATITUDE, LONGITUDE = 50.0, 10.0
WARM_UP_S = 2 * DAY_S
LONGEST_CATCH_UP_S = 7 * DAY_S
_MINUTE_KWH = STEP_S / 3600.0 / 1000.0


@dataclass
class Home:
    """A unit, its house steered, and its house unsteered."""

    unit: Unit
    steered: HouseState
    twin: HouseState
    history: History


class World:
    """Houses along the clock. Times within are Unix seconds of steered time."""

    def __init__(self, config: SimulatorConfig, wall: Callable[[], datetime] | None = None) -> None:
        self.config = config
        self._wall = wall or (lambda: datetime.now(UTC))
        self.epoch_s = config.clock.epoch.timestamp()
        try:
            file = read_weather_file(config.weather_file) if config.weather_file else None
        except ValueError as broken:
            raise ConfigError(str(broken)) from broken
        self.weather = Weather(config.seed, LATITUDE, LONGITUDE, file)
        self.dice = Dice(config.seed, self.epoch_s, config.faults)
        specs = [draw_house(config.seed, index) for index in range(config.pumps)]
        self.outside = Outside(config.seed, self.weather, config.zone_info, specs)
        self.minute_s = self.epoch_s // STEP_S * STEP_S
        """Start of the next minute to compute."""
        self.homes: list[Home] = []
        kept = self._read_kept()
        for spec in specs:
            unit = Unit(spec, config.seed, f"p-{spec.index + 1:04d}", self.minute_s)
            self.homes.append(Home(unit, *self._settled_pair(spec.index, unit), History()))
        self.by_device = {home.unit.device_id: home for home in self.homes}
        self.by_pump = {home.unit.pump_id: home for home in self.homes}
        self.truth = TruthLog(config.truth_file, resumed=kept is not None)
        if kept is None:
            self._begin()
        else:
            self._restore(kept)

    def now_s(self) -> float:
        """Steered time now; never before the epoch."""
        return self.config.clock.steered(self._wall()).timestamp()

    @property
    def is_commissioning(self) -> bool:
        """Before time runs: no faults, no quotas."""
        return self.now_s() <= self.epoch_s

    def advance(self) -> float:
        """Compute everything up to now; returns now."""
        now_s = self.now_s()
        self.advance_to(now_s)
        return now_s

    def advance_to(self, now_s: float) -> None:
        """Compute all whole minutes that are over, then what units apply and publish up to the moment."""
        if now_s - self.minute_s > LONGEST_CATCH_UP_S:
            self.minute_s = (now_s - LONGEST_CATCH_UP_S) // STEP_S * STEP_S
        while self.minute_s + STEP_S <= now_s:
            self._minute(self.minute_s)
            self.minute_s += STEP_S
        for home in self.homes:
            self._settle(home, now_s)

    def _minute(self, start_s: float) -> None:
        self.outside.refresh(start_s)
        slot = int(start_s // SLOT_S)
        is_last = int((start_s + STEP_S) // SLOT_S) != slot
        for home, day in zip(self.homes, self.outside.days, strict=True):
            unit, spec = home.unit, home.unit.spec
            setting, usual = unit.setting, unit.household_setting
            self._settle(home, start_s + STEP_S)
            step_house(spec, home.steered, day.around, setting)
            step_house(spec, home.twin, day.around, usual)
            book = home.history.open(slot)
            unit.total_kwh += home.steered.power_w * _MINUTE_KWH
            _book(book, home, day.around.outdoor_c)
            if is_last:
                book.stored_kwh = self.stored_kwh(home)

    def _settle(self, home: Home, until_s: float) -> None:
        unit = home.unit
        if unit.next_publish_s > until_s and unit.desired is None and not unit.late:
            return
        offline = self.dice.offline(unit.device_id, min(unit.next_publish_s, until_s))
        outdoor_c = self.outside.outdoor_c + unit.spec.local_outdoor_k
        unit.settle(until_s, home.steered, outdoor_c, offline, self.tell)

    def tell(self, at_s: float, unit: Unit, cause: StateCause) -> None:
        """Write down a true change of a lever."""
        self.truth.state(at_s, unit.pump_id, unit.lever, unit.setting, cause)

    def stored_kwh(self, home: Home) -> float:
        """Heat held by a house more than by its twin."""
        spec = home.unit.spec
        return house_stored_kwh(spec, home.steered) - house_stored_kwh(spec, home.twin)

    def _settled_pair(self, index: int, unit: Unit) -> tuple[HouseState, HouseState]:
        """A house at rest in the mean weather of the day before its warm-up, twice."""
        start_s = self.minute_s - WARM_UP_S
        mean_c = sum(self.weather.truth(start_s - hour * 3600.0)[0] for hour in range(24)) / 24.0
        spec = unit.spec
        people_w = spec.household.people_base_w + spec.household.people_per_m2_w * spec.building.area_m2
        sun_w = 35.0 * spec.building.aperture_m2
        _, rooms = settled(spec.building, spec.emitters, spec.household.wish_c, mean_c, sun_w, people_w)
        control = ControlState(smoothed_outdoor_c=mean_c, supply_c=rooms.water_c, since_start_s=-97.0 * index)
        state = HouseState(rooms, control)
        return state, state.copy()

    def _begin(self) -> None:
        """Live two days under the units' own control, once per house: the twin is a copy of the result."""
        moment_s = self.minute_s - WARM_UP_S
        while moment_s < self.minute_s:
            self.outside.refresh(moment_s)
            for home, day in zip(self.homes, self.outside.days, strict=True):
                step_house(home.unit.spec, home.steered, day.around, home.unit.setting)
            moment_s += STEP_S
        for home in self.homes:
            home.twin = home.steered.copy()
            self._settle(home, self.epoch_s)
            self.tell(self.epoch_s, home.unit, "initial")

    def _read_kept(self) -> dict[str, Any] | None:
        path = self.config.state_file
        if path is None or not path.exists():
            return None
        try:
            kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as broken:
            raise ConfigError(f"the state file {path} cannot be read: {broken}") from broken
        if (kept.get("seed"), kept.get("pumps")) != (self.config.seed, self.config.pumps):
            raise ConfigError(f"the state file {path} is of another world: remove it, or keep seed and pumps")
        return kept

    def _restore(self, kept: dict[str, Any]) -> None:
        self.minute_s = kept["minute_s"]
        for home, state in zip(self.homes, kept["homes"], strict=True):
            home.unit.restore(state["unit"])
            home.steered = HouseState.from_json(state["steered"])
            home.twin = HouseState.from_json(state["twin"])
            home.history = History.from_json(state["history"])

    def save(self) -> None:
        """Keep the physical state, where a file for it was named; atomically."""
        path = self.config.state_file
        if path is None:
            return
        homes = [
            {
                "unit": home.unit.to_json(),
                "steered": home.steered.to_json(),
                "twin": home.twin.to_json(),
                "history": home.history.to_json(),
            }
            for home in self.homes
        ]
        kept = {"seed": self.config.seed, "pumps": self.config.pumps, "minute_s": self.minute_s, "homes": homes}
        write_atomically(path, json.dumps(kept))

    def close(self) -> None:
        """Keep the state and close the truth."""
        self.save()
        self.truth.close()


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _book(book: SlotBook, home: Home, outdoor_c: float) -> None:
    band = home.unit.spec.household.band
    steered, twin = home.steered, home.twin
    room_c, twin_c = steered.rooms.air_c, twin.rooms.air_c
    book.minutes += 1
    book.kwh += steered.power_w * _MINUTE_KWH
    book.twin_kwh += twin.power_w * _MINUTE_KWH
    book.heat_kwh += steered.heat_w * _MINUTE_KWH
    book.twin_heat_kwh += twin.heat_w * _MINUTE_KWH
    book.backup_kwh += steered.backup_w * _MINUTE_KWH
    book.twin_backup_kwh += twin.backup_w * _MINUTE_KWH
    book.room_c_sum += room_c
    book.twin_room_c_sum += twin_c
    book.outdoor_c_sum += outdoor_c
    if room_c < band.room_min_c:
        book.too_cold_kh += (band.room_min_c - room_c) / 60.0
    elif room_c > band.room_max_c:
        book.too_warm_kh += (room_c - band.room_max_c) / 60.0
    if twin_c < band.room_min_c:
        book.twin_too_cold_kh += (band.room_min_c - twin_c) / 60.0
    elif twin_c > band.room_max_c:
        book.twin_too_warm_kh += (twin_c - band.room_max_c) / 60.0
