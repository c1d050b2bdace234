"""A unit as the cloud lists it: a gateway device and its management points, each a set of characteristics.

Protects: names, nesting and types are those of real answers; what can be set is said anew with every answer, because
it changes with the unit's state.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.homes.conditions import Condition
from simulator.homes.snapshot import ABSENT, Snapshot
from simulator.homes.unit import Unit
from simulator.levers import Lever
from simulator.vendors.daikin.consumption import Lists, without_any
from simulator.vendors.daikin.make import OFFSET, TANK_C

MAIN_ZONE, TANK = "climateControlMainZone", "domesticHotWaterTank"
CLOSED = frozenset((Condition.INSTALLER, Condition.UPDATING, Condition.REMOTE_DISABLED))
"""Conditions in which nothing can be set from afar."""
_SETPOINT_MODES = {
    Lever.HEATING_OFFSET: "weatherDependent",
    Lever.LEAVING_WATER: "fixed",
    Lever.ROOM_SETPOINT: "weatherDependentHeatingFixedCooling",
}


def fixed(value: Any, **more: Any) -> dict[str, Any]:
    """A characteristic that can only be read."""
    return {"settable": False, "requiresReboot": False, "value": value, **more}


def device_of(unit: Unit, snapshot: Snapshot, counted: tuple[Lists, Lists], *, connected: bool) -> dict[str, Any]:
    """One element of the answer; `counted` for heating and for hot water."""
    device_id = unit.identity.device_id
    return {
        "_id": device_id,
        "deviceModel": "Altherma",
        "type": "heating-wlan",
        "isCloudConnectionUp": {"settable": False, "value": connected},
        "managementPoints": [
            _gateway(unit),
            _main_zone(unit, snapshot, counted[0]),
            _tank(snapshot, counted[1]),
            _part("indoorUnitHydro", "Indoor Hydro Unit", "20017702", "EDLA08E3V3"),
            _part("outdoorUnit", "Outdoor Unit", "FFFF"),
            _part("userInterface", "User Interface", "7.3.0", "EDLA08E3V3"),
        ],
        "embeddedId": device_id,
        "timestamp": _stamp(snapshot.at_s),
        "id": device_id,
    }


def settable(device: Mapping[str, Any], point_id: str, name: str, path: str) -> dict[str, Any] | None:
    """The characteristic that a write names, or the part of it at a path; None where there is no such thing."""
    points: Sequence[Mapping[str, Any]] = device["managementPoints"]
    point = next((p for p in points if p["embeddedId"] == point_id), None)
    found = point.get(name) if point is not None else None
    if not path or not isinstance(found, dict):
        return found if isinstance(found, dict) and "settable" in found else None
    part: Any = found["value"]
    for step in path.split("/")[1:]:
        part = part.get(step) if isinstance(part, dict) else None
    return part if isinstance(part, dict) and "settable" in part else None


def _gateway(unit: Unit) -> dict[str, Any]:
    updating = unit.condition is Condition.UPDATING
    point = {
        "embeddedId": "gateway",
        "managementPointType": "gateway",
        "managementPointCategory": "secondary",
        "firmwareVersion": {"settable": False, "value": "3.5.0", "maxLength": 8},
        "ipAddress": {"settable": False, "value": "192.0.2.10", "maxLength": 15},
        "isFirmwareUpdateSupported": fixed(True),
        "macAddress": {"settable": False, "value": "00:00:5e:00:53:01", "maxLength": 17},
        "modelInfo": {"settable": False, "value": "BRP069A78", "maxLength": 9},
        "name": fixed("Gateway", maxLength=63),
    }
    if updating:  # what the gateway itself is told by the cloud
        values = ["in-progress", "succeeded", "failed"]
        point["firmwareUpdateStatus"] = {"settable": False, "value": "in-progress", "values": values}
    return point


def _main_zone(unit: Unit, snapshot: Snapshot, counted: Lists) -> dict[str, Any]:
    condition, by_room = snapshot.condition, unit.heating_lever is Lever.ROOM_SETPOINT
    is_open = condition not in CLOSED
    point = {
        "embeddedId": MAIN_ZONE,
        "managementPointType": "climateControl",
        "managementPointCategory": "primary",
        "managementPointSubType": "mainZone",
        "consumptionData": _consumption({"heating": counted} | ({"cooling": without_any(counted)} if by_room else {})),
        "controlMode": fixed(
            _control_mode(condition, by_room=by_room),
            values=["leavingWaterTemperature", "externalRoomTemperature", "roomTemperature"],
        ),
        "errorCode": fixed("", maxLength=16),
        "holidayMode": {
            "settable": is_open,
            "requiresReboot": False,
            "ref": "#holidayMode",
            "value": _holiday(condition is Condition.AWAY, snapshot.at_s),
        },
        "isHolidayModeActive": fixed(condition is Condition.AWAY),
        "isInEmergencyState": fixed(False),
        "isInErrorState": fixed(False),
        "isInInstallerState": fixed(condition is Condition.INSTALLER),
        "isInWarningState": fixed(False),
        "name": fixed("", maxLength=63),
        "onOffMode": _switch("off" if condition is Condition.OFF else "on", is_open),
        "operationMode": {
            "settable": by_room and is_open,
            "requiresReboot": False,
            "value": "heating",
            "values": ["heating", "cooling", "auto"] if by_room else ["heating"],
        },
        "sensoryData": {"settable": False, "ref": "#sensoryData", "value": _sensors(snapshot)},
        "setpointMode": {
            "settable": False,
            "requiresReboot": True,
            "value": _SETPOINT_MODES[unit.heating_lever],
            "values": ["fixed", "weatherDependent"],
        },
        "temperatureControl": {
            "settable": is_open,
            "ref": "#temperatureControl",
            "value": {"operationModes": _setpoints(unit, snapshot, is_open=is_open)},
        },
    }
    if by_room:
        point["schedule"] = _schedule(condition is Condition.EXTERNAL, is_open)
    return point


def _control_mode(condition: Condition, *, by_room: bool) -> str:
    """A unit without a schedule for its rooms is moved by a thermostat of another make."""
    if by_room:
        return "roomTemperature"
    return "externalRoomTemperature" if condition is Condition.EXTERNAL else "leavingWaterTemperature"


def _setpoints(unit: Unit, snapshot: Snapshot, *, is_open: bool) -> dict[str, Any]:
    span = unit.ranges[unit.heating_lever]
    followed = _span(snapshot.setting, span.minimum, span.maximum, span.step, is_open)
    if unit.heating_lever is not Lever.ROOM_SETPOINT:
        # A fixed temperature has no curve to be shifted: it stands where the offset would.
        name = "leavingWaterOffset" if unit.heating_lever is Lever.HEATING_OFFSET else "leavingWaterTemperature"
        shown = {"setpoints": {name: followed}}
        return {"auto": shown, "cooling": {"setpoints": {}}, "heating": shown}
    offset = _span(0, OFFSET.minimum, OFFSET.maximum, 1, False)
    cooling = {
        "leavingWaterTemperature": _span(19, 18, 20, 1, False),
        "roomTemperature": _span(24, 19, 28, 0.5, False),
    }
    both = {"leavingWaterOffset": offset, "roomTemperature": followed}
    return {"auto": {"setpoints": both}, "cooling": {"setpoints": cooling}, "heating": {"setpoints": both}}


def _sensors(snapshot: Snapshot) -> dict[str, Any]:
    shown = {
        "leavingWaterTemperature": _sensor(round(snapshot.supply_c), 1),
        "outdoorTemperature": _sensor(round(snapshot.outdoor_c), 1),
    }
    if snapshot.room_c != ABSENT:
        shown["roomTemperature"] = _sensor(snapshot.room_c, 0.1)
    return shown


def _tank(snapshot: Snapshot, counted: Lists) -> dict[str, Any]:
    is_open = snapshot.condition not in CLOSED
    target = _span(snapshot.comfort, TANK_C.minimum, TANK_C.maximum, TANK_C.step, is_open)
    return {
        "embeddedId": TANK,
        "managementPointType": "domesticHotWaterTank",
        "managementPointCategory": "primary",
        "consumptionData": _consumption({"heating": counted}),
        "errorCode": fixed("", maxLength=16),
        "heatupMode": {
            "settable": False,
            "requiresReboot": True,
            "value": "reheatOnly",
            "values": ["reheatOnly", "reheatSchedule", "scheduleOnly"],
        },
        "isHolidayModeActive": fixed(snapshot.condition is Condition.AWAY),
        "isInEmergencyState": fixed(False),
        "isInErrorState": fixed(False),
        "isInInstallerState": fixed(snapshot.condition is Condition.INSTALLER),
        "isInWarningState": fixed(False),
        "isPowerfulModeActive": fixed(False),
        "name": fixed("", maxLength=63),
        "onOffMode": _switch("on", is_open),
        "operationMode": {"settable": False, "value": "heating", "values": ["heating"]},
        "powerfulMode": _switch("off", False),
        "sensoryData": {
            "settable": False,
            "ref": "#sensoryData",
            "value": {"tankTemperature": _sensor(round(snapshot.hot_water_c), 1)},
        },
        "setpointMode": fixed("fixed", values=["fixed", "weatherDependent"]),
        "temperatureControl": {
            "settable": is_open,
            "ref": "#temperatureControl",
            "value": {"operationModes": {"heating": {"setpoints": {"domesticHotWaterTemperature": target}}}},
        },
    }


def _part(kind: str, name: str, version: str, model: str = "") -> dict[str, Any]:
    part = {"embeddedId": kind, "managementPointType": kind, "managementPointCategory": "secondary"}
    shown = {"modelInfo": fixed(model, maxLength=16)} if model else {}
    return part | shown | {"name": fixed(name, maxLength=63), "softwareVersion": fixed(version, maxLength=16)}


def _schedule(is_on: bool, is_open: bool) -> dict[str, Any]:
    """A room unit's own schedule; where it runs, it moves the setpoint whatever was written."""
    names = ["scheduleHeatingRT1", "scheduleHeatingRT2", "scheduleHeatingRT3"]
    heating = {
        "enabled": {"settable": is_open, "requiresReboot": False, "value": is_on},
        "currentSchedule": {"settable": is_open, "requiresReboot": False, "value": names[0], "values": names},
    }
    modes = {"settable": False, "value": "heating", "values": ["heating", "cooling"]}
    return {"settable": is_open, "ref": "#schedule", "value": {"currentMode": modes, "modes": {"heating": heating}}}


def _consumption(electrical: Mapping[str, Lists]) -> dict[str, Any]:
    return {
        "settable": False,
        "requiresReboot": False,
        "ref": "#consumptionData",
        "value": {"electrical": dict(electrical)},
    }


def _holiday(is_on: bool, at_s: float) -> dict[str, Any]:
    today = datetime.fromtimestamp(at_s, tz=UTC).date()
    return {"enabled": is_on, "startDate": today.isoformat(), "endDate": (today + timedelta(days=7)).isoformat()}


def _switch(value: str, is_settable: bool) -> dict[str, Any]:
    return {"settable": is_settable, "requiresReboot": False, "value": value, "values": ["off", "on"]}


def _span(value: float, least: float, most: float, step: float, is_settable: bool) -> dict[str, Any]:
    limits = {"maxValue": _plain(most), "minValue": _plain(least), "stepValue": _plain(step)}
    return {"settable": is_settable, "requiresReboot": False, "value": _plain(value), **limits}


def _sensor(value: float, step: float) -> dict[str, Any]:
    return fixed(_plain(value), maxValue=127, minValue=-127, stepValue=step)


def _plain(value: float) -> float:
    return int(value) if value == int(value) else value


def _stamp(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
