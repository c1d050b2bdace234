"""The simulated fleet: all houses and their twins, advanced minute by minute along the steering clock.

Protects: physics never runs ahead of the clock, every minute is computed once, and a restart goes on where it
stopped.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator.config import ConfigError, SimulatorConfig
from simulator.faults.switchboard import Switchboard
from simulator.homes.commissioning import draw_house, settled_house
from simulator.homes.conditions import BROUGHT_BY, ActiveCondition, Condition, ConditionCause
from simulator.homes.history import MINUTE_KWH, SLOT_S, History, add_minute
from simulator.homes.make import Make
from simulator.homes.people import HOUR_S, People
from simulator.homes.state_file import read_state, write_state
from simulator.homes.unit import Unit
from simulator.levers import Lever
from simulator.physics.house import STEP_S, HouseState, house_stored_kwh, step_house
from simulator.physics.surroundings import Outside
from simulator.physics.weather import DAY_S, Weather, read_weather_file
from simulator.truth import StateCause, TruthLog

LATITUDE, LONGITUDE = 50.0, 10.0
WARM_UP_S = 2 * DAY_S
LONGEST_CATCH_UP_S = 7 * DAY_S


@dataclass
class Home:
    """A unit, its house steered, and its house unsteered."""

    unit: Unit
    steered: HouseState
    twin: HouseState
    history: History


class SimulatedFleet:
    """Houses along the clock, their vendors in turn. Times within are Unix seconds of steered time."""

    def __init__(
        self, config: SimulatorConfig, makes: Sequence[Make], wall: Callable[[], datetime] | None = None
    ) -> None:
        self.config = config
        self._makes = {make.oem: make for make in makes}
        self._wall = wall or (lambda: datetime.now(UTC))
        self.epoch_s = config.clock.epoch.timestamp()
        try:
            file = read_weather_file(config.weather_file) if config.weather_file else None
        except ValueError as broken:
            raise ConfigError(str(broken)) from broken
        self.weather = Weather(config.seed, LATITUDE, LONGITUDE, file)
        self.minute_s = self.epoch_s // STEP_S * STEP_S
        """Start of the next minute to compute."""
        kept = read_state(config)
        self.homes = [self._build_home(index, makes[index % len(makes)]) for index in range(config.pumps)]
        self.by_pump = {home.unit.pump_id: home for home in self.homes}
        self.outside = Outside(config.seed, self.weather, config.local_time, [home.unit.spec for home in self.homes])
        self.truth = TruthLog(config.truth_file, resumed=kept is not None)
        self.switchboard = Switchboard(config.seed, self.epoch_s, config.faults, config.outages, self.truth)
        self.people = People(config.seed, self.epoch_s, self.switchboard.dice)
        if kept is None:
            self._warm_up()
        else:
            self._restore(kept)

    def homes_of(self, oem: str) -> list[Home]:
        """The homes with a unit of one vendor."""
        return [home for home in self.homes if home.unit.oem == oem]

    def account_of(self, home: Home) -> str:
        """The vendor account that a home is reached through."""
        make = self._makes[home.unit.oem]
        size = self.config.units_per_account or make.units_per_account
        if size is None:
            return make.account_id
        return f"{make.account_id}-{home.unit.spec.index // len(self._makes) // size + 1:04d}"

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
            self._step_minute(self.minute_s)
            self.minute_s += STEP_S
        for home in self.homes:
            self._settle(home, now_s)
        self.switchboard.outages.record_until(now_s)

    def _step_minute(self, start_s: float) -> None:
        self.outside.refresh(start_s)
        slot = int(start_s // SLOT_S)
        is_last = int((start_s + STEP_S) // SLOT_S) != slot
        if start_s % HOUR_S == 0:
            for home in self.homes:
                self.people.draw_hour(home.unit, start_s)
        for home, day in zip(self.homes, self.outside.days, strict=True):
            unit, spec = home.unit, home.unit.spec
            setting, comfort, usual, usual_comfort, allowed = unit.in_force()
            allowed = allowed and not self.switchboard.dice.afflicts("no-heat", unit.identity.device_id, start_s)
            self._settle(home, start_s + STEP_S)
            step_house(spec, home.steered, day.around, setting, comfort, allowed)
            step_house(spec, home.twin, day.around, usual, usual_comfort, allowed)
            totals = home.history.open(slot)
            unit.total_kwh += home.steered.power_w * MINUTE_KWH
            add_minute(totals, spec.household.band, home.steered, home.twin, day.around.outdoor_c)
            if is_last:
                totals.stored_kwh = self.stored_kwh(home)

    def _settle(self, home: Home, until_s: float) -> None:
        """Perform everything due at a unit up to a moment, in order of time."""
        unit = home.unit
        while True:
            moment_s = min(unit.next_event_s, until_s)
            self._settle_unit(home, moment_s)
            # What was just applied may have brought the next event forward, or back.
            if unit.next_event_s <= moment_s:
                self._perform_next(home, unit.next_event_s)
            elif moment_s == until_s:
                return

    def _settle_unit(self, home: Home, until_s: float) -> None:
        unit = home.unit
        if unit.next_publish_s > until_s and not unit.pending:
            return
        silent = unit.condition is Condition.UPDATING or self.switchboard.dice.offline(
            unit.identity.device_id, min(unit.next_publish_s, until_s)
        )
        outdoor_c = self.outside.outdoor_c + unit.spec.local_outdoor_k
        unit.settle(until_s, home.steered, outdoor_c, silent, self.record)

    def _perform_next(self, home: Home, now_s: float) -> None:
        unit = home.unit
        if unit.active is not None and unit.active.until_s <= now_s:
            self._end_condition(unit, now_s, "time")
        elif not unit.end_temporary(now_s, self.record):
            self.people.act(unit, unit.scheduled.pop(0), self.record)
        unit.refresh_next_event()

    def set_condition(self, home: Home, condition: Condition, now_s: float, until_s: float = math.inf) -> None:
        """Bring a condition about at a unit, in place of any other; NORMAL ends what there is."""
        unit = home.unit
        if unit.active is not None:
            self._end_condition(unit, now_s, "asked")
        if condition is not Condition.NORMAL:
            unit.active = ActiveCondition(condition, until_s)
            self.truth.condition(now_s, unit.pump_id, condition.value, BROUGHT_BY[condition], begins=True)
        if condition is Condition.UPDATING:
            unit.pending = []  # it restarts: what was on its way is lost
        unit.refresh_next_event()

    def _end_condition(self, unit: Unit, now_s: float, cause: ConditionCause) -> None:
        assert unit.active is not None
        self.truth.condition(now_s, unit.pump_id, unit.active.condition.value, cause, begins=False)
        unit.active = None

    def record(self, at_s: float, unit: Unit, lever: Lever, cause: StateCause, detail: str | None = None) -> None:
        """Record a true change of a lever; people may notice those made from afar."""
        self.truth.state(at_s, unit.pump_id, lever, unit.levers[lever].setting, cause, detail)
        if cause in ("write", "late-write"):
            self.people.overwritten(unit, lever, at_s)

    def stored_kwh(self, home: Home) -> float:
        """Heat held by a house in excess of its twin's."""
        spec = home.unit.spec
        return house_stored_kwh(spec, home.steered) - house_stored_kwh(spec, home.twin)

    def _build_home(self, index: int, make: Make) -> Home:
        seed = self.config.seed
        spec = draw_house(seed, index, make.equipment)
        unit = Unit(spec, make.oem, make.fit(seed, spec), seed, f"p-{index + 1:04d}", self.minute_s)
        start_s = self.minute_s - WARM_UP_S
        mean_c = sum(self.weather.truth(start_s - hour * 3600.0)[0] for hour in range(24)) / 24.0
        state = settled_house(seed, spec, mean_c)
        return Home(unit, state, state.copy(), History())

    def _warm_up(self) -> None:
        """Live two days under the units' own control, once per house: the twin is a copy of the result."""
        moment_s = self.minute_s - WARM_UP_S
        while moment_s < self.minute_s:
            self.outside.refresh(moment_s)
            for home, day in zip(self.homes, self.outside.days, strict=True):
                setting, comfort, *_ = home.unit.in_force()
                step_house(home.unit.spec, home.steered, day.around, setting, comfort)
            moment_s += STEP_S
        for home in self.homes:
            home.twin = home.steered.copy()
            self._settle(home, self.epoch_s)
            for lever in reversed(home.unit.levers):  # the heating lever last
                self.record(self.epoch_s, home.unit, lever, "initial")

    def _restore(self, kept: dict[str, Any]) -> None:
        self.minute_s = kept["minute_s"]
        self.switchboard.restore(kept["switchboard"])
        for home, state in zip(self.homes, kept["homes"], strict=True):
            home.unit.restore(state["unit"])
            home.steered = HouseState.from_json(state["steered"])
            home.twin = HouseState.from_json(state["twin"])
            home.history = History.from_json(state["history"])

    def save(self) -> None:
        """Keep the physical state, where the configuration names a file for it."""
        homes = [
            {
                "unit": home.unit.to_json(),
                "steered": home.steered.to_json(),
                "twin": home.twin.to_json(),
                "history": home.history.to_json(),
            }
            for home in self.homes
        ]
        state = {"minute_s": self.minute_s, "switchboard": self.switchboard.to_json(), "homes": homes}
        write_state(self.config, state)

    def close(self) -> None:
        """Keep the state and close the truth log."""
        self.save()
        self.truth.close()
