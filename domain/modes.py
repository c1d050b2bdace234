"""Modes: the generic wish for heating, the four states of SG-Ready.

Neutral (LOW) means the pump's own control on the household's own settings: reaching it is a revert, holding it needs no
call. MIN is a set-back, never power-off.
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


NEUTRAL = Mode.LOW


class Lever(StrEnum):
    """What can be set on a pump to express a mode, in one vocabulary for all vendors."""

    HEATING_OFFSET = "heating_offset"
    """Parallel shift of the heating curve in the vendor's steps; a setting stays until it is changed."""
    ROOM_SETPOINT = "room_setpoint"
    """Wished room temperature in degrees C; a setting stays until it is changed."""


MODE_DELTA: dict[Lever, dict[Mode, float]] = {
    Lever.HEATING_OFFSET: {Mode.MIN: -2.0, Mode.LOW: 0.0, Mode.MID: 1.0, Mode.MAX: 3.0},
    Lever.ROOM_SETPOINT: {Mode.MIN: -1.0, Mode.LOW: 0.0, Mode.MID: 0.5, Mode.MAX: 1.5},
}
"""Each mode as a delta on the baseline setting, in the lever's own unit.

Neither lever expires by itself, so each delta is one that a house can be stuck with for two days at design temperature:
two steps of offset are about four kelvin less supply, a room about 2.5 K cooler once everything has settled.
"""
