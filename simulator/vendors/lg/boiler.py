"""An air-to-water unit as the cloud describes it: its profile, which says what can be set, and its state.

Protects: the state has lists with a unit of measure where a control takes one object; nothing in it says when the unit
reported it, nor how warm it is outside.
"""

from typing import Any

from simulator.homes.conditions import Condition
from simulator.homes.snapshot import Snapshot
from simulator.homes.unit import Unit
from simulator.levers import Lever
from simulator.vendors.lg.make import TANK_C

KIND = "DEVICE_SYSTEM_BOILER"
_TARGETS = {Lever.ROOM_SETPOINT: "airHeatTargetTemperature", Lever.LEAVING_WATER: "waterHeatTargetTemperature"}


def listed(unit: Unit, *, reportable: bool) -> dict[str, Any]:
    """One element of the list of devices."""
    number = unit.spec.index + 1
    info = {"deviceType": KIND, "modelName": unit.identity.model, "alias": f"Home {number}", "reportable": reportable}
    return {"deviceId": unit.identity.device_id, "deviceInfo": info}


def profile(unit: Unit) -> dict[str, Any]:
    """What can be read and set."""
    span = unit.ranges[unit.heating_lever]
    room = {
        "currentTemperature": _readable(),
        "airCurrentTemperature": _readable(),
        "outWaterCurrentTemperature": _readable(),
        "inWaterCurrentTemperature": _readable(),
        _TARGETS[unit.heating_lever]: _settable(span.minimum, span.maximum, span.step),
        "unit": "C",
    }
    tank = {
        "currentTemperature": _readable(),
        "targetTemperature": _settable(TANK_C.minimum, TANK_C.maximum, TANK_C.step),
        "unit": "C",
    }
    operation = {
        "boilerOperationMode": _words("POWER_ON", "POWER_OFF"),
        "hotWaterMode": _words("ON", "OFF"),
        "roomTempMode": _words("AIR", "WATER", mode=["r"]),
        "roomWaterMode": _words("OUT_WATER", "IN_WATER", mode=["r"]),
    }
    return {
        "property": {
            "boilerJobMode": {"currentJobMode": _words("HEAT", "COOL", "AUTO")},
            "operation": operation,
            "hotWaterTemperatureInUnits": [tank],
            "roomTemperatureInUnits": [room],
        }
    }


def state(unit: Unit, snapshot: Snapshot) -> dict[str, Any]:
    """What the unit last published."""
    by_water = unit.heating_lever is Lever.LEAVING_WATER
    power = "POWER_OFF" if snapshot.condition is Condition.OFF else "POWER_ON"
    return {
        "boilerJobMode": {"currentJobMode": "HEAT"},
        "operation": {
            "boilerOperationMode": power,
            "hotWaterMode": "ON",
            "roomTempMode": "WATER" if by_water else "AIR",
            "roomWaterMode": "OUT_WATER",
        },
        "hotWaterTemperatureInUnits": [
            {
                "unit": "C",
                "currentTemperature": round(snapshot.hot_water_c),
                "targetTemperature": _plain(snapshot.comfort),
                "minTemperature": _plain(TANK_C.minimum),
                "maxTemperature": _plain(TANK_C.maximum),
            }
        ],
        "roomTemperatureInUnits": [
            {
                "unit": "C",
                "currentTemperature": round(snapshot.supply_c) if by_water else _half(snapshot.room_c),
                "airCurrentTemperature": _half(snapshot.room_c),
                "outWaterCurrentTemperature": round(snapshot.supply_c),
                "inWaterCurrentTemperature": round(snapshot.return_c),
                _TARGETS[unit.heating_lever]: _plain(snapshot.setting),
            }
        ],
    }


def _readable() -> dict[str, Any]:
    return {"type": "number", "mode": ["r"]}


def _settable(least: float, most: float, step: float) -> dict[str, Any]:
    limits = {"min": _plain(least), "max": _plain(most), "step": _plain(step)}
    return {"type": "range", "mode": ["r", "w"], "value": {"w": limits}}


def _words(*words: str, mode: list[str] | None = None) -> dict[str, Any]:
    return {"type": "enum", "mode": mode or ["r", "w"], "value": {"r": list(words), "w": list(words)}}


def _half(value: float) -> float:
    return _plain(round(value * 2) / 2)


def _plain(value: float) -> float:
    return int(value) if value == int(value) else value
