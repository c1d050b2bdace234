"""The parameters and the heating zone of the S-series.

Protects: ids, names, raw ranges, scales and categories are the vendor's.
"""

from typing import Any

from simulator.homes.conditions import Condition
from simulator.homes.snapshot import Snapshot
from simulator.levers import Lever
from simulator.vendors.nibe.point import ON_OFF, Point, heating_allowed, shows

SETPOINT_MIN_C, SETPOINT_MAX_C, SETPOINT_STEP_K = 15.0, 25.0, 0.5
"""What a zone takes from the cloud; at the unit itself people can set 5 to 35."""
ZONE_ID = "1"
_OPERATING = ((0, "Auto"), (1, "Manual"), (2, "Add. heat only"))
_PRIORITY = (
    *((0, "Off"), (1, "Heating"), (2, "Cooling"), (3, "Hot water")),
    *((4, "Pool"), (5, "Pool 2"), (6, "Pre-heating")),
)


_COMPRESSOR = (
    *((20, "Off"), (40, "Starting"), (60, "On"), (100, "Stopping")),
    *((120, "Defrosting"), (140, "Defrosting"), (160, "Defrosting")),
)


def _compressor(snapshot: Snapshot) -> float:
    """In a defrost the priority goes on showing what the compressor ran for before."""
    if snapshot.defrost_s > 0.0:
        return 120
    return 60 if snapshot.running else 20


def _priority(snapshot: Snapshot) -> float:
    return (3 if snapshot.on_water else 1) if snapshot.running else 0


# No public list of S-series ids names all switches: 3096 and 4063 are assumed, their names are those of the unit's own
# menus. The switches can be written on a real unit; this cloud leaves them to /_world/condition.
S_SERIES: tuple[Point, ...] = (
    Point("3096", "Operating mode", "", shows(Condition.INSTALLER), "1", texts=_OPERATING),
    Point("4", "Current outdoor temperature (BT1)", "°C", lambda s: s.outdoor_c, categories=("sh-outdoorTemp",)),
    Point("8", "Supply line (BT2)", "°C", lambda s: s.supply_c, categories=("sh-supplyTemp",)),
    Point("10", "Return line (BT3)", "°C", lambda s: s.return_c, categories=("sh-returnTemp",)),
    Point("4063", "Allow heating", "", heating_allowed, "1", texts=ON_OFF),
    Point("1965", "Operating mode compressor", "", _compressor, "1", texts=_COMPRESSOR),
    Point(
        "4789",
        "Activated (Smart Price Adaption)",
        "",
        shows(Condition.EXTERNAL),
        scale="1",
        writable=True,
        raw_min=0,
        raw_max=1,
    ),
    Point("14950", "Priority", "", _priority, "1", texts=_PRIORITY),
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


def zone_of(snapshot: Snapshot) -> dict[str, Any]:
    """The heating zone of a unit as the cloud shows it."""
    return {
        "zoneId": ZONE_ID,
        "name": "Climate system 1",
        "commandOnly": False,
        "supportedModes": "",
        "mode": "heat",
        "temperature": snapshot.room_c,
        "setpoint": snapshot.setting,
        "setpointHeat": snapshot.setting,
        "setpointCool": None,
        "setpointRangeMin": SETPOINT_MIN_C,
        "setpointRangeMax": SETPOINT_MAX_C,
        "isCelcius": True,
        "indoorCo2": None,
        "indoorHumidity": None,
    }
