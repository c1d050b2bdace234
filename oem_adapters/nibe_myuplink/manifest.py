"""What NIBE's cloud and units offer, as heatsteer uses them."""

from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.lever import LeverSpec, StuckLimits, ThermalResponse

HEATING_OFFSET = LeverSpec(
    name="heating_offset",
    title="heating offset",
    circuit=Circuit.HEATING,
    # A setting stays until it is changed, so each delta is one that a house can be stuck with for two days at design
    # temperature: two steps are about four kelvin less supply.
    deltas={Mode.MIN: -2.0, Mode.MID: 1.0, Mode.MAX: 3.0},
    # From houses of every class and emitter at -12 and -16 C, with a margin (tests/simulator/test_stuck.py). The fall
    # is of those houses at rest as warm as their band or cooler, own control's fall in two dark days included.
    stuck=StuckLimits(drop_k=3.0, fall_k=3.7),
    response=ThermalResponse(water_k_per_unit=2.0),
)
"""Parallel shift of the heating curve, in steps."""

ROOM_SETPOINT = LeverSpec(
    name="room_setpoint",
    title="room setpoint",
    circuit=Circuit.HEATING,
    # Once everything has settled, a room is about 2.5 K cooler in MIN at most.
    deltas={Mode.MIN: -1.0, Mode.MID: 0.5, Mode.MAX: 1.5},
    stuck=StuckLimits(drop_k=1.5, fall_k=2.0),
    # Of the 3.5 K per kelvin of setpoint, 2 K come from the curve and 1.5 K from room influence, which also acts on
    # the room temperature.
    response=ThermalResponse(water_k_per_unit=3.5, feedback_k_per_k=1.5),
)
"""Room temperature that a heat zone aims at, in degrees C."""

HOT_WATER_COMFORT = LeverSpec(
    name="hot_water_comfort",
    title="hot-water comfort step",
    circuit=Circuit.HOT_WATER,
    # Both are safe to be stuck with: economy still makes hot water, and the hygiene cycle runs at every step.
    settings={HotWaterMode.HOLD: 0.0, HotWaterMode.BOOST: 2.0},
)
"""0 economy, 1 normal, 2 luxury."""

LEVERS = (HEATING_OFFSET, ROOM_SETPOINT, HOT_WATER_COMFORT)
