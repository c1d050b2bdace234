"""The parameters of both device families as the vendor's cloud lists them.

Protects: ids, raw ranges, scales, sentinels and categories are the vendor's; values are in real units while
ranges are raw, a trap left in on purpose.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from domain.oem.cloud import Condition
from simulator.levers import Lever
from simulator.snapshot import ABSENT, Snapshot, speed_hz
from simulator.unit import Unit

_VOLT = 230.0
_POWER_FACTOR = 0.95
_HOUSEHOLD_SIDE_FACTOR = 0.9

type Read = Callable[[Snapshot], float]


@dataclass(frozen=True)
class Point:
    """One parameter. Minimum, maximum and step are raw: times `scale` they are in the value's unit."""

    id: str
    name: str
    unit: str
    read: Read
    scale: str = "0.1"
    writable: bool = False
    raw_min: int | None = None
    raw_max: int | None = None
    raw_step: int = 1
    categories: tuple[str, ...] = ()
    texts: tuple[tuple[int, str], ...] = ()
    zone: str | None = None
    lever: Lever | None = None
    """The lever that this point shows."""

    def refusal(self, value: float) -> str | None:
        """Why a value cannot be written; None when it can."""
        if not self.writable:
            return "parameter is not writable"
        if self.texts and value not in {float(number) for number, _ in self.texts}:
            return "value is none of the enumeration"
        scale = float(self.scale)
        if self.raw_min is not None and self.raw_max is not None:
            low, high = self.raw_min * scale, self.raw_max * scale
            if not low - 1e-9 <= value <= high + 1e-9:
                return "value outside of a valid min-max range"
            steps = (value - low) / (self.raw_step * scale)
            if abs(steps - round(steps)) > 1e-6:
                return "value does not lie on a step"
        return None


def _phase_a(snapshot: Snapshot, first: bool) -> float:
    """Current of one phase: compressor and immersion heater on all three, the small loads on the first."""
    current_a = snapshot.compressor_w / (3 * _VOLT * _POWER_FACTOR) + snapshot.backup_w / (3 * _VOLT)
    if first:
        small_w = snapshot.power_w - snapshot.compressor_w - snapshot.backup_w
        current_a += small_w / (_VOLT * _HOUSEHOLD_SIDE_FACTOR)
    return round(current_a, 1)


def _other_phase_a(snapshot: Snapshot) -> float:
    return _phase_a(snapshot, first=False)


def _f_priority(snapshot: Snapshot) -> float:
    return (20 if snapshot.on_water else 30) if snapshot.running else 10


def _s_priority(snapshot: Snapshot) -> float:
    return (3 if snapshot.on_water else 1) if snapshot.running else 0


def _shows(condition: Condition) -> Read:
    """A switch that is on in one condition."""
    return lambda snapshot: 1 if snapshot.condition is condition else 0


def _heating_allowed(snapshot: Snapshot) -> float:
    return 0 if snapshot.condition is Condition.OFF else 1


_ON_OFF = ((0, "off"), (1, "on"))
_OPERATING = ((0, "Auto"), (1, "Manual"), (2, "Add. heat only"))
_COMFORT = ((4, "smart control"), (0, "economy"), (1, "normal"), (2, "luxury"))
_F_PRIORITY = ((10, "Off"), (20, "Hot water"), (30, "Heating"), (40, "Pool"), (60, "Cooling"))
_F_COMPRESSOR = ((20, "Off"), (40, "Starts"), (60, "Runs"), (100, "Stops"))
_S_PRIORITY = (
    *((0, "Off"), (1, "Heating"), (2, "Cooling"), (3, "Hot water")),
    *((4, "Pool"), (5, "Pool 2"), (6, "Pre-heating")),
)
_DEGREE_MINUTES = Point("40940", "Degree minutes", "", lambda s: s.degree_minutes, writable=True)

F_SERIES: tuple[Point, ...] = (
    Point("40004", "Current outd temp (BT1)", "°C", lambda s: s.outdoor_c),
    Point("40008", "Supply line (BT2)", "°C", lambda s: s.supply_c),
    Point("40012", "Return line (BT3)", "°C", lambda s: s.return_c),
    Point("40013", "Hot water top (BT7)", "°C", lambda s: s.hot_water_c),
    Point("40014", "Hot water charging (BT6)", "°C", lambda s: round(s.hot_water_c - 1.6, 1)),
    Point("40033", "Room temperature (BT50)", "°C", lambda s: s.room_c),
    Point("40047", "Supply line (BT61)", "°C", lambda _: ABSENT),
    Point("40048", "Return line (BT62)", "°C", lambda _: ABSENT),
    Point("40067", "Average outdoor temp (BT1)", "°C", lambda s: s.mean_outdoor_c),
    Point("40079", "Current (BE1)", "A", lambda s: _phase_a(s, first=True)),
    Point("40081", "Current (BE2)", "A", _other_phase_a),
    Point("40083", "Current (BE3)", "A", _other_phase_a),
    _DEGREE_MINUTES,
    _DEGREE_MINUTES,  # listed twice, as the vendor does
    Point("41778", "Current compressor frequency", "Hz", speed_hz),
    Point("43009", "Calculated supply climate system 1", "°C", lambda s: s.target_c),
    Point("43066", "Defrosting time", "s", lambda s: s.defrost_s, scale="1"),
    Point("43161", "External adjustment", "", _shows(Condition.EXTERNAL), "1", texts=_ON_OFF),
    Point("43427", "Compressor status", "", lambda s: 60 if s.running else 20, "1", texts=_F_COMPRESSOR),
    Point(
        "47011",
        "Heating offset climate system 1",
        "",
        lambda s: s.setting,
        scale="1",
        writable=True,
        raw_min=-10,
        raw_max=10,
        categories=("sh-indoorSpOffsHeat",),
        lever=Lever.HEATING_OFFSET,
    ),
    Point(
        "47041",
        "Hot water comfort mode",
        "",
        lambda s: s.comfort,
        scale="1",
        writable=True,
        texts=_COMFORT,
        lever=Lever.HOT_WATER_COMFORT,
    ),
    Point("47137", "Operating mode", "", _shows(Condition.INSTALLER), "1", texts=_OPERATING),
    Point("47371", "Allow heating", "", _heating_allowed, "1", texts=_ON_OFF),
    Point("48043", "Holiday - activated", "", _shows(Condition.AWAY), "1", texts=_ON_OFF),
    Point("49994", "Priority", "", _f_priority, "1", texts=_F_PRIORITY),
)

# No public list of S-series ids names its switches: 3096, 4063 and 5089 are assumed, their names are those of the
# unit's own menus. The switches can be written on a real unit; this cloud leaves them to /_world/condition.
S_SERIES: tuple[Point, ...] = (
    Point("3096", "Operating mode", "", _shows(Condition.INSTALLER), "1", texts=_OPERATING),
    Point("4", "Current outdoor temperature (BT1)", "°C", lambda s: s.outdoor_c, categories=("sh-outdoorTemp",)),
    Point("8", "Supply line (BT2)", "°C", lambda s: s.supply_c, categories=("sh-supplyTemp",)),
    Point("10", "Return line (BT3)", "°C", lambda s: s.return_c, categories=("sh-returnTemp",)),
    Point("4063", "Allow heating", "", _heating_allowed, "1", texts=_ON_OFF),
    Point("5089", "Smart price adaption", "", _shows(Condition.EXTERNAL), "1", texts=_ON_OFF),
    Point("14950", "Priority", "", _s_priority, "1", texts=_S_PRIORITY),
    Point("22130", "Instantaneous used power", "W", lambda s: s.power_w, scale="1"),
    Point("28393", "Total consumption", "kWh", lambda s: s.total_kwh),
    Point("32628", "Hot water temperature", "°C", lambda s: s.hot_water_c),
    Point(
        "47751",
        "Room sensor set point value heating climate system 1",
        "°C",
        lambda s: s.setting,
        writable=True,
        raw_min=50,
        raw_max=350,
        raw_step=5,
        categories=("sh-indoorSpHeat",),
        zone="1",
        lever=Lever.ROOM_SETPOINT,
    ),
    Point("48351", "Temperature: Climate system 1", "°C", lambda s: s.room_c, categories=("sh-indoorTemp",)),
    Point("50660", "Room temperature (BT50)", "°C", lambda s: s.room_c, categories=("sh-indoorTemp",)),
)

SETPOINT_MIN_C, SETPOINT_MAX_C, SETPOINT_STEP_K = 5.0, 35.0, 0.5
ZONE_ID = "1"


def family(unit: Unit) -> tuple[Point, ...]:
    """The points a unit has."""
    return S_SERIES if unit.spec.is_s_series else F_SERIES


def point_of(unit: Unit, parameter_id: str) -> Point | None:
    """A point by its id."""
    return next((point for point in family(unit) if point.id == parameter_id), None)


def lever_points(unit: Unit) -> dict[Lever, Point]:
    """The points that show the levers (and take them, but for the S-series' setpoint)."""
    return {point.lever: point for point in family(unit) if point.lever is not None}


def point_list(unit: Unit, snapshot: Snapshot, wanted: Collection[str] | None) -> list[dict[str, Any]]:
    """The cloud's list for a snapshot; all stamps are the publication's."""
    at = datetime.fromtimestamp(int(snapshot.at_s), tz=UTC).isoformat()
    maker = "NIBE" if unit.spec.is_s_series else "NIBEF"
    category = f"{maker} {unit.product_name}"
    return [
        _entry(point, category, at, point.read(snapshot))
        for point in family(unit)
        if wanted is None or point.id in wanted
    ]


def _entry(point: Point, category: str, at: str, value: float) -> dict[str, Any]:
    shown: float = int(value) if value == int(value) else value
    text = next((text for number, text in point.texts if number == shown), None)
    return {
        "category": category,
        "parameterId": point.id,
        "parameterName": point.name,
        "parameterUnit": point.unit,
        "writable": point.writable,
        "timestamp": at,
        "value": shown,
        "strVal": text or f"{shown}{point.unit}",
        "smartHomeCategories": list(point.categories),
        "minValue": point.raw_min,
        "maxValue": point.raw_max,
        "stepValue": point.raw_step,
        "enumValues": [{"value": str(number), "text": name, "icon": ""} for number, name in point.texts],
        "scaleValue": point.scale,
        "zoneId": point.zone,
    }


def zone_of(snapshot: Snapshot) -> dict[str, Any]:
    """The heating zone of an S-series unit as the cloud shows it."""
    return {
        "zoneId": ZONE_ID,
        "name": "Climate system 1",
        "commandOnly": False,
        "supportedModes": "heat",
        "mode": "heat",
        "temperature": snapshot.room_c,
        "setpoint": snapshot.setting,
        "setpointHeat": snapshot.setting,
        "setpointCool": None,
        "setpointRangeMin": SETPOINT_MIN_C,
        "setpointRangeMax": SETPOINT_MAX_C,
        "isCelsius": True,
        "indoorCo2": None,
        "indoorHumidity": None,
    }
