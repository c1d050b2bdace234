"""What the myUplink cloud answers to reads: lists, devices, points and zones, from the units' snapshots.

Protects: the cloud knows only what a unit published, with the publication's stamp.
"""

from collections.abc import Sequence
from typing import Any

from simulator.clouds.cloud import Call, Refusal
from simulator.clouds.wire import Answer, query_of
from simulator.faults.rates import FaultDice
from simulator.homes.conditions import Condition
from simulator.homes.fleet import Home
from simulator.homes.snapshot import Snapshot
from simulator.vendors.nibe.points import point_list
from simulator.vendors.nibe.s_series import zone_of

_FIRMWARE = {True: "4.11.5", False: "9682R7"}
_NEXT_FIRMWARE = {True: "4.12.2", False: "9682R9"}
_MOST_PER_PAGE = 100


class Reads:
    """Answers the GET requests."""

    def __init__(self, homes: Sequence[Home], dice: FaultDice) -> None:
        self._homes = homes
        self._dice = dice

    def systems(self, call: Call, now_s: float) -> Answer:
        """One page of all systems."""
        try:
            query = query_of(call.request, frozenset(("page", "itemsPerPage")))
            page, size = int(query.get("page", "1")), int(query.get("itemsPerPage", "10"))
        except ValueError as broken:
            raise Refusal(400, str(broken)) from broken
        if page < 1 or not 1 <= size <= _MOST_PER_PAGE:
            raise Refusal(400, "page or itemsPerPage outside of its range")
        systems = [
            {
                "systemId": home.unit.identity.system_id,
                "name": f"Home {home.unit.spec.index + 1}",
                "securityLevel": "admin",
                "hasAlarm": False,
                "country": "Germany",
                "devices": [self._brief(home, now_s)],
            }
            for home in self._homes[(page - 1) * size : page * size]
        ]
        return Answer({"page": page, "itemsPerPage": size, "numItems": len(self._homes), "systems": systems})

    def mode(self, system_id: str) -> Answer:
        """The away switch of a system, as a person set it in the vendor's app."""
        found = next((home for home in self._homes if home.unit.identity.system_id == system_id), None)
        if found is None:
            detail = f'The subject does not have access to the system "{system_id}"'
            return Answer({"status": 403, "title": "Forbidden", "detail": detail}, 403)
        return Answer({"smartHomeMode": "Away" if found.unit.condition is Condition.AWAY else "Default"})

    def device(self, home: Home, now_s: float) -> Answer:
        """One device: connection, firmware, what it can."""
        firmware = _FIRMWARE[home.unit.spec.by_setpoint]
        features = {"settings": True, "reboot": True, "forcesync": True, "weeklySchedule": False}
        body = self._brief(home, now_s)
        body["firmware"] = {"currentFwVersion": firmware, "desiredFwVersion": _coming(home) or firmware}
        body["availableFeatures"] = features | {"smartHomeZones": home.unit.spec.by_setpoint}
        return Answer(body)

    def firmware(self, home: Home) -> Answer:
        """One device's firmware, pending while it is being replaced."""
        coming = _coming(home)
        firmware = _FIRMWARE[home.unit.spec.by_setpoint]
        return Answer(
            {
                "deviceId": home.unit.identity.device_id,
                "firmwareId": "nibe-s" if home.unit.spec.by_setpoint else "nibe-f",
                "currentFwVersion": firmware,
                "pendingFwVersion": coming,
                "desiredFwVersion": coming or firmware,
            }
        )

    def points(self, call: Call, home: Home, now_s: float) -> Answer:
        """The points asked for, or all; ids that the device does not have are left out."""
        try:
            asked = query_of(call.request, frozenset(("parameters",))).get("parameters")
        except ValueError as broken:
            raise Refusal(400, str(broken)) from broken
        selected = {name.strip() for name in asked.split(",")} if asked else None
        return Answer(point_list(home.unit, self._snapshot(call, home, now_s), selected))

    def zones(self, call: Call, home: Home, now_s: float) -> Answer:
        """The heating zones; only the S-series has one."""
        if not home.unit.spec.by_setpoint:
            return Answer([])
        return Answer([zone_of(self._snapshot(call, home, now_s))])

    def _brief(self, home: Home, now_s: float) -> dict[str, Any]:
        identity = home.unit.identity
        offline = self._dice.offline(identity.device_id, now_s)
        return {
            "id": identity.device_id,
            "connectionState": "Disconnected" if offline else "Connected",
            "currentFwVersion": _FIRMWARE[home.unit.spec.by_setpoint],
            "deviceType": "nibe-n",
            "product": {"serialNumber": identity.serial, "name": identity.model},
        }

    def _snapshot(self, call: Call, home: Home, now_s: float) -> Snapshot:
        """What the cloud knows of a unit; a stale read knows less than it could."""
        if self._dice.strikes("stale-read", call.device, call.number, now_s):
            now_s -= self._dice.amount("stale-read", call.device, call.number, 600.0, 1800.0)
        return home.unit.read(now_s)


def _coming(home: Home) -> str | None:
    """The firmware that a unit is being changed to."""
    return _NEXT_FIRMWARE[home.unit.spec.by_setpoint] if home.unit.condition is Condition.UPDATING else None
