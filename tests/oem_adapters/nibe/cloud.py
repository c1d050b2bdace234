"""Units in the myUplink cloud, as a cloud on loopback tells of them."""

from typing import Any

from tests.oem_adapters.loopback import Answer, Loopback, Request
from tests.oem_adapters.nibe.bodies import a_device, a_zone, f_series_points, s_series_points

DEVICE = "/v2/devices/dev%2F1"
POINTS, ZONES, ZONE = f"{DEVICE}/points", f"{DEVICE}/smart-home-zones", f"{DEVICE}/zones/1"
HOME_MODE = "/v2/systems/sys-1/smart-home-mode"
OLD = "2026-01-21T05:20:00+00:00"


def an_f_series(cloud: Loopback, *more: dict[str, Any], **points: Any) -> None:
    cloud.on("GET", DEVICE, Answer(a_device("F1155-12")))
    cloud.on("GET", POINTS, lambda r: Answer(only_asked(r, [*f_series_points(**points), *more])))
    cloud.on("PATCH", POINTS, modified)


def an_s_series(cloud: Loopback, *zones: dict[str, Any]) -> None:
    cloud.on("GET", DEVICE, Answer(a_device("S1255-12")))
    cloud.on("GET", POINTS, lambda r: Answer(only_asked(r, s_series_points())))
    cloud.on("GET", ZONES, Answer(list(zones or (a_zone(),))))
    cloud.on("GET", HOME_MODE, Answer({"smartHomeMode": "Default"}))
    cloud.on("PATCH", ZONE, modified)


def modified(request: Request) -> Answer:
    return Answer({"status": 200, "payload": dict.fromkeys(request.json, "modified")})


def only_asked(request: Request, points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    asked = request.query.get("parameters")
    return points if asked is None else [p for p in points if p["parameterId"] in asked.split(",")]


def paths(cloud: Loopback) -> list[tuple[str, str]]:
    """Method and path of every call, in order."""
    return [(request.method, request.path) for request in cloud.requests]
