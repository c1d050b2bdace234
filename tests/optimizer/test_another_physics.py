"""Do plans keep comfort in a house that obeys other laws than the planner's?

A crude two-mass house with a water circuit of its own, stepped by the minute, whose losses, storage, emitters and
answer to a step of the lever are drawn around the class priors. It shares nothing with the planner but those priors.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from domain.homes.site import Emitter
from domain.modes import NEUTRAL, Mode
from domain.planning.fleet_plan import PumpForPlanning
from oem_adapters.nibe.manifest import HEATING_OFFSET, ROOM_SETPOINT
from optimizer.house import House, house_of
from optimizer.planner import horizon_of, plan_fleet
from tests.optimizer.builders import a_fleet, a_request, two_peaks

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.float64]
WATER_K_PER_UNIT = {HEATING_OFFSET.name: 2.0, ROOM_SETPOINT.name: 3.5}
ROOM_INFLUENCE = {HEATING_OFFSET.name: 0.0, ROOM_SETPOINT.name: 1.5}


class TwoMassHouse:
    """Air and walls, fed by a water circuit that a pump keeps at its wished temperature."""

    def __init__(self, pump: PumpForPlanning, prior: House, draw: np.random.Generator) -> None:
        def around(value: float, share: float) -> float:
            return value * float(draw.uniform(1 - share, 1 + share))

        enrolment = pump.profile.enrolment
        area = enrolment.heated_area_m2
        self.loss = around(prior.loss_kw_per_k, 0.25)
        self.emitter = around(prior.emitter_kw_per_k, 0.2)
        self.air, self.wall = 0.012 * area, 1.3 * around(prior.capacity_kwh_per_k, 0.3)
        self.water = 0.028 * area if enrolment.emitter is Emitter.FLOOR else max(0.004 * area, 0.3)
        self.to_wall, self.area, self.rated = 0.02 * area, area, 1.1 * enrolment.rated_heat_kw
        self.lever = pump.profile.heating
        self.per_unit = around(WATER_K_PER_UNIT[self.lever.name], 0.25)
        self.held = prior.room_held_c
        self.state = (self.held, self.held, self.held + 8.0)

    def rooms(self, modes: Sequence[Mode], outdoor_c: Array, sun_w_per_m2: Array) -> Array:
        """Air temperature at the end of each slot; the house stays where that leaves it."""
        air, wall, water = self.state
        gains = 0.0025 * self.area
        ends = []
        for mode, outdoor, sun in zip(modes, outdoor_c, sun_w_per_m2, strict=True):
            neutral = self.held + (self.loss * (self.held - outdoor) - gains) / self.emitter
            shift = self.per_unit * self.lever.spec.deltas.get(mode, 0.0)
            solar = 0.015 * self.area * sun / 1000
            for _ in range(15):
                target = neutral + shift - ROOM_INFLUENCE[self.lever.name] * (air - self.held)
                heat = float(np.clip(4 * self.emitter * (target - water), 0.0, self.rated))
                given = self.emitter * (water - air)
                leak = self.loss / 2
                water += (heat - given) / self.water / 60
                through = self.to_wall * (wall - air)
                air_flow = 0.8 * given - leak * (air - outdoor) + through + gains + solar
                wall_flow = 0.2 * given - leak * (wall - outdoor) - through + solar
                air, wall = air + air_flow / self.air / 60, wall + wall_flow / self.wall / 60
            ends.append(air)
        self.state = (air, wall, water)
        return np.array(ends)


def kelvin_hours(room_c: Array, low_c: float, high_c: float) -> float:
    return float((np.maximum(low_c - room_c, 0) + np.maximum(room_c - high_c, 0)).sum()) / 4


def extra_kelvin_hours(spread: float, outdoor_c: float, seed: int) -> tuple[float, float]:
    """Mean kelvin-hours per pump-day beyond the unsteered twin's, and the mean of the room's rise over it."""
    draw, prices = np.random.default_rng(seed), two_peaks(spread=spread, seed=seed)
    enrolled = a_fleet(16, seed)
    horizon = horizon_of(a_request(enrolled, prices, outdoor_c=outdoor_c))
    weather = horizon.outdoor_c, horizon.sun_w_per_m2
    houses = [TwoMassHouse(pump, house_of(pump), draw) for pump in enrolled]
    # a day under neutral, at whose end the planner reads the room
    read = [float(house.rooms([NEUTRAL] * 96, *weather)[-1]) for house in houses]
    pumps = [pump.model_copy(update={"room_c": room}) for pump, room in zip(enrolled, read, strict=True)]
    plan = plan_fleet(a_request(pumps, prices, outdoor_c=outdoor_c))
    extra, rise = [], []
    for pump, house, planned in zip(pumps, houses, plan.pumps, strict=True):
        band, morning = pump.profile.enrolment.band, house.state
        steered = house.rooms(planned.modes, *weather)
        house.state = morning
        unsteered = house.rooms([NEUTRAL] * 96, *weather)
        extra.append(
            kelvin_hours(steered, band.room_min_c, band.room_max_c)
            - kelvin_hours(unsteered, band.room_min_c, band.room_max_c)
        )
        rise.append(float((steered - unsteered).mean()))
    return float(np.mean(extra)), float(np.mean(rise))


def test_plans_keep_comfort_in_houses_that_obey_another_physics() -> None:
    for spread, outdoor_c, seed in ((120.0, 0.0, 1), (250.0, 3.0, 2)):
        extra, rise = extra_kelvin_hours(spread, outdoor_c, seed)
        assert extra <= 0.1
        assert abs(rise) < 0.6
