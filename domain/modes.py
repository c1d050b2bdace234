"""Modes: the generic targets for heating (the four states of SG-Ready) and for hot water.

Neutral (LOW, NORMAL) means the pump's own control on the household's own settings: reaching it is a revert, holding it
needs no call. MIN is a set-back, never power-off; HOLD never interrupts a vendor's hygiene cycle.
"""

from enum import StrEnum


class Mode(StrEnum):
    """What we ask of a pump's heating."""

    MIN = "MIN"
    """Set back."""
    LOW = "LOW"
    """Neutral."""
    MID = "MID"
    """Raised."""
    MAX = "MAX"
    """Forced."""


class HotWaterMode(StrEnum):
    """What we ask of a pump's hot water."""

    HOLD = "HOLD"
    """Charge later: the tank may cool to the unit's economy temperature."""
    NORMAL = "NORMAL"
    BOOST = "BOOST"
    """Charge now, to the unit's luxury temperature."""


Level = Mode | HotWaterMode
"""What a circuit can be asked for. The values differ between the two, so a text says which it is."""


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
