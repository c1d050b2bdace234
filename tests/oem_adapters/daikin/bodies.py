"""Answers of the Onecta cloud, made by hand from what is documented."""

import copy
from typing import Any

DEVICE: dict[str, Any] = {
    "id": "d-1",
    "deviceModel": "Altherma",
    "isCloudConnectionUp": {"settable": False, "value": True},
    "timestamp": "2026-01-21T05:58:00.000Z",
    "managementPoints": [
        {"embeddedId": "gateway", "managementPointType": "gateway"},
        {
            "embeddedId": "climateControlMainZone",
            "managementPointType": "climateControl",
            "managementPointSubType": "mainZone",
            "controlMode": {"settable": False, "value": "leavingWaterTemperature"},
            "isHolidayModeActive": {"value": False},
            "isInInstallerState": {"value": False},
            "onOffMode": {"settable": True, "value": "on", "values": ["on", "off"]},
            "operationMode": {"value": "heating", "values": ["heating", "auto"]},
            "sensoryData": {
                "value": {
                    "leavingWaterTemperature": {"value": 31, "minValue": -127, "maxValue": 127},
                    "outdoorTemperature": {"value": 4, "minValue": -127, "maxValue": 127},
                    "roomTemperature": {"value": 20.7, "minValue": -127, "maxValue": 127},
                }
            },
            "temperatureControl": {
                "settable": True,
                "value": {
                    "operationModes": {
                        mode: {
                            "setpoints": {
                                "leavingWaterOffset": {
                                    "settable": True,
                                    "value": value,
                                    "minValue": -10,
                                    "maxValue": 10,
                                    "stepValue": 1,
                                }
                            }
                        }
                        for mode, value in (("heating", 1), ("auto", 2))
                    }
                },
            },
        },
        {
            "embeddedId": "domesticHotWaterTank",
            "managementPointType": "domesticHotWaterTank",
            "isInEmergencyState": {"value": False},
            "operationMode": {"value": "heating"},
            "sensoryData": {"value": {"tankTemperature": {"value": 46}}},
            "temperatureControl": {
                "value": {
                    "operationModes": {
                        "heating": {
                            "setpoints": {
                                "domesticHotWaterTemperature": {
                                    "settable": True,
                                    "value": 48,
                                    "minValue": 30,
                                    "maxValue": 60,
                                    "stepValue": 1,
                                }
                            }
                        }
                    }
                }
            },
        },
    ],
}


def a_device(device_id: str = "d-1", **zone: Any) -> dict[str, Any]:
    """A unit, with other characteristics of its main zone."""
    device = copy.deepcopy(DEVICE) | {"id": device_id}
    device["managementPoints"][1] |= zone
    return device
