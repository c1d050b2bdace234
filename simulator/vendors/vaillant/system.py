"""A system's document: its state, properties and configuration, from the unit's snapshot.

Protects: keys and types are those of real answers; nothing carries a stamp, as there, and 1970 stands for never.
"""

from datetime import UTC, datetime
from typing import Any

from simulator.homes.conditions import Condition
from simulator.homes.snapshot import Snapshot
from simulator.homes.unit import Unit
from simulator.levers import Lever

ZONE, TANK = 0, 255
_NEVER = "1970-01-01T00:00:00Z"
_OLD = "2018-12-31T23:00:00Z"
_OFF = (Condition.OFF, Condition.INSTALLER)
"""Whoever works on a system switches it off."""


def is_vetoed(unit: Unit) -> bool:
    """Whether a quick veto is in force at the unit itself."""
    return unit.levers[Lever.ROOM_SETPOINT].temporary is not None


def document_of(unit: Unit, snapshot: Snapshot) -> dict[str, Any]:
    """The whole document."""
    return {
        "state": _state(unit, snapshot),
        "properties": _properties(snapshot),
        "configuration": _configuration(unit),
    }


def _state(unit: Unit, snapshot: Snapshot) -> dict[str, Any]:
    heating = snapshot.running and not snapshot.on_water
    doing = "DHW" if snapshot.on_water else "HEATING" if heating else "STANDBY"
    return {
        "system": {
            "outdoorTemperature": snapshot.outdoor_c,
            "outdoorTemperatureAverage24h": snapshot.mean_outdoor_c,
            "systemWaterPressure": 1.3,
            "energyManagerState": doing,
            "systemOff": snapshot.condition in _OFF,
        },
        "zones": [_zone(unit, snapshot)],
        "circuits": [
            {
                "index": 0,
                "circuitState": "HEATING" if heating else "STANDBY",
                "currentCircuitFlowTemperature": snapshot.supply_c,
                "heatingCircuitFlowSetpoint": snapshot.target_c,
                "calculatedEnergyManagerState": "HEATING_ACTIVE" if heating else "STANDBY",
            }
        ],
        "dhw": [{"index": TANK, "currentSpecialFunction": "REGULAR", "currentDhwTemperature": snapshot.hot_water_c}],
    }


def _zone(unit: Unit, snapshot: Snapshot) -> dict[str, Any]:
    veto = unit.levers[Lever.ROOM_SETPOINT].temporary
    shows_veto = veto is not None and snapshot.setting == veto.value
    function = "QUICK_VETO" if shows_veto else "NONE"
    function = {Condition.AWAY: "HOLIDAY", Condition.OFF: "SYSTEM_OFF"}.get(snapshot.condition, function)
    ends = _NEVER if veto is None else _instant(veto.until_s)
    return {
        "index": ZONE,
        "desiredRoomTemperatureSetpointHeating": snapshot.setting,
        "desiredRoomTemperatureSetpoint": snapshot.setting,
        "currentRoomTemperature": snapshot.room_c,
        "currentRoomHumidity": 42.0,
        "currentSpecialFunction": function,
        "quickVetoStartDateTime": _NEVER,
        "quickVetoEndDateTime": ends if shows_veto else _NEVER,
    }


def _properties(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "system": {
            "controllerType": "VRC720",
            "systemScheme": 8,
            "externalEnergyManagementActivation": snapshot.condition is Condition.EXTERNAL,
        },
        "zones": [
            {
                "index": ZONE,
                "isActive": True,
                "zoneBinding": "CENTRAL_CONTROL",
                "isCoolingAllowed": False,
                "associatedCircuitIndex": 0,
            }
        ],
        "dhw": [{"index": TANK, "minSetpoint": 35.0, "maxSetpoint": 70.0}],
    }


def _configuration(unit: Unit) -> dict[str, Any]:
    room, tank = unit.levers[Lever.ROOM_SETPOINT], unit.levers[Lever.HOT_WATER_TARGET]
    return {
        "zones": [
            {
                "index": ZONE,
                "general": {
                    "name": "Zone 1",
                    "holidayStartDateTime": _OLD,
                    "holidayEndDateTime": _OLD,
                    "holidaySetpoint": 15.0,
                },
                "heating": {
                    "operationModeHeating": "MANUAL",
                    "setBackTemperature": 18.0,
                    "manualModeSetpointHeating": room.standing,
                },
                "cooling": {},
            }
        ],
        "circuits": [{"index": 0, "heatingCurve": 0.6, "roomTemperatureControlMode": "NON"}],
        "dhw": [{"index": TANK, "operationModeDhw": "TIME_CONTROLLED", "tappingSetpoint": tank.setting}],
    }


def _instant(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
