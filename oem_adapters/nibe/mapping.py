"""A NIBE unit's points and zones turned into levers and readings.

Protects: a room setpoint goes through its zone and never through a point, because the point's write is confirmed and
not applied; a setting comes from where the cloud stamps it; ranges are in real units; a point that a unit does not have
says nothing against its being steered.
"""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, unquote

from domain.oem.lever import Lever, LeverName
from domain.oem.readings import Condition, Reading
from domain.oem.units import PumpAddress
from oem_adapters.nibe.conditions import busy_of
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, ROOM_SETPOINT, TIMING
from oem_adapters.nibe.models import Point, Zone
from oem_adapters.nibe.quirks import (
    CLOCK_AHEAD,
    HOT_WATER_RANGE,
    HOT_WATER_SMART,
    HOT_WATER_STEP,
    OFFSET_RANGE,
    ROOM_SETPOINT_CATEGORY,
    ROOM_SETPOINT_IDS,
    ROOM_SETPOINT_RANGE_C,
    ZONE_RANGE_C,
    ZONE_STEP_C,
    Quantity,
    find,
    value_of,
)

_HEAT_MODES = frozenset({"", "heat", "off", "auto"})
"""Zone modes in which `setpointHeat` is the target for heating; "heatcool" follows one setpoint for both."""


def heating_offset(points: Sequence[Point]) -> Lever | None:
    """The heating offset of the first climate system, where it may be written and read back."""
    point = find(points, Quantity.HEATING_OFFSET)
    setting = _setting_of(point, OFFSET_RANGE)
    if point is None or not point.writable or setting is None:
        return None
    minimum, maximum = point.range_or(OFFSET_RANGE)
    return Lever(
        spec=HEATING_OFFSET,
        wire_id=point.parameter_id,
        minimum=minimum,
        maximum=maximum,
        step=point.step,
        baseline=setting,
    )


def hot_water_comfort(points: Sequence[Point]) -> Lever | None:
    """The hot-water comfort step, where it may be written and read back and its numbers mean what they usually mean."""
    point = find(points, Quantity.HOT_WATER_COMFORT)
    setting = _comfort_of(point)
    if point is None or not point.writable or setting is None:
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
        baseline=setting,
        also=(HOT_WATER_SMART,) if HOT_WATER_SMART in point.choices else (),
    )


def _setting_of(point: Point | None, usual: tuple[float, float]) -> float | None:
    """A point's value as a setting; None for one outside its range, which nobody can have set."""
    if point is None or point.value is None:
        return None
    minimum, maximum = point.range_or(usual)
    return point.value if minimum <= point.value <= maximum else None


def _comfort_of(point: Point | None) -> float | None:
    """The hot-water choice of a person; None for a number that is none."""
    if point is None or point.value is None:
        return None
    lowest, highest = HOT_WATER_RANGE
    is_step = lowest <= point.value <= highest and point.value % HOT_WATER_STEP == 0.0
    return point.value if is_step or point.value == HOT_WATER_SMART else None


def setpoint_point(points: Sequence[Point], zone_id: str | None) -> Point | None:
    """The stamped point that shows the room setpoint of a zone, or of the only one where `zone_id` is None.

    None where no point is sure to be that zone's: what is read must be what is written.
    """
    shown = [
        point
        for point in points
        if point.parameter_id in ROOM_SETPOINT_IDS
        or (ROOM_SETPOINT_CATEGORY in point.smart_home and point.zone_id is not None)
    ]
    named = [point for point in shown if point.zone_id is not None]
    if zone_id is not None and named:
        return next((point for point in named if point.zone_id == zone_id), None)
    return shown[0] if len({point.parameter_id for point in shown}) == 1 else None


def setpoint_points(points: Sequence[Point]) -> list[Point]:
    """Every point that may show a room setpoint."""
    return [p for p in points if p.parameter_id in ROOM_SETPOINT_IDS or ROOM_SETPOINT_CATEGORY in p.smart_home]


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
        and ROOM_SETPOINT_RANGE_C[0] <= zone.setpoint_heat <= ROOM_SETPOINT_RANGE_C[1]
        and zone.command_only is not True
        and zone.is_celsius is not False
        and zone.mode.casefold() in _HEAT_MODES
    )


def reading_of(
    lever: LeverName,
    points: Sequence[Point],
    zones: Sequence[Zone] | None,
    zone_id: str | None,
    as_of: datetime,
    condition: Condition,
) -> Reading:
    """All that the points tell, and the zones where they were asked (None where they were not).

    `zone_id`: the zone that is steered, where it is known.
    """
    settings = settings_of(points, zones, zone_id)
    return Reading(
        as_of=as_of,
        lever=lever,
        setting=settings.get(lever),
        room_c=room_c(points, zones, zone_id),
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


def settings_of(
    points: Sequence[Point], zones: Sequence[Zone] | None, zone_id: str | None = None
) -> dict[LeverName, float]:
    """The setting of every lever that shows one."""
    shown = {
        HEATING_OFFSET.name: _setting_of(find(points, Quantity.HEATING_OFFSET), OFFSET_RANGE),
        ROOM_SETPOINT.name: _room_setpoint_of(points, zones, zone_id),
        HOT_WATER_COMFORT.name: _comfort_of(find(points, Quantity.HOT_WATER_COMFORT)),
    }
    return {lever: setting for lever, setting in shown.items() if setting is not None}


def _room_setpoint_of(points: Sequence[Point], zones: Sequence[Zone] | None, zone_id: str | None) -> float | None:
    zone = heat_zone(zones or ())
    if zones is not None and zone is None:
        return None
    point = setpoint_point(points, zone_id if zone is None else zone.zone_id)
    if point is not None or zone is None:
        return _setting_of(point, ROOM_SETPOINT_RANGE_C)
    return zone.setpoint_heat


def room_c(points: Sequence[Point], zones: Sequence[Zone] | None, zone_id: str | None = None) -> float | None:
    """The heat zone's own temperature where it has one: that is what its setpoint is compared with."""
    zone = heat_zone(zones or ())
    if zone is not None and zone.temperature is not None:
        return zone.temperature
    own_id = zone_id if zone is None else zone.zone_id
    of_other_zones = [p for p in points if None not in (own_id, p.zone_id) and p.zone_id != own_id]
    return value_of([p for p in points if p not in of_other_zones], Quantity.ROOM_C)


def ref_of(system_id: str, device_id: str) -> str:
    """The reference of a device of a system."""
    return f"{quote(system_id, safe='')}/{quote(device_id, safe='')}"


def system_id_of(pump: PumpAddress) -> str:
    """The system that a reference names."""
    return unquote(pump.vendor_ref.partition("/")[0])


def device_id_of(pump: PumpAddress) -> str:
    """The device that a reference names."""
    return unquote(pump.vendor_ref.partition("/")[2])
