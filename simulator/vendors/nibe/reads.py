"""What the myUplink cloud answers to reads: lists, devices, points and zones, from the units' snapshots.

Protects: the cloud knows only what a unit published, with the publication's stamp.
"""

from collections.abc import Sequence
from datetime import timedelta, tzinfo
from typing import Any

from simulator.clouds.cloud import Call, Refusal
from simulator.clouds.wire import Answer, query_of
from simulator.faults.rates import FaultDice
from simulator.homes.conditions import Condition
from simulator.homes.fleet import Home
from simulator.homes.snapshot import Snapshot
from simulator.physics.weather import instant
from simulator.vendors.nibe.features import available_features
from simulator.vendors.nibe.point import Point
from simulator.vendors.nibe.points import point_list, series
from simulator.vendors.nibe.s_series import zone_of

_FIRMWARE_ID = {True: "57", False: "12"}
"""By whether the unit is of the S-series; clients read a number."""
_FIRMWARE = {True: "4.11.5", False: "9682R7"}
_NEXT_FIRMWARE = {True: "4.12.2", False: "9682R9"}
_MOST_PER_PAGE = 100


class Reads:
    """Answers the GET requests."""

    def __init__(self, homes: Sequence[Home], dice: FaultDice, tz: tzinfo) -> None:
        self._homes = homes
        self._dice = dice
        self._tz = tz

    def systems(self, call: Call, now_s: float) -> Answer:
        """One page of all systems."""
        page, size = _page_of(call)
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
        away = self.system(system_id).unit.condition is Condition.AWAY
        return Answer({"smartHomeMode": "Away" if away else "Default"})

    def system(self, system_id: str) -> Home:
        """The home of a system; raises Refusal."""
        found = next((home for home in self._homes if home.unit.identity.system_id == system_id), None)
        if found is None:
            raise Refusal(403, f'The subject does not have access to the system "{system_id}"')
        return found

    def notifications(self, call: Call) -> Answer:
        """One page of a system's alarms; no unit here ever has one."""
        self.system(call.parts["system"])
        page, size = _page_of(call)
        return Answer({"page": page, "itemsPerPage": size, "numItems": 0, "notifications": []})

    def subscriptions(self, call: Call, now_s: float) -> Answer:
        """What the household pays for: `manage` is what lets a client write."""
        self.system(call.parts["system"])
        until = (instant(now_s).astimezone(self._tz) + timedelta(days=200)).isoformat(timespec="seconds")
        return Answer({"subscriptions": [{"type": kind, "validUntil": until} for kind in ("history", "manage")]})

    def categories(self, home: Home) -> Answer:
        """Which smart-home categories the unit has."""
        known = sorted({category for point in series(home.unit) for category in point.categories})
        return Answer(dict.fromkeys(known, True))

    def device(self, home: Home, now_s: float) -> Answer:
        """One device: connection, firmware, what it can."""
        firmware = _FIRMWARE[home.unit.spec.by_setpoint]
        body = self._brief(home, now_s)
        body["firmware"] = {"currentFwVersion": firmware, "desiredFwVersion": _coming(home) or firmware}
        body["availableFeatures"] = available_features(has_zones=home.unit.spec.by_setpoint)
        return Answer(body)

    def firmware(self, home: Home) -> Answer:
        """One device's firmware, pending while it is being replaced."""
        coming = _coming(home)
        firmware = _FIRMWARE[home.unit.spec.by_setpoint]
        return Answer(
            {
                "deviceId": home.unit.identity.device_id,
                "firmwareId": _FIRMWARE_ID[home.unit.spec.by_setpoint],
                "currentFwVersion": firmware,
                "pendingFwVersion": coming or "",
                "desiredFwVersion": coming or firmware,
            }
        )

    def points(self, call: Call, home: Home, now_s: float) -> Answer:
        """The points asked for, or all; unknown ids are left out, one lost in an update has the whole read refused."""
        try:
            asked = query_of(call.request, frozenset(("parameters",))).get("parameters")
        except ValueError as broken:
            raise Refusal(400, str(broken)) from broken
        selected = {name.strip() for name in asked.split(",")} if asked else None
        lost = self._lost_point(home)
        if lost is not None and selected is not None and lost.id in selected:
            raise Refusal(404, f"parameter {lost.id} does not exist on this device")
        points = [point for point in series(home.unit) if point is not lost]
        return Answer(point_list(home.unit, points, self._snapshot(call, home, now_s), selected, self._tz))

    def _lost_point(self, home: Home) -> Point | None:
        """The parameter that a unit lost in an update; None for a unit that has all of them."""
        device = home.unit.identity.device_id
        if self._dice.amount("lost-point", device, 0, 0.0, 1.0) >= self._dice.rates.get("lost-point", 0.0):
            return None
        readable = [point for point in series(home.unit) if not point.writable]
        return readable[int(self._dice.amount("lost-which", device, 0, 0.0, float(len(readable))))]

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


def _page_of(call: Call) -> tuple[int, int]:
    """Page and items per page that a list is asked for; raises Refusal."""
    try:
        query = query_of(call.request, frozenset(("page", "itemsPerPage")))
        page, size = int(query.get("page", "1")), int(query.get("itemsPerPage", "10"))
    except ValueError as broken:
        raise Refusal(400, str(broken)) from broken
    if page < 1 or not 1 <= size <= _MOST_PER_PAGE:
        raise Refusal(400, "page or itemsPerPage outside of its range")
    return page, size


def _coming(home: Home) -> str | None:
    """The firmware that a unit is being changed to."""
    return _NEXT_FIRMWARE[home.unit.spec.by_setpoint] if home.unit.condition is Condition.UPDATING else None
