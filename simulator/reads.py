"""What the vendor cloud answers to reads: lists, devices, points and zones, out of the units' snapshots.

Protects: the cloud tells only what a unit published, with the publication's stamp.
"""

from typing import Any

from starlette.requests import Request

from domain.oem.cloud import Condition
from simulator.points import point_list, zone_of
from simulator.snapshot import Snapshot
from simulator.wire import Answer, query_of
from simulator.world import Home, World

_FIRMWARE = {True: "4.11.5", False: "9682R7"}
_NEXT_FIRMWARE = {True: "4.12.2", False: "9682R9"}
_MOST_PER_PAGE = 100


class ReadDesk:
    """Answers the GET routes of the vendor cloud; a `number` is the request's, for the dice."""

    def __init__(self, world: World) -> None:
        self._world = world

    def systems(self, request: Request, now_s: float) -> Answer:
        """One page of all systems."""
        try:
            query = query_of(request, frozenset(("page", "itemsPerPage")))
            page, size = int(query.get("page", "1")), int(query.get("itemsPerPage", "10"))
        except ValueError as broken:
            return Answer({"status": 400, "error": str(broken)}, 400)
        if page < 1 or not 1 <= size <= _MOST_PER_PAGE:
            return Answer({"status": 400, "error": "page or itemsPerPage outside of its range"}, 400)
        systems = [
            {
                "systemId": home.unit.system_id,
                "name": f"Home {home.unit.spec.index + 1}",
                "securityLevel": "admin",
                "hasAlarm": False,
                "country": "Germany",
                "devices": [self._brief(home, now_s)],
            }
            for home in self._world.homes[(page - 1) * size : page * size]
        ]
        total = len(self._world.homes)
        return Answer({"page": page, "itemsPerPage": size, "numItems": total, "systems": systems})

    def mode(self, system_id: str) -> Answer:
        """The away switch of a system, as a person set it in the vendor's app."""
        found = next((home for home in self._world.homes if home.unit.system_id == system_id), None)
        if found is None:
            detail = f'The subject does not have access to the system "{system_id}"'
            return Answer({"status": 403, "title": "Forbidden", "detail": detail}, 403)
        return Answer({"smartHomeMode": "Away" if found.unit.condition is Condition.AWAY else "Default"})

    def device(self, home: Home, now_s: float) -> Answer:
        """One device: connection, firmware, what it can."""
        firmware = _FIRMWARE[home.unit.spec.is_s_series]
        features = {"settings": True, "reboot": True, "forcesync": True, "weeklySchedule": False}
        body = self._brief(home, now_s)
        body["firmware"] = {"currentFwVersion": firmware, "desiredFwVersion": _coming(home) or firmware}
        body["availableFeatures"] = features | {"smartHomeZones": home.unit.spec.is_s_series}
        return Answer(body)

    def firmware(self, home: Home) -> Answer:
        """One device's firmware, pending while it is being changed."""
        coming = _coming(home)
        firmware = _FIRMWARE[home.unit.spec.is_s_series]
        return Answer(
            {
                "deviceId": home.unit.device_id,
                "firmwareId": "nibe-s" if home.unit.spec.is_s_series else "nibe-f",
                "currentFwVersion": firmware,
                "pendingFwVersion": coming,
                "desiredFwVersion": coming or firmware,
            }
        )

    def points(self, request: Request, home: Home, number: int, now_s: float) -> Answer:
        """The points asked for, or all; ids that the device has not are left out."""
        try:
            asked = query_of(request, frozenset(("parameters",))).get("parameters")
        except ValueError as broken:
            return Answer({"status": 400, "error": str(broken)}, 400)
        wanted = {name.strip() for name in asked.split(",")} if asked else None
        return Answer(point_list(home.unit, self._snapshot(home, number, now_s), wanted))

    def zones(self, home: Home, number: int, now_s: float) -> Answer:
        """The heating zones; only the S-series has one."""
        if not home.unit.spec.is_s_series:
            return Answer([])
        return Answer([zone_of(self._snapshot(home, number, now_s))])

    def _brief(self, home: Home, now_s: float) -> dict[str, Any]:
        offline = self._world.dice.offline(home.unit.device_id, now_s)
        return {
            "id": home.unit.device_id,
            "connectionState": "Disconnected" if offline else "Connected",
            "currentFwVersion": _FIRMWARE[home.unit.spec.is_s_series],
            "deviceType": "nibe-n",
            "product": {"serialNumber": home.unit.serial, "name": home.unit.product_name},
        }

    def _snapshot(self, home: Home, number: int, now_s: float) -> Snapshot:
        """What the cloud knows of a unit; a stale read knows less than it could."""
        subject, dice = home.unit.device_id, self._world.dice
        if dice.strikes("stale-read", subject, number, now_s):
            now_s -= dice.amount("stale-read", subject, number, 600.0, 1800.0)
        return home.unit.read(now_s)


def _coming(home: Home) -> str | None:
    """The firmware that a unit is being changed to."""
    return _NEXT_FIRMWARE[home.unit.spec.is_s_series] if home.unit.condition is Condition.UPDATING else None
