"""A unit's features turned into levers and readings.

Protects: a lever is offered only with its command and its value; a setting outside its own range is no setting; a
feature that a unit does not have says nothing against its being steered.
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, unquote

from domain.oem.lever import Lever, LeverName, LeverSpec
from domain.oem.readings import Busy, Condition, Reading
from domain.oem.units import PumpAddress
from oem_adapters.viessmann.manifest import HEATING_OFFSET, HOT_WATER_TARGET
from oem_adapters.viessmann.models import Feature, Features, number_of
from oem_adapters.viessmann.quirks import (
    AWAY_PROGRAMS,
    CIRCUITS,
    CLOCK_AHEAD,
    COMPRESSOR_HZ,
    CURVE,
    DEFROSTING,
    GRID_LIMIT,
    GRID_LIMIT_OFF,
    GRID_LIMITS,
    HOLIDAYS,
    LOCKS,
    MODE,
    NO_HEATING_MODES,
    OUTDOOR_C,
    POWER_W,
    PROGRAM,
    ROOM_C,
    SET_CURVE,
    SET_TARGET,
    SHIFT_RANGE,
    STEP,
    SUPPLY_C,
    TANK_C,
    TANK_TARGET,
    TARGET_C,
    TARGET_RANGE_C,
    VALVE,
    VALVE_TO_TANK,
    measured,
)


def circuit_of(features: Features) -> str:
    """The first heating circuit that is in use and has a curve; "0" where none is told."""
    enabled = features.value(CIRCUITS, "enabled")
    known = [str(circuit) for circuit in enabled] if isinstance(enabled, list) else []
    return next((circuit for circuit in known if features.get(CURVE.format(circuit=circuit))), "0")


def levers_of(features: Features) -> dict[LeverName, Lever]:
    """Every lever that can be read back and has a command, executable now or not."""
    curve = features.get(CURVE.format(circuit=circuit_of(features)))
    found = (heating_offset(curve), hot_water_target(features.get(TANK_TARGET)))
    return {lever.name: lever for lever in found if lever is not None}


def heating_offset(curve: Feature | None) -> Lever | None:
    """The shift of a heating curve."""
    return _lever(HEATING_OFFSET, curve, SET_CURVE, "shift", "shift", SHIFT_RANGE)


def hot_water_target(target: Feature | None) -> Lever | None:
    """The temperature that the tank is charged to."""
    return _lever(HOT_WATER_TARGET, target, SET_TARGET, "value", "temperature", TARGET_RANGE_C)


def _lever(
    spec: LeverSpec,
    feature: Feature | None,
    command_name: str,
    shown: str,
    parameter: str,
    usual: tuple[float, float],
) -> Lever | None:
    command = None if feature is None else feature.command(command_name)
    if feature is None or command is None:
        return None
    low, high = command.limit(parameter, "min"), command.limit(parameter, "max")
    low, high = usual[0] if low is None else low, usual[1] if high is None else high
    setting = number_of(feature.value(shown))
    if setting is None or not low <= setting <= high:
        return None
    step = command.limit(parameter, "stepping") or STEP
    return Lever(spec=spec, wire_id=feature.name, minimum=low, maximum=high, step=step, baseline=setting)


def slope_of(curve: Feature | None) -> float | None:
    """The slope of a heating curve, which is written together with its shift."""
    return None if curve is None else number_of(curve.value("slope"))


def reading_of(lever: LeverName, features: Features, as_of: datetime) -> Reading:
    """All that the features tell."""
    circuit = circuit_of(features)
    settings = {name: found.baseline for name, found in levers_of(features).items()}
    return Reading(
        as_of=as_of,
        lever=lever,
        setting=settings.get(lever),
        room_c=measured(features, ROOM_C, circuit),
        outdoor_c=measured(features, OUTDOOR_C),
        supply_c=measured(features, SUPPLY_C, circuit),
        power_w=measured(features, POWER_W),
        compressor_hz=measured(features, COMPRESSOR_HZ),
        target_c=measured(features, TARGET_C, circuit),
        hot_water_c=measured(features, TANK_C),
        settings=settings,
        condition=condition_of(features),
        busy=busy_of(features),
    )


def newest_stamp(features: Features, now: datetime) -> datetime | None:
    """The newest stamp that no wrong clock gave."""
    return max((stamp for stamp in features.stamps() if stamp <= now + CLOCK_AHEAD), default=None)


def condition_of(features: Features) -> Condition:
    """How the unit stands towards being steered, the strongest reason first; what is not told counts as normal."""
    circuit = circuit_of(features)
    if features.value(MODE.format(circuit=circuit)) in NO_HEATING_MODES:
        return Condition.OFF
    curve = features.get(CURVE.format(circuit=circuit))
    command = None if curve is None else curve.command(SET_CURVE)
    if command is not None and not command.is_executable:
        return Condition.REMOTE_DISABLED
    is_away = any(features.value(holiday, "active") is True for holiday in HOLIDAYS)
    if is_away or features.value(PROGRAM.format(circuit=circuit)) in AWAY_PROGRAMS:
        return Condition.AWAY
    if any(features.value(lock, "active") is True for lock in LOCKS) or _is_dimmed(features.value(GRID_LIMIT)):
        return Condition.EXTERNAL
    return Condition.NORMAL


def _is_dimmed(word: object) -> bool:
    return isinstance(word, str) and word.startswith(GRID_LIMITS) and word != GRID_LIMIT_OFF


def busy_of(features: Features) -> Busy | None:
    """What the compressor does that is not heating rooms."""
    if features.value(DEFROSTING, "active") is True:
        return Busy.DEFROST
    valve = features.value(VALVE)
    return Busy.HOT_WATER if isinstance(valve, str) and valve.startswith(VALVE_TO_TANK) else None


def has_room_sensor(features: Features) -> bool:
    """Whether the room's temperature is told."""
    return measured(features, ROOM_C, circuit_of(features)) is not None


def ref_of(installation: str, gateway: str, device: str) -> str:
    """The reference of a device."""
    return "/".join(quote(part, safe="") for part in (installation, gateway, device))


def ids_of(pump: PumpAddress) -> Mapping[str, str]:
    """What fills a route, from a reference."""
    parts = [unquote(part) for part in pump.vendor_ref.split("/")]
    return dict(zip(("installation", "gateway", "device"), [*parts, "", "", ""], strict=False))
