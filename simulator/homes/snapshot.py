"""What a unit publishes to its cloud at one moment, quantised as its sensors are.

Protects: the cloud learns nothing about a house or its unit that is not in here.
"""

from dataclasses import asdict, dataclass
from typing import Any

from simulator.homes.conditions import Condition
from simulator.physics.house import HouseSpec, HouseState
from simulator.seeded import share

PUBLISH_S = 60.0
KEPT_SNAPSHOTS = 45
ABSENT = -32768.0
"""Stands for a sensor that is not there; each cloud has its own way of saying so."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One publication."""

    at_s: float
    setting: float
    room_c: float
    """ABSENT where there is no sensor."""
    outdoor_c: float
    mean_outdoor_c: float
    supply_c: float
    return_c: float
    target_c: float
    power_w: float
    compressor_w: float
    backup_w: float
    modulation: float
    running: bool
    degree_minutes: float
    total_kwh: float
    hot_water_c: float
    comfort: float
    """Setting of the hot-water lever: a comfort step or a target temperature."""
    on_water: bool
    defrost_s: float
    """Seconds that the current defrost has lasted; zero outside of one."""
    condition: Condition

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Snapshot":
        return cls(**(kept | {"condition": Condition(kept["condition"])}))


@dataclass(frozen=True, slots=True)
class UnitDisplay:
    """What the unit knows of itself, apart from its sensors."""

    setting: float
    comfort: float
    total_kwh: float
    condition: Condition


def take_snapshot(spec: HouseSpec, display: UnitDisplay, at_s: float, state: HouseState, outdoor_c: float) -> Snapshot:
    """Read the sensors of a unit in its house."""
    control = state.control
    room_c = ABSENT
    if spec.has_room_sensor:
        noise_k = 0.03 * (share("room-noise", spec.index, int(at_s)) - 0.5) * 3.4
        room_c = round(state.rooms.air_c + spec.room_sensor_k + noise_k, 1)
    drop_k = state.heat_w / spec.pump.flow_w_k
    left_s = control.defrost_left_s
    return Snapshot(
        at_s,
        display.setting,
        room_c,
        round(outdoor_c + spec.outdoor_sensor_k, 1),
        round(control.smoothed_outdoor_c, 1),
        round(control.supply_c, 1),
        round(control.supply_c - drop_k, 1),
        round(control.target_c, 1),
        round(state.power_w),
        round(state.compressor_w),
        round(state.backup_w),
        control.modulation,
        control.running,
        round(control.degree_minutes, 1),
        round(display.total_kwh, 1),
        round(state.tank.water_c, 1),
        display.comfort,
        control.on_water,
        spec.pump.defrost_s + 60.0 - left_s if left_s > 0.0 else 0.0,
        display.condition,
    )


def speed_hz(snapshot: Snapshot) -> int:
    """Compressor frequency as the unit shows it."""
    return round(20 + 100 * snapshot.modulation) if snapshot.running else 0
