"""A Daikin device turned into levers and readings.

Protects: the lever is the one that the unit's control mode follows; a setting outside its own range is no setting; a
characteristic that cannot be set now is never offered.
"""

from collections.abc import Sequence
from datetime import datetime

from domain.oem.lever import Lever, LeverName, LeverSpec
from domain.oem.readings import Condition, Reading
from oem_adapters.daikin.manifest import HEATING_OFFSET, HOT_WATER_TARGET, LEAVING_WATER, ROOM_SETPOINT, TIMING
from oem_adapters.daikin.models import Characteristic, Device, Point
from oem_adapters.daikin.quirks import (
    BY_ROOM,
    BY_THERMOSTAT,
    CLIMATE,
    CLOCK_AHEAD,
    GATEWAY,
    HEATING,
    NO_HEATING,
    OFFSET,
    ROOM,
    SETPOINT_PATH,
    TANK,
    TANKS,
    TEMPERATURE_CONTROL,
    WATER,
)

_SETPOINTS: dict[LeverName, str] = {
    HEATING_OFFSET.name: OFFSET,
    LEAVING_WATER.name: WATER,
    ROOM_SETPOINT.name: ROOM,
}
"""Where a zone shows each of its levers."""


def main_zone(device: Device) -> Point:
    """The zone that is steered; an empty point where there is none."""
    zones = list(device.points(CLIMATE))
    return next((zone for zone in zones if zone.is_main_zone), zones[0] if zones else Point({}))


def heating_spec(device: Device) -> LeverSpec:
    """The lever that the unit's control mode follows."""
    zone = main_zone(device)
    if zone.get("controlMode").value == BY_ROOM:
        return ROOM_SETPOINT
    keeps_fixed = not _setpoint(zone, OFFSET)[1].fields and _setpoint(zone, WATER)[1].fields
    return LEAVING_WATER if keeps_fixed else HEATING_OFFSET


def levers_of(device: Device) -> dict[LeverName, Lever]:
    """The levers that can be set and read back now."""
    zone, spec = main_zone(device), heating_spec(device)
    heating = _lever(spec, zone, _SETPOINTS[spec.name])
    tank = _lever(HOT_WATER_TARGET, device.point(*TANKS), TANK)
    return {lever.name: lever for lever in (heating, tank) if lever is not None}


def reading_of(device: Device, lever: LeverName, as_of: datetime) -> Reading:
    """All that the device tells."""
    zone, tank = main_zone(device), device.point(*TANKS)
    spec = heating_spec(device)
    shown = {
        spec.name: _setpoint(zone, _SETPOINTS[spec.name])[1].number,
        HOT_WATER_TARGET.name: _setpoint(tank, TANK)[1].number,
    }
    settings = {name: setting for name, setting in shown.items() if setting is not None}
    sensors, in_tank = zone.get("sensoryData"), tank.get("sensoryData")
    return Reading(
        as_of=as_of,
        lever=lever,
        setting=settings.get(lever),
        room_c=sensors.at("roomTemperature").number,
        outdoor_c=sensors.at("outdoorTemperature").number,
        supply_c=sensors.at("leavingWaterTemperature").number,
        hot_water_c=in_tank.at("tankTemperature").number,
        settings=settings,
        condition=condition_of(device),
    )


def has_room_sensor(device: Device) -> bool:
    """Whether the room's temperature is told."""
    return main_zone(device).get("sensoryData").at("roomTemperature").number is not None


def condition_of(device: Device) -> Condition:
    """How the unit stands towards being steered, the strongest reason first; what is not told counts as normal."""
    zone, parts = main_zone(device), list(device.points(CLIMATE, *TANKS))
    if device.point(GATEWAY).get("firmwareUpdateStatus").value == "in-progress":
        return Condition.UPDATING
    if any(part.get(name).value is True for part in parts for name in ("isInInstallerState", "isInEmergencyState")):
        return Condition.INSTALLER
    if zone.get("onOffMode").value == "off" or zone.get("operationMode").value in NO_HEATING:
        return Condition.OFF
    if zone.get("isHolidayModeActive").value is True:
        return Condition.AWAY
    if zone.get("controlMode").value == BY_THERMOSTAT or _follows_its_schedule(zone):
        return Condition.EXTERNAL
    return Condition.NORMAL


def newest_stamp(device: Device, now: datetime) -> datetime | None:
    """The newest stamp that no wrong clock gave."""
    return max((stamp for stamp in device.stamps if stamp <= now + CLOCK_AHEAD), default=None)


def is_old(as_of: datetime | None, now: datetime) -> bool:
    """Whether a unit has been silent for longer than its readings last."""
    return as_of is None or now - as_of > TIMING.reading_max_age


def model_of(device: Device) -> str:
    """What the unit is called."""
    told: Sequence[object] = (
        device.point("indoorUnitHydro", "indoorUnit").get("modelInfo").value,
        device.fields.get("deviceModel"),
    )
    return next((name for name in told if isinstance(name, str) and name), "")


def path_of(lever: Lever) -> tuple[str, str]:
    """Management point and path of a lever's setpoint, from where it was found."""
    point, _, path = lever.wire_id.partition(" ")
    return point, path


def _lever(spec: LeverSpec, point: Point, name: str) -> Lever | None:
    path, found = _setpoint(point, name)
    limits = (found.limit("minValue"), found.limit("maxValue"), found.limit("stepValue"))
    least, most, step = limits
    if not found.is_settable or found.number is None or least is None or most is None or least >= most:
        return None
    return Lever(
        spec=spec,
        minimum=least,
        maximum=most,
        step=step if step is not None and step > 0 else 1.0,
        baseline=found.number,
        wire_id=f"{point.embedded_id} {path}",
    )


def _setpoint(point: Point, name: str) -> tuple[str, Characteristic]:
    """Path and characteristic of a setpoint in the operation mode that is on; a unit that cools keeps the others."""
    control, mode = point.get(TEMPERATURE_CONTROL), point.get("operationMode").value
    for candidate in (mode, HEATING):
        if isinstance(candidate, str) and candidate not in NO_HEATING:
            found = control.at("operationModes", candidate, "setpoints", name)
            if found.fields:
                return SETPOINT_PATH.format(mode=candidate, setpoint=name), found
    return "", Characteristic({})


def _follows_its_schedule(zone: Point) -> bool:
    """Whether the unit's own schedule moves the room setpoint, which overwrites whatever is set from afar."""
    by_room = zone.get("controlMode").value == BY_ROOM
    return by_room and zone.get("schedule").at("modes", HEATING, "enabled").value is True
