"""The world of one simulator: all houses and their twins, advanced minute by minute along the steering clock.

Protects: physics never runs ahead of the clock, every minute is computed once, and a restart goes on where it
stopped.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.oem.cloud import Condition
from simulator.building import settled
from simulator.calls import CallBook
from simulator.commissioning import draw_house
from simulator.conditions import BROUGHT_BY, ConditionCause, Standing
from simulator.config import ConfigError, SimulatorConfig
from simulator.controller import ControlState
from simulator.faults import Dice
from simulator.history import MINUTE_KWH, SLOT_S, History, book_minute
from simulator.hot_water import CHARGE_C, HYGIENE_EVERY_S, TankState
from simulator.house import STEP_S, HouseState, house_stored_kwh, step_house
from simulator.levers import Lever
from simulator.outages import Outages
from simulator.people import HOUR_S, Hands
from simulator.seeded import share
from simulator.surroundings import Outside
from simulator.truth import StateCause, TruthLog
from simulator.unit import Unit
from simulator.weather import DAY_S, Weather, read_weather_file

LATITUDE, LONGITUDE = 50.0, 10.0
WARM_UP_S = 2 * DAY_S
LONGEST_CATCH_UP_S = 7 * DAY_S
STATE_VERSION = 2
"""Of the state file; one more with every change of what is kept."""


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
        self.hands = Hands(config.seed, self.epoch_s, self.dice)
        self.calls = CallBook()
        kept = self._read_kept()
        for spec in specs:
            unit = Unit(spec, config.seed, f"p-{spec.index + 1:04d}", self.minute_s)
            self.homes.append(Home(unit, *self._settled_pair(spec.index, unit), History()))
        self.by_device = {home.unit.device_id: home for home in self.homes}
        self.by_pump = {home.unit.pump_id: home for home in self.homes}
        self.truth = TruthLog(config.truth_file, resumed=kept is not None)
        self.outages = Outages(config.seed, config.outages, self.truth)
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
        self.outages.tell(now_s)

    def _minute(self, start_s: float) -> None:
        self.outside.refresh(start_s)
        slot = int(start_s // SLOT_S)
        is_last = int((start_s + STEP_S) // SLOT_S) != slot
        if start_s % HOUR_S == 0:
            for home in self.homes:
                self.hands.draw_hour(home.unit, start_s)
        for home, day in zip(self.homes, self.outside.days, strict=True):
            unit, spec = home.unit, home.unit.spec
            setting, comfort, usual, usual_comfort, allowed = unit.acting()
            self._settle(home, start_s + STEP_S)
            step_house(spec, home.steered, day.around, setting, comfort, allowed)
            step_house(spec, home.twin, day.around, usual, usual_comfort, allowed)
            book = home.history.open(slot)
            unit.total_kwh += home.steered.power_w * MINUTE_KWH
            book_minute(book, spec.household.band, home.steered, home.twin, day.around.outdoor_c)
            if is_last:
                book.stored_kwh = self.stored_kwh(home)

    def _settle(self, home: Home, until_s: float) -> None:
        unit = home.unit
        while unit.next_due_s <= until_s:
            self._settle_wishes(home, unit.next_due_s)
            self._do_due(home, unit.next_due_s)
        self._settle_wishes(home, until_s)

    def _settle_wishes(self, home: Home, until_s: float) -> None:
        unit = home.unit
        if unit.next_publish_s > until_s and not unit.wishes:
            return
        silent = unit.condition is Condition.UPDATING or self.dice.offline(
            unit.device_id, min(unit.next_publish_s, until_s)
        )
        outdoor_c = self.outside.outdoor_c + unit.spec.local_outdoor_k
        unit.settle(until_s, home.steered, outdoor_c, silent, self.tell)

    def _do_due(self, home: Home, now_s: float) -> None:
        unit = home.unit
        if unit.standing is not None and unit.standing.until_s <= now_s:
            self._end_condition(unit, now_s, "time")
        else:
            due = unit.dues.pop(0)
            self.hands.act(unit, due, self.tell)
        unit.refresh_due()

    def set_condition(self, home: Home, condition: Condition, now_s: float, until_s: float = math.inf) -> None:
        """Bring a condition about at a unit, in place of any other; NORMAL ends what there is."""
        unit = home.unit
        if unit.standing is not None:
            self._end_condition(unit, now_s, "asked")
        if condition is not Condition.NORMAL:
            unit.standing = Standing(condition, until_s)
            self.truth.condition(now_s, unit.pump_id, condition.value, BROUGHT_BY[condition], begins=True)
        if condition is Condition.UPDATING:
            unit.wishes = []  # it restarts: what was on its way is lost
        unit.refresh_due()

    def _end_condition(self, unit: Unit, now_s: float, cause: ConditionCause) -> None:
        assert unit.standing is not None
        self.truth.condition(now_s, unit.pump_id, unit.standing.condition.value, cause, begins=False)
        unit.standing = None

    def tell(self, at_s: float, unit: Unit, lever: Lever, cause: StateCause, detail: str | None = None) -> None:
        """Write down a true change of a lever; people may notice those from afar."""
        self.truth.state(at_s, unit.pump_id, lever, unit.knobs[lever].setting, cause, detail)
        if cause in ("write", "late-write"):
            self.hands.overwritten(unit, lever, at_s)

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
        start_c, stop_c = CHARGE_C[spec.household.hot_water_setting]
        tank = TankState((start_c + stop_c) / 2.0)
        tank.since_hygiene_s = HYGIENE_EVERY_S * share(self.config.seed, "hygiene", index)
        state = HouseState(rooms, control, tank=tank)
        return state, state.copy()

    def _begin(self) -> None:
        """Live two days under the units' own control, once per house: the twin is a copy of the result."""
        moment_s = self.minute_s - WARM_UP_S
        while moment_s < self.minute_s:
            self.outside.refresh(moment_s)
            for home, day in zip(self.homes, self.outside.days, strict=True):
                setting, comfort, *_ = home.unit.acting()
                step_house(home.unit.spec, home.steered, day.around, setting, comfort)
            moment_s += STEP_S
        for home in self.homes:
            home.twin = home.steered.copy()
            self._settle(home, self.epoch_s)
            for lever in reversed(home.unit.knobs):  # the heating lever last
                self.tell(self.epoch_s, home.unit, lever, "initial")

    def _read_kept(self) -> dict[str, Any] | None:
        path = self.config.state_file
        if path is None or not path.exists():
            return None
        try:
            kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as broken:
            raise ConfigError(f"the state file {path} cannot be read: {broken}") from broken
        if kept.get("version") != STATE_VERSION:
            raise ConfigError(
                f"the state file {path} is of version {kept.get('version', 1)}, this simulator keeps version"
                f" {STATE_VERSION}: remove it to begin anew"
            )
        if (kept.get("seed"), kept.get("pumps")) != (self.config.seed, self.config.pumps):
            raise ConfigError(f"the state file {path} is of another world: remove it, or keep seed and pumps")
        return kept

    def _restore(self, kept: dict[str, Any]) -> None:
        self.minute_s = kept["minute_s"]
        self.calls.restore(kept["calls"])
        self.outages.restore(kept["outages"])
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
        kept = {
            "version": STATE_VERSION,
            "seed": self.config.seed,
            "pumps": self.config.pumps,
            "minute_s": self.minute_s,
            "calls": self.calls.to_json(),
            "outages": self.outages.to_json(),
            "homes": homes,
        }
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
