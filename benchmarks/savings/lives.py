"""Homes of the simulator through some weeks, in every life that a draw can ask of them.

A home lives steered throughout and neutral throughout; and from the start of every block of days it lives on for three
days in the arm it did not come from. A draw then takes each home-day from the life with its own arm and the arm before
it: exact for what a house remembers of the last block, and for nothing longer.

Protects: the physics is the simulator's, minute by minute; the plans are the planner's, made from enrolment sheets,
forecasts and what room sensors show.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backtest.profiles import profile_of
from benchmarks.shifting import CELL, DAY_SLOTS, TZ, generated_prices
from domain.clock import SteeringClock
from domain.homes.comfort import ComfortBand
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit, HotWaterMode, Mode
from domain.planning.fleet_plan import PlanningRequest, PumpForPlanning, price_plan
from domain.planning.price_plan import PricePlan, jitter
from domain.planning.series import HomePrices, WeatherSeries
from domain.savings.experiment import Arm
from domain.savings.home_day import kelvin_hours
from domain.slots import SLOT, market_day_bounds
from optimizer.expected_energy import expected_kwh
from optimizer.planner import plan_fleet
from simulator.app import build_fleet
from simulator.config import SimulatorConfig
from simulator.homes.fleet import SimulatedFleet
from simulator.homes.history import MINUTE_KWH
from simulator.physics.house import HouseState, step_house

LEAD_DAYS = 2
"""Lived in both arms before the first counted block, so that no life begins with the other's warmth."""
REMEMBERS_DAYS = 3
MINUTES_PER_SLOT = 15

type Array = npt.NDArray[np.float64]
type LifeKey = tuple[Arm, Arm | None, int]
"""The arm, the arm of the block before (None for a life that never changed), and the day."""


@dataclass(frozen=True)
class LivedDay:
    """What one home-day of one life came to."""

    kwh: float
    cost_eur: float
    flat_cost_eur: float
    """At the day's mean price."""
    room_c: float
    kelvin_hours: float


@dataclass
class PoolHome:
    """A home with all its lives."""

    profile: PumpProfile
    band: ComfortBand
    days: dict[LifeKey, LivedDay] = field(default_factory=dict)
    expected_kwh: list[float] = field(default_factory=list)
    """By day, in neutral, as the planner's model has it."""
    expected_eur: list[float] = field(default_factory=list)

    def lived(self, arm: Arm, before: Arm, day: int, into_block: int) -> LivedDay:
        """The day of a home whose block before was in an arm."""
        if before is not arm and into_block < REMEMBERS_DAYS:
            return self.days[arm, before, day]
        return self.days[arm, None, day]


@dataclass(frozen=True)
class Pool:
    """Homes of one neighbourhood under the same weather and prices."""

    first_day: date
    homes: list[PoolHome]
    outdoor_c: list[float]
    flat_price_moves: int
    """Homes whose levers a plan at a flat price would move on the first day."""


@dataclass
class _Life:
    home: int
    arm: Arm
    before: Arm | None
    state: HouseState


def live(seed: int, first_day: date, days: int, block_days: int, homes: int) -> Pool:
    """Simulate a pool of homes over whole blocks of days (local days without a change of the clocks)."""
    begin = first_day - timedelta(days=LEAD_DAYS)
    start = market_day_bounds(begin, TZ)[0]
    with tempfile.TemporaryDirectory() as scratch:
        fleet = build_fleet(
            SimulatorConfig(
                clock=SteeringClock(epoch=start, start_wall=start),
                seed=seed,
                pumps=homes,
                day=begin,
                truth_file=Path(scratch) / "truth.jsonl",
                ready_file=Path(scratch) / "ready.json",
            )
        )
        world = _World(fleet, first_day, block_days)
        for n in range(-LEAD_DAYS, days):
            world.live_day(n)
        moved = _moved_at_a_flat_price(fleet, world, market_day_bounds(first_day, TZ)[0])
        fleet.close()
    return Pool(first_day, world.homes, world.outdoor_c, moved)


class _World:
    """The lives of a pool as they go on, a day at a time."""

    def __init__(self, fleet: SimulatedFleet, first_day: date, block_days: int) -> None:
        self._fleet, self._first_day, self._block_days = fleet, first_day, block_days
        self.homes = [PoolHome(profile_of(fleet, home), home.unit.spec.household.band) for home in fleet.homes]
        self.outdoor_c: list[float] = []
        self._lasting = [_Life(n, arm, None, home.steered.copy()) for n, home in enumerate(fleet.homes) for arm in Arm]
        self._passing: list[_Life] = []

    def live_day(self, n: int) -> None:
        """Day n from the first block's start on; negative before it."""
        start = market_day_bounds(self._first_day + timedelta(days=n), TZ)[0]
        prices = generated_prices(self._fleet, self._first_day + timedelta(days=n), None)
        into_block = n % self._block_days
        if n >= 0 and into_block == 0:
            other = {Arm.STEERED: Arm.NEUTRAL, Arm.NEUTRAL: Arm.STEERED}
            self._passing = [_Life(one.home, other[one.arm], one.arm, one.state.copy()) for one in self._lasting]
        elif into_block >= REMEMBERS_DAYS:
            self._passing = []
        rooms = [one.state.rooms.air_c for one in self._lasting if one.arm is Arm.STEERED]
        home_prices = HomePrices(
            tariff="spot", source="generator", start=start, price_eur_per_mwh=prices.price_eur_per_mwh
        )
        request = request_for(self._fleet, [home.profile for home in self.homes], home_prices, start, rooms)
        plans = {p.pump_id: price_plan(1, request, p, start + DAY_SLOTS * SLOT) for p in plan_fleet(request).pumps}
        lives = self._lasting + self._passing
        kwh, room_c = self._minutes(start, lives, plans)
        if n < 0:
            return
        price, slots = np.array(prices.price_eur_per_mwh), [start + n * SLOT for n in range(DAY_SLOTS)]
        for life, used, warm in zip(lives, kwh, room_c, strict=True):
            home = self.homes[life.home]
            home.days[life.arm, life.before, n] = LivedDay(
                kwh=float(used.sum()),
                cost_eur=float(used @ price) / 1000,
                flat_cost_eur=float(used.sum() * price.mean()) / 1000,
                room_c=float(warm.mean()),
                kelvin_hours=kelvin_hours(zip(slots, warm.tolist(), strict=True), home.band),
            )
        outdoor = request.weather.cut(start, DAY_SLOTS).outdoor_c
        for home in self.homes:
            expected = np.array(expected_kwh(home.profile, outdoor, [Mode.LOW] * DAY_SLOTS, None))
            home.expected_kwh.append(float(expected.sum()))
            home.expected_eur.append(float(expected @ price) / 1000)
        self.outdoor_c.append(sum(outdoor) / len(outdoor))

    def _minutes(self, start: datetime, lives: Sequence[_Life], plans: Mapping[str, PricePlan]) -> tuple[Array, Array]:
        """Energy and mean room of every life by slot: (lives, slots)."""
        fleet = self._fleet
        kwh, room_c = np.zeros((len(lives), DAY_SLOTS)), np.zeros((len(lives), DAY_SLOTS))
        specs = [home.unit.spec for home in fleet.homes]
        own = [home.unit.in_force()[2:4] for home in fleet.homes]
        for slot in range(DAY_SLOTS):
            for minute in range(MINUTES_PER_SLOT):
                moment = start + slot * SLOT + timedelta(minutes=minute)
                fleet.outside.refresh(moment.timestamp())
                if minute < 6:  # by then every jittered edge is over
                    asked = [
                        _settings(home, plans[home.profile.enrolment.pump_id], moment, own[n])
                        for n, home in enumerate(self.homes)
                    ]
                for row, life in enumerate(lives):
                    n = life.home
                    setting, comfort = asked[n] if life.arm is Arm.STEERED else own[n]
                    step_house(specs[n], life.state, fleet.outside.days[n].around, setting, comfort)
                    kwh[row, slot] += life.state.power_w * MINUTE_KWH
                    room_c[row, slot] += life.state.rooms.air_c / MINUTES_PER_SLOT
        return kwh, room_c


def _settings(home: PoolHome, plan: PricePlan, moment: datetime, own: tuple[float, float]) -> tuple[float, float]:
    """Heating setting and comfort step that a plan asks for, on the pump's own jittered edges."""
    planned_at = moment - jitter(home.profile.enrolment.pump_id)
    heating, water = home.profile.lever(Circuit.HEATING), home.profile.lever(Circuit.HOT_WATER)
    return (
        own[0] if heating is None else heating.setting_for(plan.level_at(Circuit.HEATING, planned_at)),
        own[1] if water is None else water.setting_for(plan.level_at(Circuit.HOT_WATER, planned_at)),
    )


def request_for(
    fleet: SimulatedFleet,
    profiles: Sequence[PumpProfile],
    prices: HomePrices,
    start: datetime,
    rooms: Sequence[float],
) -> PlanningRequest:
    """The request for a day from these rooms, with the forecast that the simulator's feed would give."""
    seconds = [start.timestamp() + 900.0 * i for i in range(-DAY_SLOTS, DAY_SLOTS)]
    return PlanningRequest(
        first_slot=start,
        slots=DAY_SLOTS,
        prices=prices,
        weather=WeatherSeries(
            cell=CELL,
            source="forecast",
            start=start - DAY_SLOTS * SLOT,
            outdoor_c=tuple(fleet.weather.forecast_temperature_c(s + 450) for s in seconds),
            radiation_w_per_m2=tuple(fleet.weather.forecast_radiation_mean_w_m2(s, s + 900) for s in seconds),
        ),
        pumps=tuple(
            PumpForPlanning(profile=profile, room_c=round(room_c, 1) if profile.has_room_sensor else None)
            for profile, room_c in zip(profiles, rooms, strict=True)
        ),
    )


def _moved_at_a_flat_price(fleet: SimulatedFleet, world: _World, start: datetime) -> int:
    flat = HomePrices(tariff="flat", source="flat", start=start, price_eur_per_mwh=(100.0,) * DAY_SLOTS)
    rooms = [home.steered.rooms.air_c for home in fleet.homes]
    request = request_for(fleet, [home.profile for home in world.homes], flat, start, rooms)
    planned = plan_fleet(request).pumps
    neutral = (Mode.LOW, HotWaterMode.NORMAL)
    return sum(any(level not in neutral for level in (*pump.modes, *pump.hot_water)) for pump in planned)
