"""The manifest of LG: its ThinQ Connect cloud, its hourly quota, its timing, and the levers of its units.

Protects: every figure that the vendor may change stands here, with its reason.
"""

from datetime import timedelta

from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.lever import LeverSpec, StuckLimits, ThermalResponse
from domain.oem.manifest import Authentication, AuthFlow, Evidence, Manifest
from domain.oem.quota import Quota, QuotaScope
from domain.oem.readings import Condition
from domain.oem.timing import VendorTiming

ROOM_SETPOINT = LeverSpec(
    name="room_setpoint",
    title="room setpoint",
    circuit=Circuit.HEATING,
    # A setting stays until it is changed: once everything has settled, a room is about 2.5 K cooler in MIN at most.
    # MIN is never the unit's power switch.
    deltas={Mode.MIN: -1.0, Mode.MID: 0.5, Mode.MAX: 1.5},
    stuck=StuckLimits(drop_k=1.5, fall_k=2.0),
    # The unit modulates its water by room temperature; about as other makers' room control does.
    response=ThermalResponse(water_k_per_unit=3.5, feedback_k_per_k=1.5),
)
"""Room air temperature that the unit heats to, in degrees C."""

WATER_TARGET = LeverSpec(
    name="leaving_water",
    title="water temperature",
    circuit=Circuit.HEATING,
    # Stays until it is changed: four kelvin less supply are what a house can be stuck with for two days at design
    # temperature, as with a weather curve that is shifted by four. Less far up: what a floor bears is the installer's.
    deltas={Mode.MIN: -4.0, Mode.MID: 2.0, Mode.MAX: 4.0},
    stuck=StuckLimits(drop_k=3.0, fall_k=3.7),
    response=ThermalResponse(water_k_per_unit=1.0),
)
"""Temperature to which a unit that follows its water heats it, in degrees C."""

HOT_WATER_TARGET = LeverSpec(
    name="hot_water_target",
    title="hot-water temperature",
    circuit=Circuit.HOT_WATER,
    # Both are safe to be stuck with, and leave the unit's disinfection cycle alone, which is a setting of its own.
    deltas={HotWaterMode.HOLD: -3.0, HotWaterMode.BOOST: 3.0},
)
"""Temperature to which the tank is charged, in degrees C."""

TIMING = VendorTiming(
    # Not published; a control is passed on at once, and the state follows with the unit's next report.
    usual_delay=timedelta(seconds=120),
    look_again=timedelta(seconds=120),
    # Five minutes were the slowest among makers of this kind; the unit's next report shows them.
    longest_in_flight=timedelta(seconds=540),
    reading_max_age=timedelta(minutes=40),
    observe_calls=1.0,
)

MANIFEST = Manifest(
    oem="lg",
    title="LG ThinQ",
    # Of Europe, the Middle East and Africa; an account elsewhere is added with its region's address.
    api_url="https://api-eic.lgthinq.com",
    authentication=Authentication(flow=AuthFlow.ACCESS_TOKEN),
    # The vendor does not tell the number. A client that asked every ten seconds was refused after some ten minutes.
    quotas=(Quota(calls=60, window=timedelta(hours=1), scope=QuotaScope.ACCOUNT),),
    timing=TIMING,
    evidence=frozenset({Evidence.ROOM, Evidence.SUPPLY, Evidence.HOT_WATER}),
    conditions=frozenset({Condition.OFF, Condition.REMOTE_DISABLED, Condition.NORMAL}),
    hidden=frozenset({Condition.INSTALLER, Condition.AWAY, Condition.EXTERNAL}),
    levers=(ROOM_SETPOINT, WATER_TARGET, HOT_WATER_TARGET),
)

EMERGENCY = (
    "Emergency heat raises the heating lever as far as mode MAX does; the electric heater joins when the unit's own "
    "control calls for it, because this cloud offers no switch for it."
)
