"""The parameters of the F-series.

Protects: ids, names, raw ranges, scales and categories are the vendor's.
"""

from simulator.homes.conditions import Condition
from simulator.homes.snapshot import ABSENT, Snapshot, speed_hz
from simulator.levers import Lever
from simulator.vendors.nibe.point import ON_OFF, Point, heating_allowed, shows

_VOLT = 230.0
_POWER_FACTOR = 0.95
_HOUSEHOLD_SIDE_FACTOR = 0.9
_OPERATING = ((0, "Auto"), (1, "Manual"), (2, "Add. heat only"))
_COMFORT = ((4, "smart control"), (0, "economy"), (1, "normal"), (2, "luxury"))
_PRIORITY = ((10, "Off"), (20, "Hot water"), (30, "Heating"), (40, "Pool"), (60, "Cooling"))
_COMPRESSOR = ((20, "Off"), (40, "Starts"), (60, "Runs"), (100, "Stops"))


def _phase_a(snapshot: Snapshot, first: bool) -> float:
    """Current of one phase: compressor and immersion heater on all three, the small loads on the first."""
    current_a = snapshot.compressor_w / (3 * _VOLT * _POWER_FACTOR) + snapshot.backup_w / (3 * _VOLT)
    if first:
        small_w = snapshot.power_w - snapshot.compressor_w - snapshot.backup_w
        current_a += small_w / (_VOLT * _HOUSEHOLD_SIDE_FACTOR)
    return round(current_a, 1)


def _other_phase_a(snapshot: Snapshot) -> float:
    return _phase_a(snapshot, first=False)


def _priority(snapshot: Snapshot) -> float:
    return (20 if snapshot.on_water else 30) if snapshot.running else 10


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
    Point("43161", "External adjustment", "", shows(Condition.EXTERNAL), "1", texts=ON_OFF),
    Point("43427", "Compressor status", "", lambda s: 60 if s.running else 20, "1", texts=_COMPRESSOR),
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
    Point("47137", "Operating mode", "", shows(Condition.INSTALLER), "1", texts=_OPERATING),
    Point("47371", "Allow heating", "", heating_allowed, "1", texts=ON_OFF),
    Point("48043", "Holiday - activated", "", shows(Condition.AWAY), "1", texts=ON_OFF),
    Point("49994", "Priority", "", _priority, "1", texts=_PRIORITY),
)
