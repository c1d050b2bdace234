"""Builders for the simulator's tests: configurations, a hand-turned clock, single houses."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from domain.clock import SteeringClock
from simulator.config import SimulatorConfig
from simulator.homes.commissioning import draw_house
from simulator.physics.building import Surroundings, settled
from simulator.physics.controller import ControlState
from simulator.physics.house import HouseSpec, HouseState, step_house

EPOCH = datetime(2026, 1, 14, 23, 0, tzinfo=UTC)
DAY = date(2026, 1, 15)


class ManualClock:
    """Wall time that moves when told to; at speed 1 it is steered time as well."""

    def __init__(self, now: datetime = EPOCH) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


def a_config(folder: Path, **changes: Any) -> SimulatorConfig:
    usual: dict[str, Any] = {
        "clock": SteeringClock(epoch=EPOCH, start_wall=EPOCH, speed=1.0),
        "seed": 7,
        "pumps": 3,
        "day": DAY,
        "truth_file": folder / "truth.jsonl",
        "ready_file": folder / "ready.json",
    }
    return SimulatorConfig.model_validate(usual | changes)


def a_house(seed: int = 3, *, s_series: bool = False, floor: bool | None = None, skip: int = 0) -> HouseSpec:
    """The first house of its kind in a seeded fleet."""
    for index in range(200):
        spec = draw_house(seed, index)
        if spec.by_setpoint == s_series and floor in (None, spec.emitters.is_floor):
            if skip == 0:
                return spec
            skip -= 1
    raise AssertionError("no such house")


def steady(spec: HouseSpec, outdoor_c: float, radiation_w_m2: float = 35.0) -> Surroundings:
    """Unchanging surroundings with the people whom the installer had in mind."""
    people = spec.household
    return Surroundings(
        outdoor_c + spec.local_outdoor_k,
        radiation_w_m2,
        people.people_base_w + people.people_per_m2_w * spec.building.area_m2,
    )


def at_rest(spec: HouseSpec, outdoor_c: float) -> HouseState:
    people = spec.household
    people_w = people.people_base_w + people.people_per_m2_w * spec.building.area_m2
    sun_w = 35.0 * spec.building.aperture_m2
    _, rooms = settled(spec.building, spec.emitters, people.preferred_c, outdoor_c, sun_w, people_w)
    return HouseState(rooms, ControlState(outdoor_c, supply_c=rooms.water_c))


def live(spec: HouseSpec, state: HouseState, outdoor_c: float, setting: float, hours: float) -> float:
    """Run a house in steady weather; returns the mean electrical power in W."""
    around = steady(spec, outdoor_c)
    total_w = 0.0
    minutes = int(hours * 60)
    for _ in range(minutes):
        step_house(spec, state, around, setting)
        total_w += state.power_w
    return total_w / minutes


def system_of(sheet: Mapping[str, Any]) -> str:
    """The system of an enrolment sheet's unit."""
    return str(sheet["vendor_ref"]).partition("/")[0]


def device_of(sheet: Mapping[str, Any]) -> str:
    """The device of an enrolment sheet's unit."""
    return str(sheet["vendor_ref"]).partition("/")[2]
