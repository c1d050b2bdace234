"""Modes: the generic wish for heating (the four states of SG-Ready) and for hot water, and the levers they act by.

Neutral (LOW, NORMAL) means the pump's own control on the household's own settings: reaching it is a revert, holding it
needs no call. MIN is a set-back, never power-off; HOLD never interrupts a vendor's hygiene cycle.
"""

from enum import StrEnum


class Mode(StrEnum):
    """What we wish a pump's heating to do."""

    MIN = "MIN"
    """Set back."""
    LOW = "LOW"
    """Neutral."""
    MID = "MID"
    """Raised."""
    MAX = "MAX"
    """Forced."""


class HotWaterMode(StrEnum):
    """What we wish a pump's hot water to do."""

    HOLD = "HOLD"
    """Charge later: the tank may cool to the unit's economy temperature."""
    NORMAL = "NORMAL"
    BOOST = "BOOST"
    """Charge now, to the unit's luxury temperature."""


Level = Mode | HotWaterMode
"""What can be wished of a circuit. The values differ between the two, so a text says which it is."""


class Circuit(StrEnum):
    """What a pump does with its heat; each is steered by its own lever."""

    HEATING = "heating"
    HOT_WATER = "hot_water"


NEUTRAL = Mode.LOW


_ORDER = tuple(Mode)


def at_most(mode: Mode, cap: Mode) -> Mode:
    """The mode, or the cap where the mode is higher."""
    return _ORDER[min(_ORDER.index(mode), _ORDER.index(cap))]


def at_least(mode: Mode, floor: Mode) -> Mode:
    """The mode, or the floor where the mode is lower."""
    return _ORDER[max(_ORDER.index(mode), _ORDER.index(floor))]


def neutral_of(circuit: Circuit) -> Level:
    """The level that is the pump's own control."""
    return Mode.LOW if circuit is Circuit.HEATING else HotWaterMode.NORMAL


class Lever(StrEnum):
    """What can be set on a pump to express a mode, in one vocabulary for all vendors."""

    HEATING_OFFSET = "heating_offset"
    """Parallel shift of the heating curve in the vendor's steps; a setting stays until it is changed."""
    ROOM_SETPOINT = "room_setpoint"
    """Wished room temperature in degrees C; a setting stays until it is changed."""
    HOT_WATER_COMFORT = "hot_water_comfort"
    """Comfort step of the hot water: 0 economy, 1 normal, 2 luxury; a setting stays until it is changed."""

    @property
    def circuit(self) -> Circuit:
        """What the lever acts on."""
        return Circuit.HOT_WATER if self is Lever.HOT_WATER_COMFORT else Circuit.HEATING


MODE_DELTA: dict[Lever, dict[Mode, float]] = {
    Lever.HEATING_OFFSET: {Mode.MIN: -2.0, Mode.LOW: 0.0, Mode.MID: 1.0, Mode.MAX: 3.0},
    Lever.ROOM_SETPOINT: {Mode.MIN: -1.0, Mode.LOW: 0.0, Mode.MID: 0.5, Mode.MAX: 1.5},
}
"""Each mode as a delta on the baseline setting, in the lever's own unit.

Neither lever expires by itself, so each delta is one that a house can be stuck with for two days at design temperature:
two steps of offset are about four kelvin less supply, a room about 2.5 K cooler once everything has settled.
"""

HOT_WATER_STEP: dict[HotWaterMode, float] = {HotWaterMode.HOLD: 0.0, HotWaterMode.BOOST: 2.0}
"""Hot-water modes as the vendor's comfort step; NORMAL is the household's own. Both are safe to be stuck with: economy
still makes hot water, and the unit's hygiene cycle runs at every step."""
