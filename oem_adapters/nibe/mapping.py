"""A NIBE unit's points and zones turned into levers and readings.

Protects: a room setpoint goes through its zone and never through a point, because the point's write is confirmed and
not applied; a setting comes from where the cloud stamps it; ranges are in real units; a point that a unit does not have
says nothing against its being steered.
"""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, unquote

from domain.oem.lever import Lever, LeverName
from domain.oem.readings import Busy, Condition, Reading
from domain.oem.units import PumpAddress
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, ROOM_SETPOINT, TIMING
from oem_adapters.nibe.models import Point, Zone
from oem_adapters.nibe.quirks import (
    CLOCK_AHEAD,
    HOT_WATER_RANGE,
    HOT_WATER_STEP,
    OFFSET_RANGE,
    ZONE_RANGE_C,
    ZONE_STEP_C,
    Quantity,
    find,
    value_of,
)

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


_HOLIDAY_ON = frozenset({1.0, 10.0})
"""Two firmware generations number the same switch differently."""
_PRICE_ADAPTION_ON = frozenset({1.0, 30.0})
"""A plain switch, or the "operating mode" of the function (10 off, 30 on)."""
_HEATING_FIRST = frozenset({30.0, 1.0})
_HOT_WATER_FIRST = frozenset({20.0, 3.0})
"""Priorities of the F-series and of the S-series; neither uses the other's number for something else."""


def reading_of(
    lever: LeverName, points: Sequence[Point], zones: Sequence[Zone] | None, as_of: datetime, condition: Condition
) -> Reading:
    """All that the points tell, and the zones where they were asked (None where they were not)."""
    settings = settings_of(points, zones)
    return Reading(
        as_of=as_of,
        lever=lever,
        setting=settings.get(lever),
        room_c=room_c(points, zones),
        outdoor_c=value_of(points, Quantity.OUTDOOR_C),
        supply_c=value_of(points, Quantity.SUPPLY_C),
        power_w=value_of(points, Quantity.POWER_W),
        compressor_hz=value_of(points, Quantity.COMPRESSOR_HZ),
        target_c=value_of(points, Quantity.TARGET_C),
        hot_water_c=value_of(points, Quantity.HOT_WATER_C),
        settings=settings,
        condition=condition,
        busy=busy_of(points),
    )


def newest_stamp(points: Sequence[Point], now: datetime) -> datetime | None:
    """The newest stamp that no wrong clock gave."""
    return max((p.stamp for p in points if p.stamp is not None and p.stamp <= now + CLOCK_AHEAD), default=None)


def is_old(as_of: datetime | None, now: datetime) -> bool:
    """Whether a unit has been silent for longer than its readings last."""
    return as_of is None or now - as_of > TIMING.reading_max_age


def settings_of(points: Sequence[Point], zones: Sequence[Zone] | None) -> dict[LeverName, float]:
    """The setting of every lever that shows one."""
    offset, comfort = find(points, Quantity.HEATING_OFFSET), find(points, Quantity.HOT_WATER_COMFORT)
    shown = {
        HEATING_OFFSET.name: offset.value if offset is not None else None,
        ROOM_SETPOINT.name: value_of(points, Quantity.ROOM_SETPOINT_C) if zones is None else _zone_setpoint(zones),
        HOT_WATER_COMFORT.name: comfort.value if comfort is not None else None,
    }
    return {lever: setting for lever, setting in shown.items() if setting is not None}


def condition_of(points: Sequence[Point], updating: bool, away: bool) -> Condition:
    """How the unit stands towards being steered, the strongest reason first; what is not told counts as normal."""

    def told(quantity: Quantity) -> float | None:
        return value_of(points, quantity)

    if updating:
        return Condition.UPDATING
    if told(Quantity.OPERATING_MODE) not in (None, 0.0):
        return Condition.INSTALLER
    if told(Quantity.ALLOW_HEATING) == 0.0:
        return Condition.OFF
    if away or told(Quantity.HOLIDAY) in _HOLIDAY_ON:
        return Condition.AWAY
    if told(Quantity.EXTERNAL_ADJUSTMENT) == 1.0 or told(Quantity.PRICE_ADAPTION) in _PRICE_ADAPTION_ON:
        return Condition.EXTERNAL
    return Condition.NORMAL


def busy_of(points: Sequence[Point]) -> Busy | None:
    """What the compressor does that is not heating rooms; a unit defrosts on the priority of what it interrupts."""
    priority, defrost_s = value_of(points, Quantity.PRIORITY), value_of(points, Quantity.DEFROST_S)
    if priority in _HOT_WATER_FIRST:
        return Busy.HOT_WATER
    if priority in _HEATING_FIRST and defrost_s is not None and defrost_s > 0:
        return Busy.DEFROST
    return None


def room_c(points: Sequence[Point], zones: Sequence[Zone] | None) -> float | None:
    """The heat zone's own temperature where it has one: that is what its setpoint is compared with."""
    zone = heat_zone(zones or ())
    if zone is not None and zone.temperature is not None:
        return zone.temperature
    return value_of(points, Quantity.ROOM_C)


def _zone_setpoint(zones: Sequence[Zone]) -> float | None:
    zone = heat_zone(zones)
    return zone.setpoint_heat if zone is not None else None


def ref_of(system_id: str, device_id: str) -> str:
    """The reference of a device of a system."""
    return f"{quote(system_id, safe='')}/{quote(device_id, safe='')}"


def system_id_of(pump: PumpAddress) -> str:
    """The system that a reference names."""
    return unquote(pump.vendor_ref.partition("/")[0])


def device_id_of(pump: PumpAddress) -> str:
    """The device that a reference names."""
    return unquote(pump.vendor_ref.partition("/")[2])
