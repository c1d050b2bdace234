"""A house with its heating, and its twin that nobody steers, on identical weather, sun and people.

Protects: house and twin run the same arithmetic on the same surroundings, so that they agree to the last bit
until a lever is written.
"""

from dataclasses import asdict, dataclass
from typing import Any

from domain.enrolment import BuildingClass, ComfortBand, Emitter
from simulator.building import Building, Emitters, Surroundings, Temperatures, step_network, stored_kwh
from simulator.controller import SUMMER_OUTDOOR_C, Control, ControlState, step_control
from simulator.heat_pump import HeatPump, cop

STEP_S = 60.0
_STEP_H = STEP_S / 3600.0


@dataclass(frozen=True)
class Household:
    """The people: what they wish, set and do."""

    wish_c: float
    band: ComfortBand
    setting: float
    """The lever's setting at the start."""
    people_base_w: float
    people_per_m2_w: float
    early_h: float
    """How much earlier than others they get up."""


@dataclass(frozen=True)
class HouseSpec:
    """A house as built, equipped and commissioned."""

    index: int
    building_class: BuildingClass
    emitter: Emitter
    is_s_series: bool
    has_room_sensor: bool
    building: Building
    emitters: Emitters
    pump: HeatPump
    control: Control
    household: Household
    local_outdoor_k: float
    """How much warmer than the cell's weather it is here."""
    outdoor_sensor_k: float
    """How wrong the unit's outdoor sensor is."""
    room_sensor_k: float


@dataclass(slots=True)
class HouseState:
    """One house in one of its two lives: steered, or as its own twin."""

    rooms: Temperatures
    control: ControlState
    power_w: float = 0.0
    heat_w: float = 0.0
    """Heat given to the water, immersion heater included."""
    compressor_w: float = 0.0
    backup_w: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "HouseState":
        rest = {name: value for name, value in kept.items() if name not in ("rooms", "control")}
        return cls(Temperatures(**kept["rooms"]), ControlState(**kept["control"]), **rest)

    def copy(self) -> "HouseState":
        return HouseState.from_json(self.to_json())


def step_house(spec: HouseSpec, state: HouseState, around: Surroundings, setting: float) -> None:
    """Advance one life of a house by one minute."""
    rooms, pump = state.rooms, spec.pump
    heat_w, backup_w = step_control(
        spec.control,
        state.control,
        pump,
        rooms,
        setting,
        around.outdoor_c + spec.outdoor_sensor_k,
        rooms.air_c + spec.room_sensor_k + around.sensor_noise_k,
        STEP_S,
    )
    compressor_w = 0.0
    if heat_w > 0.0:
        compressor_w = heat_w / cop(pump, around.outdoor_c, state.control.supply_c, state.control.modulation)
    state.compressor_w = compressor_w
    state.backup_w = backup_w
    state.heat_w = heat_w + backup_w
    in_season = state.control.smoothed_outdoor_c < SUMMER_OUTDOOR_C
    state.power_w = compressor_w + backup_w + pump.standby_w + (pump.circulation_w if in_season else 0.0)
    step_network(spec.building, spec.emitters, rooms, around, heat_w + backup_w, _STEP_H)


def house_stored_kwh(spec: HouseSpec, state: HouseState) -> float:
    """Heat held by the house's masses, above 0 degrees C."""
    return stored_kwh(spec.building, spec.emitters, state.rooms)
