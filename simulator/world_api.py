"""A window into the world behind the clouds, for demos and tests; no vendor has one.

Protects: looking changes nothing; what acts is in `world_acts`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from domain.homes.enrolment import BuildingClass, Enrolment
from simulator.calls import KEPT_MINUTES, MINUTE_S
from simulator.history import SLOT_S, SlotBook
from simulator.seeded import bell, share
from simulator.truth import stamp
from simulator.unit import Unit
from simulator.weather import instant
from simulator.wire import Answer, query_of
from simulator.world import LATITUDE, LONGITUDE, Home, World

_CLASSES = tuple(BuildingClass)
_WRONG_CLASS_SHARE = 0.12
_LONGEST_SLOTS = 14 * 96


class WorldApi:
    """What can be read below /_world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def health(self, _request: Request) -> Response:
        """GET: whether it runs, and the steered time."""
        now_s = self._world.now_s()
        return Answer({"ok": True, "steered": stamp(now_s), "pumps": len(self._world.homes)})

    async def now(self, _request: Request) -> Response:
        """GET: the true state of every house and its twin."""
        now_s = self._world.advance()
        return Answer({"steered": stamp(now_s), "pumps": [self._state(home) for home in self._world.homes]})

    def _state(self, home: Home) -> dict[str, Any]:
        unit, steered = home.unit, home.steered
        return {
            "pump": unit.pump_id,
            "room_c": round(steered.rooms.air_c, 4),
            "twin_room_c": round(home.twin.rooms.air_c, 4),
            "lever": unit.lever,
            "setting": unit.setting,
            "household_setting": unit.household_setting,
            "power_w": round(steered.power_w, 1),
            "twin_power_w": round(home.twin.power_w, 1),
            "supply_c": round(steered.control.supply_c, 2),
            "target_supply_c": round(steered.control.target_c, 2),
            "outdoor_c": round(self._world.outside.outdoor_c + unit.spec.local_outdoor_k, 2),
            "levers": {lever.value: knob.setting for lever, knob in unit.knobs.items()},
            "condition": unit.condition.value,
            "hot_water_c": round(steered.tank.water_c, 3),
            "twin_hot_water_c": round(home.twin.tank.water_c, 3),
        }

    async def enrolment(self, _request: Request) -> Response:
        """GET: the installers' sheets."""
        area = self._world.config.price_area
        sheets = [sheet(self._world.config.seed, area, home.unit) for home in self._world.homes]
        return Answer([enrolment.model_dump(mode="json") for enrolment in sheets])

    async def summary(self, request: Request) -> Response:
        """GET ?start=&end= (ISO, on slot edges): exact sums by slot of every house and its twin."""
        try:
            query = query_of(request, frozenset(("start", "end")))
            first, end = _slot_number(query["start"]), _slot_number(query["end"])
        except (ValueError, KeyError) as broken:
            return Answer({"error": f"start and end are needed on slot edges: {broken}"}, 400)
        if not 0 < end - first <= _LONGEST_SLOTS:
            return Answer({"error": "end must lie after start, by fourteen days at most"}, 400)
        self._world.advance()
        slots = range(first, end)
        return Answer(
            {
                "slots": [instant(slot * SLOT_S).isoformat() for slot in slots],
                "pumps": [self._sums(home, slots) for home in self._world.homes],
            }
        )

    def _sums(self, home: Home, slots: range) -> dict[str, Any]:
        books = [home.history.get(slot) for slot in slots]
        kwh, twin_kwh = (sum(book.kwh for book in books), sum(book.twin_kwh for book in books))
        heat_kwh, twin_heat_kwh = sum(b.heat_kwh for b in books), sum(b.twin_heat_kwh for b in books)
        is_over = self._world.minute_s >= slots.stop * SLOT_S
        stored_kwh = books[-1].stored_kwh if is_over else self._world.stored_kwh(home)
        return {
            "pump": home.unit.pump_id,
            "lever": home.unit.lever,
            "baseline_setting": home.unit.household_setting,
            "minutes": [book.minutes for book in books],
            "kwh": [round(book.kwh, 6) for book in books],
            "baseline_kwh": [round(book.twin_kwh, 6) for book in books],
            "room_c": [_mean(book.room_c_sum, book) for book in books],
            "baseline_room_c": [_mean(book.twin_room_c_sum, book) for book in books],
            "outdoor_c": [_mean(book.outdoor_c_sum, book) for book in books],
            "kelvin_hours": round(sum(b.too_cold_kh + b.too_warm_kh for b in books), 6),
            "baseline_kelvin_hours": round(sum(b.twin_too_cold_kh + b.twin_too_warm_kh for b in books), 6),
            "kelvin_hours_cold": round(sum(b.too_cold_kh for b in books), 6),
            "baseline_kelvin_hours_cold": round(sum(b.twin_too_cold_kh for b in books), 6),
            "backup_kwh": round(sum(b.backup_kwh for b in books), 6),
            "baseline_backup_kwh": round(sum(b.twin_backup_kwh for b in books), 6),
            "stored_heat_kwh": round(stored_kwh, 6),
            "cop": round(heat_kwh / kwh, 4) if kwh else None,
            "baseline_cop": round(twin_heat_kwh / twin_kwh, 4) if twin_kwh else None,
            "levers": {lever.value: knob.household_setting for lever, knob in home.unit.knobs.items()},
            "room_min_c": _lowest(b.room_min_c for b in books if b.minutes),
            "baseline_room_min_c": _lowest(b.twin_room_min_c for b in books if b.minutes),
        } | _water_sums(books)

    async def calls(self, request: Request) -> Response:
        """GET ?start=&end= (ISO; by default since the epoch): calls to the vendor's cloud by steered minute."""
        now_s = self._world.now_s()
        try:
            query = query_of(request, frozenset(("start", "end")))
            first_s = _moment_s(query["start"]) if "start" in query else self._world.epoch_s
            end_s = _moment_s(query["end"]) if "end" in query else now_s + MINUTE_S
        except ValueError as broken:
            return Answer({"error": str(broken)}, 400)
        minutes = range(int(first_s // MINUTE_S), int(end_s // MINUTE_S))
        if not 0 < len(minutes) <= KEPT_MINUTES:
            return Answer({"error": "end must lie after start, by fourteen days at most"}, 400)
        counts = [self._world.calls.get(minute) for minute in minutes]
        return Answer(
            {
                "minutes": [instant(minute * MINUTE_S).isoformat() for minute in minutes],
                "calls": [calls for calls, _, _ in counts],
                "writes": [writes for _, writes, _ in counts],
                "outage_calls": [down for _, _, down in counts],
            }
        )


def _water_sums(books: list[SlotBook]) -> dict[str, Any]:
    """The hot water's figures; energy is electricity spent on the tank."""
    known = [book for book in books if book.minutes]
    return {
        "hot_water_c": [_mean(book.tank_c_sum, book) for book in books],
        "baseline_hot_water_c": [_mean(book.twin_tank_c_sum, book) for book in books],
        "hot_water_min_c": _lowest(book.tank_min_c for book in known),
        "hot_water_max_c": round(max(book.tank_max_c for book in known), 3) if known else None,
        "baseline_hot_water_min_c": _lowest(book.twin_tank_min_c for book in known),
        "hot_water_kwh": round(sum(book.hot_water_kwh for book in books), 6),
        "baseline_hot_water_kwh": round(sum(book.twin_hot_water_kwh for book in books), 6),
        "hot_water_slot_kwh": [round(book.hot_water_kwh, 6) for book in books],
        "baseline_hot_water_slot_kwh": [round(book.twin_hot_water_kwh, 6) for book in books],
    }


def sheet(seed: int, price_area: str, unit: Unit) -> Enrolment:
    """What an installer noted: the class now and then mistaken, area and power rounded and somewhat off."""
    spec = unit.spec
    place = _CLASSES.index(spec.building_class)
    if share(seed, "mistaken", spec.index) < _WRONG_CLASS_SHARE:
        place = place + 1 if place == 0 else place - 1
    area_m2 = spec.building.area_m2 * (1 + 0.04 * bell(seed, "measured", spec.index))
    rated_kw = spec.pump.rated_heat_w / 1000 * (1 + 0.03 * bell(seed, "plate", spec.index))
    return Enrolment(
        pump_id=unit.pump_id,
        oem="nibe",
        account_id="nibe-main",
        vendor_ref=f"{unit.system_id}/{unit.device_id}",
        price_area=price_area,
        grid_area="feeder-1",
        weather_cell=f"{LATITUDE},{LONGITUDE}",
        building_class=_CLASSES[place],
        heated_area_m2=round(area_m2 / 5) * 5.0,
        emitter=spec.emitter,
        rated_heat_kw=round(rated_kw * 2) / 2,
        band=spec.household.band,
    )


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


def _mean(total: float, book: SlotBook) -> float | None:
    return round(total / book.minutes, 5) if book.minutes else None
