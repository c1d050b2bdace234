"""A house with its heating, and its twin that nobody steers, on identical weather, sun and people.

Protects: house and twin run the same arithmetic on the same surroundings, so that they agree to the last bit
until a lever is written.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from domain.homes.comfort import ComfortBand
from domain.homes.enrolment import BuildingClass
from domain.homes.site import Emitter
from simulator.physics.building import Building, Emitters, Surroundings, Temperatures, step_network, stored_kwh
from simulator.physics.controller import SUMMER_OUTDOOR_C, Control, ControlState, step_control
from simulator.physics.heat_pump import DEFROST_POWER, HeatPump, cop
from simulator.physics.hot_water import (
    HYGIENE_HEATER_W,
    NORMAL,
    Tank,
    TankState,
    step_tank,
    tank_stored_kwh,
    wants_charge,
)

STEP_S = 60.0
_STEP_H = STEP_S / 3600.0


@dataclass(frozen=True)
class Household:
    """The people: what they prefer, set and do."""

    preferred_c: float
    band: ComfortBand
    setting: float
    """The lever's setting at the start."""
    people_base_w: float
    people_per_m2_w: float
    early_h: float
    """How much earlier than others they get up."""
    hot_water_setting: float = NORMAL
    """Comfort step of the hot water at the start."""
    drawn_l_day: float = 120.0
    """Water at 40 C that they draw on a mean day."""


@dataclass(frozen=True)
class HouseSpec:
    """A house as built, equipped and commissioned."""

    index: int
    building_class: BuildingClass
    emitter: Emitter
    has_room_sensor: bool
    building: Building
    emitters: Emitters
    pump: HeatPump
    tank: Tank
    control: Control
    household: Household
    local_outdoor_k: float
    """How much warmer than the cell's weather it is here."""
    outdoor_sensor_k: float
    """How wrong the unit's outdoor sensor is."""
    room_sensor_k: float

    @property
    def by_setpoint(self) -> bool:
        """Controlled by a room setpoint with room feedback; else by what its supply is to be."""
        return self.control.by_setpoint

    @property
    def keeps_supply(self) -> bool:
        """Controlled by a fixed supply temperature and stopped by a room thermostat; else along a heating curve."""
        return self.control.thermostat_c is not None


@dataclass(slots=True)
class HouseState:
    """One house in one of its two lives: steered, or as its own twin."""

    rooms: Temperatures
    control: ControlState
    power_w: float = 0.0
    heat_w: float = 0.0
    """Heat given to the heating water, immersion heater included; negative in a defrost."""
    compressor_w: float = 0.0
    backup_w: float = 0.0
    """Electricity of the immersion heater, for rooms or tank."""
    tank: TankState = field(default_factory=TankState)
    tank_heat_w: float = 0.0
    """Heat given to the tank, immersion heater included."""
    tank_w: float = 0.0
    """Electricity spent on the tank."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "HouseState":
        rest = {name: value for name, value in kept.items() if name not in ("rooms", "control", "tank")}
        parts = Temperatures(**kept["rooms"]), ControlState(**kept["control"])
        return cls(*parts, tank=TankState(**kept["tank"]), **rest)

    def copy(self) -> "HouseState":
        return HouseState.from_json(self.to_json())


def step_house(
    spec: HouseSpec,
    state: HouseState,
    around: Surroundings,
    setting: float,
    comfort: float = NORMAL,
    heating_allowed: bool = True,
) -> None:
    """Advance one life of a house by one minute, under a heating setting and a comfort step of the hot water."""
    rooms, pump, control, tank = state.rooms, spec.pump, state.control, state.tank
    made_w, backup_w = step_control(
        spec.control,
        control,
        pump,
        rooms,
        setting,
        around.outdoor_c + spec.outdoor_sensor_k,
        rooms.air_c + spec.room_sensor_k + around.sensor_noise_k,
        STEP_S,
        spec.tank.charge_w if wants_charge(tank, comfort, STEP_S) else 0.0,
        heating_allowed,
    )
    heat_w, tank_heat_w, compressor_w, tank_w = made_w, 0.0, 0.0, 0.0
    if made_w > 0.0:
        supply_c = control.supply_c
        if control.on_water:
            heat_w, tank_heat_w = 0.0, made_w
            supply_c = tank.water_c + made_w / spec.tank.coil_w_k
        compressor_w = made_w / cop(pump, around.outdoor_c, supply_c, control.modulation)
    elif made_w < 0.0:
        compressor_w = DEFROST_POWER * pump.rated_heat_w
    if control.on_water:
        tank_w = compressor_w
    heater_w = backup_w
    # One immersion heater: hygiene gets it once the compressor is at its limit and the rooms do not need it.
    if tank.hygiene and not tank.wants and backup_w == 0.0:
        heater_w = HYGIENE_HEATER_W
        tank_heat_w += heater_w
        tank_w += heater_w
    state.compressor_w = compressor_w
    state.backup_w = heater_w
    state.heat_w = heat_w + backup_w
    state.tank_heat_w = tank_heat_w
    state.tank_w = tank_w
    in_season = heating_allowed and not control.warm_enough and control.smoothed_outdoor_c < SUMMER_OUTDOOR_C
    state.power_w = compressor_w + heater_w + pump.standby_w + (pump.circulation_w if in_season else 0.0)
    step_tank(spec.tank, tank, tank_heat_w, around.drawn_l, _STEP_H)
    step_network(spec.building, spec.emitters, rooms, around, heat_w + backup_w, _STEP_H)


def house_stored_kwh(spec: HouseSpec, state: HouseState) -> float:
    """Heat held by the house's masses and its tank, above 0 degrees C."""
    return stored_kwh(spec.building, spec.emitters, state.rooms) + tank_stored_kwh(spec.tank, state.tank)
