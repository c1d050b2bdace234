"""The levers of a NIBE unit, as its points and zones offer them.

Protects: a room setpoint goes through its zone and never through a point, because the point's write is confirmed and
not applied; ranges are in real units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.modes import Lever
from domain.oem.cloud import Capability, LeverRange
from oem_adapters.nibe_myuplink.const import (
    EMERGENCY,
    HOT_WATER_RANGE,
    HOT_WATER_STEP,
    OFFSET_RANGE,
    ZONE_RANGE_C,
    ZONE_STEP_C,
)
from oem_adapters.nibe_myuplink.models import Quantity, find
from oem_adapters.nibe_myuplink.wire import Point, Zone

_HEAT_MODES = frozenset({"", "heat", "off", "auto"})
"""Zone modes in which `setpointHeat` is the wish for heating; "heatcool" follows one setpoint for both."""


@dataclass(frozen=True)
class LeverOnWire:
    """Where a lever is found and what it takes."""

    lever: Lever
    wire_id: str
    """Parameter id of an offset or a comfort step, zone id of a room setpoint."""
    minimum: float
    maximum: float
    step: float
    current: float | None

    def capability(self, model: str, has_room_sensor: bool, hot_water: "LeverOnWire | None") -> Capability:
        """What the unit can do with this lever of its heating; only for one that tells its current setting."""
        heating = self.range()
        if heating is None:
            raise ValueError("a lever without a current setting is no capability")
        return Capability(
            model=model,
            lever=self.lever,
            minimum=heating.minimum,
            maximum=heating.maximum,
            step=heating.step,
            current=heating.current,
            has_room_sensor=has_room_sensor,
            hot_water=hot_water.range() if hot_water is not None else None,
            emergency=EMERGENCY,
        )

    def range(self) -> LeverRange | None:
        """What it takes; None for a lever that does not tell its current setting, for nothing written is ever seen."""
        if self.current is None:
            return None
        return LeverRange(
            lever=self.lever, minimum=self.minimum, maximum=self.maximum, step=self.step, current=self.current
        )


def heating_offset(points: Sequence[Point]) -> LeverOnWire | None:
    """The heating offset of the first climate system, where it may be written."""
    point = find(points, Quantity.HEATING_OFFSET)
    if point is None or not point.writable:
        return None
    return LeverOnWire(
        lever=Lever.HEATING_OFFSET,
        wire_id=point.parameter_id,
        minimum=OFFSET_RANGE[0] if point.minimum is None else point.minimum,
        maximum=OFFSET_RANGE[1] if point.maximum is None else point.maximum,
        step=point.step,
        current=point.value,
    )


def hot_water_comfort(points: Sequence[Point]) -> LeverOnWire | None:
    """The comfort step of the hot water, where it may be written and its numbers mean what they mean on known units."""
    point = find(points, Quantity.HOT_WATER_COMFORT)
    if point is None or not point.writable:
        return None
    lowest, highest = HOT_WATER_RANGE
    if point.choices and not {lowest, lowest + HOT_WATER_STEP, highest} <= set(point.choices):
        return None
    return LeverOnWire(
        lever=Lever.HOT_WATER_COMFORT,
        wire_id=point.parameter_id,
        minimum=lowest,
        maximum=highest,
        step=HOT_WATER_STEP,
        current=point.value,
    )


def heat_zone(zones: Sequence[Zone]) -> Zone | None:
    """The first zone whose room setpoint for heating can be set and read back in degrees C."""
    return next((zone for zone in zones if _can_heat(zone)), None)


def room_setpoint(zones: Sequence[Zone]) -> LeverOnWire | None:
    """The room setpoint of the first heat zone."""
    zone = heat_zone(zones)
    if zone is None:
        return None
    return LeverOnWire(
        lever=Lever.ROOM_SETPOINT,
        wire_id=zone.zone_id,
        minimum=ZONE_RANGE_C[0] if zone.minimum is None else zone.minimum,
        maximum=ZONE_RANGE_C[1] if zone.maximum is None else zone.maximum,
        step=ZONE_STEP_C,
        current=zone.setpoint_heat,
    )


def _can_heat(zone: Zone) -> bool:
    """A zone that can only be commanded has no read-back, and without one nothing is ever believed."""
    return (
        zone.setpoint_heat is not None
        and zone.command_only is not True
        and zone.is_celsius is not False
        and zone.mode.casefold() in _HEAT_MODES
    )
