"""What is peculiar to this cloud: its features' names, the words of its refusals, the values that mean nothing.

Protects: a refusal is read by its own words and never by its status alone, for this cloud says "offline" with a 400 and
"not now" with a 502; a value that no sensor could give is no value.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import ValidationError

from domain.oem.errors import NotExecutable, OemError, Offline, RateLimited, Rejected
from oem_adapters.failures import REMOTE_CONTROL_NOT_PERMITTED
from oem_adapters.viessmann.models import REFUSAL, Features, Refusal, number_of

CIRCUITS = "heating.circuits"
CURVE = "heating.circuits.{circuit}.heating.curve"
SET_CURVE = "setCurve"
TANK_TARGET = "heating.dhw.temperature.main"
SET_TARGET = "setTargetTemperature"
MODE = "heating.circuits.{circuit}.operating.modes.active"
PROGRAM = "heating.circuits.{circuit}.operating.programs.active"
HOLIDAYS = ("heating.operating.programs.holiday", "heating.operating.programs.holidayAtHome")
LOCKS = ("heating.external.lock", "device.lock.external")
"""A contact by which a grid operator or another controller holds the unit."""
GRID_LIMIT = "device.power.consumption.limitation"
GRID_LIMITS = "14a"
GRID_LIMIT_OFF = "14aOff"
"""Dimming by the grid operator (paragraph 14a of the German energy act)."""
DEFROSTING = "heating.outdoor.defrosting"
VALVE = "heating.valves.fourThreeWay.position"
VALVE_TO_TANK = "domesticHotWater"

NO_HEATING_MODES = frozenset({"standby", "dhw", "off", "cooling", "dhwAndCooling"})
"""Operating modes in which rooms are not heated. "dhw" is a summer's word of older units."""
AWAY_PROGRAMS = frozenset({"holiday", "holidayAtHome"})

SHIFT_RANGE = (-13.0, 40.0)
TARGET_RANGE_C = (10.0, 60.0)
STEP = 1.0
"""For units that tell no constraints."""

CLOCK_AHEAD = timedelta(minutes=15)
"""A stamp this far in the future comes from a wrong clock and would make a pump look fresh for ever."""
RANGE_LIFE = timedelta(hours=24)
"""How long a lever's range is believed; an installer or a firmware update changes it rarely."""
SLOPE_LIFE = timedelta(minutes=10)
"""A curve is written whole: a slope older than this is read anew, so that a person's change of it is not undone."""
MOST_PAGES = 500
"""A guard against a cloud that never reports an end."""
_SHORTEST_RESET, _LONGEST_RESET = timedelta(seconds=1), timedelta(days=1)
"""A reset outside of these is a misread unit; a day is the longest window."""


@dataclass(frozen=True)
class Sensor:
    """Where a quantity is found, the first that has it, and the values it can have."""

    features: tuple[str, ...]
    lowest: float
    highest: float


ROOM_C = Sensor(("heating.circuits.{circuit}.sensors.temperature.room",), -10.0, 50.0)
OUTDOOR_C = Sensor(("heating.sensors.temperature.outside",), -60.0, 60.0)
SUPPLY_C = Sensor(
    (
        "heating.circuits.{circuit}.sensors.temperature.supply",
        "heating.boiler.sensors.temperature.commonSupply",
        "heating.secondaryCircuit.sensors.temperature.supply",
    ),
    1.0,
    100.0,
)
TARGET_C = Sensor(("heating.circuits.{circuit}.temperature",), 5.0, 100.0)
"""0 while the circuit stands by."""
TANK_C = Sensor(
    ("heating.dhw.sensors.temperature.dhwCylinder", "heating.dhw.sensors.temperature.hotWaterStorage"), 1.0, 100.0
)
POWER_W = Sensor(("heating.inverters.0.sensors.power.output",), 0.0, 60_000.0)
COMPRESSOR_HZ = Sensor(("heating.compressors.0.speed.current",), 0.0, 200.0)


def measured(features: Features, sensor: Sensor, circuit: str = "0") -> float | None:
    """A quantity's value; None where no feature has one that can be true."""
    for name in sensor.features:
        value = number_of(features.value(name.format(circuit=circuit)))
        if value is not None and sensor.lowest <= value <= sensor.highest:
            return value
    return None


def refusal_of(what: str, answer: httpx.Response, is_write: bool, now: datetime) -> OemError | None:
    """An answer outside of 2xx by its own words; None where they say no more than its status."""
    try:
        told = REFUSAL.validate_json(answer.content)
    except ValidationError:
        return None
    match told.kind:
        case "RATE_LIMIT_EXCEEDED":
            return _over_quota(what, told, now)
        case "DEVICE_COMMUNICATION_ERROR" if told.extended.reason in ("GATEWAY_OFFLINE", "DEVICE_OFFLINE"):
            return Offline(f"{what}: the unit is not connected ({told.extended.reason}).")
        case "COMMAND_NOT_FOUND":
            return NotExecutable(f"{what}: the unit does not take this command now ({answer.status_code}).")
        case "PACKAGE_NOT_PAID_FOR":
            missing = f"{what} is not part of the plan that is paid for ({answer.status_code})."
            return Rejected(
                f"{REMOTE_CONTROL_NOT_PERMITTED}: {missing}" if is_write else missing, is_read_only=is_write
            )
    return None


def _over_quota(what: str, told: Refusal, now: datetime) -> RateLimited | None:
    """`limitReset` is in milliseconds since 1970; None where it is absent."""
    reset_ms = number_of(told.extended.limit_reset_ms)
    if reset_ms is None or not 0 <= reset_ms < 1e14:
        return None
    wait = datetime.fromtimestamp(reset_ms / 1000, tz=UTC) - now
    until = now + min(max(wait, _SHORTEST_RESET), _LONGEST_RESET)
    return RateLimited(f"{what} was refused: the call budget of its account is used up.", until)
