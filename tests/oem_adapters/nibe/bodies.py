"""Self-made bodies of the myUplink wire, by the documented fields."""

from typing import Any

STAMP = "2026-01-21T05:58:00+00:00"


def a_point(parameter_id: str, value: Any, **fields: Any) -> dict[str, Any]:
    return {
        "category": "NIBEF F1155",
        "parameterId": parameter_id,
        "parameterName": f"Parameter {parameter_id}",
        "parameterUnit": "",
        "writable": False,
        "timestamp": STAMP,
        "value": value,
        "strVal": str(value),
        "smartHomeCategories": [],
        "minValue": None,
        "maxValue": None,
        "stepValue": 1,
        "enumValues": [],
        "scaleValue": "0.1",
        "zoneId": None,
        **fields,
    }


def an_offset(value: Any = 0, **fields: Any) -> dict[str, Any]:
    limits = {"writable": True, "minValue": -10, "maxValue": 10, "scaleValue": "1"}
    return a_point("47011", value, **{**limits, **fields})


def a_comfort_step(value: Any = 1, **fields: Any) -> dict[str, Any]:
    limits = {"writable": True, "minValue": 0, "maxValue": 4, "scaleValue": "1", "parameterName": "comfort mode"}
    words = {4: "smart control", 0: "economy", 1: "normal", 2: "luxury"}
    choices = [{"value": str(number), "text": word, "icon": ""} for number, word in words.items()]
    return a_point("47041", value, **{**limits, "enumValues": choices, **fields})


def f_series_points(offset: Any = 0, room: Any = 21.2, stamp: str = STAMP) -> list[dict[str, Any]]:
    points = [
        a_point("40004", -9.3),
        a_point("40008", 39.7),
        a_point("40033", room),
        a_point("40940", -875),
        a_point("40940", -875),
        a_point("41778", 57),
        a_point("148072r", 3),
        an_offset(offset),
    ]
    return [{**point, "timestamp": stamp} for point in points]


def s_series_points(stamp: str = STAMP) -> list[dict[str, Any]]:
    points = [
        a_point("4", 2.5, smartHomeCategories=["sh-outdoorTemp"]),
        a_point("8", 33.1),
        a_point("22130", 1840, scaleValue="1"),
        a_point(
            "47751",
            20.5,
            writable=True,
            minValue=50,
            maxValue=350,
            stepValue=5,
            smartHomeCategories=["sh-indoorSpHeat"],
        ),
    ]
    return [{**point, "category": "NIBE S1255-12", "timestamp": stamp} for point in points]


def a_zone(zone_id: Any = "1", **fields: Any) -> dict[str, Any]:
    return {
        "zoneId": zone_id,
        "name": "Climate system 1",
        "commandOnly": False,
        "supportedModes": "heat",
        "mode": "heat",
        "temperature": 20.8,
        "setpoint": 20.5,
        "setpointHeat": 20.5,
        "setpointCool": None,
        "setpointRangeMin": 5,
        "setpointRangeMax": 30,
        "isCelsius": True,
        **fields,
    }


def a_device(name: str, device_id: str = "dev/1", state: str = "Connected") -> dict[str, Any]:
    return {
        "id": device_id,
        "connectionState": state,
        "currentFwVersion": "9682R7",
        "product": {"serialNumber": "066", "name": name},
        "availableFeatures": {"settings": True},
    }


def a_system(number: int, *devices: dict[str, Any]) -> dict[str, Any]:
    listed = devices or (a_device("F1155", f"dev-{number}"),)
    return {"systemId": f"sys-{number}", "name": "Home", "country": "Sweden", "devices": list(listed)}
