"""Pages that show the truth behind the clouds to demos and tests; no vendor has any.

Protects: reading changes nothing; what acts is in `actions`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from simulator.clouds.wire import Answer, query_of
from simulator.control.enrolment import enrolment_of
from simulator.faults.calls import KEPT_MINUTES, MINUTE_S
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.homes.history import SLOT_S, SlotTotals
from simulator.physics.weather import instant
from simulator.truth import stamp

_LONGEST_SLOTS = 14 * 96


class FleetPages:
    """What can be read below /_world."""

    def __init__(self, fleet: SimulatedFleet) -> None:
        self._fleet = fleet

    async def health(self, _request: Request) -> Response:
        """GET: whether it runs, and the steered time."""
        now_s = self._fleet.now_s()
        return Answer({"ok": True, "steered": stamp(now_s), "pumps": len(self._fleet.homes)})

    async def now(self, _request: Request) -> Response:
        """GET: the true state of every house and its twin."""
        now_s = self._fleet.advance()
        return Answer({"steered": stamp(now_s), "pumps": [self._state(home) for home in self._fleet.homes]})

    def _state(self, home: Home) -> dict[str, Any]:
        unit, steered = home.unit, home.steered
        return {
            "pump": unit.pump_id,
            "room_c": round(steered.rooms.air_c, 4),
            "twin_room_c": round(home.twin.rooms.air_c, 4),
            "lever": unit.heating_lever,
            "setting": unit.setting,
            "household_setting": unit.household_setting,
            "power_w": round(steered.power_w, 1),
            "twin_power_w": round(home.twin.power_w, 1),
            "supply_c": round(steered.control.supply_c, 2),
            "target_supply_c": round(steered.control.target_c, 2),
            "outdoor_c": round(self._fleet.outside.outdoor_c + unit.spec.local_outdoor_k, 2),
            "levers": {lever.value: state.setting for lever, state in unit.levers.items()},
            "condition": unit.condition.value,
            "hot_water_c": round(steered.tank.water_c, 3),
            "twin_hot_water_c": round(home.twin.tank.water_c, 3),
        }

    async def enrolment(self, _request: Request) -> Response:
        """GET: what installers noted of each home."""
        sheets = [enrolment_of(self._fleet, home) for home in self._fleet.homes]
        return Answer([sheet.model_dump(mode="json") for sheet in sheets])

    async def summary(self, request: Request) -> Response:
        """GET ?start=&end= (ISO, on slot edges): exact sums by slot of every house and its twin."""
        try:
            query = query_of(request, frozenset(("start", "end")))
            first, end = _slot_number(query["start"]), _slot_number(query["end"])
        except (ValueError, KeyError) as broken:
            return Answer({"error": f"start and end are needed on slot edges: {broken}"}, 400)
        if not 0 < end - first <= _LONGEST_SLOTS:
            return Answer({"error": "end must lie after start, by fourteen days at most"}, 400)
        self._fleet.advance()
        slots = range(first, end)
        return Answer(
            {
                "slots": [instant(slot * SLOT_S).isoformat() for slot in slots],
                "pumps": [self._sums(home, slots) for home in self._fleet.homes],
            }
        )

    def _sums(self, home: Home, slots: range) -> dict[str, Any]:
        totals = [home.history.get(slot) for slot in slots]
        kwh, twin_kwh = (sum(slot.kwh for slot in totals), sum(slot.twin_kwh for slot in totals))
        heat_kwh, twin_heat_kwh = sum(slot.heat_kwh for slot in totals), sum(slot.twin_heat_kwh for slot in totals)
        is_over = self._fleet.minute_s >= slots.stop * SLOT_S
        stored_kwh = totals[-1].stored_kwh if is_over else self._fleet.stored_kwh(home)
        return {
            "pump": home.unit.pump_id,
            "lever": home.unit.heating_lever,
            "baseline_setting": home.unit.household_setting,
            "minutes": [slot.minutes for slot in totals],
            "kwh": [round(slot.kwh, 6) for slot in totals],
            "baseline_kwh": [round(slot.twin_kwh, 6) for slot in totals],
            "room_c": [_mean(slot.room_c_sum, slot) for slot in totals],
            "baseline_room_c": [_mean(slot.twin_room_c_sum, slot) for slot in totals],
            "outdoor_c": [_mean(slot.outdoor_c_sum, slot) for slot in totals],
            "kelvin_hours": round(sum(slot.too_cold_kh + slot.too_warm_kh for slot in totals), 6),
            "baseline_kelvin_hours": round(sum(slot.twin_too_cold_kh + slot.twin_too_warm_kh for slot in totals), 6),
            "kelvin_hours_cold": round(sum(slot.too_cold_kh for slot in totals), 6),
            "baseline_kelvin_hours_cold": round(sum(slot.twin_too_cold_kh for slot in totals), 6),
            "backup_kwh": round(sum(slot.backup_kwh for slot in totals), 6),
            "baseline_backup_kwh": round(sum(slot.twin_backup_kwh for slot in totals), 6),
            "stored_heat_kwh": round(stored_kwh, 6),
            "cop": round(heat_kwh / kwh, 4) if kwh else None,
            "baseline_cop": round(twin_heat_kwh / twin_kwh, 4) if twin_kwh else None,
            "levers": {lever.value: state.household_setting for lever, state in home.unit.levers.items()},
            "room_min_c": _lowest(slot.room_min_c for slot in totals if slot.minutes),
            "baseline_room_min_c": _lowest(slot.twin_room_min_c for slot in totals if slot.minutes),
        } | _water_sums(totals)

    async def calls(self, request: Request) -> Response:
        """GET ?start=&end=&oem= (ISO; by default since the epoch): calls to the vendors' clouds by steered minute."""
        now_s = self._fleet.now_s()
        try:
            query = query_of(request, frozenset(("start", "end", "oem")))
            first_s = _moment_s(query["start"]) if "start" in query else self._fleet.epoch_s
            end_s = _moment_s(query["end"]) if "end" in query else now_s + MINUTE_S
        except ValueError as broken:
            return Answer({"error": str(broken)}, 400)
        minutes = range(int(first_s // MINUTE_S), int(end_s // MINUTE_S))
        if not 0 < len(minutes) <= KEPT_MINUTES:
            return Answer({"error": "end must lie after start, by fourteen days at most"}, 400)
        switchboard = self._fleet.switchboard
        counter = switchboard.calls_of(query["oem"]) if "oem" in query else switchboard.calls
        counts = [counter.get(minute) for minute in minutes]
        return Answer(
            {
                "minutes": [instant(minute * MINUTE_S).isoformat() for minute in minutes],
                "calls": [calls for calls, _, _ in counts],
                "writes": [writes for _, writes, _ in counts],
                "outage_calls": [down for _, _, down in counts],
            }
        )


def _water_sums(totals: list[SlotTotals]) -> dict[str, Any]:
    """The hot water's figures; energy is electricity spent on the tank."""
    known = [slot for slot in totals if slot.minutes]
    return {
        "hot_water_c": [_mean(slot.tank_c_sum, slot) for slot in totals],
        "baseline_hot_water_c": [_mean(slot.twin_tank_c_sum, slot) for slot in totals],
        "hot_water_min_c": _lowest(slot.tank_min_c for slot in known),
        "hot_water_max_c": round(max(slot.tank_max_c for slot in known), 3) if known else None,
        "baseline_hot_water_min_c": _lowest(slot.twin_tank_min_c for slot in known),
        "hot_water_kwh": round(sum(slot.hot_water_kwh for slot in totals), 6),
        "baseline_hot_water_kwh": round(sum(slot.twin_hot_water_kwh for slot in totals), 6),
        "hot_water_slot_kwh": [round(slot.hot_water_kwh, 6) for slot in totals],
        "baseline_hot_water_slot_kwh": [round(slot.twin_hot_water_kwh, 6) for slot in totals],
    }


def _moment_s(text: str) -> float:
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return moment.timestamp()


def _slot_number(text: str) -> int:
    moment_s = _moment_s(text)
    if moment_s % SLOT_S:
        raise ValueError(f"{text} is not on a slot's edge")
    return int(moment_s) // SLOT_S


def _lowest(values: Iterable[float]) -> float | None:
    known = list(values)
    return round(min(known), 3) if known else None


def _mean(total: float, slot: SlotTotals) -> float | None:
    return round(total / slot.minutes, 5) if slot.minutes else None
