"""An LG unit's profile and state turned into levers and readings.

Protects: a lever is offered only where the profile lets it be written and the state shows it; a setting outside its own
range is no setting.
"""

from datetime import datetime

from domain.oem.lever import Lever, LeverName, LeverSpec
from domain.oem.readings import Condition, Reading
from oem_adapters.lg.manifest import HOT_WATER_TARGET, ROOM_SETPOINT, WATER_TARGET
from oem_adapters.lg.models import Document
from oem_adapters.lg.quirks import BY_WATER, OPERATION, POWER_OFF, ROOM_TARGET, ROOMS, TANK, TANK_TARGET, WATER_TARGET_C

PLACES: dict[LeverName, tuple[str, str]] = {
    ROOM_SETPOINT.name: (ROOMS, ROOM_TARGET),
    WATER_TARGET.name: (ROOMS, WATER_TARGET_C),
    HOT_WATER_TARGET.name: (TANK, TANK_TARGET),
}
"""Resource and property of each lever."""


def levers_of(profile: Document, state: Document) -> dict[LeverName, Lever]:
    """The levers that can be set and read back."""
    found = (_lever(spec, profile, state) for spec in (heating_spec(state), HOT_WATER_TARGET))
    return {lever.name: lever for lever in found if lever is not None}


def heating_spec(state: Document) -> LeverSpec:
    """What the unit heats by: the air of the room, or its water."""
    return WATER_TARGET if state.get(OPERATION, "roomTempMode") == BY_WATER else ROOM_SETPOINT


def reading_of(state: Document, lever: LeverName, as_of: datetime) -> Reading:
    """All that the state tells."""
    followed = (heating_spec(state).name, HOT_WATER_TARGET.name)
    shown = {name: state.temperature(*PLACES[name]) for name in followed}
    settings = {name: setting for name, setting in shown.items() if setting is not None}
    return Reading(
        as_of=as_of,
        lever=lever,
        setting=settings.get(lever),
        room_c=room_c(state),
        supply_c=state.temperature(ROOMS, "outWaterCurrentTemperature"),
        hot_water_c=state.temperature(TANK, "currentTemperature"),
        settings=settings,
        condition=Condition.OFF if state.get(OPERATION, "boilerOperationMode") == POWER_OFF else Condition.NORMAL,
    )


def room_c(state: Document) -> float | None:
    """The room's own temperature; `currentTemperature` may be the water's."""
    return state.temperature(ROOMS, "airCurrentTemperature")


def _lever(spec: LeverSpec, profile: Document, state: Document) -> Lever | None:
    place = PLACES[spec.name]
    limits, setting = profile.limits(*place), state.temperature(*place)
    if limits is None or setting is None or not limits[0] <= setting <= limits[1]:
        return None
    least, most, step = limits
    return Lever(spec=spec, minimum=least, maximum=most, step=step, baseline=setting)
