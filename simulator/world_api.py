"""A window into the world behind the clouds, for demos and tests; no vendor has one.

Protects: looking changes nothing; only a household's hand and the fault switches act.
"""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from domain.enrolment import BuildingClass, Enrolment
from simulator.history import SLOT_S, SlotBook
from simulator.points import SETPOINT_MAX_C, SETPOINT_MIN_C, SETPOINT_STEP_K, lever_point
from simulator.seeded import bell, share
from simulator.truth import stamp
from simulator.unit import Unit
from simulator.weather import instant
from simulator.wire import Answer, query_of, read_json
from simulator.world import LATITUDE, LONGITUDE, Home, World

_CLASSES = tuple(BuildingClass)
_WRONG_CLASS_SHARE = 0.12
_LONGEST_SLOTS = 14 * 96


class WorldApi:
    """Everything below /_world."""

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
        }

    async def household(self, request: Request) -> Response:
        """POST {"pump","lever","value"}: a person sets the unit itself; its twin's people do the same."""
        try:
            body = await read_json(request)
            home = self._world.by_pump[body["pump"]]
            lever, value = body["lever"], float(body["value"])
        except (ValueError, KeyError, TypeError) as broken:
            return Answer({"error": f"a pump, its lever and a value are needed: {broken!r}"}, 400)
        refusal = _refusal(home.unit, lever, value)
        if refusal is not None:
            return Answer({"error": refusal}, 400)
        now_s = self._world.advance()
        home.unit.set_by_person(value, now_s, self._world.tell)
        return Answer({"pump": home.unit.pump_id, "lever": home.unit.lever, "value": value})

    async def faults(self, request: Request) -> Response:
        """POST {name: rate}: change these rates, leave the others; GET: all rates."""
        if request.method == "POST":
            try:
                rates = dict(await read_json(request))
                self._world.advance()
                self._world.dice.set_rates(rates)
            except (ValueError, TypeError) as broken:
                return Answer({"error": str(broken)}, 400)
        return Answer(self._world.dice.rates)


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
        vendor_system_id=unit.system_id,
        vendor_device_id=unit.device_id,
        price_area=price_area,
        grid_area="feeder-1",
        weather_cell=f"{LATITUDE},{LONGITUDE}",
        building_class=_CLASSES[place],
        heated_area_m2=round(area_m2 / 5) * 5.0,
        emitter=spec.emitter,
        rated_heat_kw=round(rated_kw * 2) / 2,
        band=spec.household.band,
    )


def _refusal(unit: Unit, lever: object, value: float) -> str | None:
    if lever != unit.lever:
        return f"the lever of {unit.pump_id} is {unit.lever}"
    if unit.spec.is_s_series:
        fits = SETPOINT_MIN_C <= value <= SETPOINT_MAX_C and (value / SETPOINT_STEP_K) % 1.0 == 0
        return None if fits else "the room setpoint goes from 5 to 35 in steps of 0.5"
    return lever_point(unit).refusal(value)


def _slot_number(text: str) -> int:
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    if moment.timestamp() % SLOT_S:
        raise ValueError(f"{text} is not on a slot's edge")
    return int(moment.timestamp()) // SLOT_S


def _mean(total: float, book: SlotBook) -> float | None:
    return round(total / book.minutes, 5) if book.minutes else None
