"""An LG unit's profile and state turned into levers and readings.

Protects: a lever is offered only where the profile lets it be written and the state shows it; a setting outside its own
range is no setting.
"""

from datetime import datetime

from domain.oem.lever import Lever, LeverName, LeverSpec
from domain.oem.readings import Condition, Reading
from oem_adapters.lg.manifest import HOT_WATER_TARGET, ROOM_SETPOINT
from oem_adapters.lg.models import Document
from oem_adapters.lg.quirks import BY_WATER, OPERATION, POWER_OFF, ROOM_TARGET, ROOMS, TANK, TANK_TARGET

PLACES: dict[LeverName, tuple[str, str]] = {
    ROOM_SETPOINT.name: (ROOMS, ROOM_TARGET),
    HOT_WATER_TARGET.name: (TANK, TANK_TARGET),
}
"""Resource and property of each lever."""


def levers_of(profile: Document, state: Document) -> dict[LeverName, Lever]:
    """The levers that can be set and read back."""
    specs = [HOT_WATER_TARGET] if follows_water(state) else [ROOM_SETPOINT, HOT_WATER_TARGET]
    found = (_lever(spec, profile, state) for spec in specs)
    return {lever.name: lever for lever in found if lever is not None}


def follows_water(state: Document) -> bool:
    """Whether rooms are heated by a water temperature instead of by their own."""
    return bool(state.get(OPERATION, "roomTempMode") == BY_WATER)


def reading_of(state: Document, lever: LeverName, as_of: datetime) -> Reading:
    """All that the state tells."""
    shown = {name: state.temperature(*place) for name, place in PLACES.items()}
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
