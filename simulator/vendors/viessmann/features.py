"""The features of a unit, from its snapshot.

Protects: names, units, constraints and commands are those of real answers; a sensor that is not there is a feature that
is not enabled.
"""

from simulator.homes.conditions import APPLIES_NOTHING, Condition
from simulator.homes.snapshot import ABSENT, Snapshot, speed_hz
from simulator.homes.unit import Unit
from simulator.levers import Lever
from simulator.vendors.viessmann.feature import Command, Feature, Parameter, flag, number, text

CURVE = "heating.circuits.0.heating.curve"
ONE_TIME_CHARGE = "heating.dhw.oneTimeCharge"
TARGET = "heating.dhw.temperature.main"
SLOPE = 0.6
"""The fake's curves come from commissioning and have no one slope; a written slope must be this one."""
_DATE = r"^[\d]{4}-[\d]{2}-[\d]{2}$"


def features_of(unit: Unit, snapshot: Snapshot) -> list[Feature]:
    """All features as the cloud would list them."""
    return [*_heating(snapshot), *_hot_water(unit, snapshot), *_compressor(snapshot), *_sensors(snapshot)]


def _heating(snapshot: Snapshot) -> list[Feature]:
    condition = snapshot.condition
    is_open = condition not in APPLIES_NOTHING and condition is not Condition.REMOTE_DISABLED
    shift = Parameter("number", {"max": 40, "min": -13, "stepping": 1})
    slope = Parameter("number", {"max": 3.5, "min": 0.2, "stepping": 0.1})
    program = {Condition.AWAY: "holiday", Condition.OFF: "standby"}.get(condition, "normalHeating")
    schedule = {
        "end": Parameter("string", {"regEx": _DATE, "sameDayAllowed": True}),
        "start": Parameter("string", {"regEx": _DATE}),
    }
    mode = Parameter("string", {"enum": ["heating", "standby"]})
    return [
        Feature(
            CURVE,
            {"shift": number(snapshot.setting), "slope": number(SLOPE)},
            {"setCurve": Command({"shift": shift, "slope": slope}, is_open)},
        ),
        Feature("heating.circuits.0.operating.programs.active", {"value": text(program)}),
        Feature(
            "heating.circuits.0.operating.modes.active",
            {"value": text("standby" if condition is Condition.OFF else "heating")},
            {"setMode": Command({"mode": mode}, is_executable=False)},
        ),
        Feature(
            "heating.operating.programs.holiday",
            {"active": flag(condition is Condition.AWAY), "end": text("2000-01-01"), "start": text("2000-01-01")},
            {
                "changeEndDate": Command({"end": schedule["end"]}, is_executable=False),
                "schedule": Command(schedule, is_executable=False),
                "unschedule": Command({}, is_executable=False),
            },
        ),
        Feature("heating.external.lock", {"active": flag(condition is Condition.EXTERNAL)}),
        Feature("heating.circuits.0.temperature", {"value": number(snapshot.target_c, "celsius")}),
        Feature("heating.circuits", {"enabled": {"type": "array", "value": ["0"]}}),
        Feature("device.power.consumption.limitation", {"value": text("14aOff")}),
    ]


def _hot_water(unit: Unit, snapshot: Snapshot) -> list[Feature]:
    tank = unit.levers[Lever.HOT_WATER_TARGET]
    charging = tank.temporary is not None
    is_open = snapshot.condition not in APPLIES_NOTHING and snapshot.condition is not Condition.REMOTE_DISABLED
    active = Parameter("boolean")
    target = {"efficientLowerBorder": 0, "efficientUpperBorder": 55, "max": 60, "min": 10, "stepping": 1}
    return [
        Feature(
            ONE_TIME_CHARGE,
            {"active": flag(charging)},
            {
                "activate": Command({}, is_open),
                "deactivate": Command({}, is_open),
                "setActive": Command({"active": active}, is_open),
            },
        ),
        Feature(
            TARGET,
            # A charge out of turn leaves the target as it is.
            {"value": number(tank.standing if charging else snapshot.comfort, "celsius")},
            {"setTargetTemperature": Command({"temperature": Parameter("number", target)}, is_open)},
        ),
        Feature("heating.dhw.sensors.temperature.dhwCylinder", _measured(snapshot.hot_water_c, "celsius")),
    ]


def _compressor(snapshot: Snapshot) -> list[Feature]:
    phases = Parameter("string", {"enum": ["off", "preparing", "not-ready", "ready"]})
    return [
        Feature(
            "heating.compressors.0",
            {"active": flag(snapshot.running), "phase": text("ready" if snapshot.running else "off")},
            {
                "setActive": Command({"active": Parameter("boolean")}, is_executable=False),
                "setPhase": Command({"value": phases}, is_executable=False),
            },
        ),
        Feature("heating.compressors.0.speed.current", {"value": number(speed_hz(snapshot), "revolutionsPerSecond")}),
        Feature("heating.inverters.0.sensors.power.output", _measured(snapshot.compressor_w, "watt")),
        Feature(
            "heating.valves.fourThreeWay.position",
            {"value": text("domesticHotWater" if snapshot.on_water else "climateCircuitOne")},
        ),
        Feature("heating.outdoor.defrosting", {"active": flag(snapshot.defrost_s > 0.0)}),
    ]


def _sensors(snapshot: Snapshot) -> list[Feature]:
    has_room = snapshot.room_c != ABSENT
    room = _measured(snapshot.room_c, "celsius") if has_room else {}
    return [
        Feature("heating.sensors.temperature.outside", _measured(snapshot.outdoor_c, "celsius")),
        Feature("heating.circuits.0.sensors.temperature.supply", _measured(snapshot.supply_c, "celsius")),
        Feature("heating.circuits.0.sensors.temperature.room", room, is_enabled=has_room),
    ]


def _measured(value: float, unit: str) -> dict[str, dict[str, object]]:
    return {"status": text("connected"), "value": number(value, unit)}
