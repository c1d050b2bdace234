"""The levers of a NIBE unit, as its points and zones offer them.

Protects: a room setpoint goes through its zone and never through a point, because the point's write is confirmed and
not applied; ranges are in real units.
"""

from collections.abc import Sequence

from domain.oem.lever import Lever
from oem_adapters.nibe_myuplink.const import (
    HOT_WATER_RANGE,
    HOT_WATER_STEP,
    OFFSET_RANGE,
    ZONE_RANGE_C,
    ZONE_STEP_C,
)
from oem_adapters.nibe_myuplink.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, ROOM_SETPOINT
from oem_adapters.nibe_myuplink.models import Quantity, find
from oem_adapters.nibe_myuplink.wire import Point, Zone

_HEAT_MODES = frozenset({"", "heat", "off", "auto"})
"""Zone modes in which `setpointHeat` is the wish for heating; "heatcool" follows one setpoint for both."""


def heating_offset(points: Sequence[Point]) -> Lever | None:
    """The heating offset of the first climate system, where it may be written and read back."""
    point = find(points, Quantity.HEATING_OFFSET)
    if point is None or not point.writable or point.value is None:
        return None
    return Lever(
        spec=HEATING_OFFSET,
        wire_id=point.parameter_id,
        minimum=OFFSET_RANGE[0] if point.minimum is None else point.minimum,
        maximum=OFFSET_RANGE[1] if point.maximum is None else point.maximum,
        step=point.step,
        baseline=point.value,
    )


def hot_water_comfort(points: Sequence[Point]) -> Lever | None:
    """The hot-water comfort step, where it may be written and read back and its numbers mean what they usually mean."""
    point = find(points, Quantity.HOT_WATER_COMFORT)
    if point is None or not point.writable or point.value is None:
        return None
    lowest, highest = HOT_WATER_RANGE
    if point.choices and not {lowest, lowest + HOT_WATER_STEP, highest} <= set(point.choices):
        return None
    return Lever(
        spec=HOT_WATER_COMFORT,
        wire_id=point.parameter_id,
        minimum=lowest,
        maximum=highest,
        step=HOT_WATER_STEP,
        baseline=point.value,
    )


def heat_zone(zones: Sequence[Zone]) -> Zone | None:
    """The first zone whose room setpoint for heating can be set and read back in degrees C."""
    return next((zone for zone in zones if _can_heat(zone)), None)


def room_setpoint(zones: Sequence[Zone]) -> Lever | None:
    """The room setpoint of the first heat zone."""
    zone = heat_zone(zones)
    if zone is None or zone.setpoint_heat is None:
        return None
    return Lever(
        spec=ROOM_SETPOINT,
        wire_id=zone.zone_id,
        minimum=ZONE_RANGE_C[0] if zone.minimum is None else zone.minimum,
        maximum=ZONE_RANGE_C[1] if zone.maximum is None else zone.maximum,
        step=ZONE_STEP_C,
        baseline=zone.setpoint_heat,
    )


def _can_heat(zone: Zone) -> bool:
    """A zone that can only be commanded has no read-back, and without one nothing is ever believed."""
    return (
        zone.setpoint_heat is not None
        and zone.command_only is not True
        and zone.is_celsius is not False
        and zone.mode.casefold() in _HEAT_MODES
    )
