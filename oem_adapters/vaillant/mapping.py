"""A system's document turned into levers and readings.

Protects: a zone is steered only where its own temperature does not change by a program, for such a change could not be
told from a person's; the household's own temperature is what it set, never a veto of ours.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from domain.oem.lever import Lever, LeverName
from domain.oem.readings import Busy, Condition, Reading
from oem_adapters.vaillant.manifest import HOT_WATER_TARGET, ROOM_SETPOINT
from oem_adapters.vaillant.models import Document, Heating, ZoneState, indexed
from oem_adapters.vaillant.quirks import (
    AWAY,
    BY_PROGRAM,
    CHARGING,
    MANUAL,
    OFF,
    OUTDOOR_C,
    QUICK_VETO,
    ROOM_C,
    ROOM_RANGE_C,
    ROOM_STEP_C,
    TANK_RANGE_C,
    TANK_STEP_C,
    WATER_C,
    within,
)


def zone_of(document: Document) -> ZoneState | None:
    """The first zone that is in use."""
    active = {zone.index for zone in document.properties.zones if zone.is_active is not False}
    return next((zone for zone in document.state.zones if zone.index in active or not active), None)


def is_vetoed(document: Document) -> bool:
    """Whether a quick veto is in force."""
    zone = zone_of(document)
    return zone is not None and zone.function == QUICK_VETO


def room_setpoint(document: Document) -> Lever | None:
    """The room temperature of the first zone; None where its own one is not known or changes by a program."""
    zone = zone_of(document)
    own_c = None if zone is None else own_setting_c(document, zone)
    if zone is None or own_c is None:
        return None
    low, high = ROOM_RANGE_C
    return Lever(
        spec=ROOM_SETPOINT, wire_id=str(zone.index), minimum=low, maximum=high, step=ROOM_STEP_C, baseline=own_c
    )


def own_setting_c(document: Document, zone: ZoneState) -> float | None:
    """The temperature that a household keeps all day; None where there is no such one."""
    configured = indexed(document.configuration.zones, zone.index)
    if configured is None:
        return None
    heating = configured.heating
    match heating.mode:
        case mode if mode == MANUAL:
            return within(heating.manual_c, ROOM_RANGE_C)
        case mode if mode == BY_PROGRAM:
            return _constant_c(heating)
    return None


def _constant_c(heating: Heating) -> float | None:
    """The one temperature of a program that never changes it."""
    days = [slots for day, slots in heating.program.items() if day.endswith("day") and isinstance(slots, list)]
    told = {within(c, ROOM_RANGE_C) for slots in days for c in _setpoints(slots)}
    if not all(_covers_a_day(slots) for slots in days):
        told.add(heating.set_back_c)
    return told.pop() if len(days) == 7 and len(told) == 1 else None


def _setpoints(slots: list[Any]) -> Iterator[float | None]:
    for slot in slots:
        yield slot.get("setpoint") if isinstance(slot, dict) and isinstance(slot.get("setpoint"), int | float) else None


def _covers_a_day(slots: list[Any]) -> bool:
    """Whether slots in order leave no minute of the day to the set-back temperature."""
    reached: Any = 0
    for slot in slots:
        if not isinstance(slot, dict) or slot.get("startTime") != reached:
            return False
        reached = slot.get("endTime")
    return bool(reached == 1440)


def hot_water_target(document: Document) -> Lever | None:
    """The first tank's temperature."""
    tank = next(iter(document.configuration.tanks), None)
    if tank is None:
        return None
    limits = indexed(document.properties.tanks, tank.index)
    low = TANK_RANGE_C[0] if limits is None or limits.lowest_c is None else limits.lowest_c
    high = TANK_RANGE_C[1] if limits is None or limits.highest_c is None else limits.highest_c
    target_c = within(tank.target_c, (low, high))
    if target_c is None:
        return None
    return Lever(
        spec=HOT_WATER_TARGET,
        wire_id=str(tank.index),
        minimum=low,
        maximum=high,
        step=TANK_STEP_C,
        baseline=target_c,
    )


def levers_of(document: Document) -> dict[LeverName, Lever]:
    """Every lever that can be set and read back."""
    found = (room_setpoint(document), hot_water_target(document))
    return {lever.name: lever for lever in found if lever is not None}


def reading_of(lever: LeverName, document: Document, as_of: datetime) -> Reading:
    """All that a document tells."""
    state, zone = document.state, zone_of(document)
    properties = None if zone is None else indexed(document.properties.zones, zone.index)
    circuit = indexed(state.circuits, properties.circuit if properties is not None else 0)
    tank = next(iter(state.tanks), None)
    settings = _settings(document, zone)
    return Reading(
        as_of=as_of,
        lever=lever,
        setting=settings.get(lever),
        room_c=None if zone is None else within(zone.room_c, ROOM_C),
        outdoor_c=within(state.system.outdoor_c, OUTDOOR_C),
        supply_c=None if circuit is None else within(circuit.supply_c, WATER_C),
        target_c=None if circuit is None else within(circuit.target_c, WATER_C),
        hot_water_c=None if tank is None else within(tank.water_c, WATER_C),
        settings=settings,
        ends=_ends(zone),
        condition=condition_of(document),
        busy=Busy.HOT_WATER if state.system.doing.startswith(CHARGING) else None,
    )


def _ends(zone: ZoneState | None) -> dict[LeverName, datetime]:
    """When a veto ends, whoever began it: a person's is for a while, and never their own temperature."""
    if zone is None or zone.function != QUICK_VETO or zone.veto_until is None:
        return {}
    return {ROOM_SETPOINT.name: zone.veto_until}


def _settings(document: Document, zone: ZoneState | None) -> dict[LeverName, float]:
    tank = hot_water_target(document)
    desired_c = None if zone is None else zone.desired_heating_c or zone.desired_c
    shown = {
        ROOM_SETPOINT.name: within(desired_c, ROOM_RANGE_C),
        HOT_WATER_TARGET.name: None if tank is None else tank.baseline,
    }
    return {lever: setting for lever, setting in shown.items() if setting is not None}


def condition_of(document: Document) -> Condition:
    """How the unit stands towards being steered, the strongest reason first; what is not told counts as normal."""
    zone = zone_of(document)
    if document.state.system.is_off or (zone is not None and zone.function == OFF):
        return Condition.OFF
    if zone is not None and zone.function == AWAY:
        return Condition.AWAY
    return Condition.EXTERNAL if document.properties.system.is_managed else Condition.NORMAL
